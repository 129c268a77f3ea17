//! Holds every answer that a test gets to the OpenAPI document: its status, its media type, its shape, and that it holds nothing that the
//! document does not name. And what a request was accepted with must be named as well.

use axum::http::{HeaderMap, Method, header};
use serde_json::{Map, Value};

/// A request, as far as the document speaks of it.
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub body: Option<Value>,
}

/// Panics with what the document does not say.
pub fn check(asked: &Asked, status: u16, headers: &HeaderMap, text: &str) {
    let document = control::openapi_document();
    let named = format!("{} {}: {status} {text}", asked.method, asked.path);
    let Some((path, operation)) = find(document, asked) else {
        // No such path, or no such method of it.
        assert!((400..500).contains(&status), "no operation in crates/control/src/openapi/operations takes {named}");
        return hold(document, "#/components/schemas/Error", text, &named);
    };
    let mut response = operation["responses"].get(status.to_string()).unwrap_or_else(|| {
        panic!("{} {path} does not name status {status} in crates/control/src/openapi/operations: {named}", asked.method)
    });
    if let Some(reference) = response["$ref"].as_str() {
        response = document.pointer(&reference[1..]).expect("a response");
    }
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match response.get("content") {
        None => assert!(text.is_empty(), "the document says that nothing is shown: {named}"),
        Some(content) => {
            let plain = media.split(';').next().unwrap_or_default();
            let known = content.as_object().expect("content").iter().find(|(of, _)| of.split(';').next() == Some(plain));
            let (_, content) = known.unwrap_or_else(|| panic!("the document does not name {media:?}: {named}"));
            if plain == "application/json" {
                let value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {named}"));
                judge(document, &content["schema"], &value, "").unwrap_or_else(|fault| panic!("{fault}\n{named}"));
            }
        }
    }
    if (200..300).contains(&status) {
        accepted(document, operation, asked, &named);
    }
}

fn hold(document: &Value, reference: &str, text: &str, named: &str) {
    let Ok(value) = serde_json::from_str(text) else { return };
    judge(document, &serde_json::json!({ "$ref": reference }), &value, "").unwrap_or_else(|fault| panic!("{fault}\n{named}"));
}

/// What is taken is in the document: parameters of the query, and fields of the body.
fn accepted(document: &Value, operation: &Value, asked: &Asked, named: &str) {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let known: Vec<&str> = parameters.filter(|of| of["in"] == "query").filter_map(|of| of["name"].as_str()).collect();
    for pair in asked.query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        assert!(known.contains(&name), "the query parameter {name} is taken and not in the document: {named}");
    }
    if let (Some(body), Some(content)) = (&asked.body, operation.pointer("/requestBody/content/application~1json")) {
        only_known(document, &content["schema"], body, "").unwrap_or_else(|fault| panic!("{fault}, in a request\n{named}"));
    }
}

/// Finds the operation; of two paths that fit, the one with fewer parameters, as the router does.
fn find<'a>(document: &'a Value, asked: &Asked) -> Option<(&'a str, &'a Value)> {
    let parts: Vec<&str> = asked.path.split('/').collect();
    let paths = document["paths"].as_object().expect("paths");
    let fits = |path: &&String| {
        let of: Vec<&str> = path.split('/').collect();
        of.len() == parts.len() && of.iter().zip(&parts).all(|(of, part)| of.starts_with('{') || of == part)
    };
    let path = paths.keys().filter(fits).min_by_key(|path| path.matches('{').count())?;
    let method = if asked.method == Method::HEAD { "get".to_owned() } else { asked.method.as_str().to_lowercase() };
    Some((path, paths[path].get(method)?))
}

