//! Registrars on real UDP sockets.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use crate::{Carrier, Config, Registrar, Reply};

/// A storm of first registrations must not be lost in the kernel; the system caps it at `net.core.rmem_max`.
const BUFFER_BYTES: usize = 8 << 20;

/// The longest UDP datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// The registrars of one process, each at its addresses. They stop when it is dropped.
#[derive(Debug)]
pub struct Lab {
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    name: String,
    addresses: Vec<SocketAddr>,
    carrier: Arc<Mutex<Carrier>>,
    tasks: Vec<JoinHandle<()>>,
}

/// An address that could not be taken.
#[derive(Debug, thiserror::Error)]
#[error("registrar {registrar:?} cannot listen on udp:{address}: {source}. Stop what has it, or change listen in the carrier file")]
pub struct ListenError {
    /// Which registrar.
    pub registrar: String,
    /// Which address.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

impl Lab {
    /// Opens every address and starts to answer. Needs a tokio runtime.
    pub fn start(config: Config) -> Result<Lab, ListenError> {
        let mut lab = Lab { running: Vec::new() };
        for (seed, registrar) in (config.seed..).zip(config.registrars) {
            lab.running.push(Running::start(registrar, seed)?);
        }
        Ok(lab)
    }

    /// A registrar by name, to be asked or changed.
    pub fn carrier(&self, name: &str) -> Option<MutexGuard<'_, Carrier>> {
        self.running.iter().find(|running| running.name == name).map(|running| lock(&running.carrier))
    }

    /// Where a registrar listens, in the order of its configuration.
    pub fn addresses(&self, name: &str) -> &[SocketAddr] {
        self.running.iter().find(|running| running.name == name).map(|running| running.addresses.as_slice()).unwrap_or_default()
    }

    /// The names of its registrars.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.running.iter().map(|running| running.name.as_str())
    }
}

impl Running {
    fn start(registrar: Registrar, seed: u64) -> Result<Running, ListenError> {
        let name = registrar.name.clone();
        let failed = |address: SocketAddr| {
            let registrar = name.clone();
            move |source| ListenError { registrar, address, source }
        };
        let mut sockets = Vec::new();
        for &address in &registrar.listen {
            let socket = open(address).map_err(failed(address))?;
            let local = socket.local_addr().map_err(failed(address))?;
            sockets.push((socket, local));
        }
        let carrier = Arc::new(Mutex::new(Carrier::new(registrar, seed, Instant::now())));
        let addresses = sockets.iter().map(|(_, local)| *local).collect();
        let serve = |(socket, local)| tokio::spawn(serve(Arc::new(socket), local, carrier.clone(), name.clone()));
        let tasks = sockets.into_iter().map(serve).collect();
        Ok(Running { name: name.clone(), addresses, carrier, tasks })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // As much as the system gives: a smaller buffer is slower, not wrong.
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    UdpSocket::from_std(socket.into())
}

async fn serve(socket: Arc<UdpSocket>, local: SocketAddr, carrier: Arc<Mutex<Carrier>>, name: String) {
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let (length, source) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // ICMP errors of what was sent before come back here; they say nothing about the socket.
            Err(error) => {
                tracing::debug!(carrier = %name, %error, "receive");
                continue;
            }
        };
        let replies = {
            let mut carrier = lock(&carrier);
            let now = Instant::now();
            let replies = carrier.handle(now, source, local, &buffer[..length]);
            // Noise and retransmissions leave the log as it was.
            if let Some(seen) = carrier.log().next_back().filter(|seen| seen.at == now) {
                tracing::info!(carrier = %name, %source, method = %seen.method, user = %seen.user, cseq = seen.cseq,
                    kind = ?seen.kind, digest = ?seen.digest, answer = ?seen.answer);
            }
            replies
        };
        for reply in replies {
            if reply.delay.is_zero() {
                send(&socket, &reply).await;
            } else {
                let socket = socket.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(reply.delay).await;
                    send(&socket, &reply).await;
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, reply: &Reply) {
    if let Err(error) = socket.send_to(&reply.bytes, reply.to).await {
        tracing::debug!(to = %reply.to, %error, "send");
    }
}

fn lock(carrier: &Mutex<Carrier>) -> MutexGuard<'_, Carrier> {
    // A test that panicked while it held the lock has left the carrier whole: every method does.
    carrier.lock().unwrap_or_else(PoisonError::into_inner)
}
