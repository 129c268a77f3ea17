//! A real Kamailio registrar on a loopback address of its own.

mod config;
mod rpc;
mod seen;

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;

use carrier::certificates::Identity;
use serde_json::{Value, json};
use tempfile::TempDir;

pub use config::{Options, Streams};
pub use seen::{Outcome, Register};

use super::process::Process;
use super::wait::{self, secs};
use super::{digest::Algorithm, loopback};
use config::Addresses;
use rpc::Rpc;

/// A binding as Kamailio's location table holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The Contact URI.
    pub contact: String,
    /// Seconds until it lapses.
    pub expires: i64,
    /// The Call-ID that last refreshed it.
    pub call_id: String,
    /// The CSeq that last refreshed it.
    pub cseq: u32,
    /// The socket that received it.
    pub socket: String,
}

/// A running registrar; ends with this value.
pub struct Kamailio {
    options: Options,
    addresses: Addresses,
    rpc: Rpc,
    process: Process,
    folder: TempDir,
}

impl Kamailio {
    /// A registrar that challenges with MD5.
    pub fn md5() -> Self {
        Self::start(Options::default())
    }

    /// A registrar that challenges with SHA-256.
    pub fn sha256() -> Self {
        Self::start(Options { algorithm: Algorithm::Sha256, ..Options::default() })
    }

    /// A registrar on UDP, TCP, TLS and WebSocket that shows this certificate.
    pub fn on_streams(identity: Identity) -> Self {
        Self::start(Options { streams: Some(Streams { identity, client_root: None }), ..Options::default() })
    }

    /// Starts a registrar and waits until it answers.
    pub fn start(options: Options) -> Self {
        Self::start_at(loopback::next(), options)
    }

    /// The same; what it is started with may depend on its address, which a certificate is to name.
    pub fn start_named(options: impl FnOnce(&str) -> Options) -> Self {
        let ip = loopback::next();
        Self::start_at(ip, options(&ip.to_string()))
    }

    fn start_at(ip: Ipv4Addr, options: Options) -> Self {
        let folder = tempfile::Builder::new().prefix("kam").tempdir().expect("temporary folder");
        let control = SocketAddr::from((ip, 5070));
        let plain = if options.ipv6 { loopback::next_v6() } else { SocketAddr::from((ip, 5060)) };
        let addresses = Addresses { plain, secured: SocketAddr::from((ip, 5061)), control };
        let file = folder.path().join("kamailio.cfg");
        std::fs::write(&file, config::text(&options, addresses, folder.path())).expect("configuration");
        let mut command = Command::new("kamailio");
        command.arg("-f").arg(&file).args(["-DD", "-E", "-m", "64", "-M", "8"]);
        // -Y: its run-time files are in our folder, not in the system's.
        command.arg("-w").arg(folder.path()).arg("-Y").arg(folder.path());
        let mut process = Process::start(&command, &folder.path().join("log"));
        let rpc = Rpc::new(control);
        wait::until("Kamailio answers RPC", secs(30), || {
            process.must_run();
            rpc.call("core.version", &[]).ok()
        });
        Self { options, addresses, rpc, process, folder }
    }

    /// Where it listens for SIP on UDP, and on TCP and WebSocket if it has streams.
    pub fn address(&self) -> SocketAddr {
        self.addresses.plain
    }

    /// Where it listens for SIP over TLS and over secure WebSocket.
    pub fn secured(&self) -> SocketAddr {
        self.addresses.secured
    }

    /// As a registrar URI of a carrier profile.
    pub fn uri(&self) -> String {
        format!("sip:{};transport=udp", self.address())
    }

    /// The realm that it challenges.
    pub fn realm(&self) -> &str {
        &self.options.realm
    }

    /// The algorithm that it challenges with.
    pub fn algorithm(&self) -> Algorithm {
        self.options.algorithm
    }

    /// Adds a user.
    pub fn add_user(&self, user: &str, password: &str) {
        self.set_password(user, password);
    }

    /// Changes a user's password from now on.
    pub fn set_password(&self, user: &str, password: &str) {
        self.must("htable.sets", &[json!("password"), json!(user), json!(password)]);
    }

    /// The first binding of a user.
    pub fn lookup(&self, user: &str) -> Option<Binding> {
        self.bindings_of(user).into_iter().next()
    }

    /// All bindings of a user.
    pub fn bindings_of(&self, user: &str) -> Vec<Binding> {
        match self.rpc.call("ul.lookup", &[json!("location"), json!(user)]) {
            Ok(record) => record["Contacts"].as_array().into_iter().flatten().map(|entry| binding(&entry["Contact"])).collect(),
            Err(error) if error["message"].as_str().is_some_and(|text| text.contains("AOR not found") || text.contains("no contacts")) => {
                Vec::new()
            }
            Err(error) => panic!("ul.lookup {user}: {error}"),
        }
    }

    /// How many bindings there are in all.
    pub fn bindings(&self) -> u64 {
        // "usrloc:location_contacts = 12", one line for each statistic of the group.
        let answer = self.must("stats.get_statistics", &[json!("usrloc:")]);
        let lines = answer.as_array().into_iter().flatten().filter_map(Value::as_str);
        let count = lines.filter_map(|line| line.split_once(" = ")).find(|(name, _)| *name == "usrloc:location_contacts");
        count.and_then(|(_, count)| count.parse().ok()).unwrap_or_else(|| panic!("no count in {answer}"))
    }

    /// Removes what a user has bound, as a registrar that lost its memory would.
    pub fn forget(&self, user: &str) {
        self.must("ul.rm", &[json!("location"), json!(user)]);
    }

    /// How many digests over a good nonce were wrong for this user name.
    pub fn digest_failures(&self, user: &str) -> u64 {
        self.count("failed", user)
    }

    /// How many REGISTER transactions came for this user, retransmissions left out.
    pub fn registers(&self, user: &str) -> u64 {
        self.count("registers", user)
    }

    /// Each REGISTER transaction in the order of arrival.
    pub fn seen(&self) -> Vec<Register> {
        seen::parse(&self.log())
    }

    /// Each REGISTER transaction of one user.
    pub fn seen_of(&self, user: &str) -> Vec<Register> {
        self.seen().into_iter().filter(|register| register.user == user).collect()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// kamcmd(8) over its own socket: the words that a person would type.
    pub fn kamcmd(&self, words: &[&str]) -> String {
        let socket = format!("unix:{}", self.folder.path().join("ctl").display());
        let output = Command::new("kamcmd").args(["-s", &socket]).args(words).output().expect("kamcmd");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn count(&self, table: &str, key: &str) -> u64 {
        match self.rpc.call("htable.get", &[json!(table), json!(key)]) {
            Ok(answer) => answer["item"]["value"].as_u64().unwrap_or_else(|| panic!("no count in {answer}")),
            Err(_) => 0,
        }
    }

    fn must(&self, method: &str, words: &[Value]) -> Value {
        self.rpc.call(method, words).unwrap_or_else(|error| panic!("{method}: {error}"))
    }
}

fn binding(contact: &Value) -> Binding {
    let text = |key: &str| contact[key].as_str().unwrap_or_default().to_owned();
    Binding {
        contact: text("Address"),
        expires: contact["Expires"].as_i64().unwrap_or(0),
        call_id: text("Call-ID"),
        cseq: contact["CSeq"].as_u64().and_then(|value| u32::try_from(value).ok()).expect("a CSeq"),
        socket: text("Socket"),
    }
}
