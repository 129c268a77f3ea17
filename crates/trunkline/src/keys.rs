//! `trunkline keys`: the keys of a running server, and new ones.

use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::client::{Client, ClientError, ServerArgs};
use crate::failure::Failure;
use crate::say::say;

const SEALING: &str = "/api/v2/sealing";
/// Between two looks at how far a rotation is.
const LOOK: Duration = Duration::from_millis(250);
/// A rotation that does not move for so long has stopped: a hundred secrets take moments.
const STALLED: Duration = Duration::from_secs(60);

/// The flags of `trunkline keys`.
#[derive(Args)]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    command: KeysCommand,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Shows where the master key comes from, the data keys, and what is left of a rotation.
    Show(ServerArgs),
    /// Makes a new data key, and waits until every secret is sealed by it.
    RotateData(RotateArgs),
    /// Wraps the data keys under a new master key: a file's is drawn, a command is asked again.
    RotateMaster(ServerArgs),
}

/// The flags of `trunkline keys rotate-data`.
#[derive(Args)]
struct RotateArgs {
    #[command(flatten)]
    server: ServerArgs,
    /// Ends when the new key is in use; the server goes on with the secrets that are there.
    #[arg(long)]
    no_wait: bool,
}

/// Why keys are not as asked for.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The server.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// It stands still.
    #[error(
        "{remaining} secrets are still sealed by the old key, and nothing has moved for a minute: the server's log says why. It goes on at the next start or rotation; nothing is lost."
    )]
    Stalled {
        /// So many are left.
        remaining: u64,
    },
}

/// Runs it.
pub fn run(args: &KeysArgs) -> Result<(), Failure> {
    match &args.command {
        KeysCommand::Show(server) => show(&Client::log_in(server).map_err(KeysError::from)?),
        KeysCommand::RotateData(args) => rotate_data(&Client::log_in(&args.server).map_err(KeysError::from)?, args.no_wait),
        KeysCommand::RotateMaster(server) => rotate_master(&Client::log_in(server).map_err(KeysError::from)?),
    }
    .map_err(Failure::from)
}

fn show(client: &Client) -> Result<(), KeysError> {
    let shown = client.get(SEALING)?;
    say(format!("Master key: from a {}", shown["masterKey"]["source"].as_str().ok_or_else(|| client.foreign())?));
    for key in keys(&shown) {
        let note = if key["sealsNew"] == true { ", seals what is new" } else { "" };
        let made = key["dateCreated"].as_str().unwrap_or_default();
        say(format!("Data key {}: made {made}, has sealed {} secrets{note}", key["id"], key["secrets"]));
    }
    match remaining(&shown) {
        Some(left) => say(format!("A rotation is under way: {left} secrets are left.")),
        None => say("No rotation is under way."),
    }
    Ok(())
}

fn rotate_data(client: &Client, no_wait: bool) -> Result<(), KeysError> {
    let mut shown = client.post(&format!("{SEALING}/data-keys/rotate"))?;
    let newest = keys(&shown).iter().find(|key| key["sealsNew"] == true).ok_or_else(|| client.foreign())?["id"].clone();
    say(format!("Data key {newest} is new, and seals what is new from here on."));
    let total = remaining(&shown).unwrap_or(0);
    if no_wait {
        say(format!("{total} secrets follow; `trunkline keys show` tells how far it is."));
        return Ok(());
    }
    // Draws nothing where there is no terminal.
    let bar = ProgressBar::new(total)
        .with_style(ProgressStyle::with_template("{bar:40} {pos} of {len} secrets").unwrap_or_else(|_| ProgressStyle::default_bar()));
    let (mut least, mut moved) = (total, Instant::now());
    while let Some(left) = remaining(&shown) {
        if left < least {
            (least, moved) = (left, Instant::now());
        } else if moved.elapsed() > STALLED {
            bar.abandon();
            return Err(KeysError::Stalled { remaining: left });
        }
        bar.set_position(total.saturating_sub(left));
        sleep(LOOK);
        shown = client.get(SEALING)?;
    }
    bar.finish_and_clear();
    say(format!("{total} secrets were sealed anew, and the keys before are removed. Backups of before hold their own."));
    Ok(())
}

fn rotate_master(client: &Client) -> Result<(), KeysError> {
    let shown = client.post(&format!("{SEALING}/master-key/rotate"))?;
    say("The data keys are wrapped under a new master key.");
    if shown["masterKey"]["source"] == "file" {
        say("It is in the master key's file. Copy that to where its backups are, and keep the one before as long as backups of its time.");
    }
    Ok(())
}

fn keys(shown: &Value) -> &[Value] {
    shown["dataKeys"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// So many secrets are left of a rotation; none where there is none.
fn remaining(shown: &Value) -> Option<u64> {
    (shown["rotation"]["state"] == "RUNNING").then(|| shown["rotation"]["remaining"].as_u64().unwrap_or(0))
}
