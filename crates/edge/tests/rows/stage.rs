use std::time::Duration;

use carrier::{Account, Config, Counters, Listen, Registrar, Temperament, Transport};
use diagnosis::Code;
use link::{Action, Assignment, CarrierProfile, FromEdge, ToEdge, TrunkStatus, Verdict, VerifyOrder};
use tokio::runtime::Runtime;

use crate::support::control::profile;
use crate::support::{DEADLINE, Lab, edge_config};

pub const PASSWORD: &str = "s3cret";
pub const REALM: &str = "lab.example";

/// A real edge, and lab carriers each with a temperament, one trunk at each; all on loopback.
pub struct Stage {
    pub lab: Lab,
    carriers: carrier::sockets::Lab,
    _runtime: Runtime,
    dir: tempfile::TempDir,
}

/// A registrar named after its rows, with one account of that name.
pub fn registrar(rows: &[&str]) -> Registrar {
    let name = rows.join("+");
    let user = name.replace('+', ".");
    let listen: std::net::SocketAddr = "127.0.0.1:0".parse().expect("an address");
    Registrar::new(name, REALM).listen(listen).account(Account::new(user, PASSWORD)).rows(rows)
}

/// The same, with something set by hand.
pub fn tuned(rows: &[&str], tune: impl FnOnce(&mut Temperament)) -> Registrar {
    let mut registrar = registrar(rows);
    tune(&mut registrar.temperament);
    registrar
}

/// The same, listening for every transport; the port of TCP is that of UDP.
pub fn everywhere(registrar: Registrar) -> Registrar {
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let streams = Transport::ALL.into_iter().filter(|transport| transport.is_stream());
    streams.fold(registrar, |registrar, transport| registrar.listen(Listen::new(transport, any)))
}

impl Stage {
    pub fn new(registrars: Vec<Registrar>) -> Stage {
        Stage::with(registrars, |_, _, _| {})
    }

    /// With an edge that has these sockets.
    pub fn listening(sip: &[&str], registrars: Vec<Registrar>) -> Stage {
        let sip: Vec<_> = sip.iter().map(|address| address.parse().expect("a listener")).collect();
        Stage::with(registrars, |config, _, _| config.sip = sip)
    }

    /// The same, with something set by hand in the edge's configuration, which may keep files in the directory.
    pub fn with(registrars: Vec<Registrar>, tune: impl FnOnce(&mut edge::Config, &carrier::sockets::Lab, &std::path::Path)) -> Stage {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let config = Config { seed: 7, registrars };
        let carriers = runtime.block_on(async { carrier::sockets::Lab::start(config) }).expect("the lab carriers listen");
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = edge_config(dir.path(), &["udp:127.0.0.1:0"]);
        tune(&mut config, &carriers, dir.path());
        let lab = Lab::start(config);
        Stage { lab, carriers, _runtime: runtime, dir }
    }

    /// Stops the edge in order and starts it anew with what it has kept, at the same port. What was ordered is to be ordered again.
    pub fn restarted(self) -> Stage {
        let Stage { lab, carriers, _runtime, dir } = self;
        let port = lab.local.first().expect("a socket").port();
        lab.edge.stop();
        let lab = Lab::start(edge_config(dir.path(), &[&format!("udp:127.0.0.1:{port}")]));
        Stage { lab, carriers, _runtime, dir }
    }

    /// One registrar a row.
    pub fn of_rows(rows: &[&str]) -> Stage {
        Stage::new(rows.iter().map(|row| registrar(&[row])).collect())
    }

    /// The profile of a registrar, which the test may change before it orders it.
    pub fn profile(&self, name: &str) -> CarrierProfile {
        let address = self.carriers.addresses(name).first().unwrap_or_else(|| panic!("no registrar {name}"));
        profile(name, &format!("sip:{address}"))
    }

