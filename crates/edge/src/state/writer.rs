use std::collections::hash_map::Entry;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use link::{UnixMicros, Verdict};
use ua::{Renewal, Resume, Times};

use super::lock::Lock;
use super::scan::verification;
use super::store::{Change, Changes, Store};
use crate::tally::Tally;

/// What was appended is durable after so long at most.
const SYNC: Duration = Duration::from_secs(1);

/// What is to be saved waits so long for more of it, unless it is urgent: a frame, a call and a turn of the thread serve many.
const GATHER: Duration = Duration::from_millis(20);

/// A file that could not be written is tried again after so long.
const RETRY: Duration = Duration::from_secs(2);

/// Takes what is to be saved. Never blocks on the disk, and holds one record a trunk at most.
#[derive(Clone)]
pub(crate) struct Keeper(Arc<Shared>);

struct Shared {
    pending: Mutex<Pending>,
    bell: Condvar,
}

#[derive(Default)]
struct Pending {
    changes: Changes,
    stop: Option<Stop>,
    /// There is one that waits for no others.
    urgent: bool,
    /// The writer waits for the first change.
    asleep: bool,
}

/// The edge stops: whether what was handed over is exact, and where to say that it is done.
type Stop = (bool, Sender<()>);

impl Keeper {
    /// Takes changes that nobody writes.
    #[cfg(test)]
    pub(crate) fn idle() -> Self {
        Keeper(Arc::new(Shared { pending: Mutex::default(), bell: Condvar::new() }))
    }

    /// Replaces what is kept of a trunk. Call [`Keeper::nudge`] when there is no more for now.
    pub(crate) fn save(&self, resume: Box<Resume>) {
        self.lock().changes.insert(Arc::clone(&resume.trunk), Change::Save(resume));
    }

    /// Brings what is kept of trunks up to date.
    pub(crate) fn renew(&self, renewals: &[Renewal]) {
        let mut pending = self.lock();
        for renewal in renewals {
            put_renewal(&mut pending.changes, Arc::clone(&renewal.trunk), renewal.times());
        }
    }

    /// Keeps nothing of a trunk any more.
    pub(crate) fn forget(&self, trunk: Arc<str>) {
        self.lock().changes.insert(trunk, Change::Forget);
    }

    /// Keeps that a verification was begun, and how it ended once that is known.
    pub(crate) fn tried(&self, id: &str, until: UnixMicros, verdict: Option<&Verdict>) {
        // A verdict is plain data; one that could not be written would be told as indeterminate.
        let verdict = verdict.and_then(|verdict| serde_json::to_vec(verdict).ok());
        let mut pending = self.lock();
        pending.changes.insert(verification(id), Change::Tried { until, verdict });
        pending.urgent = true;
        drop(pending);
        self.0.bell.notify_one();
    }

    /// Keeps nothing of a verification any more.
    pub(crate) fn forget_tried(&self, id: &str) {
        self.lock().changes.insert(verification(id), Change::Forget);
    }

