use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

/// A password, or what stands for one. Debug prints no value.
#[derive(Debug)]
pub enum Secret {
    /// A password.
    Password(SecretString),
    /// H(username:realm:password) in hexadecimal for each algorithm's IANA name.
    Ha1(Vec<(String, SecretString)>),
}

impl Secret {
    /// Writes the plain form. It wipes itself when dropped.
    #[must_use]
    pub fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        plain(self)
    }
}

/// All that a credential version keeps secret.
#[derive(Debug)]
pub struct Secrets {
    /// The account's.
    pub account: Secret,
    /// The one for a proxy on the way that has a realm of its own.
    pub proxy: Option<Secret>,
}

impl From<Secret> for Secrets {
    fn from(account: Secret) -> Self {
        Secrets { account, proxy: None }
    }
}

impl Secrets {
    /// Writes the plain form, for whoever seals it under another key: the account's; with a proxy's, `x`, the length of the account's in four
    /// bytes, both. It wipes itself when dropped.
    #[must_use]
    pub fn to_plain(&self) -> Zeroizing<Vec<u8>> {
        let account = plain(&self.account);
        let Some(proxy) = &self.proxy else { return account };
        let mut out = Zeroizing::new(Vec::with_capacity(512));
        out.push(b'x');
        out.extend_from_slice(&(account.len() as u32).to_be_bytes());
        out.extend_from_slice(&account);
        out.extend_from_slice(&plain(proxy));
        out
    }

    /// Reads the plain form; `None` where it is none.
    #[must_use]
    pub fn from_plain(bytes: &[u8]) -> Option<Self> {
        let Some(both) = bytes.strip_prefix(b"x") else { return parse(bytes).map(Secrets::from) };
        let (length, both) = both.split_first_chunk::<4>()?;
        let (account, proxy) = both.split_at_checked(u32::from_be_bytes(*length).try_into().ok()?)?;
        Some(Secrets { account: parse(account)?, proxy: Some(parse(proxy)?) })
    }
}

/// A secret that only the edge at the other end can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    nonce: [u8; 24],
    bytes: Vec<u8>,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed")
    }
}

/// What seals secrets to one edge.
pub struct SealKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

/// Wrong key, wrong trunk or version, or damaged bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealError;

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed secret does not open: wrong key, wrong trunk or version, or damaged")
    }
}

impl std::error::Error for SealError {}

impl SealKey {
    /// Draws a key from the system.
    ///
    /// # Panics
    /// If the system has no entropy: nothing could be sealed safely.
    pub fn random() -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(&mut bytes[..]).expect("the system gives entropy");
        SealKey(bytes)
    }

    /// Lends the key to the other end of the same process.
    #[must_use]
    pub fn share(&self) -> Self {
        SealKey(self.0.clone())
    }

    /// Seals secrets to a trunk (empty where it belongs to none) and version.
    ///
    /// # Panics
    /// If the system has no entropy.
    pub fn seal(&self, trunk: &str, version: u32, secrets: &Secrets) -> Sealed {
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).expect("the system gives entropy");
        let plain = secrets.to_plain();
        let bytes = self
            .cipher()
            .encrypt(&XNonce::from(nonce), Payload { msg: &plain, aad: &aad(trunk, version) })
            .expect("a credential is far below the cipher's limit");
        Sealed { nonce, bytes }
    }

    /// Opens what was sealed for this trunk and version.
    ///
    /// # Errors
    /// [`SealError`] for another key, trunk or version, and for damaged bytes.
    pub fn open(&self, trunk: &str, version: u32, sealed: &Sealed) -> Result<Secrets, SealError> {
        let payload = Payload { msg: &sealed.bytes, aad: &aad(trunk, version) };
        let plain = Zeroizing::new(self.cipher().decrypt(&XNonce::from(sealed.nonce), payload).map_err(|_| SealError)?);
        Secrets::from_plain(&plain).ok_or(SealError)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

fn aad(trunk: &str, version: u32) -> Vec<u8> {
    let mut aad = Vec::with_capacity(trunk.len() + 5);
    aad.extend_from_slice(trunk.as_bytes());
    aad.push(0);
    aad.extend_from_slice(&version.to_be_bytes());
    aad
}

/// `p` and the password, or `h` and `NAME=HEX` lines.
fn plain(secret: &Secret) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(256));
    match secret {
        Secret::Password(password) => {
            out.push(b'p');
            out.extend_from_slice(password.expose_secret().as_bytes());
        }
        Secret::Ha1(values) => {
            out.push(b'h');
            for (algorithm, hex) in values {
                out.extend_from_slice(algorithm.as_bytes());
                out.push(b'=');
                out.extend_from_slice(hex.expose_secret().as_bytes());
                out.push(b'\n');
            }
        }
    }
    out
}

