use std::fmt;
use std::str;

use zeroize::Zeroize;

use super::Hash;

/// A digest in lower-case hexadecimal, held inline, wiped when dropped, and never printed: an HA1 is as good as the
/// password. It cannot be cloned; lend it by [`as_str`](HexDigest::as_str).
pub struct HexDigest {
    digits: [u8; 64],
    len: usize,
}

impl HexDigest {
    /// Takes 16 or 32 bytes of digest; more are cut off.
    pub(crate) fn of(bytes: &[u8]) -> HexDigest {
        let mut digits = [0; 64];
        let mut len = 0;
        for (pair, &byte) in digits.chunks_exact_mut(2).zip(bytes) {
            pair.copy_from_slice(&hex_pair(byte));
            len += 2;
        }
        HexDigest { digits, len }
    }

    /// Takes a digest that a caller has in hexadecimal, of the length of `hash` and in any case.
    pub fn from_hex(hash: Hash, text: &str) -> Option<HexDigest> {
        if text.len() != hash.hex_len() || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let mut digits = [0; 64];
        digits.iter_mut().zip(text.bytes()).for_each(|(digit, byte)| *digit = byte.to_ascii_lowercase());
        Some(HexDigest { digits, len: text.len() })
    }

    /// Takes it to be kept in half the room.
    pub fn pack(&self) -> PackedDigest {
        let mut packed = PackedDigest { bytes: [0; 32], len: 0 };
        for (byte, pair) in packed.bytes.iter_mut().zip(self.as_bytes().chunks_exact(2)) {
            *byte = pair.iter().fold(0, |byte, &digit| byte << 4 | crate::lex::hex(digit).unwrap_or_default());
            packed.len += 1;
        }
        packed
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The digits as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }
}

/// A digest as bytes, for who keeps many; wiped when dropped, and never printed.
pub struct PackedDigest {
    bytes: [u8; 32],
    len: u8,
}

impl PackedDigest {
    /// The digest as it is used.
    pub fn unpack(&self) -> HexDigest {
        HexDigest::of(self.bytes.get(..usize::from(self.len)).unwrap_or_default())
    }
}

impl Drop for PackedDigest {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for PackedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackedDigest(***, {} bytes)", self.len)
    }
}

/// The two lower-case digits of a byte.
pub fn hex_pair(byte: u8) -> [u8; 2] {
    PAIRS[usize::from(byte)]
}

const PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte >> 4], digits[byte & 15]];
        byte += 1;
    }
    pairs
};

impl Drop for HexDigest {
    fn drop(&mut self) {
        // Beyond them it is as empty as it was.
        self.digits.iter_mut().take(self.len).for_each(Zeroize::zeroize);
    }
}

impl fmt::Debug for HexDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HexDigest(***, {} digits)", self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packed_digest_is_the_same_again() {
        for (hash, digits) in [(Hash::Md5, "00ff10a9".repeat(4)), (Hash::Sha256, "0123456789abcdef".repeat(4))] {
            let digest = HexDigest::from_hex(hash, &digits).unwrap();
            assert_eq!(digest.pack().unpack().as_str(), digits);
            assert!(!format!("{:?}", digest.pack()).contains("ff"), "it is not shown");
        }
    }
}
