use std::net::IpAddr;
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use secrecy::SecretString;

use super::oidc::{Identity, Oidc};
use super::{Grant, Grants, built_in, secret};
use crate::audit::Origin;
use crate::domain::{Client, Place, Reach, Role};
use crate::http::{App, context, peer};
use crate::problem::Problem;
use crate::store::tokens::Token;
use crate::store::{self, Connection, StoreError, now, reach, trunks};

/// Who makes a request: the client of its bearer token, and what that may do.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The client.
    pub client: Client,
    /// What its roles allow, and where.
    pub grants: Grants,
    /// The token, by its hash.
    pub token: Token,
    /// The caller's address, where the server knows it.
    pub remote: Option<IpAddr>,
}

impl Caller {
    /// Refuses what the caller may not do in the whole organisation.
    ///
    /// # Errors
    /// 403 `missing.permissions`, which names it.
    pub fn require(&self, permission: &str) -> Result<(), Problem> {
        self.grants.require(&[permission])
    }

    /// Refuses what the caller may do nowhere, and returns where it may. Call it before anything is looked up: who may do a thing nowhere
    /// learns nothing of what there is.
    ///
    /// # Errors
    /// 403 `missing.permissions`, which names it.
    pub fn require_somewhere(&self, permission: &str) -> Result<Reach, Problem> {
        self.grants.require_somewhere(&[permission])?;
        Ok(self.grants.reach(permission))
    }

    /// Refuses what the caller may not do there. Where none of its grants shows it that there is such a thing, the answer is the same as
    /// if there were none.
    ///
    /// # Errors
    /// 403 `missing.permissions`, which names all that is missing, or 404.
    pub async fn require_on(&self, connection: &mut Connection, permissions: &[&str], place: &Place<'_>) -> Result<(), Problem> {
        let missing: Vec<&str> = permissions.iter().copied().filter(|permission| !self.grants.on(permission, place)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if reach::sees(connection, &self.grants.known(), place).await? {
            return Err(Problem::missing_permissions(missing));
        }
        let (kind, id) = place.named();
        Err(Problem::not_found(kind, id))
    }

    /// Refuses what the caller may not do with a trunk, as [`Caller::require_on`]. A caller who may do it everywhere is not looked up for.
    ///
    /// # Errors
    /// 403 `missing.permissions`, or 404 where there is no such trunk for this caller.
    pub async fn require_trunk(&self, app: &App, permissions: &[&str], trunk: &str) -> Result<(), Problem> {
        self.grants.require_somewhere(permissions)?;
        if permissions.iter().all(|permission| self.grants.everywhere(permission)) {
            return Ok(());
        }
        let mut reader = app.store.read().await?;
        let found = trunks::find(&mut reader, trunk).await?.ok_or_else(|| Problem::not_found("trunk", trunk))?;
        self.require_on(&mut reader, permissions, &Place::trunk(&found)).await
    }

    /// Tells whether the caller may do it with a trunk.
    ///
    /// # Errors
    /// [`Problem`] where the trunk cannot be read.
    pub async fn may_with(&self, app: &App, permission: &str, trunk: &str) -> Result<bool, Problem> {
        match self.require_trunk(app, &[permission], trunk).await {
            Ok(()) => Ok(true),
            Err(problem) if problem.status().is_client_error() => Ok(false),
            Err(problem) => Err(problem),
        }
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
        if let Some(oidc) = app.oidc.as_ref().filter(|_| Oidc::may_be(&token)) {
            let Identity { client, issued, expires } = oidc.identify(&token).await?;
            app.rates.is_good(&parts.headers, &client.meta.id, Instant::now());
            let grants = grants(&mut *app.store.read().await?, &client).await?;
            // It is kept nowhere, so it has no hash to be found by.
            let token = Token { hash: String::new(), client: client.meta.id.clone(), created: issued, expires };
            return Ok(Caller { client, grants, token, remote: peer::address(parts) });
        }
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
        app.rates.is_good(&parts.headers, &client.meta.id, Instant::now());
        let grants = grants(&mut reader, &client).await?;
        Ok(Caller { client, grants, token, remote: peer::address(parts) })
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
async fn grants(reader: &mut Connection, client: &Client) -> Result<Grants, StoreError> {
    let mut grants = Vec::with_capacity(client.settings.role_grants.len());
    for grant in &client.settings.role_grants {
        if let Some(role) = role(reader, &grant.role_id).await? {
            grants.push(Grant { permissions: role.settings.permissions.into_iter().collect(), scope: grant.scope.clone() });
        }
    }
    Ok(grants.into_iter().collect())
}

/// Finds a role, built-in or of the store.
pub(super) async fn role(reader: &mut Connection, id: &str) -> Result<Option<Role>, StoreError> {
    match built_in::find(id) {
        Some(role) => Ok(Some(role)),
        None => store::roles::find(reader, id).await,
    }
}
