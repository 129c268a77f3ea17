use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use ua::{Dial, FlowFault, Opening, TlsFault, Transport};

use super::task::Task;
use super::{fault, websocket};
use crate::tls::{Clients, Phase, Shown};

/// A connection is open within that, TLS and WebSocket included.
pub(super) const OPEN_WITHIN: Duration = Duration::from_secs(10);

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
    pub(super) session: Session,
    pub(super) opening: Opening,
    /// What was shown of ourselves, if there is TLS.
    pub(super) shown: Option<Arc<Shown>>,
}

/// How messages are told apart on it.
pub(super) enum Session {
    Stream(Box<dyn Pipe>),
    WebSocket(Box<WebSocketStream<Box<dyn Pipe>>>),
}

/// Opens a connection; the gate judges the very address.
pub(super) async fn dial(task: &Task) -> Result<Connected, FlowFault> {
    let dial = &task.dial;
    let end = Instant::now() + OPEN_WITHIN;
    if let Err(fault) = task.gate.judge_for(dial.to, dial.transport) {
        task.tally.connections_gated.fetch_add(1, Relaxed);
        tracing::debug!(to = %dial.to, ?fault, "the gate refuses a connection");
        return Err(FlowFault::Forbidden);
    }
    let local = task.local.ok_or(FlowFault::Unreachable)?;
    let stream = timeout(CONNECT_WITHIN, connect(local.ip(), dial.to)).await;
    let stream = stream.map_err(|_| FlowFault::Timeout)?.map_err(|error| fault::connecting(&error))?;
    let local = stream.local_addr().map_err(|error| fault::connecting(&error))?;
    let (pipe, secured, shown): (Box<dyn Pipe>, _, _) = if dial.transport.is_secure() {
        let silent = || TlsFault::Handshake("it does not answer the TLS handshake".to_owned());
        let (stream, shown) =
            timeout_at(end, secure(stream, dial, &task.clients)).await.unwrap_or_else(|_| Err(silent())).map_err(FlowFault::Tls)?;
        let secured = described(&stream);
        (Box::new(stream), secured, Some(shown))
    } else {
        (Box::new(stream), None, None)
    };
    let session = match dial.transport {
        Transport::Tcp | Transport::Tls => Session::Stream(pipe),
        Transport::Ws | Transport::Wss => {
            let silent = || FlowFault::WebSocket("it does not answer the request for a WebSocket".to_owned());
            let upgraded = timeout_at(end, websocket::upgrade(pipe, dial, shown.as_deref())).await.unwrap_or_else(|_| Err(silent()))?;
            Session::WebSocket(Box::new(upgraded))
        }
        Transport::Udp => return Err(FlowFault::Unreachable),
    };
    Ok(Connected { session, opening: Opening { local, secured }, shown })
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

async fn secure(stream: TcpStream, dial: &Dial, clients: &Clients) -> Result<(TlsStream<TcpStream>, Arc<Shown>), TlsFault> {
    let name = ServerName::try_from(&*dial.name)
        .map_err(|_| TlsFault::Handshake(format!("{:?} is no name that a certificate can have", dial.name)))?;
    let client = clients.client(&dial.tls)?;
    let connected = TlsConnector::from(client.config).connect(name.to_owned(), stream).await;
    let stream = connected.map_err(|error| {
        let fault = crate::tls::fault(&error, Phase::Handshake, &client.shown);
        fault.unwrap_or_else(|| TlsFault::Handshake(error.to_string()))
    })?;
    Ok((stream, client.shown))
}

/// Returns TLS version and cipher suite.
fn described(stream: &TlsStream<TcpStream>) -> Option<Box<str>> {
    let (_, connection) = stream.get_ref();
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_2 => "TLS 1.2",
        ProtocolVersion::TLSv1_3 => "TLS 1.3",
        _ => "TLS",
    };
    Some(format!("{version} {:?}", connection.negotiated_cipher_suite()?.suite()).into())
}
