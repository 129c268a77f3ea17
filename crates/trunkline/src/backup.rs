use std::path::PathBuf;

use clap::Args;
use control::Backup;

use crate::failure::Failure;
use crate::say::say;
use crate::serve::{DATA, runtime};

/// The flags of `trunkline backup`.
#[derive(Args)]
pub struct BackupArgs {
    /// The new file; nothing is written over.
    file: PathBuf,
    /// The data directory of the server, which may run [default: ./data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The flags of `trunkline restore`.
#[derive(Args)]
pub struct RestoreArgs {
    /// A file that `trunkline backup` made.
    file: PathBuf,
    /// The data directory that it goes into; no server may run on it [default: ./data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Puts a database that is there aside, under another name.
    #[arg(long)]
    replace: bool,
}

/// Copies the database of a running server.
pub fn backup(args: &BackupArgs) -> Result<(), Failure> {
    let data = args.data.clone().unwrap_or_else(|| DATA.into());
    let made = runtime()?.block_on(control::backup(&data, &args.file))?;
    tell("Copied", &made);
    say(format!("  into    {}", args.file.display()));
    say("The master key is not in it. Keep a copy of that apart.");
    Ok(())
}

/// Puts a copy in the place of a database.
pub fn restore(args: &RestoreArgs) -> Result<(), Failure> {
    let data = args.data.clone().unwrap_or_else(|| DATA.into());
    let restored = runtime()?.block_on(control::restore(&args.file, &data, args.replace))?;
    tell("Restored", &restored);
    say(format!("  into    {}", data.display()));
    say("All tokens have ended. Start it with the master key that the copy was made under, and never beside the original.");
    Ok(())
}

fn tell(what: &str, backup: &Backup) {
    say(format!("{what} the database as of change {}, incarnation {}, {} bytes", backup.revision, backup.incarnation, backup.bytes));
}
