use serde_json::{Map, Value};

use super::OidcSettings;
use crate::domain::{Client, ClientSettings, Meta, RoleGrant};

/// Longest subject that is taken.
const SUBJECT_CHARS_MAX: usize = 128;

/// Whom the provider vouches for.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// As a client: its id is `oidc:` and the subject; its grants are what the settings make of the provider's words.
    pub client: Client,
    /// When the token was given.
    pub issued: link::UnixMicros,
    /// Until when it is good.
    pub expires: link::UnixMicros,
}

impl Identity {
    /// Reads the claims of a token that was checked; none where they name nobody.
    pub(super) fn of(claims: &Map<String, Value>, settings: &OidcSettings) -> Option<Self> {
        let subject = claims.get("sub")?.as_str().filter(|subject| is_sane(subject))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| is_sane(text));
        let name = text("name").or_else(|| text("preferred_username")).or_else(|| text("client_id")).unwrap_or(subject);
        let words = words(claims, &settings.roles_claim);
        let fitting = settings.grant.iter().filter(|grant| words.contains(&grant.value.as_str()));
        let role_grants = fitting.filter_map(|grant| Some(RoleGrant { role_id: grant.role.clone(), scope: grant.scope()? })).collect();
        let time = |name: &str| claims.get(name).and_then(Value::as_f64).map_or(0, |seconds| (seconds * 1e6) as i64);
        let meta = Meta { id: format!("oidc:{subject}"), name: name.to_owned(), version: 1, created: 0, modified: 0, revision: 0 };
        let client = Client { meta, settings: ClientSettings { role_grants, ..ClientSettings::default() } };
        Some(Identity { client, issued: time("iat"), expires: time("exp") })
    }
}

/// It goes into audit records and the log.
pub(super) fn is_sane(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= SUBJECT_CHARS_MAX && !text.chars().any(char::is_control)
}

fn words<'a>(claims: &'a Map<String, Value>, path: &str) -> Vec<&'a str> {
    // A name with dots of its own, such as a URL, is looked for first.
    let found = claims.get(path).or_else(|| {
        let mut parts = path.split('.');
        let first = claims.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    });
    match found {
        Some(Value::String(text)) => text.split_ascii_whitespace().collect(),
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(_) | None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::access::oidc::OidcGrant;
    use crate::domain::Scope;

    fn settings(claim: &str) -> OidcSettings {
        let grant = |value: &str, role: &str, site: Option<&str>| OidcGrant {
            value: value.into(),
            role: role.into(),
            site: site.map(str::to_owned),
            carrier: None,
            trunks: Vec::new(),
        };
        OidcSettings {
            issuer: "https://login.example".into(),
            audience: "trunkline".into(),
            jwks_uri: None,
            roles_claim: claim.into(),
            grant: vec![grant("ops", "trunk-operator", None), grant("desk", "trunk-administrator", Some("jakarta"))],
            console: None,
        }
    }

    #[test]
    fn the_words_of_a_claim_become_grants() {
        for (claim, claims) in [
            ("roles", json!({ "sub": "u1", "roles": ["desk", "other"] })),
            ("scope", json!({ "sub": "u1", "scope": "openid desk" })),
            ("realm_access.roles", json!({ "sub": "u1", "realm_access": { "roles": ["desk"] } })),
            ("https://a.example/roles", json!({ "sub": "u1", "https://a.example/roles": "desk" })),
        ] {
            let identity = Identity::of(claims.as_object().expect("claims"), &settings(claim)).expect("somebody");
            let grants = identity.client.settings.role_grants;
            assert_eq!(grants, [RoleGrant { role_id: "trunk-administrator".into(), scope: Scope::Site("jakarta".into()) }], "{claim}");
        }
    }

    #[test]
    fn a_token_that_names_nobody_or_gives_nothing_is_told_apart() {
        let of = |claims: Value| Identity::of(claims.as_object().expect("claims"), &settings("roles"));
        for bad in [json!({}), json!({ "sub": 7 }), json!({ "sub": "" }), json!({ "sub": "a\nb" }), json!({ "sub": "x".repeat(200) })] {
            assert!(of(bad.clone()).is_none(), "{bad}");
        }
        let nothing = of(json!({ "sub": "u1", "name": "Ana", "roles": { "desk": true } })).expect("somebody");
        assert_eq!((nothing.client.meta.id.as_str(), nothing.client.meta.name.as_str()), ("oidc:u1", "Ana"));
        assert!(nothing.client.settings.role_grants.is_empty());
    }
}
