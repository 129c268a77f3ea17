//! A server that is killed, again and again, under a mixed load of changes; and what must be true after each start.

mod ledger;
pub mod lives;
mod load;
pub mod storage;
mod thing;
