use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use link::{Attempt, AttemptKind};
use prometheus::core::Collector;
use prometheus::proto::MetricFamily;
use prometheus::{IntCounterVec, Opts};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::queue::Queue;
use crate::audit::Origin;
use crate::store::{Store, StoreError, attempts, drifts};
use crate::upkeep::Retention;

/// So many attempts are written in one transaction, so that a change that waits for its turn waits for no more.
const BATCH: usize = 256;
/// So long the writer rests between two batches: others have their turns, and what comes in together is written together.
const REST: Duration = Duration::from_millis(250);
/// So long until a batch is written again that the store had no time for.
const AGAIN: Duration = Duration::from_secs(1);
/// So often; then its attempts go unwritten.
const WRITES: u32 = 30;
/// So long a reader waits for what has arrived before it asked.
const SETTLED: Duration = Duration::from_secs(2);
/// So long the end waits for what has arrived before it.
const LAST: Duration = Duration::from_secs(3);

/// Keeps attempts; cheap to clone.
#[derive(Clone)]
pub struct Attempts {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    retention: Retention,
    /// All that edges told of, by kind and how they ended, for Prometheus.
    told: IntCounterVec,
    queue: Mutex<Queue>,
    filled: Notify,
    /// Somebody wants to read, or it ends.
    hurry: Notify,
    /// The place up to which all is written.
    written: watch::Sender<u64>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Attempts {
    /// Begins to keep attempts in a store.
    pub fn start(store: Store, retention: Retention) -> Self {
        let (written, _) = watch::channel(0);
        let told = Opts::new(
            "trunkline_attempts_total",
            "Exchanges that edges told of, by kind and diagnosis; OK where there is none. Of plain refreshes only those of traced trunks.",
        );
        let inner = Inner {
            store,
            retention,
            told: IntCounterVec::new(told, &["kind", "code"]).expect("names of Prometheus's form"),
            queue: Mutex::default(),
            filled: Notify::new(),
            hurry: Notify::new(),
            written,
            writer: Mutex::new(None),
        };
        let this = Attempts { inner: Arc::new(inner) };
        let writer = tokio::spawn(this.clone().run());
        *this.inner.writer.lock().unwrap_or_else(PoisonError::into_inner) = Some(writer);
        this
    }

    /// Takes in what an edge reports, without waiting. A successful refresh or removal that changed nothing is kept only of a trunk whose
    /// trace is on.
    pub fn offer(&self, attempt: Attempt, traced: bool) {
        let code = attempt.diagnosis.as_ref().map_or("OK", |diagnosis| diagnosis.code.as_str());
        self.inner.told.with_label_values(&[attempts::word(attempt.kind), code]).inc();
        if traced || is_telling(&attempt) {
            self.queue().push(attempt);
            self.inner.filled.notify_one();
        }
    }

    /// What was counted since the start.
    pub fn counted(&self) -> Vec<MetricFamily> {
        self.inner.told.collect()
    }

    /// Waits until what has arrived so far can be read, or a while.
    pub async fn settled(&self) {
        let place = self.queue().arrived();
        let mut written = self.inner.written.subscribe();
        if *written.borrow_and_update() >= place {
            return;
        }
        self.inner.hurry.notify_one();
        // Past that, what is written is shown.
        let _ = timeout(SETTLED, written.wait_for(|written| *written >= place)).await;
    }

    /// Writes what has arrived, and ends.
    pub async fn close(&self) {
        let place = self.queue().arrived();
        let mut written = self.inner.written.subscribe();
        self.inner.hurry.notify_one();
        if timeout(LAST, written.wait_for(|written| *written >= place)).await.is_err() {
            tracing::warn!("attempts that came in last could not be written");
        }
        let writer = self.inner.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            writer.abort();
        }
    }

    async fn run(self) {
        loop {
            let (batch, place) = self.queue().take(BATCH);
            if batch.is_empty() {
                self.inner.filled.notified().await;
                continue;
            }
            let unwritten = self.queue().unwritten();
            if unwritten > 0 {
                tracing::warn!(unwritten, "more attempts came in than could be written; the oldest are lost");
            }
            self.write(&batch).await;
            self.inner.written.send_replace(place);
            // Whoever hurries is served at once, batch after batch.
            let _ = timeout(REST, self.inner.hurry.notified()).await;
            if self.inner.written.receiver_count() > 0 && !self.queue().is_empty() {
                self.inner.hurry.notify_one();
            }
        }
    }

