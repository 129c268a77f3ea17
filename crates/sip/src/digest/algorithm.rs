use std::fmt;

/// A hash function, ordered from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hash {
    /// MD5.
    Md5,
    /// SHA-256.
    Sha256,
    /// SHA-512/256 (FIPS 180-4), which is not SHA-512 cut short.
    Sha512_256,
}

impl Hash {
    /// How many hexadecimal digits its digest has.
    pub const fn hex_len(self) -> usize {
        match self {
            Hash::Md5 => 32,
            Hash::Sha256 | Hash::Sha512_256 => 64,
        }
    }
}

/// A digest algorithm (RFC 8760 2.1), ordered by its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Algorithm {
    /// The hash.
    pub hash: Hash,
    /// Whether it is the `-sess` form, whose A1 takes in the nonces (RFC 7616 3.4.2).
    pub session: bool,
}

impl Algorithm {
    /// All algorithms, from the weakest to the strongest.
    pub const ALL: [Algorithm; 6] = [
        Algorithm { hash: Hash::Md5, session: false },
        Algorithm { hash: Hash::Md5, session: true },
        Algorithm { hash: Hash::Sha256, session: false },
        Algorithm { hash: Hash::Sha256, session: true },
        Algorithm { hash: Hash::Sha512_256, session: false },
        Algorithm { hash: Hash::Sha512_256, session: true },
    ];

    /// What a challenge without `algorithm` means (RFC 7616 3.3).
    pub const MD5: Algorithm = Algorithm { hash: Hash::Md5, session: false };

    /// The name that IANA has registered.
    pub const fn as_str(self) -> &'static str {
        match (self.hash, self.session) {
            (Hash::Md5, false) => "MD5",
            (Hash::Md5, true) => "MD5-sess",
            (Hash::Sha256, false) => "SHA-256",
            (Hash::Sha256, true) => "SHA-256-sess",
            (Hash::Sha512_256, false) => "SHA-512-256",
            (Hash::Sha512_256, true) => "SHA-512-256-sess",
        }
    }

    /// Reads an IANA name in any case; for what comes off the wire.
    pub fn from_token(token: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.as_str().eq_ignore_ascii_case(token))
    }

    /// Reads also other spellings: hyphens, underscores, slashes and spaces count for nothing, so that `sha256`,
    /// `SHA512-256` and `sha-512/256` are understood; for what people type.
    pub fn from_spelling(text: &str) -> Option<Algorithm> {
        let plain = |text: &str| -> String {
            let kept = text.chars().filter(|c| !matches!(c, '-' | '_' | '/' | ' '));
            kept.map(|c| c.to_ascii_lowercase()).collect()
        };
        let text = plain(text);
        Algorithm::ALL.into_iter().find(|algorithm| plain(algorithm.as_str()) == text)
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
