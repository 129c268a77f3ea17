//! GET of registrations: one, or a page of those that fit.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use diagnosis::Code;
use link::UnixMicros;
use serde_json::Value;

use super::Registrations;
use super::drift;
use super::fleet::{Among, Loader, Seen, TROUBLED};
use super::object::{self, Shown, object};
use crate::access::Caller;
use crate::domain::{Place, Reach, Trunk};
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::store::page::{BY_ID, Key, PLAIN};
use crate::store::{Connection, Cursor, Page, Paging, StoreError, credentials, drifts, now, planned, trunks};

/// What one must be allowed to look at registrations.
pub const VIEW: &str = "telephony:trunkRegistration:view";

/// Up to so many trunks that edges report as asked for are looked up one by one; beyond, all trunks are walked through.
const LOOKED_UP: usize = 10_000;
/// So many trunks are read at a time on a walk.
const WALK: u32 = 500;

/// What registrations of a listing have in common.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    trunk: Option<String>,
    site: Option<String>,
    carrier: Option<String>,
    name: Option<String>,
    edge: Option<String>,
    state: Option<String>,
    bound: Option<bool>,
    code: Option<Code>,
    /// Its binding lapses before then and is not being renewed.
    lapses_before: Option<UnixMicros>,
    /// What the caller may see.
    within: Reach,
}

/// GET /registrations/{trunkId}.
pub(super) async fn one(State(app): State<App>, caller: Caller, Path(trunk): Path<String>, query: Query) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[VIEW], &trunk).await?;
    query.finish()?;
    Ok(answer(app.registrations.shown(&trunk).await?))
}

/// GET /registrations.
pub(super) async fn list(State(app): State<App>, caller: Caller, uri: Uri, mut query: Query) -> Result<Response, Problem> {
    let within = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, PLAIN)?;
    let wanted = Wanted::take(&mut query, within)?;
    query.finish()?;
    let page = app.registrations.page(&paging, wanted).await?;
    Ok(answer(listing::listing(&uri, &paging, page, |body| body)))
}

impl Wanted {
    fn take(query: &mut Query, within: Reach) -> Result<Self, Problem> {
        let state = query.take("state");
        if let Some(state) = state.as_deref().filter(|state| !object::is_state(state)) {
            return Err(Problem::invalid("state", format!("state: {state:?} is no state of a registration.")));
        }
        let code = match query.take("diagnosis.code") {
            None => None,
            Some(code) => Some(code.parse().map_err(|error| Problem::invalid("diagnosis.code", format!("diagnosis.code: {error}.")))?),
        };
        Ok(Wanted {
            trunk: query.take("trunkId"),
            site: query.take("site.id"),
            carrier: query.take("carrier.id"),
            name: query.take("name"),
            edge: query.take("edge.id"),
            state,
            bound: query.take_bool("bound")?,
            code,
            lapses_before: query.take_number("lapsesWithin")?.map(|seconds| now() + i64::from(seconds) * 1_000_000),
            within,
        })
    }

    /// Of one trunk, of the trunks that an edge reports, or of one name.
    pub(super) fn of(trunk: Option<String>, edge: Option<String>, name: Option<String>, within: Reach) -> Self {
        Wanted { trunk, edge, name, within, ..Wanted::default() }
    }

    /// Whether what the edges report decides.
    fn is_live(&self) -> bool {
        self.edge.is_some() || self.state.is_some() || self.bound.is_some() || self.code.is_some() || self.lapses_before.is_some()
    }

    /// Whether a trunk that no edge reports may fit.
    fn fits_unseen(&self) -> bool {
        self.edge.is_none()
            && self.code.is_none()
            && self.lapses_before.is_none()
            && self.bound != Some(true)
            && self.state.as_deref().is_none_or(|state| matches!(state, "PENDING" | "DISABLED"))
    }

    fn fits_trunk(&self, trunk: &Trunk) -> bool {
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        same(&self.trunk, &trunk.meta.id)
            && same(&self.site, &trunk.site)
            && same(&self.carrier, &trunk.carrier)
            && same(&self.name, &trunk.meta.name)
            && self.within.covers(&Place::trunk(trunk))
    }

    fn fits_seen(&self, in_service: bool, seen: &[Seen]) -> bool {
        self.edge.as_deref().is_none_or(|edge| seen.iter().any(|seen| &*seen.edge == edge))
            && self.bound.is_none_or(|bound| object::is_bound(seen) == bound)
            && self
                .code
                .is_none_or(|code| seen.iter().any(|seen| seen.status.diagnosis.as_ref().is_some_and(|diagnosis| diagnosis.code == code)))
            && self.lapses_before.is_none_or(|before| seen.iter().any(|seen| seen.lapses_unrenewed_before(before)))
            && self.state.as_deref().is_none_or(|state| object::state(in_service, true, seen) == state)
    }

