use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::located::{Server, Service};
use super::{Aim, Located, Naptr, Question, Records, Srv};
use crate::{Query, Resolution, ResolveFault, Transport};

/// So many NAPTR or SRV records of one answer are looked at.
const RECORDS_MAX: usize = 32;
/// So many services are asked for SRV records.
const SERVICES_MAX: usize = 5;
/// So many servers are looked up, the first priorities before the others.
const SERVERS_MAX: usize = 16;
/// So many addresses of one server are used.
const ADDRESSES_MAX: usize = 8;
/// RFC 1035 2.3.4, written.
const NAME_MAX: usize = 253;
/// What was found is used at least so long, whatever its TTL: a burst of registrations must not become a burst of look-ups.
const TTL_MIN: Duration = Duration::from_secs(5);
/// ... and at most so long: carriers move.
const TTL_MAX: Duration = Duration::from_secs(3600);
/// ... and not longer where a record that may be there was not to be had.
const TTL_SHAKY: Duration = Duration::from_secs(30);

/// The search for a registrar: at most three rounds of look-ups (NAPTR; SRV; A and AAAA), at most 22 look-ups in all.
#[derive(Clone, Debug)]
pub struct Search {
    aim: Aim,
    open: Vec<(Question, Option<Query>)>,
    services: Vec<Service>,
    /// Transports of which DNS says that the service is decidedly not there.
    declined: Vec<Transport>,
    path: Vec<Box<str>>,
    ttl: Duration,
    faults: Vec<(Question, ResolveFault)>,
    /// NAPTR or SRV records that may be there were not to be had.
    blind: bool,
    /// Hosts of which no address was to be had, though they may have some.
    unheard: Vec<(Arc<str>, u16)>,
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// How it went, a line a look-up.
    pub path: Arc<[Box<str>]>,
    /// What could not be had, though it may be there; or why nothing was found: the gate's word before the name servers'.
    pub trouble: Option<ResolveFault>,
    /// What was found; with nothing, there is trouble.
    pub found: Option<Located>,
}

impl Search {
    /// Begins.
    pub fn new(aim: &Aim) -> Self {
        let mut search = Search {
            aim: aim.clone(),
            open: Vec::new(),
            services: Vec::new(),
            declined: Vec::new(),
            path: Vec::new(),
            ttl: TTL_MAX,
            faults: Vec::new(),
            blind: false,
            unheard: Vec::new(),
        };
        if aim.literal || aim.port.is_some() {
            // RFC 3263 4.1, 4.2: a numeric host or a port leaves nothing to NAPTR and SRV.
            search.go_to_the_host(aim.default_transport());
        } else if let Some(transport) = aim.named {
            search.ask_services(vec![(transport, aim.srv_name(transport))]);
        } else {
            search.open.push((Question::Naptr { name: aim.host.clone() }, None));
        }
        search
    }

    /// Returns what is to be looked up and was not ordered yet.
    pub fn unasked(&self) -> impl Iterator<Item = &Question> {
        self.open.iter().filter(|(_, query)| query.is_none()).map(|(question, _)| question)
    }

    /// Notes that a look-up was ordered.
    pub fn asked(&mut self, question: &Question, query: Query) {
        if let Some((_, slot)) = self.open.iter_mut().find(|(open, slot)| slot.is_none() && open == question) {
            *slot = Some(query);
        }
    }

    /// Tells whether it waits for that look-up.
    pub fn awaits(&self, query: Query) -> bool {
        self.open.iter().any(|(_, slot)| *slot == Some(query))
    }

    /// Tells whether nothing more is to be looked up.
    pub fn is_over(&self) -> bool {
        self.open.is_empty()
    }

    /// Takes a look-up's outcome.
    pub fn take(&mut self, query: Query, outcome: Result<Resolution, ResolveFault>) {
        let Some(at) = self.open.iter().position(|(_, slot)| *slot == Some(query)) else { return };
        let (question, _) = self.open.remove(at);
        let outcome = outcome.and_then(|found| match (&question, &found.records) {
            (Question::Host { .. }, Records::Addresses(_)) | (Question::Srv { .. }, Records::Srv(_)) => Ok(found),
            (Question::Naptr { .. }, Records::Naptr(_)) => Ok(found),
            _ => Err(ResolveFault::Failed("the answer holds records of another type".into())),
        });
        match outcome {
            Ok(Resolution { records, ttl }) => {
                self.ttl = self.ttl.min(ttl);
                match records {
                    Records::Naptr(records) => self.take_naptr(&question, &records),
                    Records::Srv(records) => self.take_srv(&question, &records),
                    Records::Addresses(addresses) => self.take_addresses(&question, &addresses),
                }
            }
            Err(fault) => {
                self.step(&question, &words(&fault));
                if matches!(fault, ResolveFault::Failed(_)) {
                    match &question {
                        Question::Naptr { .. } | Question::Srv { .. } => self.blind = true,
                        Question::Host { name, port } => self.unheard.push((name.clone(), *port)),
                    }
                }
                self.faults.push((question.clone(), fault));
            }
        }
        match question {
            Question::Naptr { .. } if self.services.is_empty() => {
                let services = self.aim.transports.iter().map(|&transport| (transport, self.aim.srv_name(transport)));
                let services = services.collect();
                self.ask_services(services);
            }
            Question::Srv { .. } if self.open.is_empty() => self.ask_servers(),
            Question::Naptr { .. } | Question::Srv { .. } | Question::Host { .. } => {}
        }
    }

