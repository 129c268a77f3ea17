//! The HTTP API: what every route shares, and the routes of the plain resources.
//!
//! A handler takes [`App`] as its state, `Caller` for who asks, [`JsonBody`] for a strict body, [`Query`] for strict query parameters, and
//! answers JSON or a `Problem`. The outer layers give every response its correlation id and rate-limit headers.

mod app;
pub mod context;
pub mod decode;
pub mod diagnoses;
mod entity;
pub mod fallback;
mod form_rules;
mod health;
pub mod json;
pub mod listing;
mod markdown;
pub(crate) mod metrics;
pub mod peer;
pub mod plan;
pub mod precondition;
pub mod projection;
pub mod query;
pub mod resources;
pub mod server;
pub mod throttle;

pub use app::App;
pub use entity::{answer, created};
pub use json::{JsonBody, OptionalJsonBody};
pub use plan::{Planner, Unplanned};
pub use query::Query;
pub use throttle::RateLimit;
