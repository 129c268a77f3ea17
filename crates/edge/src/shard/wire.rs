use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use socket2::Socket;
use ua::{Instant, SendFault};

use super::icmp;
use super::outbox::{Flushed, Outbox};
use super::receive::{BATCH, Headers, Receiver};

/// So many batches are taken from one socket before the others and the timers have their turn.
const BATCHES: usize = 8;

/// One socket of a shard and what waits to leave it.
pub(crate) struct Wire {
    socket: Socket,
    headers: Headers,
    outbox: Outbox,
}

impl Wire {
    pub(crate) fn new(socket: Socket) -> Self {
        Wire { socket, headers: Headers::new(), outbox: Outbox::new() }
    }

    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Returns what to wait for.
    pub(crate) fn interest(&self) -> PollFlags {
        if self.outbox.is_blocked() { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN }
    }

    pub(crate) fn push(&mut self, to: SocketAddr, bytes: &[u8]) {
        self.outbox.push(to, bytes);
    }

    pub(crate) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.outbox.is_full()
    }

    pub(crate) fn flush(&mut self, now: Instant, out: &mut Flushed) {
        if self.outbox.len() > 0 {
            self.outbox.flush(now, self.socket.as_fd(), out);
        }
    }

    /// Takes datagrams that have come, and tells how many.
    pub(crate) fn receive(&mut self, receiver: &mut Receiver, mut each: impl FnMut(SocketAddr, &[u8])) -> u64 {
        let mut total = 0;
        for _ in 0..BATCHES {
            match receiver.receive(self.socket.as_fd(), &mut self.headers, &mut each) {
                Ok(count) => {
                    total += count as u64;
                    if count < BATCH {
                        break;
                    }
                }
                // An ICMP error that is told once, in place of a datagram; its queue says more.
                Err(Errno::EINTR | Errno::ECONNREFUSED | Errno::EHOSTUNREACH | Errno::ENETUNREACH | Errno::EMSGSIZE) => {}
                Err(errno) => {
                    tracing::warn!(%errno, "a SIP socket cannot be read");
                    break;
                }
            }
        }
        total
    }

    /// Takes ICMP errors that have come back, and tells how many.
    pub(crate) fn errors(&self, each: impl FnMut(SocketAddr, SendFault)) -> u64 {
        // The pending error itself is cleared by reading it; what it was about is in the queue.
        let _ = self.socket.take_error();
        icmp::drain(self.socket.as_fd(), each) as u64
    }
}