    /// Ends it. What DNS could not tell this time is taken from `before`, what was found last.
    pub fn end(self, before: Option<&Located>) -> Ended {
        let Search { mut services, path, ttl, faults, blind, unheard, .. } = self;
        let path = path.into();
        let trouble = (!faults.is_empty()).then(|| fault_of(&faults));
        let kept = before.filter(|before| blind && !before.blind);
        if let Some(before) = kept {
            let mut kept = before.clone();
            kept.ttl = TTL_MIN;
            return Ended { path, trouble, found: Some(kept) };
        }
        for server in services.iter_mut().flat_map(|service| &mut service.servers) {
            let was = before.and_then(|before| before.of(&server.host, server.port)).unwrap_or_default();
            let silent = server.addresses.is_empty() && unheard.iter().any(|(host, port)| *host == server.host && *port == server.port);
            // Name servers turn the order of addresses round with every answer; that is no reason to leave a registrar.
            if silent || is_same_set(&server.addresses, was) {
                server.addresses = was.to_vec();
            }
        }
        let shaky = blind || !unheard.is_empty();
        let located = Located::new(services, ttl.clamp(TTL_MIN, if shaky { TTL_SHAKY } else { TTL_MAX }), blind);
        if located.places().is_empty() {
            return Ended { path, trouble: Some(fault_of(&faults)), found: None };
        }
        Ended { path, trouble: trouble.filter(|_| shaky), found: Some(located) }
    }

    fn go_to_the_host(&mut self, transport: Transport) {
        let (host, port) = (self.aim.host.clone(), self.aim.port.unwrap_or(transport.default_port()));
        self.open.push((Question::Host { name: host.clone(), port }, None));
        let server = Server { priority: 0, weight: 0, host, port, addresses: Vec::new() };
        self.services = vec![Service { transport, srv: None, servers: vec![server] }];
    }

    fn ask_services(&mut self, services: Vec<(Transport, Arc<str>)>) {
        for (transport, name) in services.into_iter().take(SERVICES_MAX) {
            let question = Question::Srv { name: name.clone() };
            if !self.open.iter().any(|(open, _)| *open == question) {
                self.open.push((question, None));
            }
            self.services.push(Service { transport, srv: Some(name), servers: Vec::new() });
        }
    }

    /// The SRV records are there, or not to be had: the servers' addresses come next.
    fn ask_servers(&mut self) {
        self.services.retain(|service| !service.servers.is_empty());
        let mut room = SERVERS_MAX;
        for service in &mut self.services {
            service.servers.truncate(room);
            room -= service.servers.len();
        }
        for server in self.services.iter().flat_map(|service| &service.servers) {
            let question = Question::Host { name: server.host.clone(), port: server.port };
            if !self.open.iter().any(|(open, _)| *open == question) {
                self.open.push((question, None));
            }
        }
        if !self.services.is_empty() {
            return;
        }
        // RFC 3263 4.2: no SRV records, so the host itself; but not over what it says that it does not do.
        let usual = self.aim.default_transport();
        let others = self.aim.transports.iter().copied();
        if let Some(transport) = std::iter::once(usual).chain(others).find(|transport| !self.declined.contains(transport)) {
            self.go_to_the_host(transport);
        }
    }

    fn take_naptr(&mut self, question: &Question, records: &[Naptr]) {
        let mut usable: Vec<(&Naptr, Transport)> =
            records.iter().take(RECORDS_MAX).filter_map(|record| Some((record, self.service_of(record)?))).collect();
        usable.sort_by_key(|(record, transport)| (record.order, record.preference, *transport));
        // RFC 3403 4.1: a higher order is not looked at once a lower one has what is wanted.
        let first = usable.first().map(|(record, _)| record.order);
        usable.retain(|(record, _)| Some(record.order) == first);
        let mut shown: Vec<String> = usable
            .iter()
            .map(|(record, _)| format!("{} {} {} {}", record.order, record.preference, record.service, record.replacement))
            .collect();
        if shown.is_empty() {
            let names: Vec<String> = self.aim.transports.iter().map(ToString::to_string).collect();
            shown.push(format!("no record of {} leads to {}", records.len(), names.join(", ")));
        }
        self.step(question, &shown.join(", "));
        let services = usable.into_iter().map(|(record, transport)| (transport, plain(&record.replacement).unwrap_or_default())).collect();
        self.ask_services(services);
    }

