//! Making, changing and deleting clients and roles.

use axum::extract::{Path, State};
use axum::http::Method;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::carrier_form::confirm;
use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::{Fields, Posted};
use crate::inputs::{Field, check, refusal};
use crate::page::csrf;
use crate::parts::{entities, text};
use crate::session::Session;
use crate::{page, words as w};

const CLIENTS: &str = "/api/v2/oauth/clients";
const ROLES: &str = "/api/v2/authorization/roles";
/// So many empty lines for further grants.
const FURTHER: usize = 3;
/// The kinds of scope that a grant may have.
const SCOPES: [(&str, &str); 4] =
    [("organization", w::SCOPE_ORGANIZATION), ("site", w::SITE), ("carrier", w::CARRIER), ("trunks", w::TRUNKS)];

/// What is made or changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Client,
    Role,
}

impl Kind {
    fn of(word: &str) -> Result<Self, Fault> {
        match word {
            "clients" => Ok(Kind::Client),
            "roles" => Ok(Kind::Role),
            _ => Err(Fault::Missing),
        }
    }

    fn api(self) -> &'static str {
        match self {
            Kind::Client => CLIENTS,
            Kind::Role => ROLES,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Kind::Client => "clients",
            Kind::Role => "roles",
        }
    }

    /// What one must be allowed to do so with it.
    fn needed(self, verb: &str) -> String {
        match self {
            Kind::Client => format!("oauth:client:{verb}"),
            Kind::Role => format!("authorization:role:{verb}"),
        }
    }

    fn titles(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Kind::Client => (w::NEW_CLIENT, w::EDIT_CLIENT, w::DELETE_CLIENT),
            Kind::Role => (w::NEW_ROLE, w::EDIT_ROLE, w::DELETE_ROLE),
        }
    }

    fn form(self, fields: &Fields) -> Map<String, Value> {
        match self {
            Kind::Client => client(fields),
            Kind::Role => role(fields),
        }
    }
}

/// GET /new/client and /new/role.
pub async fn new_client(State(console): State<Console>, who: Session) -> Result<Response, Fault> {
    shown(&console, &who, Kind::Client, None, &Fields::default(), None).await
}

/// See [`new_client`].
pub async fn new_role(State(console): State<Console>, who: Session) -> Result<Response, Fault> {
    shown(&console, &who, Kind::Role, None, &Fields::default(), None).await
}

/// POST /new/client: makes it, and shows its secret once.
pub async fn create_client(State(console): State<Console>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let answer = console.api.post(&who, CLIENTS, &made(Kind::Client, &fields)).await?;
    if answer.status.is_success() {
        Ok(secret(&who, &answer.body))
    } else {
        shown(&console, &who, Kind::Client, None, &fields, Some(&answer.body)).await
    }
}

/// POST /new/role.
pub async fn create_role(State(console): State<Console>, Posted { who, fields }: Posted) -> Result<Response, Fault> {
    let answer = console.api.post(&who, ROLES, &made(Kind::Role, &fields)).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to("/access").into_response());
    }
    shown(&console, &who, Kind::Role, None, &fields, Some(&answer.body)).await
}

/// What is empty has the default.
fn made(kind: Kind, fields: &Fields) -> Value {
    let mut body = kind.form(fields);
    body.retain(|_, value| !value.is_null());
    body.into()
}

/// GET /access/{kind}/{id}.
pub async fn edit(State(console): State<Console>, who: Session, Path((kind, id)): Path<(String, String)>) -> Result<Response, Fault> {
    let kind = Kind::of(&kind)?;
    let entity = console.api.get(&who, &format!("{}/{}", kind.api(), escape(&id))).await?;
    shown(&console, &who, kind, Some(&id), &written(&entity), None).await
}

