use std::fs::File;
use std::sync::Arc;

use link::{UnixMicros, Verdict};
use ua::Resume;
use zeroize::Zeroizing;

use super::frame::FileId;
use super::key::Key;
use super::record::{KeptMore, Record};
use super::scan::{Entry, Index, Scan, Slot, VERIFICATION, verification};
use super::store::read;
use crate::clock::Clock;

/// What was saved before this start, each trunk's until it is taken. It stays in the file meanwhile; only its places are in memory.
pub(crate) struct Saved {
    source: Option<(File, FileId, Arc<Key>)>,
    index: Index,
    verifications: Vec<Verification>,
    clean: bool,
    clock: Clock,
}

/// A verification that was begun before this start.
#[derive(Debug)]
pub(crate) struct Verification {
    pub(crate) id: Arc<str>,
    /// Until then it is remembered.
    pub(crate) until: UnixMicros,
    /// How it ended; nothing if that is not known.
    pub(crate) verdict: Option<Verdict>,
}

impl Saved {
    pub(crate) fn none(clock: &Clock) -> Self {
        Saved { source: None, index: Index::default(), verifications: Vec::new(), clean: false, clock: clock.clone() }
    }

    pub(crate) fn of(file: File, found: &Scan, key: Arc<Key>, clock: &Clock) -> Self {
        let (verifications, index): (Index, _) = found
            .index
            .iter()
            .map(|(subject, &entry)| (Arc::clone(subject), entry))
            .partition(|(subject, _)| subject.starts_with(VERIFICATION));
        let mut saved =
            Saved { source: Some((file, found.id, key)), index, verifications: Vec::new(), clean: found.clean, clock: clock.clone() };
        saved.verifications = verifications.into_values().filter_map(|entry| saved.verification(entry.slot)).collect();
        saved
    }

    /// Takes the verifications that are to be remembered.
    pub(crate) fn take_verifications(&mut self) -> Vec<Verification> {
        let now = self.clock.unix(self.clock.now());
        let mut verifications = std::mem::take(&mut self.verifications);
        verifications.retain(|verification| verification.until > now);
        verifications
    }

    /// Names what is too old to be remembered, as the index does.
    pub(crate) fn outdated(&self) -> Vec<Arc<str>> {
        let now = self.clock.unix(self.clock.now());
        self.verifications.iter().filter(|one| one.until <= now).map(|one| verification(&one.id)).collect()
    }

    fn verification(&self, slot: Slot) -> Option<Verification> {
        let plain = self.plain(slot)?;
        let Some(Record::Tried(tried)) = Record::read(&plain) else { return None };
        let verdict = tried.verdict.and_then(|json| serde_json::from_slice(json).ok());
        Some(Verification { id: tried.id.into(), until: tried.until, verdict })
    }

    fn plain(&self, slot: Slot) -> Option<Zeroizing<Vec<u8>>> {
        let (file, id, key) = self.source.as_ref()?;
        read(file, *id, key, slot, &mut Vec::new()).unwrap_or_else(|error| {
            tracing::warn!(%error, "the state file cannot be read; a registration begins anew");
            None
        })
    }

    /// Takes what was saved of a trunk, once.
    pub(crate) fn take(&mut self, trunk: &str) -> Option<Box<Resume>> {
        let (trunk, Entry { slot, renewed }) = self.index.swap_remove_entry(trunk)?;
        let plain = self.plain(slot)?;
        let mut resume = match Record::read(&plain) {
            Some(Record::Save(kept)) => Some(Box::new(kept.resume(KeptMore::default(), trunk, self.clean, &self.clock))),
            Some(Record::SaveFailed(kept, failed)) => Some(Box::new(kept.resume(failed.into(), trunk, self.clean, &self.clock))),
            Some(Record::SaveMore(kept, more)) => Some(Box::new(kept.resume(more, trunk, self.clean, &self.clock))),
            Some(Record::Forget(_) | Record::Clean | Record::Tried(_) | Record::Renewed(_)) | None => None,
        };
        if let (Some(resume), Some(renewed)) = (&mut resume, renewed) {
            renewed.apply(resume, &self.clock);
        }
        if self.index.is_empty() {
            self.source = None;
            self.index.shrink_to_fit();
        }
        resume
    }

    /// Gives up everything that was not taken, and names it.
    pub(crate) fn give_up(&mut self) -> Vec<Arc<str>> {
        self.source = None;
        std::mem::take(&mut self.index).into_keys().collect()
    }

    /// Tells how many trunks' states wait to be taken.
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Tells whether the edge was stopped in order.
    pub(crate) fn is_clean(&self) -> bool {
        self.clean
    }
}