    async fn write(&self, batch: &[Attempt]) {
        for _ in 0..WRITES {
            match self.write_once(batch).await {
                Ok(()) => return,
                Err(error) if error.passes() => tokio::time::sleep(AGAIN).await,
                Err(error) => {
                    tracing::error!(attempts = batch.len(), %error, "attempts could not be written");
                    return;
                }
            }
        }
        tracing::error!(attempts = batch.len(), "the store had no time for attempts; they are lost");
    }

    async fn write_once(&self, batch: &[Attempt]) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(&Origin::system("attempts")).await?;
        let mut number = attempts::last_number(tx.connection()).await?;
        let mut touched = BTreeSet::new();
        for attempt in batch {
            number += 1;
            if !attempts::insert(tx.connection(), number, attempt).await? {
                continue;
            }
            touched.insert(attempt.trunk.as_deref());
            if let Some(trunk) = &attempt.trunk {
                for drift in &attempt.changes {
                    drifts::save(tx.connection(), trunk, drift, attempt.ended_at).await?;
                }
            }
        }
        let retention = &self.inner.retention;
        for trunk in touched {
            attempts::trim(tx.connection(), trunk, i64::from(retention.attempts_per_trunk)).await?;
        }
        attempts::trim_total(tx.connection(), i64::from(retention.attempts), attempts::TOTAL_BYTES).await?;
        tx.commit().await
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.inner.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_telling(attempt: &Attempt) -> bool {
    let always = match attempt.kind {
        AttemptKind::FirstRegistration | AttemptKind::Verification => true,
        AttemptKind::Refresh | AttemptKind::Removal => false,
    };
    always || !attempt.accepted || !attempt.changes.is_empty()
}

#[cfg(test)]
mod tests {
    use diagnosis::{Code, Diagnosis};
    use link::Drift;

    use super::super::queue::tests::attempt;
    use super::*;

    #[test]
    fn a_successful_refresh_is_not_kept_unless_it_changed_something() {
        let refresh = || Attempt { kind: AttemptKind::Refresh, ..attempt("a") };
        assert!(!is_telling(&refresh()));
        assert!(!is_telling(&Attempt { kind: AttemptKind::Removal, ..refresh() }));
        assert!(is_telling(&Attempt { kind: AttemptKind::FirstRegistration, ..refresh() }));
        assert!(is_telling(&Attempt { accepted: false, diagnosis: Some(Box::new(Diagnosis::new(Code::Timeout))), ..refresh() }));
        let change = Drift { what: "expires".into(), before: "600".into(), after: "60".into() };
        assert!(is_telling(&Attempt { changes: vec![change], ..refresh() }));
    }

    #[tokio::test]
    async fn limits_hold_in_total_and_for_what_is_of_no_trunk() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).await.expect("it opens");
        let of_no_trunk = |n: i64| Attempt { trunk: None, ..attempt(&format!("a{n}")) };
        let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
        for n in 1..=attempts::OF_NO_TRUNK + 7 {
            assert!(attempts::insert(tx.connection(), n, &of_no_trunk(n)).await.expect("written"));
        }
        assert!(!attempts::insert(tx.connection(), 9_999, &of_no_trunk(5)).await.expect("known"), "one id, one attempt");
        assert!(!attempts::insert(tx.connection(), 9_999, &attempt("x")).await.expect("skipped"), "its trunk is gone");
        attempts::trim(tx.connection(), None, 50).await.expect("trimmed");
        assert!(attempts::find(tx.connection(), None, "a7").await.expect("read").is_none());
        assert!(attempts::find(tx.connection(), None, "a8").await.expect("read").is_some());
        assert_eq!(attempts::trim_total(tx.connection(), attempts::OF_NO_TRUNK - 10, i64::MAX).await.expect("trimmed"), 10);
        assert!(attempts::find(tx.connection(), None, "a17").await.expect("read").is_none());
        assert!(attempts::trim_total(tx.connection(), i64::MAX, 2_000).await.expect("trimmed") > 400);
        assert!(attempts::find(tx.connection(), None, "a507").await.expect("read").is_some(), "the newest stays");
    }
}
