use axum::extract::State;
use axum::response::Response;
use maud::html;
use serde_json::Value;

use super::carriers::value_of;
use crate::Console;
use crate::fault::Fault;
use crate::parts::{entities, table, text, time};
use crate::session::Session;
use crate::{page, words as w};

/// GET /access: clients with their roles and scopes, and what the roles allow.
pub async fn page(State(console): State<Console>, who: Session) -> Result<Response, Fault> {
    let clients = console.api.get(&who, "/api/v2/oauth/clients?pageSize=200").await?;
    let roles = console.api.get(&who, "/api/v2/authorization/roles?pageSize=200").await?;
    let client_rows = html! {
        @for client in entities(&clients) {
            tr {
                td { a href={ "/access/clients/" (text(client, "id")) } { (text(client, "name")) } div class="quiet" { (text(client, "id")) } }
                td { @for grant in client["roleGrants"].as_array().into_iter().flatten() { div { code { (text(grant, "roleId")) } " " (w::IN_SCOPE) " " (value_of(&grant["scope"])) } } }
                td { (if client["disabled"] == true { w::YES } else { w::NO }) }
                td { (time(text(client, "dateModified"))) }
            }
        }
    };
    let role_rows = html! {
        @for role in entities(&roles) {
            tr {
                td { a href={ "/access/roles/" (text(role, "id")) } { (text(role, "name")) } div class="quiet" { (text(role, "id")) } }
                td { (text(role, "description")) }
                td { @for permission in role["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str) { code { (permission) } " " } }
            }
        }
    };
    let content = html! {
        h1 { (w::ACCESS) }
        div class="title" { h2 { (w::CLIENTS) } @if who.may("oauth:client:add") { a class="button" href="/new/client" { (w::NEW_CLIENT) } } }
        (table(w::CLIENTS, &[w::CLIENT, w::GRANTS, w::DISABLED, w::CHANGED], client_rows))
        div class="title" { h2 { (w::ROLES) } @if who.may("authorization:role:add") { a class="button" href="/new/role" { (w::NEW_ROLE) } } }
        (table(w::ROLES, &[w::ROLE, w::MEANING, w::PERMISSIONS], role_rows))
    };
    Ok(page::page(&who, "/access", w::ACCESS, content))
}
