use std::net::SocketAddr;
use std::time::{Duration, Instant};

use carrier::{Account, Carrier, Registrar, Reply};
use sip::build::Builder;
use sip::digest::{self, Algorithm, Answer, Hash, Qop};
use sip::{AlgorithmOffer, Message, QopOffer};

pub const REALM: &str = "lab.example";
pub const URI: &str = "sip:lab.example";
const LOCAL: &str = "127.0.0.1:5060";

/// A registering phone of user `alice`, password `s3cret`, and the carrier it talks to.
pub struct Phone {
    pub carrier: Carrier,
    pub now: Instant,
    pub source: SocketAddr,
    /// Datagrams where absent.
    pub connection: Option<u64>,
    pub user: String,
    pub username: String,
    pub password: String,
    pub call_id: String,
    pub cseq: u32,
    pub contact: Option<String>,
    pub truncated_sha512: bool,
    branch: u32,
    nonce_count: u32,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub code: u16,
    pub bytes: Vec<u8>,
}

impl Got {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let message = Message::parse(&self.bytes).unwrap();
        message.other(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    pub fn headers(&self, name: &str) -> Vec<String> {
        let message = Message::parse(&self.bytes).unwrap();
        let all = message.all().filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
        all.map(|(_, value)| String::from_utf8_lossy(value).into_owned()).collect()
    }
}

/// The registrar of the talks, with alice's account.
pub fn registrar(rows: &[&str]) -> Registrar {
    Registrar::new("lab", REALM).account(Account::new("alice", "s3cret")).rows(rows)
}

/// A phone at a carrier with these rows.
pub fn phone(rows: &[&str]) -> Phone {
    phone_at(registrar(rows))
}

pub fn phone_at(registrar: Registrar) -> Phone {
    let now = Instant::now();
    Phone {
        carrier: Carrier::new(registrar, 7, now),
        now,
        source: "192.0.2.1:5070".parse().unwrap(),
        connection: None,
        user: "alice".into(),
        username: "alice".into(),
        password: "s3cret".into(),
        call_id: "call-1".into(),
        cseq: 0,
        contact: Some("<sip:alice@192.0.2.1:5070;line=a>".into()),
        truncated_sha512: false,
        branch: 0,
        nonce_count: 0,
    }
}

impl Phone {
    pub fn later(&mut self, seconds: u64) -> &mut Self {
        self.now += Duration::from_secs(seconds);
        self
    }

    /// A REGISTER without or with Authorization.
    pub fn request(&mut self, expires: u32, authorization: Option<(&str, &str)>) -> Vec<u8> {
        self.branch += 1;
        self.cseq += 1;
        let mut builder = Builder::request("REGISTER", URI)
            .header("Via", format!("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK{};rport", self.branch))
            .header("From", format!("<sip:{}@{REALM}>;tag=f", self.user))
            .header("To", format!("<sip:{}@{REALM}>", self.user))
            .header("Call-ID", &self.call_id)
            .header("CSeq", format!("{} REGISTER", self.cseq));
        if let Some(contact) = &self.contact {
            builder = builder.header("Contact", contact).header("Expires", expires);
        }
        if let Some((name, value)) = authorization {
            builder = builder.header(name, value);
        }
        builder.finish()
    }

    pub fn plain(&mut self, method: &str) -> Vec<u8> {
        self.branch += 1;
        self.cseq += 1;
        Builder::request(method, URI)
            .header("Via", format!("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK{};rport", self.branch))
            .header("From", format!("<sip:alice@{REALM}>;tag=f"))
            .header("To", format!("<sip:alice@{REALM}>"))
            .header("Call-ID", "call-o")
            .header("CSeq", format!("{} {method}", self.cseq))
            .finish()
    }

    pub fn replies(&mut self, datagram: &[u8]) -> Vec<Reply> {
        match self.connection {
            Some(connection) => self.carrier.handle_on(self.now, connection, datagram),
            None => self.carrier.handle(self.now, self.source, LOCAL.parse().unwrap(), datagram),
        }
    }

