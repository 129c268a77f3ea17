//! The OpenAPI 3.1 document: one table of operations, held to the routes by a test in both directions; served as JSON and as a page.

mod examples;
mod links;
mod operation;
mod operations;
mod page;
mod responses;
mod routes;
mod schemas;

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

pub use routes::routes;

use self::operation::Operation;

/// Lends the document; it is made once.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(make)
}

fn make() -> Value {
    let operations = operations::all();
    let mut tags: Vec<&str> = Vec::new();
    let mut paths: Map<String, Value> = Map::new();
    for operation in &operations {
        if !tags.contains(&operation.tag) {
            tags.push(operation.tag);
        }
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.method] = operation.body();
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Trunkline",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Keeps BYOC SIP trunks registered with their carriers.",
            "description": "JSON over HTTP. Every answer has ININ-Correlation-Id and inin-ratelimit-count, -allowed and -reset. Unknown fields and query parameters are refused, not ignored; absent values are left out, never null. HEAD is answered wherever GET is, with the same status and headers and without a body.",
        },
        "servers": [{ "url": "/" }],
        "tags": tags.iter().map(|tag| json!({ "name": tag })).collect::<Vec<_>>(),
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas::all(),
            "responses": responses::all(),
            "headers": responses::headers(),
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer", "description": "An access token of POST /oauth/token." },
                "client": { "type": "http", "scheme": "basic", "description": "A client's id and secret." },
            },
        },
    })
}

/// Lends the operations, for who renders them.
fn operations() -> Vec<Operation> {
    operations::all()
}
