//! What a valid user name, password, realm, algorithm, HA1 and URI is: one table, judged, shown and tested from the same place.
//!
//! [`TABLE`] says each rule in words, with examples that pass and examples that break it, each with the code that it gives. [`Field::judge`]
//! is the check that a form is put to; the tests run every example of the table through it. [`page`] writes the table for people.

mod breach;
mod field;
mod page;
mod table;

pub use breach::Breach;
pub use field::{Field, PASSWORD_BYTES_MAX, URI_BYTES_MAX, password};
pub use page::page;
pub use table::{FieldRules, Rule, TABLE};
