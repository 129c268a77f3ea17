//! The lab carriers: the very machines that answer on real sockets, on virtual time.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use carrier::{Account, Carrier, Registrar, Temperament};
use ua::{FailureBudget, Instant, NonceReuse, OptionsPing, Pacing, Profile, VerifyBy};

use crate::chance::Chance;
use crate::{Cut, Plan};

/// Rows of `carriers.md` by which a registration can be had, that a carrier may follow all the time.
const USUAL: [&str; 29] = [
    "C1",
    "C2",
    "C2-512",
    "C2-sess",
    "C2-sess-no-qop",
    "C3",
    "C3-nonces",
    "C4",
    "C5-case",
    "C6",
    "C7",
    "C7-int",
    "C9",
    "C11",
    "C12",
    "C13",
    "C15",
    "C16",
    "C17",
    "C17-call-id",
    "C18",
    "F4",
    "F10",
    "B1",
    "B3a",
    "B2",
    "B2-shouted",
    "B4",
    "B8",
];
/// Rows that go with any of those.
const BESIDE: [&str; 7] = ["B1-expires", "B2-natted", "B5", "B8", "B9", "B11", "B11-400"];

/// Some carriers of the lab.
#[derive(Debug)]
pub struct Lab {
    /// The machines want the standard library's time; only differences to this count.
    origin: std::time::Instant,
    /// All of them.
    pub carriers: Vec<Station>,
}

/// A carrier with its addresses.
#[derive(Debug)]
pub struct Station {
    /// The registrar.
    pub machine: Carrier,
    /// Its addresses, all of them the same registrar's.
    pub nodes: Vec<Node>,
    /// The realm that it challenges in its usual mood.
    pub realm: String,
    /// The credentials name that realm.
    pub pinned: bool,
    /// What it is like when nothing is wrong.
    pub usual: Temperament,
    /// The rows of that.
    pub rows: Vec<String>,
    /// So many moods are on that are not its usual one.
    pub moods: u32,
    /// So many failures of its names are on.
    pub names_fail: u32,
    /// The edge has started while they failed, so it has no address of this carrier.
    pub nameless: bool,
    /// When it lost its bindings last.
    pub forgot_at: Option<Instant>,
    /// Seconds that its trunks ask for.
    pub expires: u32,
    /// How it is to be asked.
    pub profile: Profile,
}

/// An address of a carrier.
#[derive(Debug)]
pub struct Node {
    /// The address.
    pub address: SocketAddr,
    /// Partitions that are on.
    pub cuts: Vec<Cut>,
}

impl Lab {
    /// Makes the carriers of a plan.
    pub fn new(plan: &Plan) -> Self {
        let origin = std::time::Instant::now();
        let mut chance = Chance::new(plan.seed, "carriers");
        let carriers = (0..plan.carriers).map(|number| station(plan, number, &mut chance, origin)).collect();
        Lab { origin, carriers }
    }

    /// Returns the machines' time.
    pub fn time(&self, now: Instant) -> std::time::Instant {
        self.origin + Duration::from_micros(now.micros())
    }

    /// Finds an address: the carrier and which of its nodes.
    pub fn find(&self, address: SocketAddr) -> Option<(usize, usize)> {
        let IpAddr::V4(ip) = address.ip() else { return None };
        let [10, 1, high, low] = ip.octets() else { return None };
        let carrier = usize::from(high);
        self.carriers.get(carrier)?.nodes.get(usize::from(low)).map(|_| (carrier, usize::from(low)))
    }

    /// Finds a name: the addresses that it leads to; nothing while its carrier's names fail.
    pub fn look_up(&self, host: &str) -> Option<SocketAddr> {
        let (node, carrier) = host.strip_prefix("sbc")?.strip_suffix(".sim")?.split_once(".c")?;
        let station = self.carriers.get(carrier.parse::<usize>().ok()?)?;
        (station.names_fail == 0).then(|| station.nodes.get(node.parse::<usize>().ok()?).map(|node| node.address))?
    }

    /// Hands a datagram to a carrier; gives what it sends back, from the address that was asked.
    pub fn handle(&mut self, now: Instant, carrier: usize, source: SocketAddr, node: usize, bytes: &[u8]) -> Vec<carrier::Reply> {
        let time = self.time(now);
        let station = &mut self.carriers[carrier];
        station.machine.handle(time, source, station.nodes[node].address, bytes)
    }

