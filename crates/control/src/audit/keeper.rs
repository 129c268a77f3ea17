//! Signs the newest record every minute and writes it where it can be carried away; trims what is older than it is to be kept.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::{AuditEntry, AuditKey, Head, HeadKind, Origin, file};
use crate::sealing::Keyring;
use crate::store::{Store, StoreError, audit_heads, audits, backup, now, sealed};

/// Where the seed of the key lies, sealed.
const KEY: &str = "sealed/audit_key";

/// What is answered where nothing may be signed.
pub const ALTERED: &str =
    "The audit chain was altered: its newest record was not written by Trunkline. GET /api/v2/audits/verify tells where.";

/// The exported heads' file is put aside when it is so long; one before it is kept.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// So many records are trimmed in one transaction.
const TRIM: i64 = 2_000;

/// When the audit chain is signed, where that is written, and how long records are kept.
#[derive(Clone, Debug)]
pub struct AuditSettings {
    /// Between two signatures; nothing is signed where nothing was added.
    pub every: Duration,
    /// Where signed heads are appended, a line each; `audit-heads.ndjson` in the data directory where absent.
    pub heads: Option<PathBuf>,
    /// How long records are kept; for ever where absent.
    pub keep: Option<Duration>,
}

impl Default for AuditSettings {
    fn default() -> Self {
        AuditSettings { every: Duration::from_secs(60), heads: None, keep: None }
    }
}

/// Gives the store its audit key; makes one where there never was one, and authenticates with it what was written before.
///
/// # Errors
/// [`StoreError::Unreadable`] where the key is gone though heads were signed with it, or does not open.
pub async fn ensure_key(store: &Store, keyring: &Keyring) -> Result<(), StoreError> {
    let unreadable = |what: &str| StoreError::Unreadable(format!("the key of the audit chain {what}"));
    let mut tx = store.begin(&Origin::system("audit")).await?;
    let seed = match sealed::load(tx.connection(), KEY).await? {
        Some(row) => keyring.open_bytes(KEY, &row).map_err(|_| unreadable("does not open"))?,
        None => {
            let (number, hash, mac) = audit_heads::newest(tx.connection()).await?;
            if !mac.is_empty() || audit_heads::count(tx.connection()).await? > 0 {
                return Err(unreadable("is gone, and the chain was signed with it"));
            }
            let mut seed = Zeroizing::new(vec![0; 32]);
            getrandom::fill(&mut seed).map_err(|error| unreadable(&format!("cannot be drawn: {error}")))?;
            sealed::save(&mut tx, KEY, &keyring.seal_bytes(KEY, &seed)).await?;
            let key = AuditKey::of(&seed).ok_or_else(|| unreadable("cannot be made"))?;
            audit_heads::save_mac(&mut tx, &key.mac(number, &hash)).await?;
            seed
        }
    };
    tx.commit().await?;
    store.set_audit_key(Arc::new(AuditKey::of(&seed).ok_or_else(|| unreadable("is no key"))?));
    Ok(())
}

/// Signs the newest record; none where it was not written by Trunkline, or there is none: what was altered must not be signed as if it were
/// good.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn current(store: &Store) -> Result<Option<Head>, StoreError> {
    let Some(key) = store.audit_key() else { return Ok(None) };
    let (number, hash, mac) = audit_heads::newest(&mut *store.read().await?).await?;
    Ok(key.wrote(number, &hash, &mac).then(|| key.sign(HeadKind::Head, number, &hash, now())))
}

/// Signs and exports that a copy has taken the chain's place, where that was since the last start: heads that were signed of later records
/// are of the chain that was put aside, and nothing but this line tells that from a chain that was cut. Call it before the restore is
/// recorded; after a kill in between, the line is there twice, which says nothing else.
///
/// # Errors
/// [`StoreError`] where it cannot be read.
pub async fn tell_restore(store: &Store, heads: &Path) -> Result<(), StoreError> {
    let Some(key) = store.audit_key() else { return Ok(()) };
    let mut reader = store.read().await?;
    if !backup::is_restored(&mut reader).await? {
        return Ok(());
    }
    let (number, hash, mac) = audit_heads::newest(&mut reader).await?;
    drop(reader);
    if !key.wrote(number, &hash, &mac) {
        tracing::error!("{ALTERED}");
        return Ok(());
    }
    let head = key.sign(HeadKind::Restore, number, &hash, now());
    export(heads, &head).await;
    Ok(())
}

/// Signs, exports and trims until the store is closed.
pub async fn run(store: Store, heads: PathBuf, settings: AuditSettings) {
    let mut tick = tokio::time::interval(settings.every);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut due = unexported(&store, &heads).await;
    loop {
        tick.tick().await;
        if store.is_closed() {
            return;
        }
        sign_and_export(&store, &heads, &mut due).await;
        if let Some(keep) = settings.keep
            && let Err(error) = trim(&store, now() - i64::try_from(keep.as_micros()).unwrap_or(i64::MAX)).await
        {
            tracing::error!(%error, "old audit records could not be trimmed");
        }
    }
}

