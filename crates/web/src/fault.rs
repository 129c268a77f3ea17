use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde_json::Value;

use crate::api::escape;
use crate::{page, parts, words};

/// Why a page is not shown.
#[derive(Debug)]
pub enum Fault {
    /// Nobody is signed in.
    SignIn {
        /// Where to go after.
        next: Option<String>,
    },
    /// The API says no, in its own words.
    Refused {
        /// With this status.
        status: StatusCode,
        /// The error body.
        body: Value,
    },
    /// The form is not one of ours, or of an ended session.
    ForeignForm,
    /// Too much is under way already.
    Busy,
    /// There is no such page.
    Missing,
    /// The system gives no randomness.
    NoRandomness,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let (status, title, text, body) = match self {
            Fault::SignIn { next } => {
                // Only our own paths: a link of somebody else must not lead away after the sign-in.
                let next = next.filter(|next| next.starts_with('/') && !next.starts_with("//") && next != "/");
                let to = next.map_or_else(|| "/sign-in".to_owned(), |next| format!("/sign-in?next={}", escape(&next)));
                return Redirect::to(&to).into_response();
            }
            Fault::Refused { status, body } => {
                let title = match status {
                    StatusCode::NOT_FOUND => words::NOT_FOUND,
                    StatusCode::FORBIDDEN => words::NOT_ALLOWED,
                    _ => words::REFUSED,
                };
                let text = body["message"].as_str().unwrap_or(words::NO_WORDS).to_owned();
                (status, title, text, Some(body))
            }
            Fault::ForeignForm => (StatusCode::FORBIDDEN, words::FOREIGN_FORM, words::FOREIGN_FORM_TEXT.to_owned(), None),
            Fault::Busy => (StatusCode::TOO_MANY_REQUESTS, words::REFUSED, words::TOO_MANY_JOBS.to_owned(), None),
            Fault::Missing => (StatusCode::NOT_FOUND, words::NOT_FOUND, words::NO_PAGE.to_owned(), None),
            Fault::NoRandomness => (StatusCode::INTERNAL_SERVER_ERROR, words::REFUSED, words::NO_RANDOMNESS.to_owned(), None),
        };
        let shown = html! {
            section class="panel narrow" {
                h1 { (title) }
                p { (text) }
                @if let Some(body) = &body {
                    @if body["diagnosis"].is_object() { (parts::diagnosis(&body["diagnosis"])) }
                    @if let Some(id) = body["contextId"].as_str() { p class="quiet" { (words::CORRELATION) " " code { (id) } } }
                }
                p { a href="/" { (words::BACK_HOME) } }
            }
        };
        (status, page::bare(title, shown)).into_response()
    }
}