    /// Has what was handed over written.
    pub(crate) fn nudge(&self) {
        let mut pending = self.lock();
        // One that is awake looks by itself.
        if !pending.changes.is_empty() && std::mem::take(&mut pending.asleep) {
            self.0.bell.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn put_renewal(changes: &mut Changes, trunk: Arc<str>, times: Times) {
    match changes.entry(trunk) {
        Entry::Occupied(mut before) => match before.get_mut() {
            Change::Save(resume) => times.renew_resume(resume),
            Change::Renew(before) => *before = times,
            Change::Forget | Change::Tried { .. } => {}
        },
        Entry::Vacant(place) => {
            place.insert(Change::Renew(times));
        }
    }
}

/// The thread that writes the state file.
pub(crate) struct Writer {
    store: Store,
    shared: Arc<Shared>,
    tally: Arc<Tally>,
    /// Kept until the last byte is written.
    _lock: Lock,
}

impl Writer {
    pub(crate) fn new(store: Store, lock: Lock, tally: Arc<Tally>) -> Self {
        let shared = Arc::new(Shared { pending: Mutex::default(), bell: Condvar::new() });
        Writer { store, shared, tally, _lock: lock }
    }

    pub(crate) fn keeper(&self) -> Keeper {
        Keeper(Arc::clone(&self.shared))
    }

    /// Starts writing.
    pub(crate) fn start(self) -> io::Result<Running> {
        let keeper = self.keeper();
        let thread = thread::Builder::new().name("edge-state".into()).spawn(move || self.run())?;
        Ok(Running { keeper, thread: Some(thread) })
    }

    fn run(mut self) {
        let mut failing = false;
        let mut unsynced: Option<Instant> = None;
        loop {
            let wait = if failing { Some(RETRY) } else { unsynced.map(|since| SYNC.saturating_sub(since.elapsed())) };
            let (changes, stop) = self.next(wait, failing);
            if !changes.is_empty() {
                let outcome = self.store.append(&changes);
                if outcome.is_ok() {
                    self.tally.saved.fetch_add(changes.len() as u64, Ordering::Relaxed);
                    unsynced.get_or_insert_with(Instant::now);
                } else {
                    self.put_back(changes);
                }
                failing = self.tell(outcome, failing);
            }
            if let Some((exact, done)) = stop {
                self.finish(exact && !failing);
                let _ = done.send(());
                return;
            }
            if unsynced.is_some_and(|since| since.elapsed() >= SYNC) {
                failing = self.tell(self.store.sync(), failing);
                unsynced = None;
            }
        }
    }

    /// Waits for changes, a stop, or for so long. While the file cannot be written, changes alone don't end the wait.
    fn next(&self, wait: Option<Duration>, patiently: bool) -> (Changes, Option<Stop>) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = |pending: &mut Pending| pending.stop.is_none() && (patiently || pending.changes.is_empty());
        pending.asleep = true;
        let mut pending = match wait {
            Some(wait) => self.shared.bell.wait_timeout_while(pending, wait, idle).unwrap_or_else(PoisonError::into_inner).0,
            None => self.shared.bell.wait_while(pending, idle).unwrap_or_else(PoisonError::into_inner),
        };
        pending.asleep = false;
        if !patiently && !pending.changes.is_empty() {
            let calm = |pending: &mut Pending| pending.stop.is_none() && !pending.urgent;
            pending = self.shared.bell.wait_timeout_while(pending, GATHER, calm).unwrap_or_else(PoisonError::into_inner).0;
        }
        pending.urgent = false;
        (std::mem::take(&mut pending.changes), pending.stop.take())
    }

    /// Keeps what could not be written, unless there is something newer.
    fn put_back(&self, changes: Changes) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for (trunk, change) in changes {
            match pending.changes.remove(&trunk) {
                // Newer than what could not be written, and less than all of it.
                Some(Change::Renew(times)) => {
                    pending.changes.insert(Arc::clone(&trunk), change);
                    put_renewal(&mut pending.changes, trunk, times);
                }
                newer => {
                    pending.changes.insert(trunk, newer.unwrap_or(change));
                }
            }
        }
    }

    /// Warns when the file stops being writable and when it is so again, not in between; returns whether it is not.
    fn tell(&self, outcome: io::Result<()>, failing: bool) -> bool {
        match outcome {
            Ok(()) if failing => tracing::info!("the state file can be written again"),
            Ok(()) => {}
            Err(error) => {
                self.tally.save_failed.fetch_add(1, Ordering::Relaxed);
                if !failing {
                    tracing::warn!(%error, "the state file cannot be written: free some space, or make its directory writable; registrations go on, and it is tried again every {} s", RETRY.as_secs());
                }
                return true;
            }
        }
        false
    }

    fn finish(self, exact: bool) {
        let outcome = if exact { self.store.finish() } else { self.store.sync() };
        if let Err(error) = outcome {
            tracing::warn!(%error, "the state file was not finished in order; after the next start CSeq numbers jump");
        }
    }
}

/// A writer at work.
pub(crate) struct Running {
    keeper: Keeper,
    thread: Option<thread::JoinHandle<()>>,
}

impl Running {
    /// Writes what was handed over, marks it as exact if it is, and ends. Waits so long at most; tells whether that was enough.
    pub(crate) fn stop(mut self, exact: bool, wait: Duration) -> bool {
        let done = self.ask(exact);
        let in_time = done.recv_timeout(wait).is_ok();
        if let (true, Some(thread)) = (in_time, self.thread.take()) {
            let _ = thread.join();
        }
        in_time
    }

    fn ask(&self, exact: bool) -> Receiver<()> {
        let (done, receiver) = channel();
        self.keeper.lock().stop = Some((exact, done));
        self.keeper.0.bell.notify_one();
        receiver
    }
}
