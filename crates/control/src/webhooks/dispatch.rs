use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, header};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::{WebhookLimits, queue, secret};
use crate::audit::Origin;
use crate::domain::Webhook;
use crate::outward::{Outward, Target};
use crate::sealing::{Keyring, SealedRow};
use crate::store::webhooks::{Delivery, DeliveryState};
use crate::store::{Store, StoreError, now, webhooks};

/// So many deliveries of one webhook are under way at a time: one that is slow holds up no other, and none is flooded.
const AT_ONCE: usize = 4;
/// So long until the store is asked again, at the latest: what is due by time has no other sign.
const LOOK: Duration = Duration::from_secs(1);
/// So long until the store is asked again after it was busy.
const AGAIN: Duration = Duration::from_millis(500);
/// So long the end waits for what is under way.
const LAST: Duration = Duration::from_millis(500);
/// So many characters of a reason are kept.
const ERROR_CHARS_MAX: usize = 256;

/// Delivers events; cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    keyring: Keyring,
    outward: Outward,
    limits: WebhookLimits,
    /// Something was set, or made due.
    changed: Notify,
    ending: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was answered, if anything.
    pub status: Option<u16>,
    /// Why it counts as failed; none where it arrived.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
}

impl Webhooks {
    /// Begins to deliver.
    pub fn start(store: Store, keyring: Keyring, outward: Outward, limits: WebhookLimits) -> Self {
        let (ending, _) = watch::channel(false);
        let inner = Inner { store, keyring, outward, limits, changed: Notify::new(), ending, task: Mutex::new(None) };
        let this = Webhooks { inner: Arc::new(inner) };
        let task = tokio::spawn(this.clone().run());
        *this.inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        this
    }

    /// Tells that a webhook or a delivery was changed.
    pub fn changed(&self) {
        self.inner.changed.notify_one();
    }

    /// Lends what calls are made with.
    pub fn outward(&self) -> &Outward {
        &self.inner.outward
    }

    /// Seals a webhook's secret.
    pub fn seal(&self, id: &str, secret: &SecretString) -> SealedRow {
        self.inner.keyring.seal_bytes(&place(id), secret.expose_secret().as_bytes())
    }

    /// Sends one body now, whatever waits.
    pub async fn send(&self, webhook: &Webhook, sealed: &SealedRow, id: &str, body: Bytes) -> Outcome {
        let began = std::time::Instant::now();
        let answer = self.try_once(webhook, sealed, id, body).await;
        let (status, error) = match answer {
            Ok(status) if (200..300).contains(&status) => (Some(status), None),
            Ok(status @ 300..400) => (Some(status), Some(format!("{status}: redirects are not followed. Set the URL that it leads to."))),
            Ok(status) => (Some(status), Some(format!("It answers {status}."))),
            Err(error) => (None, Some(error)),
        };
        Outcome { status, error: error.map(|error| error.chars().take(ERROR_CHARS_MAX).collect()), took: began.elapsed() }
    }

