//! The project's own chores: `cargo xtask {setup,test,bench,prove,simulate,check,fuzz,mutants,conformance}`.
//!
//! - `setup` installs the Debian packages that the tests need, and the SDKs that they run; at once when all are there.
//! - `test` calls `setup`, then runs every suite and sums up; a suite that could not run is a failure.
//! - `check` holds formatting, lints, documents and borders between crates to what they promise.
//! - `conformance` runs the tests that name a row of carriers.md or a clause, and writes `docs/design/conformance.md`.
//! - `prove NAME` runs what an issue must show, with the release binary, and writes `docs/proofs/NAME.md`.
//! - `simulate` runs many seeds of a simulated night, in release.
//! - `mutants` tries what `cargo mutants` would change in a package, all woven into one build.
//! - `bench NAME` measures; what is not built yet says so and fails.

#![allow(clippy::print_stdout, clippy::print_stderr)]

mod bench;
mod bench_api;
mod check;
mod command;
mod conformance;
mod fuzz;
mod mutants;
mod prove;
mod setup;
mod simulate;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own chores")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Install the Debian packages that the tests need
    Setup,
    /// Run every suite, or one
    Test(test::Arguments),
    /// Measure
    Bench(bench::Arguments),
    /// Run what an issue must show and write docs/proofs/NAME.md
    Prove(prove::Arguments),
    /// Simulate many seeds of a night, in release
    Simulate(simulate::Arguments),
    /// Formatting, lints, documents, borders between crates
    Check(check::Arguments),
    /// Feed the parsers and the client machine with bytes that libFuzzer makes up
    Fuzz(fuzz::Arguments),
    /// Try the mutants of a package, all woven into one build
    Mutants(mutants::Arguments),
    /// Run the tests that name a row or a clause, and write docs/design/conformance.md
    Conformance,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().chore {
        Chore::Setup => setup::run(),
        Chore::Test(arguments) => test::run(&arguments),
        Chore::Bench(arguments) => bench::run(&arguments),
        Chore::Prove(arguments) => prove::run(&arguments),
        Chore::Simulate(arguments) => simulate::run(&arguments),
        Chore::Check(arguments) => check::run(&arguments),
        Chore::Fuzz(arguments) => fuzz::run(&arguments),
        Chore::Mutants(arguments) => mutants::run(&arguments),
        Chore::Conformance => conformance::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
