use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Event, What};
use crate::audit::Origin;
use crate::store::{Store, StoreError};

/// So many observed events wait to be written. A state that waits is replaced by a later one of the same trunk and edge; beyond the limit
/// the oldest are given up and counted.
const WAITING_MAX: usize = 16_384;
/// So many are written in one transaction, so that a change that waits for its turn waits for no more.
const BATCH: usize = 512;
/// So long the writer rests between two batches.
const REST: Duration = Duration::from_millis(100);
/// So long until a batch is written again that the store had no time for.
const AGAIN: Duration = Duration::from_millis(500);
/// So long the end waits for what has arrived before it.
const LAST: Duration = Duration::from_secs(1);

/// Writes what edges observe into the log; cheap to clone.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    queue: Mutex<Queue>,
    filled: Notify,
    idle: watch::Sender<bool>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Event>,
    lost: u64,
}

impl Queue {
    fn push(&mut self, event: Event) {
        if let What::State { to, bound, expires_at, code, .. } = &event.what {
            // A million trunks that go through three states in a second are a million events, not three.
            let earlier = self.waiting.iter_mut().rev().take(BATCH).find(|earlier| earlier.subject == event.subject);
            if let Some(Event { at, what: What::State { to: was, bound: had, expires_at: until, code: cause, .. }, .. }) = earlier {
                (*at, *was, *had, *until, *cause) = (event.at, *to, *bound, *expires_at, *code);
                return;
            }
        }
        self.waiting.push_back(event);
        if self.waiting.len() > WAITING_MAX {
            self.waiting.pop_front();
            self.lost += 1;
        }
    }

    fn take(&mut self) -> Vec<Event> {
        let mut batch = Vec::new();
        if self.lost > 0 {
            let what = What::Lost { count: std::mem::take(&mut self.lost) };
            batch.push(Event { at: None, subject: super::Subject::default(), what });
        }
        batch.extend(self.waiting.drain(..BATCH.min(self.waiting.len())));
        batch
    }
}

impl Journal {
    /// Begins to write into a store.
    pub fn start(store: Store) -> Self {
        let (idle, _) = watch::channel(true);
        let inner = Inner { store, queue: Mutex::default(), filled: Notify::new(), idle, writer: Mutex::new(None) };
        let this = Journal { inner: Arc::new(inner) };
        let writer = tokio::spawn(this.clone().run());
        *this.inner.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        this
    }

    /// Takes in what was observed, without waiting.
    pub fn tell(&self, event: Event) {
        {
            let mut queue = self.queue();
            queue.push(event);
            self.inner.idle.send_replace(false);
        }
        self.inner.filled.notify_one();
    }

    /// Writes what has arrived, and ends.
    pub async fn close(&self) {
        let mut idle = self.inner.idle.subscribe();
        if timeout(LAST, idle.wait_for(|idle| *idle)).await.is_err() {
            tracing::warn!("events that came in last could not be written");
        }
        let writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            writer.abort();
        }
    }

    async fn run(self) {
        loop {
            let batch = {
                let mut queue = self.queue();
                let batch = queue.take();
                if batch.is_empty() {
                    self.inner.idle.send_replace(true);
                }
                batch
            };
            if batch.is_empty() {
                self.inner.filled.notified().await;
                continue;
            }
            self.write(batch).await;
            tokio::time::sleep(REST).await;
        }
    }

    async fn write(&self, batch: Vec<Event>) {
        loop {
            match self.write_once(&batch).await {
                Ok(()) => return,
                // Meanwhile the queue is bounded and merges what waits.
                Err(error) if error.passes() => tokio::time::sleep(AGAIN).await,
                Err(error) => {
                    tracing::error!(events = batch.len(), %error, "events could not be written");
                    return;
                }
            }
        }
    }

    async fn write_once(&self, batch: &[Event]) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(&Origin::system("events")).await?;
        for event in batch {
            tx.event(event.clone());
        }
        tx.commit().await
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use link::RegistrationState;

    use super::*;

    fn state(trunk: &str, from: RegistrationState, to: RegistrationState) -> Event {
        Event::of_trunk(trunk, What::State { from: Some(from), to, bound: false, expires_at: None, code: None }).seen("e1", 7)
    }

    #[test]
    fn a_state_that_waits_is_replaced_and_what_is_too_much_is_counted() {
        use RegistrationState::{Expired, Registered, RetryWait};
        let mut queue = Queue::default();
        queue.push(state("t1", Registered, RetryWait));
        queue.push(state("t2", Registered, RetryWait));
        queue.push(state("t1", RetryWait, Expired));
        let batch = queue.take();
        assert_eq!(batch, [state("t1", Registered, Expired), state("t2", Registered, RetryWait)]);
        for n in 0..WAITING_MAX + 3 {
            queue.push(Event::of_trunk(&n.to_string(), What::Removed {}));
        }
        let batch = queue.take();
        assert_eq!((&batch[0].what, batch[1].subject.trunk.as_deref(), batch.len()), (&What::Lost { count: 3 }, Some("3"), BATCH + 1));
    }
}
