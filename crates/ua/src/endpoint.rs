//! The endpoint: everything of a shard, one door in and one door out.

mod assigning;
mod audit;
mod bound;
mod challenged;
mod evidence;
mod failed;
mod flowing;
#[cfg(test)]
pub(crate) mod given;
mod inbound;
mod keepalive;
mod parking;
mod plain;
mod probing;
mod queue;
mod redirecting;
mod resolving;
mod riding;
mod telling;
mod verifying;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use sip::{Message, Start, Via, ViaMarks};

use crate::allowance::Allowance;
use crate::budget::Budget;
use crate::carrier::Carrier;
use crate::probe::Probe;
use crate::registration::{Exchange, Registration};
use crate::slab::{Key, Slab};
use crate::wheel::TimerKey;
use crate::wire::{Owner, Step, Ticked, Timer, Transaction, Way, Wire};
use crate::{Command, FlowFault, Input, Instant, Output, Query, Resume, Seeds, SendFault, Socket};

/// How an endpoint is set up.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its UDP sockets; `Local` is the place in this list. At least one.
    pub sockets: Vec<Socket>,
    /// User-Agent, unless an account has its own.
    pub user_agent: Box<str>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// REGISTER requests, retransmissions not counted.
    pub registers: u64,
    /// Retransmitted requests.
    pub retransmissions: u64,
    /// Datagrams that are no SIP, or belong to nothing of ours.
    pub strangers: u64,
    /// Registrations that are bound now.
    pub bound: u64,
    /// Connections that are open, or being opened.
    pub flows: u64,
    /// Attempts that were not told because too many were to be told.
    pub attempts_untold: u64,
}

/// A shard's registrations and all that keeps them.
pub struct Endpoint {
    wire: Wire,
    carriers: Slab<Carrier>,
    carrier_names: HashMap<Arc<str>, Key>,
    registrations: Slab<Registration>,
    trunks: HashMap<Arc<str>, Key>,
    probes: Slab<Probe>,
    budget: Budget,
    allowance: Allowance,
    queries: HashMap<Query, (Inquirer, TimerKey)>,
    /// Exchanges that are over, for their room: a phase takes one as it is.
    #[expect(clippy::vec_box)]
    spare: Vec<Box<Exchange>>,
    tag_key: u128,
}

/// Who asked for a look-up.
#[derive(Clone, Copy, Debug)]
enum Inquirer {
    Carrier(Key),
    Probe(Key),
    /// A registration whose REGISTER was redirected.
    Redirect(Key),
    /// A verification whose REGISTER was.
    ProbeRedirect(Key),
}

/// How a transaction ended.
enum Reply<'m> {
    Answer(&'m Message<'m>),
    Silence,
    NotSent(SendFault),
    /// The connection that it went on could not be opened, or has ended.
    Lost(&'m Loss<'m>),
}

/// A connection that is gone.
struct Loss<'f> {
    /// Why.
    fault: &'f FlowFault,
    /// It had been open: what was sent may have arrived.
    was_open: bool,
    /// When it was asked for.
    asked_at: Instant,
}

impl Endpoint {
    /// Makes an endpoint without registrations.
    pub fn new(config: Config, seeds: Seeds) -> Self {
        let mut wire = Wire::new(config, seeds);
        let tag_key = wire.tokens.bits();
        Endpoint {
            wire,
            carriers: Slab::default(),
            carrier_names: HashMap::new(),
            registrations: Slab::default(),
            trunks: HashMap::new(),
            probes: Slab::default(),
            budget: Budget::default(),
            allowance: Allowance::default(),
            queries: HashMap::new(),
            spare: Vec::new(),
            tag_key,
        }
    }

