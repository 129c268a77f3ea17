//! A challenge being answered: the nonce, how often it was used, and the HA1 that goes with it.

use secrecy::ExposeSecret;
use sip::ChallengeSource;
use sip::digest::{self, Answer, Hash, HexDigest, PackedDigest, Qop, Request};

use crate::account::Holder;
use crate::challenge::Choice;
use crate::chance::Tokens;
use crate::{Credential, Flow, Instant, Local, Place, Secret};

/// A challenge being answered. It belongs to one (target, realm, algorithm, local socket, Call-ID, credential version).
pub struct Answering {
    /// What the carrier asked.
    pub choice: Choice,
    /// Ours, kept as long as its nonce.
    pub cnonce: Cnonce,
    /// How often the nonce was used.
    pub nc: u32,
    /// When it came.
    pub issued_at: Instant,
    /// The credential version that answers.
    pub version: u32,
    /// The socket that it came to.
    pub local: Local,
    /// The place that was asked, which may differ from the one that answered.
    pub target: Place,
    /// The connection that it came on.
    pub flow: Option<Flow>,
    /// The digest user name where it is not the account's.
    other_name: Option<Box<str>>,
    ha1: PackedDigest,
    truncated_sha512: bool,
}

impl Answering {
    /// Begins to answer; nothing is computed for the wire yet. Without a usable secret there is nothing to begin.
    pub fn begin(choice: Choice, credential: &Credential, cnonce: Cnonce, truncated_sha512: bool, came: Came) -> Option<Self> {
        let hash = choice.algorithm.hash;
        let username = credential.username_of(choice.holder);
        let ha1 = match credential.secret_of(choice.holder) {
            Secret::Password(password) if truncated_sha512 && hash == digest::Hash::Sha512_256 => {
                digest::ha1_truncated_sha512(username, &choice.realm, password.expose_secret().as_bytes())
            }
            Secret::Password(password) => digest::ha1(hash, username, &choice.realm, password.expose_secret().as_bytes()),
            Secret::Ha1(values) => {
                let (_, hex) = values.iter().find(|(of, _)| *of == hash)?;
                HexDigest::from_hex(hash, hex.expose_secret())?
            }
        };
        let other_name = (choice.holder == Holder::Proxy).then(|| username.into());
        let Came { at, local, target, flow } = came;
        let version = credential.version;
        let ha1 = ha1.pack();
        Some(Answering { choice, cnonce, nc: 0, issued_at: at, version, local, target, flow, other_name, ha1, truncated_sha512 })
    }

    /// Goes on counting where the carrier repeats a nonce that was used: from 1 again it would be a replay (RFC 7616 3.4).
    #[must_use]
    pub fn going_on_from(mut self, used: &[Answering]) -> Self {
        let same = |old: &&Answering| {
            old.choice.nonce == self.choice.nonce && old.choice.source == self.choice.source && old.version == self.version
        };
        if let Some(old) = used.iter().find(same) {
            self.nc = old.nc;
            self.cnonce = old.cnonce;
        }
        self
    }

    /// Counts the nonce up and appends the header line that answers this request; `username` is the account's.
    pub fn line(&mut self, username: &str, method: &str, uri: &str, lines: &mut Vec<u8>) {
        self.line_over(None, username, method, uri, lines);
    }

    /// As [`Answering::line`]; the H(A2) of method and URI by its algorithm may be kept for the next.
    pub fn line_over(&mut self, kept: Option<&mut Ha2>, username: &str, method: &str, uri: &str, lines: &mut Vec<u8>) {
        self.nc = self.nc.saturating_add(1);
        let (ha1, cnonce) = (self.ha1.unpack(), self.cnonce.text());
        let answer = Answer {
            algorithm: self.choice.algorithm,
            ha1: ha1.as_str(),
            realm: &self.choice.realm,
            username: self.other_name.as_deref().unwrap_or(username),
            nonce: &self.choice.nonce,
            opaque: self.choice.opaque.as_deref(),
            qop: self.choice.qop,
            cnonce: cnonce.as_str(),
            nc: self.nc,
            algorithm_echo: self.choice.spelled.is_some(),
            userhash: self.choice.userhash,
            utf8: self.choice.utf8,
            truncated_sha512: self.truncated_sha512,
        };
        lines.extend_from_slice(self.choice.source.answered_in().as_str().as_bytes());
        lines.extend_from_slice(b": ");
        let request = Request { method, uri, body: b"" };
        match kept {
            Some(kept) => answer.write_over(&request, kept.of(&answer, &request), lines),
            None => answer.write(&request, lines),
        }
        lines.extend_from_slice(b"\r\n");
    }

