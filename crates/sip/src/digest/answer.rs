use super::hash::Function;
use super::hex::hex_pair;
use super::{Algorithm, Hash, HexDigest};

/// The parts of a request that a digest protects.
#[derive(Debug, Clone, Copy)]
pub struct Request<'r> {
    /// The method.
    pub method: &'r str,
    /// The Request-URI, byte for byte: some registrars compare it so.
    pub uri: &'r str,
    /// The body, for `auth-int`.
    pub body: &'r [u8],
}

/// The quality of protection to answer with (RFC 7616 3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Qop {
    /// As RFC 2069: the challenge offered none.
    None,
    /// `auth`.
    Auth,
    /// `auth-int`: the body is protected as well.
    AuthInt,
}

/// All that an answer to one challenge needs (RFC 7616 3.4).
#[derive(Clone, Copy)]
pub struct Answer<'r> {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The hexadecimal HA1, H(username:realm:password); a session's A1 is derived from it here.
    pub ha1: &'r str,
    /// The realm, quoted pairs resolved.
    pub realm: &'r str,
    /// The user name, neither escaped nor hashed.
    pub username: &'r str,
    /// The nonce as sent between its quotes.
    pub nonce: &'r [u8],
    /// The opaque as sent between its quotes.
    pub opaque: Option<&'r [u8]>,
    /// The quality of protection.
    pub qop: Qop,
    /// The client's nonce; sent where qop or a session needs it.
    pub cnonce: &'r str,
    /// How many requests were sent with this nonce, this one included; sent with qop.
    pub nc: u32,
    /// Whether to send `algorithm`: only if the challenge had it.
    pub algorithm_echo: bool,
    /// Whether to send H(username:realm) in place of the name: only if the challenge had `userhash=true`.
    pub userhash: bool,
    /// Whether the challenge had `charset=UTF-8`: a name beyond ASCII then goes into `username*` (RFC 7616 3.4).
    /// Otherwise it goes as UTF-8 in a quoted string, which RFC 3261 25.1 allows.
    pub utf8: bool,
    /// Whether to hash by SHA-512 cut to 256 bits in place of SHA-512/256, as some deployed code does. The HA1 must
    /// then come from [`ha1_truncated_sha512`](super::ha1_truncated_sha512). Of no effect on other hashes.
    pub truncated_sha512: bool,
}

impl Answer<'_> {
    /// The H(A2) of this request, which is the same for all that answer alike where the body is not protected (RFC 7616 3.4.3).
    pub fn ha2(&self, request: &Request<'_>) -> HexDigest {
        let function = self.function();
        let (method, uri) = (request.method.as_bytes(), request.uri.as_bytes());
        match self.qop {
            Qop::None | Qop::Auth => function.joined(&[method, uri]),
            Qop::AuthInt => function.joined(&[method, uri, function.joined(&[request.body]).as_bytes()]),
        }
    }

    /// The `response` for this request (RFC 7616 3.4.1).
    pub fn response(&self, request: &Request<'_>) -> HexDigest {
        self.response_over(&self.ha2(request))
    }

    /// The `response` for a request of this H(A2).
    pub fn response_over(&self, ha2: &HexDigest) -> HexDigest {
        let function = self.function();
        let session = self.algorithm.session.then(|| function.joined(&[self.ha1.as_bytes(), self.nonce, self.cnonce.as_bytes()]));
        let ha1 = session.as_ref().map_or(self.ha1.as_bytes(), HexDigest::as_bytes);
        let qop: &[u8] = match self.qop {
            Qop::None => return function.joined(&[ha1, self.nonce, ha2.as_bytes()]),
            Qop::Auth => b"auth",
            Qop::AuthInt => b"auth-int",
        };
        let nc = self.nc_digits();
        function.joined(&[ha1, self.nonce, &nc, self.cnonce.as_bytes(), qop, ha2.as_bytes()])
    }

    /// H(username:realm).
    pub(super) fn userhash(&self) -> HexDigest {
        self.function().joined(&[self.username.as_bytes(), self.realm.as_bytes()])
    }

    pub(super) fn nc_digits(&self) -> [u8; 8] {
        let mut digits = [0; 8];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.nc.to_be_bytes()) {
            pair.copy_from_slice(&hex_pair(byte));
        }
        digits
    }

    fn function(&self) -> Function {
        match self.algorithm.hash {
            Hash::Sha512_256 if self.truncated_sha512 => Function::TruncatedSha512,
            hash => Function::Standard(hash),
        }
    }
}

impl std::fmt::Debug for Answer<'_> {
    /// Leaves out what an attacker could use.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer")
            .field("algorithm", &self.algorithm)
            .field("realm", &self.realm)
            .field("username", &self.username)
            .field("qop", &self.qop)
            .field("nc", &self.nc)
            .finish_non_exhaustive()
    }
}
