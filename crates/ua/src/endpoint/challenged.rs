//! 401 and 407.

use std::time::Duration;

use sip::Message;

use super::redirecting::realm_there;
use super::{Endpoint, final_of};
use crate::Instant;
use crate::answering::{Answering, Came, Cnonce};
use crate::budget::{Denied, Waiter};
use crate::challenge::{Choice, choose, seen};
use crate::registration::{Exchange, Phase};
use crate::slab::Key;
use crate::verdict::End;

/// carriers.md C11: so often running `stale=true` is followed.
const STALE_MAX: u8 = 3;

impl Endpoint {
    /// Answers a challenge, once; a refusal of a digest over a nonce of this very exchange is final (carriers.md C13).
    pub(super) fn challenged(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at_mut(registration.carrier) else { return };
        let profile = &carrier.profile;
        exchange.seen = seen(message, profile);
        let mut used = Vec::new();
        if let Some(age) = exchange.remembered.take() {
            // carriers.md C12: it was the nonce, or it was not; the answer to this challenge will tell.
            let stale = exchange.seen.iter().any(|challenge| challenge.stale);
            carrier.nonces.refused(now, age, stale);
            used = std::mem::take(&mut registration.remembered);
        }
        // Where no digest was sent yet, the secret may have changed since the exchange began.
        let credential = if exchange.answers.is_empty() { registration.credential() } else { registration.credential_of(exchange.version) };
        let Some(mut credential) = credential.cloned() else { return self.superseded(now, key, exchange) };
        if exchange.redirects > 0 {
            // carriers.md F8: whoever it was redirected to learns no digest for a realm of its own.
            credential.realm = realm_there(registration);
        }
        exchange.version = credential.version;
        let choices = match choose(message, &credential, registration.assignment.policy(), profile) {
            Ok(choices) => choices,
            Err(refusal) if exchange.answers.is_empty() => return self.failed(now, key, exchange, &End::Challenge(refusal)),
            Err(_) => return self.failed(now, key, exchange, &End::Final(final_of(message))),
        };
        match make_room(&mut exchange.answers, &mut exchange.stale, &choices, message) {
            Ok(replaced) => used.extend(replaced),
            Err(end) => return self.failed(now, key, exchange, &end),
        }
        let asker = registration.asker(self.budget.is_refused(&profile.id, &credential.username));
        // What an answer before risked is known: it was stale, or it was a proxy's, or its target fell silent.
        let freed = self.budget.all_known(now, std::mem::take(&mut exchange.risks), false);
        let names = choices.iter().map(|choice| credential.username_of(choice.holder));
        let risks = asker.map(|asker| self.budget.risk_all(now, &profile.id, names, asker, &profile.failure_budget)).transpose();
        match risks {
            Ok(risks) => exchange.risks = risks.unwrap_or_default(),
            Err(denied) => {
                match denied {
                    Denied::Spent(wait) => self.failed(now, key, exchange, &End::BudgetSpent { retry_after: seconds_up(wait) }),
                    Denied::Busy(narrows) => {
                        carrier.pace.ended();
                        registration.phase = Phase::Parked { exchange, answer: message.bytes().into() };
                        self.budget.wait(narrows, Waiter::Registration(key));
                        self.arm(key);
                    }
                }
                return self.let_go(now, &freed);
            }
        }
        let came = Came { at: now, local: exchange.local, target: exchange.target.place(), flow: exchange.flow_of_nonce() };
        for choice in choices {
            let cnonce = Cnonce::draw(&mut self.wire.tokens);
            let begun = Answering::begin(choice, &credential, cnonce, profile.truncated_sha512, came);
            exchange.answers.extend(begun.map(|answering| answering.going_on_from(&used)));
        }
        self.send(now, key, exchange);
    }

    /// Ends an exchange whose credentials have gone.
    fn superseded(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>) {
        self.known(now, std::mem::take(&mut exchange.risks), false);
        let Some(registration) = self.registrations.at_mut(key) else { return };
        registration.phase = Phase::Idle;
        let (carrier, removes, wanted) = (registration.carrier, registration.intent.removes(), registration.credential().is_some());
        self.unpace(carrier);
        if wanted {
            self.enqueue(now, key, true);
        } else if removes {
            self.unbound(now, key, false);
        } else {
            self.arm(key);
            self.tell_status(now, key);
        }
    }
}

/// Returns whole seconds, within which that time is surely over.
pub(super) fn seconds_up(wait: Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}

/// Takes out the answers that new challenges replace, and returns them: those that were only stale. One that was not is refused, and that is final.
pub(super) fn make_room(
    answers: &mut Vec<Answering>,
    stale: &mut u8,
    choices: &[Choice],
    message: &Message<'_>,
) -> Result<Vec<Answering>, End> {
    let mut replaced = Vec::new();
    // The first is of the kind that the answer is about: one beside it may only be repeated.
    for (at, choice) in choices.iter().enumerate() {
        let Some(answered) = answers.iter().position(|answer| answer.choice.source == choice.source) else { continue };
        if at == 0 && !choice.stale {
            return Err(End::Final(final_of(message)));
        }
        if at == 0 && *stale >= STALE_MAX {
            return Err(End::StaleLoop);
        }
        *stale += u8::from(at == 0);
        replaced.push(answers.remove(answered));
    }
    Ok(replaced)
}
