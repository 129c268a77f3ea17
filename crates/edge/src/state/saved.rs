use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use ua::Resume;

use super::frame::FileId;
use super::key::Key;
use super::record::Record;
use super::scan::{Scan, Slot};
use super::store::read;
use crate::clock::Clock;

/// What was saved before this start, each trunk's until it is taken. It stays in the file meanwhile; only its places are in memory.
pub(crate) struct Saved {
    source: Option<(File, FileId, Arc<Key>)>,
    index: HashMap<Arc<str>, Slot>,
    clean: bool,
    clock: Clock,
}

impl Saved {
    pub(crate) fn none(clock: &Clock) -> Self {
        Saved { source: None, index: HashMap::new(), clean: false, clock: clock.clone() }
    }

    pub(crate) fn of(file: File, found: &Scan, key: Arc<Key>, clock: &Clock) -> Self {
        Saved { source: Some((file, found.id, key)), index: found.index.clone(), clean: found.clean, clock: clock.clone() }
    }

    /// Takes what was saved of a trunk, once.
    pub(crate) fn take(&mut self, trunk: &str) -> Option<Box<Resume>> {
        let (trunk, slot) = self.index.remove_entry(trunk)?;
        let (file, id, key) = self.source.as_ref()?;
        let mut sealed = Vec::new();
        let plain = match read(file, *id, key, slot, &mut sealed) {
            Ok(plain) => plain?,
            Err(error) => {
                tracing::warn!(%trunk, %error, "the state file cannot be read; the registration begins anew");
                return None;
            }
        };
        let resume = match Record::read(&plain) {
            Some(Record::Save(kept)) => Some(Box::new(kept.resume(trunk, self.clean, &self.clock))),
            Some(Record::Forget(_) | Record::Clean) | None => None,
        };
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
