//! Who changed what: the records, and the chain that shows whether one was altered or removed.

mod entry;
pub mod routes;

pub use entry::{AuditEntry, Origin};
