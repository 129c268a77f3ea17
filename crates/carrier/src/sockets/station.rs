use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::identity::Identities;
use crate::{Carrier, Registrar, Reply, Temperament};

/// A registrar with what its sockets share.
#[derive(Debug)]
pub(super) struct Station {
    name: String,
    carrier: Mutex<Carrier>,
    orders: watch::Sender<Orders>,
    pub(super) identities: Identities,
}

/// What is ordered of all connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// So often all of them were to be closed.
    pub(super) dropped: u64,
    /// They hang.
    pub(super) hang: bool,
}

impl Station {
    pub(super) fn new(registrar: Registrar, seed: u64, identities: Identities) -> Self {
        let name = registrar.name.clone();
        let carrier = Mutex::new(Carrier::new(registrar, seed, Instant::now()));
        Station { name, carrier, orders: watch::Sender::default(), identities }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn carrier(&self) -> MutexGuard<'_, Carrier> {
        // A test that panicked while it held the lock has left the carrier whole: every method does.
        self.carrier.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn temperament<T>(&self, read: impl FnOnce(&Temperament) -> T) -> T {
        read(self.carrier().temperament_mut())
    }

    pub(super) fn orders(&self) -> watch::Receiver<Orders> {
        self.orders.subscribe()
    }

    pub(super) fn drop_connections(&self) {
        self.orders.send_modify(|orders| orders.dropped += 1);
    }

    pub(super) fn hang(&self, hang: bool) {
        self.orders.send_modify(|orders| orders.hang = hang);
    }

    /// Has the carrier answer, and logs what it saw.
    pub(super) fn answer(&self, source: SocketAddr, take: impl FnOnce(&mut Carrier, Instant) -> Vec<Reply>) -> Vec<Reply> {
        let mut carrier = self.carrier();
        let now = Instant::now();
        let replies = take(&mut carrier, now);
        // Noise and retransmissions leave the log as it was.
        if let Some(seen) = carrier.log().next_back().filter(|seen| seen.at == now) {
            tracing::info!(carrier = %self.name, %source, transport = %seen.transport, connection = seen.connection, method = %seen.method,
                user = %seen.user, cseq = seen.cseq, kind = ?seen.kind, digest = ?seen.digest, answer = ?seen.answer);
        }
        replies
    }
}
