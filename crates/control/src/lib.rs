//! The control plane: what is configured, who may change it, and what the edges are to do.
//!
//! [`Control::open`] opens the data directory; [`Control::router`] is the HTTP API; [`Control::attach`] joins an edge. Every acknowledged
//! change survives a loss of power, with its audit record, in one transaction. Secrets are sealed from the first table on and appear in no
//! answer, log or error. Whatever is refused changes nothing.

mod access;
mod audit;
mod changes;
mod config;
mod control;
mod domain;
mod encoding;
mod error;
mod events;
mod http;
mod limits;
mod openapi;
mod outward;
mod problem;
mod registrations;
mod sealing;
mod store;
mod time;
mod upkeep;
mod webhooks;

pub use access::oidc::{OidcAsk, OidcConsole, OidcGrant, OidcReturn, OidcSettings, OidcSignIn, OidcTokens, SignInError};
pub use audit::file::{ExportError, ExportReport, verify_export};
pub use audit::keeper::AuditSettings;
pub use config::Config;
pub use control::Control;
pub use error::StartError;
pub use events::EventSettings;
pub use http::{Planner, RateLimit, Unplanned};
pub use limits::{Limit, limits};
pub use openapi::document as openapi_document;
pub use sealing::MasterKeySource;
pub use store::backup::{Backup, BackupError, backup, restore};
pub use time::Clock;
pub use upkeep::Retention;
pub use webhooks::WebhookLimits;
