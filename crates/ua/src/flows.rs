//! The connections of an endpoint: who shares which, whether they are still alive, and what is known of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::chance::Jitter;
use crate::locate::Place;
use crate::wheel::TimerKey;
use crate::{Dial, Flow, Instant, Local, Opening, TlsSettings, Transport};

/// carriers.md N7: so many registrations share a connection; one that dies must not take more with it.
pub const SEATS_MAX: u32 = 1_000;
/// RFC 5626 4.4.1: a ping that must be answered is, within so long, or the connection is dead.
pub const PONG_WAIT: Duration = Duration::from_secs(10);
/// RFC 5626 4.4: between pings, where the registrar names no Flow-Timer.
const UNTOLD: (Duration, Duration) = (Duration::from_secs(95), Duration::from_secs(120));
/// A Flow-Timer is believed from here to there.
const FLOW_TIMER: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(3600));
/// A connection that nobody uses any more is closed after so long, when its timer fires.
const IDLE: Duration = Duration::from_secs(60);

/// What a connection must be for a request to go on it: pooled for each carrier, never across.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The carrier's id.
    pub carrier: Arc<str>,
    /// To there.
    pub place: Place,
    /// The name to prove.
    pub name: Arc<str>,
    /// How the certificate is judged.
    pub tls: Arc<TlsSettings>,
    /// From the address of this socket.
    pub local: Local,
}

/// A connection.
#[derive(Debug)]
pub struct Connection {
    /// What it is.
    pub route: Route,
    /// When it was asked for.
    pub asked_at: Instant,
    /// What is known of it, once it is open.
    pub opening: Option<Opening>,
    /// The registrations that use it.
    pub seats: u32,
    /// Transactions that wait for an answer on it.
    pub waiting: u32,
    /// It is one verification's own.
    pub alone: bool,
    /// The next thing to do.
    pub timer: Option<TimerKey>,
    used_at: Instant,
    /// The registrar's Flow-Timer (RFC 5626 4.4).
    flow_timer: Option<Duration>,
    next_ping_at: Instant,
    /// A ping is out since then.
    pinged_at: Option<Instant>,
    /// It has answered a ping before.
    answers: bool,
}

/// What a connection's timer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pulse {
    /// Send a ping.
    Ping,
    /// Nothing to do yet.
    Wait,
    /// Nobody uses it.
    Close,
    /// It does not answer.
    Dead,
}

/// All connections.
#[derive(Debug, Default)]
pub struct Flows {
    newest: u64,
    all: BTreeMap<Flow, Connection>,
}

impl Flows {
    /// Begins a connection, and says what to dial.
    pub fn open(&mut self, now: Instant, route: Route, alone: bool) -> Dial {
        self.newest += 1;
        let flow = Flow(self.newest);
        let Route { place, ref name, ref tls, local, .. } = route;
        let dial = Dial { flow, local, to: place.address, transport: place.transport, name: name.clone(), tls: tls.clone() };
        let connection = Connection {
            route,
            asked_at: now,
            opening: None,
            seats: 0,
            waiting: 0,
            alone,
            timer: None,
            used_at: now,
            flow_timer: None,
            next_ping_at: now,
            pinged_at: None,
            answers: false,
        };
        self.all.insert(flow, connection);
        dial
    }

    /// Returns a connection.
    pub fn at(&self, flow: Flow) -> Option<&Connection> {
        self.all.get(&flow)
    }

    /// Returns a connection.
    pub fn at_mut(&mut self, flow: Flow) -> Option<&mut Connection> {
        self.all.get_mut(&flow)
    }

    /// Returns all of them.
    pub fn iter(&self) -> impl Iterator<Item = (Flow, &Connection)> {
        self.all.iter().map(|(&flow, connection)| (flow, connection))
    }

    /// Forgets a connection.
    pub fn remove(&mut self, flow: Flow) -> Option<Connection> {
        self.all.remove(&flow)
    }

    /// Returns the connection that was begun last.
    pub fn newest(&self) -> Flow {
        Flow(self.newest)
    }

    /// Returns the youngest connection of a route, begun later than `after`, that has room.
    pub fn with_room(&self, route: &Route, after: Flow) -> Option<Flow> {
        let fits = |connection: &Connection| connection.route == *route && !connection.alone && connection.seats < SEATS_MAX;
        self.all.iter().rev().take_while(|(flow, _)| **flow > after).find(|(_, connection)| fits(connection)).map(|(&flow, _)| flow)
    }
}

impl Connection {
    /// A request goes out on it.
    pub fn begins(&mut self, now: Instant) {
        self.waiting += 1;
        self.used_at = now;
    }

    /// A ping was answered.
    pub fn ponged(&mut self) {
        self.answers = true;
        self.pinged_at = None;
    }

    /// Whether who does not answer a ping is dead: a WebSocket must answer (RFC 6455 5.5.2), and a registrar that does RFC 5626; others may
    /// take CRLFs for padding (RFC 3261 7.5), unless they have answered before.
    fn must_answer(&self) -> bool {
        self.answers || self.flow_timer.is_some() || matches!(self.route.place.transport, Transport::Ws | Transport::Wss)
    }

    /// It is open.
    pub fn opened(&mut self, now: Instant, opening: Opening, jitter: &mut Jitter) {
        self.opening = Some(opening);
        self.used_at = now;
        self.next_ping_at = now + self.pause(jitter);
    }

    /// Takes the registrar's Flow-Timer: from now on pings must be answered (RFC 5626 4.4.1). Tells whether it is news.
    pub fn take_flow_timer(&mut self, now: Instant, seconds: u32, jitter: &mut Jitter) -> bool {
        let told = Some(Duration::from_secs(seconds.into()).clamp(FLOW_TIMER.0, FLOW_TIMER.1));
        if self.flow_timer == told {
            return false;
        }
        if !self.must_answer() {
            // Of the ping that is out no answer was demanded.
            self.pinged_at = None;
        }
        self.flow_timer = told;
        self.next_ping_at = now + self.pause(jitter);
        true
    }

    /// Returns when to look at it again.
    pub fn due(&self) -> Instant {
        match (&self.opening, self.pinged_at) {
            (None, _) => self.asked_at + IDLE,
            (Some(_), Some(at)) if self.must_answer() => self.next_ping_at.min(at + PONG_WAIT),
            (Some(_), _) => self.next_ping_at,
        }
    }

    /// Says what to do now that its timer has fired.
    pub fn pulse(&mut self, now: Instant, jitter: &mut Jitter) -> Pulse {
        if self.seats == 0 && self.waiting == 0 && now.since(self.used_at) >= IDLE {
            return Pulse::Close;
        }
        if self.opening.is_none() {
            // Whoever opens it gives up long before.
            return Pulse::Dead;
        }
        if self.must_answer() && self.pinged_at.is_some_and(|at| now.since(at) >= PONG_WAIT) {
            return Pulse::Dead;
        }
        if now < self.next_ping_at {
            return Pulse::Wait;
        }
        // The wait for an answer counts from the first ping without one: a short Flow-Timer sends the next before it is over.
        self.pinged_at = self.pinged_at.filter(|_| self.must_answer()).or(Some(now));
        self.next_ping_at = now + self.pause(jitter);
        Pulse::Ping
    }

    /// Draws the time until the next ping: 80 to 100 % of the Flow-Timer, or RFC 5626's own span.
    fn pause(&self, jitter: &mut Jitter) -> Duration {
        let (low, high) = self.flow_timer.map_or(UNTOLD, |timer| (timer * 4 / 5, timer));
        jitter.between(low, high)
    }
}
