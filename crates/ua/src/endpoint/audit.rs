//! What must hold between calls, looked at from outside: for tests, fuzzing and simulation.

use super::{Endpoint, Inquirer};
use crate::budget::Waiter;
use crate::probe::Asks;
use crate::registration::{Exchange, Intent, Phase, Registration};
use crate::slab::Key;
use crate::wire::Owner;

impl Endpoint {
    /// Checks what must hold after `poll` has said when to wake: nothing is forgotten, counted twice or left behind.
    ///
    /// # Errors
    /// What does not hold, in words.
    pub fn audit(&self) -> Result<(), String> {
        for (key, registration) in self.registrations.iter() {
            let trunk = &registration.assignment.trunk;
            self.audit_registration(key, registration).map_err(|fault| format!("registration {trunk}: {fault}"))?;
        }
        for (key, carrier) in self.carriers.iter() {
            let with_it = || self.registrations.iter().filter(move |(_, registration)| registration.carrier == key);
            let asking = with_it().filter(|(_, registration)| matches!(registration.phase, Phase::Asking(_))).count();
            let queued = with_it().filter(|(_, registration)| matches!(registration.phase, Phase::Queued(_))).count();
            let says = |text: String| Err(format!("carrier {}: {text}", carrier.profile.id));
            if carrier.pace.in_flight() as usize != asking {
                return says(format!("{} in flight, {asking} ask", carrier.pace.in_flight()));
            }
            if carrier.pace.waiting() != queued {
                return says(format!("{} in its queue, {queued} wait", carrier.pace.waiting()));
            }
            if carrier.registrations != with_it().count() {
                return says(format!("{} counted, {} there", carrier.registrations, with_it().count()));
            }
            if queued > 0 && carrier.pace.timer.is_none() && !carrier.pace.is_full() && !carrier.targets.is_looked_up() {
                return says(format!("{queued} wait and nothing wakes them"));
            }
        }
        for (trunk, &key) in &self.trunks {
            if self.registrations.at(key).is_none_or(|registration| registration.assignment.trunk != *trunk) {
                return Err(format!("trunk {trunk} names no registration"));
            }
        }
        for (key, probe) in self.probes.iter() {
            if probe.timer.is_none() {
                return Err(format!("verification {} has no timer", probe.order.id));
            }
            for out in [(probe.register, Owner::Probe(key)), (probe.options, Owner::ProbeOptions(key))] {
                if let (Some(out), owner) = out
                    && self.wire.owner(out) != Some(owner)
                {
                    return Err(format!("verification {} waits for a transaction that is gone", probe.order.id));
                }
            }
        }
        for (flow, connection) in self.wire.flows.iter() {
            let seats = self.registrations.iter().filter(|(_, registration)| registration.seat == Some(flow)).count();
            let waiting = self.wire.waiting_on(flow).len();
            if (connection.seats as usize, connection.waiting as usize) != (seats, waiting) || connection.timer.is_none() {
                return Err(format!("connection {flow:?}: {connection:?}, {seats} seats, {waiting} wait"));
            }
        }
        let risks = self.registrations.iter().map(|(_, registration)| match &registration.phase {
            Phase::Asking(exchange) | Phase::Parked { exchange, .. } => exchange.risks.len(),
            Phase::Idle | Phase::Queued(_) | Phase::Bound { .. } | Phase::Waiting { .. } | Phase::Held | Phase::Away => 0,
        });
        let risks = risks.sum::<usize>() + self.probes.iter().map(|(_, probe)| probe.risks.len()).sum::<usize>();
        if risks != self.budget.out() {
            return Err(format!("{} digests are out that may fail, {risks} are waited for", self.budget.out()));
        }
        let wanted = |owner: Owner, out: Key| match owner {
            Owner::Registration(key) => {
                matches!(self.registrations.at(key).map(|registration| &registration.phase), Some(Phase::Asking(exchange)) if exchange.transaction == out)
            }
            Owner::Probe(key) => self.probes.at(key).is_some_and(|probe| probe.register == Some(out)),
            Owner::ProbeOptions(key) => self.probes.at(key).is_some_and(|probe| probe.options == Some(out)),
            Owner::Ping(carrier, at) => {
                self.carriers.at(carrier).and_then(|carrier| carrier.pings.get(at)).is_some_and(|ping| ping.out == Some(out))
            }
        };
        match self.wire.transactions().find(|&(out, owner)| !wanted(owner, out)) {
            Some((_, owner)) => Err(format!("a transaction that nobody waits for: {owner:?}")),
            None => Ok(()),
        }
    }

    fn audit_registration(&self, key: Key, registration: &Registration) -> Result<(), &'static str> {
        if registration.ridden.is_some_and(|probe| self.probes.at(probe).is_none_or(|probe| probe.asks != Asks::Renewal(key))) {
            return Err("ridden by nobody");
        }
        match &registration.phase {
            // What rides lets it go on when it ends.
            Phase::Idle
                if (registration.assignment.active.is_some() || registration.intent.removes())
                    && !(registration.ridden.is_some() && registration.again) =>
            {
                return Err("idle, and forgotten");
            }
            // While the host of a redirection is looked up nothing is out.
            Phase::Asking(exchange)
                if self.wire.owner(exchange.transaction) != Some(Owner::Registration(key))
                    && !self.queries.values().any(|(inquirer, _)| matches!(inquirer, Inquirer::Redirect(of) if *of == key)) =>
            {
                return Err("asks by a transaction that is gone");
            }
            Phase::Parked { .. } if !self.budget.is_waited_for(Waiter::Registration(key)) => return Err("parked, and forgotten"),
            Phase::Bound { .. } | Phase::Waiting { .. } if registration.timer.is_none() && registration.ridden.is_none() => {
                return Err("waits without a timer");
            }
            Phase::Idle | Phase::Asking(_) | Phase::Parked { .. } | Phase::Queued(_) | Phase::Bound { .. } => {}
            Phase::Waiting { .. } | Phase::Held | Phase::Away => {}
        }
        let lapse = registration.binding.as_ref().map(|binding| binding.lapses_at);
        let ends_before = |exchange: &Exchange| Some(exchange.marked && self.wire.gives_up_at(exchange.transaction)? < lapse?);
        let watched = match &registration.phase {
            Phase::Asking(exchange) => registration.timer.is_some() || ends_before(exchange) == Some(true),
            _ => registration.timer.is_some(),
        };
        if lapse.is_some() && !watched {
            return Err("nobody watches the binding lapse");
        }
        let named = self.trunks.get(&registration.assignment.trunk) == Some(&key);
        if named == (registration.intent == Intent::LeaveUnseen) {
            return Err("named as it should not be");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
