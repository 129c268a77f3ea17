use axum::extract::{Form, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use maud::{Markup, html};
use secrecy::SecretString;

use crate::Console;
use crate::api::escape;
use crate::fault::Fault;
use crate::form::{self, Fields, Posted};
use crate::session::{Remote, SignedIn};
use crate::{page, parts, words as w};

/// GET /sign-in.
pub async fn page(State(console): State<Console>, fields: Fields) -> Response {
    page::bare(w::SIGN_IN, shown(&console, fields.get("next").unwrap_or_default(), "", None)).into_response()
}

/// The page again, with what was said instead of yes.
pub fn refused(console: &Console, next: &str, says: &str) -> Html<String> {
    page::bare(w::SIGN_IN, shown(console, next, "", Some(says)))
}

/// Only our own paths: a link of somebody else must not lead away after the sign-in.
pub fn safe(next: &str) -> &str {
    if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') { next } else { "/" }
}

fn shown(console: &Console, next: &str, id: &str, refused: Option<&str>) -> Markup {
    let at_provider = if next.is_empty() { "/sign-in/oidc".to_owned() } else { format!("/sign-in/oidc?next={}", escape(next)) };
    html! {
        section class="panel sign-in" {
            h1 { (w::SIGN_IN) }
            @if let Some(refused) = refused { p class="alert" role="alert" { (refused) } }
            @if console.provider.is_some() {
                p { a class="button primary" href=(at_provider) { (w::SIGN_IN_AT_PROVIDER) } }
            }
            p class="quiet" { (w::SIGN_IN_HINT) }
            form method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label { (w::CLIENT_ID) input name="id" value=(id) autocomplete="username" required autofocus; }
                label { (w::CLIENT_SECRET) input name="secret" type="password" autocomplete="current-password" required; }
                button class="primary" { (w::SIGN_IN) }
            }
        }
    }
}

/// POST /sign-in.
pub async fn enter(
    State(console): State<Console>,
    remote: Remote,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    form::same_origin(&headers)?;
    let find = |name: &str| form.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str()).unwrap_or_default();
    let secret: SecretString = find("secret").into();
    let token = match console.api.sign_in(&remote, find("id"), &secret).await {
        Ok(token) => token,
        Err(Fault::Refused { status, body }) if status.is_client_error() => {
            let says = if status == StatusCode::UNAUTHORIZED { w::SIGN_IN_REFUSED } else { parts::text(&body, "message") };
            return Ok((status, page::bare(w::SIGN_IN, shown(&console, find("next"), find("id"), Some(says)))).into_response());
        }
        Err(fault) => return Err(fault),
    };
    let me = console.api.whoami(&remote, &token).await?;
    let cookie = console.sessions.open(SignedIn::new(token, &me)?)?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(safe(find("next")))).into_response())
}

/// POST /sign-out: the token ends at the API, the session here.
pub async fn leave(State(console): State<Console>, posted: Posted) -> Response {
    // A token that has ended already is as good.
    let _ = console.api.call(&posted.who, Method::DELETE, "/api/v2/tokens/me", None).await;
    let cookie = console.sessions.close(&posted.who.id);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
}