    /// Tells whether a user is bound at a carrier.
    pub fn binds(&self, now: Instant, carrier: usize, user: &str) -> bool {
        !self.carriers[carrier].machine.bindings(self.time(now), user).is_empty()
    }

    /// Has a registrar lose what it holds.
    pub fn restart(&mut self, now: Instant, carrier: usize) {
        let time = self.time(now);
        let station = &mut self.carriers[carrier];
        station.machine.restart(time);
        station.forgot_at = Some(now);
    }
}

impl fmt::Display for Station {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if self.rows.is_empty() { "none".to_owned() } else { self.rows.join(", ") };
        let pinned = if self.pinned { "pinned" } else { "learnt" };
        write!(
            f,
            "{}: rows {rows}; expires {} s, {} addresses, realm {:?} {pinned}",
            self.profile.id,
            self.expires,
            self.nodes.len(),
            self.realm
        )
    }
}

impl Station {
    /// Adds an account.
    pub fn admit(&mut self, user: &str, username: &str, password: &str) {
        self.machine.add_account(Account { username: Some(username.to_owned()), ..Account::new(user, password) });
    }

    /// Tells whether requests, or answers, of an address get through.
    pub fn swallows(&self, node: usize, way: Cut) -> bool {
        self.nodes[node].cuts.iter().any(|&cut| cut == Cut::Both || cut == way)
    }

    /// Tells whether no address of it can be reached and heard.
    pub fn is_dark(&self) -> bool {
        self.nodes.iter().all(|node| !node.cuts.is_empty())
    }
}

fn station(plan: &Plan, number: u32, chance: &mut Chance, origin: std::time::Instant) -> Station {
    let rows = match &plan.rows {
        Some(rows) => rows.clone(),
        None => {
            let mut rows = vec![chance.pick(&USUAL).to_owned()];
            if chance.happens(0.5) {
                rows.push(chance.pick(&BESIDE).to_owned());
            }
            rows
        }
    };
    let names: Vec<&str> = rows.iter().map(String::as_str).collect();
    let own_realm = format!("c{number}.sim");
    let registrar = Registrar::new(own_realm.clone(), own_realm.clone()).rows(&names);
    let usual = registrar.temperament.clone();
    let realm = usual.challenges.first().and_then(|challenge| challenge.realm.clone()).unwrap_or(own_realm);
    let count = plan.nodes.unwrap_or_else(|| if chance.happens(0.5) { 2 } else { 1 });
    let octet = u8::try_from(number).unwrap_or(u8::MAX);
    let address = |node| SocketAddr::new(Ipv4Addr::new(10, 1, octet, u8::try_from(node).unwrap_or(u8::MAX)).into(), 5060);
    let nodes = (0..count).map(|node| Node { address: address(node), cuts: Vec::new() }).collect();
    let expires = plan.expires.unwrap_or_else(|| chance.pick(&[120, 300, 600, 1800, 3600]));
    let profile = profile(&format!("c{number}"), plan.registers_per_second, plan.in_flight, count);
    Station {
        machine: Carrier::new(registrar, chance.bits(), origin),
        nodes,
        realm,
        pinned: chance.happens(0.7),
        usual,
        rows,
        moods: 0,
        names_fail: 0,
        nameless: false,
        forgot_at: None,
        expires,
        profile,
    }
}

/// How a carrier of the lab is asked.
pub fn profile(id: &str, registers_per_second: u32, in_flight: u32, nodes: u32) -> Profile {
    Profile {
        id: Arc::from(id),
        registrars: (0..nodes).map(|node| format!("sip:sbc{node}.{id}.sim").into()).collect(),
        transports: vec![ua::Transport::Udp],
        tls: Default::default(),
        outbound_proxy: None,
        route: false,
        verify_by: VerifyBy::Query,
        accept_unproven: false,
        nonce_reuse: NonceReuse::Auto,
        algorithm_aliases: Vec::new(),
        truncated_sha512: false,
        response_source_exact: false,
        pacing: Pacing { registers_per_second, in_flight },
        options: Some(OptionsPing { interval: Duration::from_secs(30), failure_threshold: 3, success_threshold: 1 }),
        failure_budget: FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 },
        forbidden_retry: Duration::from_secs(900),
        phrase_notes: Vec::new(),
        manners: ua::Manners::default(),
    }
}
