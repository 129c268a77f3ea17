//! What an edge costs, as it was measured. Whoever measures anew changes this file and nothing else.
//!
//! Source: `docs/proofs/registrations-bench.md`, `cargo xtask bench registrations`, two cores shared with other work, release build.

/// CPU seconds (user and system) of a refresh in one transaction, the nonce used again: 35,600 per CPU-second.
pub const REFRESH_SECONDS: f64 = 1.0 / 35_600.0;
/// CPU seconds of a challenged cycle, two transactions: 16,900 per CPU-second.
pub const CYCLE_SECONDS: f64 = 1.0 / 16_900.0;
/// CPU seconds of a REGISTER: half of a challenged cycle, the dearer way to count.
pub const TRANSACTION_SECONDS: f64 = CYCLE_SECONDS / 2.0;
/// Bytes of a registration, whole process over their number.
pub const REGISTRATION_BYTES: u64 = 3_700;
