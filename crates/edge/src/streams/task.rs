use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use ua::{Dial, FlowFault};

use super::dial::{OPEN_WITHIN, Session, dial};
use super::lane::{Ending, Lane};
use super::teller::Teller;
use super::{stream, websocket};
use crate::gate::Gate;
use crate::tally::Tally;
use crate::tls::Clients;

/// What waits on a connection that is to close has so long to leave.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// One connection, from dialling to its end.
pub(super) struct Task {
    pub(super) dial: Dial,
    /// The address of the socket that it is told to come from.
    pub(super) local: Option<SocketAddr>,
    pub(super) lane: Arc<Lane>,
    pub(super) teller: Teller,
    pub(super) gate: Arc<Gate>,
    pub(super) clients: Arc<Clients>,
    pub(super) tally: Arc<Tally>,
}

/// Runs a connection and tells what becomes of it.
pub(super) async fn run(task: Task) {
    let fault = tokio::select! {
        fault = live(&task) => fault,
        () = task.lane.ends(Ending::Stuck) => Some(FlowFault::Stuck),
        () = overdue(&task.lane) => None,
    };
    if let (Some(fault), Ending::No | Ending::Stuck) = (fault, task.lane.ending()) {
        tracing::debug!(to = %task.dial.to, transport = %task.dial.transport, %fault, "a connection has ended");
        task.teller.closed(fault).await;
    }
}

/// Opens it and carries messages until it ends; tells why, if not by our own will.
async fn live(task: &Task) -> Option<FlowFault> {
    let opened = tokio::select! {
        opened = dial(task) => opened,
        () = unwanted(&task.lane) => return None,
    };
    let connected = match opened {
        Ok(connected) => connected,
        Err(fault) => {
            task.tally.connections_failed.fetch_add(1, Relaxed);
            return Some(fault);
        }
    };
    let _open = Open::count(&task.tally);
    task.lane.opened();
    task.teller.opened(connected.opening).await;
    let shown = connected.shown.as_deref();
    match connected.session {
        Session::Stream(pipe) => stream::carry(pipe, shown, &task.lane, &task.teller).await,
        Session::WebSocket(socket) => websocket::carry(*socket, shown, &task.lane, &task.teller).await,
    }
}

/// It is to close before it is open, and nothing waits.
async fn unwanted(lane: &Lane) {
    lane.ends(Ending::Close).await;
    if !lane.is_empty() {
        std::future::pending::<()>().await;
    }
}

/// It is to close and does not.
async fn overdue(lane: &Lane) {
    lane.ends(Ending::Close).await;
    tokio::time::sleep(OPEN_WITHIN + CLOSE_WITHIN).await;
}

/// Counts a connection for as long as it is open.
struct Open<'a>(&'a Tally);

impl<'a> Open<'a> {
    fn count(tally: &'a Tally) -> Self {
        tally.connections_opened.fetch_add(1, Relaxed);
        tally.connections_open.fetch_add(1, Relaxed);
        Open(tally)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections_open.fetch_sub(1, Relaxed);
    }
}
