//! The one binary: `trunkline serve`, `trunkline serve --demo`, `trunkline carrier`, `trunkline verify`, `trunkline simulate`, `trunkline plan`, `trunkline backup`, `trunkline restore`, `trunkline keys`.

mod audit;
mod backup;
mod cli;
mod client;
mod demo;
mod edges;
mod failure;
mod https;
mod keys;
mod lab;
mod logging;
mod plan;
mod say;
mod serve;
mod server;
mod settings;
mod settings_file;
mod sign_in;
mod signals;
mod simulate;
mod verify;

use std::process::ExitCode;

/// The edge's threads hand much memory to each other; the system's allocator spends a fifth of the edge's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::run() {
        Ok(code) => code,
        Err(failure) => failure.tell(),
    }
}
