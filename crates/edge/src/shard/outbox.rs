use std::io::IoSlice;
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg, sendmsg};
use ua::{Instant, SendFault};

use super::icmp;
use super::receive::socket_address;

/// So many datagrams go with one system call.
pub(crate) const BATCH: usize = 64;

/// So many datagrams of one length to one destination at least go as a train: one message that the system cuts up again (UDP_SEGMENT, udp(7)),
/// so that they go through its layers once.
const TRAIN_MIN: usize = 4;

/// The system cuts a message into no more.
const TRAIN_MAX: usize = 64;

/// ... and takes none that is longer than an IP packet may be.
const TRAIN_BYTES_MAX: usize = 60 * 1024;

/// So many datagrams wait for a socket; beyond that the shard does nothing else first.
const QUEUE: usize = 1024;

/// A datagram that waited so long is given up: its retransmission (RFC 3261 Timer E, from 500 ms) is due.
const PATIENCE: Duration = Duration::from_millis(500);

/// So often an error that may belong to an earlier datagram is taken for that.
const FOREIGN_ERRORS: u8 = 8;

/// Datagrams on their way out of one socket.
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    spans: Vec<Range<usize>>,
    targets: Vec<Option<SockaddrStorage>>,
    /// So many of them have left.
    gone: usize,
    /// Since when the socket takes none.
    blocked: Option<Instant>,
    /// Before that one no train leaves: the system did not take it, and single datagrams say why.
    single_until: usize,
    headers: MultiHeaders<SockaddrStorage>,
}

/// What came of a flush.
#[derive(Debug, Default)]
pub(crate) struct Flushed {
    pub(crate) sent: u64,
    pub(crate) overrun: u64,
    pub(crate) failed: u64,
    pub(crate) icmp: u64,
    pub(crate) faults: Vec<(SocketAddr, SendFault)>,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        Outbox {
            bytes: Vec::new(),
            spans: Vec::new(),
            targets: Vec::new(),
            gone: 0,
            blocked: None,
            single_until: 0,
            headers: MultiHeaders::preallocate(BATCH, None),
        }
    }

    pub(crate) fn push(&mut self, to: SocketAddr, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.spans.push(start..self.bytes.len());
        self.targets.push(Some(SockaddrStorage::from(to)));
    }

    /// Returns how many datagrams wait.
    pub(crate) fn len(&self) -> usize {
        self.spans.len() - self.gone
    }

    /// Tells whether nothing more should be put in before the socket has taken some.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= QUEUE
    }

    /// Tells whether the socket takes none at the moment.
    pub(crate) fn is_blocked(&self) -> bool {
        self.blocked.is_some()
    }

    /// Sends what the socket takes.
    pub(crate) fn flush(&mut self, now: Instant, fd: BorrowedFd<'_>, out: &mut Flushed) {
        let mut foreign = 0;
        while self.gone < self.spans.len() {
            if let Some(length) = self.train() {
                match self.send_train(fd, length) {
                    Ok(()) => {
                        self.gone += length;
                        out.sent += length as u64;
                        self.blocked = None;
                        foreign = 0;
                        continue;
                    }
                    Err(Errno::EINTR) => continue,
                    Err(_) => self.single_until = self.gone + length,
                }
            }
            match self.send_batch(fd) {
                Ok(count) => {
                    self.gone += count;
                    out.sent += count as u64;
                    self.blocked = None;
                    foreign = 0;
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => {
                    let since = *self.blocked.get_or_insert(now);
                    if since.until(now) < PATIENCE {
                        return;
                    }
                    out.overrun += self.len() as u64;
                    self.gone = self.spans.len();
                    self.blocked = None;
                }
                // With IP_RECVERR a full device queue is told; the datagram is lost, as on any other hop.
                Err(Errno::ENOBUFS | Errno::ENOMEM) => {
                    out.overrun += 1;
                    self.gone += 1;
                }
                // An ICMP error about an earlier datagram ends the next call, whatever that was about to send: read it and send again.
                Err(_) if foreign < FOREIGN_ERRORS && (read_errors(fd, out) > 0 || foreign == 0) => foreign += 1,
                Err(errno) => {
                    out.failed += 1;
                    if let (Some(to), Some(fault)) = (self.head(), icmp::meaning(errno)) {
                        out.faults.push((to, fault));
                    }
                    self.gone += 1;
                    foreign = 0;
                }
            }
        }
        self.bytes.clear();
        self.spans.clear();
        self.targets.clear();
        self.gone = 0;
        self.single_until = 0;
    }

    /// Returns how many of those that wait go as one train.
    fn train(&self) -> Option<usize> {
        let (first, to) = (self.spans.get(self.gone)?, self.targets.get(self.gone)?);
        let (size, end) = (first.len(), self.spans.len().min(self.gone + TRAIN_MAX));
        let most = (TRAIN_BYTES_MAX / size.max(1)).min(end - self.gone);
        let following = self.spans.iter().zip(&self.targets).skip(self.gone).take(most);
        let length = following.take_while(|(span, target)| span.len() == size && *target == to).count();
        (length >= TRAIN_MIN && size > 0 && self.gone >= self.single_until).then_some(length)
    }

    fn send_train(&self, fd: BorrowedFd<'_>, length: usize) -> nix::Result<()> {
        let cars = &self.spans[self.gone..self.gone + length];
        let (Some(first), Some(last)) = (cars.first(), cars.last()) else { return Ok(()) };
        let size = u16::try_from(first.len()).map_err(|_| Errno::EMSGSIZE)?;
        // They lie end to end.
        let slices = [IoSlice::new(&self.bytes[first.start..last.end])];
        let segments = [ControlMessage::UdpGsoSegments(&size)];
        sendmsg(fd.as_raw_fd(), &slices, &segments, MsgFlags::MSG_DONTWAIT, self.targets[self.gone].as_ref()).map(drop)
    }

    fn head(&self) -> Option<SocketAddr> {
        self.targets.get(self.gone)?.as_ref().and_then(socket_address)
    }

    fn send_batch(&mut self, fd: BorrowedFd<'_>) -> nix::Result<usize> {
        let mut end = self.spans.len().min(self.gone + BATCH);
        if self.gone < self.single_until {
            end = end.min(self.single_until);
        }
        let batch = self.gone..end;
        let slices: Vec<[IoSlice<'_>; 1]> =
            self.spans[batch.clone()].iter().map(|span| [IoSlice::new(&self.bytes[span.clone()])]).collect();
        let sent = sendmmsg(fd.as_raw_fd(), &mut self.headers, &slices, &self.targets[batch], [], MsgFlags::MSG_DONTWAIT)?;
        Ok(sent.count())
    }
}

fn read_errors(fd: BorrowedFd<'_>, out: &mut Flushed) -> usize {
    let count = icmp::drain(fd, |to, fault| out.faults.push((to, fault)));
    out.icmp += count as u64;
    count
}
