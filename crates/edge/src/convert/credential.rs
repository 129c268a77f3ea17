use std::sync::Arc;

use diagnosis::{Code, Diagnosis};
use link::SealKey;
use secrecy::{ExposeSecret, SecretString};
use sip::digest::{Algorithm, Hash, HexDigest};
use ua::{Credential, ProxyCredential, Secret};

/// Opens a credential that was sealed for this trunk (empty where it belongs to none).
pub(super) fn credential(from: &link::Credential, trunk: &str, key: &SealKey) -> Result<Credential, Box<Diagnosis>> {
    let algorithm = from.algorithm.as_deref().map(algorithm).transpose()?;
    let secrets = key.open(trunk, from.version, &from.secret).map_err(|error| Box::new(sealed(from.version, &error)))?;
    let proxy = match (&from.proxy, secrets.proxy) {
        (Some(terms), Some(of_proxy)) => Some(Box::new(ProxyCredential {
            username: terms.username.as_str().into(),
            realm: terms.realm.as_str().into(),
            algorithm: terms.algorithm.as_deref().map(self::algorithm).transpose()?,
            secret: Arc::new(secret(of_proxy)?),
        })),
        (None, _) | (_, None) => None,
    };
    Ok(Credential {
        version: from.version,
        username: from.username.as_str().into(),
        realm: from.realm.as_deref().map(Into::into),
        algorithm,
        pinned: from.pinned,
        qop: from.qop,
        secret: Arc::new(secret(secrets.account)?),
        proxy,
    })
}

fn secret(from: link::Secret) -> Result<Secret, Box<Diagnosis>> {
    Ok(match from {
        link::Secret::Password(password) => Secret::Password(password),
        link::Secret::Ha1(values) => Secret::Ha1(values.iter().map(ha1).collect::<Result<_, _>>()?),
    })
}

/// Returns the hash of an algorithm by name; a hash stands for its `-sess` form too.
pub(super) fn hash(name: &str) -> Option<Hash> {
    Algorithm::from_spelling(name).map(|algorithm| algorithm.hash)
}

fn algorithm(name: &str) -> Result<Algorithm, Box<Diagnosis>> {
    Algorithm::from_spelling(name).ok_or_else(|| {
        Box::new(Diagnosis::new(Code::AlgorithmUnknown).summary(format!("The credentials name the algorithm {name:?}, which is unknown.")))
    })
}

fn ha1((name, value): &(String, SecretString)) -> Result<(Hash, SecretString), Box<Diagnosis>> {
    let hash = hash(name).ok_or_else(|| {
        Box::new(Diagnosis::new(Code::AlgorithmUnknown).summary(format!("An HA1 is given for {name:?}, which is unknown.")))
    })?;
    let digest = HexDigest::from_hex(hash, value.expose_secret()).ok_or_else(|| {
        Box::new(Diagnosis::new(Code::Ha1Malformed).summary(format!("The HA1 for {name} is not {} hexadecimal digits.", hash.hex_len())))
    })?;
    Ok((hash, digest.as_str().into()))
}

/// No operator can cause this by what they typed: the two ends of the link disagree.
fn sealed(version: u32, error: &link::SealError) -> Diagnosis {
    Diagnosis::new(Code::SecretUnreadable)
        .summary(format!("The edge cannot open the secret of version {version}: {error}. No carrier was asked."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed_credential(key: &SealKey, secret: link::Secret) -> link::Credential {
        link::Credential {
            version: 3,
            username: "u".into(),
            realm: None,
            algorithm: Some("sha256".into()),
            pinned: false,
            qop: false,
            proxy: None,
            secret: key.seal("t1", 3, &secret.into()),
        }
    }

    #[test]
    fn a_password_opens_for_its_trunk_only() {
        let key = SealKey::random();
        let from = sealed_credential(&key, link::Secret::Password("s3cret".into()));
        let opened = credential(&from, "t1", &key).unwrap();
        assert!(matches!(&*opened.secret, Secret::Password(password) if password.expose_secret() == "s3cret"));
        assert_eq!(opened.algorithm.unwrap().as_str(), "SHA-256");
        let fault = credential(&from, "t2", &key).unwrap_err();
        assert_eq!(fault.code, Code::SecretUnreadable);
        assert!(fault.summary.contains("version 3"), "{}", fault.summary);
    }

    #[test]
    fn the_secret_of_a_proxy_comes_with_its_realm() {
        let key = SealKey::random();
        let secrets = link::Secrets { account: link::Secret::Password("own".into()), proxy: Some(link::Secret::Password("b0rder".into())) };
        let terms = link::ProxyTerms { username: "edge".into(), realm: "border".into(), algorithm: None };
        let from = link::Credential {
            proxy: Some(terms),
            secret: key.seal("t1", 3, &secrets),
            ..sealed_credential(&key, link::Secret::Password(String::new().into()))
        };
        let opened = credential(&from, "t1", &key).unwrap();
        let proxy = opened.proxy.expect("proxyCredentials");
        assert_eq!((&*proxy.username, &*proxy.realm), ("edge", "border"));
        assert!(matches!(&*proxy.secret, Secret::Password(password) if password.expose_secret() == "b0rder"));
        assert!(matches!(&*opened.secret, Secret::Password(password) if password.expose_secret() == "own"));
    }

    #[test]
    fn ha1_values_are_taken_in_lower_case_and_wrong_ones_refused() {
        let key = SealKey::random();
        let with = |name: &str, value: &str| {
            credential(&sealed_credential(&key, link::Secret::Ha1(vec![(name.into(), value.into())])), "t1", &key)
        };
        let good = with("MD5", "00FF00FF00FF00FF00FF00FF00FF00FF").unwrap();
        assert!(matches!(&*good.secret, Secret::Ha1(values) if values[0].1.expose_secret() == "00ff00ff00ff00ff00ff00ff00ff00ff"));
        assert_eq!(with("MD5", "00ff").unwrap_err().code, Code::Ha1Malformed);
        assert_eq!(with("MD2", "00ff").unwrap_err().code, Code::AlgorithmUnknown);
    }
}
