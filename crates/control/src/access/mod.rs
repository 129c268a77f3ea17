//! Who may do what: clients, roles, tokens, and the caller of a request.

pub mod built_in;
pub mod caller;
pub mod clients;
pub mod first_start;
mod grants;
pub mod oauth;
pub mod oidc;
pub mod permission;
pub mod roles;
pub mod secret;
pub mod throttle;
pub mod tokens;

pub use caller::Caller;
pub use grants::{Grant, Grants};
pub use permission::Permissions;
