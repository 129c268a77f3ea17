//! Sign-in at an identity provider, from the browser's side.
//!
//! Nothing is kept here between the way there and the way back. The browser holds one random secret in a cookie; the state, the nonce and
//! the PKCE verifier of each attempt are derived from it, so what comes back is known for this browser's own, and nobody can fill a memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::Console;
use crate::fault::Fault;
use crate::form::Fields;
use crate::pages::sign_in::{self, safe};
use crate::provider::{Ask, Provider, Returned, Tokens};
use crate::session::{Remote, Renewal, Sessions, SignedIn, draw};
use crate::words as w;

/// Where the provider sends browsers back to.
pub const CALLBACK: &str = "/sign-in/oidc/callback";
/// So long may somebody take at the provider.
const PATIENCE_SECONDS: u32 = 600;
/// Longest page that one is led back to; the provider must carry it.
const NEXT_CHARS_MAX: usize = 512;
/// A token is renewed so long before it ends, or in the middle of its life where that is shorter.
const EARLY: Duration = Duration::from_secs(30);
/// After a renewal that came to nothing, the next is tried so much later.
const AGAIN: Duration = Duration::from_secs(10);

/// GET /sign-in/oidc: a link, not a form, since the policy lets no form lead to another host.
pub async fn begin(State(console): State<Console>, headers: HeaderMap, fields: Fields) -> Result<Response, Fault> {
    let provider = console.provider.as_deref().ok_or(Fault::Missing)?;
    let known = Sessions::from_cookie(&headers, cookie_name(&console)).filter(|secret| is_drawn(secret));
    let secret = known.map_or_else(draw, |secret| Ok(secret.to_owned()))?;
    let next = fields.get("next").map(safe).filter(|next| next.len() <= NEXT_CHARS_MAX).unwrap_or("/");
    let attempt = Attempt { secret: &secret, id: &draw()?, next };
    let Some(redirect_uri) = redirect_uri(provider, &console, &headers) else {
        return Ok(refused(&console, next, StatusCode::BAD_REQUEST, w::NO_HOST));
    };
    let (state, nonce, verifier) = (attempt.state(), attempt.derive("nonce"), attempt.derive("verifier"));
    let ask = Ask { redirect_uri: &redirect_uri, state: &state, nonce: &nonce, verifier: &verifier };
    match provider.authorize(ask).await {
        Ok(url) => Ok(([(header::SET_COOKIE, cookie(&console, &secret, PATIENCE_SECONDS))], Redirect::to(&url)).into_response()),
        Err(says) => Ok(refused(&console, next, StatusCode::BAD_GATEWAY, &says)),
    }
}

