//! POST /api/v2/trunks/voice/registrations: sets the credentials of a trunk, and answers with what came of it.

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use link::{Generation, RegistrationState, Secret, TrunkStatus};
use secrecy::SecretString;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::fleet::{Happening, Watch};
use super::form::{self, Fault, Posted};
use super::object::PATH;
use super::refusal::{message, refusal};
use super::running::{Progress, Settled};
use super::{Registrations, versions};
use crate::access::Caller;
use crate::http::{App, JsonBody};
use crate::problem::Problem;
use crate::store::idempotency::{self, Answer};
use crate::store::now;

/// What one must be allowed to write credentials.
pub const EDIT: &str = "telephony:trunkCredential:edit";

/// So long is the carrier waited for where the caller does not say.
const WAIT: Duration = Duration::from_secs(10);
/// So long at most.
const WAIT_MAX: Duration = Duration::from_secs(40);
/// An edge tells of a trunk's new state at most 250 ms after it happened; so long is that waited for once the carrier has accepted.
const STATUS: Duration = Duration::from_millis(600);
/// Longest Idempotency-Key.
pub const KEY_CHARS_MAX: usize = 255;

/// POST /registrations.
pub(super) async fn post(State(app): State<App>, caller: Caller, headers: HeaderMap, JsonBody(map): JsonBody) -> Result<Response, Problem> {
    caller.require_somewhere(EDIT)?;
    if let Some(trunk) = map.get("trunkId").and_then(Value::as_str) {
        caller.require_trunk(&app, &[EDIT], trunk).await?;
    }
    let registrations = &app.registrations;
    let key = idempotency_key(&headers)?;
    let request_mac = key.is_some().then(|| registrations.request_mac(&map));
    if let (Some(key), Some(mac)) = (&key, &request_mac)
        && let Some(answer) = registrations.replay(&caller, key, mac).await?
    {
        return Ok(answer);
    }
    let outcome = registrations.answer(&caller, map, prefer_wait(&headers).unwrap_or(WAIT)).await;
    let kept = match &outcome {
        Ok(answered) => answered.clone(),
        // Refusals of the moment are not kept: the same request makes sense again.
        Err(problem) if is_of_the_moment(problem.status()) => return Err(problem.clone()),
        Err(problem) => Answered { status: problem.status(), location: None, body: problem.body() },
    };
    let answer = Answer {
        request_mac: request_mac.unwrap_or_default(),
        status: kept.status.as_u16(),
        location: kept.location,
        body: kept.body.to_string(),
    };
    if let Some(key) = key {
        registrations.keep_answer(&caller, &key, &answer).await?;
    }
    outcome?;
    response(answer, false)
}

/// Held, being verified, no edge, too many: these pass, without a change of the request.
fn is_of_the_moment(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS)
}

/// An answer before it is sent.
#[derive(Clone)]
pub(super) struct Answered {
    status: StatusCode,
    location: Option<String>,
    body: Value,
}

impl Registrations {
    pub(super) async fn answer(&self, caller: &Caller, map: Map<String, Value>, wait: Duration) -> Result<Answered, Problem> {
        let deadline = Instant::now() + wait;
        let named = map.get("trunkId").and_then(Value::as_str).map(str::to_owned);
        let posted = Posted::read(map).map_err(|faults| malformed(faults, named.as_deref()))?;
        let trunk = posted.trunk.clone();
        // From before anything is sent, so that nothing is missed.
        let mut watch = self.inner.fleet.observed().watch(&trunk);
        let progress = self.set(caller.origin(), posted, deadline).await?;
        let settled = match until_settled(progress, deadline).await? {
            Progress::Settled(settled) => settled,
            Progress::Checking => return Err(Problem::internal("a turn ended undecided")),
            Progress::Verifying(version) => return self.still_verifying(&trunk, version).await,
        };
        let first = match settled {
            Settled::Refused(problem) => return Err(problem),
            Settled::Unchanged => false,
            Settled::Kept { first } => first,
            Settled::Promoted { version, generation, first } => {
                if let Some(generation) = generation {
                    self.until_registered(&mut watch, &trunk, version, generation, deadline).await?;
                }
                first
            }
        };
        let body = self.shown(&trunk).await?;
        let location = first.then(|| format!("{PATH}/{trunk}"));
        Ok(Answered { status: if first { StatusCode::CREATED } else { StatusCode::OK }, location, body })
    }

