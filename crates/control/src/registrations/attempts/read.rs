//! GET of attempts: those of a trunk, those with credentials of no trunk, and one of either.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use link::Attempt;

use super::show::{summary, whole};
use crate::access::Caller;
use crate::domain::Place;
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::registrations::verify::VERIFY;
use crate::store::attempts::{self, Filter, SORTINGS};
use crate::store::reach::Condition;
use crate::store::{askers, trunks};

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
    let within = match trunk {
        Some(trunk) => caller.require_trunk(&app, &[VIEW], trunk).await.map(|()| None)?,
        None => {
            may_have_asked(caller, VIEW)?;
            askers::readable(&caller.client.meta.id, &caller.grants.reach(VIEW))
        }
    };
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
    let page = app.registrations.attempts(trunk, &paging, filter, within).await?;
    Ok(answer(listing::listing(uri, &paging, page, |kept| summary(&kept))))
}

async fn show(app: &App, caller: &Caller, trunk: Option<&str>, id: &str, query: Query) -> Result<Response, Problem> {
    require(app, caller, VIEW, trunk, id).await?;
    query.finish()?;
    let traces = match trunk {
        Some(trunk) => caller.may_with(app, TRACE, trunk).await?,
        None => require(app, caller, TRACE, None, id).await.is_ok(),
    };
    Ok(answer(whole(&app.registrations.attempt(trunk, id).await?, traces)))
}

/// Refuses what the caller may not do with an attempt. One of no trunk is the organisation's, and its carrier's where a profile named the
/// target; who asked sees it too, and what was sent if they may see traces anywhere. To others there is none.
pub(super) async fn require(app: &App, caller: &Caller, permission: &'static str, trunk: Option<&str>, id: &str) -> Result<(), Problem> {
    if let Some(trunk) = trunk {
        return caller.require_trunk(app, &[permission], trunk).await;
    }
    may_have_asked(caller, permission)?;
    let grants = &caller.grants;
    if grants.everywhere(permission) {
        return Ok(());
    }
    let asker = askers::find(&mut *app.store.read().await?, id).await?;
    let is_own = asker.as_ref().is_some_and(|asker| asker.client == caller.client.meta.id);
    let carrier = asker.as_ref().and_then(|asker| asker.carrier.as_deref());
    let holds = |permission: &str| grants.everywhere(permission) || carrier.is_some_and(|id| grants.on(permission, &Place::Carrier(id)));
    if holds(permission) || (is_own && (permission == VIEW || !grants.reach(permission).is_nothing())) {
        return Ok(());
    }
    Err(if is_own || holds(VIEW) { Problem::missing_permissions([permission]) } else { gone(id) })
}

/// Refuses who may neither ask carriers nor see trunks, before anything is looked up.
fn may_have_asked(caller: &Caller, permission: &'static str) -> Result<(), Problem> {
    let asks = [VIEW, TRACE, VERIFY].iter().any(|permission| !caller.grants.reach(permission).is_nothing());
    if asks { Ok(()) } else { Err(Problem::missing_permissions([permission])) }
}

fn gone(id: &str) -> Problem {
    Problem::not_found("attempt", id).message(format!("There is no attempt {id:?}, or it is so old that it is no longer kept."))
}

impl Registrations {
    async fn attempts(
        &self,
        trunk: Option<&str>,
        paging: &crate::store::Paging,
        filter: Filter,
        within: Option<Condition>,
    ) -> Result<crate::store::Page<attempts::Kept>, Problem> {
        self.inner.attempts.settled().await;
        let mut state = self.inner.store.snapshot().await?;
        if let Some(trunk) = trunk
            && trunks::find(&mut state, trunk).await?.is_none()
        {
            return Err(Problem::not_found("trunk", trunk));
        }
        Ok(attempts::page(&mut state, trunk, paging, filter, within).await?)
    }

    /// Returns an attempt of a trunk, or of no trunk.
    ///
    /// # Errors
    /// 404 where there is no such attempt, or no longer.
    pub(super) async fn attempt(&self, trunk: Option<&str>, id: &str) -> Result<Attempt, Problem> {
        self.inner.attempts.settled().await;
        let found = attempts::find(&mut *self.inner.store.read().await?, trunk, id).await?;
        found.ok_or_else(|| gone(id))
    }
}
