//! Who changed what: the records, and the chain that shows whether one was altered or removed.

#[cfg(test)]
mod damage;
mod entry;
pub mod file;
mod head;
pub mod keeper;
pub mod routes;

pub use entry::{AuditEntry, Origin};
pub use head::{AuditKey, Head, HeadKind};
