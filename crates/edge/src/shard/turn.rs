use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;
use socket2::Socket;
use tokio::sync::mpsc::UnboundedSender;
use ua::{Endpoint, Event, Input, Instant, Local, Output, Query, Question, Renewal, SendFault};

use super::alarm::Alarm;
use super::inbox::{Farewell, Inbox, ToShard};
use super::outbox::{BATCH, Flushed};
use super::receive::Receiver;
use super::wire::Wire;
use crate::clock::Clock;
use crate::gate::Gate;
use crate::reports::Reports;
use crate::resolve::{Ask, Families, settle};
use crate::state::Keeper;
use crate::streams::{Connections, Opener};
use crate::tally::{ShardTally, Tally};

/// A shard looks around at least so often: the wait is measured by a clock that stands still while the machine sleeps.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// So many orders are taken before the sockets have their turn.
const ORDERS_AT_ONCE: usize = 256;

/// So many batches are sent before answers are taken: they must fit the socket's buffer meanwhile.
const BATCHES_AT_ONCE: usize = 16;

/// The endpoint's counters are read at most so often.
const COUNT_APART: Duration = Duration::from_millis(10);
/// ... and at least so often, so that what is told of the edge is never older.
const COUNTED_WITHIN: Duration = Duration::from_secs(2);

/// Turns in which something moves begin so far apart.
const GATHER: Duration = Duration::from_millis(2);

/// So long may the last datagrams of an orderly stop take.
const FAREWELL: Duration = Duration::from_millis(200);

/// What a shard is made of.
pub(crate) struct ShardParts {
    pub(crate) index: usize,
    pub(crate) endpoint: Endpoint,
    pub(crate) sockets: Vec<Socket>,
    pub(crate) inbox: Inbox,
    pub(crate) clock: Clock,
    pub(crate) gate: Arc<Gate>,
    pub(crate) families: Families,
    pub(crate) reports: Arc<Reports>,
    pub(crate) keeper: Keeper,
    pub(crate) asks: UnboundedSender<Ask>,
    pub(crate) opener: Opener,
    pub(crate) tally: Arc<Tally>,
}

/// A shard at work, on its own thread.
pub(crate) struct Shard {
    parts: Parts,
    wires: Vec<Wire>,
    connections: Connections,
    receiver: Receiver,
    counted: ShardTally,
    /// Went wrong since the endpoint was last told.
    faults: Vec<(Local, SocketAddr, SendFault)>,
    events: Vec<Event>,
    renewals: Vec<Renewal>,
    /// When the endpoint's counters are read again.
    count_at: Instant,
    /// Datagrams that came and went when these were last compared.
    moved: u64,
    /// When it last stopped waiting.
    woke_at: Instant,
}

/// What is left of [`ShardParts`] once the sockets are wires.
struct Parts {
    index: usize,
    endpoint: Endpoint,
    inbox: Inbox,
    clock: Clock,
    gate: Arc<Gate>,
    families: Families,
    reports: Arc<Reports>,
    keeper: Keeper,
    asks: UnboundedSender<Ask>,
    tally: Arc<Tally>,
}

impl Shard {
    /// Makes the shard; on the thread that is to run it, as the buffers are bound to that.
    pub(crate) fn new(parts: ShardParts) -> Self {
        let ShardParts { index, endpoint, sockets, inbox, clock, gate, families, reports, keeper, asks, opener, tally } = parts;
        Shard {
            parts: Parts { index, endpoint, inbox, clock, gate, families, reports, keeper, asks, tally },
            wires: sockets.into_iter().map(Wire::new).collect(),
            connections: Connections::new(opener),
            receiver: Receiver::new(),
            counted: ShardTally::default(),
            faults: Vec::new(),
            events: Vec::new(),
            renewals: Vec::new(),
            moved: 0,
            woke_at: Instant::default(),
            count_at: Instant::from_micros(0),
        }
    }

    /// Turns until it is told to stop, or nobody can tell it anything any more.
    pub(crate) fn run(mut self) {
        let _alarm = Alarm(Arc::clone(&self.parts.tally));
        loop {
            self.parts.inbox.hush();
            if let Some(farewell) = self.parts.inbox.stopped() {
                return self.stop(&farewell);
            }
            self.take_orders();
            let wake = self.work();
            self.publish();
            self.wait(wake);
        }
    }

    /// Hands orders, answers of name servers and what came on connections to the endpoint.
    fn take_orders(&mut self) {
        let now = self.parts.clock.now();
        for _ in 0..ORDERS_AT_ONCE {
            let Some(told) = self.parts.inbox.take() else { return };
            let endpoint = &mut self.parts.endpoint;
            match told {
                ToShard::Command(command) => endpoint.handle(now, Input::Command(command)),
                ToShard::Resolved { query, outcome } => endpoint.handle(now, Input::Resolved { query, outcome }),
                ToShard::Opened { flow, opening } if self.connections.has(flow) => endpoint.handle(now, Input::Opened { flow, opening }),
                ToShard::Message { flow, message } if self.connections.has(flow) => {
                    self.counted.received += 1;
                    endpoint.handle(now, Input::Message { flow, bytes: &message.bytes });
                }
                ToShard::Pong { flow } if self.connections.has(flow) => endpoint.handle(now, Input::Pong { flow }),
                ToShard::Closed { flow, fault } if self.connections.ended(flow) => endpoint.handle(now, Input::Closed { flow, fault }),
                // The endpoint has closed it meanwhile.
                ToShard::Opened { .. } | ToShard::Message { .. } | ToShard::Pong { .. } | ToShard::Closed { .. } => {}
            }
        }
        self.parts.inbox.knock();
    }

