//! Between what the link says and what the endpoint takes. Whatever is malformed becomes a diagnosis.

mod account;
mod assignment;
mod attempt;
mod credential;
mod profile;
mod status;
mod verdict;

pub(crate) use assignment::assignment;
pub(crate) use attempt::attempt;
pub(crate) use profile::{Share, profile, transport};
pub(crate) use status::{generation, negotiated, renewal, status, with_edge};
pub(crate) use verdict::{order, step, verdict};
