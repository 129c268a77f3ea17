use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use sip::MESSAGE_BYTES_MAX;

/// So many datagrams are taken with one system call.
pub(crate) const BATCH: usize = 64;

/// Room for one datagram. A longer one cannot be read as SIP anyhow.
const ROOM: usize = MESSAGE_BYTES_MAX;

/// Takes datagrams in batches. Its buffers serve all sockets of a shard.
pub(crate) struct Receiver {
    room: Vec<u8>,
}

/// What the system needs to know of one socket to receive; never shared between families, as it keeps the length of the last address.
pub(crate) struct Headers(MultiHeaders<SockaddrStorage>);

impl Headers {
    pub(crate) fn new() -> Self {
        Headers(MultiHeaders::preallocate(BATCH, None))
    }
}

impl Receiver {
    pub(crate) fn new() -> Self {
        Receiver { room: vec![0; BATCH * ROOM] }
    }

    /// Takes what has come, at most [`BATCH`] datagrams, and tells how many. Truncated ones are counted and left out.
    pub(crate) fn receive(
        &mut self,
        fd: BorrowedFd<'_>,
        headers: &mut Headers,
        mut each: impl FnMut(SocketAddr, &[u8]),
    ) -> nix::Result<usize> {
        let mut slices: Vec<[IoSliceMut<'_>; 1]> = self.room.chunks_exact_mut(ROOM).map(|room| [IoSliceMut::new(room)]).collect();
        let messages = match recvmmsg(fd.as_raw_fd(), &mut headers.0, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(messages) => messages,
            Err(Errno::EAGAIN) => return Ok(0),
            Err(errno) => return Err(errno),
        };
        let mut count = 0;
        for message in messages {
            count += 1;
            let source = message.address.as_ref().and_then(socket_address);
            if let (Some(source), Some(bytes), false) = (source, message.iovs().next(), message.flags.contains(MsgFlags::MSG_TRUNC)) {
                each(source, bytes);
            }
        }
        Ok(count)
    }
}

/// Returns an IP address; other families never come from a UDP socket.
pub(crate) fn socket_address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    match (storage.as_sockaddr_in(), storage.as_sockaddr_in6()) {
        (Some(&v4), _) => Some(SocketAddr::V4(v4.into())),
        (None, Some(&v6)) => Some(SocketAddr::V6(v6.into())),
        (None, None) => None,
    }
}
