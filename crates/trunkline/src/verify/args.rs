use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use edge::{Advertise, SipListen, TlsIdentity};
use ipnet::IpNet;

use crate::cli;

/// The flags of `trunkline verify`.
#[derive(Args)]
#[command(after_long_help = AFTER_HELP, after_help = "Exit codes: 0 proved or learned, 10 form, 11 policy, 12 network, 13 challenge, 14 digest, 15 binding, 16 carrier, \
2 usage, 1 internal, 130 interrupted. --help says more.")]
pub struct VerifyArgs {
    /// The registrar to ask (next hop), such as sip:sbc1.carrier.co.id or sip:203.0.113.9:5060. A user part is taken as --user.
    #[arg(value_name = "SIP-URI")]
    pub uri: String,
    /// The account's user: user part of the address-of-record, and digest user name unless --auth-user is given.
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,
    /// The digest user name, where it is not --user.
    #[arg(long, value_name = "NAME")]
    pub auth_user: Option<String>,
    /// The realm that the carrier's sheet names; a challenge for another is not answered [default: learned from the carrier].
    #[arg(long, value_name = "REALM")]
    pub realm: Option<String>,
    /// The algorithm to insist on: MD5, SHA-256 or SHA-512-256 [default: the strongest that is offered and allowed].
    #[arg(long, value_name = "ALGORITHM")]
    pub algorithm: Option<String>,
    /// Reads the password from the first line of standard input.
    #[arg(long, conflicts_with = "password_file")]
    pub password_stdin: bool,
    /// Reads the password from the first line of a file.
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Takes a password that really has outer white space, no-break spaces, smart quotes or control characters.
    #[arg(long)]
    pub accept_whitespace: bool,
    /// The user name for a proxy on the way that has a realm of its own (407 before the registrar's 401).
    #[arg(long, value_name = "NAME", requires = "proxy_realm")]
    pub proxy_user: Option<String>,
    /// That proxy's realm; its digest goes to this realm only.
    #[arg(long, value_name = "REALM", requires = "proxy_user")]
    pub proxy_realm: Option<String>,
    /// Reads that proxy's password from the first line of a file [default: asked for on the terminal].
    #[arg(long, value_name = "FILE", requires = "proxy_user")]
    pub proxy_password_file: Option<PathBuf>,
    /// Asks for the challenge only: learns realm and algorithms, needs no password, sends no digest.
    #[arg(long, conflicts_with_all = ["password_stdin", "password_file", "algorithm", "proxy_user"])]
    pub challenge_only: bool,
    /// The address-of-record, where it is not sip:USER@HOST of SIP-URI.
    #[arg(long, value_name = "SIP-URI")]
    pub aor: Option<String>,
    /// A further registrar, asked where the one before does not answer; may be repeated.
    #[arg(long, value_name = "SIP-URI")]
    pub registrar: Vec<String>,
    /// By which REGISTER: a query of bindings, which changes nothing, or one with a Contact, whose binding is removed again at once.
    #[arg(long, value_enum, default_value_t = By::Query)]
    pub by: By,
    /// An algorithm that may be answered; may be repeated [default: all three].
    #[arg(long, value_name = "ALGORITHM")]
    pub allow_algorithm: Vec<String>,
    /// The address to send from [default: the one that the route to the registrar gives, any port].
    #[arg(long, value_name = "udp:ADDR:PORT")]
    pub local: Option<SipListen>,
    /// What goes into Via and Contact, where it is not the socket's own address.
    #[arg(long, value_name = "ADDR[:PORT]")]
    pub advertise: Option<Advertise>,
    /// A further range that may be sent to: link-local and other special ranges are refused even here; may be repeated.
    #[arg(long, value_name = "CIDR", value_parser = cli::range)]
    pub allow_target: Vec<IpNet>,
    /// A name server to ask in place of the system's; may be repeated.
    #[arg(long, value_name = "ADDR[:PORT]", value_parser = cli::name_server)]
    pub dns: Vec<SocketAddr>,
    /// So many seconds may it take in all.
    #[arg(long, value_name = "SECONDS", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=300))]
    pub timeout: u64,
    /// How to reach the registrar [default: what SIP-URI and DNS say (RFC 3263), else udp].
    #[arg(long, value_enum)]
    pub transport: Option<Transport>,
    /// Certificates in PEM to trust under TLS, in place of the public roots.
    #[arg(long, value_name = "FILE")]
    pub tls_roots: Option<PathBuf>,
    /// The client certificate to show under TLS, and its key, both in PEM.
    #[arg(long, value_name = "CERT.pem,KEY.pem", value_parser = identity)]
    pub tls_identity: Option<TlsIdentity>,
    /// Takes *.carrier.example for sbc.carrier.example, which RFC 5922 forbids.
    #[arg(long)]
    pub tls_wildcard: bool,
    /// Prints one JSON object on standard output, and nothing else.
    #[arg(long, conflicts_with = "report")]
    pub json: bool,
    /// Prints a report for the carrier's support, and nothing else: what was sent when from which address, and what came back.
    #[arg(long)]
    pub report: bool,
    /// Leaves the SIP ladder out.
    #[arg(long)]
    pub no_ladder: bool,
    /// When to colour; NO_COLOR in the environment switches it off where nothing is said.
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Color::Auto)]
    pub color: Color,
}

