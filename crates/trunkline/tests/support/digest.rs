//! A small SIP client with digest of its own, to test the tests' registrar with.

use std::net::SocketAddr;

use md5::Digest as _;

use super::wire::Wire;

/// Which hash a challenge asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// `algorithm=MD5`
    Md5,
    /// `algorithm=SHA-256`
    Sha256,
    /// `algorithm=SHA-512-256`
    Sha512t256,
}

impl Algorithm {
    /// The name that IANA registers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
            Self::Sha512t256 => "SHA-512-256",
        }
    }

    /// The hash of a text in lower-case hexadecimal digits.
    pub fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&md5::Md5::digest(text)),
            Self::Sha256 => hex(&sha2::Sha256::digest(text)),
            Self::Sha512t256 => hex(&sha2::Sha512_256::digest(text)),
        }
    }

    /// H(username:realm:password).
    pub fn ha1(self, username: &str, realm: &str, password: &str) -> String {
        self.hash(&format!("{username}:{realm}:{password}"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 7616 3.4.1 with qop=auth.
pub fn response(algorithm: Algorithm, ha1: &str, nonce: &str, nc: &str, cnonce: &str, uri: &str) -> String {
    let ha2 = algorithm.hash(&format!("REGISTER:{uri}"));
    algorithm.hash(&format!("{ha1}:{nonce}:{nc}:{cnonce}:auth:{ha2}"))
}

/// Whether the Authorization of a REGISTER is right for a password, with qop=auth or without qop.
pub fn is_right(request: &str, algorithm: Algorithm, password: &str) -> bool {
    let Some(header) = super::udp::header(request, "Authorization") else { return false };
    let value = |name: &str| parameter(header, name).unwrap_or_default();
    let ha1 = algorithm.ha1(value("username"), value("realm"), password);
    let expected = if value("qop").is_empty() {
        let ha2 = algorithm.hash(&format!("REGISTER:{}", value("uri")));
        algorithm.hash(&format!("{ha1}:{}:{ha2}", value("nonce")))
    } else {
        response(algorithm, &ha1, value("nonce"), value("nc"), value("cnonce"), value("uri"))
    };
    value("response") == expected
}

/// The value of a parameter in a challenge or an Authorization header, without quotes.
pub fn parameter<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    header.split(&[',', ' '][..]).find_map(|part| {
        let (key, value) = part.trim().split_once('=')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"'))
    })
}

/// A client that registers from a socket, or over a connection, of its own.
pub struct Client {
    wire: Wire,
    realm: String,
    user: String,
    call_id: String,
    cseq: u32,
}

impl Client {
    /// A client for one user of a registrar.
    pub fn new(registrar: SocketAddr, realm: &str, user: &str) -> Self {
        Self::over(Wire::udp(registrar), realm, user)
    }

    /// The same, over what is connected with the registrar already.
    pub fn over(wire: Wire, realm: &str, user: &str) -> Self {
        let call_id = format!("{user}-{}@client", std::process::id());
        Self { wire, realm: realm.to_owned(), user: user.to_owned(), call_id, cseq: 0 }
    }

    /// The Contact that it registers.
    pub fn contact(&self) -> String {
        format!("sip:{}@{}{}", self.user, self.wire.local(), self.wire.uri_parameter())
    }

    /// Sends one REGISTER and gives the answer.
    pub fn register(&mut self, expires: u32, authorization: Option<&str>) -> String {
        self.exchange("REGISTER", expires, authorization)
    }

    /// Sends one OPTIONS and gives the answer.
    pub fn options(&mut self) -> String {
        self.exchange("OPTIONS", 0, None)
    }

    fn exchange(&mut self, method: &str, expires: u32, authorization: Option<&str>) -> String {
        self.cseq += 1;
        let (user, realm, cseq) = (&self.user, &self.realm, self.cseq);
        let (local, transport) = (self.wire.local(), self.wire.transport());
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!(
            "{method} sip:{realm} SIP/2.0\r\nVia: SIP/2.0/{transport} {local};branch=z9hG4bK-{user}-{cseq}\r\nMax-Forwards: 70\r\n\
             From: <sip:{user}@{realm}>;tag=t{user}\r\nTo: <sip:{user}@{realm}>\r\nCall-ID: {}\r\nCSeq: {cseq} {method}\r\n\
             Contact: <{}>\r\nExpires: {expires}\r\n{authorization}Content-Length: 0\r\n\r\n",
            self.call_id,
            self.contact()
        );
        self.wire.exchange(&request)
    }

    /// REGISTER, the challenge, REGISTER with a digest: the last answer.
    pub fn register_with(&mut self, algorithm: Algorithm, password: &str, expires: u32) -> String {
        let challenge = self.register(expires, None);
        assert_eq!(super::udp::status(&challenge), 401, "{challenge}");
        let authorization = self.authorization(algorithm, password, &challenge, 1);
        self.register(expires, Some(&authorization))
    }

    /// The Authorization that answers a challenge.
    pub fn authorization(&self, algorithm: Algorithm, password: &str, challenge: &str, count: u32) -> String {
        let header = super::udp::header(challenge, "WWW-Authenticate").expect("a challenge");
        let nonce = parameter(header, "nonce").expect("a nonce");
        let uri = format!("sip:{}", self.realm);
        let ha1 = algorithm.ha1(&self.user, &self.realm, password);
        let nc = format!("{count:08x}");
        let response = response(algorithm, &ha1, nonce, &nc, "c0ffee", &uri);
        format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", algorithm={}, \
             qop=auth, nc={nc}, cnonce=\"c0ffee\"",
            self.user,
            self.realm,
            algorithm.name()
        )
    }
}
