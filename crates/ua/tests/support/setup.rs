//! What a talk begins with.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use sip::digest::Hash;
use ua::*;

use super::{Zone, secs};

/// What a talk begins with.
pub struct Setup {
    pub profile: Profile,
    pub assignment: Assignment,
    pub resume: Option<Resume>,
    pub sockets: Vec<Socket>,
    pub hosts: HashMap<String, Result<Vec<SocketAddr>, ResolveFault>>,
    pub zone: Zone,
    pub start: Instant,
    pub seed: u64,
}

/// The registration of `sip:USER@carrier.test` with the password `secret of USER`, at 198.51.100.1:5060, from 192.0.2.10:5060.
pub fn registration(user: &str) -> Setup {
    let hosts = [("carrier.test", 1), ("a.test", 1), ("b.test", 2), ("c.test", 3)];
    let address = |last: u8| SocketAddr::from(([198, 51, 100, last], 5060));
    Setup {
        profile: profile("carrier"),
        assignment: assignment(user, 1),
        resume: None,
        sockets: vec![socket("192.0.2.10:5060")],
        zone: Zone::default(),
        hosts: hosts.into_iter().map(|(name, last)| (name.to_owned(), Ok(vec![address(last)]))).collect(),
        start: Instant::from_micros(1_000_000_000),
        seed: 1,
    }
}

/// A socket that is known outside as what it is bound to.
pub fn socket(address: &str) -> Socket {
    let address = address.parse().unwrap();
    Socket { address, advertised: address }
}

/// A carrier that permits whatever a test does not forbid; without OPTIONS.
pub fn profile(id: &str) -> Profile {
    Profile {
        id: id.into(),
        registrars: vec!["sip:carrier.test".into()],
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
        pacing: Pacing { registers_per_second: 10_000, in_flight: 10_000 },
        options: None,
        failure_budget: FailureBudget { failures: 3, window: secs(600), per_version: 2 },
        forbidden_retry: secs(3600),
        phrase_notes: Vec::new(),
        manners: Manners::default(),
    }
}

/// The desired state of the trunk USER in its generation N: user and password as version 1.
pub fn assignment(user: &str, generation: u64) -> Assignment {
    Assignment {
        trunk: user.into(),
        generation: Generation { incarnation: 1, number: generation },
        carrier: "carrier".into(),
        account: account(user),
        policy: policy(&[Hash::Md5, Hash::Sha256, Hash::Sha512_256]),
        active: Some(credential(user, 1, &format!("secret of {user}"))),
        previous: None,
        standby: None,
    }
}

pub fn account(user: &str) -> Account {
    Account {
        address_of_record: format!("sip:{user}@carrier.test").into(),
        request_uri: "sip:carrier.test".into(),
        from_uri: None,
        contact: ContactSpec::default(),
        expires: 3600,
        user_agent: None,
        extra_headers: Vec::new(),
    }
}

pub fn policy(allowed: &[Hash]) -> DigestPolicy {
    DigestPolicy { allowed: allowed.to_vec(), on_downgrade: OnDowngrade::Refuse, source: PolicySource::Default }
}

pub fn credential(user: &str, version: u32, password: &str) -> Credential {
    Credential {
        version,
        username: user.into(),
        realm: Some("carrier.test".into()),
        algorithm: None,
        pinned: false,
        qop: false,
        proxy: None,
        secret: Arc::new(Secret::Password(password.to_owned().into())),
    }
}

/// The order to try the password of version 2 in place of the trunk's.
pub fn order(id: &str, user: &str, password: &str) -> VerifyOrder {
    VerifyOrder {
        id: id.into(),
        trunk: Some(user.into()),
        profile: profile("carrier"),
        account: account(user),
        policy: policy(&[Hash::Md5, Hash::Sha256, Hash::Sha512_256]),
        credential: Some(credential(user, 2, password)),
        mode: VerifyMode::Digest,
        by: VerifyBy::Query,
        may_bind: true,
        by_person: true,
        patience: secs(32),
    }
}

impl Setup {
    pub fn profile(mut self, change: impl FnOnce(&mut Profile)) -> Self {
        change(&mut self.profile);
        self
    }

    pub fn account(mut self, change: impl FnOnce(&mut Account)) -> Self {
        change(&mut self.assignment.account);
        self
    }

    pub fn credential(mut self, change: impl FnOnce(&mut Credential)) -> Self {
        change(self.assignment.active.as_mut().expect("credentials"));
        self
    }

    pub fn assignment(mut self, change: impl FnOnce(&mut Assignment)) -> Self {
        change(&mut self.assignment);
        self
    }

    pub fn registrars(mut self, uris: &[&str]) -> Self {
        self.profile.registrars = uris.iter().map(|&uri| uri.into()).collect();
        self
    }

    pub fn pinged(mut self, seconds: u64) -> Self {
        self.profile.options = Some(OptionsPing { interval: secs(seconds), failure_threshold: 2, success_threshold: 1 });
        self
    }

    pub fn resumed(mut self, resume: Resume, at: Instant) -> Self {
        self.resume = Some(resume);
        self.start = at;
        self
    }

    pub fn zone(mut self, change: impl FnOnce(&mut Zone)) -> Self {
        change(&mut self.zone);
        self
    }

    pub fn host(mut self, name: &str, found: Result<&[&str], ResolveFault>) -> Self {
        let found = found.map(|list| list.iter().map(|address| address.parse().unwrap()).collect());
        self.hosts.insert(name.to_owned(), found);
        self
    }
}