/// POST /access/{kind}/{id}.
pub async fn change(
    State(console): State<Console>,
    Path((kind, id)): Path<(String, String)>,
    Posted { who, fields }: Posted,
) -> Result<Response, Fault> {
    let kind = Kind::of(&kind)?;
    let mut body = kind.form(&fields);
    body.remove("id");
    body.insert("version".into(), fields.get("version").and_then(|version| version.parse::<u64>().ok()).unwrap_or_default().into());
    let answer = console.api.call(&who, Method::PATCH, &format!("{}/{}", kind.api(), escape(&id)), Some(&body.into())).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to("/access").into_response());
    }
    shown(&console, &who, kind, Some(&id), &fields, Some(&answer.body)).await
}

/// GET /access/{kind}/{id}/delete: asks whether it is meant.
pub async fn ask(State(console): State<Console>, who: Session, Path((kind, id)): Path<(String, String)>) -> Result<Response, Fault> {
    let kind = Kind::of(&kind)?;
    let entity = console.api.get(&who, &format!("{}/{}", kind.api(), escape(&id))).await?;
    let what = format!("{} ({id})", text(&entity, "name"));
    let note = if kind == Kind::Client { w::DELETE_CLIENT_NOTE } else { w::DELETE_ROLE_NOTE };
    Ok(confirm(&who, "/access", kind.titles().2, &what, &at(kind, &id), note, None))
}

/// POST /access/{kind}/{id}/delete.
pub async fn delete(
    State(console): State<Console>,
    Path((kind, id)): Path<(String, String)>,
    Posted { who, .. }: Posted,
) -> Result<Response, Fault> {
    let kind = Kind::of(&kind)?;
    let answer = console.api.call(&who, Method::DELETE, &format!("{}/{}", kind.api(), escape(&id)), None).await?;
    if answer.status.is_success() {
        return Ok(Redirect::to("/access").into_response());
    }
    Ok(confirm(&who, "/access", kind.titles().2, &id, &at(kind, &id), "", Some(&answer.body)))
}

/// POST /access/clients/{id}/secret: a new secret, shown once; the old one and its tokens end.
pub async fn renew(State(console): State<Console>, Path(id): Path<String>, Posted { who, .. }: Posted) -> Result<Response, Fault> {
    let answer = console.api.post(&who, &format!("{CLIENTS}/{}/secret", escape(&id)), &json!({})).await?;
    Ok(secret(&who, &answer.yes()?))
}

fn at(kind: Kind, id: &str) -> String {
    format!("/access/{}/{}", kind.word(), escape(id))
}

/// Shows a secret, once: the page is kept nowhere.
fn secret(who: &Session, client: &Value) -> Response {
    let content = html! {
        p class="crumbs" { a href="/access" { (w::ACCESS) } }
        h1 { (w::SECRET_OF) " " (text(client, "id")) }
        section class="panel narrow" {
            p class="done" role="status" { (w::SECRET_ONCE) }
            dl class="facts" {
                div { dt { (w::CLIENT_ID) } dd { code { (text(client, "id")) } } }
                div { dt { (w::CLIENT_SECRET) } dd { code class="secret" { (text(client, "secret")) } } }
            }
            p { a class="button" href="/access" { (w::SECRET_KEPT) } }
        }
    };
    page::page(who, "/access", w::SECRET_OF, content)
}