/// Judges a value by a schema. Keywords that are not known here are an error: they would be passed over in silence.
pub fn judge(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let fault = |what: String| Err(format!("{}: {what}", if at.is_empty() { "/" } else { at }));
    for (keyword, of) in schema.as_object().expect("a schema") {
        match keyword.as_str() {
            "$ref" => judge(document, target(document, of), value, at)?,
            "allOf" => {
                for part in of.as_array().expect("schemas") {
                    // What one part does not name, another may.
                    judge(document, part, &narrowed(document, part, schema, value), at)?;
                }
            }
            "anyOf" => {
                let mut faults = Vec::new();
                for part in of.as_array().expect("schemas") {
                    match judge(document, part, value, at) {
                        Ok(()) => faults.clear(),
                        Err(why) => faults.push(why),
                    }
                    if faults.is_empty() {
                        break;
                    }
                }
                if !faults.is_empty() {
                    return Err(faults.join(", and "));
                }
            }
            "type" => {
                let is = match of.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "number" => value.is_number(),
                    other => panic!("type {other}"),
                };
                if !is {
                    return fault(format!("{value} is no {of}"));
                }
            }
            "enum" if !of.as_array().expect("values").contains(value) => return fault(format!("{value} is none of {of}")),
            "minimum" if value.as_f64() < of.as_f64() => return fault(format!("{value} is less than {of}")),
            "maximum" if value.as_f64() > of.as_f64() => return fault(format!("{value} is more than {of}")),
            "required" => {
                for name in of.as_array().expect("names").iter().filter_map(Value::as_str) {
                    if value.get(name).is_none() {
                        return fault(format!("{name} is missing"));
                    }
                }
            }
            "properties" => {
                let known = of.as_object().expect("properties");
                for (name, inner) in value.as_object().into_iter().flatten() {
                    match (known.get(name), schema.get("additionalProperties")) {
                        (Some(of), _) => judge(document, of, inner, &format!("{at}/{name}"))?,
                        (None, Some(of)) if of.is_object() => judge(document, of, inner, &format!("{at}/{name}"))?,
                        (None, Some(Value::Bool(true))) => {}
                        (None, _) => return fault(format!("{name} is not in crates/control/src/openapi/schemas")),
                    }
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    judge(document, of, item, &format!("{at}/{index}"))?;
                }
            }
            "enum"
            | "minimum"
            | "maximum"
            | "description"
            | "examples"
            | "format"
            | "pattern"
            | "minLength"
            | "maxLength"
            | "minItems"
            | "maxItems"
            | "additionalProperties"
            | "contentMediaType"
            | "writeOnly"
            | "minProperties" => {}
            other => panic!("the keyword {other} is not judged here"),
        }
    }
    Ok(())
}

/// A value without what only the other parts of an `allOf` name.
fn narrowed(document: &Value, part: &Value, schema: &Value, value: &Value) -> Value {
    let own = names(document, part);
    let all: Vec<String> = schema["allOf"].as_array().into_iter().flatten().flat_map(|other| names(document, other)).collect();
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| own.contains(name) || !all.contains(name));
            Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

fn names(document: &Value, schema: &Value) -> Vec<String> {
    let schema = schema.get("$ref").map_or(schema, |of| target(document, of));
    let parts = schema["allOf"].as_array().into_iter().flatten().flat_map(|part| names(document, part));
    schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()).chain(parts).collect()
}

fn target<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let reference = reference.as_str().expect("a reference");
    document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

/// Tells the first field that a schema does not name, whatever else the value is: a caller may spell values in more ways than one.
fn only_known(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(of) = schema.get("$ref") {
        return only_known(document, target(document, of), value, at);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fits = any.iter().any(|part| only_known(document, part, value, at).is_ok());
        return if fits { Ok(()) } else { Err(format!("{at}: {value} is not in the document")) };
    }
    match (value, schema["properties"].as_object()) {
        (Value::Object(fields), Some(known)) => {
            for (name, inner) in fields {
                match (known.get(name), schema.get("additionalProperties")) {
                    (Some(of), _) => only_known(document, of, inner, &format!("{at}/{name}"))?,
                    (None, Some(of)) if of.is_object() || *of == Value::Bool(true) => {}
                    (None, _) => return Err(format!("{at}/{name} is taken and not in crates/control/src/openapi/schemas")),
                }
            }
            Ok(())
        }
        (Value::Array(items), _) => {
            let Some(of) = schema.get("items") else { return Ok(()) };
            items.iter().try_for_each(|item| only_known(document, of, item, at))
        }
        _ => Ok(()),
    }
}
