//! Finding the registrar (RFC 3263): from a SIP URI to transports, ports and addresses, in the order to be tried.
//!
//! [`Aim`] is what a URI and a profile ask for; [`Search`] says which records it needs next and takes them in; [`Located`] is what it
//! found, and orders it by the lot that is handed to it. Nothing here waits, sends or draws. What is used of an answer and how many
//! look-ups there are is bounded: whoever publishes a zone decides what is in it.

mod aim;
mod located;
mod records;
mod search;
#[cfg(test)]
mod tests;
mod weights;

pub use aim::Aim;
pub use located::{Located, Place};
pub use records::{Naptr, Question, Records, Srv};
pub use search::{Ended, Search};
