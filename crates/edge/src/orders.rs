use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diagnosis::Diagnosis;
use link::{FromEdge, Outcome, SealKey, ToEdge, Verdict, VerifyOrder};
use tokio::sync::mpsc::Receiver;
use ua::{Command, Instant};

use crate::clock::Clock;
use crate::convert::{self, Share, with_edge};
use crate::reports::Reports;
use crate::shard::{Mailer, ToShard};
use crate::state::{Keeper, Saved};
use crate::verdicts::{Ordered, Verdicts, indeterminate};

/// How often what is overdue is looked for.
const TICK: Duration = Duration::from_secs(1);

/// Takes the control plane's orders and hands them to the shards.
pub(crate) struct Orders {
    pub(crate) edge: Arc<str>,
    pub(crate) key: SealKey,
    pub(crate) shards: Vec<Mailer>,
    pub(crate) clock: Clock,
    pub(crate) reports: Arc<Reports>,
    pub(crate) keeper: Keeper,
    pub(crate) saved: Saved,
    pub(crate) verdicts: Arc<Mutex<Verdicts>>,
    pub(crate) book: Book,
}

/// What was ordered so far.
#[derive(Default)]
pub(crate) struct Book {
    /// The trunks of this edge, each with the snapshot that named it last.
    trunks: HashMap<Arc<str>, u64>,
    snapshot: u64,
    /// The carriers' ids, and what is wrong with a profile.
    carriers: HashMap<Arc<str>, Option<Box<Diagnosis>>>,
    /// Bindings of trunks that were withdrawn before they were assigned in this life: gone when they lapse.
    lapsing: BinaryHeap<Reverse<(Instant, Arc<str>)>>,
}

impl Orders {
    /// Takes orders until the control plane is gone, and looks after what is overdue until it is dropped.
    pub(crate) async fn run(mut self, mut orders: Receiver<ToEdge>) {
        let mut tick = tokio::time::interval(TICK);
        let mut open = true;
        loop {
            tokio::select! {
                order = orders.recv(), if open => match order {
                    Some(order) => self.take(order).await,
                    None => {
                        tracing::warn!("the control plane is gone; the edge goes on with what it has");
                        open = false;
                    }
                },
                _ = tick.tick() => self.overdue(),
            }
        }
    }

    async fn take(&mut self, order: ToEdge) {
        match order {
            ToEdge::SnapshotBegin => self.book.snapshot += 1,
            ToEdge::SnapshotEnd => self.end_snapshot().await,
            ToEdge::Carrier(profile) => self.carrier(&profile).await,
            ToEdge::Assign(assignment) => self.assign(&assignment).await,
            ToEdge::Withdraw { trunk, how } => self.withdraw(trunk.into(), how).await,
            ToEdge::Verify(order) => self.verify(&order).await,
            ToEdge::Trace { trunk, seconds } => {
                let (trunk, span): (Arc<str>, _) = (trunk.into(), Duration::from_secs(seconds.into()));
                self.send(self.shard_of(&trunk), Command::Trace { trunk, span }).await;
            }
            ToEdge::Act { trunk, action } => {
                let action = match action {
                    link::Action::Refresh => ua::Action::Refresh,
                    link::Action::Unregister => ua::Action::Unregister,
                    link::Action::ReleaseHold => ua::Action::ReleaseHold,
                };
                let trunk: Arc<str> = trunk.into();
                self.send(self.shard_of(&trunk), Command::Act { trunk, action }).await;
            }
        }
    }

    /// Forgets what the snapshot did not name.
    async fn end_snapshot(&mut self) {
        let current = self.book.snapshot;
        let gone = self.book.trunks.extract_if(|_, named| *named != current).map(|(trunk, _)| trunk);
        for trunk in gone.collect::<Vec<_>>() {
            self.send(self.shard_of(&trunk), Command::Withdraw { trunk, how: ua::Withdrawal::Forget }).await;
        }
        let left = self.saved.give_up();
        if !left.is_empty() {
            tracing::info!(trunks = left.len(), "saved registrations that are no longer this edge's are forgotten");
        }
        left.into_iter().for_each(|trunk| self.keeper.forget(trunk));
        self.keeper.nudge();
    }

    async fn carrier(&mut self, from: &link::CarrierProfile) {
        let mut fault = None;
        for index in 0..self.shards.len() {
            match convert::profile(from, self.share(index)) {
                Ok(profile) => self.send(index, Command::Carrier(Box::new(profile))).await,
                Err(diagnosis) => fault = Some(diagnosis),
            }
        }
        if let Some(fault) = &fault {
            tracing::warn!(carrier = %from.id, why = %fault.summary, "a carrier's profile cannot be used");
        }
        self.book.carriers.insert(from.id.as_str().into(), fault);
    }