const AFTER_HELP: &str = "\
Never a password in an argument: others on this machine could read it. On a terminal it is asked for without echo.

A target that is given by hand is meant: loopback and private addresses may be asked, and so may a port below 1024 that the URI
names. Link-local (cloud metadata), multicast and reserved addresses are refused unless --allow-target names them.

Only a challenge, one digest and a 2xx prove a password; one digest is sent at most, and one to a proxy whose credentials are given.
An answered OPTIONS proves reachability only.

Exit codes:
  0    proved, or learned with --challenge-only
  10   form: a value cannot be right; nothing was sent
  11   policy: --allow-algorithm forbids what the carrier offers, or what was asked for
  12   network: no address, no route, no answer
  13   challenge: refused before a digest was sent: realm, algorithm, user, address
  14   digest: refused after a digest was sent, or accepted without one
  15   binding: credentials may be right, the request was refused
  16   carrier: 5xx, too many requests, declined
  2    the command line is wrong
  1    anything else, such as an address that cannot be listened on
  130  interrupted

Examples:
  trunkline verify sip:sbc1.carrier.co.id --user 6221500004 --challenge-only
  trunkline verify sips:sbc1.carrier.co.id --user 6221500004 --tls-roots carrier-ca.pem --challenge-only
  trunkline verify sip:sbc1.carrier.co.id --user 6221500004 --aor sip:6221500004@ims.carrier.co.id --realm ims.carrier.co.id
  pass show carrier/jkt-04 | trunkline verify sip:203.0.113.9 --user 6221500004 --password-stdin --json";

/// By which REGISTER credentials are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Without Contact: it asks and changes nothing (RFC 3261 10.2.3).
    Query,
    /// With a Contact of its own, removed again at once: for carriers that refuse a query.
    Renew,
}

/// How to reach a registrar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// A connection under TLS.
    Tls,
    /// A WebSocket (RFC 7118).
    Ws,
    /// A WebSocket under TLS.
    Wss,
}

impl Transport {
    const ALL: [Transport; 5] = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    /// Reads a URI's `transport`; with `sips:` it goes under TLS.
    pub fn of_uri(name: &str, secure: bool) -> Option<Self> {
        let transport = Transport::ALL.into_iter().find(|transport| transport.as_str().eq_ignore_ascii_case(name))?;
        Some(match transport {
            Transport::Tcp if secure => Transport::Tls,
            Transport::Ws if secure => Transport::Wss,
            other => other,
        })
    }

    /// Returns it as flag and URI have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        }
    }

    /// Whether nobody on the way can read it.
    pub fn is_secure(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }
}

impl From<Transport> for link::Transport {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Udp => link::Transport::Udp,
            Transport::Tcp => link::Transport::Tcp,
            Transport::Tls => link::Transport::Tls,
            Transport::Ws => link::Transport::Ws,
            Transport::Wss => link::Transport::Wss,
        }
    }
}

/// What the edge of a verification calls its one client certificate.
pub const IDENTITY: &str = "given";

fn identity(text: &str) -> Result<TlsIdentity, String> {
    format!("{IDENTITY}={text}").parse().map_err(|_| format!("{text:?} is not CERT.pem,KEY.pem"))
}

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}