/// Signs what is new, and exports it; `due` is the head that could not be exported yet. One head vouches for all before it.
async fn sign_and_export(store: &Store, heads: &Path, due: &mut Option<Head>) {
    match sign(store).await {
        Ok(Some(head)) => *due = Some(head),
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "the audit chain could not be signed"),
    }
    if let Some(head) = due.take()
        && !export(heads, &head).await
    {
        *due = Some(head);
    }
}

/// Returns the head that was signed last, where the file does not end with it: the server was stopped before it could be exported.
async fn unexported(store: &Store, heads: &Path) -> Option<Head> {
    let key = store.audit_key()?;
    let last = audit_heads::last(&mut *store.read().await.ok()?, HeadKind::Head, key.public()).await.ok()??;
    let (line, path) = (file::line(&last.body()), heads.to_owned());
    let ends_with_it = tokio::task::spawn_blocking(move || std::fs::read(path).is_ok_and(|text| text.ends_with(line.as_bytes())));
    (!ends_with_it.await.unwrap_or(false)).then_some(last)
}

/// Signs the newest record where it is newer than the last one that was signed.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn sign(store: &Store) -> Result<Option<Head>, StoreError> {
    let Some(key) = store.audit_key() else { return Ok(None) };
    let mut reader = store.read().await?;
    let last = audit_heads::last(&mut reader, HeadKind::Head, key.public()).await?.map_or(0, |head| head.number);
    let (number, _, _) = audit_heads::newest(&mut reader).await?;
    drop(reader);
    if number <= last {
        return Ok(None);
    }
    let mut tx = store.begin(&Origin::system("audit")).await?;
    let (number, hash, mac) = audit_heads::newest(tx.connection()).await?;
    if !key.wrote(number, &hash, &mac) {
        tracing::error!("{ALTERED}");
        return Ok(None);
    }
    let head = key.sign(HeadKind::Head, number, &hash, tx.now());
    audit_heads::insert(&mut tx, &head).await?;
    tx.commit().await?;
    Ok(Some(head))
}

/// Removes records from before a time, and leaves a signed checkpoint where they ended.
///
/// # Errors
/// [`StoreError`] where it cannot be written.
pub async fn trim(store: &Store, before: link::UnixMicros) -> Result<u64, StoreError> {
    let Some(key) = store.audit_key() else { return Ok(0) };
    // What is written about the trimming is not trimmed at once.
    let before = before.min(now());
    let mut trimmed = 0;
    loop {
        let mut tx = store.begin(&Origin::system("audit")).await?;
        let (number, hash, mac) = audit_heads::newest(tx.connection()).await?;
        if !key.wrote(number, &hash, &mac) {
            tracing::error!("{ALTERED}");
            return Ok(trimmed);
        }
        let from = audit_heads::last(tx.connection(), HeadKind::Checkpoint, key.public()).await?;
        if from.as_ref().is_some_and(|from| !from.is_signed()) {
            tracing::error!("{ALTERED}");
            return Ok(trimmed);
        }
        let Some((to, hash)) = audits::trim(&mut tx, before, TRIM).await? else { return Ok(trimmed) };
        let checkpoint = key.sign(HeadKind::Checkpoint, to, &hash, tx.now());
        audit_heads::delete_to(&mut tx, to).await?;
        audit_heads::insert(&mut tx, &checkpoint).await?;
        let records = to - from.map_or(0, |from| from.number);
        tx.audit(AuditEntry::new("trim", "audit", to.to_string()).after(serde_json::json!({ "records": records })));
        tx.commit().await?;
        trimmed += records.unsigned_abs();
    }
}

/// Tells whether it is written.
async fn export(path: &Path, head: &Head) -> bool {
    // To the log as well: where logs are collected, it leaves the machine at once.
    tracing::info!(number = head.number, hash = head.hash, signature = head.signature, "the audit chain is signed");
    let (path_of_task, line) = (path.to_owned(), file::line(&head.body()));
    let written = tokio::task::spawn_blocking(move || append(&path_of_task, &line)).await;
    match written {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::error!(%error, path = %path.display(), "a signed head of the audit chain could not be exported yet"),
        Err(error) => tracing::error!(%error, "a signed head of the audit chain could not be exported yet"),
    }
    false
}

fn append(path: &Path, line: &str) -> io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| found.len() >= FILE_BYTES_MAX) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".1");
        std::fs::rename(path, aside)?;
    }
    let mut file: File = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.write_all(line.as_bytes())?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_head_that_could_not_be_written_is_written_when_it_can_be() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).await.expect("it opens");
        store.set_audit_key(Arc::new(AuditKey::of(&[7; 32]).expect("a key")));
        let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
        tx.audit(AuditEntry::new("create", "site", "s1"));
        tx.commit().await.expect("written");
        let away = dir.path().join("away");
        let heads = away.join("heads.ndjson");
        let mut due = None;
        sign_and_export(&store, &heads, &mut due).await;
        assert_eq!(due.as_ref().map(|head| head.number), Some(1));
        // So would the next start find it.
        assert_eq!(unexported(&store, &heads).await, due);
        std::fs::create_dir(&away).expect("made");
        sign_and_export(&store, &heads, &mut due).await;
        assert_eq!((due, unexported(&store, &heads).await), (None, None));
        assert_eq!(std::fs::read_to_string(&heads).expect("written").lines().count(), 1);
        store.close().await;
    }
}
