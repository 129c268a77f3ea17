//! `/metrics`: what a Prometheus server scrapes, in its text format. No label has a trunk's id or anything else that callers make up without end.

use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use link::Sites;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;
use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, TextEncoder};

use super::{App, Query};
use crate::access::Caller;
use crate::problem::Problem;
use crate::store;

/// Who may see registrations everywhere may see their sums.
const VIEW: &str = "telephony:trunkRegistration:view";
/// Upper bounds in seconds: a read is below a hundredth, a live verification takes up to 40 s.
const SECONDS: [f64; 8] = [0.005, 0.02, 0.05, 0.2, 1.0, 5.0, 20.0, 60.0];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/metrics", get(scrape))
}

/// What is counted of requests, by the route as the document has it: a path of its own has no label of its own.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    answered: IntCounterVec,
    seconds: HistogramVec,
}

/// A request that is being answered.
pub(super) struct Asked {
    method: &'static str,
    route: String,
}

impl Asked {
    pub(super) fn new(request: &Request) -> Self {
        // A method may be any word that a caller makes up.
        let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        let method = known.into_iter().find(|known| request.method() == known).unwrap_or("other");
        let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
        Asked { method, route }
    }
}

impl Requests {
    pub(crate) fn new() -> Self {
        let answered = Opts::new("trunkline_http_requests_total", "Requests that were answered, by route and status.");
        let seconds = HistogramOpts::new("trunkline_http_request_duration_seconds", "Time until the answer began, by route.");
        Requests {
            answered: IntCounterVec::new(answered, &["method", "route", "code"]).expect("names of Prometheus's form"),
            seconds: HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["method", "route"]).expect("names of Prometheus's form"),
        }
    }

    pub(super) fn count(&self, asked: &Asked, status: StatusCode, took: Duration) {
        self.answered.with_label_values(&[asked.method, &asked.route, status.as_str()]).inc();
        self.seconds.with_label_values(&[asked.method, &asked.route]).observe(took.as_secs_f64());
    }
}

async fn scrape(State(app): State<App>, caller: Caller, query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    query.finish()?;
    let mut families = counted(&app);
    families.extend(standing(&app).await?);
    // The text format groups by name.
    families.sort_by(|a, b| a.name().cmp(b.name()));
    families.retain(|family| !family.get_metric().is_empty());
    let (mut text, encoder) = (Vec::new(), TextEncoder::new());
    encoder.encode(&families, &mut text).map_err(Problem::internal)?;
    Ok(([(header::CONTENT_TYPE, encoder.format_type())], text).into_response())
}

/// What only grows.
fn counted(app: &App) -> Vec<MetricFamily> {
    let mut families = ProcessCollector::for_self().collect();
    families.extend(app.requests.answered.collect());
    families.extend(app.requests.seconds.collect());
    families.extend(app.registrations.counted());
    families
}

/// What is so at the moment.
async fn standing(app: &App) -> Result<Vec<MetricFamily>, Problem> {
    let gauge = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels).map_err(Problem::internal);
    let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let trunks = gauge("trunkline_trunks", "Trunks by site, carrier and registration state.", &["site", "carrier", "state"])?;
    for of in app.registrations.counts().await? {
        trunks.with_label_values(&[&*of.site, &*of.carrier, of.state]).add(signed(of.trunks));
    }
    let online = gauge("trunkline_edge_online", "1 for each edge that is attached.", &["edge", "site", "version"])?;
    let attached = gauge("trunkline_edge_attached_timestamp_seconds", "Since when an edge is attached.", &["edge"])?;
    for edge in app.registrations.fleet().edges() {
        let site = match &edge.hello.sites {
            Sites::One(site) => site.as_str(),
            Sites::Unserved => "",
        };
        online.with_label_values(&[edge.id(), site, &edge.hello.version]).set(1);
        attached.with_label_values(&[edge.id()]).set(edge.since / 1_000_000);
    }
    let database = IntGauge::new("trunkline_database_bytes", "Size of the database file, its free pages included.");
    let database = database.map_err(Problem::internal)?;
    database.set(store::size(&mut *app.store.read().await?).await?);
    let build = gauge("trunkline_build_info", "1, with the version of the control plane.", &["version"])?;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    let all: [&dyn Collector; 5] = [&trunks, &online, &attached, &database, &build];
    Ok(all.into_iter().flat_map(Collector::collect).collect())
}
