use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use link::Secret;
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::master_key::mac;
use super::{MasterKey, MasterKeySource};
use crate::StartError;
use crate::audit::{AuditEntry, Origin};
use crate::encoding::{base64, hex, unbase64};
use crate::store::data_keys::{self, WrappedKey};
use crate::store::{Store, StoreError, settings};

/// The setting that tells the right master key from another.
const CHECK: &str = "master_key_check";

/// Seals and opens secrets at rest. Cheap to clone; Debug prints nothing.
#[derive(Clone)]
pub struct Keyring(Arc<Keys>);

struct Keys {
    data: BTreeMap<i64, Zeroizing<[u8; 32]>>,
    /// The key that seals what is new.
    newest: i64,
    mac: Zeroizing<[u8; 32]>,
}

/// A secret as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedRow {
    /// Which data key sealed it.
    pub key_id: i64,
    /// 24 bytes.
    pub nonce: Vec<u8>,
    /// The sealed bytes.
    pub bytes: Vec<u8>,
}

/// Another key, trunk or version, or damaged bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenError;

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a stored secret does not open: it was moved to another trunk or version, or damaged")
    }
}

impl std::error::Error for OpenError {}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring")
    }
}

impl fmt::Debug for SealedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedRow(key {})", self.key_id)
    }
}

impl Keyring {
    /// Reads the data keys of the store, or makes the first one at the first start.
    ///
    /// # Errors
    /// [`StartError`] where the master key is lost, malformed, or not the one that sealed this store.
    pub async fn load(store: &Store, source: &MasterKeySource) -> Result<Self, StartError> {
        let mut reader = store.read().await?;
        let check = settings::load(&mut reader, CHECK).await?;
        let stored = data_keys::all(&mut reader).await?;
        drop(reader);
        let master = source.load(check.is_none())?;
        let expected = hex(&master.derive("check")[..]);
        let stored = match check {
            Some(check) if bool::from(check.as_bytes().ct_eq(expected.as_bytes())) => stored,
            Some(_) => return Err(StartError::MasterKeyWrong { source_name: source.to_string() }),
            None => {
                let first = wrap(&master, 1)?;
                let mut tx = store.begin(&Origin::system("sealing")).await?;
                settings::save(&mut tx, CHECK, &expected).await?;
                data_keys::insert(&mut tx, &first).await?;
                tx.audit(AuditEntry::new("create", "dataKey", "1"));
                tx.commit().await?;
                vec![first]
            }
        };
        let mut data = BTreeMap::new();
        for key in &stored {
            let plain = unwrap(&master, key).ok_or_else(|| StoreError::Unreadable(format!("data key {}", key.id)))?;
            data.insert(key.id, plain);
        }
        let newest = data.keys().next_back().copied().ok_or_else(|| StoreError::Unreadable("no data key".into()))?;
        Ok(Keyring(Arc::new(Keys { data, newest, mac: master.derive("mac") })))
    }

    /// Seals a secret to a trunk and version.
    ///
    /// # Panics
    /// If the system has no entropy: nothing could be sealed safely.
    #[must_use]
    pub fn seal(&self, trunk: &str, version: u32, secret: &Secret) -> SealedRow {
        let key_id = self.0.newest;
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).expect("the system gives entropy");
        let plain = secret.to_plain();
        let payload = Payload { msg: &plain, aad: &associated(trunk, version, key_id) };
        let key = self.0.data.get(&key_id).expect("the newest key is among the keys");
        let bytes = cipher(key).encrypt(&XNonce::from(nonce), payload).expect("a credential is far below the cipher's limit");
        SealedRow { key_id, nonce: nonce.to_vec(), bytes }
    }

    /// Opens what was sealed for this trunk and version.
    ///
    /// # Errors
    /// [`OpenError`] for another trunk, version or key, and for damaged bytes.
    pub fn open(&self, trunk: &str, version: u32, row: &SealedRow) -> Result<Secret, OpenError> {
        let key = self.0.data.get(&row.key_id).ok_or(OpenError)?;
        let nonce: [u8; 24] = row.nonce.as_slice().try_into().map_err(|_| OpenError)?;
        let payload = Payload { msg: &row.bytes, aad: &associated(trunk, version, row.key_id) };
        let plain = Zeroizing::new(cipher(key).decrypt(&XNonce::from(nonce), payload).map_err(|_| OpenError)?);
        Secret::from_plain(&plain).ok_or(OpenError)
    }

    /// Computes what tells equal credentials from others without keeping either readable, in hexadecimal.
    #[must_use]
    pub fn mac(&self, username: &str, realm: Option<&str>, secret: &Secret) -> String {
        let plain = match secret {
            Secret::Password(_) => secret.to_plain(),
            // The order in which HA1 values were given says nothing.
            Secret::Ha1(values) => {
                let mut lines: Vec<_> = values
                    .iter()
                    .map(|(name, value)| Zeroizing::new(format!("{name}={}", value.expose_secret().to_ascii_lowercase())))
                    .collect();
                lines.sort_by(|a, b| a.as_str().cmp(b.as_str()));
                let mut plain = Zeroizing::new(b"h".to_vec());
                for line in lines {
                    plain.extend_from_slice(line.as_bytes());
                    plain.push(b'\n');
                }
                plain
            }
        };
        let mut fields = Zeroizing::new(Vec::with_capacity(512));
        // Each part with its length, so that no two ways of cutting give the same bytes.
        for part in [Some(username.as_bytes()), realm.map(str::as_bytes), Some(&plain[..])] {
            match part {
                Some(part) => {
                    fields.push(1);
                    fields.extend_from_slice(&(part.len() as u64).to_be_bytes());
                    fields.extend_from_slice(part);
                }
                None => fields.push(0),
            }
        }
        hex(&mac(&self.0.mac, &[&fields]))
    }
}

fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.into())
}

/// Trunk, version and key id; no trunk's id holds the separating zero.
fn associated(trunk: &str, version: u32, key_id: i64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(trunk.len() + 13);
    bytes.extend_from_slice(trunk.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&version.to_be_bytes());
    bytes.extend_from_slice(&key_id.to_be_bytes());
    bytes
}

/// Draws a data key and wraps it.
fn wrap(master: &MasterKey, id: i64) -> Result<WrappedKey, StartError> {
    let entropy = |error: getrandom::Error| StoreError::Unreadable(format!("the system gives no entropy: {error}"));
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut key[..]).map_err(entropy)?;
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(entropy)?;
    let payload = Payload { msg: &key[..], aad: &id.to_be_bytes() };
    let wrapped = cipher(&master.derive("wrap"))
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| StoreError::Unreadable("a data key cannot be wrapped".into()))?;
    Ok(WrappedKey { id, nonce: base64(&nonce), wrapped: base64(&wrapped) })
}

fn unwrap(master: &MasterKey, key: &WrappedKey) -> Option<Zeroizing<[u8; 32]>> {
    let nonce: [u8; 24] = unbase64(&key.nonce)?.try_into().ok()?;
    let wrapped = unbase64(&key.wrapped)?;
    let payload = Payload { msg: &wrapped, aad: &key.id.to_be_bytes() };
    let plain = Zeroizing::new(cipher(&master.derive("wrap")).decrypt(&XNonce::from(nonce), payload).ok()?);
    Some(Zeroizing::new(plain.as_slice().try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Connection;

    async fn keyring(dir: &tempfile::TempDir) -> (Store, Keyring) {
        let store = Store::open(dir.path()).await.expect("it opens");
        let keyring = Keyring::load(&store, &MasterKeySource::File(dir.path().join("master.key"))).await.expect("it loads");
        (store, keyring)
    }

    fn password(text: &str) -> Secret {
        Secret::Password(text.into())
    }

    #[tokio::test]
    async fn a_sealed_secret_opens_for_its_own_trunk_and_version_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, keyring) = keyring(&dir).await;
        let row = keyring.seal("t1", 3, &password("s3cret"));
        assert!(matches!(keyring.open("t1", 3, &row), Ok(Secret::Password(p)) if p.expose_secret() == "s3cret"));
        assert_eq!(keyring.open("t2", 3, &row).err(), Some(OpenError), "a row that was moved to another trunk");
        assert_eq!(keyring.open("t1", 4, &row).err(), Some(OpenError), "a row that was moved to another version");
        for spoil in [
            |row: &mut SealedRow| row.key_id = 2,
            |row: &mut SealedRow| row.bytes[0] ^= 1,
            |row: &mut SealedRow| row.nonce[0] ^= 1,
            |row: &mut SealedRow| row.nonce.truncate(12),
            |row: &mut SealedRow| row.bytes.clear(),
        ] {
            let mut spoilt = row.clone();
            spoil(&mut spoilt);
            assert_eq!(keyring.open("t1", 3, &spoilt).err(), Some(OpenError));
        }
        store.close().await;
    }

    #[tokio::test]
    async fn secrets_open_after_a_restart_and_not_in_another_installation() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, first) = keyring(&dir).await;
        let row = first.seal("t1", 1, &password("s3cret"));
        let mac = first.mac("u", None, &password("s3cret"));
        store.close().await;
        drop(store);
        let (_store, again) = keyring(&dir).await;
        assert!(again.open("t1", 1, &row).is_ok());
        assert_eq!(again.mac("u", None, &password("s3cret")), mac);

        let elsewhere = tempfile::tempdir().expect("a directory");
        let (_store, other) = keyring(&elsewhere).await;
        assert!(other.open("t1", 1, &row).is_err());
        assert_ne!(other.mac("u", None, &password("s3cret")), mac);
    }

    #[tokio::test]
    async fn the_mac_tells_every_part_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        let (_store, keyring) = keyring(&dir).await;
        let ha1 = |values: &[(&str, &str)]| Secret::Ha1(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect());
        let macs = [
            keyring.mac("u", None, &password("p")),
            keyring.mac("u", Some(""), &password("p")),
            keyring.mac("u", Some("r"), &password("p")),
            keyring.mac("ur", None, &password("p")),
            keyring.mac("u", None, &password("pr")),
            keyring.mac("u", Some("r"), &ha1(&[("MD5", "aa")])),
        ];
        for (index, mac) in macs.iter().enumerate() {
            assert!(!macs[..index].contains(mac), "{index}");
        }
        let one = ha1(&[("MD5", "AA"), ("SHA-256", "bb")]);
        let other = ha1(&[("SHA-256", "bb"), ("MD5", "aa")]);
        assert_eq!(keyring.mac("u", Some("r"), &one), keyring.mac("u", Some("r"), &other));
    }

    #[tokio::test]
    async fn nothing_of_a_key_or_secret_is_printed_or_stored_in_the_open() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, keyring) = keyring(&dir).await;
        let row = keyring.seal("t1", 1, &password("s3cret"));
        assert_eq!(format!("{keyring:?} {row:?}"), "Keyring SealedRow(key 1)");
        assert!(!row.bytes.windows(6).any(|window| window == b"s3cret"));
        let mut reader = store.read().await.expect("a reader");
        let connection: &mut Connection = &mut reader;
        for key in data_keys::all(connection).await.expect("keys") {
            let wrapped = unbase64(&key.wrapped).expect("base64");
            assert!(keyring.0.data.values().all(|plain| !wrapped.windows(32).any(|window| window == &plain[..])));
        }
    }
}