    /// The same over a transport, trusting the lab's authority.
    pub fn profile_over(&self, name: &str, transport: Transport) -> CarrierProfile {
        let address = self.carriers.address(name, transport).unwrap_or_else(|| panic!("{name} does not listen on {transport}"));
        let mut profile = profile(name, &format!("sip:{address};transport={transport}"));
        profile.tls.roots = transport.is_secured().then(|| self.carriers.authority().root());
        profile
    }

    /// Closes all connections of a registrar.
    pub fn drop_connections(&self, name: &str) {
        self.carriers.drop_connections(name);
    }

    /// What is desired of the trunk at a registrar, for the test to change.
    pub fn assignment(&self, name: &str) -> Assignment {
        self.lab.assignment(&user(name), name, PASSWORD)
    }

    /// Registers the trunk of a registrar.
    pub fn register(&self, name: &str) {
        self.register_as(self.profile(name), self.assignment(name));
    }

    pub fn register_as(&self, profile: CarrierProfile, assignment: Assignment) {
        self.lab.order(ToEdge::Carrier(Box::new(profile)));
        self.lab.order(ToEdge::Assign(Box::new(assignment)));
    }

    /// The trunk's status once it satisfies, be it told already or yet to come.
    pub fn status(&mut self, name: &str, satisfied: impl Fn(&TrunkStatus) -> bool) -> TrunkStatus {
        let trunk = user(name);
        let of = |report: &FromEdge| match report {
            FromEdge::Status(batch) => batch.iter().rev().find(|status| status.trunk == trunk).cloned(),
            _ => None,
        };
        if let Some(latest) = self.lab.reports.iter().rev().find_map(of).filter(|status| satisfied(status)) {
            return latest;
        }
        self.lab.report(&format!("status of {name}"), |report| of(report).filter(|status| satisfied(status)))
    }

    /// Waits until the trunk is bound.
    pub fn bound(&mut self, name: &str) -> TrunkStatus {
        self.status(name, |status| status.bound && status.diagnosis.is_none())
    }

    /// Waits until the trunk's diagnosis has that code.
    #[track_caller]
    pub fn refused(&mut self, name: &str, code: Code) -> TrunkStatus {
        let status = self.status(name, |status| status.diagnosis.is_some());
        let diagnosis = status.diagnosis.as_ref().expect("waited for");
        assert_eq!(diagnosis.code, code, "{name}: {diagnosis:#?}");
        status
    }

    /// Renews by hand and waits until that has succeeded.
    pub fn refresh(&mut self, name: &str) -> TrunkStatus {
        let before = self.status(name, |_| true).refreshes;
        self.act(name, Action::Refresh);
        self.status(name, |status| status.refreshes > before)
    }

    pub fn act(&self, name: &str, action: Action) {
        self.lab.order(ToEdge::Act { trunk: user(name), action });
    }

    /// Asks for a verification of a trunk's secret by a query.
    pub fn verify(&mut self, name: &str, change: impl FnOnce(&mut VerifyOrder)) -> Verdict {
        let mut order = self.lab.verify_order(&format!("v-{name}"), self.profile(name), &user(name), PASSWORD);
        change(&mut order);
        let id = order.id.clone();
        self.lab.order(ToEdge::Verify(Box::new(order)));
        self.lab.verdict(&id)
    }

    pub fn counters(&self, name: &str) -> Counters {
        self.carrier(name).totals()
    }

    /// The lab carrier itself; let go of it before waiting for anything.
    pub fn carrier(&self, name: &str) -> std::sync::MutexGuard<'_, carrier::Carrier> {
        self.carriers.carrier(name).unwrap_or_else(|| panic!("no registrar {name}"))
    }

    /// Waits until the carrier has seen what is wanted.
    pub fn until(&self, what: &str, name: &str, seen: impl Fn(&carrier::Carrier) -> bool) {
        let end = std::time::Instant::now() + DEADLINE;
        while !seen(&self.carrier(name)) {
            assert!(std::time::Instant::now() < end, "{name}: {what}: not within {DEADLINE:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The user of the address-of-record at a registrar, and the trunk's name.
pub fn user(name: &str) -> String {
    name.replace('+', ".")
}
