//! Datagrams and names.

use std::net::SocketAddr;
use std::time::Duration;

use ua::{Input, Local, Query, Question, Records, Resolution, ResolveFault};

use super::{EDGE, Happening, World};
use crate::Cut;
use crate::model::Way;
use crate::network::Copies;
use crate::seen::Seen;

/// An address may be used so long.
const TTL: Duration = Duration::from_secs(300);

impl World {
    /// The edge sends.
    pub(super) fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        self.take_down(1, bytes);
        let Some((carrier, node)) = self.lab.find(to) else { return };
        let copies = self.network.travel();
        let copies = if self.lab.carriers[carrier].swallows(node, Cut::There) { Copies { first: None, second: None } } else { copies };
        if let Some(seen) = Seen::read(bytes) {
            self.model.sent(self.now, Way { carrier, node, to, copies: copies.count() }, &seen, bytes);
        }
        self.forger.overhears(bytes);
        for delay in copies.arriving() {
            self.agenda.note(self.now + delay, Happening::AtCarrier { carrier, node, bytes: bytes.to_vec() });
        }
    }

    pub(super) fn at_carrier(&mut self, carrier: usize, node: usize, bytes: &[u8]) {
        self.take_down(2, bytes);
        let source = self.lab.carriers[carrier].nodes[node].address;
        for reply in self.lab.handle(self.now, carrier, EDGE, node, bytes) {
            let copies = self.network.travel();
            if self.lab.carriers[carrier].swallows(node, Cut::Back) {
                continue;
            }
            for delay in copies.arriving() {
                self.agenda.note(self.now + reply.delay + delay, Happening::AtEdge { life: self.life, source, bytes: reply.bytes.clone() });
            }
        }
    }

    pub(super) fn at_edge(&mut self, life: u32, source: SocketAddr, bytes: &[u8]) {
        let Some(endpoint) = self.endpoint.0.as_mut().filter(|_| life == self.life) else { return };
        if let Some(seen) = Seen::read(bytes) {
            self.model.came(self.now, &seen);
        }
        endpoint.handle(self.now, Input::Datagram { local: Local(0), source, bytes });
        self.take_down(3, bytes);
    }

    /// The edge wants a name looked up.
    pub(super) fn look_up(&mut self, query: Query, question: Question) {
        self.take_down(4, question.to_string().as_bytes());
        let fails = matches!(&question, Question::Host { name, .. } if self.lab.look_up(name).is_none());
        // carriers.md N2: what fails fails slowly.
        let after = Duration::from_millis(if fails { self.chance.between(50, 5_000) } else { self.chance.between(1, 200) });
        self.agenda.note(self.now + after, Happening::LookedUp { life: self.life, query, question });
    }

    pub(super) fn looked_up(&mut self, life: u32, query: Query, question: &Question) {
        let outcome = match question {
            Question::Host { name, .. } => self.lab.look_up(name).map(|address| Records::Addresses(vec![address])),
            Question::Srv { .. } | Question::Naptr { .. } => None,
        };
        let outcome = outcome.map(|records| Resolution { records, ttl: TTL }).ok_or_else(|| match question {
            Question::Host { .. } => ResolveFault::Failed("SERVFAIL".into()),
            Question::Srv { .. } | Question::Naptr { .. } => ResolveFault::Absent("no such record".into()),
        });
        if let Some(endpoint) = self.endpoint.0.as_mut().filter(|_| life == self.life) {
            endpoint.handle(self.now, Input::Resolved { query, outcome });
        }
    }

    pub(super) fn take_down(&mut self, kind: u64, bytes: &[u8]) {
        let hash = &mut self.model.trace.hash;
        hash.mix(self.now.micros());
        hash.mix(kind);
        hash.take(bytes);
    }
}