/// GET /sign-in/oidc/callback.
pub async fn callback(State(console): State<Console>, headers: HeaderMap, remote: Remote, fields: Fields) -> Result<Response, Fault> {
    let provider = console.provider.as_deref().ok_or(Fault::Missing)?;
    let secret = Sessions::from_cookie(&headers, cookie_name(&console)).filter(|secret| is_drawn(secret));
    // Before anything else is shown: what others make up leads nowhere.
    let attempt = secret.and_then(|secret| Attempt::of(secret, fields.get("state").unwrap_or_default()));
    let Some(attempt) = attempt else { return Ok(refused(&console, "", StatusCode::BAD_REQUEST, w::FOREIGN_SIGN_IN)) };
    if let Some(error) = fields.get("error") {
        let more = fields.get("error_description").unwrap_or_default();
        let says = format!("{} {error} {more}", w::PROVIDER_REFUSES);
        return Ok(refused(&console, attempt.next, StatusCode::FORBIDDEN, says.trim_end()));
    }
    let Some((code, redirect_uri)) = fields.get("code").zip(redirect_uri(provider, &console, &headers)) else {
        return Ok(refused(&console, attempt.next, StatusCode::BAD_REQUEST, w::FOREIGN_SIGN_IN));
    };
    let (nonce, verifier) = (attempt.derive("nonce"), attempt.derive("verifier"));
    let issuer = fields.get("iss");
    let returned = Returned { code, issuer, redirect_uri: &redirect_uri, nonce: &nonce, verifier: &verifier };
    let tokens = match provider.redeem(returned).await {
        Ok(tokens) => tokens,
        Err(says) => return Ok(refused(&console, attempt.next, StatusCode::FORBIDDEN, &says)),
    };
    let me = match console.api.whoami(&remote, &tokens.bearer).await {
        Ok(me) => me,
        Err(Fault::Refused { status, body }) => {
            return Ok(refused(&console, attempt.next, status, body["message"].as_str().unwrap_or(w::NO_WORDS)));
        }
        Err(fault) => return Err(fault),
    };
    let mut signed_in = SignedIn::new(tokens.bearer.clone(), &me)?;
    signed_in.name = tokens.name.clone().unwrap_or(signed_in.name);
    if signed_in.permissions.is_empty() {
        let says = format!("{} {}", signed_in.name, w::NO_ROLE);
        return Ok(refused(&console, attempt.next, StatusCode::FORBIDDEN, &says));
    }
    signed_in.renewal = renewal(&tokens);
    let cookies = [(header::SET_COOKIE, console.sessions.open(signed_in)?), (header::SET_COOKIE, cookie(&console, "", 0))];
    Ok((AppendHeaders::<[(HeaderName, String); 2]>(cookies), Redirect::to(attempt.next)).into_response())
}

/// Renews the token of a session that ends soon; a session stays what it is where that comes to nothing.
pub async fn renewed(console: &Console, id: &str, signed_in: Arc<SignedIn>, remote: &Remote) -> Arc<SignedIn> {
    let Some(provider) = console.provider.as_deref().filter(|_| signed_in.renewal.as_ref().is_some_and(Renewal::is_due)) else {
        return signed_in;
    };
    let Some((_turn, now)) = console.sessions.turn(id).await else { return console.sessions.present(id).unwrap_or(signed_in) };
    let Some(old) = &now.renewal else { return now };
    let next = match provider.renew(&old.refresh).await {
        Ok(tokens) => {
            // What it may do is read anew: the provider may have changed its mind.
            let permissions = console.api.whoami(remote, &tokens.bearer).await.ok().map(|me| SignedIn::permissions_of(&me));
            let mut renewal = renewal(&tokens);
            if let Some(renewal) = &mut renewal
                && tokens.refresh.is_none()
            {
                renewal.refresh = old.refresh.clone();
            }
            let permissions = permissions.unwrap_or_else(|| now.permissions.clone());
            SignedIn { token: tokens.bearer, csrf: now.csrf.clone(), name: now.name.clone(), permissions, renewal }
        }
        Err(says) => {
            tracing::info!(says, "a session could not be renewed");
            let renewal = Renewal { refresh: old.refresh.clone(), due: Instant::now() + AGAIN };
            let (token, csrf, name) = (now.token.clone(), now.csrf.clone(), now.name.clone());
            SignedIn { token, csrf, name, permissions: now.permissions.clone(), renewal: Some(renewal) }
        }
    };
    let next = Arc::new(next);
    console.sessions.replace(id, Arc::clone(&next));
    next
}

fn renewal(tokens: &Tokens) -> Option<Renewal> {
    let (refresh, life) = (tokens.refresh.clone()?, tokens.life?);
    let due = Instant::now().checked_add(life - EARLY.min(life / 2))?;
    Some(Renewal { refresh, due })
}

/// One way to the provider and back.
struct Attempt<'a> {
    /// The browser's secret, from its cookie.
    secret: &'a str,
    id: &'a str,
    next: &'a str,
}

