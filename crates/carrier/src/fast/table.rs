use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

/// A granted binding.
#[derive(Clone, Copy)]
pub(super) struct Binding {
    pub(super) lapses_at: Duration,
}

/// What is known of a user.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) binding: Option<Binding>,
    /// The nonce that was answered last, hashed, and its count.
    pub(super) nonce: u64,
    pub(super) nc: u32,
    /// The branch seen last, hashed.
    pub(super) branch: u64,
}

/// Users by the hash of their name.
#[derive(Default)]
pub(super) struct Table(HashMap<u64, Entry, BuildHasherDefault<Hashed>>);

impl Table {
    pub(super) fn entry(&mut self, key: u64) -> &mut Entry {
        self.0.entry(key).or_default()
    }

    pub(super) fn bound(&self, now: Duration) -> u64 {
        self.bindings().filter(|binding| binding.lapses_at >= now).count() as u64
    }

    pub(super) fn lapsed(&self, now: Duration) -> u64 {
        self.bindings().filter(|binding| binding.lapses_at < now).count() as u64
    }

    fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.0.values().filter_map(|entry| entry.binding.as_ref())
    }
}

/// Keys are hashes already.
#[derive(Default)]
pub(super) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
