//! Bulk rotation: new credentials for many trunks, verified and promoted at a pace, and stopped where the carrier refuses too many.
//!
//! All secrets are staged, sealed, before the first carrier is asked. From then on the store alone says how far it is: a trunk is asked
//! about only while its version is staged, and that changes in a transaction before anything is sent. So a stop in the middle costs no
//! second digest.

mod intake;
mod rollout;
mod runner;
mod show;
mod state;

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub use self::state::{ItemState, RotationState};
use super::list::VIEW;
use super::object::PATH;
use super::post::EDIT;
use super::versions::refuse_fields;
use crate::access::Caller;
use crate::http::{App, OptionalJsonBody, Query, answer};
use crate::problem::Problem;

/// So many trunks a second where the caller does not say.
const PER_SECOND: u32 = 10;
/// So many at most.
pub const PER_SECOND_MAX: u32 = 1_000;
/// Millionths; where the caller does not say.
const FAILURE_SHARE: u32 = 50_000;

/// How fast a rotation goes, and when it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    per_second: u32,
    /// Millionths.
    failure_share: u32,
}

impl Pace {
    /// Takes `perSecond` and `maxFailureShare`.
    pub(super) fn take(query: &mut Query) -> Result<Self, Problem> {
        let per_second = query.take_number("perSecond")?.unwrap_or(PER_SECOND);
        if per_second == 0 || per_second > PER_SECOND_MAX {
            return Err(Problem::invalid("perSecond", format!("perSecond is 1 to {PER_SECOND_MAX}.")));
        }
        let failure_share = match query.take("maxFailureShare") {
            None => FAILURE_SHARE,
            Some(text) => {
                let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
                let wrong = || Problem::invalid("maxFailureShare", "maxFailureShare is 0 to 1, such as 0.05.");
                // Within 0 to a million by the check above.
                (share.ok_or_else(wrong)? * 1_000_000.0).round() as u32
            }
        };
        Ok(Pace { per_second, failure_share })
    }
}

/// The rotations that have a task.
#[derive(Debug, Default)]
pub(super) struct Runners(Mutex<HashSet<String>>);

impl Runners {
    /// Tells whether it is the caller's now.
    fn enter(&self, id: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id.to_owned())
    }

    fn leave(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }
}

/// GET /registrations/bulk/{jobId}/report: what came of it, as a text.
pub(super) async fn report(State(app): State<App>, caller: Caller, Path(job): Path<String>, query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    query.finish()?;
    let owner = (!seen.is_everywhere()).then_some(caller.client.meta.id.as_str());
    let text = app.registrations.rotation_report(&job, owner).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], text).into_response())
}

/// POST /registrations/bulk/{jobId}/{action}.
pub(super) async fn act(
    State(app): State<App>,
    caller: Caller,
    Path((job, action)): Path<(String, String)>,
    OptionalJsonBody(map): OptionalJsonBody,
) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(EDIT)?;
    let owner = (!seen.is_everywhere()).then_some(caller.client.meta.id.as_str());
    refuse_fields(&map)?;
    let to = match action.as_str() {
        "pause" => RotationState::Paused,
        "resume" => RotationState::Running,
        "cancel" => RotationState::Cancelled,
        other => {
            let message = format!("There is no action {other:?}; pause, resume and cancel are known.");
            return Err(Problem::new(StatusCode::NOT_FOUND, "not.found", message));
        }
    };
    app.registrations.steer(&caller.origin(), owner, &job, to).await?;
    let shown = app.registrations.rotation(&job, owner, 0).await?.ok_or_else(|| Problem::not_found("rotation", &job))?;
    Ok((StatusCode::ACCEPTED, answer(shown)).into_response())
}

/// Where a rotation is.
fn path(id: &str) -> String {
    format!("{PATH}/bulk/{id}")
}
