//! The one binary: `trunkline serve`, `trunkline serve --demo`, `trunkline carrier`.

mod cli;
mod demo;
mod edges;
mod failure;
mod lab;
mod logging;
mod say;
mod serve;
mod server;
mod settings;
mod settings_file;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
