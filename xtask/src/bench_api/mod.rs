//! `cargo xtask bench {import,pages,latency,console}`: the control plane's figures, taken over HTTP of the real server, release build.
//!
//! The client is ours and small: blocking connections that stay open. What the machine did meanwhile stands beside every figure.

mod console;
mod http;
mod import;
mod latency;
mod pages;
mod server;
mod usage;

pub use console::console;
pub use import::import;
pub use latency::{Load, latency};
pub use pages::pages;

use std::path::PathBuf;
use std::time::Duration;

/// What the three have in common.
#[derive(clap::Args)]
pub struct Common {
    /// Where the data are kept for the next run; a directory that is made and removed if absent
    #[arg(long)]
    data: Option<PathBuf>,
}

/// The `share` of sorted values that lie below: 0.99 is p99.
fn quantile(sorted: &[Duration], share: f64) -> Duration {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index.min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

fn millis(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}
