//! What a request must look like.

use sip::Name;
use sip::digest::{Algorithm, Answer, Authorization, Qop, Request, ha1};

use super::Sent;

/// What a request must look like, beside the one that came before it.
pub trait Expectation {
    fn check(&self, sent: &Sent, before: Option<&Sent>);
}

impl<F: Fn(&Sent)> Expectation for F {
    fn check(&self, sent: &Sent, _before: Option<&Sent>) {
        self(sent);
    }
}

/// A digest over this nonce, right for the user's password.
pub fn nonce(nonce: &str) -> Digest {
    Digest { nonce: nonce.to_owned(), nc: None, password: None, algorithm: None, proxy: false, same_cnonce: false, qop: None }
}

/// A digest that a request must carry.
pub struct Digest {
    nonce: String,
    nc: Option<u32>,
    password: Option<String>,
    algorithm: Option<Algorithm>,
    proxy: bool,
    same_cnonce: bool,
    qop: Option<Option<&'static str>>,
}

impl Digest {
    pub fn nc(mut self, nc: u32) -> Self {
        self.nc = Some(nc);
        self
    }

    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    pub fn algorithm(mut self, token: &str) -> Self {
        self.algorithm = Some(Algorithm::from_token(token).unwrap());
        self
    }

    pub fn proxy(mut self) -> Self {
        self.proxy = true;
        self
    }

    /// The cnonce of the request before, which is kept as long as its nonce.
    pub fn same_cnonce(mut self) -> Self {
        self.same_cnonce = true;
        self
    }

    pub fn qop(mut self, qop: Option<&'static str>) -> Self {
        self.qop = Some(qop);
        self
    }
}

impl Expectation for Digest {
    fn check(&self, sent: &Sent, before: Option<&Sent>) {
        let credentials = sent.credentials();
        let parsed: Vec<(bool, Authorization<'_>)> =
            credentials.iter().map(|(proxy, value)| (*proxy, Authorization::parse(value).unwrap())).collect();
        let Some((_, got)) = parsed.iter().find(|(proxy, got)| *proxy == self.proxy && got.nonce == self.nonce.as_bytes()) else {
            panic!("no digest over {:?} in {}", self.nonce, sent.text());
        };
        let nc = got.nc.map(|nc| u32::from_str_radix(nc, 16).unwrap());
        if let Some(wanted) = self.nc {
            assert_eq!(nc, Some(wanted), "nc in {}", sent.text());
        }
        if let Some(wanted) = self.qop {
            assert_eq!(got.qop, wanted, "qop in {}", sent.text());
        }
        // carriers.md C23: some registrars compare it byte for byte.
        assert_eq!(got.uri, sent.uri(), "the digest's uri is the Request-URI");
        let algorithm = Algorithm::from_token(got.algorithm.unwrap_or("MD5")).unwrap();
        if let Some(wanted) = self.algorithm {
            assert_eq!(algorithm, wanted);
        }
        let password = self.password.clone().unwrap_or_else(|| format!("secret of {}", got.username));
        let key = ha1(algorithm.hash, &got.username, &got.realm, password.as_bytes());
        let answer = Answer {
            algorithm,
            ha1: key.as_str(),
            realm: &got.realm,
            username: &got.username,
            nonce: got.nonce,
            opaque: None,
            qop: match got.qop {
                None => Qop::None,
                Some("auth") => Qop::Auth,
                Some("auth-int") => Qop::AuthInt,
                Some(other) => panic!("qop {other}"),
            },
            cnonce: got.cnonce.unwrap_or(""),
            nc: nc.unwrap_or(0),
            algorithm_echo: false,
            userhash: false,
            utf8: false,
            truncated_sha512: false,
        };
        let response = answer.response(&Request { method: &sent.method(), uri: &sent.uri(), body: b"" });
        assert_eq!(got.response, response.as_str(), "the response is that of {password:?}");
        if self.same_cnonce {
            let before = before.expect("a request before").credentials();
            let old = Authorization::parse(&before.last().expect("a digest before").1).unwrap().cnonce.map(str::to_owned);
            assert_eq!(got.cnonce.map(str::to_owned), old, "cnonce is kept");
        }
    }
}

/// Carries no digest.
pub fn no_digest() -> impl Expectation {
    |sent: &Sent| assert!(sent.credentials().is_empty(), "a digest in {}", sent.text())
}

/// Asks for the binding of this Contact for so many seconds.
pub fn contact(uri: &str, seconds: u32) -> impl Expectation {
    let wanted = Some((uri.to_owned(), Some(seconds)));
    move |sent: &Sent| assert_eq!(sent.contact(), wanted, "{}", sent.text())
}

/// Removes a binding.
pub fn removal() -> impl Expectation {
    |sent: &Sent| {
        assert_eq!(sent.contact().and_then(|(_, seconds)| seconds), Some(0), "{}", sent.text());
        assert!(!sent.text().contains("Contact: *"), "never all bindings");
    }
}

/// Asks for bindings and binds nothing.
pub fn query() -> impl Expectation {
    |sent: &Sent| {
        assert_eq!(sent.contact(), None, "{}", sent.text());
        assert_eq!(sent.header(Name::Expires), None, "{}", sent.text());
    }
}

/// This CSeq number.
pub fn cseq(number: u32) -> impl Expectation {
    move |sent: &Sent| assert_eq!(sent.cseq(), number, "{}", sent.text())
}

/// The same Call-ID and From tag as before, and the next CSeq.
pub fn next_cseq() -> Step {
    Step(1)
}

/// The same Call-ID and From tag as before, and a CSeq so much higher.
pub fn cseq_higher_by(step: u32) -> Step {
    Step(step)
}

pub struct Step(u32);

impl Expectation for Step {
    fn check(&self, sent: &Sent, before: Option<&Sent>) {
        let before = before.expect("a request before");
        assert_eq!(sent.call_id(), before.call_id(), "Call-ID stays");
        assert_eq!(sent.tag(), before.tag(), "the From tag stays");
        assert_eq!(sent.cseq(), before.cseq() + self.0, "CSeq rises by {}", self.0);
        assert_ne!(sent.branch(), before.branch(), "another transaction, another branch");
    }
}

/// Another Call-ID than before.
pub fn new_call_id() -> NewCallId {
    NewCallId
}

pub struct NewCallId;

impl Expectation for NewCallId {
    fn check(&self, sent: &Sent, before: Option<&Sent>) {
        assert_ne!(sent.call_id(), before.expect("a request before").call_id());
    }
}

/// Goes to this address.
pub fn to(address: &str) -> impl Expectation {
    let address: std::net::SocketAddr = address.parse().unwrap();
    move |sent: &Sent| assert_eq!(sent.to, address)
}
