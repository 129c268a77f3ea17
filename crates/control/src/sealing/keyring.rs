use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use link::{Secret, Secrets};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use super::master_key::mac;
use super::{MasterKey, MasterKeySource, opening};
use crate::StartError;
use crate::encoding::{base64, hex, unbase64};
use crate::store::data_keys::WrappedKey;
use crate::store::{Store, StoreError};

/// The id of the key of the MACs, which lies beside the data keys, wrapped as they are.
pub(super) const MAC_KEY: i64 = 0;

/// A key in memory.
pub(super) type Plain = Zeroizing<[u8; 32]>;

/// Seals and opens secrets at rest. Cheap to clone; Debug prints nothing.
#[derive(Clone)]
pub struct Keyring {
    keys: Arc<RwLock<Keys>>,
    source: Arc<MasterKeySource>,
    /// One rotation at a time: a master key must wrap every data key that there is.
    pub(super) turn: Arc<Mutex<()>>,
}

/// The keys, unwrapped.
pub(super) struct Keys {
    /// By id; those that seal nothing any more stay until the end of the process, for whoever has just read a row.
    pub(super) data: BTreeMap<i64, Plain>,
    /// The key that seals what is new.
    pub(super) newest: i64,
    pub(super) mac: Plain,
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
        f.write_str("a stored secret does not open: it was moved to another row, or damaged")
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
    /// Reads the data keys of the store, or makes the first one at the first start. Where `previous` is the key that sealed this store, the
    /// one of `source` comes back beside it, for [`Keyring::wrap_under`].
    ///
    /// # Errors
    /// [`StartError`] where the master key is lost, malformed, or not the one that sealed this store.
    pub async fn load(
        store: &Store,
        source: MasterKeySource,
        previous: Option<&MasterKeySource>,
    ) -> Result<(Self, Option<MasterKey>), StartError> {
        let (keys, new_master) = opening::open(store, &source, previous).await?;
        Ok((Keyring { keys: Arc::new(RwLock::new(keys)), source: Arc::new(source), turn: Arc::default() }, new_master))
    }

    /// Seals secrets to a trunk and version. Call it within the transaction that writes it: a data key goes when no row has it any more.
    ///
    /// # Panics
    /// If the system has no entropy: nothing could be sealed safely.
    #[must_use]
    pub fn seal(&self, trunk: &str, version: u32, secrets: &Secrets) -> SealedRow {
        self.seal_as(&secrets.to_plain(), |key_id| associated(trunk, version, key_id))
    }

    /// Opens what was sealed for this trunk and version.
    ///
    /// # Errors
    /// [`OpenError`] for another trunk, version or key, and for damaged bytes.
    pub fn open(&self, trunk: &str, version: u32, row: &SealedRow) -> Result<Secrets, OpenError> {
        let plain = self.open_as(row, |key_id| associated(trunk, version, key_id))?;
        Secrets::from_plain(&plain).ok_or(OpenError)
    }

    /// Seals what was sealed for this trunk and version with the newest key, whatever it is.
    pub(super) fn seal_anew(&self, trunk: &str, version: u32, row: &SealedRow) -> Result<SealedRow, OpenError> {
        let plain = self.open_as(row, |key_id| associated(trunk, version, key_id))?;
        Ok(self.seal_as(&plain, |key_id| associated(trunk, version, key_id)))
    }

    /// Seals bytes to a place of their own, such as `webhook/` and an id. Call it within the transaction that writes them.
    ///
    /// # Panics
    /// If the system has no entropy: nothing could be sealed safely.
    #[must_use]
    pub fn seal_bytes(&self, place: &str, plain: &[u8]) -> SealedRow {
        self.seal_as(plain, |key_id| placed(place, key_id))
    }

    /// Opens what was sealed to this place.
    ///
    /// # Errors
    /// [`OpenError`] for another place or key, and for damaged bytes.
    pub fn open_bytes(&self, place: &str, row: &SealedRow) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        self.open_as(row, |key_id| placed(place, key_id))
    }

    fn seal_as(&self, plain: &[u8], associated: impl Fn(i64) -> Vec<u8>) -> SealedRow {
        let keys = self.keys();
        let key_id = keys.newest;
        let mut nonce = [0; 24];
        getrandom::fill(&mut nonce).expect("the system gives entropy");
        let payload = Payload { msg: plain, aad: &associated(key_id) };
        let key = keys.data.get(&key_id).expect("the newest key is among the keys");
        let bytes = cipher(key).encrypt(&XNonce::from(nonce), payload).expect("a secret is far below the cipher's limit");
        SealedRow { key_id, nonce: nonce.to_vec(), bytes }
    }

    fn open_as(&self, row: &SealedRow, associated: impl Fn(i64) -> Vec<u8>) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let keys = self.keys();
        let key = keys.data.get(&row.key_id).ok_or(OpenError)?;
        let nonce: [u8; 24] = row.nonce.as_slice().try_into().map_err(|_| OpenError)?;
        let payload = Payload { msg: &row.bytes, aad: &associated(row.key_id) };
        Ok(Zeroizing::new(cipher(key).decrypt(&XNonce::from(nonce), payload).map_err(|_| OpenError)?))
    }

    /// Returns the id of the key that seals what is new.
    pub fn newest(&self) -> i64 {
        self.keys().newest
    }

    /// Returns where the master key comes from.
    pub fn source(&self) -> &MasterKeySource {
        &self.source
    }

    /// As [`Keyring::source`], to be taken elsewhere.
    pub(super) fn source_handle(&self) -> Arc<MasterKeySource> {
        Arc::clone(&self.source)
    }

    /// Seals what is new under a key from here on. It is stored already.
    pub(super) fn adopt(&self, id: i64, key: Plain) {
        let mut keys = self.keys.write().unwrap_or_else(PoisonError::into_inner);
        keys.data.insert(id, key);
        keys.newest = keys.newest.max(id);
    }

    /// Wraps all keys in memory under another master key.
    pub(super) fn wrap_all(&self, master: &MasterKey) -> Result<Vec<WrappedKey>, StoreError> {
        let keys = self.keys();
        let mac = std::iter::once((&MAC_KEY, &keys.mac));
        keys.data.iter().chain(mac).map(|(id, key)| wrap(master, *id, key)).collect()
    }

    fn keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
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
        hex(&mac(&self.keys().mac, &[&fields]))
    }
}

