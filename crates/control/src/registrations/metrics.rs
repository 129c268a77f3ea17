//! GET of how many REGISTERs are accepted and how many fail, minute by minute.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value, json};

use super::fleet::{Counted, MINUTES_KEPT};
use super::list::VIEW;
use super::object::PATH;
use crate::access::Caller;
use crate::domain::Place;
use crate::http::{App, Query, answer};
use crate::problem::Problem;
use crate::store::now;
use crate::time::rfc3339;

/// So many hours are shown where the caller does not say.
const HOURS: u32 = 3;

/// GET /registrations/metrics: of the carriers and edges that the caller sees as wholes. Who sees single trunks only is shown none of it.
pub(super) async fn get(State(app): State<App>, caller: Caller, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let most = MINUTES_KEPT / 60;
    let hours = query.take_number("hours")?.unwrap_or(HOURS);
    if !(1..=most).contains(&hours) {
        return Err(Problem::invalid("hours", format!("hours: {hours} is not 1 to {most}; no more are kept.")));
    }
    let (carrier, edge) = (query.take("carrier.id"), query.take("edge.id"));
    query.finish()?;
    let fleet = app.registrations.fleet();
    let to = now();
    let mut sites: HashMap<String, Option<String>> = HashMap::new();
    let minutes = fleet.observed().rates(to, hours * 60, |of, at| {
        let site = sites.entry(at.to_owned()).or_insert_with(|| fleet.site_of(at));
        carrier.as_deref().is_none_or(|carrier| carrier == of)
            && edge.as_deref().is_none_or(|edge| edge == at)
            && (seen.covers(&Place::Carrier(of)) || seen.covers(&Place::Edge(at, site.as_deref())))
    });
    let sum = |count: fn(&Counted) -> u32| minutes.values().map(|counted| u64::from(count(counted))).sum::<u64>();
    let shown = minutes.iter().map(|(at, counted)| {
        let mut minute = json!({ "at": rfc3339(*at), "accepted": counted.accepted, "failed": counted.failed });
        if let Some(mean) = counted.mean_ms() {
            minute["roundTripMs"] = mean.into();
            minute["longestRoundTripMs"] = counted.longest_ms.into();
        }
        minute
    });
    Ok(answer(json!({
        "from": rfc3339(to - i64::from(hours) * 3_600_000_000), "to": rfc3339(to), "accepted": sum(|counted| counted.accepted),
        "failed": sum(|counted| counted.failed), "minutes": shown.collect::<Vec<Value>>(), "selfUri": format!("{PATH}/metrics"),
    })))
}
