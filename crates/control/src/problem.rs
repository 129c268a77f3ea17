use std::borrow::Cow;
use std::fmt;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use diagnosis::Diagnosis;
use serde_json::{Map, Value, json};

use crate::http::context;

/// The one error body of the API: a code for ever, words for the caller, and the evidence where a carrier was asked.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

/// Boxed, so that a `Result` stays small.
#[derive(Clone, Debug)]
struct Parts {
    status: StatusCode,
    code: Cow<'static, str>,
    message: String,
    entity: Option<(String, Option<String>)>,
    details: Vec<Detail>,
    diagnosis: Option<Box<Diagnosis>>,
    retry_after: Option<u32>,
}

/// One fault of a request, and the field that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// The code of this fault; often that of the whole.
    pub code: String,
    /// The field's path, such as `credentials.realm`, or the missing permission.
    pub field: Option<String>,
}

impl Problem {
    /// Makes a problem with this status, code and message.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let (code, message) = (code.into(), message.into());
        Problem(Box::new(Parts { status, code, message, entity: None, details: Vec::new(), diagnosis: None, retry_after: None }))
    }

    /// 400 `bad.request`: the request as a whole cannot be read.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "bad.request", message)
    }

    /// 400 `invalid.value`: one field is not as documented.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "invalid.value", message).field(field)
    }

    /// 404 `not.found`, with the kind (`trunk`) and the id that does not exist.
    pub fn not_found(kind: &str, id: &str) -> Self {
        let message = format!("There is no {kind} {id:?}.");
        Problem::new(StatusCode::NOT_FOUND, "not.found", message).entity(id, None)
    }

    /// 409 `version.mismatch`.
    pub fn version_mismatch(given: &str, current: i64) -> Self {
        let message =
            format!("The version {given} does not match the current version {current}. Read it again and repeat the change on that.");
        Problem::new(StatusCode::CONFLICT, "version.mismatch", message).field("version")
    }

    /// As [`Problem::version_mismatch`], where If-Match has weak tags only.
    pub fn weak_version(current: i64) -> Self {
        let message = format!("A weak ETag (W/) does not match the current version {current}: send the ETag of an answer as it came.");
        Problem::new(StatusCode::CONFLICT, "version.mismatch", message).field("version")
    }

    /// 409 `conflict`.
    pub fn conflict(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, "conflict", message)
    }

    /// 401 with one of `authentication.required`, `bad.credentials` and `credentials.expired`.
    pub fn unauthorized(code: &'static str, message: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNAUTHORIZED, code, message)
    }

    /// 403 `missing.permissions`, which names them.
    pub fn missing_permissions<'a>(missing: impl IntoIterator<Item = &'a str>) -> Self {
        let missing: Vec<&str> = missing.into_iter().collect();
        let message = format!("Missing permissions: {}.", missing.join(", "));
        let problem = Problem::new(StatusCode::FORBIDDEN, "missing.permissions", message);
        missing.into_iter().fold(problem, |problem, name| problem.detail("missing.permissions", Some(name.to_owned())))
    }

    /// 413 `payload.too.large`.
    pub fn too_large(limit: usize) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload.too.large", format!("The body is longer than {limit} bytes."))
    }

    /// 429 `too.many.requests`.
    pub fn too_many_requests(seconds: u32, message: impl Into<String>) -> Self {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too.many.requests", message).retry_after(seconds)
    }

    /// 503 `database.busy`: another process holds the database's write lock.
    pub fn database_busy() -> Self {
        let message = "The database is locked by another process or by long work; nothing was changed. Try again, and end other programs that have the database file open.";
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "database.busy", message).retry_after(1)
    }

    /// 500 `internal.error`: the cause goes to the log under the correlation id, not to the caller.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let correlation = context::correlation_id().unwrap_or_default();
        tracing::error!(correlation, %cause, "internal error");
        let message = "Something went wrong inside Trunkline. The log has the cause under this contextId.";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal.error", message)
    }

    /// Replaces the message.
    #[must_use]
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.0.message = message.into();
        self
    }

    /// Names the field that has the fault.
    #[must_use]
    pub fn field(self, field: impl Into<String>) -> Self {
        let code = self.0.code.clone().into_owned();
        self.detail(code, Some(field.into()))
    }

    /// Adds one fault.
    #[must_use]
    pub fn detail(mut self, code: impl Into<String>, field: Option<String>) -> Self {
        self.0.details.push(Detail { code: code.into(), field });
        self
    }

    /// Names what it is about.
    #[must_use]
    pub fn entity(mut self, id: impl Into<String>, name: Option<String>) -> Self {
        self.0.entity = Some((id.into(), name));
        self
    }

    /// Sets Retry-After, in whole seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds.max(1));
        self
    }

    /// Returns the HTTP status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// Returns the words for the caller.
    pub fn words(&self) -> &str {
        &self.0.message
    }

    /// Returns the code.
    pub fn code_str(&self) -> &str {
        &self.0.code
    }

    /// Returns the diagnosis, where there is one.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.0.diagnosis.as_deref()
    }

    /// Returns the error body, with the correlation id of the request at hand.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("message".into(), self.0.message.clone().into());
        body.insert("code".into(), self.0.code.as_ref().into());
        body.insert("status".into(), self.0.status.as_u16().into());
        if let Some(id) = context::correlation_id() {
            body.insert("contextId".into(), id.into());
        }
        if let Some((id, name)) = &self.0.entity {
            body.insert("entityId".into(), id.clone().into());
            if let Some(name) = name {
                body.insert("entityName".into(), name.clone().into());
            }
        }
        if !self.0.details.is_empty() {
            body.insert("details".into(), self.0.details.iter().map(Detail::body).collect());
        }
        if let Some(diagnosis) = &self.0.diagnosis {
            body.insert("diagnosis".into(), diagnosis_body(diagnosis));
        }
        Value::Object(body)
    }
}