    /// Lets what is under way end, for a moment; the rest is delivered after the next start.
    pub async fn close(&self) {
        self.inner.ending.send_replace(true);
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut task) = task
            && tokio::time::timeout(LAST * 2, &mut task).await.is_err()
        {
            task.abort();
        }
    }

    async fn try_once(&self, webhook: &Webhook, sealed: &SealedRow, id: &str, body: Bytes) -> Result<u16, String> {
        let target = Target::parse(&webhook.settings.url).map_err(|fault| fault.to_string())?;
        let opened = self.inner.keyring.open_bytes(&place(&webhook.meta.id), sealed).map_err(|error| error.to_string())?;
        let key = SecretString::from(str::from_utf8(&opened).map_err(|_| "The stored secret is none of a webhook.")?);
        let timestamp = now() / 1_000_000;
        let signed = secret::sign(&key, id, timestamp, &body).ok_or("The stored secret is none of a webhook.")?;
        let mut headers = vec![(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];
        for (name, value) in [("webhook-id", id), ("webhook-timestamp", &timestamp.to_string()), ("webhook-signature", &signed)] {
            let value = HeaderValue::from_str(value).map_err(|error| error.to_string())?;
            headers.push((HeaderName::from_static(name), value));
        }
        let answer = self.inner.outward.post(&target, headers, body, self.inner.limits.patience).await;
        answer.map(|status| status.as_u16()).map_err(|fault| fault.to_string())
    }

    async fn run(self) {
        let mut feed = self.inner.store.feed();
        let mut ending = self.inner.ending.subscribe();
        let mut under_way: JoinSet<(Delivery, Outcome)> = JoinSet::new();
        let mut sent: HashSet<(String, i64)> = HashSet::new();
        loop {
            feed.borrow_and_update();
            if let Err(error) = self.round(&mut under_way, &mut sent).await {
                tracing::debug!(%error, "webhooks wait for the store");
                tokio::time::sleep(AGAIN).await;
            }
            let ended = tokio::select! {
                Some(first) = under_way.join_next() => Some(first),
                _ = feed.changed() => None,
                () = self.inner.changed.notified() => None,
                () = tokio::time::sleep(LOOK) => None,
                () = over(&mut ending) => break,
            };
            if let Some(first) = ended {
                self.take_in(first, &mut under_way, &mut sent).await;
            }
        }
        // What has arrived in this moment need not be sent again.
        while let Ok(Some(first)) = tokio::time::timeout(LAST, under_way.join_next()).await {
            self.take_in(first, &mut under_way, &mut sent).await;
        }
    }

    /// Notes what is new, and begins with what is due.
    async fn round(&self, under_way: &mut JoinSet<(Delivery, Outcome)>, sent: &mut HashSet<(String, i64)>) -> Result<(), StoreError> {
        while queue::fan_out(&self.inner.store).await? {}
        let mut busy: HashMap<&str, usize> = HashMap::new();
        for (webhook, _) in sent.iter() {
            *busy.entry(webhook).or_default() += 1;
        }
        let mut state = self.inner.store.snapshot().await?;
        let mut begin = Vec::new();
        for webhook in webhooks::all(&mut state).await?.into_iter().filter(|webhook| webhook.settings.enabled) {
            let id = webhook.meta.id.as_str();
            let free = AT_ONCE.saturating_sub(busy.get(id).copied().unwrap_or(0));
            if free == 0 {
                continue;
            }
            // Those under way are still due, and come first.
            let due = webhooks::due(&mut state, id, now(), AT_ONCE as i64 * 2).await?;
            let due: Vec<Delivery> = due.into_iter().filter(|due| !sent.contains(&(due.webhook.clone(), due.event))).take(free).collect();
            if due.is_empty() {
                continue;
            }
            let Some(sealed) = webhooks::secret(&mut state, id).await? else { continue };
            begin.extend(due.into_iter().map(|due| (webhook.clone(), sealed.clone(), due)));
        }
        drop(state);
        for (webhook, sealed, delivery) in begin {
            sent.insert((delivery.webhook.clone(), delivery.event));
            let this = self.clone();
            under_way.spawn(async move {
                let id = event_id(&delivery);
                let outcome = this.send(&webhook, &sealed, &id, Bytes::from(delivery.body.clone())).await;
                (delivery, outcome)
            });
        }
        Ok(())
    }

    /// Writes how tries ended, all that have by now.
    async fn take_in(
        &self,
        first: Result<(Delivery, Outcome), tokio::task::JoinError>,
        under_way: &mut JoinSet<(Delivery, Outcome)>,
        sent: &mut HashSet<(String, i64)>,
    ) {
        let mut ended: Vec<(Delivery, Outcome)> = first.into_iter().collect();
        while let Some(next) = under_way.try_join_next() {
            ended.extend(next);
        }
        loop {
            match self.write(&ended).await {
                Ok(()) => break,
                Err(error) if !*self.inner.ending.borrow() => {
                    tracing::warn!(%error, "how webhooks were delivered waits to be written");
                    tokio::time::sleep(AGAIN).await;
                }
                // It is sent once more after the next start: at least once.
                Err(_) => break,
            }
        }
        for (delivery, _) in ended {
            sent.remove(&(delivery.webhook, delivery.event));
        }
    }

    async fn write(&self, ended: &[(Delivery, Outcome)]) -> Result<(), StoreError> {
        let mut tx = self.inner.store.begin(&Origin::system("webhooks")).await?;
        let now = tx.now();
        for (delivery, outcome) in ended {
            let Some(error) = &outcome.error else {
                webhooks::delivered(tx.connection(), &delivery.webhook, delivery.event, now).await?;
                continue;
            };
            let mut delivery = delivery.clone();
            delivery.tries = delivery.tries.saturating_add(1);
            delivery.last_tried = Some(now);
            delivery.last_status = outcome.status.map(i64::from);
            delivery.last_error = Some(error.clone());
            let mut chance = [0];
            // Without entropy tries only come back together.
            let _ = getrandom::fill(&mut chance);
            delivery.due = self.inner.limits.retry_at(now, delivery.tries, chance[0]);
            let state = if self.inner.limits.is_over(delivery.created, now) { DeliveryState::Dead } else { DeliveryState::Pending };
            webhooks::failed(tx.connection(), &delivery, state).await?;
        }
        tx.commit().await
    }
}

async fn over(ending: &mut watch::Receiver<bool>) {
    // An error is a sender that is gone: the same.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// The id of the event that a delivery brings: the same however often it is sent.
fn event_id(delivery: &Delivery) -> String {
    let body: serde_json::Value = serde_json::from_str(&delivery.body).unwrap_or_default();
    body["id"].as_str().map_or_else(|| delivery.event.to_string(), str::to_owned)
}

/// What a webhook's secret is sealed to; no trunk has such an id.
fn place(id: &str) -> String {
    format!("webhook:{id}")
}
