use axum::extract::{Form, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use secrecy::SecretString;

use crate::Console;
use crate::fault::Fault;
use crate::form::{self, Fields, Posted};
use crate::session::{Remote, Session, SignedIn};
use crate::{page, parts, words as w};

/// GET /sign-in.
pub async fn page(fields: Fields) -> Response {
    page::bare(w::SIGN_IN, shown(fields.get("next").unwrap_or_default(), "", None)).into_response()
}

fn shown(next: &str, id: &str, refused: Option<&str>) -> Markup {
    html! {
        section class="panel sign-in" {
            h1 { (w::SIGN_IN) }
            p class="quiet" { (w::SIGN_IN_HINT) }
            @if let Some(refused) = refused { p class="alert" role="alert" { (refused) } }
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
            return Ok((status, page::bare(w::SIGN_IN, shown(find("next"), find("id"), Some(says)))).into_response());
        }
        Err(fault) => return Err(fault),
    };
    let probe = SignedIn::new(token.clone(), &serde_json::Value::Null)?;
    let probe = Session { signed_in: std::sync::Arc::new(probe), id: String::new(), remote };
    let me = console.api.get(&probe, "/api/v2/tokens/me").await?;
    let cookie = console.sessions.open(SignedIn::new(token, &me)?)?;
    let next = find("next");
    let next = if next.starts_with('/') && !next.starts_with("//") && !next.contains('\\') { next } else { "/" };
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

/// POST /sign-out: the token ends at the API, the session here.
pub async fn leave(State(console): State<Console>, posted: Posted) -> Response {
    // A token that has ended already is as good.
    let _ = console.api.call(&posted.who, Method::DELETE, "/api/v2/tokens/me", None).await;
    let cookie = console.sessions.close(&posted.who.id);
    ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
}
