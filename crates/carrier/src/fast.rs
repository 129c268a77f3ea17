//! A registrar that only measures: it challenges, verifies every digest and keeps bindings, and is not what a benchmark waits for.
//!
//! One password and one realm serve all users, MD5 and `qop=auth`; whoever gives the right digest exists. It is sans-IO: bytes and a time
//! go in, bytes come out. It does without the temperaments and the memory of [`Carrier`](crate::Carrier), which cost ten times as much.

mod counts;
mod digest;
mod table;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use sip::{ChallengeSource, Message, Name, Start};

pub use counts::{FastCounts, SLOT};
use digest::{Parameters, response};
use table::{Binding, Table};

/// How it is set up.
#[derive(Clone, Debug)]
pub struct FastConfig {
    /// The realm of its challenges.
    pub realm: String,
    /// The password of every user.
    pub password: String,
    /// The longest binding in seconds.
    pub expires: u32,
}

/// Bindings, nonces and counts.
pub struct FastRegistrar {
    config: FastConfig,
    hasher: RandomState,
    table: Table,
    counts: FastCounts,
}

impl FastRegistrar {
    /// Makes one without bindings.
    pub fn new(config: FastConfig) -> Self {
        FastRegistrar { config, hasher: RandomState::new(), table: Table::default(), counts: FastCounts::default() }
    }

    /// Returns what was counted, and how many bindings run or have lapsed without being removed.
    pub fn counts(&self, now: Duration) -> FastCounts {
        let lapsed_now = self.table.lapsed(now);
        FastCounts { bound: self.table.bound(now), lapsed: self.counts.lapsed + lapsed_now, ..self.counts.clone() }
    }

    /// Takes a datagram and appends the answer to `out`; nothing is answered to what is no request. `now` counts from the start.
    pub fn handle(&mut self, now: Duration, datagram: &[u8], out: &mut Vec<u8>) {
        let Ok(message) = Message::parse(datagram) else { return };
        match message.start() {
            Start::Request { method: "REGISTER", .. } => self.register(now, &message, out),
            Start::Request { .. } => {
                self.counts.others += 1;
                answer(&message, "200 OK", &[], out);
            }
            Start::Status { .. } => {}
        }
    }

    fn register(&mut self, now: Duration, message: &Message<'_>, out: &mut Vec<u8>) {
        self.counts.arrived(now);
        let user = message.to().ok().and_then(|to| sip::Uri::parse(to.uri).ok()).and_then(|uri| uri.user).unwrap_or_default();
        let key = self.hasher.hash_one(user);
        let branch = message.via().ok().and_then(|via| via.branch().map(|branch| self.hasher.hash_one(branch))).unwrap_or_default();
        let entry = self.table.entry(key);
        if entry.branch == branch {
            self.counts.retransmitted += 1;
        }
        entry.branch = branch;
        let given = message.header(ChallengeSource::Registrar.answered_in()).and_then(Parameters::read);
        let Some(given) = given else {
            self.counts.challenged += 1;
            return self.challenge(now, false, message, out);
        };
        let nonce = self.hasher.hash_one(given.nonce);
        let issued = self.issued(given.nonce);
        let count = u32::from_str_radix(given.nc, 16).unwrap_or_default();
        let entry = self.table.entry(key);
        let used = entry.nonce == nonce && count <= entry.nc;
        if issued.is_none() || used {
            self.counts.stale += 1;
            return self.challenge(now, true, message, out);
        }
        let right = response(&self.config, user, &given);
        if right.as_slice() != given.response.as_bytes() {
            self.counts.wrong += 1;
            return answer(message, "403 Forbidden", &[], out);
        }
        (entry.nonce, entry.nc) = (nonce, count);
        let asked = message.expires().ok().flatten().unwrap_or(self.config.expires).min(self.config.expires);
        let before = entry.binding.replace(Binding { lapses_at: now + Duration::from_secs(u64::from(asked)) });
        match before {
            Some(before) if before.lapses_at < now => self.counts.lapsed += 1,
            Some(_) => self.counts.refreshed += 1,
            None => self.counts.bound_first += 1,
        }
        if asked == 0 {
            entry.binding = None;
        }
        self.counts.accepted += 1;
        let contact = message.contacts().next().and_then(Result::ok).map_or("", |contact| contact.uri());
        let seconds = asked.to_string();
        answer(message, "200 OK", &[b"Contact: <", contact.as_bytes(), b">;expires=", seconds.as_bytes(), b"\r\n"], out);
    }

    fn challenge(&self, now: Duration, stale: bool, message: &Message<'_>, out: &mut Vec<u8>) {
        let at = now.as_micros() as u64;
        let nonce = format!("{at:016x}{:016x}", self.mark(at));
        let stale: &[u8] = if stale { b", stale=true" } else { b"" };
        let realm = self.config.realm.as_bytes();
        let head: &[u8] = b"WWW-Authenticate: Digest realm=\"";
        answer(
            message,
            "401 Unauthorized",
            &[head, realm, b"\", nonce=\"", nonce.as_bytes(), b"\", algorithm=MD5, qop=\"auth\"", stale, b"\r\n"],
            out,
        );
    }

