use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;

use super::{Permissions, built_in, secret};
use crate::audit::Origin;
use crate::domain::{Client, Role};
use crate::http::{App, context, peer};
use crate::problem::Problem;
use crate::store::tokens::Token;
use crate::store::{self, Connection, StoreError, now};

/// Who makes a request: the client of its bearer token, and what that may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client.
    pub client: Client,
    /// What its roles allow.
    pub permissions: Permissions,
    /// The token, by its hash.
    pub token: Token,
    /// The caller's address, where the server knows it.
    pub remote: Option<IpAddr>,
}

impl Caller {
    /// Refuses what the caller may not do.
    ///
    /// # Errors
    /// 403 `missing.permissions`, which names it.
    pub fn require(&self, permission: &str) -> Result<(), Problem> {
        self.require_all(&[permission])
    }

    /// Refuses what the caller may not do; names all that is missing.
    ///
    /// # Errors
    /// 403 `missing.permissions`.
    pub fn require_all(&self, permissions: &[&str]) -> Result<(), Problem> {
        let missing: Vec<&str> = permissions.iter().copied().filter(|permission| !self.permissions.allows(permission)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Problem::missing_permissions(missing)) }
    }

    /// Tells whether the caller may do it.
    pub fn may(&self, permission: &str) -> bool {
        self.permissions.allows(permission)
    }

    /// Returns the caller as audit records name it.
    pub fn origin(&self) -> Origin {
        Origin { client: self.client.meta.id.clone(), remote: self.remote, correlation: context::correlation_id() }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let token = bearer(parts)?;
        let mut reader = app.store.read().await?;
        let token = store::tokens::find(&mut reader, &secret::hash(&token)).await?;
        let token = token
            .ok_or_else(|| Problem::unauthorized("bad.credentials", "The access token is not valid. Get one at POST /oauth/token."))?;
        if token.expires <= now() {
            return Err(Problem::unauthorized("credentials.expired", "The access token has expired. Get another at POST /oauth/token."));
        }
        let client = store::clients::find(&mut reader, &token.client).await?;
        let client = client
            .filter(|client| !client.settings.disabled)
            .ok_or_else(|| Problem::unauthorized("bad.credentials", "The client of this access token is disabled or gone."))?;
        let permissions = permissions(&mut reader, &client).await?;
        Ok(Caller { client, permissions, token, remote: peer::address(parts) })
    }
}

fn bearer(parts: &Parts) -> Result<SecretString, Problem> {
    let required = || Problem::unauthorized("authentication.required", "No authentication bearer token specified in authorization header.");
    let given = parts.headers.get(header::AUTHORIZATION).ok_or_else(required)?;
    let given = given.to_str().map_err(|_| required())?;
    match given.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim().into()),
        _ => Err(required()),
    }
}

/// Returns what the client's roles allow. A role that is gone allows nothing.
pub(super) async fn permissions(reader: &mut Connection, client: &Client) -> Result<Permissions, StoreError> {
    let mut permissions = Vec::new();
    for grant in &client.settings.role_grants {
        if let Some(role) = role(reader, &grant.role_id).await? {
            permissions.extend(role.settings.permissions);
        }
    }
    Ok(permissions.into_iter().collect())
}

/// Finds a role, built-in or of the store.
pub(super) async fn role(reader: &mut Connection, id: &str) -> Result<Option<Role>, StoreError> {
    match built_in::find(id) {
        Some(role) => Ok(Some(role)),
        None => store::roles::find(reader, id).await,
    }
}
