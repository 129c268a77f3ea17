//! What the scripted registrar answers.

use sip::build::Builder;
use std::net::SocketAddr;

use super::Sent;

/// An answer of the registrar.
#[derive(Clone, Debug)]
pub struct Says {
    code: u16,
    reason: String,
    headers: Vec<(String, String)>,
    granted: Granted,
    challenges: Vec<Challenge>,
}

#[derive(Clone, Debug)]
enum Granted {
    /// The request's Contact, for what it asks or for so many seconds.
    Echo(Option<u32>),
    Nothing,
}

#[derive(Clone, Debug)]
struct Challenge {
    proxy: bool,
    realm: Option<String>,
    nonce: String,
    algorithm: Option<String>,
    qop: Option<String>,
    more: String,
}

/// Any final or provisional answer.
pub fn status(code: u16, reason: &str) -> Says {
    Says { code, reason: reason.to_owned(), headers: Vec::new(), granted: Granted::Nothing, challenges: Vec::new() }
}

/// 200 that lists the request's Contact, for as long as it asks.
pub fn ok() -> Says {
    Says { granted: Granted::Echo(None), ..status(200, "OK") }
}

/// 401 with one MD5 challenge of the default realm, qop="auth".
pub fn challenge(nonce: &str) -> Says {
    let challenge = Challenge {
        proxy: false,
        realm: None,
        nonce: nonce.to_owned(),
        algorithm: Some("MD5".into()),
        qop: Some("auth".into()),
        more: String::new(),
    };
    Says { challenges: vec![challenge], ..status(401, "Unauthorized") }
}

impl Says {
    /// Grants so many seconds.
    pub fn expires(mut self, seconds: u32) -> Self {
        self.granted = Granted::Echo(Some(seconds));
        self
    }

    /// Lists no Contact of the request's.
    pub fn listing_nothing(mut self) -> Self {
        self.granted = Granted::Nothing;
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn reason(mut self, reason: &str) -> Self {
        self.reason = reason.to_owned();
        self
    }

    fn challenge(mut self, change: impl FnOnce(&mut Challenge)) -> Self {
        change(self.challenges.last_mut().expect("a challenge"));
        self
    }

    pub fn stale(self) -> Self {
        self.with_param("stale=true")
    }

    pub fn realm(self, realm: &str) -> Self {
        self.challenge(|challenge| challenge.realm = Some(realm.to_owned()))
    }

    /// The algorithm as spelled; none where empty.
    pub fn algorithm(self, literal: &str) -> Self {
        self.challenge(|challenge| challenge.algorithm = (!literal.is_empty()).then(|| literal.to_owned()))
    }

    /// The qop as spelled; none where empty.
    pub fn qop(self, literal: &str) -> Self {
        self.challenge(|challenge| challenge.qop = (!literal.is_empty()).then(|| literal.to_owned()))
    }

    pub fn with_param(self, param: &str) -> Self {
        self.challenge(|challenge| challenge.more.push_str(&format!(", {param}")))
    }

    /// 407 with Proxy-Authenticate.
    pub fn proxy(mut self) -> Self {
        (self.code, self.reason) = (407, "Proxy Authentication Required".to_owned());
        self.challenge(|challenge| challenge.proxy = true)
    }

    /// The challenges of another answer beside.
    pub fn and(mut self, other: Says) -> Self {
        self.challenges.extend(other.challenges);
        self
    }

    /// Writes the answer to a request that came from `source`.
    pub fn write(&self, request: &Sent, source: SocketAddr) -> Vec<u8> {
        let message = request.message();
        let mut builder = Builder::response_to(self.code, &self.reason, &message, source);
        if self.code > 100 {
            builder = builder.to_tag("registrar");
        }
        if let (Granted::Echo(seconds), Some((uri, asked))) = (&self.granted, request.contact()) {
            let seconds = seconds.or(asked).unwrap_or(3600);
            // RFC 3261 10.3: what is removed is not listed.
            if asked != Some(0) {
                builder = builder.header("Contact", format_args!("<{uri}>;expires={seconds}"));
            }
        }
        for challenge in &self.challenges {
            let name = if challenge.proxy { "Proxy-Authenticate" } else { "WWW-Authenticate" };
            let mut value =
                format!("Digest realm=\"{}\", nonce=\"{}\"", challenge.realm.as_deref().unwrap_or("carrier.test"), challenge.nonce);
            if let Some(algorithm) = &challenge.algorithm {
                value.push_str(&format!(", algorithm={algorithm}"));
            }
            if let Some(qop) = &challenge.qop {
                value.push_str(&format!(", qop=\"{qop}\""));
            }
            value.push_str(&challenge.more);
            builder = builder.header(name, value);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        builder.finish()
    }
}
