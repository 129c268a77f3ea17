use md5::Md5;
use sha2::{Digest, Sha256, Sha512, Sha512_256};

/// A digest algorithm that the lab carrier can compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm {
    hash: Hash,
    /// HA1 is hashed once more with nonce and cnonce (RFC 7616 3.4.2).
    pub(crate) session: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512_256,
    TruncatedSha512,
}

impl Algorithm {
    /// RFC 7616 3.3: the algorithm of a challenge without an `algorithm` parameter.
    pub(crate) const MD5: Algorithm = Algorithm { hash: Hash::Md5, session: false };

    /// Reads a name as a tolerant carrier means it: quotes, dashes and case do not matter. `None` for what nobody computes (MD2).
    pub(crate) fn meant_by(name: &str) -> Option<Algorithm> {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
        let (base, session) = match bare.strip_suffix("SESS") {
            Some(base) => (base, true),
            None => (bare.as_str(), false),
        };
        let hash = match base {
            "MD5" => Hash::Md5,
            "SHA256" => Hash::Sha256,
            "SHA512256" => Hash::Sha512_256,
            _ => return None,
        };
        Some(Algorithm { hash, session })
    }

    /// What deployed code does in place of SHA-512/256: the first half of a SHA-512 (RFC 7616 erratum 4897, temperament C20).
    pub(crate) fn truncating(self) -> Algorithm {
        match self.hash {
            Hash::Sha512_256 => Algorithm { hash: Hash::TruncatedSha512, ..self },
            Hash::Md5 | Hash::Sha256 | Hash::TruncatedSha512 => self,
        }
    }

    /// H(a:b:c), in lower-case hex.
    pub(crate) fn hex(self, parts: &[&[u8]]) -> String {
        match self.hash {
            Hash::Md5 => hex(&joined::<Md5>(parts)),
            Hash::Sha256 => hex(&joined::<Sha256>(parts)),
            Hash::Sha512_256 => hex(&joined::<Sha512_256>(parts)),
            Hash::TruncatedSha512 => hex(&joined::<Sha512>(parts)[..32]),
        }
    }
}

fn joined<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_meant() {
        for (name, expected) in [
            ("MD5", Some((Hash::Md5, false))),
            ("\"md5\"", Some((Hash::Md5, false))),
            ("MD5-sess", Some((Hash::Md5, true))),
            ("sha256", Some((Hash::Sha256, false))),
            ("SHA-256-SESS", Some((Hash::Sha256, true))),
            ("SHA512-256", Some((Hash::Sha512_256, false))),
            ("SHA-512-256-sess", Some((Hash::Sha512_256, true))),
            ("MD2", None),
            ("", None),
        ] {
            assert_eq!(Algorithm::meant_by(name).map(|a| (a.hash, a.session)), expected, "{name}");
        }
    }
}
