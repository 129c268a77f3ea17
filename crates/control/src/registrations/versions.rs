//! Credential versions: listed, shown, promoted and rolled back by hand.

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use diagnosis::Code;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::list::VIEW;
use super::object::{PATH, diagnosis, negotiated, proxys};
use super::post::EDIT;
use super::refusal::{field, refusal};
use super::running::{Entry, Identity, Turn};
use super::transition::{self, Proof};
use super::version::{Version, VersionState};
use super::{Registrations, policy};
use crate::access::Caller;
use crate::audit::Origin;
use crate::domain::id;
use crate::http::{App, OptionalJsonBody, Query, answer, listing};
use crate::problem::Problem;
use crate::store::page::Key;
use crate::store::{Cursor, Page, Sorting, credentials, planned, trunks};
use crate::time::rfc3339;

/// The orders of a trunk's versions.
const SORTINGS: &[Sorting] = &[Sorting { name: "version", column: "version", number: true }];

/// Where a version is.
pub fn path(trunk: &str, version: u32) -> String {
    format!("{PATH}/{trunk}/credentials/{version}")
}

/// GET /registrations/{trunkId}/credentials.
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(trunk): Path<String>,
    uri: Uri,
    mut query: Query,
) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[VIEW], &trunk).await?;
    let paging = listing::paging(&mut query, SORTINGS)?;
    query.finish()?;
    let mut versions = app.registrations.versions(&trunk).await?;
    if paging.descending {
        versions.reverse();
    }
    let total = versions.len() as u64;
    if let Some(Key::Number(after)) = paging.after.as_ref().map(|after| &after.key) {
        let beyond = |number: i64| if paging.descending { number < *after } else { number > *after };
        versions.retain(|version| beyond(i64::from(version.version)));
    }
    let skip = if paging.walks { 0 } else { (paging.number as usize - 1) * paging.size as usize };
    let more = versions.len() > skip + paging.size as usize;
    let items: Vec<Version> = versions.into_iter().skip(skip).take(paging.size as usize).collect();
    let key = |version: &Version| Key::Number(i64::from(version.version));
    let next = items.last().filter(|_| more).map(|last| Cursor { key: key(last), id: key(last), total: None });
    let page = Page { items, total, next };
    Ok(answer(listing::listing(&uri, &paging, page, |version| body(&version))))
}

/// GET /registrations/{trunkId}/credentials/{version}.
pub(super) async fn one(
    State(app): State<App>,
    caller: Caller,
    Path((trunk, version)): Path<(String, String)>,
    query: Query,
) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[VIEW], &trunk).await?;
    query.finish()?;
    Ok(answer(app.registrations.version(&trunk, number(&trunk, &version)?).await?))
}

/// POST /registrations/{trunkId}/credentials/{version}/promote.
pub(super) async fn promote(
    State(app): State<App>,
    caller: Caller,
    Path((trunk, version)): Path<(String, String)>,
    OptionalJsonBody(map): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[EDIT], &trunk).await?;
    refuse_fields(&map)?;
    app.registrations.promote_by_hand(&caller.origin(), &trunk, number(&trunk, &version)?).await?;
    Ok(answer(app.registrations.shown(&trunk).await?))
}

/// POST /registrations/{trunkId}/credentials/rollback.
pub(super) async fn rollback(
    State(app): State<App>,
    caller: Caller,
    Path(trunk): Path<String>,
    OptionalJsonBody(map): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[EDIT], &trunk).await?;
    refuse_fields(&map)?;
    app.registrations.roll_back_by_hand(&caller.origin(), &trunk, None).await?;
    Ok(answer(app.registrations.shown(&trunk).await?))
}

/// POST /registrations/{trunkId}/credentials/{version}/rollback.
pub(super) async fn rollback_from(
    State(app): State<App>,
    caller: Caller,
    Path((trunk, version)): Path<(String, String)>,
    OptionalJsonBody(map): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[EDIT], &trunk).await?;
    refuse_fields(&map)?;
    app.registrations.roll_back_by_hand(&caller.origin(), &trunk, Some(number(&trunk, &version)?)).await?;
    Ok(answer(app.registrations.shown(&trunk).await?))
}

