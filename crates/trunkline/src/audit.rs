use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use control::{ExportReport, verify_export};

use crate::failure::Failure;
use crate::say::say;

/// The flags of `trunkline audit`.
#[derive(Args)]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    /// Checks an exported audit chain, on any machine, without a server.
    Verify(VerifyExportArgs),
}

/// The flags of `trunkline audit verify`.
#[derive(Args)]
struct VerifyExportArgs {
    /// What GET /api/v2/audits/export has given.
    #[arg(value_name = "FILE")]
    export: PathBuf,
    /// Signed heads that were kept elsewhere, a line each: each is held against the record that it was signed for.
    #[arg(long, value_name = "FILE")]
    heads: Option<PathBuf>,
    /// The public key that must have signed everything, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    public_key: Option<String>,
}

/// Runs it; the exit code is 1 where the chain is broken.
pub fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    let AuditCommand::Verify(args) = &args.command;
    let heads = args.heads.as_deref().map(open).transpose()?;
    let report = verify_export(open(&args.export)?, heads, args.public_key.as_deref())
        .map_err(|error| Failure::Settings(format!("{} is no export of an audit chain, or not whole: {error}.", args.export.display())))?;
    tell(&report, args.public_key.is_some());
    Ok(if report.broken.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let unreadable = |error| Failure::Settings(format!("{} cannot be read: {error}.", path.display()));
    File::open(path).map(BufReader::new).map_err(unreadable)
}

fn tell(report: &ExportReport, trusted: bool) {
    if let Some(trimmed) = report.trimmed {
        say(format!("Records to number {trimmed} were trimmed; their end is signed."));
    }
    match report.range {
        Some((first, last)) => say(format!("{} records hold, numbers {first} to {last}.", report.records)),
        None => say("No record holds."),
    }
    say(format!("{} of the heads that were kept were held against them.", report.heads));
    if report.restores > 0 {
        say(format!("Restored from a copy {} times; {} heads are of what was put aside then.", report.restores, report.aside));
    }
    if let Some(key) = &report.public_key {
        let note = if trusted { "" } else { " Give --public-key the key that you trust: whoever forges a chain signs with their own." };
        say(format!("Signed by {key}.{note}"));
    }
    match &report.broken {
        None => say("The chain is intact."),
        Some((number, what)) => say(format!("BROKEN at record {number}: {what}")),
    }
}
