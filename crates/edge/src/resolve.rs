//! From names to records: NAPTR and SRV as they are, A and AAAA as addresses that may be sent to; the gate judges every address.

mod locate;
mod lookup;
mod settle;

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;
use ua::{Query, Question, Records, Resolution};

use crate::gate::Gate;
use crate::shard::{Mailer, ToShard};
use crate::tally::Tally;

pub use locate::locate;
pub(crate) use lookup::Lookup;
pub(crate) use settle::{Families, settle};

/// So many names are looked up at the same time.
const AT_ONCE: usize = 64;

/// What a shard wants looked up.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) shard: usize,
    pub(crate) query: Query,
    pub(crate) question: Question,
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
            let outcome = match &ask.question {
                Question::Host { name, port } => match lookup.addresses(name, families).await {
                    Ok((found, ttl)) => settle(&gate, families, found, *port, ttl),
                    Err(fault) => Err(fault),
                },
                Question::Srv { name } => lookup.srv(name).await.map(|(found, ttl)| Resolution { records: Records::Srv(found), ttl }),
                Question::Naptr { name } => lookup.naptr(name).await.map(|(found, ttl)| Resolution { records: Records::Naptr(found), ttl }),
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
