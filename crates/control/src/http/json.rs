//! Request bodies: JSON without duplicate names and without NUL, of a bounded length.

use std::fmt;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::problem::Problem;

/// Longest body of a request, bulk excepted.
pub const BODY_BYTES_MAX: usize = 1024 * 1024;

/// A request's body, which must be a JSON object.
#[derive(Debug)]
pub struct JsonBody(pub Map<String, Value>);

/// A request's body where it may be absent; then it is an empty object.
#[derive(Debug)]
pub struct OptionalJsonBody(pub Map<String, Value>);

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let bytes = read(request.into_body(), BODY_BYTES_MAX).await?;
        if bytes.is_empty() {
            return Err(Problem::bad_request("The body is empty; a JSON object is expected."));
        }
        object(parse(&bytes)?).map(JsonBody)
    }
}

impl<S: Sync> FromRequest<S> for OptionalJsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read(body, BODY_BYTES_MAX).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(OptionalJsonBody(Map::new()));
        }
        require_json(&parts.headers)?;
        object(parse(&bytes)?).map(OptionalJsonBody)
    }
}

/// Reads a body up to a limit.
///
/// # Errors
/// 413 beyond it, 400 where the connection ends early.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::too_large(limit)),
        Err(_) => Err(Problem::bad_request("The body ended early.")),
    }
}

/// Reads JSON; refuses duplicate names, which two readers would take differently, and NUL, which no store keeps.
///
/// # Errors
/// 400 `bad.request` with line and column.
pub fn parse(bytes: &[u8]) -> Result<Value, Problem> {
    match serde_json::from_slice::<Strict>(bytes) {
        Ok(Strict(value)) => Ok(value),
        Err(error) => Err(Problem::bad_request(format!("The body is not JSON as expected: {error}."))),
    }
}

fn object(value: Value) -> Result<Map<String, Value>, Problem> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Problem::bad_request("The body is not a JSON object.")),
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media == "application/json" || media.starts_with("application/") && media.ends_with("+json") {
        return Ok(());
    }
    let named = if media.is_empty() { "none".to_owned() } else { format!("{media:?}") };
    let message = format!("The Content-Type is {named}; this call takes application/json.");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported.media.type", message))
}

/// A value read strictly.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

/// A string may not hold NUL.
fn text<E: Error>(value: String) -> Result<String, E> {
    if value.contains('\0') { Err(E::custom("a string holds the NUL character")) } else { Ok(value) }
}

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        text(value.to_owned()).map(Value::String)
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        text(value).map(Value::String)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let name = text::<A::Error>(name)?;
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("the field {name:?} stands twice")));
            }
            let Strict(value) = fields.next_value()?;
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}