    /// Takes something in at its time. Then call `poll` until it says when to wake.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Datagram { local, source, bytes } => self.message(now, Way::Datagram(local, source), bytes),
            Input::SendFailed { local, to, fault } => {
                for key in self.wire.waiting_for(local, to) {
                    if let Some(transaction) = self.wire.end(key) {
                        self.ended(now, transaction, &Reply::NotSent(fault));
                    }
                }
            }
            Input::Opened { flow, opening } => self.wire.opened(now, flow, opening),
            Input::Message { flow, bytes } => self.message(now, Way::Flow(flow), bytes),
            Input::Pong { flow } => self.ponged(flow),
            Input::Closed { flow, fault } => self.closed(now, flow, &fault),
            Input::Resolved { query, outcome } => self.resolved(now, query, outcome),
            Input::Command(command) => match command {
                Command::Carrier(profile) => self.know(now, *profile),
                Command::Assign(assignment, resume) => self.assign(now, assignment, resume.map(|resume| *resume)),
                Command::Withdraw { trunk, how } => self.withdraw(now, &trunk, how),
                Command::Verify(order) => self.verify(now, order),
                Command::Trace { trunk, span } => self.trace(now, &trunk, span),
                Command::Act { trunk, action } => self.act(now, &trunk, action),
            },
        }
    }

    /// Gives the next thing to do. Extra calls are harmless.
    pub fn poll(&mut self, now: Instant) -> Output<'_> {
        loop {
            match self.wire.next() {
                Step::Send(Way::Datagram(local, to)) => return Output::Send { local, to, bytes: self.wire.lent() },
                Step::Send(Way::Flow(flow)) => return Output::SendOn { flow, bytes: self.wire.lent() },
                Step::Open(dial) => return Output::Open(dial),
                Step::Ping(flow) => return Output::Ping { flow },
                Step::Close(flow) => return Output::Close { flow },
                Step::Resolve(query, question) => return Output::Resolve { query, question },
                Step::Event(event) => return Output::Event(event),
                Step::Nothing => {}
            }
            match self.wire.wheel.pop(now) {
                Some(timer) => self.fire(now, timer),
                None => return Output::Wake(self.wire.wheel.wake()),
            }
        }
    }

    /// Returns what to keep of every registration when the endpoint is stopped in order (`clean`).
    pub fn snapshot(&self) -> Vec<Resume> {
        self.trunks.values().filter_map(|&key| Some(self.resume_of(self.registrations.at(key)?, true))).collect()
    }

    /// Returns what was counted.
    pub fn counters(&self) -> Counters {
        let bound = self.registrations.iter().filter(|(_, registration)| registration.binding.is_some()).count();
        Counters {
            bound: bound as u64,
            flows: self.wire.flows.iter().count() as u64,
            attempts_untold: self.allowance.untold,
            ..self.wire.counters
        }
    }

    fn message(&mut self, now: Instant, way: Way, bytes: &[u8]) {
        if let Way::Datagram(_, source) = way
            && self.renewed_plainly(now, source, bytes)
        {
            return;
        }
        let Ok(message) = Message::parse(bytes) else {
            self.wire.counters.strangers += 1;
            return;
        };
        match message.start() {
            Start::Request { method, .. } => self.requested(way, method, &message),
            Start::Status { .. } => {
                if let Some(transaction) = self.wire.answered(now, way, &message) {
                    self.ended(now, transaction, &Reply::Answer(&message));
                }
            }
        }
    }

    fn fire(&mut self, now: Instant, timer: Timer) {
        match timer {
            Timer::Transaction(key) => self.transaction_due(now, key),
            Timer::Registration(key) => self.due(now, key),
            Timer::Probe(key) => self.probe_due(now, key),
            Timer::Ping(carrier, at) => self.ping(now, carrier, at),
            Timer::Query(query) => self.unanswered(now, query),
            Timer::Flow(flow) => {
                if self.wire.pulse(now, flow) {
                    self.unresponsive(now, flow);
                }
            }
            Timer::Pace(carrier) => {
                if let Some(carrier) = self.carriers.at_mut(carrier) {
                    carrier.pace.timer = None;
                }
                self.pump(now, carrier);
            }
        }
    }

    /// Sends again, pays for it first if it is a REGISTER, or gives up.
    fn transaction_due(&mut self, now: Instant, key: Key) {
        let turn = match self.wire.unpaid(now, key) {
            Some(Owner::Registration(registration)) => self.pay(now, registration),
            Some(Owner::Probe(probe)) => {
                self.charge_probe(now, probe);
                now
            }
            Some(Owner::ProbeOptions(_) | Owner::Ping(..)) | None => now,
        };
        if turn > now {
            return self.wire.postpone(key, turn);
        }
        match self.wire.tick(now, key) {
            Ticked::Gone | Ticked::Again { owner: Owner::Probe(_) | Owner::ProbeOptions(_) | Owner::Ping(..), .. } => {}
            Ticked::Again { first, owner: Owner::Registration(registration) } => {
                // A healthy refresh is over before anybody could look at it; one that is not shows.
                if first {
                    self.tell_status(now, registration);
                }
            }
            Ticked::Silence(transaction) => self.ended(now, *transaction, &Reply::Silence),
        }
    }

    fn ended(&mut self, now: Instant, mut transaction: Transaction, reply: &Reply<'_>) {
        let transaction = &mut transaction;
        match transaction.owner {
            Owner::Registration(key) => self.registration_ended(now, key, transaction, reply),
            Owner::Probe(key) => self.probe_ended(now, key, transaction, reply),
            Owner::ProbeOptions(key) => self.probe_options_ended(now, key, transaction, reply),
            Owner::Ping(carrier, at) => self.ping_ended(now, carrier, at, transaction, reply),
        }
        self.wire.release(transaction);
    }
}

