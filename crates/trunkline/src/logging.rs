use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Sends the log to standard error, at the level of `RUST_LOG`.
pub fn start(level: &str) {
    let asked = std::env::var("RUST_LOG").ok().filter(|text| !text.trim().is_empty());
    let read = asked.as_deref().map(EnvFilter::try_new);
    let (filter, wrong) = match read {
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => (EnvFilter::new(level), Some(error)),
        None => (EnvFilter::new(level), None),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(io::stderr().is_terminal()).init();
    if let Some(error) = wrong {
        tracing::warn!(%error, "RUST_LOG is not understood; write info, or edge=debug,info");
    }
}
