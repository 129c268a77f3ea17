//! The first administrator client.

use secrecy::{ExposeSecret, SecretString};

use super::{built_in, secret};
use crate::StartError;
use crate::audit::{AuditEntry, Origin};
use crate::domain::{Client, ClientSettings, Meta, RoleGrant, Scope, id};
use crate::store::{Store, clients};

/// Shortest secret that the environment may choose.
const SECRET_CHARS_MIN: usize = 16;

/// Makes the administrator client where there is no client yet, or where the environment names one that is not there.
///
/// Returns id and secret where the secret was drawn, to be printed once.
///
/// # Errors
/// [`StartError`] where the environment's choice cannot be used, or the store not written.
pub async fn ensure_client(store: &Store, chosen: Option<(String, SecretString)>) -> Result<Option<(String, SecretString)>, StartError> {
    let mut tx = store.begin(&Origin::system("start")).await?;
    let (id, drawn, secret) = match chosen {
        Some((id, secret)) => {
            id::check(&id).map_err(|what| StartError::Bootstrap { what })?;
            if secret.expose_secret().len() < SECRET_CHARS_MIN {
                return Err(StartError::Bootstrap { what: format!("its secret has fewer than {SECRET_CHARS_MIN} characters") });
            }
            match clients::secret_hash(tx.connection(), &id).await? {
                Some(kept) if secret::matches(&secret, Some(&kept)) => return Ok(None),
                Some(_) => {
                    clients::replace_secret(&mut tx, &id, &secret::hash(&secret)).await?;
                    tx.audit(AuditEntry::new("update", "client", &id).after(serde_json::json!({ "secret": "changed" })));
                    tx.commit().await?;
                    return Ok(None);
                }
                None => (id, false, secret),
            }
        }
        None if clients::any(tx.connection()).await? => return Ok(None),
        None => (id::generate(), true, secret::draw().map_err(|problem| StartError::Bootstrap { what: problem.to_string() })?),
    };
    let client = Client {
        meta: Meta { id: id.clone(), name: "First administrator".into(), version: 1, created: 0, modified: 0, revision: 0 },
        settings: ClientSettings {
            role_grants: vec![RoleGrant { role_id: built_in::ADMINISTRATOR.into(), scope: Scope::Organization }],
            ..ClientSettings::default()
        },
    };
    clients::insert(&mut tx, &client, &secret::hash(&secret)).await?;
    tx.audit(AuditEntry::new("create", "client", &id).after(serde_json::json!({ "roleGrants": client.settings.role_grants })));
    tx.commit().await?;
    Ok(drawn.then_some((id, secret)))
}
