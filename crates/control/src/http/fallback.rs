//! What no route answers.

use axum::http::{Method, StatusCode, Uri};

use crate::problem::Problem;

/// 404 for a path that does not exist.
pub(super) async fn not_found(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not.found", format!("There is nothing at {}.", uri.path()))
}

/// 405 for a method that a path does not take.
pub(super) async fn method_not_allowed(method: Method, uri: Uri) -> Problem {
    let message = format!("{} does not take {method}; Allow says what it takes.", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method.not.allowed", message)
}
