//! GET of how many registrations are in which state, and how many of each carrier's fail.
//!
//! What edges report is counted as it comes, what the store has is counted as it changes: the answer costs the same with a million trunks as
//! with ten. A trunk that an edge has just been told of, or just let go, may be counted where it was a moment ago.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use prometheus::proto::MetricFamily;
use serde_json::json;

use super::Registrations;
use super::fleet::TROUBLED;
use super::list::VIEW;
use super::object::{self, PATH};
use crate::access::Caller;
use crate::domain::{Place, Reach};
use crate::http::{App, Query, answer};
use crate::problem::Problem;
use crate::store::{Connection, StoreError, trunks};

/// So many carriers are shown, those with the largest share of failures first.
pub const CARRIERS_MAX: usize = 100;

const PENDING: &str = "PENDING";
const DISABLED: &str = "DISABLED";

/// Registrations of a carrier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OfCarrier {
    trunks: u64,
    failing: u64,
}

/// Counts of what a caller sees.
#[derive(Debug, Default)]
struct Summary {
    total: u64,
    states: BTreeMap<&'static str, u64>,
    carriers: BTreeMap<String, OfCarrier>,
}

/// So many trunks of a site and a carrier are in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    /// The site's id.
    pub site: String,
    /// The carrier's id.
    pub carrier: String,
    /// As the API names it.
    pub state: &'static str,
    /// So many.
    pub trunks: u64,
}

/// GET /registrations/summary.
pub(super) async fn get(State(app): State<App>, caller: Caller, query: Query) -> Result<Response, Problem> {
    let within = caller.require_somewhere(VIEW)?;
    query.finish()?;
    let summary = app.registrations.summary(&within).await?;
    let mut carriers: Vec<(&String, &OfCarrier)> = summary.carriers.iter().collect();
    carriers.sort_by_key(|(_, of)| (Reverse(u128::from(of.failing) * 1_000_000 / u128::from(of.trunks.max(1))), Reverse(of.trunks)));
    let carriers = carriers.into_iter().take(CARRIERS_MAX).map(|(id, of)| {
        json!({ "carrier": { "id": id, "selfUri": format!("/api/v2/carriers/{id}") }, "trunks": of.trunks, "failing": of.failing })
    });
    Ok(answer(json!({
        "total": summary.total, "states": summary.states, "carriers": carriers.collect::<Vec<_>>(), "selfUri": format!("{PATH}/summary"),
    })))
}

impl Summary {
    fn add(&mut self, carrier: &str, state: &'static str, trunks: u64) {
        if trunks == 0 {
            return;
        }
        self.total += trunks;
        *self.states.entry(state).or_default() += trunks;
        let of = self.carriers.entry(carrier.to_owned()).or_default();
        of.trunks += trunks;
        of.failing += if TROUBLED.contains(&state) { trunks } else { 0 };
    }
}

impl Registrations {
    /// Counts all trunks by site, carrier and state.
    ///
    /// # Errors
    /// [`StoreError`] where the kept totals cannot be read.
    pub(crate) async fn counts(&self) -> Result<Vec<Count>, StoreError> {
        self.counts_within(&mut *self.inner.store.read().await?, |_, _| true).await
    }

    /// What was counted since the start, for Prometheus.
    pub(crate) fn counted(&self) -> Vec<MetricFamily> {
        [self.inner.fleet.observed().counted(), self.inner.attempts.counted()].concat()
    }

    async fn counts_within(&self, connection: &mut Connection, whole: impl Fn(&str, &str) -> bool) -> Result<Vec<Count>, StoreError> {
        let mut counts = Vec::new();
        let mut add = |site: &str, carrier: &str, state: &'static str, trunks: u64| {
            if trunks > 0 {
                counts.push(Count { site: site.to_owned(), carrier: carrier.to_owned(), state, trunks });
            }
        };
        // What no edge reports is pending, or out of service.
        let mut unseen: BTreeMap<(String, String), u64> = BTreeMap::new();
        for total in trunks::totals(connection).await?.into_iter().filter(|total| whole(&total.site, &total.carrier)) {
            if total.in_service {
                unseen.insert((total.site, total.carrier), total.trunks);
            } else {
                add(&total.site, &total.carrier, DISABLED, total.trunks);
            }
        }
        for ((site, carrier), states) in self.inner.fleet.observed().states() {
            // More than there are in service are on their way out.
            let Some(left) = unseen.get_mut(&(site.to_string(), carrier.to_string())) else { continue };
            for (state, seen) in states {
                let counted = seen.min(*left);
                *left -= counted;
                add(&site, &carrier, state, counted);
            }
        }
        for ((site, carrier), trunks) in unseen {
            add(&site, &carrier, PENDING, trunks);
        }
        Ok(counts)
    }

    async fn summary(&self, within: &Reach) -> Result<Summary, StoreError> {
        let observed = self.inner.fleet.observed();
        let mut state = self.inner.store.snapshot().await?;
        // No trunk has an empty id: this asks for the whole of a site or carrier.
        let whole = |site: &str, carrier: &str| within.covers(&Place::Trunk { id: "", site, carrier });
        let mut summary = Summary::default();
        for of in self.counts_within(&mut state, whole).await? {
            summary.add(&of.carrier, of.state, of.trunks);
        }
        let single: Vec<String> = within.trunks.iter().cloned().collect();
        for ids in single.chunks(500) {
            let found = trunks::some(&mut state, ids).await?;
            for trunk in found.iter().filter(|trunk| !whole(&trunk.site, &trunk.carrier)) {
                let is = observed.with(&trunk.meta.id, |seen| object::state(trunk.in_service, true, seen));
                summary.add(&trunk.carrier, is, 1);
            }
        }
        Ok(summary)
    }
}