/// An entity as its form shows it.
fn written(entity: &Value) -> Fields {
    let mut fields = Vec::new();
    let mut put = |name: &str, value: String| fields.push((name.to_owned(), value));
    for name in ["id", "name", "description"] {
        put(name, text(entity, name).to_owned());
    }
    put("version", entity["version"].as_u64().unwrap_or_default().to_string());
    put("life", entity["accessTokenValiditySeconds"].as_u64().map(|life| life.to_string()).unwrap_or_default());
    if entity["disabled"] == true {
        put("disabled", "yes".to_owned());
    }
    for grant in entity["roleGrants"].as_array().into_iter().flatten() {
        let scope = &grant["scope"];
        let (kind, ids) = match scope.as_object().and_then(|scope| scope.iter().next()) {
            Some((kind, Value::Array(trunks))) => {
                (kind.as_str(), trunks.iter().map(|trunk| text(trunk, "id")).collect::<Vec<_>>().join(", "))
            }
            Some((kind, one)) => (kind.as_str(), text(one, "id").to_owned()),
            None => ("organization", String::new()),
        };
        put("role", text(grant, "roleId").to_owned());
        put("scope", kind.to_owned());
        put("of", ids);
    }
    let permissions = entity["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str);
    put("permissions", permissions.collect::<Vec<_>>().join("\n"));
    if entity["default"] == true {
        put("default", "yes".to_owned());
    }
    fields.into_iter().collect()
}

fn common(fields: &Fields) -> Map<String, Value> {
    let mut body = Map::new();
    let line = |name: &str| fields.get(name).map(str::trim).filter(|text| !text.is_empty());
    for name in ["id", "name"] {
        if let Some(text) = line(name) {
            body.insert(name.into(), text.into());
        }
    }
    body.insert("description".into(), line("description").map_or(Value::Null, Value::from));
    body
}

fn client(fields: &Fields) -> Map<String, Value> {
    let mut body = common(fields);
    // As it was typed, where it is no number: the API says what is wrong with it.
    let life = fields.get("life").map(|life| life.parse::<u64>().map_or_else(|_| life.into(), Value::from));
    body.insert("accessTokenValiditySeconds".into(), life.unwrap_or(Value::Null));
    body.insert("disabled".into(), fields.get("disabled").is_some().into());
    let rows = fields.all("role").zip(fields.all("scope")).zip(fields.all("of"));
    let grants = rows.filter(|((role, _), _)| !role.is_empty()).map(|((role, kind), of)| {
        let scope = match kind {
            "site" | "carrier" => json!({ kind: { "id": of.trim() } }),
            "trunks" => {
                let ids = of.split([',', ' ', '\n']).map(str::trim).filter(|id| !id.is_empty());
                json!({ "trunks": ids.map(|id| json!({ "id": id })).collect::<Vec<_>>() })
            }
            _ => json!("organization"),
        };
        json!({ "roleId": role, "scope": scope })
    });
    body.insert("roleGrants".into(), grants.collect());
    body
}

fn role(fields: &Fields) -> Map<String, Value> {
    let mut body = common(fields);
    let lines = fields.get("permissions").unwrap_or_default().split(['\n', ' ', ',']).map(str::trim).filter(|line| !line.is_empty());
    body.insert("permissions".into(), lines.collect());
    body
}

async fn shown(
    console: &Console,
    who: &Session,
    kind: Kind,
    id: Option<&str>,
    fields: &Fields,
    refused: Option<&Value>,
) -> Result<Response, Fault> {
    // Who may not see the roles types their ids.
    let roles = console.api.call(who, Method::GET, &format!("{ROLES}?pageSize=200"), None).await?.body;
    let (new, edit, _) = kind.titles();
    let title = if id.is_some() { edit } else { new };
    let fixed = fields.get("default").is_some();
    let may = who.may(&kind.needed(if id.is_some() { "edit" } else { "add" })) && !fixed;
    let value = |name: &str| fields.get(name).unwrap_or_default();
    let field = |name: &'static str, label: &'static str, hint: &'static str| Field::new(name, label, hint).judged(refused, name);
    let target = id.map_or_else(|| if kind == Kind::Client { "/new/client".to_owned() } else { "/new/role".to_owned() }, |id| at(kind, id));
    let content = html! {
        p class="crumbs" { a href="/access" { (w::ACCESS) } }
        div class="title" {
            h1 { (title) @if let Some(id) = id { " " span class="quiet" { (id) } } }
            @if let Some(id) = id {
                div class="actions" {
                    @if kind == Kind::Client && may { form method="post" action={ (at(kind, id)) "/secret" } { (csrf(who)) button { (w::RENEW_SECRET) } } }
                    @if who.may(&kind.needed("delete")) && !fixed { a class="button" href={ (at(kind, id)) "/delete" } { (w::DELETE) } }
                }
            }
        }
        @if fixed { p class="policy" { (w::BUILT_IN) } }
        section class="panel" {
            (refusal(refused))
            form method="post" action=(target) class="stack" {
                (csrf(who))
                @if id.is_some() { input type="hidden" name="version" value=(value("version")); }
                @else { (field("id", w::ID, w::ID_HINT).line(value("id"))) }
                (field("name", w::NAME_LABEL, "").line(value("name")))
                (field("description", w::DESCRIPTION, "").line(value("description")))
                @match kind {
                    Kind::Client => {
                        (grants(fields, &roles))
                        (Field::new("life", w::TOKEN_LIFE, w::TOKEN_LIFE_HINT).judged(refused, "accessTokenValiditySeconds").number(value("life")))
                        (check("disabled", w::DISABLED_HINT, fields.get("disabled").is_some()))
                    }
                    Kind::Role => {
                        (field("permissions", w::PERMISSIONS, w::PERMISSIONS_HINT).area(value("permissions"), 10))
                        details class="field" { summary { (w::PERMISSIONS_KNOWN) } p { @for permission in known(&roles) { code { (permission) } " " } } }
                    }
                }
                div class="actions" { @if may { button class="primary" { (w::SAVE) } } a class="button" href="/access" { (w::CANCEL) } }
            }
        }
    };
    Ok(page::page(who, "/access", title, content))
}

/// A line a grant, and some empty ones.
fn grants(fields: &Fields, roles: &Value) -> Markup {
    let rows: Vec<((&str, &str), &str)> =
        fields.all("role").zip(fields.all("scope")).zip(fields.all("of")).filter(|((role, _), _)| !role.is_empty()).collect();
    let empty = std::iter::repeat_n((("", "organization"), ""), FURTHER);
    html! {
        fieldset class="grants" {
            legend { (w::GRANTS) }
            @for (place, ((role, scope), of)) in rows.iter().copied().chain(empty).enumerate() {
                div class="grant" {
                    select name="role" aria-label={ (w::ROLE) " " (place + 1) } {
                        option value="" { "–" }
                        @for known in entities(roles) { option value=(text(known, "id")) selected[text(known, "id") == role] { (text(known, "name")) } }
                        @if !role.is_empty() && !entities(roles).iter().any(|known| text(known, "id") == role) { option selected { (role) } }
                    }
                    select name="scope" aria-label={ (w::SCOPE) " " (place + 1) } { @for (kind, shown) in SCOPES { option value=(kind) selected[kind == scope] { (shown) } } }
                    input name="of" value=(of) aria-label={ (w::SCOPE_IDS) " " (place + 1) } placeholder=(w::SCOPE_IDS) autocomplete="off" spellcheck="false";
                }
            }
            p class="hint" { (w::GRANTS_HINT) }
        }
    }
}

/// The permissions that roles have.
fn known(roles: &Value) -> Vec<&str> {
    let all = entities(roles).iter().flat_map(|role| role["permissions"].as_array().into_iter().flatten()).filter_map(Value::as_str);
    let mut all: Vec<&str> = all.filter(|permission| *permission != "*").collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_come_out_of_the_form_as_they_went_in() {
        let entity = json!({
            "name": "CI", "disabled": false, "accessTokenValiditySeconds": 600,
            "roleGrants": [
                { "roleId": "viewer", "scope": "organization" }, { "roleId": "operator", "scope": { "site": { "id": "jakarta" } } },
                { "roleId": "admin", "scope": { "trunks": [{ "id": "t1" }, { "id": "t2" }] } },
            ],
        });
        let mut back = client(&written(&entity));
        back.retain(|_, value| !value.is_null());
        assert_eq!(Value::Object(back), entity);
    }

    #[test]
    fn permissions_are_taken_apart_by_lines_and_blanks() {
        let fields = Fields::from_iter([("permissions".to_owned(), "telephony:trunk:view\r\n audits:audit:view".to_owned())]);
        assert_eq!(role(&fields)["permissions"], json!(["telephony:trunk:view", "audits:audit:view"]));
    }
}