    /// The carrier takes longer than the caller waits; the verification goes on.
    async fn still_verifying(&self, trunk: &str, version: u32) -> Result<Answered, Problem> {
        let body = self.version(trunk, version).await?;
        Ok(Answered { status: StatusCode::ACCEPTED, location: Some(versions::path(trunk, version)), body })
    }

    /// Waits until the edge has registered with the new version, or cannot for the time being. A refusal that went back to the version
    /// before is the caller's to know.
    async fn until_registered(
        &self,
        watch: &mut Watch,
        trunk: &str,
        version: u32,
        generation: Generation,
        deadline: Instant,
    ) -> Result<(), Problem> {
        let seen = self.inner.fleet.observed().with(trunk, |seen| seen.iter().any(|seen| is_settled(&seen.status, version, generation)));
        if seen {
            return Ok(());
        }
        let mut until = deadline;
        while let Ok(Some(happening)) = timeout_at(until, watch.next()).await {
            match happening {
                Happening::Status(status) if is_settled(&status, version, generation) => return Ok(()),
                Happening::Accepted { generation: of, version: accepted } if accepted == version && of >= generation => {
                    until = until.min(Instant::now() + STATUS);
                }
                Happening::Refused { version: refused, rolled_back: true, diagnosis, .. } if refused == version => {
                    let settings = self.settings(trunk).await?;
                    return Err(refusal(&settings.trunk, *diagnosis));
                }
                Happening::Refused { generation: of, version: refused, .. } if refused == version && of >= generation => {
                    until = until.min(Instant::now() + STATUS);
                }
                Happening::Status(_) | Happening::Accepted { .. } | Happening::Refused { .. } => {}
            }
        }
        Ok(())
    }

    fn request_mac(&self, map: &Map<String, Value>) -> String {
        // A map of JSON values has text for keys, so this cannot fail.
        let text = serde_json::to_string(map).unwrap_or_default();
        self.mac("Idempotency-Key", &Secret::Password(SecretString::from(text)))
    }

    async fn replay(&self, caller: &Caller, key: &str, mac: &str) -> Result<Option<Response>, Problem> {
        let mut reader = self.inner.store.read().await?;
        match idempotency::find(&mut reader, &caller.client.meta.id, key, now()).await? {
            None => Ok(None),
            Some(answer) if answer.request_mac == mac => response(answer, true).map(Some),
            Some(_) => {
                let message = "This Idempotency-Key was used for another request within 24 hours; take a new one.";
                Err(Problem::invalid("Idempotency-Key", message))
            }
        }
    }

    async fn keep_answer(&self, caller: &Caller, key: &str, answer: &Answer) -> Result<(), Problem> {
        let mut tx = self.inner.store.begin(&caller.origin()).await?;
        let now = tx.now();
        idempotency::keep(tx.connection(), &caller.client.meta.id, key, answer, now).await?;
        Ok(tx.commit().await?)
    }
}

/// Waits until it is decided, or the carrier is being asked and the deadline has passed.
async fn until_settled(mut progress: watch::Receiver<Progress>, deadline: Instant) -> Result<Progress, Problem> {
    loop {
        let now = progress.borrow_and_update().clone();
        let changed = match &now {
            Progress::Settled(_) => return Ok(now),
            // What is checked here takes moments, the carrier may take long.
            Progress::Checking => progress.changed().await,
            Progress::Verifying(_) => match timeout_at(deadline, progress.changed()).await {
                Ok(changed) => changed,
                Err(_) => return Ok(now),
            },
        };
        if changed.is_err() {
            // The turn is over; what it said last counts.
            return Ok(progress.borrow().clone());
        }
    }
}

