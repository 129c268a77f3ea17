//! Webhooks: events pushed to others, at least once, each with its stable id and a signature.
//!
//! What is to be delivered is written before it is sent and forgotten after it has arrived, so a stop loses nothing and may repeat something.
//! Signature and headers are those of Standard Webhooks (standardwebhooks.com), for which receivers find libraries in every language.

mod dispatch;
mod queue;
mod routes;
mod secret;
mod settings;
mod show;

pub use dispatch::Webhooks;
pub use routes::{WEBHOOKS_MAX, routes};
pub use settings::WebhookLimits;
