//! The pages, a file each.

mod access;
mod attempt;
mod audit;
mod bulk;
mod carriers;
mod credentials;
mod diagnoses;
mod edges;
mod events;
mod live;
mod overview;
mod sign_in;
mod trunk;
mod trunks;

use axum::Router;
use axum::routing::{get, post};

use crate::Console;

/// Where registrations are in the API.
const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// All pages of the console.
pub fn routes() -> Router<Console> {
    Router::new()
        .route("/", get(overview::page))
        .route("/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/sign-out", post(sign_in::leave))
        .route("/live", get(live::events))
        .route("/trunks", get(trunks::page))
        .route("/trunks/actions", post(trunks::act))
        .route("/trunks/{trunk}", get(trunk::page))
        .route("/trunks/{trunk}/actions/{action}", post(trunk::act))
        .route("/trunks/{trunk}/credentials", get(credentials::page).post(credentials::set))
        .route("/trunks/{trunk}/learn", post(credentials::learn))
        .route("/trunks/{trunk}/rollback", post(credentials::rollback))
        .route("/trunks/{trunk}/attempts/{attempt}", get(attempt::page))
        .route("/trunks/{trunk}/attempts/{attempt}/pcapng", get(attempt::pcapng))
        .route("/trunks/{trunk}/attempts/{attempt}/report", get(attempt::report))
        .route("/carriers", get(carriers::list))
        .route("/carriers/{carrier}", get(carriers::one))
        .route("/edges", get(edges::page))
        .route("/events", get(events::page))
        .route("/bulk", get(bulk::page).post(bulk::begin))
        .route("/bulk/{job}", get(bulk::job))
        .route("/access", get(access::page))
        .route("/audit", get(audit::page))
        .route("/diagnoses", get(diagnoses::list))
        .route("/diagnoses/{code}", get(diagnoses::one))
}
