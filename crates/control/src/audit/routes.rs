use axum::Router;

use crate::http::App;

/// Routes.
pub fn routes() -> Router<App> {
    Router::new()
}
