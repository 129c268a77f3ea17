//! GET /registrations/bulk: trunks as lines that an import takes. Secrets are not among them.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::NDJSON;
use crate::access::Caller;
use crate::domain::{Place, Reach, Trunk};
use crate::http::resources::{TrunkForm, show_trunk};
use crate::http::{App, Query};
use crate::problem::Problem;
use crate::registrations::list::VIEW;
use crate::registrations::version::{Version, VersionState};
use crate::store::{Store, StoreError, credentials, trunks};

/// So many trunks are read at a time; what is changed meanwhile is told as it is when its turn comes.
const PAGE: u32 = 500;

/// GET /registrations/bulk.
pub async fn export(State(app): State<App>, caller: Caller, mut query: Query) -> Result<Response, Problem> {
    caller.grants.require_somewhere(&["telephony:trunk:view", VIEW])?;
    let within = [caller.grants.reach("telephony:trunk:view"), caller.grants.reach(VIEW)];
    let walk =
        Walk { store: app.store.clone(), within, site: query.take("site.id"), carrier: query.take("carrier.id"), after: String::new() };
    query.finish()?;
    let chunks = futures_util::stream::try_unfold(walk, |mut walk| async move {
        let lines = walk.page().await.inspect_err(|error| tracing::error!(%error, "an export ended early"))?;
        Ok::<_, StoreError>(lines.map(|lines| (Bytes::from(lines), walk)))
    });
    Ok(([(header::CONTENT_TYPE, NDJSON)], Body::from_stream(chunks)).into_response())
}

/// A walk through trunks in the order of their ids.
struct Walk {
    store: Store,
    /// What the caller may see.
    within: [Reach; 2],
    site: Option<String>,
    carrier: Option<String>,
    after: String,
}

impl Walk {
    /// Returns the next lines; `None` at the end.
    async fn page(&mut self) -> Result<Option<String>, StoreError> {
        let mut state = self.store.snapshot().await?;
        let page = trunks::walk(&mut state, self.site.as_deref(), self.carrier.as_deref(), &self.after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after.clone_from(&last.meta.id);
        let ids: Vec<&str> = page.iter().map(|trunk| trunk.meta.id.as_str()).collect();
        let versions = credentials::versions_of(&mut state, &ids).await?;
        let mut lines = String::new();
        let seen = |trunk: &&Trunk| self.within.iter().all(|reach| reach.covers(&Place::trunk(trunk)));
        for trunk in page.iter().filter(seen) {
            let active = versions.get(&trunk.meta.id).into_iter().flatten().find(|version| version.state == VersionState::Active);
            lines.push_str(&line(trunk, active).to_string());
            lines.push('\n');
        }
        Ok(Some(lines))
    }
}

/// A trunk as a line of an import. What the server keeps of it (version, times) is left out: another server counts anew.
fn line(trunk: &Trunk, active: Option<&Version>) -> Value {
    let mut fields = Map::new();
    if let Value::Object(shown) = show_trunk(trunk) {
        fields = shown;
    }
    fields.retain(|name, _| TrunkForm::is_given(name));
    let mut line = json!({ "trunk": fields });
    if let Some(active) = active {
        let mut shown = json!({ "username": active.username, "passwordSet": true });
        // What was asked for, not what was learnt: the next carrier's answer may teach something else.
        if let Some(realm) = &active.realm {
            shown["realm"] = realm.clone().into();
        }
        if let Some(algorithm) = &active.algorithm {
            shown["algorithm"] = algorithm.clone().into();
        }
        line["credentials"] = shown;
    }
    line
}
