use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use foldhash::fast::RandomState;
use link::UnixMicros;
use ua::{Resume, Times};

use super::file::{STATE, aside, sync_dir};
use super::frame::{FileId, HEADER_BYTES, PREFIX_BYTES};
use super::key::Key;
use super::record::{KeptRenewal, Record, Renewed, Tried};
use super::saved::Saved;
use super::scan::{Entry, Index, Scan, Slot, Tail, Unusable, VERIFICATION, scan};
use crate::StartError;
use crate::clock::Clock;

/// What is to be written of a trunk or a verification.
#[derive(Debug)]
pub(crate) enum Change {
    /// The latest state of a trunk.
    Save(Box<Resume>),
    /// Its binding was renewed; what was saved before holds otherwise.
    Renew(Times),
    /// Nothing is known of it.
    Forget,
    /// A verification was begun or has ended.
    Tried { until: UnixMicros, verdict: Option<Vec<u8>> },
}

/// The latest change of each trunk and verification, by its name in the index.
pub(crate) type Changes = HashMap<Arc<str>, Change, RandomState>;

/// A file is not written anew before it has so much to lose.
const COMPACT_FROM: u64 = 1 << 20;

/// So much room is kept for what is appended next.
const BYTES_KEPT: usize = 256 * 1024;

/// So many renewals are sealed together: with names of 200 bytes they fit a frame.
const RENEWALS_A_FRAME: usize = 256;

/// The state file and where each trunk's latest record is.
pub(crate) struct Store {
    path: PathBuf,
    key: Arc<Key>,
    clock: Clock,
    /// Absent until the first file could be made.
    current: Option<Current>,
    index: Index,
    /// Where appended frames are put together.
    bytes: Vec<u8>,
    live: u64,
}

/// The file that is being read.
struct Current {
    file: File,
    id: FileId,
    end: u64,
    /// The number of the next frame, if this process made the file; others' files are not appended to.
    next: Option<u64>,
}

