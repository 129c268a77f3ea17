//! Results on their way to the caller of an import.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use futures_util::Stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// So many bytes wait for a caller that sends all before it reads anything: the results of some 500,000 lines, so that neither waits for the
/// other where a client is that simple.
const UNREAD_MAX: usize = 64 * 1024 * 1024;

/// So long may a caller that has so much to read take until it reads on.
const PATIENCE: Duration = Duration::from_secs(60);

/// The end that tells.
pub struct Results {
    sender: mpsc::UnboundedSender<(Bytes, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    most: usize,
    patience: Duration,
}

/// Why a result was not told.
#[derive(Debug, PartialEq, Eq)]
pub enum Untold {
    /// The caller has hung up.
    Gone,
    /// The caller reads nothing.
    Unread,
}

/// A bounded way for results, and the stream that the caller reads.
pub fn results() -> (Results, impl Stream<Item = Result<Bytes, Infallible>>) {
    bounded(UNREAD_MAX, PATIENCE)
}

fn bounded(most: usize, patience: Duration) -> (Results, impl Stream<Item = Result<Bytes, Infallible>>) {
    let (sender, told) = mpsc::unbounded_channel::<(Bytes, OwnedSemaphorePermit)>();
    let stream = futures_util::stream::unfold(told, |mut told| async move {
        // The room is given back as the chunk is handed on.
        let (chunk, _) = told.recv().await?;
        Some((Ok(chunk), told))
    });
    (Results { sender, room: Arc::new(Semaphore::new(most)), most, patience }, stream)
}

impl Results {
    /// Tells; waits while too much is unread.
    pub async fn tell(&self, text: String) -> Result<(), Untold> {
        // One batch by itself always fits.
        let size = u32::try_from(text.len().min(self.most)).unwrap_or(u32::MAX);
        let room = tokio::select! {
            () = self.sender.closed() => return Err(Untold::Gone),
            room = tokio::time::timeout(self.patience, Arc::clone(&self.room).acquire_many_owned(size)) => room,
        };
        let Ok(Ok(room)) = room else { return Err(Untold::Unread) };
        self.sender.send((text.into(), room)).map_err(|_| Untold::Gone)
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::StreamExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_reads_nothing_is_waited_for_and_then_given_up() {
        let (results, told) = bounded(10, PATIENCE);
        let mut told = pin!(told);
        assert_eq!(results.tell("12345678".into()).await, Ok(()));
        assert_eq!(results.tell("90123".into()).await, Err(Untold::Unread));
        assert_eq!(told.next().await, Some(Ok("12345678".into())));
        assert_eq!(results.tell("longer than all the room".into()).await, Ok(()));
        assert_eq!(told.next().await, Some(Ok("longer than all the room".into())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_has_gone_is_known_at_once() {
        let (results, told) = bounded(10, PATIENCE);
        results.tell("1234567890".into()).await.expect("room");
        drop(told);
        assert_eq!(results.tell("x".into()).await, Err(Untold::Gone));
    }
}
