//! The connections of a wire: opened, kept alive, closed.

use super::{Outgoing, Timer, Wire};
use crate::flows::{Connection, Pulse, Route};
use crate::slab::Key;
use crate::{Flow, Instant, Opening};

impl Wire {
    /// Returns the connection that a request goes on: `held` if it still fits, else one with room that was begun after `after`, else a new one.
    pub fn flow_for(&mut self, now: Instant, route: &Route, held: Option<Flow>, after: Flow) -> Flow {
        let fits = |flow: &Flow| *flow > after && self.flows.at(*flow).is_some_and(|connection| connection.route == *route);
        held.filter(fits).or_else(|| self.flows.with_room(route, after)).unwrap_or_else(|| self.open(now, route.clone(), false))
    }

    /// Has a connection opened.
    pub fn open(&mut self, now: Instant, route: Route, alone: bool) -> Flow {
        let dial = self.flows.open(now, route, alone);
        let flow = dial.flow;
        self.outgoing.push_back(Outgoing::Open(dial));
        self.watch(flow);
        flow
    }

    /// A connection is open.
    pub fn opened(&mut self, now: Instant, flow: Flow, opening: Opening) {
        if let Some(connection) = self.flows.at_mut(flow) {
            connection.opened(now, opening, &mut self.jitter);
            self.watch(flow);
        }
    }

    /// Takes the Flow-Timer that a 2xx on a connection names.
    pub fn take_flow_timer(&mut self, now: Instant, flow: Flow, seconds: u32) {
        if self.flows.at_mut(flow).is_some_and(|connection| connection.take_flow_timer(now, seconds, &mut self.jitter)) {
            self.watch(flow);
        }
    }

    /// Forgets a connection that has ended, or has it closed.
    pub fn drop_flow(&mut self, flow: Flow, closes: bool) -> Option<Connection> {
        let mut connection = self.flows.remove(flow)?;
        if let Some(timer) = connection.timer.take() {
            self.wheel.disarm(timer);
        }
        if closes {
            self.outgoing.push_back(Outgoing::Close(flow));
        }
        Some(connection)
    }

    /// A connection's timer has fired. Tells whether it is dead.
    pub fn pulse(&mut self, now: Instant, flow: Flow) -> bool {
        let Some(connection) = self.flows.at_mut(flow) else { return false };
        connection.timer = None;
        match connection.pulse(now, &mut self.jitter) {
            Pulse::Dead => return true,
            Pulse::Close => {
                self.drop_flow(flow, true);
                return false;
            }
            Pulse::Ping => self.outgoing.push_back(Outgoing::Ping(flow)),
            Pulse::Wait => {}
        }
        self.watch(flow);
        false
    }

    fn watch(&mut self, flow: Flow) {
        let Some(connection) = self.flows.at_mut(flow) else { return };
        let due = connection.due();
        if let Some(timer) = connection.timer.replace(self.wheel.arm(due, Timer::Flow(flow))) {
            self.wheel.disarm(timer);
        }
    }

    /// Returns the transactions that wait for an answer on a connection.
    pub fn waiting_on(&self, flow: Flow) -> Vec<Key> {
        self.transactions
            .iter()
            .filter(|(_, transaction)| transaction.flow == Some(flow) && !transaction.over)
            .map(|(key, _)| key)
            .collect()
    }
}
