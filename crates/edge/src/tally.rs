//! Counting without locks: each thread counts for itself and shows its counts once a turn.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use crate::Counters;

/// What one shard counts for itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShardTally {
    pub(crate) endpoint: ua::Counters,
    pub(crate) received: u64,
    pub(crate) sent: u64,
    pub(crate) overrun: u64,
    pub(crate) send_failed: u64,
    pub(crate) icmp: u64,
    pub(crate) gated: u64,
    pub(crate) unrouted: u64,
}

/// What all threads have shown.
#[derive(Debug)]
pub(crate) struct Tally {
    shards: Vec<[AtomicU64; 12]>,
    pub(crate) resolved: AtomicU64,
    pub(crate) resolve_failed: AtomicU64,
    pub(crate) reports_lost: AtomicU64,
    pub(crate) attempts_lost: AtomicU64,
    pub(crate) saved: AtomicU64,
    pub(crate) save_failed: AtomicU64,
    pub(crate) connections_open: AtomicU64,
    pub(crate) connections_opened: AtomicU64,
    pub(crate) connections_failed: AtomicU64,
    pub(crate) connections_gated: AtomicU64,
    /// A shard has failed.
    pub(crate) failed: AtomicBool,
}

impl Tally {
    pub(crate) fn new(shards: usize) -> Self {
        Tally {
            shards: (0..shards).map(|_| Default::default()).collect(),
            resolved: AtomicU64::new(0),
            resolve_failed: AtomicU64::new(0),
            reports_lost: AtomicU64::new(0),
            attempts_lost: AtomicU64::new(0),
            saved: AtomicU64::new(0),
            save_failed: AtomicU64::new(0),
            connections_open: AtomicU64::new(0),
            connections_opened: AtomicU64::new(0),
            connections_failed: AtomicU64::new(0),
            connections_gated: AtomicU64::new(0),
            failed: AtomicBool::new(false),
        }
    }

    /// Shows a shard's counts.
    pub(crate) fn publish(&self, shard: usize, counted: &ShardTally) {
        let ShardTally { endpoint, received, sent, overrun, send_failed, icmp, gated, unrouted } = *counted;
        let ua::Counters { registers, retransmissions, strangers, bound, attempts_untold, .. } = endpoint;
        let values =
            [registers, retransmissions, strangers, bound, received, sent, overrun, send_failed, icmp, gated, unrouted, attempts_untold];
        if let Some(slots) = self.shards.get(shard) {
            slots.iter().zip(values).for_each(|(slot, value)| slot.store(value, Relaxed));
        }
    }

    /// Adds everything up.
    pub(crate) fn sum(&self) -> Counters {
        let sum = |slot: usize| self.shards.iter().map(|slots| slots[slot].load(Relaxed)).sum();
        Counters {
            registers: sum(0),
            retransmissions: sum(1),
            strangers: sum(2),
            bound: sum(3),
            received: sum(4),
            sent: sum(5),
            overrun: sum(6),
            send_failed: sum(7),
            icmp: sum(8),
            gated: sum(9) + self.connections_gated.load(Relaxed),
            unrouted: sum(10),
            resolved: self.resolved.load(Relaxed),
            resolve_failed: self.resolve_failed.load(Relaxed),
            reports_lost: self.reports_lost.load(Relaxed),
            attempts_lost: sum(11) + self.attempts_lost.load(Relaxed),
            saved: self.saved.load(Relaxed),
            save_failed: self.save_failed.load(Relaxed),
            connections_open: self.connections_open.load(Relaxed),
            connections_opened: self.connections_opened.load(Relaxed),
            connections_failed: self.connections_failed.load(Relaxed),
        }
    }
}
