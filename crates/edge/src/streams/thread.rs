use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use ua::Dial;

use super::lane::Lane;
use super::task::{Task, run};
use super::teller::Teller;
use crate::gate::Gate;
use crate::shard::Mailer;
use crate::tally::Tally;
use crate::tls::Clients;

/// The thread that all connections of an edge live on.
pub(crate) struct Streams {
    handle: Handle,
    alive: mpsc::Sender<()>,
    stop: oneshot::Sender<Duration>,
    thread: thread::JoinHandle<()>,
}

/// Opens connections for one shard.
#[derive(Clone)]
pub(crate) struct Opener {
    handle: Handle,
    /// Held by every connection: the thread ends when nobody has it any more.
    alive: mpsc::Sender<()>,
    shard: Mailer,
    /// The addresses of the shard's sockets.
    locals: Arc<[SocketAddr]>,
    gate: Arc<Gate>,
    clients: Arc<Clients>,
    tally: Arc<Tally>,
}

impl Streams {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (alive, mut gone) = mpsc::channel(1);
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("edge-streams".to_owned()).spawn(move || {
            runtime.block_on(async {
                let patience = stopped.await.unwrap_or_default();
                let _ = tokio::time::timeout(patience, gone.recv()).await;
            });
        })?;
        Ok(Streams { handle, alive, stop, thread })
    }

    pub(crate) fn opener(
        &self,
        shard: Mailer,
        locals: Arc<[SocketAddr]>,
        gate: Arc<Gate>,
        clients: Arc<Clients>,
        tally: Arc<Tally>,
    ) -> Opener {
        Opener { handle: self.handle.clone(), alive: self.alive.clone(), shard, locals, gate, clients, tally }
    }

    /// Ends the thread: once all that waits on connections that are to close is sent, or after `patience`.
    pub(crate) fn stop(self, patience: Duration) {
        let Streams { handle: _, alive, stop, thread } = self;
        drop(alive);
        let _ = stop.send(patience);
        if thread.join().is_err() {
            tracing::error!("the thread of the connections has failed");
        }
    }
}

impl Opener {
    pub(super) fn open(&self, dial: Dial, lane: Arc<Lane>) {
        let task = Task {
            local: self.locals.get(usize::from(dial.local.0)).copied(),
            teller: Teller::new(dial.flow, self.shard.clone()),
            dial,
            lane,
            gate: Arc::clone(&self.gate),
            clients: Arc::clone(&self.clients),
            tally: Arc::clone(&self.tally),
        };
        let alive = self.alive.clone();
        self.handle.spawn(async move {
            run(task).await;
            drop(alive);
        });
    }
}
