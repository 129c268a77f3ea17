//! Lets go of what is old, piece by piece, so that no change waits long for its turn.

use std::time::Duration;

use tokio::task::JoinHandle;

use crate::audit::Origin;
use crate::store::webhooks::DeliveryState;
use crate::store::{Store, StoreError, attempts, events, now, webhooks};

/// Between two rounds.
const APART: Duration = Duration::from_secs(10);
/// So many rows go in one transaction.
const AT_ONCE: i64 = 2_000;
/// So long the others have their turns between two of them.
const REST: Duration = Duration::from_millis(50);

/// How much is kept, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// So many events.
    pub events: u32,
    /// Of at most so many days.
    pub event_days: u32,
    /// So many attempts in total.
    pub attempts: u32,
    /// So many of one trunk.
    pub attempts_per_trunk: u32,
    /// Of at most so many days.
    pub attempt_days: u32,
    /// So many events that a webhook did not take.
    pub dead_letters: u32,
    /// For so many days.
    pub dead_letter_days: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Retention {
            events: 100_000,
            event_days: 30,
            attempts: 20_000,
            attempts_per_trunk: 50,
            attempt_days: 90,
            dead_letters: 1_000,
            dead_letter_days: 30,
        }
    }
}

/// Keeps a store within its limits until it is aborted.
pub fn start(store: Store, retention: Retention) -> JoinHandle<()> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(APART).await;
            match round(&store, &retention, now()).await {
                Ok(()) => {}
                Err(StoreError::Busy) => tracing::debug!("the store had no time for its upkeep"),
                Err(error) => tracing::warn!(%error, "what is old could not be let go"),
            }
        }
    })
}

/// Lets go of everything that is beyond its limits.
///
/// # Errors
/// [`StoreError`]; what went before stays gone.
pub async fn round(store: &Store, retention: &Retention, now: link::UnixMicros) -> Result<(), StoreError> {
    while trim_events(store, retention, now).await? > 0 {
        tokio::time::sleep(REST).await;
    }
    while trim_attempts(store, retention, now).await? > 0 {
        tokio::time::sleep(REST).await;
    }
    trim_dead_letters(store, retention, now).await
}

async fn trim_attempts(store: &Store, retention: &Retention, now: link::UnixMicros) -> Result<u64, StoreError> {
    let before = days_before(now, retention.attempt_days);
    if attempts::oldest(&mut *store.read().await?).await?.is_none_or(|oldest| oldest >= before) {
        return Ok(0);
    }
    let mut tx = store.begin(&Origin::system("upkeep")).await?;
    let gone = attempts::trim_old(tx.connection(), before, AT_ONCE / 4).await?;
    tx.commit().await?;
    Ok(gone)
}

async fn trim_dead_letters(store: &Store, retention: &Retention, now: link::UnixMicros) -> Result<(), StoreError> {
    let (most, before) = (i64::from(retention.dead_letters), days_before(now, retention.dead_letter_days));
    for webhook in webhooks::all(&mut *store.read().await?).await? {
        let id = webhook.meta.id;
        if webhooks::count(&mut *store.read().await?, &id, DeliveryState::Dead).await? == 0 {
            continue;
        }
        let mut tx = store.begin(&Origin::system("upkeep")).await?;
        let gone = webhooks::trim_dead(tx.connection(), &id, most, before).await?;
        tx.commit().await?;
        if gone > 0 {
            tracing::warn!(webhook = id, gone, "events that a webhook did not take are let go");
        }
    }
    Ok(())
}

async fn trim_events(store: &Store, retention: &Retention, now: link::UnixMicros) -> Result<u64, StoreError> {
    let (most, before) = (i64::from(retention.events), days_before(now, retention.event_days));
    if !events::has_old(&mut *store.read().await?, most, before).await? {
        return Ok(0);
    }
    let mut tx = store.begin(&Origin::system("upkeep")).await?;
    let gone = events::trim(tx.connection(), most, before, AT_ONCE).await?;
    tx.commit().await?;
    Ok(gone)
}

