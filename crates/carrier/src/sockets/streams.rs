use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::bytes::Bytes;
use super::connection;
use super::frames::Frames;
use super::station::Station;
use crate::{Greeting, Transport};

/// So many connections a listener has at once; one more is refused.
const CONNECTIONS_MAX: usize = 4096;

/// TLS and WebSocket have come about within that.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// Pause after the system could not accept: it has no descriptors left.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts connections for ever; those that it has end with it.
pub(super) async fn serve(listener: TcpListener, transport: Transport, station: Arc<Station>) {
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, source) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!(carrier = %station.name(), %error, "accept");
                tokio::time::sleep(BREATH).await;
                continue;
            }
        };
        if connections.len() >= CONNECTIONS_MAX || station.temperament(|t| t.refuses_connections) {
            station.carrier().turned_away();
            reset(&stream);
            continue;
        }
        let station = Arc::clone(&station);
        connections.spawn(async move {
            if let Err(error) = greet(stream, source, transport, &station).await {
                station.carrier().turned_away();
                tracing::info!(carrier = %station.name(), %source, %transport, %error, "handshake");
            }
        });
    }
}

/// Closing it resets the connection, as a refusal does as nearly as one can after accepting.
fn reset(stream: &TcpStream) {
    // Where this fails, the connection is closed in the usual way.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// The handshakes, then the messages.
async fn greet(stream: TcpStream, source: SocketAddr, transport: Transport, station: &Arc<Station>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut orders = station.orders();
    let hung = orders.wait_for(|orders| !orders.hang);
    // The station outlives its connections, so its orders do not end.
    let _ = hung.await;
    if !transport.is_secured() {
        return talk(stream, source, transport, Greeting::default(), station).await;
    }
    let (kind, demands) = station.temperament(|t| (t.certificate, t.demands_certificate));
    let config = station.identities.config(kind, demands).map_err(io::Error::other)?;
    let stream = in_time(TlsAcceptor::from(config).accept(stream)).await?;
    let (_, session) = stream.get_ref();
    let greeting = Greeting {
        server_name: session.server_name().map(str::to_owned),
        client_certificate: session.peer_certificates().is_some(),
        path: None,
    };
    talk(stream, source, transport, greeting, station).await
}

async fn talk<S>(stream: S, source: SocketAddr, transport: Transport, greeting: Greeting, station: &Arc<Station>) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    match transport {
        Transport::Ws | Transport::Wss => {
            let manner = station.temperament(|t| t.websocket);
            let (frames, path) = in_time(Frames::accept(stream, manner)).await?;
            let greeting = Greeting { path: Some(path), ..greeting };
            connection::run(frames, source, transport, greeting, station).await;
        }
        Transport::Udp | Transport::Tcp | Transport::Tls => {
            connection::run(Bytes::new(stream), source, transport, greeting, station).await;
        }
    }
    Ok(())
}

async fn in_time<T>(handshake: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(HANDSHAKE_WITHIN, handshake).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
