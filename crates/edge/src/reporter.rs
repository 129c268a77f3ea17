use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use link::{FromEdge, TrunkStatus};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep_until};
use ua::Event;

use crate::clock::Clock;
use crate::convert;
use crate::reports::{Observed, Reports, Statuses, Told};
use crate::verdicts::Verdicts;

/// A status waits so long for a newer one of the same trunk; at most 250 ms are promised.
const WINDOW: Duration = Duration::from_millis(100);

/// So many foreign Contacts of a binding are told, and so many characters of each: a registrar may list what it likes.
const LISTED_MAX: usize = 8;
const CONTACT_CHARS_MAX: usize = 256;

/// So many statuses travel together.
const BATCH: usize = 512;

/// Tells the control plane what has happened.
pub(crate) struct Reporter {
    pub(crate) edge: Arc<str>,
    pub(crate) clock: Clock,
    pub(crate) reports: Arc<Reports>,
    pub(crate) verdicts: Arc<Mutex<Verdicts>>,
    pub(crate) link: Sender<FromEdge>,
}

impl Reporter {
    /// Reports for as long as it is polled. What a slow control plane does not take waits, the latest status of each trunk only.
    pub(crate) async fn run(&self) {
        let mut due: Option<Instant> = None;
        loop {
            match due {
                Some(at) => tokio::select! {
                    () = self.reports.nudged() => {}
                    () = sleep_until(at) => {}
                },
                None => self.reports.nudged().await,
            }
            self.events().await;
            if due.is_some_and(|at| at <= Instant::now()) {
                self.statuses().await;
                due = None;
            }
            if due.is_none() && self.reports.has_states() {
                due = Some(Instant::now() + WINDOW);
            }
        }
    }

    /// Reports everything that is there.
    pub(crate) async fn flush(&self) {
        self.events().await;
        self.statuses().await;
    }

    async fn events(&self) {
        for told in self.reports.take_told() {
            let report = match told {
                Told::Link(report) => Some(*report),
                Told::Endpoint(event, at) => self.report(event, self.clock.unix(at)),
            };
            if let Some(report) = report {
                // A control plane that is gone hears nothing; it asks for everything when it comes back.
                let _ = self.link.send(report).await;
            }
        }
    }

    fn report(&self, event: Event, at: link::UnixMicros) -> Option<FromEdge> {
        match event {
            Event::Accepted { trunk, generation, version, authenticated, negotiated } => Some(FromEdge::Accepted {
                trunk: (*trunk).to_owned(),
                generation: convert::generation(generation),
                version,
                authenticated,
                negotiated: negotiated.map(convert::negotiated),
                at,
            }),
            Event::Refused { trunk, generation, version, digest_sent, held, diagnosis } => Some(FromEdge::Refused {
                trunk: (*trunk).to_owned(),
                generation: convert::generation(generation),
                version,
                digest_sent,
                held,
                diagnosis: convert::with_edge(diagnosis, &self.edge),
                at,
            }),
            Event::Progress { verification, step } => {
                Some(FromEdge::Progress { verification: (*verification).to_owned(), step: convert::step(step) })
            }
            Event::Verdict(verdict) => {
                let verdict = convert::verdict(*verdict, &self.edge, at);
                let news = self.verdicts.lock().unwrap_or_else(PoisonError::into_inner).end(&verdict);
                news.then(|| FromEdge::Verdict(Box::new(verdict)))
            }
            Event::Attempt(attempt) => Some(FromEdge::Attempt(Box::new(convert::attempt(*attempt, &self.edge, &self.clock)))),
            Event::Forget { trunk, unregistered } => {
                self.reports.drop_status(&trunk);
                unregistered.then(|| FromEdge::Unregistered { trunk: (*trunk).to_owned() })
            }
            Event::BindingContested { trunk, listed } => {
                let listed = listed.into_iter().take(LISTED_MAX).map(|contact| contact.chars().take(CONTACT_CHARS_MAX).collect()).collect();
                Some(FromEdge::BindingContested { trunk: (*trunk).to_owned(), listed, at })
            }
            // Told elsewhere.
            Event::Status(_) | Event::Renewed(_) | Event::Save(_) | Event::CallUnrouted { .. } => None,
        }
    }

    async fn statuses(&self) {
        for (source, count, at) in self.reports.take_unrouted().senders() {
            let _ = self.link.send(FromEdge::CallUnrouted { source: source.to_string(), count, at: self.clock.unix(at) }).await;
        }
        let (renewals, mut waiting): (_, Statuses) = self.reports.take_statuses();
        for some in renewals.chunks(BATCH) {
            let some = some.iter().map(|renewal| convert::renewal(renewal, &self.clock)).collect();
            let _ = self.link.send(FromEdge::Renewed(some)).await;
        }
        let mut batch: Vec<TrunkStatus> = Vec::new();
        for (_, observed) in waiting.drain() {
            batch.push(match observed {
                Observed::Endpoint(status) => convert::status(*status, &self.edge, &self.clock),
                Observed::Link(status) => *status,
            });
            if batch.len() == BATCH {
                let _ = self.link.send(FromEdge::Status(std::mem::take(&mut batch))).await;
            }
        }
        if !batch.is_empty() {
            let _ = self.link.send(FromEdge::Status(batch)).await;
        }
    }
}
