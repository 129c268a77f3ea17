//! `/api/v2/audits`: who changed what, and whether the chain holds.

use axum::Router;
use axum::extract::{OriginalUri, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Map, Value, json};

use crate::access::Caller;
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::store::audits::{self, Filter, Record};
use crate::time::rfc3339;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/api/v2/audits", get(list)).route("/api/v2/audits/verify", get(verify))
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require("audits:audit:view")?;
    let paging = listing::paging(&mut query, audits::SORTINGS)?;
    let filter = Filter {
        entity_id: query.take("entityId"),
        entity_kind: query.take("entityType"),
        action: query.take("action"),
        client: query.take("clientId"),
        from: query.take_time("from")?,
        to: query.take_time("to")?,
    };
    query.finish()?;
    let page = audits::page(&mut *app.store.read().await?, &paging, filter).await?;
    Ok(answer(listing::listing(&uri, &paging, page, show)))
}

async fn verify(State(app): State<App>, caller: Caller, query: Query) -> Result<Response, Problem> {
    caller.require("audits:audit:view")?;
    query.finish()?;
    let mut snapshot = app.store.snapshot().await?;
    let (records, broken) = audits::verify(&mut snapshot).await?;
    let mut body = json!({ "intact": broken.is_none(), "records": records });
    if let Some(broken) = broken {
        body["firstBreak"] = json!({ "number": broken.number, "reason": broken.what });
    }
    Ok(answer(body))
}

fn show(record: Record) -> Value {
    let mut body = Map::new();
    body.insert("number".into(), record.number.into());
    body.insert("revision".into(), record.revision.into());
    body.insert("date".into(), rfc3339(record.at).into());
    body.insert("client".into(), json!({ "id": record.client }));
    body.insert("action".into(), record.action.into());
    body.insert("entityType".into(), record.entity_kind.into());
    body.insert("entityId".into(), record.entity_id.into());
    // Written by us as JSON; shown as the text that it is if someone has altered it.
    let parsed = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    let optional = [
        ("before", record.before.map(parsed)),
        ("after", record.after.map(parsed)),
        ("remoteAddress", record.remote.map(Value::String)),
        ("correlationId", record.correlation.map(Value::String)),
    ];
    body.extend(optional.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))));
    body.insert("previousHash".into(), record.previous_hash.into());
    body.insert("hash".into(), record.hash.into());
    body.into()
}