    async fn assign(&mut self, from: &link::Assignment) {
        let trunk: Arc<str> = match self.book.trunks.get_key_value(from.trunk.as_str()) {
            Some((trunk, _)) => Arc::clone(trunk),
            None => from.trunk.as_str().into(),
        };
        self.book.trunks.insert(Arc::clone(&trunk), self.book.snapshot);
        let carrier = match self.book.carriers.get_key_value(from.carrier.as_str()) {
            Some((_, Some(fault))) => return self.refuse(from, trunk, fault.clone()),
            Some((carrier, None)) => Arc::clone(carrier),
            None => from.carrier.as_str().into(),
        };
        match convert::assignment(from, Arc::clone(&trunk), carrier, &self.key) {
            Ok(assignment) => {
                let resume = self.saved.take(&trunk);
                self.send(self.shard_of(&trunk), Command::Assign(Box::new(assignment), resume)).await;
            }
            Err(fault) => self.refuse(from, trunk, fault),
        }
    }

    /// Says that an assignment cannot be used. What runs goes on.
    fn refuse(&self, from: &link::Assignment, trunk: Arc<str>, fault: Box<Diagnosis>) {
        tracing::warn!(%trunk, why = %fault.summary, "an assignment cannot be used");
        let status = link::TrunkStatus {
            trunk: from.trunk.clone(),
            generation: from.generation,
            state: link::RegistrationState::Rejected,
            bound: false,
            authenticated: false,
            since: self.now(),
            registrar: None,
            transport: None,
            public_address: None,
            registered_at: None,
            expires_at: None,
            next_action_at: None,
            round_trip_ms: None,
            consecutive_failures: 0,
            last_response: None,
            negotiated: None,
            service_route: Vec::new(),
            associated_uris: Vec::new(),
            options: link::OptionsStatus::default(),
            diagnosis: Some(with_edge(fault, &self.edge)),
            credential_version: from.active.as_ref().map(|active| active.version),
            warnings: Vec::new(),
            refreshes: 0,
        };
        self.reports.status(trunk, Box::new(status));
    }

    async fn withdraw(&mut self, trunk: Arc<str>, how: link::Withdrawal) {
        if self.book.trunks.remove(&trunk).is_some() {
            let how = match how {
                link::Withdrawal::Unregister => ua::Withdrawal::Unregister,
                link::Withdrawal::Forget => ua::Withdrawal::Forget,
            };
            return self.send(self.shard_of(&trunk), Command::Withdraw { trunk, how }).await;
        }
        // Not assigned since the start, so nobody here has its credentials: its binding lapses by itself.
        let saved = self.saved.take(&trunk);
        self.keeper.forget(Arc::clone(&trunk));
        self.keeper.nudge();
        if how == link::Withdrawal::Unregister {
            let lapses_at = saved.and_then(|saved| saved.binding).map_or(self.clock.now(), |binding| binding.lapses_at);
            self.book.lapsing.push(Reverse((lapses_at, trunk)));
            self.lapsed();
        }
    }

    async fn verify(&mut self, from: &VerifyOrder) {
        let id: Arc<str> = from.id.as_str().into();
        let known = self.verdicts().order(&id, self.clock.now(), Duration::from_millis(from.patience_ms));
        match known {
            Ordered::Ended(verdict) => return self.reports.tell(FromEdge::Verdict(verdict)),
            Ordered::Joined => return,
            Ordered::New => {}
        }
        // What belongs to no trunk goes where its carrier's other unbound verifications went.
        let shard = self.shard_of(from.trunk.as_deref().unwrap_or(&from.carrier.id));
        match convert::order(from, Arc::clone(&id), self.share(shard), &self.key) {
            Ok(order) => self.send(shard, Command::Verify(Box::new(order))).await,
            Err(fault) => {
                let fault = with_edge(fault, &self.edge);
                let evidence = fault.evidence.clone();
                self.conclude(Verdict {
                    id: from.id.clone(),
                    outcome: Outcome::Refused(fault),
                    negotiated: None,
                    evidence,
                    at: self.now(),
                });
            }
        }
    }

    /// Ends a verification that no endpoint has ended.
    fn conclude(&self, verdict: Verdict) {
        if self.verdicts().end(&verdict) {
            self.reports.tell(FromEdge::Verdict(Box::new(verdict)));
        }
    }

    fn overdue(&mut self) {
        self.clock.compare();
        self.lapsed();
        let overdue = self.verdicts().overdue(self.clock.now());
        for id in overdue {
            tracing::error!(%id, "a verification did not end in time");
            self.conclude(indeterminate(&id, &self.edge, self.now()));
        }
    }

    fn lapsed(&mut self) {
        let now = self.clock.now();
        while self.book.lapsing.peek().is_some_and(|Reverse((at, _))| *at <= now) {
            let Some(Reverse((_, trunk))) = self.book.lapsing.pop() else { return };
            self.reports.tell(FromEdge::Unregistered { trunk: (*trunk).to_owned() });
        }
    }

    async fn send(&self, shard: usize, command: Command) {
        if let Some(shard) = self.shards.get(shard) {
            shard.send(ToShard::Command(command)).await;
        }
    }

    fn share(&self, index: usize) -> Share {
        Share { index, of: self.shards.len() }
    }

    /// Always the same shard for a trunk, as long as there are as many.
    fn shard_of(&self, trunk: &str) -> usize {
        let hash = trunk.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        usize::try_from(hash % self.shards.len().max(1) as u64).unwrap_or(0)
    }

    fn now(&self) -> link::UnixMicros {
        self.clock.unix(self.clock.now())
    }

    fn verdicts(&self) -> MutexGuard<'_, Verdicts> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
