//! Answers that reach the edge.

use std::time::Duration;

use ua::Instant;

use super::Model;
use super::digests::Nonce;
use super::transactions::Kind;
use super::watched::Grant;
use crate::seen::{Seen, param};
use crate::trace::Line;

/// What an answer may hold for the model.
struct Answered {
    trunk: usize,
    kind: Kind,
    sent_at: Instant,
    asked: u32,
    fresh_digest: bool,
    digest: bool,
    /// The registration waits for this very answer.
    awaited: bool,
}

impl Model {
    /// Takes an answer of a lab carrier that is handed to the edge.
    pub fn came(&mut self, now: Instant, seen: &Seen<'_>) {
        let Some(code) = seen.code else { return };
        let Some(transaction) = self.transactions.at(seen.branch).filter(|transaction| transaction.cseq == seen.cseq) else { return };
        let (target, Some(trunk)) = (transaction.to, transaction.trunk) else {
            transaction.answered |= code >= 200;
            return;
        };
        let first = code >= 200 && !transaction.answered;
        transaction.answered |= code >= 200;
        let answered = Answered {
            trunk,
            kind: transaction.kind,
            sent_at: transaction.first_at,
            asked: transaction.asked,
            fresh_digest: transaction.fresh_digest,
            digest: transaction.digest,
            awaited: first && (transaction.kind == Kind::Probe || self.trunks[trunk].open.as_deref() == Some(seen.branch)),
        };
        let stale =
            seen.challenges.iter().any(|challenge| param(challenge, "stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")));
        let binds = (200..300).contains(&code) && answered.kind == Kind::Bind;
        let granted = if binds { seen.granted(&transaction.contact, answered.asked) } else { None };
        self.trace.write(now, trunk, Line::Came { code, cseq: seen.cseq, granted, stale });
        let nonces = seen.challenges.iter().filter_map(|challenge| param(challenge, "nonce"));
        for nonce in nonces.chain(seen.info.and_then(|info| param(info, "nextnonce"))) {
            self.digests.came(nonce, Nonce { trunk, target, came_at: now, count: 0 });
        }
        if !first {
            // After a late refusal a late grant may come: the registrar took a retransmission for a request of its own.
            if let Some(seconds) = granted {
                let time = Duration::from_secs(seconds.into());
                self.trunks[trunk].remember(Grant { sent_at: answered.sent_at, time, lapses_at: answered.sent_at + time });
            }
            return;
        }
        if answered.awaited && answered.kind != Kind::Probe {
            self.trunks[trunk].open = None;
            self.trunks[trunk].answered_at = Some(now);
            self.paces[self.roster.carrier(trunk)].ends();
        }
        match code {
            200..300 => self.succeeded(now, &answered, granted),
            401 | 407 if answered.awaited && answered.fresh_digest && !stale => self.digest_failed(now, &answered),
            401 | 407 => {}
            403 if answered.awaited && answered.fresh_digest => self.digest_failed(now, &answered),
            _ => self.refused(now, &answered, code),
        }
    }

    fn succeeded(&mut self, now: Instant, answered: &Answered, granted: Option<u32>) {
        let trunk = answered.trunk;
        self.lapse(now, trunk);
        let watched = &mut self.trunks[trunk];
        match (answered.kind, granted) {
            (Kind::Bind, Some(seconds @ 1..)) => {
                let time = Duration::from_secs(seconds.into());
                let grant = Grant { sent_at: answered.sent_at, time, lapses_at: answered.sent_at + time };
                if answered.awaited {
                    self.report.granted += 1;
                    watched.granted(grant);
                } else {
                    // A late answer may renew, and need not.
                    watched.remember(grant);
                }
            }
            // carriers.md B3, B4a: it says that we are not bound.
            (Kind::Bind, Some(0) | None) => {
                watched.grant = None;
                watched.refused_at = Some(now);
            }
            (Kind::Remove, _) => {
                // Of a former Contact, or of the binding itself: its status tells.
                watched.refused_at = Some(now);
            }
            (Kind::Probe | Kind::Other, _) => {}
        }
    }

    fn digest_failed(&mut self, now: Instant, answered: &Answered) {
        self.digests.failed(now, answered.trunk);
        let watched = &mut self.trunks[answered.trunk];
        if answered.kind == Kind::Bind && !watched.riding {
            watched.failed_digests += 1;
            watched.failed_at = Some(now);
            watched.released = false;
            watched.proven = false;
        }
        if answered.kind != Kind::Probe {
            watched.refused_at = Some(now);
        }
    }

    fn refused(&mut self, now: Instant, answered: &Answered, code: u16) {
        let watched = &mut self.trunks[answered.trunk];
        match answered.kind {
            // carriers.md B11: the verification goes on by renewing the binding.
            Kind::Probe => watched.riding |= !answered.digest && matches!(code, 400 | 403 | 405 | 420 | 501),
            Kind::Bind | Kind::Remove => watched.refused_at = Some(now),
            Kind::Other => {}
        }
    }
}
