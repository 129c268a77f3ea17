//! `/api/v2/audits`: who changed what, and whether the chain holds.

use axum::Router;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};

use super::{Head, HeadKind, file, keeper};
use crate::access::Caller;
use crate::http::{App, Query, answer, listing};
use crate::problem::Problem;
use crate::store::audits::{self, Filter, Record};
use crate::store::{Store, StoreError, audit_heads};
use crate::time::rfc3339;

const VIEW: &str = "audits:audit:view";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/audits", get(list))
        .route("/api/v2/audits/verify", get(verify))
        .route("/api/v2/audits/head", get(head))
        .route("/api/v2/audits/export", get(export))
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    let paging = listing::paging(&mut query, audits::SORTINGS)?;
    let filter = Filter {
        entity_id: query.take("entityId"),
        entity_kind: query.take("entityType"),
        action: query.take("action"),
        client: query.take("clientId"),
        remote: query.take("remoteAddress"),
        correlation: query.take("correlationId"),
        from: query.take_time("from")?,
        to: query.take_time("to")?,
    };
    query.finish()?;
    let page = audits::page(&mut *app.store.read().await?, &paging, filter).await?;
    Ok(answer(listing::listing(&uri, &paging, page, show)))
}

/// With `head`, a line of the exported heads, it is held against that too.
async fn verify(State(app): State<App>, caller: Caller, mut query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    let kept = query.take("head").map(|text| {
        let head = serde_json::from_str(&text).ok().and_then(|value| Head::read(&value));
        head.ok_or_else(|| Problem::invalid("head", "head is a line of the exported heads: a JSON object, escaped for a URI."))
    });
    let kept = kept.transpose()?;
    query.finish()?;
    let mut snapshot = app.store.snapshot().await?;
    let verdict = audits::verify(&mut snapshot, app.store.audit_key(), kept.as_ref()).await?;
    let mut body = json!({ "intact": verdict.broken.is_none(), "records": verdict.records });
    if let Some(trimmed) = verdict.trimmed {
        body["trimmedTo"] = trimmed.into();
    }
    if let Some(kept) = &kept {
        // A head of a record that is trimmed by now can be held against nothing.
        body["head"] = json!({ "number": kept.number, "compared": verdict.compared });
    }
    if let Some(broken) = verdict.broken {
        body["firstBreak"] = json!({ "number": broken.number, "reason": broken.what });
    }
    Ok(answer(body))
}

/// The newest record, signed now.
async fn head(State(app): State<App>, caller: Caller, query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    query.finish()?;
    let head = keeper::current(&app.store).await?;
    Ok(answer(head.ok_or_else(|| Problem::conflict(keeper::ALTERED))?.body()))
}

/// The whole chain as lines of JSON: where it was trimmed, its records, and its signed head; for `trunkline audit verify`.
async fn export(State(app): State<App>, caller: Caller, query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    query.finish()?;
    let head = keeper::current(&app.store).await?.ok_or_else(|| Problem::conflict(keeper::ALTERED))?;
    let checkpoint = audit_heads::last(&mut *app.store.read().await?, HeadKind::Checkpoint, &head.public_key).await?;
    let from = checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.number);
    let first = checkpoint.map(|checkpoint| file::line(&checkpoint.body())).unwrap_or_default();
    let steps = Steps { store: app.store, next: from, head: Some(head), first: Some(first) };
    let lines = futures_util::stream::try_unfold(steps, |mut steps| async move {
        let chunk = steps.next().await?;
        Ok::<_, StoreError>(chunk.map(|chunk| (chunk, steps)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response())
}

/// An export under way.
struct Steps {
    store: Store,
    next: i64,
    first: Option<String>,
    head: Option<Head>,
}

impl Steps {
    async fn next(&mut self) -> Result<Option<String>, StoreError> {
        const BATCH: i64 = 500;
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        let Some(head) = &self.head else { return Ok(None) };
        let records = audits::after(&mut *self.store.read().await?, self.next, BATCH.min(head.number - self.next).max(0)).await?;
        let Some(last) = records.last().filter(|_| self.next < head.number) else {
            return Ok(self.head.take().map(|head| file::line(&head.body())));
        };
        self.next = last.number;
        Ok(Some(records.iter().map(|record| file::line(&file::record(record))).collect()))
    }
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
