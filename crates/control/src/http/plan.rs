//! POST of a fleet plan: what a fleet would ask of its carriers while something happens to it. Nothing is sent, and nothing is kept.
//!
//! The planner itself is passed in by whoever starts the control plane, which knows no simulation. One plan is made at a time, on one thread
//! and within a deadline, so that planning takes no more than a part of the machine from what is real.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::{App, answer};
use crate::access::Caller;
use crate::http::json::JsonBody;
use crate::problem::Problem;
use crate::registrations::VIEW;

/// Where plans are made.
const PATH: &str = "/api/v2/plan";
/// So many trunks may a plan have; a trunk takes about a hundred bytes while it is planned. The command line has no such limit.
pub const TRUNKS_MAX: u64 = 2_000_000;
/// So long may planning take.
const PATIENCE: Duration = Duration::from_secs(10);
/// So long is the plan of somebody else waited for.
const QUEUE: Duration = Duration::from_secs(10);

/// Plans a fleet: takes the call's body, and a question to be asked now and then whether to go on.
#[derive(Clone)]
pub struct Planner(Arc<Plan>);

type Plan = dyn Fn(Value, &(dyn Fn() -> bool + Sync)) -> Result<Value, Unplanned> + Send + Sync;

/// Why a fleet is not planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unplanned {
    /// The field that it is about.
    pub field: String,
    /// In words.
    pub text: String,
}

impl Planner {
    /// Plans by this function.
    pub fn new(plan: impl Fn(Value, &(dyn Fn() -> bool + Sync)) -> Result<Value, Unplanned> + Send + Sync + 'static) -> Self {
        Planner(Arc::new(plan))
    }
}

impl fmt::Debug for Planner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Planner")
    }
}

/// The planner, if there is one, and whose turn it is.
#[derive(Debug)]
pub struct Planning {
    planner: Option<Planner>,
    turn: Arc<Semaphore>,
}

impl Planning {
    pub fn new(planner: Option<Planner>) -> Self {
        Planning { planner, turn: Arc::new(Semaphore::new(1)) }
    }
}

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, post(plan))
}

async fn plan(State(app): State<App>, caller: Caller, JsonBody(form): JsonBody) -> Result<Response, Problem> {
    caller.require_somewhere(VIEW)?;
    let Some(Planner(plan)) = app.planning.planner.clone() else { return Err(Problem::not_found("planner", "of this server")) };
    let trunks = |carrier: &Value| carrier["trunks"].as_u64().unwrap_or_default();
    let trunks = form.get("carriers").and_then(Value::as_array).into_iter().flatten().map(trunks).fold(0, u64::saturating_add);
    if trunks > TRUNKS_MAX {
        let text = format!("carriers: {trunks} trunks are more than {TRUNKS_MAX}. `trunkline plan` on the command line plans more.");
        return Err(Problem::invalid("carriers", text));
    }
    let busy = || Problem::too_many_requests(5, "Another plan is being made. Ask again in a moment.");
    let turn = Arc::clone(&app.planning.turn).acquire_owned();
    let turn = tokio::time::timeout(QUEUE, turn).await.map_err(|_| busy())?.map_err(|_| busy())?;
    let begun = Instant::now();
    let planned = tokio::task::spawn_blocking(move || {
        // The plan goes on where nobody waits for it any more, and so does its turn.
        let _turn = turn;
        plan(Value::Object(form), &|| begun.elapsed() < PATIENCE)
    });
    let planned = planned.await.map_err(Problem::internal)?;
    planned.map(answer).map_err(|unplanned| Problem::invalid(unplanned.field, unplanned.text))
}
