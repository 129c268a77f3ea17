//! The form of credentials: what can be judged without asking anyone. Faults name positions and code points, never a value.

mod credentials;
mod fault;
mod fields;
mod posted;
mod target;

pub use credentials::Asked;
pub use fault::{Fault, problem};
pub use fields::Fields;
pub use posted::{Mode, Posted};
pub use target::{REGISTRARS_MAX, Target, VerifyAdHoc, VerifyTrunk};
