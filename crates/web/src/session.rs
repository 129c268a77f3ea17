use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use secrecy::SecretString;
use serde_json::Value;

use crate::fault::Fault;
use crate::{Console, oidc};

/// So many people are signed in at once; whoever was quiet for longest makes room.
const SESSIONS_MAX: usize = 10_000;
/// Whoever is quiet for so long signs in again.
const IDLE: Duration = Duration::from_secs(8 * 3600);

/// The open sessions. They end with the process.
pub struct Sessions {
    secure: bool,
    open: Mutex<HashMap<String, Open>>,
}

struct Open {
    signed_in: Arc<SignedIn>,
    last: Instant,
    /// Held by whoever renews its token: what a token is renewed for is good once.
    renewing: Arc<tokio::sync::Mutex<()>>,
}

/// What a session is.
pub struct SignedIn {
    /// Its token at the API.
    pub token: SecretString,
    /// What each of its forms must carry.
    pub csrf: String,
    /// Who it is, as the API says.
    pub name: String,
    /// What it may do, as the API says: to leave away what would be refused.
    pub permissions: Vec<String>,
    /// How its token is renewed before it ends; none where it is not.
    pub renewal: Option<Renewal>,
}

/// How a token is renewed.
pub struct Renewal {
    /// What the provider gives the next one for.
    pub refresh: SecretString,
    /// When.
    pub due: Instant,
}

impl Renewal {
    /// Tells whether it is time.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Remote {
    /// The other end of the connection.
    pub address: Option<SocketAddr>,
    /// What a proxy says of it.
    pub forwarded: Option<String>,
}

/// A request of somebody who is signed in.
#[derive(Clone)]
pub struct Session {
    /// Who.
    pub signed_in: Arc<SignedIn>,
    /// The session's id.
    pub id: String,
    /// From where.
    pub remote: Remote,
}

impl std::ops::Deref for Session {
    type Target = SignedIn;

    fn deref(&self) -> &SignedIn {
        &self.signed_in
    }
}

impl SignedIn {
    /// Builds it from the token and what `/api/v2/tokens/me` says.
    ///
    /// # Errors
    /// [`Fault`] where the system gives no randomness.
    pub fn new(token: SecretString, me: &Value) -> Result<Self, Fault> {
        let name = me["OAuthClient"]["name"].as_str().or(me["OAuthClient"]["id"].as_str()).unwrap_or_default().to_owned();
        Ok(SignedIn { token, csrf: draw()?, name, permissions: Self::permissions_of(me), renewal: None })
    }

    /// Reads what the API says that it may do.
    pub fn permissions_of(me: &Value) -> Vec<String> {
        let permissions = me["permissions"].as_array().map(Vec::as_slice).unwrap_or_default();
        permissions.iter().filter_map(|permission| Some(permission.as_str()?.to_owned())).collect()
    }

    /// Tells whether it may do this somewhere. The API decides; this only leaves away what it would refuse.
    pub fn may(&self, wanted: &str) -> bool {
        self.permissions.iter().any(|granted| covers(granted, wanted))
    }
}

fn covers(granted: &str, wanted: &str) -> bool {
    if granted == "telephony:plugin:all" {
        return wanted.starts_with("telephony:");
    }
    let mut wanted = wanted.split(':');
    let mut granted = granted.split(':').peekable();
    while let Some(part) = granted.next() {
        let last = granted.peek().is_none();
        match wanted.next() {
            Some(_) if part == "*" && last => return true,
            Some(asked) if part == "*" || part == asked => {}
            _ => return false,
        }
    }
    wanted.next().is_none()
}

impl Sessions {
    /// None yet. `secure` where browsers come over TLS.
    pub fn new(secure: bool) -> Self {
        Sessions { secure, open: Mutex::default() }
    }