/// DELETE /registrations/{trunkId}/credentials/{version}.
pub(super) async fn withdraw(
    State(app): State<App>,
    caller: Caller,
    Path((trunk, version)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.require_trunk(&app, &[EDIT], &trunk).await?;
    app.registrations.withdraw(&caller.origin(), &trunk, number(&trunk, &version)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Registrations {
    /// Gives up a version that waits: planned or standby.
    async fn withdraw(&self, origin: &Origin, trunk: &str, number: u32) -> Result<(), Problem> {
        let _turn = self.turn(trunk, Instant::now()).await?;
        let mut tx = self.inner.store.begin(origin).await?;
        let found = credentials::version(tx.connection(), trunk, number).await?;
        let mut version = found.ok_or_else(|| unknown(trunk, &number.to_string()))?;
        let planned = planned::of(tx.connection(), &[trunk]).await?.remove(trunk).is_some_and(|plan| plan.version == number);
        let standby = match version.state {
            VersionState::Standby => true,
            VersionState::Staged => false,
            // Refused before a digest at its time, and tried again since.
            VersionState::Rejected if planned => false,
            state => {
                let message = format!(
                    "Version {number} is {state}; only a version that waits is withdrawn: STAGED, STANDBY, or one with activateAt."
                );
                return Err(Problem::conflict(message).entity(trunk, None));
            }
        };
        planned::remove(tx.connection(), trunk, number).await?;
        transition::enter(&mut tx, &mut version, VersionState::Retired, "retire").await?;
        credentials::tidy(tx.connection(), trunk).await?;
        if standby {
            transition::reassign(&mut tx, trunk).await?;
        }
        tx.commit().await?;
        self.inner.fleet.touch(trunk);
        Ok(())
    }

    async fn versions(&self, trunk: &str) -> Result<Vec<Version>, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        if trunks::find(&mut state, trunk).await?.is_none() {
            return Err(Problem::not_found("trunk", trunk));
        }
        Ok(credentials::versions(&mut state, trunk).await?)
    }

    /// Returns a version as the API shows it.
    ///
    /// # Errors
    /// 404 where there is no such trunk or version.
    pub(super) async fn version(&self, trunk: &str, version: u32) -> Result<Value, Problem> {
        let found = self.versions(trunk).await?.into_iter().find(|found| found.version == version);
        let found = found.ok_or_else(|| unknown(trunk, &version.to_string()))?;
        let mut shown = body(&found);
        if found.state == VersionState::Verifying {
            shown["stepsPassed"] = json!(self.inner.fleet.steps(trunk, version).unwrap_or_default());
        }
        Ok(shown)
    }

    /// Takes the turn for a trunk, waiting for whoever has it until `deadline`.
    ///
    /// # Errors
    /// 409 where it does not become free.
    pub(super) async fn turn(&self, trunk: &str, deadline: Instant) -> Result<Turn, Problem> {
        loop {
            // A MAC is hexadecimal, so this is the same as nobody's.
            let identity =
                Identity { username: String::new(), realm: None, algorithm: None, mac: id::generate(), standby: false, at: None };
            match self.inner.running.enter(trunk, identity) {
                Entry::Mine(turn) => return Ok(turn),
                Entry::Same(ongoing) | Entry::Other(ongoing) => {
                    if timeout_at(deadline, ongoing.over()).await.is_err() {
                        let message = "Credentials of this trunk are being verified; wait for their outcome.";
                        return Err(Problem::conflict(message).entity(trunk, None));
                    }
                }
            }
        }
    }

    async fn promote_by_hand(&self, origin: &Origin, trunk: &str, number: u32) -> Result<(), Problem> {
        let _turn = self.turn(trunk, Instant::now()).await?;
        let settings = self.settings(trunk).await?;
        let mut tx = self.inner.store.begin(origin).await?;
        let stored = credentials::stored(tx.connection(), trunk, number).await?;
        let Some(stored) = stored else {
            return match credentials::version(tx.connection(), trunk, number).await? {
                Some(_) => Err(Problem::conflict(format!("Version {number} is retired and its secret wiped; set the credentials again."))),
                None => Err(unknown(trunk, &number.to_string())),
            };
        };
        let version = stored.version;
        match version.state {
            VersionState::Active => return Ok(()),
            VersionState::Verifying => return Err(Problem::conflict(format!("Version {number} is being verified; wait for its outcome."))),
            VersionState::Staged | VersionState::Standby | VersionState::Previous | VersionState::Rejected | VersionState::Retired => {}
        }
        if let Some(algorithm) = version.effective_algorithm() {
            policy::check_asked(&settings.policy(), algorithm, Some(trunk)).map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
        }
        planned::remove(tx.connection(), trunk, number).await?;
        transition::promote(&mut tx, &version, kept(&version), "promote").await?;
        tx.commit().await?;
        self.inner.fleet.touch(trunk);
        Ok(())
    }

    async fn roll_back_by_hand(&self, origin: &Origin, trunk: &str, from: Option<u32>) -> Result<(), Problem> {
        let _turn = self.turn(trunk, Instant::now()).await?;
        let versions = self.versions(trunk).await?;
        if let Some(from) = from {
            match versions.iter().find(|version| version.version == from).map(|version| version.state) {
                None => return Err(unknown(trunk, &from.to_string())),
                Some(VersionState::Active) => {}
                Some(state) => return Err(Problem::conflict(format!("Version {from} is {state}; only the active one is rolled back."))),
            }
        }
        let previous = versions.into_iter().find(|version| version.state == VersionState::Previous);
        let previous = previous.ok_or_else(|| Problem::conflict("There is no previous version to go back to.").entity(trunk, None))?;
        let mut tx = self.inner.store.begin(origin).await?;
        transition::promote(&mut tx, &previous, kept(&previous), "rollback").await?;
        tx.commit().await?;
        self.inner.fleet.touch(trunk);
        Ok(())
    }
}

/// What a version has proved before stays so.
fn kept(version: &Version) -> Proof {
    Proof { negotiated: version.negotiated.clone(), authenticated: version.authenticated }
}

fn number(trunk: &str, text: &str) -> Result<u32, Problem> {
    text.parse().map_err(|_| unknown(trunk, text))
}

fn unknown(trunk: &str, version: &str) -> Problem {
    Problem::not_found("credential version", version).message(format!("Trunk {trunk} has no credential version {version}."))
}

/// Refuses a body where there is nothing to say.
pub(super) fn refuse_fields(map: &serde_json::Map<String, Value>) -> Result<(), Problem> {
    match map.keys().next() {
        None => Ok(()),
        Some(_) => Err(Problem::bad_request("This call takes no fields.")),
    }
}

/// A version as the API shows it.
fn body(version: &Version) -> Value {
    let mut body = json!({
        "id": version.version.to_string(),
        "version": version.version,
        "state": version.state,
        "username": version.username,
        "passwordSet": version.state != VersionState::Retired,
        "authenticated": version.authenticated,
        "dateCreated": rfc3339(version.created_at),
        "dateModified": rfc3339(version.changed_at),
        "selfUri": path(&version.trunk, version.version),
    });
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body[name] = value;
        }
    };
    put("realm", version.effective_realm().map(Value::from));
    put("algorithm", version.effective_algorithm().map(Value::from));
    put("ha1", (!version.ha1.is_empty()).then(|| version.ha1.clone().into()));
    put("proxyCredentials", version.proxy.as_ref().map(proxys));
    put("negotiated", version.negotiated.as_ref().map(negotiated));
    put("promotedAt", version.promoted_at.map(|at| rfc3339(at).into()));
    put("acceptedAt", version.accepted_at.map(|at| rfc3339(at).into()));
    put("diagnosis", version.diagnosis.as_ref().map(diagnosis));
    put("details", version.diagnosis.as_ref().map(|diagnosis| details(diagnosis.code)));
    body
}

/// Names the field of the request that a refusal speaks of, as the error body does.
fn details(code: Code) -> Value {
    let mut detail = json!({ "errorCode": code.as_str() });
    if let Some(field) = field(code) {
        detail["fieldName"] = field.into();
    }
    json!([detail])
}

#[cfg(test)]
mod tests {
    use diagnosis::Diagnosis;

    use super::super::version::tests::version;
    use super::*;

    #[test]
    fn a_version_is_shown_without_its_secret_and_without_nulls() {
        let rejected = Version { diagnosis: Some(Diagnosis::new(Code::RealmMismatch)), ..version(2, VersionState::Rejected) };
        let body = body(&rejected);
        assert_eq!((&body["version"], &body["state"], &body["passwordSet"]), (&json!(2), &json!("REJECTED"), &json!(true)));
        assert_eq!(body["diagnosis"]["code"], "sip.realm.mismatch");
        assert_eq!(body["details"][0]["fieldName"], "credentials.realm");
        assert_eq!(body["selfUri"], "/api/v2/trunks/voice/registrations/t1/credentials/2");
        assert!(!body.to_string().contains("null"), "{body}");
    }
}
