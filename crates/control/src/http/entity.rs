use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// Answers 200 with an entity, its version as ETag.
pub fn answer(entity: Value) -> Response {
    with_version(StatusCode::OK, entity)
}

/// Answers 201 with a new entity, its version as ETag and its address as Location.
pub fn created(entity: Value) -> Response {
    let location = entity.get("selfUri").and_then(Value::as_str).and_then(|uri| HeaderValue::from_str(uri).ok());
    let mut response = with_version(StatusCode::CREATED, entity);
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

fn with_version(status: StatusCode, mut entity: Value) -> Response {
    drop_nulls(&mut entity);
    let tag = entity.get("version").and_then(Value::as_i64).and_then(|version| HeaderValue::from_str(&format!("\"{version}\"")).ok());
    let mut response = (status, Json(entity)).into_response();
    if let Some(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Absent values are left out: typed clients break on null enums.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