    /// Where to look for what fits.
    fn among(&self) -> Among<'_> {
        match self.state.as_deref() {
            Some(state) if TROUBLED.contains(&state) => Among::Troubled(state),
            _ if self.lapses_before.is_some() => Among::AtRisk,
            _ => Among::All,
        }
    }

    /// The troubled state that alone decides, in the order of ids: then a page costs what is on it, however many fit.
    fn troubled_alone(&self, paging: &Paging) -> Option<&str> {
        let state = self.state.as_deref().filter(|state| TROUBLED.contains(state))?;
        let others = self.site.is_some()
            || self.carrier.is_some()
            || self.name.is_some()
            || self.edge.is_some()
            || self.bound.is_some()
            || self.code.is_some()
            || self.lapses_before.is_some();
        (!others && paging.sorting == BY_ID && self.within.is_everywhere()).then_some(state)
    }

    fn filter(&self) -> trunks::Filter {
        trunks::Filter { site: self.site.clone(), carrier: self.carrier.clone(), name: self.name.clone(), in_service: None }
    }
}

impl Registrations {
    /// Returns the registration object of a trunk.
    ///
    /// # Errors
    /// 404 where there is no such trunk.
    pub(super) async fn shown(&self, trunk: &str) -> Result<Value, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let found = trunks::find(&mut state, trunk).await?.ok_or_else(|| Problem::not_found("trunk", trunk))?;
        let body = self.bodies(&mut state, vec![found]).await?.pop();
        body.ok_or_else(|| Problem::internal("a trunk that is there is shown"))
    }

    /// Writes the objects of a page: as many statements for a page of 500 as for one trunk.
    async fn bodies(&self, state: &mut Connection, trunks: Vec<Trunk>) -> Result<Vec<Value>, StoreError> {
        let mut loader = Loader::new(state).await?;
        loader.prepare(state, &trunks).await?;
        let ids: Vec<&str> = trunks.iter().map(|trunk| trunk.meta.id.as_str()).collect();
        let registrations = credentials::registrations_of(state, &ids).await?;
        let mut versions = credentials::versions_of(state, &ids).await?;
        let mut drifts = drifts::of(state, &ids).await?;
        let planned = planned::of(state, &ids).await?;
        let time = self.inner.clock.now();
        let mut bodies = Vec::with_capacity(trunks.len());
        for trunk in trunks {
            let id = trunk.meta.id.clone();
            let versions = versions.remove(&id).unwrap_or_default();
            let mut drift = drifts.remove(&id).unwrap_or_default();
            let since = drift::counts_since(&versions);
            drift.retain(|seen| seen.at > since);
            let settings = loader.settings(state, trunk).await?;
            bodies.push(object(&Shown {
                settings: &settings,
                registration: registrations.get(&id),
                versions: &versions,
                seen: &self.inner.fleet.observed().of(&id),
                drift: &drift,
                trace_until: self.inner.fleet.traces().until(&id, now()),
                activate_at: planned.get(&id).filter(|planned| planned.waits(&versions)).map(|planned| planned.at),
                maintenance_until: settings.carrier.settings.maintenance_until(time),
            }));
        }
        Ok(bodies)
    }

    async fn page(&self, paging: &Paging, wanted: Wanted) -> Result<Page<Value>, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let page = self.trunks(&mut state, paging, wanted).await?;
        let items = self.bodies(&mut state, page.items).await?;
        Ok(Page { items, total: page.total, next: page.next })
    }

    pub(super) async fn trunks(&self, state: &mut Connection, paging: &Paging, wanted: Wanted) -> Result<Page<Trunk>, StoreError> {
        let observed = self.inner.fleet.observed();
        if let Some(trunk) = &wanted.trunk {
            let found = trunks::find(state, trunk).await?.filter(|trunk| wanted.fits_trunk(trunk));
            let fits = |trunk: &Trunk| observed.with(&trunk.meta.id, |seen| wanted.fits_seen(trunk.in_service, seen));
            return Ok(cut(found.into_iter().filter(fits).collect(), paging));
        }
        if !wanted.is_live() {
            return trunks::page(state, paging, wanted.filter(), &wanted.within).await;
        }
        if let Some(troubled) = wanted.troubled_alone(paging) {
            // A cursor of this order has texts for keys: its reader has seen to that.
            let after = paging.after.as_ref().and_then(|after| if let Key::Text(id) = &after.id { Some(id.as_str()) } else { None });
            let skip = if paging.walks { 0 } else { (paging.number as usize - 1) * paging.size as usize };
            let (mut ids, total) = observed.troubled(troubled, after, paging.descending, skip, paging.size as usize + 1);
            let more = ids.len() > paging.size as usize;
            ids.truncate(paging.size as usize);
            let last = ids.last().map(|id| Cursor { key: Key::Text(id.clone()), id: Key::Text(id.clone()), total: None });
            let mut items = trunks::some(state, &ids).await?;
            // What was taken out of service a moment ago is still counted.
            items.retain(|trunk| observed.with(&trunk.meta.id, |seen| wanted.fits_seen(trunk.in_service, seen)));
            if paging.descending {
                items.reverse();
            }
            return Ok(Page { items, total, next: last.filter(|_| more) });
        }
        // What fails and what is held is little among much: begin with what the edges report.
        if !wanted.fits_unseen() {
            // Whether it is in service the store knows; a trunk that an edge reports nearly always is.
            let seen = observed.matching(LOOKED_UP, wanted.among(), |seen| wanted.fits_seen(true, seen) || wanted.fits_seen(false, seen));
            if let Some(ids) = seen {
                let mut fitting = Vec::with_capacity(ids.len());
                for ids in ids.chunks(WALK as usize) {
                    let found = trunks::some(state, ids).await?.into_iter().filter(|trunk| wanted.fits_trunk(trunk));
                    fitting.extend(found.filter(|trunk| observed.with(&trunk.meta.id, |seen| wanted.fits_seen(trunk.in_service, seen))));
                }
                return Ok(cut(fitting, paging));
            }
        }
        self.walk(state, paging, &wanted).await
    }

    /// Walks through all trunks in the order that is asked for, and keeps the page; the rest is counted. A walk that knows its total goes on
    /// where it was and ends with the page.
    async fn walk(&self, state: &mut Connection, paging: &Paging, wanted: &Wanted) -> Result<Page<Trunk>, StoreError> {
        let observed = self.inner.fleet.observed();
        let known = paging.after.as_ref().and_then(|after| after.total);
        let after = paging.after.clone().filter(|_| known.is_some());
        let mut step = Paging { size: WALK, walks: true, after, ..paging.clone() };
        let skip = if paging.walks { 0 } else { u64::from(paging.number - 1) * u64::from(paging.size) };
        let (mut total, mut passed, mut more) = (0_u64, 0_u64, false);
        let mut items: Vec<Trunk> = Vec::new();
        loop {
            let page = trunks::page(state, &step, wanted.filter(), &wanted.within).await?;
            for trunk in page.items {
                if !observed.with(&trunk.meta.id, |seen| wanted.fits_seen(trunk.in_service, seen)) {
                    continue;
                }
                total += 1;
                if !is_after(&trunk, paging) {
                    continue;
                }
                passed += 1;
                if passed > skip && items.len() < paging.size as usize {
                    items.push(trunk);
                } else if passed > skip {
                    more = true;
                }
            }
            match page.next {
                Some(next) if !more || known.is_none() => step.after = Some(next),
                Some(_) | None => break,
            }
        }
        let total = known.unwrap_or(total);
        let next = items.last().filter(|_| more).map(|last| Cursor { total: Some(total), ..cursor(last, paging) });
        Ok(Page { items, total, next })
    }
}

