//! A challenge being answered: the nonce, how often it was used, and the HA1 that goes with it.

use secrecy::ExposeSecret;
use sip::ChallengeSource;
use sip::digest::{self, Answer, HexDigest, Request};

use crate::account::Holder;
use crate::challenge::Choice;
use crate::{Credential, Flow, Instant, Local, Place, Secret};

/// A challenge being answered. It belongs to one (target, realm, algorithm, local socket, Call-ID, credential version).
pub struct Answering {
    /// What the carrier asked.
    pub choice: Choice,
    /// Ours, kept as long as its nonce.
    pub cnonce: Box<str>,
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
    ha1: HexDigest,
    truncated_sha512: bool,
}

impl Answering {
    /// Begins to answer; nothing is computed for the wire yet. Without a usable secret there is nothing to begin.
    pub fn begin(choice: Choice, credential: &Credential, cnonce: Box<str>, truncated_sha512: bool, came: Came) -> Option<Self> {
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
            self.cnonce.clone_from(&old.cnonce);
        }
        self
    }

    /// Counts the nonce up and appends the header line that answers this request; `username` is the account's.
    pub fn line(&mut self, username: &str, method: &str, uri: &str, lines: &mut Vec<u8>) {
        self.nc = self.nc.saturating_add(1);
        let answer = Answer {
            algorithm: self.choice.algorithm,
            ha1: self.ha1.as_str(),
            realm: &self.choice.realm,
            username: self.other_name.as_deref().unwrap_or(username),
            nonce: &self.choice.nonce,
            opaque: self.choice.opaque.as_deref(),
            qop: self.choice.qop,
            cnonce: &self.cnonce,
            nc: self.nc,
            algorithm_echo: self.choice.spelled.is_some(),
            userhash: self.choice.userhash,
            utf8: self.choice.utf8,
            truncated_sha512: self.truncated_sha512,
        };
        lines.extend_from_slice(self.choice.source.answered_in().as_str().as_bytes());
        lines.extend_from_slice(b": ");
        answer.write(&Request { method, uri, body: b"" }, lines);
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

/// Whose secret a refusal refuses: that of the answer to whoever spoke, the proxy by 407 and the registrar by 401.
pub fn refused_holder(answers: &[Answering], code: Option<u16>) -> Holder {
    let spoke = |answer: &&Answering| match code {
        Some(407) => answer.choice.source == ChallengeSource::Proxy,
        Some(401) => answer.choice.source == ChallengeSource::Registrar,
        _ => false,
    };
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