    /// The transport of a NAPTR record that RFC 3263 4.1 and RFC 7118 5.5 define and that may be used here.
    fn service_of(&self, record: &Naptr) -> Option<Transport> {
        let transport = match record.service.to_ascii_uppercase().as_str() {
            "SIP+D2U" => Transport::Udp,
            "SIP+D2T" => Transport::Tcp,
            "SIPS+D2T" => Transport::Tls,
            "SIP+D2W" => Transport::Ws,
            "SIPS+D2W" => Transport::Wss,
            _ => return None,
        };
        let simple = record.flags.eq_ignore_ascii_case("s") && record.regexp.is_empty() && plain(&record.replacement).is_some();
        (simple && self.aim.transports.contains(&transport)).then_some(transport)
    }

    fn take_srv(&mut self, question: &Question, records: &[Srv]) {
        let Question::Srv { name } = question else { return };
        let declines = matches!(records, [only] if &*only.target == ".");
        let mut servers: Vec<Server> = records
            .iter()
            .take(RECORDS_MAX)
            .filter_map(|record| {
                let (host, port) = (plain(&record.target)?, record.port);
                Some(Server { priority: record.priority, weight: record.weight, host, port, addresses: Vec::new() })
            })
            .collect();
        servers.sort_by(|one, other| (one.priority, &one.host, one.port).cmp(&(other.priority, &other.host, other.port)));
        servers.dedup_by(|one, other| (one.priority, &one.host, one.port) == (other.priority, &other.host, other.port));
        let shown: Vec<String> =
            servers.iter().map(|server| format!("{} {} {}:{}", server.priority, server.weight, server.host, server.port)).collect();
        match (declines, shown.is_empty()) {
            (true, _) => {
                let fault = ResolveFault::Absent("the service is declared not to be there (target \".\")".into());
                self.step(question, &words(&fault));
                self.faults.push((question.clone(), fault));
            }
            (false, true) => self.step(question, "no record is usable"),
            (false, false) => self.step(question, &shown.join(", ")),
        }
        for service in self.services.iter_mut().filter(|service| service.srv.as_deref() == Some(&**name)) {
            if declines {
                self.declined.push(service.transport);
            }
            service.servers.clone_from(&servers);
        }
    }

    fn take_addresses(&mut self, question: &Question, addresses: &[SocketAddr]) {
        let Question::Host { name, port } = question else { return };
        let addresses = &addresses[..addresses.len().min(ADDRESSES_MAX)];
        let shown: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
        // A literal was not looked up.
        if !self.aim.literal {
            self.step(question, &shown.join(", "));
        }
        let servers = self.services.iter_mut().flat_map(|service| &mut service.servers);
        for server in servers.filter(|server| server.host == *name && server.port == *port) {
            server.addresses = addresses.to_vec();
        }
    }

    fn step(&mut self, question: &Question, found: &str) {
        self.path.push(format!("{question}: {found}").into());
    }
}

/// What of a record's name can be shown and asked for: letters, digits, hyphens, underscores and dots; in lower case, without the last dot.
fn plain(name: &str) -> Option<Arc<str>> {
    let name = name.strip_suffix('.').unwrap_or(name);
    let fits = !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    fits.then(|| name.to_ascii_lowercase().into())
}

fn words(fault: &ResolveFault) -> String {
    match fault {
        ResolveFault::Failed(words) | ResolveFault::Absent(words) => words.clone(),
        ResolveFault::Forbidden(address) => format!("{address}, which this edge must not reach"),
        ResolveFault::ForbiddenPort(port) => format!("port {port}, which this edge must not reach"),
        ResolveFault::NoSocket(address) => format!("{address}, for which the edge has no socket"),
        ResolveFault::NoTransport { asked, .. } => format!("{asked} is not usable"),
    }
}

fn is_same_set(one: &[SocketAddr], other: &[SocketAddr]) -> bool {
    one.len() == other.len() && one.iter().all(|address| other.contains(address))
}

/// The gate's word, then that of a look-up that failed, then that there are no records; each look-up is named.
fn fault_of(faults: &[(Question, ResolveFault)]) -> ResolveFault {
    let gates = |fault: &ResolveFault| !matches!(fault, ResolveFault::Failed(_) | ResolveFault::Absent(_));
    if let Some((_, fault)) = faults.iter().find(|(_, fault)| gates(fault)) {
        return fault.clone();
    }
    let all: Vec<String> = faults.iter().map(|(question, fault)| format!("{question}: {}", words(fault))).collect();
    let all = if all.is_empty() { "DNS holds no usable record".to_owned() } else { all.join("; ") };
    if faults.iter().any(|(_, fault)| matches!(fault, ResolveFault::Failed(_))) {
        ResolveFault::Failed(all)
    } else {
        ResolveFault::Absent(all)
    }
}