/// Sorts and cuts a page out of trunks that are all at hand.
fn cut(mut trunks: Vec<Trunk>, paging: &Paging) -> Page<Trunk> {
    let total = trunks.len() as u64;
    trunks.sort_by(|a, b| {
        let order = compare(&key(a, paging), &key(b, paging)).then_with(|| a.meta.id.cmp(&b.meta.id));
        if paging.descending { order.reverse() } else { order }
    });
    trunks.retain(|trunk| is_after(trunk, paging));
    let skip = if paging.walks { 0 } else { (paging.number as usize - 1) * paging.size as usize };
    let more = trunks.len() > skip + paging.size as usize;
    let items: Vec<Trunk> = trunks.into_iter().skip(skip).take(paging.size as usize).collect();
    let next = items.last().filter(|_| more).map(|last| cursor(last, paging));
    Page { items, total, next }
}

fn key(trunk: &Trunk, paging: &Paging) -> Key {
    match paging.sorting.name {
        "name" => Key::Text(trunk.meta.name.clone()),
        "dateCreated" => Key::Number(trunk.meta.created),
        "dateModified" => Key::Number(trunk.meta.modified),
        "version" => Key::Number(trunk.meta.version),
        _ => Key::Text(trunk.meta.id.clone()),
    }
}

fn cursor(trunk: &Trunk, paging: &Paging) -> Cursor {
    Cursor { key: key(trunk, paging), id: Key::Text(trunk.meta.id.clone()), total: None }
}

fn is_after(trunk: &Trunk, paging: &Paging) -> bool {
    let Some(after) = &paging.after else { return true };
    let order = compare(&key(trunk, paging), &after.key).then_with(|| compare(&Key::Text(trunk.meta.id.clone()), &after.id));
    if paging.descending { order.is_lt() } else { order.is_gt() }
}

fn compare(a: &Key, b: &Key) -> std::cmp::Ordering {
    match (a, b) {
        (Key::Text(a), Key::Text(b)) => a.cmp(b),
        (Key::Number(a), Key::Number(b)) => a.cmp(b),
        (Key::Text(_), Key::Number(_)) => std::cmp::Ordering::Greater,
        (Key::Number(_), Key::Text(_)) => std::cmp::Ordering::Less,
    }
}
