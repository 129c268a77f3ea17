use md5::Md5;
use sha2::{Digest, Sha256, Sha512, Sha512_256};
use zeroize::Zeroize;

use super::{Hash, HexDigest};

/// A function to hash with: one of RFC 8760, or what deployed code takes for SHA-512/256.
#[derive(Clone, Copy)]
pub(crate) enum Function {
    Standard(Hash),
    TruncatedSha512,
}

impl Function {
    /// H(parts joined by colons).
    pub(crate) fn joined(self, parts: &[&[u8]]) -> HexDigest {
        match self {
            Function::Standard(Hash::Md5) => run::<Md5>(parts),
            Function::Standard(Hash::Sha256) => run::<Sha256>(parts),
            Function::Standard(Hash::Sha512_256) => run::<Sha512_256>(parts),
            // HexDigest::of keeps the first 32 bytes.
            Function::TruncatedSha512 => run::<Sha512>(parts),
        }
    }
}

fn run<D: Digest>(parts: &[&[u8]]) -> HexDigest {
    let mut hash = D::new();
    let mut first = true;
    for part in parts {
        if !first {
            hash.update(b":");
        }
        first = false;
        hash.update(part);
    }
    let mut digest = hash.finalize();
    let hex = HexDigest::of(&digest);
    digest.as_mut_slice().zeroize();
    hex
}

/// H(username:realm:password), the HA1 before any session (RFC 7616 3.4.2). All are taken as they are, in UTF-8;
/// RFC 7616 4 wants them in normalisation form C, which is for whoever takes them in to see to.
pub fn ha1(hash: Hash, username: &str, realm: &str, password: &[u8]) -> HexDigest {
    Function::Standard(hash).joined(&[username.as_bytes(), realm.as_bytes(), password])
}

/// The HA1 for [`Answer::truncated_sha512`](super::Answer::truncated_sha512): by SHA-512 cut to 256 bits.
pub fn ha1_truncated_sha512(username: &str, realm: &str, password: &[u8]) -> HexDigest {
    Function::TruncatedSha512.joined(&[username.as_bytes(), realm.as_bytes(), password])
}

/// H(username:realm), which stands for the user name where `userhash=true` (RFC 7616 3.4.4).
pub fn userhash(hash: Hash, username: &str, realm: &str) -> HexDigest {
    Function::Standard(hash).joined(&[username.as_bytes(), realm.as_bytes()])
}
