//! GET of attempts: those of a trunk, those with credentials of no trunk, and one of either.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use link::Attempt;

use super::show::{summary, whole};
use crate::access::Caller;
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::store::attempts::{self, Filter, SORTINGS};
use crate::store::trunks;

/// What one must be allowed to see that there was an attempt, and how it ended.
const VIEW: &str = "telephony:trunk:view";
/// What one must be allowed to see what was sent.
pub(super) const TRACE: &str = "telephony:trace:view";

/// GET /registrations/{trunkId}/attempts.
pub async fn list(state: State<App>, caller: Caller, Path(trunk): Path<String>, uri: Uri, query: Query) -> Result<Response, Problem> {
    page(state, &caller, Some(&trunk), &uri, query).await
}

/// GET /registrations/verify/attempts.
pub async fn list_ad_hoc(state: State<App>, caller: Caller, uri: Uri, query: Query) -> Result<Response, Problem> {
    page(state, &caller, None, &uri, query).await
}

/// GET /registrations/{trunkId}/attempts/{attemptId}.
pub async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((trunk, id)): Path<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    show(&app, &caller, Some(&trunk), &id, query).await
}

/// GET /registrations/verify/attempts/{attemptId}.
pub async fn one_ad_hoc(State(app): State<App>, caller: Caller, Path(id): Path<String>, query: Query) -> Result<Response, Problem> {
    show(&app, &caller, None, &id, query).await
}

async fn page(State(app): State<App>, caller: &Caller, trunk: Option<&str>, uri: &Uri, mut query: Query) -> Result<Response, Problem> {
    require(&app, caller, VIEW, trunk).await?;
    let paging = listing::newest_first(&mut query, SORTINGS)?;
    let kind = match query.take("kind") {
        None => None,
        Some(word) => Some(attempts::kind(&word).ok_or_else(|| {
            Problem::invalid("kind", format!("kind: {word:?} is none of firstRegistration, refresh, removal and verification."))
        })?),
    };
    let filter = Filter {
        kind,
        code: query.take("code"),
        accepted: query.take_bool("accepted")?,
        from: query.take_time("from")?,
        to: query.take_time("to")?,
    };
    query.finish()?;
    let page = app.registrations.attempts(trunk, &paging, filter).await?;
    Ok(answer(listing::listing(uri, &paging, page, |kept| summary(&kept))))
}

async fn show(app: &App, caller: &Caller, trunk: Option<&str>, id: &str, query: Query) -> Result<Response, Problem> {
    require(app, caller, VIEW, trunk).await?;
    query.finish()?;
    let traces = match trunk {
        Some(trunk) => caller.may_with(app, TRACE, trunk).await?,
        None => caller.grants.everywhere(TRACE),
    };
    Ok(answer(whole(&app.registrations.attempt(trunk, id).await?, traces)))
}

/// Refuses what the caller may not do with the attempts of a trunk; those of no trunk are the organisation's.
pub(super) async fn require(app: &App, caller: &Caller, permission: &str, trunk: Option<&str>) -> Result<(), Problem> {
    match trunk {
        Some(trunk) => caller.require_trunk(app, &[permission], trunk).await,
        None => caller.require(permission),
    }
}

impl Registrations {
    async fn attempts(
        &self,
        trunk: Option<&str>,
        paging: &crate::store::Paging,
        filter: Filter,
    ) -> Result<crate::store::Page<attempts::Kept>, Problem> {
        self.inner.attempts.settled().await;
        let mut state = self.inner.store.snapshot().await?;
        if let Some(trunk) = trunk
            && trunks::find(&mut state, trunk).await?.is_none()
        {
            return Err(Problem::not_found("trunk", trunk));
        }
        Ok(attempts::page(&mut state, trunk, paging, filter).await?)
    }

    /// Returns an attempt of a trunk, or of no trunk.
    ///
    /// # Errors
    /// 404 where there is no such attempt, or no longer.
    pub(super) async fn attempt(&self, trunk: Option<&str>, id: &str) -> Result<Attempt, Problem> {
        self.inner.attempts.settled().await;
        let found = attempts::find(&mut *self.inner.store.read().await?, trunk, id).await?;
        let gone =
            || Problem::not_found("attempt", id).message(format!("There is no attempt {id:?}, or it is so old that it is no longer kept."));
        found.ok_or_else(gone)
    }
}
