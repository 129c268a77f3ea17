//! Talks between an endpoint and scripted registrars: every behaviour of carriers.md that the user agent answers for.

#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod support;

mod attempts;
mod bindings;
mod challenges;
mod changes;
mod failures;
mod flows;
mod held;
mod inbound;
mod nonces;
mod options;
mod pacing;
mod redirects;
mod registration;
mod renewals;
mod secrets;
mod targets;
mod transactions;
mod verification;
mod warnings;
mod whatever;
