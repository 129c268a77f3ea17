//! What the tests of the endpoint's parts begin with.

use std::sync::Arc;
use std::time::Duration;

use super::{Config, Endpoint};
use crate::*;

/// An endpoint with one socket, which knows nothing yet.
pub fn endpoint() -> Endpoint {
    let address = "192.0.2.10:5060".parse().unwrap();
    let config = Config { sockets: vec![Socket { address, advertised: address }], user_agent: "test".into() };
    Endpoint::new(config, Seeds { jitter: 1, tokens: [1; 32] })
}

/// The trunk alice of the carrier.
pub fn assignment(account: Account) -> Assignment {
    Assignment {
        trunk: "alice".into(),
        generation: Generation { incarnation: 1, number: 1 },
        carrier: "carrier".into(),
        account,
        policy: policy(),
        active: Some(credential()),
        previous: None,
        standby: None,
    }
}

/// A carrier that permits whatever a test does not forbid; without OPTIONS.
pub fn profile() -> Profile {
    Profile {
        id: "carrier".into(),
        registrars: vec!["sip:198.51.100.1".into()],
        transports: Vec::new(),
        tls: Default::default(),
        outbound_proxy: None,
        route: false,
        verify_by: VerifyBy::Query,
        accept_unproven: false,
        nonce_reuse: NonceReuse::Auto,
        algorithm_aliases: Vec::new(),
        truncated_sha512: false,
        response_source_exact: false,
        pacing: Pacing { registers_per_second: 100, in_flight: 100 },
        options: None,
        failure_budget: FailureBudget { failures: 3, window: Duration::from_secs(600), per_version: 2 },
        forbidden_retry: Duration::from_secs(3600),
        phrase_notes: Vec::new(),
        manners: Manners::default(),
    }
}

/// Those of alice, of version 1.
pub fn credential() -> Credential {
    Credential {
        version: 1,
        username: "alice".into(),
        realm: None,
        algorithm: None,
        pinned: false,
        qop: false,
        proxy: None,
        secret: Arc::new(Secret::Password(String::from("secret").into())),
    }
}

/// That of alice.
pub fn account() -> Account {
    Account {
        address_of_record: "sip:alice@carrier.test".into(),
        request_uri: "sip:carrier.test".into(),
        from_uri: None,
        contact: ContactSpec::default(),
        expires: 3600,
        user_agent: None,
        extra_headers: Vec::new(),
    }
}

/// Whatever is answered by MD5.
pub fn policy() -> DigestPolicy {
    DigestPolicy { allowed: vec![sip::digest::Hash::Md5], on_downgrade: OnDowngrade::Refuse, source: PolicySource::Default }
}
