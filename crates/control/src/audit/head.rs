use std::fmt;

use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::encoding::{hex, unhex};
use crate::sealing::hmac_sha256;
use crate::time::{parse, rfc3339};

/// What a signed statement says about a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadKind {
    /// It was the last one.
    Head,
    /// It and all before it were trimmed.
    Checkpoint,
    /// It was the last one of a copy that was put in the place of the chain: what was signed of later records before is of the chain that
    /// was put aside.
    Restore,
}

/// A signed statement about the chain. Whoever keeps one elsewhere can tell later whether the chain up to it is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// What it says.
    pub kind: HeadKind,
    /// The record's number.
    pub number: i64,
    /// The record's hash.
    pub hash: String,
    /// When it was signed; whole milliseconds.
    pub at: link::UnixMicros,
    /// The Ed25519 public key, in hexadecimal.
    pub public_key: String,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// Signs heads, and authenticates the newest one between signatures. Debug prints the public key only.
pub struct AuditKey {
    pair: Ed25519KeyPair,
    mac: Zeroizing<[u8; 32]>,
    public: String,
}

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AuditKey({})", self.public)
    }
}

impl HeadKind {
    /// Returns its word in the store and in exports.
    pub fn as_str(self) -> &'static str {
        match self {
            HeadKind::Head => "head",
            HeadKind::Checkpoint => "checkpoint",
            HeadKind::Restore => "restore",
        }
    }
}

impl AuditKey {
    /// Makes the key of a seed; none where the seed is no 32 bytes.
    pub fn of(seed: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        let seed: &[u8; 32] = seed.try_into().ok()?;
        let public = hex(pair.public_key().as_ref());
        Some(AuditKey { pair, mac: Zeroizing::new(hmac_sha256(seed, &[b"audit head"])), public })
    }

    /// Returns the public key, in hexadecimal.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// Authenticates the newest record of the chain.
    pub fn mac(&self, number: i64, hash: &str) -> String {
        hex(&hmac_sha256(&self.mac, &[&number.to_be_bytes(), hash.as_bytes()]))
    }

    /// Tells whether it was Trunkline that wrote this newest record.
    pub fn wrote(&self, number: i64, hash: &str, mac: &str) -> bool {
        self.mac(number, hash).as_bytes().ct_eq(mac.as_bytes()).into()
    }

    /// Signs a statement about a record.
    pub fn sign(&self, kind: HeadKind, number: i64, hash: &str, now: link::UnixMicros) -> Head {
        let at = now - now.rem_euclid(1000);
        let mut head = Head { kind, number, hash: hash.to_owned(), at, public_key: self.public.clone(), signature: String::new() };
        head.signature = hex(self.pair.sign(head.text().as_bytes()).as_ref());
        head
    }
}

impl Head {
    /// Tells whether the signature is that of its public key; whose key that is, is another question.
    pub fn is_signed(&self) -> bool {
        let (Some(key), Some(signature)) = (unhex(&self.public_key), unhex(&self.signature)) else { return false };
        // Hexadecimal has two cases, and one of them was written; the time has whole milliseconds.
        let as_written = hex(&key) == self.public_key && hex(&signature) == self.signature && self.at.rem_euclid(1000) == 0;
        as_written && UnparsedPublicKey::new(&ED25519, key).verify(self.text().as_bytes(), &signature).is_ok()
    }

    /// Writes it as it is exported: one line.
    pub fn body(&self) -> Value {
        json!({
            "kind": self.kind.as_str(),
            "number": self.number,
            "hash": self.hash,
            "date": rfc3339(self.at),
            "publicKey": self.public_key,
            "signature": self.signature,
        })
    }

    /// Reads an exported one; none where it is not of that form.
    pub fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        let kind = match value.get("kind")?.as_str()? {
            "head" => HeadKind::Head,
            "checkpoint" => HeadKind::Checkpoint,
            "restore" => HeadKind::Restore,
            _ => return None,
        };
        Some(Head {
            kind,
            number: value.get("number")?.as_i64()?,
            hash: text("hash")?,
            at: parse(value.get("date")?.as_str()?)?,
            public_key: text("publicKey")?,
            signature: text("signature")?,
        })
    }

    /// What is signed.
    fn text(&self) -> String {
        format!("trunkline audit {} 1\n{}\n{}\n{}\n", self.kind.as_str(), self.number, self.hash, rfc3339(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_good_as_it_was_signed_and_no_other_way() {
        let key = AuditKey::of(&[7; 32]).expect("a key");
        let head = key.sign(HeadKind::Head, 42, "abcd", 1_700_000_000_123_456);
        assert!(head.is_signed());
        assert_eq!(Head::read(&head.body()), Some(head.clone()));
        for spoil in [
            |head: &mut Head| head.kind = HeadKind::Checkpoint,
            |head: &mut Head| head.number += 1,
            |head: &mut Head| head.hash.push('0'),
            |head: &mut Head| head.at += 1000,
            |head: &mut Head| head.signature = head.signature.to_uppercase(),
            |head: &mut Head| head.public_key = AuditKey::of(&[8; 32]).expect("a key").public().to_owned(),
            |head: &mut Head| head.signature.truncate(10),
        ] {
            let mut spoilt = head.clone();
            spoil(&mut spoilt);
            assert!(!spoilt.is_signed(), "{spoilt:?}");
        }
        assert!(key.wrote(1, "a", &key.mac(1, "a")) && !key.wrote(2, "a", &key.mac(1, "a")) && !key.wrote(1, "a", ""));
        assert!(AuditKey::of(&[1; 31]).is_none());
        assert!(!format!("{key:?}").contains(&hex(&[7; 32])));
    }
}
