use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use control::RateLimit;
use edge::{Advertise, SipListen, TlsIdentity};
use ipnet::IpNet;

use crate::audit::{self, AuditArgs};
use crate::backup::{self, BackupArgs, RestoreArgs};
use crate::failure::Failure;
use crate::keys::{self, KeysArgs};
use crate::plan::{self, PlanArgs};
use crate::settings::Settings;
use crate::simulate::{self, SimulateArgs};
use crate::verify::{self, VerifyArgs};
use crate::{demo, lab, logging, serve};

/// Keeps SIP trunks registered with their carriers.
#[derive(Parser)]
#[command(name = "trunkline", version, about, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Runs the control plane with its API and an embedded edge.
    Serve(Box<ServeArgs>),
    /// Runs lab carriers: SIP registrars with the temperaments of real ones.
    Carrier(CarrierArgs),
    /// Tries credentials at a carrier from this machine, without a server, and says what came out and why.
    Verify(Box<VerifyArgs>),
    /// Looks after the audit chain.
    Audit(AuditArgs),
    /// Shows the keys of a running server, and makes new ones.
    Keys(KeysArgs),
    /// Copies the database of a server that may run, whole and of one moment.
    Backup(BackupArgs),
    /// Puts such a copy in the place of the database of a server that does not run.
    Restore(RestoreArgs),
    /// Simulates trunks, carriers, a bad network and restarts by seed, on virtual time, and checks every rule at every step.
    Simulate(Box<SimulateArgs>),
    /// Forecasts what a fleet of trunks and edges asks of its carriers while something happens to it.
    Plan(PlanArgs),
}

/// The flags of `trunkline serve`; each stands above the same setting of the file.
#[derive(Args, Default)]
pub struct ServeArgs {
    /// TOML file with the same settings, named as the flags are.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where everything is kept; made if absent [default: ./data].
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where the API listens [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDR:PORT")]
    pub http: Option<SocketAddr>,
    /// Where the embedded edge listens; may be repeated [default: UDP 5060 of the default address].
    #[arg(long, value_name = "udp:ADDR:PORT")]
    pub sip: Vec<SipListen>,
    /// What goes into Via and Contact, where it is not the socket's own address.
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub advertise: Option<Advertise>,
    /// The one site that the embedded edge serves [default: every site without an edge of its own].
    #[arg(long, value_name = "ID")]
    pub site: Option<String>,
    /// Range beyond the public Internet that may be sent to, such as 10.0.0.0/8; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range)]
    pub allow_target: Vec<IpNet>,
    /// Range that webhooks may be in besides the public Internet, with TLS or without; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = range)]
    pub allow_webhook_target: Vec<IpNet>,
    /// A name server to ask in place of the system's; may be repeated.
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = name_server)]
    pub dns: Vec<SocketAddr>,
    /// A client certificate that carriers' profiles may name, and its key; may be repeated.
    #[arg(long, value_name = "NAME=CERT.pem,KEY.pem")]
    pub tls_identity: Vec<TlsIdentity>,
    /// File of the master key; made at the first start [default: master.key in the data directory].
    #[arg(long, value_name = "FILE")]
    pub master_key: Option<PathBuf>,
    /// A command that prints the master key, in place of a file: the way to a KMS or a vault. Split at spaces, no shell.
    #[arg(long, value_name = "COMMAND", conflicts_with = "master_key")]
    pub master_key_command: Option<String>,
    /// Where the signed heads of the audit chain are appended [default: audit-heads.ndjson in the data directory].
    #[arg(long, value_name = "FILE")]
    pub audit_heads: Option<PathBuf>,
    /// Trims audit records that are older [default: none].
    #[arg(long, value_name = "DAYS")]
    pub audit_keep_days: Option<u32>,
    /// The API's own certificate and those of its issuers, in PEM: HTTPS in place of HTTP. Renewed files are taken while it runs.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The key of that certificate, in PEM, without a passphrase.
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Something in front terminates TLS: allows plain HTTP off loopback, and believes X-Forwarded-For.
    #[arg(long)]
    pub behind_proxy: bool,
    /// How many requests one caller may make in so many seconds [default: 60000/60].
    #[arg(long, value_name = "COUNT/SECONDS", value_parser = rate_limit)]
    pub rate_limit: Option<RateLimit>,
    /// Starts lab carriers, four sites and sixteen trunks in a fresh temporary place, and tells the story.
    #[arg(long)]
    pub demo: bool,
}

