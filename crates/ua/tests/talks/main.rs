//! Talks between an endpoint and scripted registrars: every behaviour of carriers.md that the user agent answers for.

#[path = "../support/mod.rs"]
#[allow(dead_code)]
mod support;

mod registration;
mod verification;
