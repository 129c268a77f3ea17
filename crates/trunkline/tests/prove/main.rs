//! What an issue must show, at length, with the release binary: `cargo xtask prove NAME` runs these and keeps their figures.
//!
//! They are ignored otherwise: the same promises are held by the shorter tests in `e2e`.

#![allow(clippy::print_stderr)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../e2e/situations"]
mod situations {
    pub mod page;
    pub mod run;
    pub mod situation;
    pub mod table;
}

mod canaries;
mod diagnosis;
mod durability;
mod figures;
mod registration;
mod schemathesis;