    /// `__Host-`: set by this host, over TLS, for all of it (RFC 6265bis 4.1.3.2).
    fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-trunkline" } else { "trunkline" }
    }

    /// Opens a session and returns the cookie of it.
    ///
    /// # Errors
    /// [`Fault`] where the system gives no randomness.
    pub fn open(&self, signed_in: SignedIn) -> Result<String, Fault> {
        let id = draw()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, session| session.last.elapsed() < IDLE);
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.last).map(|(id, _)| id.clone());
            oldest.and_then(|id| open.remove(&id));
        }
        let cookie = self.cookie(&id, None);
        open.insert(id, Open { signed_in: Arc::new(signed_in), last: Instant::now(), renewing: Arc::default() });
        Ok(cookie)
    }

    /// Takes the turn to renew a session's token, when that is due; none where somebody else has renewed it meanwhile.
    pub async fn turn(&self, id: &str) -> Option<(tokio::sync::OwnedMutexGuard<()>, Arc<SignedIn>)> {
        let lock = Arc::clone(&self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id)?.renewing);
        let turn = lock.lock_owned().await;
        let signed_in = Arc::clone(&self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id)?.signed_in);
        signed_in.renewal.as_ref().is_some_and(Renewal::is_due).then_some((turn, signed_in))
    }

    /// Returns what a session is by now.
    pub fn present(&self, id: &str) -> Option<Arc<SignedIn>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id).map(|session| Arc::clone(&session.signed_in))
    }

    /// Puts what a session has become in its place, if it is still open.
    pub fn replace(&self, id: &str, signed_in: Arc<SignedIn>) {
        if let Some(session) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get_mut(id) {
            session.signed_in = signed_in;
        }
    }

    /// Returns what this browser has in a cookie.
    pub fn from_cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// Tells whether browsers come over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Ends a session and returns the cookie that forgets it.
    pub fn close(&self, id: &str) -> String {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        self.cookie("", Some(0))
    }

    fn cookie(&self, id: &str, age: Option<u32>) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let age = age.map(|age| format!("; Max-Age={age}")).unwrap_or_default();
        // Lax: a link to a trunk in a ticket opens it; forms carry a token of their own.
        format!("{}={id}; Path=/; HttpOnly; SameSite=Lax{secure}{age}", self.cookie_name())
    }

    fn find(&self, headers: &HeaderMap) -> Option<(String, Arc<SignedIn>)> {
        let id = Self::from_cookie(headers, self.cookie_name())?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let session = open.get_mut(id).filter(|session| session.last.elapsed() < IDLE)?;
        session.last = Instant::now();
        Some((id.to_owned(), Arc::clone(&session.signed_in)))
    }
}

impl FromRequestParts<Console> for Session {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Fault> {
        let Ok(remote) = Remote::from_request_parts(parts, console).await;
        match console.sessions.find(&parts.headers) {
            Some((id, signed_in)) => {
                let signed_in = oidc::renewed(console, &id, signed_in, &remote).await;
                Ok(Session { signed_in, id, remote })
            }
            None => Err(Fault::SignIn { next: parts.uri.path_and_query().map(ToString::to_string) }),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Remote {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0);
        let forwarded = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Remote { address, forwarded })
    }
}

/// 256 random bits.
pub fn draw() -> Result<String, Fault> {
    let mut bytes = [0u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Fault::NoRandomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_covers_what_it_names() {
        for (granted, wanted, covered) in [
            ("*", "telephony:trunk:view", true),
            ("telephony:trunk:*", "telephony:trunk:edit", true),
            ("telephony:*:view", "telephony:trunk:view", true),
            ("telephony:*:view", "telephony:trunk:edit", false),
            ("telephony:trunk", "telephony:trunk:edit", false),
            ("telephony:plugin:all", "telephony:trunk:edit", true),
            ("telephony:plugin:all", "oauth:client:add", false),
        ] {
            assert_eq!(covers(granted, wanted), covered, "{granted} {wanted}");
        }
    }

    #[test]
    fn a_cookie_is_out_of_reach_of_scripts_and_of_plain_http() {
        let cookie = Sessions::new(true).cookie("id", None);
        assert_eq!(cookie, "__Host-trunkline=id; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert!(!Sessions::new(false).cookie("id", None).contains("Secure"));
    }
}
