//! The catalogue of causes: why an attempt ended as it did.
//!
//! A [`Code`] is stable for ever: it has a [`Stage`], an [`Initiator`], an HTTP status, a meaning and a remedy, and a page in
//! `docs/diagnoses/`. A [`Diagnosis`] is a code with the values at hand: what was observed, compared, and what to change.
//! This crate judges nothing (that is `ua::verdict`) and does no I/O. Secrets have no field here, so none can be told.

mod code;
mod evidence;
mod phrase;
mod stage;

pub use code::{ALL, Code};
pub use evidence::{Challenge, Check, Diagnosis, Evidence, Note, Said, SipStatus};
pub use phrase::{PhraseFault, PhraseNote, Place};
pub use stage::{Initiator, Stage};
