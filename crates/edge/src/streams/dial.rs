use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use ua::{FlowFault, Opening, Transport};

use super::fault;
use super::task::Task;

/// TCP is connected within that.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// The system looks so often whether the other side is still there: connections are idle between refreshes, and a middlebox forgets.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// What was sent and is not acknowledged for so long ends the connection.
const UNACKNOWLEDGED_MAX: Duration = Duration::from_secs(30);

/// What messages travel through.
pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A connection that is open.
pub(super) struct Connected {
    pub(super) pipe: Box<dyn Pipe>,
    pub(super) opening: Opening,
}

/// Opens a connection; the gate judges the very address.
pub(super) async fn dial(task: &Task) -> Result<Connected, FlowFault> {
    let dial = &task.dial;
    if let Err(fault) = task.gate.judge_for(dial.to, dial.transport) {
        task.tally.connections_gated.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        tracing::debug!(to = %dial.to, ?fault, "the gate refuses a connection");
        return Err(FlowFault::Forbidden);
    }
    let local = task.local.ok_or(FlowFault::Unreachable)?;
    let stream = timeout(CONNECT_WITHIN, connect(local.ip(), dial.to)).await;
    let stream = stream.map_err(|_| FlowFault::Timeout)?.map_err(|error| fault::connecting(&error))?;
    let local = stream.local_addr().map_err(|error| fault::connecting(&error))?;
    match dial.transport {
        Transport::Tcp => Ok(Connected { pipe: Box::new(stream), opening: Opening { local, secured: None } }),
        Transport::Udp | Transport::Tls | Transport::Ws | Transport::Wss => Err(FlowFault::Unreachable),
    }
}

async fn connect(local: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if !local.is_unspecified() {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    socket.set_nodelay(true)?;
    let raw = SockRef::from(&socket);
    raw.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3).with_retries(3))?;
    raw.set_tcp_user_timeout(Some(UNACKNOWLEDGED_MAX))?;
    socket.connect(to).await
}