/// Returns our address as the answerer saw it (RFC 3581), if it tells.
pub(crate) fn public_address(message: &Message<'_>) -> Option<SocketAddr> {
    let via = message.via().ok()?;
    public_of(&via, &via.marks())
}

/// As [`public_address`], of a Via that was read.
pub(crate) fn public_of(via: &Via<'_>, marks: &ViaMarks<'_>) -> Option<SocketAddr> {
    let (host, port) = seen_as((via.host, via.port), marks.received(), marks.rport().flatten())?;
    Some(SocketAddr::new(bare(host).parse().ok()?, port))
}

/// Returns host and port that the answerer saw; nothing if it tells of neither.
pub(crate) fn seen_as<T>((host, port): (T, Option<u16>), received: Option<T>, rport: Option<u16>) -> Option<(T, u16)> {
    let told = rport.is_some() || received.is_some();
    told.then(|| (received.unwrap_or(host), rport.or(port).unwrap_or(5060)))
}

/// Returns a host without the brackets of an IPv6 address.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Returns the reason phrase, fit to be shown.
fn reason_of(message: &Message<'_>) -> (u16, String) {
    match message.start() {
        Start::Status { code, reason } => (code, crate::challenge::printable(&String::from_utf8_lossy(reason))),
        Start::Request { .. } => (0, String::new()),
    }
}

/// Takes from a final answer what a diagnosis needs.
fn final_of(message: &Message<'_>) -> crate::verdict::Final {
    let (code, reason) = reason_of(message);
    let text = |value: Option<&[u8]>| value.map(|value| crate::challenge::printable(&String::from_utf8_lossy(value)));
    let demanded = [sip::Name::Require, sip::Name::Unsupported].into_iter().find_map(|name| text(message.header(name)));
    crate::verdict::Final {
        code,
        reason,
        retry_after: message.retry_after().ok().flatten(),
        min_expires: message.min_expires().ok().flatten(),
        redirect: message.contacts().filter_map(Result::ok).map(|contact| crate::challenge::printable(contact.uri())).next(),
        demands: demanded.or_else(|| text(message.other("Security-Server"))),
        headers: crate::verdict::headers(message),
    }
}