/// Tells whether the edge has come to an end with this version: registered, or waiting for something.
fn is_settled(status: &TrunkStatus, version: u32, generation: Generation) -> bool {
    let at_work = matches!(
        status.state,
        RegistrationState::Pending | RegistrationState::Registering | RegistrationState::Refreshing | RegistrationState::Unregistering
    );
    status.generation >= generation && status.credential_version == Some(version) && !at_work
}

/// 400 with all faults of form, in the words that operators know.
pub(super) fn malformed(faults: Vec<Fault>, trunk: Option<&str>) -> Problem {
    let problem = form::problem(faults);
    match trunk {
        Some(trunk) if problem.diagnosis().is_some() => problem.message(message(trunk)).entity(trunk, None),
        Some(trunk) => problem.entity(trunk, None),
        None => problem,
    }
}

/// Reads `Prefer: wait=N` (RFC 7240 4.3), bounded.
pub(super) fn prefer_wait(headers: &HeaderMap) -> Option<Duration> {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split([',', ';']));
    let waits = preferences.filter_map(|preference| preference.split_once('='));
    let seconds = waits
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))
        .find_map(|(_, value)| value.trim().trim_matches('"').parse().ok());
    seconds.map(|seconds: u32| Duration::from_secs(seconds.into()).min(WAIT_MAX))
}

/// Reads the caller's Idempotency-Key.
///
/// # Errors
/// 400 where it is empty or too long.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > KEY_CHARS_MAX {
        return Err(Problem::invalid("Idempotency-Key", format!("An Idempotency-Key is 1 to {KEY_CHARS_MAX} visible ASCII characters.")));
    }
    Ok(Some(key.to_owned()))
}

fn response(answer: Answer, replayed: bool) -> Result<Response, Problem> {
    let tag = serde_json::from_str::<Value>(&answer.body).ok().and_then(|body| body["version"].as_i64());
    let mut response = Response::builder().status(answer.status).header(header::CONTENT_TYPE, "application/json");
    if let Some(location) = answer.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
        response = response.header(header::LOCATION, location);
    }
    if let Some(tag) = tag {
        response = response.header(header::ETAG, format!("\"{tag}\""));
    }
    if replayed {
        response = response.header("Idempotency-Replayed", "true");
    }
    response.body(Body::from(answer.body)).map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use super::super::fleet::tests::status;
    use super::*;

    #[test]
    fn prefer_wait_is_read_and_bounded() {
        for (value, seconds) in [("wait=3", 3), ("respond-async, wait=0", 0), ("wait=100", 40), ("WAIT = 7", 7), ("wait=\"5\"", 5)] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            assert_eq!(prefer_wait(&headers), Some(Duration::from_secs(seconds)), "{value}");
        }
        for value in ["wait=x", "respond-async", "wait"] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(value));
            assert_eq!(prefer_wait(&headers), None, "{value}");
        }
    }

    #[test]
    fn an_edge_is_waited_for_until_it_has_used_the_new_version() {
        let generation = Generation { incarnation: 1, number: 5 };
        let of = |number, state, version| TrunkStatus { credential_version: version, ..status("t1", number, state) };
        use RegistrationState::{Refreshing, Registered, RetryWait};
        assert!(is_settled(&of(5, Registered, Some(2)), 2, generation));
        assert!(is_settled(&of(6, RetryWait, Some(2)), 2, generation));
        assert!(!is_settled(&of(5, Registered, Some(1)), 2, generation), "still the old binding");
        assert!(!is_settled(&of(4, Registered, Some(2)), 2, generation));
        assert!(!is_settled(&of(5, Refreshing, Some(2)), 2, generation));
    }
}
