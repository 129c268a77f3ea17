use std::process::Command;

use anyhow::Result;
use serde_json::json;

use super::Common;
use super::pages::million;
use super::server::{CLIENT, SECRET};
use crate::command::{must, root};
use crate::setup::sdk;

/// So often is each page loaded.
const TIMES: u32 = 15;

/// Loads the console's pages in Debian's Chromium on loopback and prints when their content was painted, and how large the answers are.
pub fn console(common: &Common, trunks: u64) -> Result<()> {
    let server = million(common, trunks)?;
    let place = json!({ "url": format!("http://{}", server.address), "client": CLIENT, "secret": SECRET, "times": TIMES });
    let mut browser = Command::new("node");
    browser.arg(root().join("xtask/src/bench_api/console.mjs"));
    browser.env("TRUNKLINE_BENCH_PLACE", place.to_string()).env("TRUNKLINE_BENCH_MODULES", sdk::place()?.join("browser"));
    must(&mut browser)
}
