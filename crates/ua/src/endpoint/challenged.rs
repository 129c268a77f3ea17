//! 401 and 407.

use sip::Message;

use super::{Endpoint, final_of};
use crate::answering::{Answering, Came};
use crate::budget::Asker;
use crate::challenge::{choose, seen};
use crate::registration::Exchange;
use crate::slab::Key;
use crate::verdict::End;
use crate::Instant;

/// carriers.md C11: so often running `stale=true` is followed.
pub(super) const STALE_MAX: u8 = 3;

impl Endpoint {
    /// Answers a challenge, once; a refusal of a digest over a nonce of this very exchange is final (carriers.md C13).
    pub(super) fn challenged(&mut self, now: Instant, key: Key, mut exchange: Box<Exchange>, message: &Message<'_>) {
        let Some(registration) = self.registrations.at_mut(key) else { return };
        let Some(carrier) = self.carriers.at_mut(registration.carrier) else { return };
        let profile = &carrier.profile;
        exchange.seen = seen(message, profile);
        let Some(credential) = registration.credential().cloned() else { return };
        if let Some(age) = exchange.remembered.take() {
            // carriers.md C12: it was the nonce, or it was not; the answer to this challenge will tell.
            let stale = exchange.seen.iter().any(|challenge| challenge.stale);
            carrier.nonces.refused(now, age, stale);
            registration.remembered = None;
        }
        let choice = match choose(message, &credential, &registration.assignment.policy, profile) {
            Ok(choice) => choice,
            Err(refusal) if exchange.answers.is_empty() => return self.failed(now, key, exchange, &End::Challenge(refusal)),
            Err(_) => return self.failed(now, key, exchange, &End::Final(final_of(message))),
        };
        if let Some(at) = exchange.answers.iter().position(|answer| answer.choice.source == choice.source) {
            if !choice.stale {
                return self.failed(now, key, exchange, &End::Final(final_of(message)));
            }
            if exchange.stale >= STALE_MAX {
                return self.failed(now, key, exchange, &End::StaleLoop);
            }
            exchange.stale += 1;
            exchange.answers.remove(at);
        }
        let carrier_id = profile.id.clone();
        if let Err(wait) = self.budget.check(now, &carrier_id, &credential.username, Asker::Machine, &profile.failure_budget) {
            let retry_after = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
            return self.failed(now, key, exchange, &End::BudgetSpent { retry_after });
        }
        let came = Came { at: now, local: exchange.local, target: exchange.target.address };
        match Answering::begin(choice, &credential, self.wire.tokens.text::<32>(), profile.truncated_sha512, came) {
            Some(answering) => {
                exchange.answers.push(answering);
                self.send(now, key, exchange);
            }
            // `choose` takes only what a usable secret is at hand for.
            None => self.failed(now, key, exchange, &End::Final(final_of(message))),
        }
    }
}