fn days_before(now: link::UnixMicros, days: u32) -> link::UnixMicros {
    const DAY: i64 = 86_400_000_000;
    now.saturating_sub(i64::from(days) * DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Event, EventId, What};

    const DAY: i64 = 86_400_000_000;

    async fn tell(store: &Store, count: u32, at: i64) {
        let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
        for n in 0..count {
            tx.event(Event::of_trunk(&n.to_string(), What::Removed {}).seen("e1", at));
        }
        tx.commit().await.expect("written");
    }

    #[tokio::test]
    async fn events_are_kept_to_their_number_and_age_and_readers_know_what_is_gone() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).await.expect("it opens");
        let retention = Retention { events: 100, event_days: 2, ..Retention::default() };
        tell(&store, 30, DAY).await;
        tell(&store, 90, 4 * DAY).await;
        let places = async |store: &Store| {
            let told = events::after(&mut store.read().await.unwrap(), 0, None, 1_000).await.unwrap();
            (told.first().map(|told| told.id.revision), told.last().map(|told| told.id.revision), told.len())
        };
        assert_eq!(places(&store).await, (Some(1), Some(120), 120), "each has a place of its own");
        round(&store, &retention, DAY).await.expect("a round");
        assert_eq!(places(&store).await, (Some(21), Some(120), 100), "the number");
        round(&store, &retention, 4 * DAY).await.expect("a round");
        assert_eq!(places(&store).await, (Some(31), Some(120), 90), "the age");
        let mut reader = store.read().await.expect("a reader");
        for (revision, whole) in [(29, false), (30, true), (31, true), (120, true), (121, false)] {
            let id = EventId { incarnation: 1, revision };
            assert_eq!(events::can_resume(&mut reader, id).await.unwrap(), whole, "{id}");
        }
        assert!(!events::can_resume(&mut reader, EventId { incarnation: 2, revision: 60 }).await.unwrap(), "of another time");
        drop(reader);
        // The count that is kept follows.
        tell(&store, 20, 4 * DAY).await;
        round(&store, &retention, 4 * DAY).await.expect("a round");
        assert_eq!(places(&store).await.2, 100);
    }

    #[tokio::test]
    async fn one_event_with_an_old_time_takes_no_younger_ones_along() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).await.expect("it opens");
        let retention = Retention { events: 100, event_days: 2, ..Retention::default() };
        tell(&store, 3, DAY).await;
        tell(&store, 10, 4 * DAY).await;
        // An edge's clock is wrong.
        tell(&store, 1, 0).await;
        round(&store, &retention, 4 * DAY).await.expect("a round");
        let left = events::after(&mut store.read().await.unwrap(), 0, None, 1_000).await.unwrap();
        assert_eq!((left.first().map(|told| told.id.revision), left.len()), (Some(4), 11));
        round(&store, &retention, 7 * DAY).await.expect("a round");
        assert!(events::after(&mut store.read().await.unwrap(), 0, None, 1_000).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_event_of_a_change_that_is_dropped_or_undone_is_not_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open(dir.path()).await.expect("it opens");
        let mut feed = store.feed();
        let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
        tx.event(Event::of_trunk("dropped", What::Removed {}));
        drop(tx);
        assert!(!feed.has_changed().unwrap());
        let mut tx = store.begin(&Origin::system("test")).await.expect("a turn");
        tx.event(Event::of_trunk("kept", What::Removed {}));
        let part = tx.begin_part().await.expect("a part");
        tx.event(Event::of_trunk("undone", What::Removed {}));
        tx.undo_part(part).await.expect("undone");
        let revision = tx.revision().await.expect("a place");
        tx.commit().await.expect("written");
        let told = events::after(&mut store.read().await.unwrap(), 0, None, 10).await.unwrap();
        assert_eq!(told.iter().map(|told| told.subject.trunk.as_deref()).collect::<Vec<_>>(), [Some("kept")]);
        assert_eq!(u64::try_from(told[0].id.revision).unwrap(), revision, "the first has the change's own place");
        assert_eq!(*feed.borrow_and_update(), told[0].id.revision);
        store.close().await;
    }
}
