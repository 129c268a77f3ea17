//! The start: which master key is the right one, and what was left half done.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::keyring::{Keys, MAC_KEY, draw, unwrap, wrap};
use super::master_key::put;
use super::{MasterKey, MasterKeySource};
use crate::StartError;
use crate::audit::{AuditEntry, Origin};
use crate::store::data_keys::{self, WrappedKey};
use crate::store::{Store, StoreError, settings};

/// The setting that tells the right master key from another.
pub(super) const CHECK: &str = "master_key_check";

/// The keys, and the master key that is to wrap them from here on, where that is another one than before.
type Opened = (Keys, Option<MasterKey>);

pub(super) async fn open(store: &Store, source: &MasterKeySource, previous: Option<&MasterKeySource>) -> Result<Opened, StartError> {
    let mut reader = store.read().await?;
    let check = settings::load(&mut reader, CHECK).await?;
    let stored = data_keys::all(&mut reader).await?;
    drop(reader);
    let Some(check) = check else { return Ok((first(store, &source.load(true)?).await?, None)) };
    let is_right = |master: &MasterKey| bool::from(check.as_bytes().ct_eq(master.check().as_bytes()));
    let (given, unread) = match finish_rotation(source, &is_right)? {
        Beside::Right(master) => (master, None),
        Beside::Nothing => (source.load(false)?, None),
        Beside::Unread { path, error } => {
            let beside = |error| StartError::MasterKeyBeside { source_name: source.to_string(), path, error: Box::new(error) };
            match source.load(false) {
                Ok(master) => (master, Some(beside(error))),
                Err(_) => return Err(beside(error)),
            }
        }
    };
    if is_right(&given) {
        return Ok((unlock(store, &given, &stored).await?, None));
    }
    let previous = previous.map(|previous| previous.load(false)).transpose()?;
    let Some(previous) = previous.filter(|previous| is_right(previous)) else {
        return Err(unread.unwrap_or_else(|| StartError::MasterKeyWrong { source_name: source.to_string() }));
    };
    Ok((unlock(store, &previous, &stored).await?, Some(given)))
}

/// Writes all keys as another master key wraps them. It is the one that counts once this returns.
pub(super) async fn rewrap(store: &Store, origin: &Origin, master: &MasterKey, wrapped: &[WrappedKey]) -> Result<(), StoreError> {
    let mut tx = store.begin(origin).await?;
    let ids: Vec<i64> = data_keys::all(tx.connection()).await?.into_iter().map(|key| key.id).collect();
    for key in wrapped.iter().filter(|key| ids.contains(&key.id)) {
        data_keys::replace(&mut tx, key).await?;
    }
    if ids.iter().any(|id| wrapped.iter().all(|key| key.id != *id)) {
        return Err(StoreError::Unreadable("a data key was made meanwhile".into()));
    }
    settings::save(&mut tx, CHECK, &master.check()).await?;
    tx.audit(AuditEntry::new("rotate", "masterKey", "master").after(serde_json::json!({ "key": "changed" })));
    tx.commit().await
}

/// The first start: draws the first data key and the key of the MACs.
async fn first(store: &Store, master: &MasterKey) -> Result<Keys, StartError> {
    let (data, mac) = (draw()?, draw()?);
    let mut tx = store.begin(&Origin::system("sealing")).await?;
    settings::save(&mut tx, CHECK, &master.check()).await?;
    data_keys::insert(&mut tx, &wrap(master, MAC_KEY, &mac)?).await?;
    data_keys::insert(&mut tx, &wrap(master, 1, &data)?).await?;
    tx.audit(AuditEntry::new("create", "dataKey", "1"));
    tx.commit().await?;
    Ok(Keys { data: [(1, data)].into(), newest: 1, mac })
}

async fn unlock(store: &Store, master: &MasterKey, stored: &[WrappedKey]) -> Result<Keys, StartError> {
    let mut data = BTreeMap::new();
    for key in stored {
        let plain = unwrap(master, key).ok_or_else(|| StoreError::Unreadable(format!("data key {}", key.id)))?;
        data.insert(key.id, plain);
    }
    let mac = match data.remove(&MAC_KEY) {
        Some(mac) => mac,
        None => {
            // Stores from before it was a key of its own: it was derived from the master key, and the MACs that are there are its.
            let derived = Zeroizing::new(*master.derive("mac"));
            let mut tx = store.begin(&Origin::system("sealing")).await?;
            data_keys::insert(&mut tx, &wrap(master, MAC_KEY, &derived)?).await?;
            tx.commit().await?;
            derived
        }
    };
    let newest = data.keys().next_back().copied().ok_or_else(|| StoreError::Unreadable("no data key".into()))?;
    Ok(Keys { data, newest, mac })
}

/// What lies beside the file of the master key.
enum Beside {
    /// Nothing, or nothing that is of use.
    Nothing,
    /// The right key; it has taken the file's place.
    Right(MasterKey),
    /// A file that cannot be used. It may be the right key, so it stays where it is.
    Unread {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: StartError,
    },
}

/// A kill may have come between the store's change and the file's: then the key that lies beside the file is the right one, and takes its
/// place. Beside the right key there is only what was drawn for a change that never came.
fn finish_rotation(source: &MasterKeySource, is_right: &dyn Fn(&MasterKey) -> bool) -> Result<Beside, StartError> {
    let MasterKeySource::File(path) = source else { return Ok(Beside::Nothing) };
    let next = MasterKeySource::next_file(path);
    let read = match File::open(&next) {
        Ok(file) => source.read(&next, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Beside::Nothing),
        Err(error) => Err(StartError::MasterKeyFile { path: next.clone(), error }),
    };
    match read {
        Ok(master) if is_right(&master) => {
            put(&next, path)?;
            Ok(Beside::Right(master))
        }
        Ok(_) => {
            // Of no use to anyone. If it stays, the next rotation writes over it.
            let _ = fs::remove_file(&next);
            Ok(Beside::Nothing)
        }
        Err(error) => Ok(Beside::Unread { path: next, error }),
    }
}
