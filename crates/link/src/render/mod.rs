//! An attempt for people and for other tools: a ladder, a report for the carrier's support, a capture.
//!
//! Pure functions from an [`Attempt`](crate::Attempt) to text or bytes; they read no clock and do no I/O, so the API and a stand-alone
//! command show the same. Messages are read as plain text here: what is shown of credentials is a list of harmless parameters, so that not
//! even a message that nobody redacted would tell a digest. What a carrier wrote is shown without control characters.

mod capture;
mod clock;
mod exchange;
mod facts;
mod ladder;
mod message;
mod packet;
mod params;
mod question;
mod report;
#[cfg(test)]
mod samples;
mod text;

pub use capture::pcapng;
pub use exchange::{Exchange, exchanges};
pub use facts::over;
pub use ladder::{Glyphs, Style, ladder};
pub use report::report;
