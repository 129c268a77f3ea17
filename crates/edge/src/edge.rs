use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, sync::mpsc, thread};

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;

use crate::bound::Bound;
use crate::orders::{Book, Orders};
use crate::reporter::Reporter;
use crate::reports::Reports;
use crate::resolve::{self, Ask, Lookup};
use crate::shard::{self, Mailer, Shard, ShardParts};
use crate::state::{Keeper, Running};
use crate::streams::Streams;
use crate::tally::Tally;
use crate::verdicts::Verdicts;
use crate::{Config, Counters, StartError};

/// The shards have so long to say what outlives a stop.
const SHARDS_STOP: Duration = Duration::from_secs(2);

/// What waits on connections has so long to be sent at a stop.
const STREAMS_STOP: Duration = Duration::from_millis(500);

/// The state has so long to be written at a stop.
const STATE_STOP: Duration = Duration::from_secs(2);

/// The last reports have so long to be taken at a stop.
const REPORTS_STOP: Duration = Duration::from_millis(500);

/// A running edge. Dropping it stops it in order too.
pub struct Edge {
    tally: Arc<Tally>,
    running: Option<Threads>,
}

struct Threads {
    shards: Vec<(Mailer, JoinHandle<()>)>,
    streams: Streams,
    link: (oneshot::Sender<()>, JoinHandle<()>),
    state: Running,
    keeper: Keeper,
}

impl Edge {
    /// Opens sockets and state, so that the real ports are known before a control plane is.
    ///
    /// # Errors
    /// [`StartError`], one line that says what to do.
    pub fn bind(config: Config) -> Result<Bound, StartError> {
        Bound::open(config)
    }

    /// Returns what was counted.
    pub fn counters(&self) -> Counters {
        self.tally.sum()
    }

    /// Tells whether a shard has failed, by a fault of ours. Its registrations lapse unless the edge is started anew.
    pub fn has_failed(&self) -> bool {
        self.tally.failed.load(Ordering::Relaxed)
    }

    /// Stops in order: un-registers nothing and saves what a restart goes on from. Blocks, at most five seconds.
    pub fn stop(mut self) {
        self.halt();
    }

    pub(crate) fn start(bound: Bound, end: link::EdgeEnd) -> Result<Self, StartError> {
        let Bound { config, clock, gate, families, shards, mut saved, writer, tally, clients } = bound;
        let fault = |source| StartError::System { what: "a thread", source };
        let edge: Arc<str> = config.id.as_str().into();
        let reports = Arc::new(Reports::new(Arc::clone(&tally)));
        let keeper = writer.keeper();
        let (asks, asked) = unbounded_channel();
        let streams = Streams::start().map_err(fault)?;
        let mut running = Vec::with_capacity(shards.len());
        for (index, (sockets, endpoint)) in shards.into_iter().enumerate() {
            let (mailer, inbox) = shard::inbox().map_err(|errno| fault(errno.into()))?;
            let locals = sockets.told.iter().map(|socket| socket.address).collect();
            let opener = streams.opener(mailer.clone(), locals, Arc::clone(&gate), Arc::clone(&clients), Arc::clone(&tally));
            let parts = ShardParts {
                index,
                endpoint,
                sockets: sockets.open,
                inbox,
                clock: clock.clone(),
                gate: Arc::clone(&gate),
                families,
                reports: Arc::clone(&reports),
                keeper: keeper.clone(),
                asks: asks.clone(),
                opener,
                tally: Arc::clone(&tally),
            };
            let thread = named(format!("edge-shard-{index}"), move || Shard::new(parts).run()).map_err(fault)?;
            running.push((mailer, thread));
        }
        let mailers: Vec<Mailer> = running.iter().map(|(mailer, _)| mailer.clone()).collect();
        let kept = saved.take_verifications();
        let verdicts = Arc::new(Mutex::new(Verdicts::new(kept, &edge, keeper.clone(), clock.clone())));
        let reporter = Reporter {
            edge: Arc::clone(&edge),
            clock: clock.clone(),
            reports: Arc::clone(&reports),
            verdicts: Arc::clone(&verdicts),
            link: end.reports,
        };
        let orders = Orders {
            edge,
            key: end.key,
            shards: mailers.clone(),
            clock,
            reports,
            keeper: keeper.clone(),
            saved,
            verdicts,
            book: Book::default(),
        };
        let answering = {
            let (resolver, tally) = (config.resolver, Arc::clone(&tally));
            move |asked: UnboundedReceiver<Ask>| async move {
                resolve::answer(asked, Lookup::new(&resolver), gate, families, mailers, tally).await
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(fault)?;
        let (stop, stopped) = oneshot::channel();
        let link = named("edge-link".to_owned(), move || {
            runtime.block_on(async {
                tokio::select! {
                    () = orders.run(end.orders) => {}
                    () = answering(asked) => {}
                    () = reporter.run() => {}
                    _ = stopped => {}
                }
                let _ = tokio::time::timeout(REPORTS_STOP, reporter.flush()).await;
            });
        })
        .map_err(fault)?;
        let state = writer.start().map_err(fault)?;
        Ok(Edge { tally, running: Some(Threads { shards: running, streams, link: (stop, link), state, keeper }) })
    }

    fn halt(&mut self) {
        let Some(Threads { shards, streams, link, state, keeper }) = self.running.take() else { return };
        let exact = farewell(shards, &keeper);
        streams.stop(STREAMS_STOP);
        if !state.stop(exact, STATE_STOP) {
            tracing::warn!("the state file was not finished in time; after the next start CSeq numbers jump");
        }
        let _ = link.0.send(());
        if link.1.join().is_err() {
            tracing::error!("the link thread has failed");
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.halt();
    }
}

/// Stops the shards and saves what they leave; tells whether all of them said so in time.
fn farewell(shards: Vec<(Mailer, JoinHandle<()>)>, keeper: &Keeper) -> bool {
    let end = Instant::now() + SHARDS_STOP;
    let waiting: Vec<_> = shards
        .into_iter()
        .map(|(mailer, thread)| {
            let (sender, receiver) = mpsc::channel();
            mailer.stop(sender);
            (receiver, thread)
        })
        .collect();
    let mut exact = true;
    for (receiver, thread) in waiting {
        match receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(resumes) => {
                resumes.into_iter().for_each(|resume| keeper.save(Box::new(resume)));
                let _ = thread.join();
            }
            Err(_) => {
                tracing::error!("a shard did not stop in time");
                exact = false;
            }
        }
    }
    keeper.nudge();
    exact
}

fn named(name: String, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(run)
}