    /// Sends, and takes the last reply; silence is code 0.
    pub fn send(&mut self, datagram: &[u8]) -> Got {
        let Some(last) = self.replies(datagram).pop() else { return Got { code: 0, bytes: Vec::new() } };
        // A call of the carrier's has no code.
        let code = Message::parse(&last.bytes).unwrap().start().code().unwrap_or(0);
        Got { code, bytes: last.bytes }
    }

    /// A REGISTER without Authorization.
    pub fn ask(&mut self, expires: u32) -> Got {
        let request = self.request(expires, None);
        self.send(&request)
    }

    /// A REGISTER that answers the strongest challenge of `challenged` that can be answered; its nonce for the n-th time.
    pub fn answer(&mut self, expires: u32, challenged: &Got, count: u32) -> Got {
        self.nonce_count = count;
        match self.authorization(&challenged.bytes) {
            Some((name, value)) => {
                let request = self.request(expires, Some((name, &value)));
                self.send(&request)
            }
            None => panic!("nothing to answer in {}", challenged.text()),
        }
    }

    /// REGISTER, challenge, REGISTER: the final code.
    pub fn register(&mut self, expires: u32) -> Got {
        let first = self.ask(expires);
        if matches!(first.code, 401 | 407) { self.answer(expires, &first, 1) } else { first }
    }

    fn authorization(&self, challenged: &[u8]) -> Option<(&'static str, String)> {
        let message = Message::parse(challenged).unwrap();
        let known = message.challenges().filter_map(|(source, challenge)| {
            let challenge = challenge.ok()?;
            let algorithm = match challenge.algorithm() {
                AlgorithmOffer::Absent => Algorithm::MD5,
                AlgorithmOffer::Known(algorithm) => algorithm,
                // The talks answer odd spellings; whether a client should is not the carrier's business.
                AlgorithmOffer::Unknown(text) => Algorithm::from_spelling(text)?,
            };
            (challenge.realm() != "other.example").then_some((source, challenge, algorithm))
        });
        let (source, challenge, algorithm) = known.max_by_key(|(_, _, algorithm)| algorithm.hash)?;
        let realm = challenge.realm();
        let truncated = self.truncated_sha512 && algorithm.hash == Hash::Sha512_256;
        let ha1 = if truncated {
            digest::ha1_truncated_sha512(&self.username, &realm, self.password.as_bytes())
        } else {
            digest::ha1(algorithm.hash, &self.username, &realm, self.password.as_bytes())
        };
        let answer = Answer {
            algorithm,
            ha1: ha1.as_str(),
            realm: &realm,
            username: &self.username,
            nonce: challenge.nonce(),
            opaque: challenge.opaque(),
            qop: match challenge.qop() {
                QopOffer::Absent | QopOffer::UnknownOnly => Qop::None,
                QopOffer::Offers { auth: true, .. } => Qop::Auth,
                QopOffer::Offers { .. } => Qop::AuthInt,
            },
            cnonce: "c0ffee",
            nc: self.nonce_count,
            algorithm_echo: !matches!(challenge.algorithm(), AlgorithmOffer::Absent),
            userhash: challenge.userhash(),
            utf8: challenge.utf8(),
            truncated_sha512: self.truncated_sha512,
        };
        let mut value = Vec::new();
        answer.write(&digest::Request { method: "REGISTER", uri: URI, body: b"" }, &mut value);
        let name = match source {
            sip::ChallengeSource::Registrar => "Authorization",
            sip::ChallengeSource::Proxy => "Proxy-Authorization",
        };
        Some((name, String::from_utf8(value).unwrap()))
    }

    /// The Contacts bound for alice.
    pub fn bound(&self) -> Vec<String> {
        self.carrier.bindings(self.now, "alice").into_iter().map(|binding| binding.contact).collect()
    }
}
