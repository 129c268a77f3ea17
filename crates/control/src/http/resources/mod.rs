//! The routes of the plain resources, one noun a file.

mod carriers;
mod edges;
pub mod form;
mod organization;
mod sites;
mod trunk_form;
mod trunks;
mod undo;

use axum::Router;

use super::App;

pub use trunk_form::{Places, TrunkForm};
pub(crate) use trunks::{delete_one as delete_trunk, may_change, may_put, show as show_trunk};

/// The routes of all plain resources.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .merge(organization::routes())
        .merge(sites::routes())
        .merge(edges::routes())
        .merge(carriers::routes())
        .merge(trunks::routes())
        .merge(undo::routes())
}