/// The flags of `trunkline carrier`.
#[derive(Args)]
pub struct CarrierArgs {
    /// TOML file with registrars, accounts and temperaments; docs/guide/lab-carrier.md describes it.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Reads the command line and does what it says.
pub fn run() -> Result<ExitCode, Failure> {
    let done = match Cli::parse().command {
        Command::Serve(args) if args.demo => {
            logging::start("warn");
            demo::run(Settings::of(*args)?)
        }
        Command::Serve(args) => {
            logging::start("info");
            serve::run(Settings::of(*args)?)
        }
        Command::Carrier(args) => {
            logging::start("info");
            lab::run(&args.config)
        }
        Command::Verify(args) => {
            // What goes wrong is in the verdict; the log is for those who ask for it.
            logging::start("off");
            return verify::run(&args);
        }
        Command::Audit(args) => return audit::run(&args),
        Command::Keys(args) => keys::run(&args),
        Command::Backup(args) => {
            logging::start("warn");
            backup::backup(&args)
        }
        Command::Restore(args) => {
            logging::start("warn");
            backup::restore(&args)
        }
        Command::Simulate(args) => return simulate::run(&args),
        Command::Plan(args) => return plan::run(&args),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// A range, or a single address.
pub fn range(text: &str) -> Result<IpNet, String> {
    let single = text.parse().map(|ip: std::net::IpAddr| IpNet::from(ip));
    text.parse().or(single).map_err(|_| format!("{text:?} is no range of addresses; write 10.0.0.0/8 or fd00::/8"))
}

/// A number of requests in a number of seconds.
pub fn rate_limit(text: &str) -> Result<RateLimit, String> {
    let parts = text.split_once('/').and_then(|(requests, seconds)| Some((requests.parse().ok()?, seconds.parse().ok()?)));
    match parts {
        Some((requests, seconds)) if requests >= 1 && (1..=3600).contains(&seconds) => Ok(RateLimit { requests, seconds }),
        _ => Err(format!("{text:?} is no rate; write 60000/60: requests, and the seconds that they are counted in, at most 3600")),
    }
}

/// A name server; port 53 where none is given.
pub fn name_server(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let single = bare.parse().map(|ip: std::net::IpAddr| SocketAddr::new(ip, 53));
    single.or_else(|_| text.parse()).map_err(|_| format!("{text:?} is no name server; write 192.0.2.53 or [2001:db8::53]:5353"))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_are_read() {
        let words = "trunkline serve --data d --http [::1]:80 --sip udp:127.0.0.1:5060 --sip udp:[::1]:5060 --advertise 198.51.100.7:5061 \
                     --allow-target 10.0.0.0/8 --allow-target 127.0.0.1 --behind-proxy --rate-limit 10/3 --dns ::1 --dns 127.0.0.1:5353";
        let Command::Serve(args) = Cli::try_parse_from(words.split_whitespace()).ok().unwrap().command else { panic!() };
        assert_eq!((args.sip.len(), args.allow_target.len(), args.advertise.unwrap().port), (2, 2, Some(5061)));
        assert_eq!(args.dns, ["[::1]:53".parse().unwrap(), "127.0.0.1:5353".parse().unwrap()]);
        assert_eq!(args.rate_limit, Some(RateLimit { requests: 10, seconds: 3 }));
        for bad in [
            "serve --rate-limit 10",
            "serve --rate-limit 0/60",
            "serve --sip tcp:1.2.3.4:5",
            "serve --allow-target carrier.example",
            "serve --http 8080",
            "serve --dns ns.example",
            "serve --nonsense",
            "carrier",
            "",
        ] {
            let error = Cli::try_parse_from(["trunkline"].into_iter().chain(bad.split_whitespace())).err().unwrap();
            assert_eq!(error.exit_code(), 2, "{bad}");
        }
    }
}
