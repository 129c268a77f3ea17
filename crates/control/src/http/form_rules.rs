//! The rules of form: as JSON, and as a page.

use axum::Router;
use axum::extract::{OriginalUri, Path};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};
use sip::form_rules::{self, Field, FieldRules, Rule, TABLE};

use super::{App, Query, answer, diagnoses, listing};
use crate::access::Caller;
use crate::problem::Problem;
use crate::store::Sorting;
use crate::store::page::Key;

const PATH: &str = "/api/v2/formrules";

const SORTINGS: &[Sorting] = &[Sorting { name: "position", column: "", number: true }, Sorting { name: "id", column: "", number: false }];

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(list)).route(&format!("{PATH}/{{id}}"), get(read)).route("/docs/form-rules", get(page))
}

/// The last word of a field's name, as ids are.
fn id(field: Field) -> &'static str {
    match field {
        Field::Username => "username",
        Field::Password => "password",
        Field::Realm => "realm",
        Field::Algorithm => "algorithm",
        Field::Ha1 => "ha1",
        Field::Uri => "uri",
    }
}

fn show(of: &FieldRules) -> Value {
    json!({
        "id": id(of.field),
        "name": of.title,
        "fields": of.field.name().split(", ").collect::<Vec<_>>(),
        "description": of.what,
        "rules": of.rules.iter().map(rule).collect::<Vec<_>>(),
        "docs": "/docs/form-rules",
        "selfUri": format!("{PATH}/{}", id(of.field)),
    })
}

fn rule(rule: &Rule) -> Value {
    let invalid: Vec<Value> = rule.invalid.iter().map(|(example, code)| json!({ "example": example, "code": code })).collect();
    json!({ "aspect": rule.aspect, "rule": rule.says, "valid": rule.valid, "invalid": invalid })
}

async fn list(_: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let paging = listing::paging(&mut query, SORTINGS)?;
    query.finish()?;
    let fields: Vec<(usize, &FieldRules)> = TABLE.iter().enumerate().collect();
    let page = listing::page_of(fields, &paging, "id", |(position, of): &(usize, &FieldRules), sorting| match sorting {
        "id" => Key::Text(id(of.field).to_owned()),
        _ => Key::Number(i64::try_from(*position).unwrap_or(i64::MAX)),
    });
    Ok(answer(listing::listing(&uri, &paging, page, |(_, of)| show(of))))
}

async fn read(_: Caller, Path(name): Path<String>) -> Result<Response, Problem> {
    let known = TABLE.iter().find(|of| id(of.field) == name);
    Ok(answer(show(known.ok_or_else(|| Problem::not_found("form rule", &name))?)))
}

/// Needs no token, as the pages of the diagnoses.
async fn page(headers: HeaderMap) -> Response {
    diagnoses::document("Rules of form", &form_rules::page(), &headers)
}
