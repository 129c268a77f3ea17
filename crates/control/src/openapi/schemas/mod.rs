//! The shapes of requests and answers. Requests are exact, for unknown fields are refused; answers may gain fields, but a test finds what an
//! answer holds today and is not named here.

mod answers;
mod projection;
mod registrations;
mod resources;

use serde_json::{Map, Value, json};

/// Writes all schemas by their names.
pub fn all() -> Value {
    let mut all = Map::new();
    let mut put = |name: &str, schema: Value| {
        all.insert(name.to_owned(), schema);
    };
    // Dots are taken too, but not two in a row; the plain ones are enough to say what an id is.
    put("Id", json!({ "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$" }));
    put("Reference", shown(&["id"], json!({ "id": text(), "name": text(), "selfUri": text() })));
    put("ReferenceForm", form(&["id"], json!({ "id": text(), "name": text(), "selfUri": text() })));
    put("Nothing", form(&[], json!({})));
    resources::resources(&mut put);
    registrations::registrations(&mut put);
    answers::answers(&mut put);
    projection::projection(&mut put);
    Value::Object(all)
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn text() -> Value {
    json!({ "type": "string" })
}

fn words(words: &[&str]) -> Value {
    json!({ "type": "string", "enum": words })
}

fn list(items: Value) -> Value {
    json!({ "type": "array", "items": items })
}

fn texts() -> Value {
    list(text())
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn warnings() -> Value {
    list(shown(&["code", "text"], json!({ "code": text(), "text": text() })))
}

/// Whatever is in it.
fn object() -> Value {
    json!({ "type": "object" })
}

fn uri() -> Value {
    json!({ "type": "string", "format": "sip-uri", "pattern": "^[sS][iI][pP][sS]?:.+$", "maxLength": 512 })
}

fn positive() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000 })
}

/// A version that a caller has seen, or an answer shows.
fn version() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 2_147_483_647_i64 })
}

/// Seconds, to a day.
fn seconds() -> Value {
    json!({ "type": "integer", "minimum": 1, "maximum": 86_400 })
}

/// The shape of an answer.
fn shown(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties })
}

/// The shape of a request.
fn form(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// An entity as it is answered.
fn entity(mut properties: Value) -> Value {
    properties["id"] = text();
    properties["name"] = text();
    properties["version"] = version();
    properties["dateCreated"] = time();
    properties["dateModified"] = time();
    properties["selfUri"] = text();
    shown(&["id", "name", "version", "selfUri"], properties)
}

/// What every form may hold besides.
fn with_common(mut properties: Value) -> Value {
    properties["id"] = reference("Id");
    // Not all white space, and no control characters.
    properties["name"] = json!({ "type": "string", "minLength": 1, "maxLength": 128, "pattern": "^(?!\\s+$)[^\\x00-\\x1f\\x7f-\\x9f]+$" });
    properties["version"] = version();
    for ignored in ["dateCreated", "dateModified", "selfUri"] {
        properties[ignored] = json!({ "description": "The server's own; what was read may be sent back." });
    }
    properties
}