fn parse(plain: &[u8]) -> Option<Secret> {
    let (kind, rest) = plain.split_first()?;
    let text = std::str::from_utf8(rest).ok()?;
    match kind {
        b'p' => Some(Secret::Password(text.into())),
        b'h' => {
            let lines = text.lines().map(|line| line.split_once('=').map(|(name, hex)| (name.to_owned(), SecretString::from(hex))));
            lines.collect::<Option<Vec<_>>>().map(Secret::Ha1)
        }
        _ => None,
    }
}

impl Drop for Sealed {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_for_its_own_trunk_and_version_only() {
        let key = SealKey::random();
        let sealed = key.seal("t1", 3, &Secret::Password("s3cret".into()).into());
        assert!(
            matches!(key.open("t1", 3, &sealed), Ok(Secrets { account: Secret::Password(p), proxy: None }) if p.expose_secret() == "s3cret")
        );
        assert!(key.open("t1", 4, &sealed).is_err());
        assert!(key.open("t2", 3, &sealed).is_err());
        assert!(SealKey::random().open("t1", 3, &sealed).is_err());
    }

    #[test]
    fn ha1_values_come_back_by_algorithm() {
        let key = SealKey::random();
        let sealed = key.seal("", 1, &Secret::Ha1(vec![("MD5".into(), "00ff".into()), ("SHA-256".into(), "11".into())]).into());
        let Ok(Secrets { account: Secret::Ha1(values), .. }) = key.open("", 1, &sealed) else { panic!("not HA1 values") };
        assert_eq!(values.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["MD5", "SHA-256"]);
        assert_eq!(values[0].1.expose_secret(), "00ff");
    }

    #[test]
    fn the_secret_of_a_proxy_goes_along_and_what_was_sealed_before_is_still_read() {
        let secrets = Secrets { account: Secret::Password("x\0p".into()), proxy: Some(Secret::Ha1(vec![("MD5".into(), "00ff".into())])) };
        let plain = secrets.to_plain();
        let Some(Secrets { account: Secret::Password(own), proxy: Some(Secret::Ha1(values)) }) = Secrets::from_plain(&plain) else {
            panic!("other secrets")
        };
        assert_eq!((own.expose_secret(), values[0].1.expose_secret()), ("x\0p", "00ff"));
        for cut in 0..plain.len() {
            // What is cut off may be read as a shorter secret, never as another kind, and does no harm.
            drop(Secrets::from_plain(&plain[..cut]));
        }
        assert!(Secrets::from_plain(b"x\xff\xff\xff\xffp").is_none());
        let before = Secret::Password("s3cret".into()).to_plain();
        assert!(
            matches!(Secrets::from_plain(&before), Some(Secrets { account: Secret::Password(p), proxy: None }) if p.expose_secret() == "s3cret")
        );
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let key = SealKey::random();
        let secret = Secrets::from(Secret::Password("s3cret".into()));
        let shown = format!("{:?} {:?} {:?}", key, key.seal("t", 1, &secret), secret);
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