pub(super) fn cipher(key: &[u8; 32]) -> XChaCha20Poly1305 {
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

/// A place and the key's id; the leading zero tells it from a trunk's id, which is never empty.
fn placed(place: &str, key_id: i64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(place.len() + 10);
    bytes.push(0);
    bytes.extend_from_slice(place.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&key_id.to_be_bytes());
    bytes
}

/// Draws a key.
pub(super) fn draw() -> Result<Plain, StoreError> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(&mut key[..]).map_err(no_entropy)?;
    Ok(key)
}

/// Wraps a key.
pub(super) fn wrap(master: &MasterKey, id: i64, key: &Plain) -> Result<WrappedKey, StoreError> {
    let mut nonce = [0; 24];
    getrandom::fill(&mut nonce).map_err(no_entropy)?;
    let payload = Payload { msg: &key[..], aad: &id.to_be_bytes() };
    let wrapped = cipher(&master.derive("wrap"))
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| StoreError::Unreadable("a data key cannot be wrapped".into()))?;
    Ok(WrappedKey { id, nonce: base64(&nonce), wrapped: base64(&wrapped) })
}

pub(super) fn unwrap(master: &MasterKey, key: &WrappedKey) -> Option<Plain> {
    let nonce: [u8; 24] = unbase64(&key.nonce)?.try_into().ok()?;
    let wrapped = unbase64(&key.wrapped)?;
    let payload = Payload { msg: &wrapped, aad: &key.id.to_be_bytes() };
    let plain = Zeroizing::new(cipher(&master.derive("wrap")).decrypt(&XNonce::from(nonce), payload).ok()?);
    Some(Zeroizing::new(plain.as_slice().try_into().ok()?))
}

fn no_entropy(error: getrandom::Error) -> StoreError {
    StoreError::Unreadable(format!("the system gives no entropy: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Connection, data_keys};

    async fn keyring(dir: &tempfile::TempDir) -> (Store, Keyring) {
        let store = Store::open(dir.path()).await.expect("it opens");
        let keyring = Keyring::load(&store, MasterKeySource::File(dir.path().join("master.key")), None).await.expect("it loads").0;
        (store, keyring)
    }

    fn password(text: &str) -> Secret {
        Secret::Password(text.into())
    }

    #[tokio::test]
    async fn a_sealed_secret_opens_for_its_own_trunk_and_version_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let (store, keyring) = keyring(&dir).await;
        let row = keyring.seal("t1", 3, &password("s3cret").into());
        assert!(matches!(keyring.open("t1", 3, &row), Ok(Secrets { account: Secret::Password(p), .. }) if p.expose_secret() == "s3cret"));
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
        let row = first.seal("t1", 1, &password("s3cret").into());
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
    async fn sealed_bytes_open_at_their_own_place_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let (_store, keyring) = keyring(&dir).await;
        let row = keyring.seal_bytes("webhook/w1", b"bytes");
        assert_eq!(keyring.open_bytes("webhook/w1", &row).expect("it opens").as_slice(), b"bytes");
        assert!(keyring.open_bytes("webhook/w2", &row).is_err());
        assert!(keyring.open("webhook/w1", 1, &row).is_err());
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
        let row = keyring.seal("t1", 1, &password("s3cret").into());
        assert_eq!(format!("{keyring:?} {row:?}"), "Keyring SealedRow(key 1)");
        assert!(!row.bytes.windows(6).any(|window| window == b"s3cret"));
        let mut reader = store.read().await.expect("a reader");
        let connection: &mut Connection = &mut reader;
        for key in data_keys::all(connection).await.expect("keys") {
            let wrapped = unbase64(&key.wrapped).expect("base64");
            assert!(keyring.keys().data.values().all(|plain| !wrapped.windows(32).any(|window| window == &plain[..])));
        }
    }
}
