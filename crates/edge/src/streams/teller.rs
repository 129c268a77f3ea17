use std::fmt;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use ua::{Flow, FlowFault, Opening};

use crate::shard::{Mailer, ToShard};

/// So many messages of one connection wait for the shard; the socket is not read meanwhile. A flood on one leaves room for the others.
const UNTAKEN_MAX: usize = 32;

/// A message that came on a connection.
pub(crate) struct Received {
    pub(crate) bytes: Box<[u8]>,
    /// Goes back when the shard has taken it.
    _credit: OwnedSemaphorePermit,
}

/// A message holds nonces and responses: its length is all that is printed.
impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("length", &self.bytes.len()).finish()
    }
}

/// Tells the shard what becomes of one connection.
pub(super) struct Teller {
    flow: Flow,
    shard: Mailer,
    credit: Arc<Semaphore>,
}

impl Teller {
    pub(super) fn new(flow: Flow, shard: Mailer) -> Self {
        Teller { flow, shard, credit: Arc::new(Semaphore::new(UNTAKEN_MAX)) }
    }

    pub(super) async fn opened(&self, opening: Opening) {
        self.shard.send(ToShard::Opened { flow: self.flow, opening }).await;
    }

    pub(super) async fn message(&self, bytes: &[u8]) {
        // Never closed.
        let Ok(credit) = Arc::clone(&self.credit).acquire_owned().await else { return };
        self.shard.send(ToShard::Message { flow: self.flow, message: Received { bytes: bytes.into(), _credit: credit } }).await;
    }

    pub(super) async fn pong(&self) {
        self.shard.send(ToShard::Pong { flow: self.flow }).await;
    }

    pub(super) async fn closed(&self, fault: FlowFault) {
        self.shard.send(ToShard::Closed { flow: self.flow, fault }).await;
    }
}
