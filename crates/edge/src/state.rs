//! What of the registrations outlives a restart.
//!
//! A file of sealed records, appended to and flushed to the system at once, so that `kill -9` loses nothing that was handed over; made
//! durable every second; written anew when it is more than twice what is alive. A tail that a crash has torn is cut off. One thread
//! writes; what waits for it is one record a trunk at most, the latest, so that neither a slow disk nor a full one holds the wire up.

mod file;
mod frame;
mod key;
mod lock;
mod record;
mod saved;
mod scan;
mod store;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub(crate) use saved::{Saved, Verification};
pub(crate) use writer::{Keeper, Running, Writer};

use crate::StartError;
use crate::clock::Clock;
use crate::tally::Tally;

/// Opens the state in a directory, which is made if absent and locked against other edges.
pub(crate) fn open(dir: &Path, clock: &Clock, tally: Arc<Tally>) -> Result<(Saved, Writer), StartError> {
    let lock = lock::take(dir)?;
    let key = Arc::new(key::load_or_make(&dir.join("edge.key"))?);
    let (store, saved) = store::Store::open(dir, key, clock)?;
    Ok((saved, Writer::new(store, lock, tally)))
}
#[cfg(test)]
mod tests;
