//! From names to addresses that may be sent to: A and AAAA; the gate judges every address.

mod lookup;
mod settle;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use ua::Query;

use crate::gate::Gate;
use crate::shard::{Mailer, ToShard};
use crate::tally::Tally;

pub(crate) use lookup::Lookup;
pub(crate) use settle::{Families, settle};

/// So many names are looked up at the same time.
const AT_ONCE: usize = 64;

/// A name that a shard wants looked up.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) shard: usize,
    pub(crate) query: Query,
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
}

/// Answers what the shards ask, until they are gone.
pub(crate) async fn answer(
    mut asks: UnboundedReceiver<Ask>,
    lookup: Lookup,
    gate: Arc<Gate>,
    families: Families,
    shards: Vec<Mailer>,
    tally: Arc<Tally>,
) {
    let lookup = Arc::new(lookup);
    let room = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(ask) = asks.recv().await {
        // Never closed.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let Some(shard) = shards.get(ask.shard).cloned() else { continue };
        let (lookup, gate, tally) = (Arc::clone(&lookup), Arc::clone(&gate), Arc::clone(&tally));
        tokio::spawn(async move {
            let found = lookup.addresses(&ask.host, families).await;
            let outcome = match found {
                Ok(found) => settle(&gate, families, found.addresses, ask.port, found.ttl),
                Err(why) => Err(ua::ResolveFault::Failed(why)),
            };
            let counter = if outcome.is_ok() { &tally.resolved } else { &tally.resolve_failed };
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            shard.send(ToShard::Resolved { query: ask.query, outcome }).await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests;