impl Detail {
    fn body(&self) -> Value {
        let mut body = json!({ "errorCode": self.code });
        if let Some(field) = &self.field {
            body["fieldName"] = field.clone().into();
        }
        body
    }
}

/// Returns a diagnosis as the API shows it: with the path of its documentation.
pub fn diagnosis_body(diagnosis: &Diagnosis) -> Value {
    // A diagnosis has string keys only, so it is always JSON.
    let mut body = serde_json::to_value(diagnosis).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.insert("docs".into(), format!("/docs/diagnoses/{}", diagnosis.code).into());
    }
    body
}

impl From<Diagnosis> for Problem {
    fn from(diagnosis: Diagnosis) -> Self {
        // A warning refuses nothing; as a problem it could only be ours.
        let status = StatusCode::from_u16(diagnosis.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut problem = Problem::new(status, diagnosis.code.as_str(), diagnosis.summary.clone());
        problem.0.retry_after = diagnosis.evidence.retry_after.map(|seconds| seconds.max(1));
        problem.0.diagnosis = Some(Box::new(diagnosis));
        problem
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status.as_u16(), self.0.code, self.0.message)
    }
}

impl std::error::Error for Problem {}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let correlation = context::correlation_id().unwrap_or_default();
        tracing::debug!(correlation, status = self.0.status.as_u16(), code = self.code_str(), "refused");
        let mut response = (self.0.status, Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Clients repeat a 503 by themselves only where they are told when.
        let wait = match self.0.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Some(self.0.retry_after.unwrap_or(1)),
            _ => self.0.retry_after,
        };
        if let Some(seconds) = wait {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"trunkline\""));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use diagnosis::{Check, Code, Evidence, SipStatus};

    use super::*;

    #[test]
    fn a_diagnosis_becomes_the_error_body_of_the_contract() {
        let diagnosis = Diagnosis::new(Code::RealmMismatch)
            .summary("The carrier challenges realm \"a\", the request names \"b\".")
            .evidence(Evidence {
                edge: Some("edge_jkt_1".into()),
                sip: Some(SipStatus { code: 401, reason: "Unauthorized".into() }),
                credential_sent: Some(false),
                ..Evidence::default()
            })
            .check(Check::compared("realm.equal", false, "b", "a"));
        let problem = Problem::from(diagnosis)
            .message("Invalid SIP credentials provided for trunk ID: trunk_jkt_04")
            .entity("trunk_jkt_04", Some("Jakarta 04".into()))
            .field("credentials.realm");
        let body = problem.body();
        assert_eq!(body["message"], "Invalid SIP credentials provided for trunk ID: trunk_jkt_04");
        assert_eq!((&body["code"], &body["status"]), (&json!("sip.realm.mismatch"), &json!(422)));
        assert_eq!((&body["entityId"], &body["entityName"]), (&json!("trunk_jkt_04"), &json!("Jakarta 04")));
        assert_eq!(body["details"], json!([{ "errorCode": "sip.realm.mismatch", "fieldName": "credentials.realm" }]));
        let diagnosis = &body["diagnosis"];
        assert_eq!((&diagnosis["stage"], &diagnosis["initiator"]), (&json!("challenge"), &json!("carrier")));
        assert_eq!(diagnosis["edge"], json!({ "id": "edge_jkt_1" }));
        assert_eq!(diagnosis["checks"][0]["actual"], "a");
        assert_eq!(diagnosis["docs"], "/docs/diagnoses/sip.realm.mismatch");
        assert_eq!(diagnosis["credentialSent"], false);
        assert_eq!(diagnosis.get("registrar"), None);
    }

    #[test]
    fn what_may_be_repeated_says_when() {
        for (problem, seconds) in [
            (Problem::from(Diagnosis::new(Code::EdgeOffline)), "1"),
            (Problem::from(Diagnosis::new(Code::BudgetSpent).evidence(Evidence { retry_after: Some(120), ..Evidence::default() })), "120"),
            (Problem::database_busy(), "1"),
            (Problem::too_many_requests(0, "slow"), "1"),
        ] {
            assert_eq!(problem.into_response().headers()[header::RETRY_AFTER], seconds);
        }
        assert!(!Problem::conflict("no").into_response().headers().contains_key(header::RETRY_AFTER));
    }
}
