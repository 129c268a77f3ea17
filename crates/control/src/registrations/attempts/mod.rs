//! Attempts: exchanges with carriers that are kept as evidence, shown, and exported.
//!
//! An edge reports failures, first registrations, verifications and changed challenges; all exchanges of a trunk only while its trace is on.
//! They wait in a bounded [`Queue`] and are written in batches by a task of its own, so that no report and no change ever waits for them.
//! The store keeps so many of each trunk and so many in total, the oldest go first (`store::attempts` names the limits).

mod export;
mod keeper;
mod queue;
mod read;
mod show;

pub use export::{ladder, pcapng, report};
pub use keeper::Attempts;
pub use read::{list, list_ad_hoc, one, one_ad_hoc};
pub use show::change;