impl Store {
    /// Opens the state file, and what it holds for those who go on from it. A damaged one is moved aside.
    pub(crate) fn open(dir: &Path, key: Arc<Key>, clock: &Clock) -> Result<(Self, Saved), StartError> {
        let path = dir.join(STATE);
        let fault = |source| StartError::State { path: path.clone(), source };
        let mut store = Store {
            path: path.clone(),
            key: Arc::clone(&key),
            clock: clock.clone(),
            current: None,
            index: Index::default(),
            bytes: Vec::new(),
            live: 0,
        };
        let mut saved = Saved::none(clock);
        match OpenOptions::new().read(true).write(true).open(&path) {
            Ok(file) if file.metadata().map_err(fault)?.len() == 0 => {}
            Ok(file) => match scan(&file, &key).map_err(fault)? {
                Ok(found) => {
                    store.tail(found.tail);
                    // Cut before anything is sent: a stale marker would call what follows exact.
                    file.set_len(found.end).and_then(|()| file.sync_data()).map_err(fault)?;
                    saved = Saved::of(file.try_clone().map_err(fault)?, &found, key, clock);
                    store.take_over(file, found);
                    store.forget(&saved.outdated());
                }
                Err(unusable) => {
                    let aside = aside(&path);
                    fs::rename(&path, &aside).map_err(fault)?;
                    let why = match unusable {
                        Unusable::Foreign => "it is no state file, or its beginning is damaged",
                        Unusable::Locked => "it does not open with the key edge.key beside it, or is damaged",
                    };
                    tracing::warn!(path = %path.display(), aside = %aside.display(), "the state file cannot be used ({why}); it was moved aside, and registrations begin anew");
                }
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(fault(error)),
        }
        if let Err(error) = store.compact() {
            tracing::warn!(path = %path.display(), %error, "the state file cannot be written; it is tried again while the edge runs");
        }
        Ok((store, saved))
    }

    fn tail(&self, tail: Tail) {
        match tail {
            Tail::None => {}
            Tail::Torn(bytes) => tracing::info!(path = %self.path.display(), bytes, "the state file's unfinished end was cut off"),
            Tail::Damaged(bytes) => {
                let aside = aside(&self.path);
                let copied = fs::copy(&self.path, &aside).is_ok();
                tracing::warn!(
                    path = %self.path.display(), aside = %aside.display(), copied, bytes,
                    "the state file is damaged; a copy was put aside, what stands before the damage is used, the rest begins anew"
                );
            }
        }
    }

    fn take_over(&mut self, file: File, found: Scan) {
        self.live = found.index.values().map(|entry| entry.slot.bytes()).sum();
        self.index = found.index;
        self.current = Some(Current { file, id: found.id, end: found.end, next: None });
    }

    /// Appends changes. Either all are in the file, flushed to the system, or none is.
    pub(crate) fn append(&mut self, changes: &Changes) -> io::Result<()> {
        if self.current.as_ref().is_none_or(|current| current.next.is_none() || current.end > COMPACT_FROM.max(2 * self.live)) {
            self.compact()?;
        }
        let Some(Current { file, id, end, next: Some(next) }) = &mut self.current else {
            return Err(io::Error::other("the state file could not be made"));
        };
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        let mut slots = Vec::new();
        let mut renewals = Vec::new();
        for (subject, change) in changes {
            let record = match change {
                Change::Renew(times) => {
                    renewals.push(KeptRenewal { trunk: subject, renewed: Renewed::of(times, &self.clock) });
                    continue;
                }
                Change::Save(resume) => Record::save(resume, &self.clock),
                Change::Forget => Record::Forget(subject),
                Change::Tried { until, verdict } => {
                    Record::Tried(Tried { id: subject.trim_start_matches(VERIFICATION), until: *until, verdict: verdict.as_deref() })
                }
            };
            let alive = !matches!(change, Change::Forget);
            let at = *end + bytes.len() as u64;
            let number = *next;
            *next += 1;
            match id.seal(&self.key, number, &record.bytes(), &mut bytes) {
                Some(length) => slots.push((subject, alive, slot(at, number, length))),
                None => tracing::warn!(%subject, "a record is too large to be saved; it is not there after a restart"),
            }
        }
        let renewed: Vec<(&str, Renewed)> = renewals.iter().map(|renewal| (renewal.trunk, renewal.renewed)).collect();
        seal_renewals(renewals, *id, &self.key, next, &mut bytes);
        if let Err(error) = file.write_all_at(&bytes, *end) {
            // What was written of it would be taken for damage.
            let _ = file.set_len(*end);
            return Err(error);
        }
        *end += bytes.len() as u64;
        // What a start of everything at once needed is given back.
        bytes.shrink_to(BYTES_KEPT);
        self.bytes = bytes;
        for (subject, alive, slot) in slots {
            let old = if alive { self.index.insert(Arc::clone(subject), slot.into()) } else { self.index.swap_remove(subject) };
            self.live += if alive { slot.bytes() } else { 0 };
            self.live -= old.map_or(0, |old| old.slot.bytes());
        }
        for (trunk, renewed) in renewed {
            if let Some(entry) = self.index.get_mut(trunk) {
                entry.renewed = Some(renewed);
            }
        }
        Ok(())
    }

    /// Makes durable what was appended.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.current.as_ref().map_or(Ok(()), |current| current.file.sync_data())
    }