    /// Does what the endpoint wants done now, and returns when it wants to be woken; at once if there is more than a few batches of it.
    fn work(&mut self) -> Option<Instant> {
        for _ in 0..BATCHES_AT_ONCE {
            let now = self.parts.clock.now();
            let (wake, answers) = self.poll(now);
            self.flush(now);
            let idle = answers.is_empty() && self.faults.is_empty();
            for (query, ip, port) in answers {
                let outcome = settle(&self.parts.gate, self.parts.families, [ip], port, Duration::MAX);
                self.parts.endpoint.handle(now, Input::Resolved { query, outcome });
            }
            self.take_faults(now);
            match wake {
                Turn::Until(at) if idle => return at,
                // What waits for a socket is sent before anything else is thought of.
                Turn::Full if self.wires.iter().any(Wire::is_full) => return Some(now + LONGEST_WAIT),
                Turn::Until(_) | Turn::Batch | Turn::Full => {}
            }
        }
        Some(self.parts.clock.now())
    }

    /// Polls the endpoint until it has nothing more to do, or a batch is complete. Literal addresses to resolve come back.
    fn poll(&mut self, now: Instant) -> (Turn, Vec<(Query, IpAddr, u16)>) {
        let mut literals = Vec::new();
        loop {
            if self.wires.iter().any(Wire::is_full) {
                return (Turn::Full, literals);
            }
            match self.parts.endpoint.poll(now) {
                Output::Send { local, to, bytes } => {
                    if let Err(fault) = self.parts.gate.judge(to) {
                        self.counted.gated += 1;
                        tracing::debug!(%to, ?fault, "the gate refuses a datagram");
                        self.faults.push((local, to, SendFault::Forbidden));
                        continue;
                    }
                    let Some(wire) = self.wires.get_mut(usize::from(local.0)) else {
                        self.faults.push((local, to, SendFault::Unreachable));
                        continue;
                    };
                    wire.push(to, bytes);
                    if wire.waiting() >= BATCH {
                        return (Turn::Batch, literals);
                    }
                }
                Output::Open(dial) => self.connections.open(dial),
                Output::SendOn { flow, bytes } => self.counted.sent += u64::from(self.connections.send(flow, bytes)),
                Output::Ping { flow } => self.connections.ping(flow),
                Output::Close { flow } => self.connections.close(flow),
                Output::Resolve { query, question } => {
                    let literal = match &question {
                        Question::Host { name, port } => name.parse::<IpAddr>().ok().map(|ip| (ip, *port)),
                        Question::Srv { .. } | Question::Naptr { .. } => None,
                    };
                    match literal {
                        Some((ip, port)) => literals.push((query, ip, port)),
                        None => {
                            let _ = self.parts.asks.send(Ask { shard: self.parts.index, query, question });
                        }
                    }
                }
                Output::Event(event) => self.events.push(event),
                Output::Wake(at) => return (Turn::Until(at), literals),
            }
        }
    }

    fn flush(&mut self, now: Instant) {
        for (index, wire) in self.wires.iter_mut().enumerate() {
            let mut flushed = Flushed::default();
            wire.flush(now, &mut flushed);
            self.counted.sent += flushed.sent;
            self.counted.overrun += flushed.overrun;
            self.counted.send_failed += flushed.failed;
            self.counted.icmp += flushed.icmp;
            let local = local(index);
            self.faults.extend(flushed.faults.into_iter().map(|(to, fault)| (local, to, fault)));
        }
    }

