//! Secrets at rest: sealed under data keys, which are wrapped by the master key, which is never in the database.
//!
//! A sealed secret opens for its own trunk, version and key only: a row moved to another trunk does not. Secrets are compared by a keyed MAC.

mod command;
mod keyring;
mod master_key;
mod opening;
mod rotation;
pub mod routes;

pub use keyring::{Keyring, SealedRow};
pub(crate) use master_key::mac as hmac_sha256;
pub use master_key::{MasterKey, MasterKeySource};
