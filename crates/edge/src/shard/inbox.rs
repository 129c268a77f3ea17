use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use ua::{Command, Flow, FlowFault, Opening, Query, Resolution, ResolveFault, Resume};

use crate::streams::Received;

/// So many messages wait for a shard; the link thread waits beyond that.
const QUEUE: usize = 4096;

/// What a shard is told.
#[derive(Debug)]
pub(crate) enum ToShard {
    Command(Command),
    Resolved { query: Query, outcome: Result<Resolution, ResolveFault> },
    Opened { flow: Flow, opening: Opening },
    Message { flow: Flow, message: Received },
    Pong { flow: Flow },
    Closed { flow: Flow, fault: FlowFault },
}

/// Where a shard that stops in order tells what outlives it.
pub(crate) type Farewell = Sender<Vec<Resume>>;

/// Wakes a shard that waits for its sockets.
struct Bell {
    event: EventFd,
    rung: AtomicBool,
    /// Beside the queue: a stop does not wait for orders.
    stop: Mutex<Option<Farewell>>,
}

/// The shard's end.
pub(crate) struct Inbox {
    queue: mpsc::Receiver<ToShard>,
    bell: Arc<Bell>,
}

/// Everybody else's end.
#[derive(Clone)]
pub(crate) struct Mailer {
    queue: mpsc::Sender<ToShard>,
    bell: Arc<Bell>,
}

/// Makes a shard's inbox.
pub(crate) fn inbox() -> nix::Result<(Mailer, Inbox)> {
    let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
    let bell = Arc::new(Bell { event, rung: AtomicBool::new(false), stop: Mutex::new(None) });
    let (sender, receiver) = mpsc::channel(QUEUE);
    Ok((Mailer { queue: sender, bell: Arc::clone(&bell) }, Inbox { queue: receiver, bell }))
}

impl Bell {
    fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            // Fails only when the count is full, and then the shard is awake anyhow.
            let _ = self.event.write(1);
        }
    }
}

impl Mailer {
    /// Hands a message over, waiting for room. A shard that is gone takes nothing any more.
    pub(crate) async fn send(&self, message: ToShard) {
        match self.queue.try_send(message) {
            Ok(()) => {}
            Err(TrySendError::Full(message)) => {
                self.bell.ring();
                let _ = self.queue.send(message).await;
            }
            Err(TrySendError::Closed(_)) => return,
        }
        self.bell.ring();
    }

    /// Has the shard stop in order. Never blocks.
    pub(crate) fn stop(&self, farewell: Farewell) {
        *self.bell.stop.lock().unwrap_or_else(PoisonError::into_inner) = Some(farewell);
        self.bell.ring();
    }
}

impl Inbox {
    /// Takes a message if there is one. Call [`Inbox::hush`] before the first.
    pub(crate) fn take(&mut self) -> Option<ToShard> {
        self.queue.try_recv().ok()
    }

    /// Tells whether the shard is to stop, and where to say what outlives it.
    pub(crate) fn stopped(&self) -> Option<Farewell> {
        self.bell.stop.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Silences the bell: what is sent from now on rings again.
    pub(crate) fn hush(&self) {
        let _ = self.bell.event.read();
        self.bell.rung.store(false, Ordering::Release);
    }

    /// Makes the next wait end at once: there is more to take.
    pub(crate) fn knock(&self) {
        self.bell.ring();
    }

    pub(crate) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.event.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    use super::*;

    fn rings(inbox: &Inbox) -> bool {
        let mut fds = [PollFd::new(inbox.bell(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).unwrap() == 1
    }

    fn answer(number: u32) -> ToShard {
        ToShard::Resolved { query: Query(number), outcome: Err(ResolveFault::ForbiddenPort(0)) }
    }

    #[tokio::test]
    async fn many_messages_ring_once_and_the_next_after_hushing_again() {
        let (mailer, mut inbox) = inbox().unwrap();
        assert!(!rings(&inbox));
        for number in 0..3 {
            mailer.send(answer(number)).await;
        }
        assert!(rings(&inbox));
        inbox.hush();
        assert!(!rings(&inbox));
        for number in 0..3 {
            assert!(matches!(inbox.take(), Some(ToShard::Resolved { query: Query(n), .. }) if n == number));
        }
        assert!(inbox.take().is_none());
        mailer.send(answer(9)).await;
        assert!(rings(&inbox));
    }

    #[tokio::test]
    async fn a_stop_overtakes_what_waits() {
        let (mailer, inbox) = inbox().unwrap();
        mailer.send(answer(1)).await;
        inbox.hush();
        assert!(inbox.stopped().is_none());
        let (farewell, _) = std::sync::mpsc::channel();
        mailer.stop(farewell);
        assert!(rings(&inbox) && inbox.stopped().is_some());
    }
}
