//! How a SIP socket is opened.

use std::io;
use std::net::SocketAddr;

use nix::sys::socket::{setsockopt, sockopt};
use socket2::{Domain, Protocol, Socket, Type};

use crate::StartError;

/// What is asked for; the system gives less where `net.core.rmem_max` is lower. A burst of answers must fit while the shard computes digests.
const BUFFER: usize = 8 * 1024 * 1024;

/// Opens a non-blocking UDP socket of one family.
pub(crate) fn open(address: SocketAddr) -> Result<Socket, StartError> {
    let socket = prepare(address).map_err(|source| StartError::Socket { address, source })?;
    socket.bind(&address.into()).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(address),
        io::ErrorKind::AddrNotAvailable => StartError::ForeignAddress(address),
        io::ErrorKind::PermissionDenied => StartError::PortForbidden(address),
        _ => StartError::Socket { address, source },
    })?;
    Ok(socket)
}

fn prepare(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
        setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
    } else {
        setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
    }
    enlarge(&socket);
    Ok(socket)
}

/// Takes the largest buffers that the system grants; smaller ones cost retransmissions, not correctness.
fn enlarge(socket: &Socket) {
    if setsockopt(socket, sockopt::RcvBufForce, &BUFFER).is_err() {
        let _ = socket.set_recv_buffer_size(BUFFER);
    }
    if setsockopt(socket, sockopt::SndBufForce, &BUFFER).is_err() {
        let _ = socket.set_send_buffer_size(BUFFER);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_what_to_do() {
        let first = open("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = first.local_addr().unwrap().as_socket().unwrap();
        let error = open(address).unwrap_err();
        assert!(matches!(error, StartError::PortTaken(taken) if taken == address));
        assert!(error.to_string().contains(&address.to_string()) && error.to_string().contains("--sip"), "{error}");
    }

    #[test]
    fn an_address_of_another_machine_is_named() {
        assert!(matches!(open("192.0.2.1:5060".parse().unwrap()), Err(StartError::ForeignAddress(_))));
    }

    #[test]
    fn both_families_may_have_the_same_port() {
        let v4 = open("0.0.0.0:0".parse().unwrap()).unwrap();
        let port = v4.local_addr().unwrap().as_socket().unwrap().port();
        assert!(open(SocketAddr::new("::".parse().unwrap(), port)).is_ok());
    }
}
