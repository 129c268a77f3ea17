//! `/api/v2/sealing`: which keys there are, and new ones while everything runs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Keyring, MasterKeySource};
use crate::access::Caller;
use crate::http::{App, OptionalJsonBody, Query, answer};
use crate::problem::Problem;
use crate::store::{Store, StoreError, data_keys, sealed};
use crate::time::rfc3339;

const VIEW: &str = "sealing:key:view";
const EDIT: &str = "sealing:key:edit";

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v2/sealing", get(read))
        .route("/api/v2/sealing/data-keys/rotate", post(rotate_data_key))
        .route("/api/v2/sealing/master-key/rotate", post(rotate_master_key))
}

async fn read(State(app): State<App>, caller: Caller, query: Query) -> Result<Response, Problem> {
    caller.require(VIEW)?;
    query.finish()?;
    Ok(answer(show(&app.store, &app.keyring).await?))
}

/// 202: what is new is sealed by the new key from here on, the rest follows; GET shows how far it is.
async fn rotate_data_key(State(app): State<App>, caller: Caller, OptionalJsonBody(fields): OptionalJsonBody) -> Result<Response, Problem> {
    caller.require(EDIT)?;
    refuse_fields(fields.keys().next())?;
    app.keyring.rotate_data_key(&app.store, &caller.origin()).await?;
    start(&app.store, &app.keyring);
    Ok((StatusCode::ACCEPTED, Json(show(&app.store, &app.keyring).await?)).into_response())
}

async fn rotate_master_key(
    State(app): State<App>,
    caller: Caller,
    OptionalJsonBody(fields): OptionalJsonBody,
) -> Result<Response, Problem> {
    caller.require(EDIT)?;
    refuse_fields(fields.keys().next())?;
    app.keyring.rotate_master_key(&app.store, &caller.origin()).await?;
    Ok(answer(show(&app.store, &app.keyring).await?))
}

/// Brings everything to the newest data key, in the background; at a start it goes on with what a kill left undone.
pub(crate) fn start(store: &Store, keyring: &Keyring) {
    let (store, keyring) = (store.clone(), keyring.clone());
    tokio::spawn(async move {
        match keyring.reseal(&store).await {
            Ok(0) => {}
            Ok(secrets) => tracing::info!(secrets, key = keyring.newest(), "all secrets are sealed by the newest data key"),
            Err(error) => tracing::error!(%error, "sealing anew has stopped; it goes on at the next start or rotation"),
        }
    });
}

async fn show(store: &Store, keyring: &Keyring) -> Result<Value, StoreError> {
    let mut state = store.snapshot().await?;
    let counts = sealed::by_key(&mut state).await?;
    let keys = data_keys::created(&mut state).await?;
    let newest = keys.last().map_or(0, |(id, _)| *id);
    let remaining: i64 = counts.iter().filter(|(id, _)| **id < newest).map(|(_, count)| count).sum();
    let source = match keyring.source() {
        MasterKeySource::File(_) => "file",
        MasterKeySource::Env(_) => "environment",
        MasterKeySource::Command(_) => "command",
    };
    let shown = keys.iter().map(|(id, created)| {
        json!({ "id": id, "dateCreated": rfc3339(*created), "secrets": counts.get(id).copied().unwrap_or(0), "sealsNew": *id == newest })
    });
    Ok(json!({
        "masterKey": { "source": source },
        "dataKeys": shown.collect::<Vec<_>>(),
        "rotation": { "state": if keys.len() > 1 { "RUNNING" } else { "COMPLETED" }, "remaining": remaining },
        "selfUri": "/api/v2/sealing",
    }))
}

fn refuse_fields(first: Option<&String>) -> Result<(), Problem> {
    match first {
        None => Ok(()),
        Some(name) => {
            Err(Problem::invalid(name.clone(), format!("There is no field {name:?}; the key is drawn, and this call takes none.")))
        }
    }
}
