//! From the log of events into the deliveries of each webhook.

use serde_json::json;

use crate::audit::Origin;
use crate::domain::{Webhook, WebhookSettings};
use crate::events::{EventId, Filter, Kind, kinds};
use crate::problem::Problem;
use crate::store::events::Told;
use crate::store::{Store, StoreError, events, now, webhooks};
use crate::time::rfc3339;

/// So many deliveries of a webhook wait in the store; what is beyond waits in the log.
const WAITING_MAX: i64 = 10_000;
/// So many events are read at a time.
const PAGE: u32 = 256;
/// A place that is noted nowhere else may lag so far behind: what is read twice after a restart was not for this webhook.
const LAG: i64 = 1_000;

/// Returns what a webhook wants to hear of.
///
/// # Errors
/// 400 `invalid.value` for a kind that does not exist.
pub fn filter(settings: &WebhookSettings) -> Result<Filter, Problem> {
    let kinds = match settings.kinds.is_empty() {
        true => Kind::ALL.iter().map(|(kind, ..)| *kind).collect(),
        false => kinds("kinds", settings.kinds.iter().map(String::as_str))?,
    };
    Ok(filter_of(settings, kinds))
}

fn filter_of(settings: &WebhookSettings, kinds: Vec<Kind>) -> Filter {
    let WebhookSettings { trunk_id, carrier_id, site_id, .. } = settings.clone();
    Filter { kinds, trunk: trunk_id, site: site_id, carrier: carrier_id, edge: None }
}

/// As [`filter`], of what was checked when it was set: a kind that this release does not know, because it is older than the one that took
/// it, is one of which nothing happens here.
fn known(settings: &WebhookSettings) -> Filter {
    if settings.kinds.is_empty() {
        return filter_of(settings, Kind::ALL.iter().map(|(kind, ..)| *kind).collect());
    }
    let known = settings.kinds.iter().filter_map(|word| kinds("kinds", [word.as_str()].into_iter()).ok()).flatten().collect();
    filter_of(settings, known)
}

/// Notes for each webhook what has happened; tells whether there may be more.
///
/// # Errors
/// [`StoreError`] where it cannot be written; it is then done again.
pub async fn fan_out(store: &Store) -> Result<bool, StoreError> {
    let mut more = false;
    let all = webhooks::all(&mut *store.read().await?).await?;
    for webhook in all.into_iter().filter(|webhook| webhook.settings.enabled) {
        more |= fan_out_to(store, &webhook).await?;
    }
    Ok(more)
}

async fn fan_out_to(store: &Store, webhook: &Webhook) -> Result<bool, StoreError> {
    let id = webhook.meta.id.as_str();
    let filter = known(&webhook.settings);
    let mut state = store.snapshot().await?;
    let head = events::head(&mut state).await?;
    if webhook.position >= head.revision || webhooks::waiting(&mut state, id).await?.1 >= WAITING_MAX {
        return Ok(false);
    }
    let floor = events::floor(&mut state).await?;
    let from = webhook.position.max(floor);
    let page = events::after(&mut state, from, filter.trunk.as_deref(), PAGE).await?;
    drop(state);
    let more = page.len() == PAGE as usize;
    let last = if more { page.last().map_or(from, |told| told.id.revision) } else { head.revision };
    let fitting: Vec<Told> = page.into_iter().filter(|told| told.kind == Kind::Lost.word() || filter.fits(told)).collect();
    let lost = floor > webhook.position;
    if fitting.is_empty() && !lost && !more && last - webhook.position < LAG {
        return Ok(false);
    }
    let mut tx = store.begin(&Origin::system("webhooks")).await?;
    if lost {
        // It was switched off, or did not take anything, for longer than the log reaches.
        let body = gap(EventId { revision: floor, ..head });
        webhooks::queue(tx.connection(), id, floor, Kind::Lost.word(), &body, now()).await?;
    }
    for told in &fitting {
        let body = serde_json::to_string(&told.body())?;
        webhooks::queue(tx.connection(), id, told.id.revision, &told.kind, &body, now()).await?;
    }
    webhooks::advance(tx.connection(), id, last).await?;
    tx.commit().await?;
    Ok(more)
}

fn gap(id: EventId) -> String {
    json!({ "id": id.to_string(), "kind": Kind::Lost.word(), "at": rfc3339(now()), "data": { "reason": "tooOld" } }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_another_release_does_not_stop_the_others() {
        let settings = |kinds: &[&str]| -> WebhookSettings {
            serde_json::from_value(json!({ "url": "https://hooks.example/", "kinds": kinds })).expect("settings")
        };
        let mixed = settings(&["registration.held", "registration.of_tomorrow"]);
        assert!(filter(&mixed).is_err(), "nobody sets it here");
        assert_eq!(known(&mixed).kinds, [Kind::Held]);
        assert!(known(&settings(&["registration.of_tomorrow"])).kinds.is_empty(), "none, not all");
    }
}