    /// Marks everything as exact; the last thing that is done to a file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let Some(Current { file, id, end, next: Some(next) }) = &mut self.current else {
            return Err(io::Error::other("the state file could not be made"));
        };
        let mut bytes = Vec::new();
        id.seal(&self.key, *next, &Record::Clean.bytes(), &mut bytes);
        file.sync_data()?;
        file.write_all_at(&bytes, *end)?;
        file.sync_all()
    }

    /// Forgets what was found and is no longer needed, before the first append.
    fn forget(&mut self, subjects: &[Arc<str>]) {
        for subject in subjects {
            self.live -= self.index.swap_remove(subject).map_or(0, |entry| entry.slot.bytes());
        }
    }

    /// Writes what is alive into a new file, which then takes the old one's place. If that fails, the old one stays.
    fn compact(&mut self) -> io::Result<()> {
        let unfinished = self.path.with_extension("new");
        let made = self.write_anew(&unfinished);
        if made.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        let (current, index) = made?;
        self.current = Some(current);
        self.index = index;
        self.live = self.index.values().map(|entry| entry.slot.bytes()).sum();
        Ok(())
    }

    fn write_anew(&self, unfinished: &Path) -> io::Result<(Current, Index)> {
        let file = OpenOptions::new().create(true).truncate(true).read(true).write(true).mode(0o600).open(unfinished)?;
        let id = FileId::random()?;
        let mut out = BufWriter::with_capacity(1 << 20, &file);
        out.write_all(&id.header())?;
        let (mut end, mut next) = (HEADER_BYTES as u64, 0);
        let mut index = Index::with_capacity_and_hasher(self.index.len(), RandomState::default());
        let mut alive: Vec<(&Arc<str>, Entry)> = self.index.iter().map(|(subject, &entry)| (subject, entry)).collect();
        alive.sort_unstable_by_key(|(_, entry)| entry.slot.at);
        let (mut sealed, mut frame) = (Vec::new(), Vec::new());
        let mut renewals = Vec::new();
        for (subject, Entry { slot: old, renewed }) in alive {
            let Some(old_file) = &self.current else { break };
            let Some(plain) = read(&old_file.file, old_file.id, &self.key, old, &mut sealed)? else {
                tracing::warn!(%subject, "a record of the state file has become unreadable; it is left out");
                continue;
            };
            frame.clear();
            let Some(length) = id.seal(&self.key, next, &plain, &mut frame) else { continue };
            out.write_all(&frame)?;
            index.insert(Arc::clone(subject), Entry { slot: slot(end, next, length), renewed });
            renewals.extend(renewed.map(|renewed| KeptRenewal { trunk: subject, renewed }));
            end += frame.len() as u64;
            next += 1;
        }
        frame.clear();
        seal_renewals(renewals, id, &self.key, &mut next, &mut frame);
        out.write_all(&frame)?;
        end += frame.len() as u64;
        out.flush()?;
        drop(out);
        file.sync_all()?;
        fs::rename(unfinished, &self.path)?;
        self.path.parent().map_or(Ok(()), sync_dir)?;
        Ok((Current { file, id, end, next: Some(next) }, index))
    }

    /// Returns how long the file is.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.current.as_ref().map_or(0, |current| current.end)
    }
}

/// Opens the record of a slot; nothing if it no longer opens.
pub(crate) fn read(
    file: &File,
    id: FileId,
    key: &Key,
    slot: Slot,
    sealed: &mut Vec<u8>,
) -> io::Result<Option<zeroize::Zeroizing<Vec<u8>>>> {
    sealed.resize(slot.length as usize, 0);
    file.read_exact_at(sealed, slot.at + PREFIX_BYTES as u64)?;
    Ok(id.open(key, slot.number, sealed))
}

/// Appends renewals to `out`, many to a frame.
fn seal_renewals(mut renewals: Vec<KeptRenewal<'_>>, id: FileId, key: &Key, next: &mut u64, out: &mut Vec<u8>) {
    while !renewals.is_empty() {
        let rest = renewals.split_off(renewals.len().min(RENEWALS_A_FRAME));
        let record = Record::Renewed(std::mem::replace(&mut renewals, rest));
        if id.seal(key, *next, &record.bytes(), out).is_none() {
            tracing::warn!("renewals are too large to be saved; those bindings are renewed soon after a restart");
        }
        *next += 1;
    }
}

fn slot(at: u64, number: u64, frame: usize) -> Slot {
    Slot { at, number, length: u32::try_from(frame - PREFIX_BYTES).unwrap_or(u32::MAX) }
}
