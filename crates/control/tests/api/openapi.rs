//! The document says what the routes do, and what is checked in is what is served.

use std::collections::BTreeSet;
use std::path::Path;

use axum::http::Method;
use serde_json::Value;

use crate::lab::{Lab, contract};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

fn operations(document: &Value) -> impl Iterator<Item = (&String, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| METHODS.iter().filter_map(move |method| Some((path, *method, item.get(method)?))))
}

/// A path with all its parameters called the same.
fn shape(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_document_in_the_repository_is_the_one_that_is_served() {
    let lab = Lab::new().await;
    let served = lab.call(Method::GET, "/openapi.json", "", &[], None).await.is(200);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&served.body).expect("JSON"));
    if std::env::var_os("TRUNKLINE_UPDATE").is_some() {
        std::fs::write(&file, &text).expect("docs/openapi.json is written");
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "docs/openapi.json is not what is served; TRUNKLINE_UPDATE=1 cargo nextest run -p control -E 'test(openapi)' writes it"
    );
}

#[tokio::test]
async fn every_route_has_its_operation_and_every_operation_its_route() {
    let lab = Lab::new().await;
    // The router tells its paths in no other way.
    let told = format!("{:?}", lab.router);
    let routed: BTreeSet<String> =
        told.split('"').filter(|text| text.starts_with('/') && *text != "/" && !text.contains("__private")).map(shape).collect();
    let documented: BTreeSet<String> = operations(control::openapi_document()).map(|(path, _, _)| shape(path)).collect();
    assert!(routed.len() > 40, "{routed:?}");
    let missing: Vec<_> = routed.difference(&documented).collect();
    assert!(
        missing.is_empty(),
        "routes without an operation: {missing:?}. Add a line for each of their methods to crates/control/src/openapi/operations, its shapes to \
         schemas and examples beside it, then TRUNKLINE_UPDATE=1 cargo nextest run -p control -E 'test(openapi)'; docs/guide/openapi.md says more"
    );
    let gone: Vec<_> = documented.difference(&routed).collect();
    assert!(gone.is_empty(), "operations without a route, to be taken out of crates/control/src/openapi/operations: {gone:?}");

    // What a path takes, it tells whoever asks in a way that no path takes.
    for path in control::openapi_document()["paths"].as_object().expect("paths").keys() {
        let asked = path.replace("{version}", "1").replace("{number}", "1").replace(['{', '}'], "");
        let answer =
            lab.call(Method::from_bytes(b"BREW").expect("a method"), &asked, "", &[], None).await.refused(405, "method.not.allowed");
        let allowed: BTreeSet<String> =
            answer.header("allow").split(',').map(str::to_lowercase).filter(|method| method != "head").collect();
        let documented: BTreeSet<String> =
            operations(control::openapi_document()).filter(|(of, _, _)| *of == path).map(|(_, method, _)| method.to_owned()).collect();
        assert_eq!(
            allowed, documented,
            "methods of {path}: on the left those of its route, on the right those of crates/control/src/openapi/operations"
        );
    }
}

#[test]
fn every_operation_has_examples_and_refusals_and_every_reference_leads_somewhere() {
    let document = control::openapi_document();
    let mut ids = BTreeSet::new();
    let mut faults = Vec::new();
    for (path, method, operation) in operations(document) {
        let named = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().expect("an id").to_owned()), "{named}");
        let responses = operation["responses"].as_object().expect("responses");
        assert!(responses.keys().any(|status| status.starts_with('2')), "{named}");
        assert!(responses.contains_key("429") && responses.contains_key("500"), "{named}");
        let open = operation["security"].as_array().is_some_and(Vec::is_empty);
        assert!(open || responses.contains_key("401"), "{named}");
        let mut contents: Vec<&Value> = operation
            .pointer("/requestBody/content")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(_, content)| content)
            .collect();
        for response in responses.values() {
            let response = response["$ref"].as_str().map_or(response, |reference| document.pointer(&reference[1..]).expect("a response"));
            contents.extend(response.pointer("/content/application~1json"));
        }
        for content in contents {
            let example = content.get("example").unwrap_or_else(|| panic!("{named} has no example"));
            if let Err(fault) = contract::judge(document, &content["schema"], example, "") {
                faults.push(format!("{named}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "examples that are not as their schemas: {faults:#?}");
    let mut references = Vec::new();
    collect(document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a local reference");
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn every_link_leads_to_an_operation_and_fills_parameters_that_it_has() {
    let document = control::openapi_document();
    let find = |id: &str| operations(document).find(|(_, _, operation)| operation["operationId"] == id);
    let mut links = 0;
    for (path, method, operation) in operations(document) {
        for link in operation["responses"].as_object().expect("responses").values().filter_map(|response| response["links"].as_object()) {
            for link in link.values() {
                let to = link["operationId"].as_str().expect("an operation");
                let (_, _, target) = find(to).unwrap_or_else(|| panic!("{method} {path} leads to {to}, which there is not"));
                let named: Vec<&str> = target["parameters"].as_array().into_iter().flatten().filter_map(|of| of["name"].as_str()).collect();
                for (name, from) in link["parameters"].as_object().expect("parameters") {
                    assert!(named.contains(&name.as_str()), "{method} {path} to {to}: {name}");
                    let from = from.as_str().expect("an expression");
                    let own = from.strip_prefix("$request.path.").is_none_or(|own| path.contains(&format!("{{{own}}}")));
                    assert!(own && (from.starts_with("$request.path.") || from.starts_with("$response.body#/")), "{from}");
                }
                links += 1;
            }
        }
    }
    assert!(links >= 60, "{links}");
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "$ref" => references.push(text.clone()),
                    value => collect(value, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn the_page_shows_every_operation_and_loads_nothing() {
    let lab = Lab::new().await;
    let page = lab.call(Method::GET, "/docs/api", "", &[], None).await.is(200);
    assert!(page.header("content-type").starts_with("text/html"));
    for (path, method, _) in operations(control::openapi_document()) {
        assert!(page.text.contains(&format!("<code>{} {path}</code>", method.to_uppercase())), "{method} {path}");
    }
    assert!(!page.text.contains("<script") && !page.text.contains("src="));
    assert_eq!(page.header("content-security-policy"), "default-src 'none'; style-src 'unsafe-inline'");
    let index = lab.call(Method::GET, "/docs", "", &[], None).await.is(200);
    for place in ["/docs/api", "/openapi.json", "/docs/diagnoses", "/docs/form-rules"] {
        assert!(index.text.contains(&format!("href=\"{place}\"")), "{place}");
        lab.call(Method::GET, place, "", &[], None).await.is(200);
    }
}
