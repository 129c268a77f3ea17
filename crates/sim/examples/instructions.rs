//! What one REGISTER costs the user agent in instructions, without a network: `instructions TRUNKS REFRESHES [never]`.
//!
//! Run it under `valgrind --tool=callgrind --toggle-collect='*measured*'`: only the user agent's own turns are counted then, once all trunks are
//! bound, and the same program counts the same everywhere. It prints how many refreshes that were. With `never` no nonce is used again.
//! `cargo xtask bench instructions` is the comfortable way.

use std::error::Error;
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use carrier::fast::{FastConfig, FastRegistrar};
use ua::{
    Account, Assignment, Command, Config, Credential, DigestPolicy, Endpoint, FailureBudget, Generation, Hash, Input, Instant, Local,
    NonceReuse, OnDowngrade, Output, Pacing, PolicySource, Profile, Query, Records, Resolution, Secret, Seeds, Socket,
};

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Seconds that are asked for and granted.
const EXPIRES: u32 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [trunks, refreshes, more @ ..] = arguments.as_slice() else { return Err("instructions TRUNKS REFRESHES [never]".into()) };
    let (trunks, refreshes): (u32, u64) = (trunks.parse()?, refreshes.parse()?);
    let reuse = if more.iter().any(|word| word == "never") { NonceReuse::Never } else { NonceReuse::Auto };
    let mut world = World::new();
    world.endpoint.handle(world.now, Input::Command(Command::Carrier(Box::new(profile(reuse)))));
    for number in 0..trunks {
        world.endpoint.handle(world.now, Input::Command(Command::Assign(Box::new(assignment(number)), None)));
    }
    while world.accepted() < u64::from(trunks) {
        world.turn();
        world.answer();
    }
    // What was answered last is taken in, and what is told of it.
    world.turn();
    world.answer();
    let before = world.accepted();
    while world.accepted() < before + refreshes {
        measured(&mut world);
        world.answer();
    }
    // As before, what was answered last is taken in.
    measured(&mut world);
    writeln!(std::io::stdout(), "{}", world.accepted() - before)?;
    Ok(())
}

/// A turn that is counted. It does something that no other function does: the compiler makes one of two that are alike, and callgrind would
/// count what goes through either.
#[inline(never)]
fn measured(world: &mut World) {
    world.measured += 1;
    world.turn();
}

/// An endpoint and a registrar, without faults and without a wait between them.
struct World {
    endpoint: Endpoint,
    registrar: FastRegistrar,
    now: Instant,
    next: Option<Instant>,
    sent: Batch,
    answered: Batch,
    queries: Vec<(Query, u16)>,
    /// Turns that were counted.
    measured: u64,
}

/// Datagrams end to end.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Batch {
    fn each(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.bytes[start..end])
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }
}

impl World {
    fn new() -> Self {
        let own: SocketAddr = ([127, 0, 0, 1], 5060).into();
        let config = Config { sockets: vec![Socket { address: own, advertised: own }], user_agent: "Trunkline".into() };
        let fast = FastConfig { realm: "carrier.test".into(), password: "secret".into(), expires: EXPIRES };
        World {
            endpoint: Endpoint::new(config, Seeds { jitter: 1, tokens: [1; 32] }),
            registrar: FastRegistrar::new(fast),
            now: Instant::from_micros(1_000_000),
            next: None,
            sent: Batch::default(),
            answered: Batch::default(),
            queries: Vec::new(),
            measured: 0,
        }
    }

    /// All that the endpoint does: takes what was answered, and what is due.
    #[inline(never)]
    fn turn(&mut self) {
        for bytes in self.answered.each() {
            self.endpoint.handle(self.now, Input::Datagram { local: Local(0), source: registrar(), bytes });
        }
        loop {
            match self.endpoint.poll(self.now) {
                Output::Send { bytes, .. } => {
                    self.sent.bytes.extend_from_slice(bytes);
                    self.sent.ends.push(self.sent.bytes.len());
                }
                Output::Resolve { query, .. } => self.queries.push((query, registrar().port())),
                Output::Wake(at) => {
                    self.next = at;
                    return;
                }
                Output::Event(_) | Output::Open(_) | Output::SendOn { .. } | Output::Ping { .. } | Output::Close { .. } => {}
            }
        }
    }

    /// The registrar answers what was sent, or the time passes until something is due.
    fn answer(&mut self) {
        self.answered.clear();
        let since = Duration::from_micros(self.now.micros());
        for datagram in self.sent.each() {
            self.registrar.handle(since, datagram, &mut self.answered.bytes);
            self.answered.ends.push(self.answered.bytes.len());
        }
        for (query, port) in self.queries.drain(..) {
            let records = Records::Addresses(vec![SocketAddr::new(registrar().ip(), port)]);
            let outcome = Ok(Resolution { records, ttl: Duration::from_secs(1 << 20) });
            self.endpoint.handle(self.now, Input::Resolved { query, outcome });
        }
        let quiet = self.sent.ends.is_empty();
        self.sent.clear();
        // Some milliseconds apart, so that turns have about as much to do as an edge's at its best.
        let soon = self.now + Duration::from_millis(5);
        self.now = match self.next {
            Some(at) if quiet => at.max(soon),
            Some(_) | None => soon,
        };
    }

    fn accepted(&self) -> u64 {
        self.registrar.counts(Duration::ZERO).accepted
    }
}

fn registrar() -> SocketAddr {
    ([127, 0, 0, 2], 5060).into()
}

fn profile(nonce_reuse: NonceReuse) -> Profile {
    Profile {
        id: "fast".into(),
        registrars: vec![format!("sip:{}", registrar()).into()],
        transports: Vec::new(),
        tls: Default::default(),
        outbound_proxy: None,
        route: false,
        verify_by: Default::default(),
        accept_unproven: false,
        nonce_reuse,
        algorithm_aliases: Vec::new(),
        truncated_sha512: false,
        response_source_exact: false,
        pacing: Pacing { registers_per_second: 1_000_000, in_flight: 1_000_000 },
        options: None,
        failure_budget: FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 },
        forbidden_retry: Duration::from_secs(900),
        phrase_notes: Vec::new(),
        manners: Default::default(),
    }
}

fn assignment(number: u32) -> Assignment {
    let user = format!("u{number:07}");
    Assignment {
        trunk: user.as_str().into(),
        generation: Generation { incarnation: 1, number: 1 },
        carrier: "fast".into(),
        account: Account {
            address_of_record: format!("sip:{user}@carrier.test").into(),
            request_uri: "sip:carrier.test".into(),
            from_uri: None,
            contact: Default::default(),
            expires: EXPIRES,
            user_agent: None,
            extra_headers: Vec::new(),
        },
        policy: DigestPolicy {
            allowed: vec![Hash::Sha512_256, Hash::Sha256, Hash::Md5],
            on_downgrade: OnDowngrade::Refuse,
            source: PolicySource::Default,
        },
        active: Some(Credential {
            version: 1,
            username: user.into(),
            realm: None,
            algorithm: None,
            pinned: false,
            qop: false,
            proxy: None,
            secret: std::sync::Arc::new(Secret::Password("secret".to_owned().into())),
        }),
        previous: None,
        standby: None,
    }
}
