//! What issue 3 must show of the simulation, at length: `cargo xtask prove simulation` runs it in release and keeps its figures.
//!
//! `TRUNKLINE_SEEDS` makes the nights fewer than 2,000 where time is short; the page says how many there were.

#![allow(clippy::print_stderr)]

mod simulation;