impl<'a> Attempt<'a> {
    /// Reads a state that came back; none where it is not one of this browser.
    fn of(secret: &'a str, state: &'a str) -> Option<Self> {
        let (id, rest) = state.split_once('.')?;
        let (mark, next) = rest.split_once('.')?;
        let attempt = Attempt { secret, id, next: safe(next) };
        bool::from(attempt.derive("state").as_bytes().ct_eq(mark.as_bytes())).then_some(attempt)
    }

    fn state(&self) -> String {
        format!("{}.{}.{}", self.id, self.derive("state"), self.next)
    }

    /// 256 bits that only the browser's secret leads to. What varies is hashed first, so that nothing can be appended to it.
    fn derive(&self, what: &str) -> String {
        let inner = Sha256::digest(format!("trunkline sign-in {what}\n{}\n{}", self.id, self.next));
        let outer = Sha256::new().chain_update(self.secret).chain_update(inner).finalize();
        outer.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn is_drawn(secret: &str) -> bool {
    secret.len() == 64 && secret.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Where the provider sends the browser back to; it takes none that was not entered there (RFC 6749 3.1.2.3), so a false Host leads nowhere.
fn redirect_uri(provider: &dyn Provider, console: &Console, headers: &HeaderMap) -> Option<String> {
    if let Some(url) = provider.url() {
        return Some(format!("{url}{CALLBACK}"));
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let host: Authority = host.parse().ok()?;
    let scheme = if console.sessions.is_secure() { "https" } else { "http" };
    Some(format!("{scheme}://{host}{CALLBACK}"))
}

fn cookie_name(console: &Console) -> &'static str {
    if console.sessions.is_secure() { "__Host-trunkline-sign-in" } else { "trunkline-sign-in" }
}

fn cookie(console: &Console, secret: &str, seconds: u32) -> String {
    let secure = if console.sessions.is_secure() { "; Secure" } else { "" };
    // Lax: the provider leads back by a link.
    format!("{}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(console))
}

fn refused(console: &Console, next: &str, status: StatusCode, says: &str) -> Response {
    (status, sign_in::refused(console, next, says)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_known_by_the_browser_that_took_it_away_and_no_other() {
        let (ours, theirs) = ("a".repeat(64), "b".repeat(64));
        let state = Attempt { secret: &ours, id: "7", next: "/trunks?state=EXPIRED.x" }.state();
        let back = Attempt::of(&ours, &state).expect("its own");
        assert_eq!((back.id, back.next), ("7", "/trunks?state=EXPIRED.x"));
        assert!(Attempt::of(&theirs, &state).is_none());
        for spoilt in [format!("{state}2"), state.replacen('7', "8", 1), state.replace("/trunks", "//evil"), String::new(), "..".into()] {
            assert!(Attempt::of(&ours, &spoilt).is_none(), "{spoilt}");
        }
        let marks = ["state", "nonce", "verifier"].map(|what| back.derive(what));
        assert!(marks[0] != marks[1] && marks[1] != marks[2] && marks.iter().all(|mark| is_drawn(mark)));
        // RFC 7636 4.1: 43 to 128 characters of those that need no escape.
        assert_eq!(marks[2].len(), 64);
        assert!(!is_drawn("") && !is_drawn(&"g".repeat(64)));
    }

    #[test]
    fn a_token_is_renewed_in_time_and_only_where_it_can_be() {
        let of = |life: Option<u64>, refresh: Option<&str>| {
            let tokens =
                Tokens { bearer: "a.b.c".into(), life: life.map(Duration::from_secs), refresh: refresh.map(Into::into), name: None };
            renewal(&tokens).map(|renewal| renewal.due.saturating_duration_since(Instant::now()))
        };
        assert!(of(None, Some("r")).is_none() && of(Some(60), None).is_none() && of(Some(u64::MAX), Some("r")).is_none());
        assert!(of(Some(3_600), Some("r")).is_some_and(|left| left <= Duration::from_secs(3_570)));
        assert!(of(Some(10), Some("r")).is_some_and(|left| left <= Duration::from_secs(5)));
    }
}