    /// When a nonce of ours was issued, in microseconds.
    fn issued(&self, nonce: &str) -> Option<u64> {
        let (at, mark) = nonce.split_at_checked(16)?;
        let at = u64::from_str_radix(at, 16).ok()?;
        (u64::from_str_radix(mark, 16) == Ok(self.mark(at))).then_some(at)
    }

    fn mark(&self, at: u64) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write_u64(at);
        hasher.finish()
    }
}

/// Writes an answer (RFC 3261 8.2.6.2).
fn answer(request: &Message<'_>, status: &str, lines: &[&[u8]], out: &mut Vec<u8>) {
    out.extend_from_slice(b"SIP/2.0 ");
    out.extend_from_slice(status.as_bytes());
    out.extend_from_slice(b"\r\n");
    for (name, tag) in [(Name::Via, ""), (Name::From, ""), (Name::To, ";tag=f"), (Name::CallId, ""), (Name::CSeq, "")] {
        for value in request.headers(name) {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            out.extend_from_slice(value);
            out.extend_from_slice(tag.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
    lines.iter().for_each(|line| out.extend_from_slice(line));
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registrar() -> FastRegistrar {
        FastRegistrar::new(FastConfig { realm: "carrier.test".into(), password: "secret".into(), expires: 60 })
    }

    fn request(branch: &str, authorization: &str) -> String {
        format!(
            "REGISTER sip:carrier.test SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5080;branch={branch}\r\nFrom: <sip:u1@carrier.test>;tag=a\r\nTo: <sip:u1@carrier.test>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContact: <sip:u1@127.0.0.1:5080>;expires=600\r\nExpires: 600\r\n{authorization}Content-Length: 0\r\n\r\n"
        )
    }

    fn ask(registrar: &mut FastRegistrar, seconds: u64, request: &str) -> String {
        let mut out = Vec::new();
        registrar.handle(Duration::from_secs(seconds), request.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    fn authorization(challenge: &str, nc: u32, password: &str) -> String {
        let message = Message::parse(challenge.as_bytes()).unwrap();
        let (_, challenge) = message.challenges().next().unwrap();
        let nonce = String::from_utf8(challenge.unwrap().nonce().to_vec()).unwrap();
        let ha1 = sip::digest::ha1(sip::digest::Hash::Md5, "u1", "carrier.test", password.as_bytes());
        let answer = sip::digest::Answer {
            algorithm: sip::digest::Algorithm::MD5,
            ha1: ha1.as_str(),
            realm: "carrier.test",
            username: "u1",
            nonce: nonce.as_bytes(),
            opaque: None,
            qop: sip::digest::Qop::Auth,
            cnonce: "c",
            nc,
            algorithm_echo: true,
            userhash: false,
            utf8: false,
            truncated_sha512: false,
        };
        let mut value = Vec::new();
        answer.write(&sip::digest::Request { method: "REGISTER", uri: "sip:carrier.test", body: b"" }, &mut value);
        format!("Authorization: {}\r\n", String::from_utf8(value).unwrap())
    }

    #[test]
    fn it_challenges_verifies_and_counts() {
        let mut registrar = registrar();
        let challenge = ask(&mut registrar, 0, &request("z1", ""));
        assert!(challenge.starts_with("SIP/2.0 401 "), "{challenge}");
        let wrong = ask(&mut registrar, 0, &request("z2", &authorization(&challenge, 1, "other")));
        assert!(wrong.starts_with("SIP/2.0 403 "), "{wrong}");
        let granted = ask(&mut registrar, 0, &request("z3", &authorization(&challenge, 1, "secret")));
        assert!(granted.starts_with("SIP/2.0 200 ") && granted.contains("Contact: <sip:u1@127.0.0.1:5080>;expires=60\r\n"), "{granted}");
        assert!(Message::parse(granted.as_bytes()).is_ok());
        // A count that does not rise is a replay; one that does is a refresh.
        assert!(ask(&mut registrar, 1, &request("z4", &authorization(&challenge, 1, "secret"))).contains("stale=true"));
        assert!(ask(&mut registrar, 30, &request("z5", &authorization(&challenge, 2, "secret"))).starts_with("SIP/2.0 200 "));
        // The same once more is a retransmission, and what comes after the end has lapsed.
        ask(&mut registrar, 30, &request("z5", &authorization(&challenge, 3, "secret")));
        assert!(ask(&mut registrar, 91, &request("z6", &authorization(&challenge, 4, "secret"))).starts_with("SIP/2.0 200 "));
        let counts = registrar.counts(Duration::from_secs(92));
        assert_eq!((counts.challenged, counts.wrong, counts.stale, counts.accepted), (1, 1, 1, 4));
        assert_eq!((counts.bound_first, counts.refreshed, counts.lapsed, counts.retransmitted, counts.bound), (1, 2, 1, 1, 1));
        assert_eq!(registrar.counts(Duration::from_secs(152)).lapsed, 2, "nobody came in time");
    }
}
