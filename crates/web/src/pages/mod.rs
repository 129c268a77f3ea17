//! The pages, a file each.

mod access;
mod access_form;
mod attempt;
mod audit;
mod bulk;
mod carrier_form;
mod carriers;
mod credentials;
mod diagnoses;
mod edges;
mod events;
mod live;
mod overview;
mod plan;
mod report;
pub mod sign_in;
mod trunk;
mod trunks;

use axum::Router;
use axum::routing::{get, post};

use crate::{Console, oidc};

/// Where registrations are in the API.
const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// All pages of the console.
pub fn routes() -> Router<Console> {
    Router::new()
        .route("/", get(overview::page))
        .route("/sign-in", get(sign_in::page).post(sign_in::enter))
        .route("/sign-in/oidc", get(oidc::begin))
        .route(oidc::CALLBACK, get(oidc::callback))
        .route("/sign-out", post(sign_in::leave))
        .route("/live", get(live::events))
        .route("/trunks", get(trunks::page))
        .route("/actions", post(trunks::act))
        .route("/actions/{job}", get(trunks::job))
        .route("/actions/{job}/report", get(trunks::report))
        .route("/actions/{job}/{step}", post(trunks::steer))
        .route("/trunks/{trunk}", get(trunk::page))
        .route("/trunks/{trunk}/actions/{action}", post(trunk::act))
        .route("/trunks/{trunk}/credentials", get(credentials::page).post(credentials::set))
        .route("/trunks/{trunk}/report", get(report::page))
        .route("/trunks/{trunk}/learn", post(credentials::learn))
        .route("/trunks/{trunk}/rollback", post(credentials::rollback))
        .route("/trunks/{trunk}/attempts/{attempt}", get(attempt::page))
        .route("/trunks/{trunk}/attempts/{attempt}/pcapng", get(attempt::pcapng))
        .route("/trunks/{trunk}/attempts/{attempt}/report", get(attempt::report))
        .route("/carriers", get(carriers::list))
        .route("/new/carrier", get(carrier_form::new).post(carrier_form::create))
        .route("/carriers/{carrier}", get(carriers::one))
        .route("/carriers/{carrier}/edit", get(carrier_form::edit).post(carrier_form::change))
        .route("/carriers/{carrier}/delete", get(carrier_form::ask).post(carrier_form::delete))
        .route("/edges", get(edges::page))
        .route("/events", get(events::page))
        .route("/plan", get(plan::page))
        .route("/bulk", get(bulk::page).post(bulk::begin))
        .route("/bulk/{job}", get(bulk::job))
        .route("/bulk/{job}/report", get(bulk::report))
        .route("/bulk/{job}/{step}", post(bulk::steer))
        .route("/access", get(access::page))
        .route("/new/client", get(access_form::new_client).post(access_form::create_client))
        .route("/new/role", get(access_form::new_role).post(access_form::create_role))
        .route("/access/{kind}/{id}", get(access_form::edit).post(access_form::change))
        .route("/access/{kind}/{id}/delete", get(access_form::ask).post(access_form::delete))
        .route("/access/clients/{id}/secret", post(access_form::renew))
        .route("/audit", get(audit::page))
        .route("/diagnoses", get(diagnoses::list))
        .route("/diagnoses/{code}", get(diagnoses::one))
}
