use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use crate::{Listen, Transport};

/// A storm of first registrations must not be lost in the kernel; the system caps it at `net.core.rmem_max`.
const BUFFER_BYTES: usize = 8 << 20;

/// So many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// So often a port is sought that is free for UDP and TCP.
const PORT_TRIES: usize = 16;

/// A socket that is open.
pub(super) enum Opened {
    Datagrams(UdpSocket),
    Streams(TcpListener),
}

/// Opens every address; gives what was taken in fact, where port 0 took any.
pub(super) fn open_all(listens: &[Listen]) -> Result<Vec<(Listen, Opened)>, (Listen, io::Error)> {
    let mut tries = 0;
    loop {
        tries += 1;
        match open_once(listens) {
            // Another process has the UDP port's namesake: another pair is sought.
            Err(fault) if fault.paired && tries < PORT_TRIES && fault.source.kind() == io::ErrorKind::AddrInUse => {}
            Err(fault) => return Err((fault.listen, fault.source)),
            Ok(opened) => return Ok(opened),
        }
    }
}

struct Fault {
    listen: Listen,
    source: io::Error,
    /// The port was not chosen by whoever configured it.
    paired: bool,
}

fn open_once(listens: &[Listen]) -> Result<Vec<(Listen, Opened)>, Fault> {
    let mut done: Vec<(Listen, Opened)> = Vec::with_capacity(listens.len());
    for (at, &listen) in listens.iter().enumerate() {
        // RFC 3263 4.2: whoever switches from UDP to TCP keeps the port.
        let other = match listen.transport {
            Transport::Udp => Some(Transport::Tcp),
            Transport::Tcp => Some(Transport::Udp),
            Transport::Tls | Transport::Ws | Transport::Wss => None,
        };
        let namesake =
            listens[..at].iter().zip(&done).find(|(wanted, _)| Some(wanted.transport) == other && wanted.address == listen.address);
        let paired = namesake.filter(|_| listen.address.port() == 0).map(|(_, (taken, _))| taken.address);
        let address = paired.unwrap_or(listen.address);
        let (opened, local) = open(listen.transport, address).map_err(|source| Fault { listen, source, paired: paired.is_some() })?;
        done.push((Listen { address: local, ..listen }, opened));
    }
    Ok(done)
}

fn open(transport: Transport, address: SocketAddr) -> io::Result<(Opened, SocketAddr)> {
    let (kind, protocol) = if transport.is_stream() { (Type::STREAM, Protocol::TCP) } else { (Type::DGRAM, Protocol::UDP) };
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    if transport.is_stream() {
        // Connections of a lab that has just stopped do not hold its port.
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let local = listener.local_addr()?;
        return Ok((Opened::Streams(listener), local));
    }
    // As much as the system gives: a smaller buffer is slower, not wrong.
    let _ = socket.set_recv_buffer_size(BUFFER_BYTES);
    let _ = socket.set_send_buffer_size(BUFFER_BYTES);
    socket.bind(&address.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    let local = socket.local_addr()?;
    Ok((Opened::Datagrams(socket), local))
}
