use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

/// So much waits for a connection that is not open yet: a REGISTER request of each registration that may share it (carriers.md N7).
const WAITING_BYTES_MAX: usize = 768 * 1024;

/// So much waits for one that is. The other side has stopped reading long before.
const UNSENT_BYTES_MAX: usize = 1024 * 1024;

/// What a keep-alive counts as, so that they are bounded too.
const PING_BYTES: usize = 4;

/// What is to leave on a connection.
pub(super) enum Item {
    /// A whole message.
    Message(Vec<u8>),
    /// A keep-alive of ours.
    Ping,
    /// The answer to one of theirs.
    Pong,
}

/// Whether a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is not.
    No,
    /// Once what waits is sent.
    Close,
    /// At once: too much waits.
    Stuck,
}

/// What waits to leave on one connection. The shard fills it, the connection's task empties it.
pub(super) struct Lane {
    queue: Mutex<Queue>,
    bell: Notify,
    ending: watch::Sender<Ending>,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    /// Bytes that were put in and have not left, those on their way included.
    unsent: usize,
    open: bool,
    /// Keep-alives that were not answered.
    pings: u32,
}

impl Item {
    fn len(&self) -> usize {
        match self {
            Item::Message(bytes) => bytes.len(),
            Item::Ping | Item::Pong => PING_BYTES,
        }
    }
}

impl Lane {
    pub(super) fn new() -> Self {
        Lane { queue: Mutex::default(), bell: Notify::new(), ending: watch::Sender::new(Ending::No) }
    }

    /// Puts something in. Beyond the bound the connection ends.
    pub(super) fn push(&self, item: Item) {
        if *self.ending.borrow() != Ending::No {
            return;
        }
        {
            let mut queue = self.queue();
            let limit = if queue.open { UNSENT_BYTES_MAX } else { WAITING_BYTES_MAX };
            if queue.unsent + item.len() <= limit {
                queue.unsent += item.len();
                queue.pings = queue.pings.saturating_add(u32::from(matches!(item, Item::Ping)));
                queue.items.push_back(item);
            } else {
                queue.items.clear();
                drop(queue);
                self.ending.send_replace(Ending::Stuck);
            }
        }
        self.bell.notify_one();
    }

    /// Has the connection end once what waits is sent.
    pub(super) fn close(&self) {
        self.ending.send_if_modified(|ending| *ending == Ending::No && std::mem::replace(ending, Ending::Close) == Ending::No);
        self.bell.notify_one();
    }

    /// Tells whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue().items.is_empty()
    }

    /// The connection is open: more may wait from now on.
    pub(super) fn opened(&self) {
        self.queue().open = true;
    }

    /// Takes all that waits, or nothing once the connection is to end and nothing waits any more.
    pub(super) async fn take(&self) -> Option<VecDeque<Item>> {
        loop {
            let ending = *self.ending.borrow();
            let items = std::mem::take(&mut self.queue().items);
            if !items.is_empty() {
                return Some(items);
            }
            if ending != Ending::No {
                return None;
            }
            self.bell.notified().await;
        }
    }

    /// These have left.
    pub(super) fn sent(&self, items: &VecDeque<Item>) {
        let mut queue = self.queue();
        queue.unsent = queue.unsent.saturating_sub(items.iter().map(Item::len).sum());
    }

    /// Takes an answer for a keep-alive of ours; tells whether one was due.
    pub(super) fn pong(&self) -> bool {
        let mut queue = self.queue();
        let due = queue.pings > 0;
        queue.pings = queue.pings.saturating_sub(1);
        due
    }

    pub(super) fn ending(&self) -> Ending {
        *self.ending.borrow()
    }

    /// Waits until the connection is to end in that way.
    pub(super) async fn ends(&self, how: Ending) {
        // The sender is ours, so the wait ends only when it is so.
        let _ = self.ending.subscribe().wait_for(|ending| *ending == how).await;
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_bounded_before_it_is_open_and_after() {
        for (open, limit) in [(false, WAITING_BYTES_MAX), (true, UNSENT_BYTES_MAX)] {
            let lane = Lane::new();
            if open {
                lane.opened();
            }
            lane.push(Item::Message(vec![0; limit]));
            assert_eq!(lane.ending(), Ending::No);
            lane.push(Item::Ping);
            assert_eq!(lane.ending(), Ending::Stuck);
            assert!(lane.take().await.is_none(), "nothing is sent any more");
        }
    }

    #[tokio::test]
    async fn what_has_left_makes_room() {
        let lane = Lane::new();
        for _ in 0..3 {
            lane.push(Item::Message(vec![0; WAITING_BYTES_MAX]));
            let items = lane.take().await.unwrap();
            lane.sent(&items);
        }
        assert_eq!(lane.ending(), Ending::No);
    }

    #[tokio::test]
    async fn a_close_comes_after_what_waits_and_takes_nothing_more() {
        let lane = Lane::new();
        lane.push(Item::Message(b"last".to_vec()));
        lane.close();
        lane.push(Item::Message(b"too late".to_vec()));
        assert_eq!(lane.take().await.unwrap().len(), 1);
        assert!(lane.take().await.is_none());
        lane.ends(Ending::Close).await;
    }

    #[test]
    fn only_a_ping_of_ours_has_a_pong() {
        let lane = Lane::new();
        assert!(!lane.pong());
        lane.push(Item::Ping);
        assert!(lane.pong());
        assert!(!lane.pong());
    }
}