    /// Goes on with the nonce that the carrier names for the next request (RFC 7616 3.5 `nextnonce`).
    pub fn next_nonce(&mut self, nonce: &[u8], now: Instant) {
        if *self.choice.nonce != *nonce {
            self.choice.nonce = nonce.into();
            self.nc = 0;
            self.issued_at = now;
        }
    }
}

/// The H(A2) that was used last.
#[derive(Default)]
pub struct Ha2(Option<KeptHa2>);

struct KeptHa2 {
    hash: Hash,
    truncated_sha512: bool,
    qop: Qop,
    method: Box<str>,
    uri: Box<str>,
    digest: HexDigest,
}

impl Ha2 {
    /// Returns that of a request without a body.
    fn of(&mut self, answer: &Answer<'_>, request: &Request<'_>) -> &HexDigest {
        let (hash, truncated_sha512, qop) = (answer.algorithm.hash, answer.truncated_sha512, answer.qop);
        let kept = self.0.take().filter(|kept| {
            (kept.hash, kept.truncated_sha512, kept.qop) == (hash, truncated_sha512, qop)
                && *kept.method == *request.method
                && *kept.uri == *request.uri
        });
        let kept = kept.unwrap_or_else(|| KeptHa2 {
            hash,
            truncated_sha512,
            qop,
            method: request.method.into(),
            uri: request.uri.into(),
            digest: answer.ha2(request),
        });
        &self.0.insert(kept).digest
    }
}

/// The client's nonce: 32 lower-case hexadecimal digits, kept as what they say.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cnonce(u128);

impl Cnonce {
    /// Draws one.
    pub fn draw(tokens: &mut Tokens) -> Self {
        tokens.hex::<32>().into_iter().fold(Cnonce(0), |Cnonce(all), digit| Cnonce(all * 16 + u128::from(value(digit))))
    }

    /// Takes one that was kept as text.
    pub fn of(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let sound = digits.len() == 32 && digits.iter().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit));
        sound.then(|| digits.iter().fold(Cnonce(0), |Cnonce(all), &digit| Cnonce(all * 16 + u128::from(value(digit)))))
    }

    /// Returns the digits.
    pub fn text(self) -> Digits {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            pair.copy_from_slice(&sip::digest::hex_pair(byte));
        }
        Digits(digits)
    }
}

fn value(digit: u8) -> u8 {
    match digit {
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit.wrapping_sub(b'0') & 15,
    }
}

/// A cnonce as text.
pub struct Digits([u8; 32]);

impl Digits {
    /// Returns it.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Whose secret a refusal refuses: that of the answer to whoever spoke, the proxy by 407 and the registrar by 401.
pub fn refused_holder(answers: &[Answering], code: Option<u16>) -> Holder {
    let spoke = |answer: &&Answering| code == Some(407) && answer.choice.source == ChallengeSource::Proxy;
    // Behind a proxy that lets it pass, it is the registrar that refuses.
    let own = |answer: &&Answering| answer.choice.holder == Holder::Account;
    answers.iter().find(spoke).or(answers.iter().find(own)).or(answers.last()).map_or(Holder::Account, |answer| answer.choice.holder)
}

/// Where and when a challenge came.
#[derive(Clone, Copy, Debug)]
pub struct Came {
    /// When.
    pub at: Instant,
    /// To which socket.
    pub local: Local,
    /// After asking whom.
    pub target: Place,
    /// On which connection.
    pub flow: Option<Flow>,
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::Transport;
    use crate::challenge::Asked;
    use crate::endpoint::given::credential;

    /// An answer to a challenge of `carrier.test`, always with the same cnonce.
    fn answering(source: ChallengeSource, holder: Holder, algorithm: &str, qop: Qop, truncated: bool) -> Answering {
        let asked = Asked {
            source,
            holder,
            realm: "carrier.test".into(),
            algorithm: digest::Algorithm::from_token(algorithm).unwrap(),
            spelled: Some(algorithm.into()),
            qop,
            userhash: false,
            utf8: false,
            offered: vec![algorithm.into()],
        };
        let choice = Choice { asked: Arc::new(asked), nonce: (*b"n").into(), opaque: None, stale: false, downgraded: false };
        let target = Place { transport: Transport::Udp, address: "198.51.100.1:5060".parse().unwrap() };
        let came = Came { at: Instant::default(), local: Local(0), target, flow: None };
        Answering::begin(choice, &credential(), Cnonce(7), truncated, came).unwrap()
    }