    /// Tells others what has happened in this turn.
    fn publish(&mut self) {
        let quiet = self.events.is_empty();
        let now = self.parts.clock.now();
        let mut events = std::mem::take(&mut self.events);
        for event in events.drain(..) {
            match event {
                Event::Renewed(renewal) => self.renewals.push(renewal),
                Event::Save(resume) => {
                    self.hand_over_renewals();
                    self.parts.keeper.save(resume);
                }
                Event::Forget { trunk, unregistered } => {
                    self.hand_over_renewals();
                    self.parts.keeper.forget(Arc::clone(&trunk));
                    self.parts.reports.event(Event::Forget { trunk, unregistered }, now);
                }
                Event::BindingContested { trunk, listed } => {
                    tracing::warn!(%trunk, ?listed, "another holds the place of the trunk's binding");
                    self.parts.reports.event(Event::BindingContested { trunk, listed }, now);
                }
                Event::CallUnrouted { method, source } => {
                    self.counted.unrouted += 1;
                    tracing::info!(%method, %source, "a request came that nobody here answers");
                    self.parts.reports.event(Event::CallUnrouted { method, source }, now);
                }
                Event::Status(_) => {
                    self.hand_over_renewals();
                    self.parts.reports.event(event, now);
                }
                Event::Accepted { .. } | Event::Refused { .. } | Event::Progress { .. } | Event::Verdict(_) | Event::Attempt(_) => {
                    self.parts.reports.event(event, now)
                }
            }
        }
        self.events = events;
        self.hand_over_renewals();
        if !quiet {
            self.parts.keeper.nudge();
            self.parts.reports.nudge();
        }
        // Counting goes over all registrations, so it gets a thousandth of the time; not less because it was interrupted once.
        if now >= self.count_at {
            self.counted.endpoint = self.parts.endpoint.counters();
            let after = self.parts.clock.now();
            self.count_at = after + (now.until(after) * 1000).clamp(COUNT_APART, COUNTED_WITHIN);
        }
        self.parts.tally.publish(self.parts.index, &self.counted);
    }

    /// Hands renewals over, in turn with what else is told of their trunks.
    fn hand_over_renewals(&mut self) {
        if !self.renewals.is_empty() {
            self.parts.keeper.renew(&self.renewals);
            self.parts.reports.renewed(self.renewals.drain(..));
        }
    }

    /// Waits for a datagram, an order or the time, and takes in what the sockets have.
    fn wait(&mut self, wake: Option<Instant>) {
        let now = self.parts.clock.now();
        let now = self.gather(now, wake);
        let span = wake.map_or(LONGEST_WAIT, |at| now.until(at).min(LONGEST_WAIT));
        let mut fds: Vec<PollFd<'_>> = self.wires.iter().map(|wire| PollFd::new(wire.fd(), wire.interest())).collect();
        fds.push(PollFd::new(self.parts.inbox.bell(), PollFlags::POLLIN));
        if ppoll(&mut fds, Some(TimeSpec::from(span)), None).is_err() {
            return;
        }
        let ready: Vec<PollFlags> = fds.iter().map(|fd| fd.revents().unwrap_or(PollFlags::empty())).collect();
        drop(fds);
        let now = self.parts.clock.now();
        self.woke_at = now;
        for (index, (wire, ready)) in self.wires.iter_mut().zip(ready).enumerate() {
            let local = local(index);
            if ready.contains(PollFlags::POLLERR) {
                self.counted.icmp += wire.errors(|to, fault| self.faults.push((local, to, fault)));
            }
            if ready.contains(PollFlags::POLLIN) {
                let endpoint = &mut self.parts.endpoint;
                self.counted.received +=
                    wire.receive(&mut self.receiver, |source, bytes| endpoint.handle(now, Input::Datagram { local, source, bytes }));
            }
        }
        self.take_faults(now);
    }

    /// Where datagrams come and go all the time, but few in a turn, lets some more come: the calls of a turn then serve several.
    fn gather(&mut self, now: Instant, wake: Option<Instant>) -> Instant {
        let moved = self.counted.received + self.counted.sent;
        let lately = moved - std::mem::replace(&mut self.moved, moved);
        let until = self.woke_at + GATHER;
        let more = wake.is_some_and(|at| at <= now);
        if !(1..BATCH as u64).contains(&lately) || more || until <= now || self.wires.iter().any(|wire| wire.waiting() > 0) {
            return now;
        }
        std::thread::sleep(now.until(until));
        self.parts.clock.now()
    }

    /// Tells the endpoint what could not be sent or came back; once for each destination, however many datagrams it was.
    fn take_faults(&mut self, now: Instant) {
        let mut told: Vec<(Local, SocketAddr)> = Vec::new();
        for (local, to, fault) in self.faults.drain(..) {
            if !told.contains(&(local, to)) {
                told.push((local, to));
                self.parts.endpoint.handle(now, Input::SendFailed { local, to, fault });
            }
        }
    }

    /// Sends what is due, tells what has happened and hands over what outlives the stop. Un-registers nothing.
    fn stop(mut self, farewell: &Farewell) {
        let end = self.parts.clock.now() + FAREWELL;
        self.work();
        self.flush(self.parts.clock.now());
        while self.wires.iter().any(|wire| wire.waiting() > 0) && self.parts.clock.now() < end {
            self.wait(None);
            self.flush(self.parts.clock.now());
        }
        self.publish();
        let _ = farewell.send(self.parts.endpoint.snapshot());
    }
}

/// How far [`Shard::poll`] got.
enum Turn {
    /// A batch is to be sent before there is more.
    Batch,
    /// A socket must take some first.
    Full,
    /// Nothing to do before then.
    Until(Option<Instant>),
}

/// `bind` refuses more sockets than `Local` can count.
fn local(index: usize) -> Local {
    Local(u16::try_from(index).unwrap_or(u16::MAX))
}
