//! Events: what people and programs must hear of, kept in a bounded log and told as it happens.
//!
//! An event of a change is written in the change's transaction (`Tx::event`); what edges observe waits in a bounded [`Journal`] and is
//! written in batches. Every event has a place of its own in the order of all changes, so its id resumes a stream exactly. Readers are not
//! pushed to: they are told that there is something new, and read it from the log at their own speed.

mod event;
mod filter;
mod id;
mod journal;
mod routes;
mod settings;
mod stream;
pub mod streams;

pub use event::{CredentialsChange, Event, Kind, Subject, What};
pub use filter::{Audience, Filter, kinds};
pub use id::EventId;
pub use journal::Journal;
pub use routes::routes;
pub use settings::EventSettings;
pub use streams::Streams;