    #[test]
    fn over_a_kept_ha2_or_none_the_digest_is_the_same_whatever_was_answered_before() {
        let table = [
            ("MD5", Qop::Auth, false, "REGISTER", "sip:a"),
            ("MD5", Qop::Auth, false, "REGISTER", "sip:a"),
            ("MD5", Qop::Auth, false, "REGISTER", "sip:b"),
            ("MD5", Qop::Auth, false, "OPTIONS", "sip:b"),
            ("MD5", Qop::AuthInt, false, "OPTIONS", "sip:b"),
            ("SHA-256", Qop::AuthInt, false, "OPTIONS", "sip:b"),
            ("SHA-512-256", Qop::Auth, false, "OPTIONS", "sip:b"),
            ("SHA-512-256", Qop::Auth, true, "OPTIONS", "sip:b"),
            ("SHA-512-256", Qop::Auth, false, "REGISTER", "sip:a"),
        ];
        let mut kept = Ha2::default();
        for (algorithm, qop, truncated, method, uri) in table {
            let [mut over, mut fresh] = [(); 2].map(|()| answering(ChallengeSource::Registrar, Holder::Account, algorithm, qop, truncated));
            let (mut by_kept, mut by_none) = (Vec::new(), Vec::new());
            over.line_over(Some(&mut kept), "alice", method, uri, &mut by_kept);
            fresh.line("alice", method, uri, &mut by_none);
            assert_eq!(String::from_utf8(by_kept), String::from_utf8(by_none), "{algorithm} {qop:?} {truncated} {method} {uri}");
        }
    }

    // covers: C20
    #[test]
    fn a_truncated_sha_512_is_computed_where_the_profile_says_so_and_for_that_algorithm_alone() {
        let ha1_of = |algorithm: &str, truncated: bool| {
            let packed = answering(ChallengeSource::Registrar, Holder::Account, algorithm, Qop::Auth, truncated).ha1;
            packed.unpack().as_str().to_owned()
        };
        let standard = |hash| digest::ha1(hash, "alice", "carrier.test", b"secret").as_str().to_owned();
        let truncated = digest::ha1_truncated_sha512("alice", "carrier.test", b"secret").as_str().to_owned();
        assert_eq!([ha1_of("SHA-512-256", true), ha1_of("SHA-512-256", false)], [truncated, standard(Hash::Sha512_256)]);
        assert_eq!([ha1_of("MD5", true), ha1_of("SHA-256", true)], [standard(Hash::Md5), standard(Hash::Sha256)]);
    }

    // covers: C16
    #[test]
    fn who_spoke_refused_its_own_secret_and_behind_a_proxy_that_lets_it_pass_the_registrar_did() {
        let proxys = || answering(ChallengeSource::Proxy, Holder::Proxy, "MD5", Qop::Auth, false);
        let own = || answering(ChallengeSource::Registrar, Holder::Account, "MD5", Qop::Auth, false);
        for answers in [[proxys(), own()], [own(), proxys()]] {
            for (code, holder) in
                [(Some(407), Holder::Proxy), (Some(401), Holder::Account), (Some(403), Holder::Account), (None, Holder::Account)]
            {
                assert!(refused_holder(&answers, code) == holder, "{code:?}");
            }
        }
        assert!(refused_holder(&[proxys()], Some(403)) == Holder::Proxy);
        assert!(refused_holder(&[], Some(407)) == Holder::Account);
    }

    #[test]
    fn a_cnonce_is_the_digits_that_were_drawn() {
        let [mut tokens, mut same] = [(); 2].map(|()| Tokens::new([3; 32]));
        for _ in 0..100 {
            assert_eq!(Cnonce::draw(&mut tokens).text().0, same.hex::<32>());
        }
    }

    #[test]
    fn a_cnonce_is_the_same_text_after_it_was_kept() {
        let mut tokens = Tokens::new([3; 32]);
        for _ in 0..100 {
            let cnonce = Cnonce::draw(&mut tokens);
            assert_eq!(Cnonce::of(cnonce.text().as_str()).map(|kept| kept.text().0), Some(cnonce.text().0));
        }
        assert_eq!(Cnonce::of("00112233445566778899aabbccddeeff").unwrap().text().as_str(), "00112233445566778899aabbccddeeff");
        for bad in ["", "0011", "00112233445566778899AABBCCDDEEFF", "+0112233445566778899aabbccddeeff"] {
            assert!(Cnonce::of(bad).is_none(), "{bad}");
        }
    }
}
