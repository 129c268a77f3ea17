//! Optimistic locking: the `version` of a body, and If-Match.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::problem::Problem;

/// What the caller says in If-Match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IfMatch(Option<i64>);

impl IfMatch {
    /// Refuses a change of another version than the caller has seen, in If-Match or in the body.
    ///
    /// # Errors
    /// 409 `version.mismatch`.
    pub fn check(self, in_body: Option<i64>, current: i64) -> Result<(), Problem> {
        match [self.0, in_body].into_iter().flatten().find(|given| *given != current) {
            Some(given) => Err(Problem::version_mismatch(given, current)),
            None => Ok(()),
        }
    }

    /// As [`IfMatch::check`], where one of the two is needed.
    ///
    /// # Errors
    /// 400 `invalid.value` without either, 409 `version.mismatch`.
    pub fn check_required(self, in_body: Option<i64>, current: i64) -> Result<(), Problem> {
        if self.0.is_none() && in_body.is_none() {
            let message = format!("PUT needs the version that it replaces; the current version is {current}.");
            return Err(Problem::invalid("version", message));
        }
        self.check(in_body, current)
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(given) = parts.headers.get(header::IF_MATCH) else { return Ok(IfMatch(None)) };
        let text = given.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(IfMatch(None));
        }
        let version =
            text.trim_start_matches("W/").strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
        let wrong = || Problem::bad_request("If-Match is the ETag of an answer, such as \"7\", or *.");
        version.ok_or_else(wrong).map(|version| IfMatch(Some(version)))
    }
}
