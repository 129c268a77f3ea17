use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use edge::{Config, Edge, ResolverConfig};
use link::{
    Account, Assignment, CarrierProfile, Contact, ControlEnd, Credential, DigestPolicy, FailureBudget, FromEdge, Generation, NonceReuse,
    OnDowngrade, Pacing, PolicySource, ProxyTerms, Secret, Secrets, Sites, ToEdge, TrunkStatus, Verdict, VerifyBy, VerifyMode, VerifyOrder,
};

use super::DEADLINE;

/// An edge on loopback that may send to loopback.
pub fn edge_config(data: &Path, sip: &[&str]) -> Config {
    let mut config = Config::new("edge_jkt_1", Sites::One("jakarta".into()), data);
    config.sip = sip.iter().map(|address| address.parse().unwrap()).collect();
    config.allow_targets = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    config.resolver = ResolverConfig::Servers(Vec::new());
    config
}

/// A running edge and the control plane's end of its link.
pub struct Lab {
    pub edge: Edge,
    pub control: ControlEnd,
    pub local: Vec<SocketAddr>,
    runtime: tokio::runtime::Runtime,
    /// What was received and not asked for yet.
    pub reports: Vec<FromEdge>,
}

impl Lab {
    pub fn start(config: Config) -> Self {
        let bound = Edge::bind(config).unwrap();
        let local = bound.local();
        let (control, end) = link::pair(bound.hello());
        let edge = bound.start(end);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Lab { edge, control, local, runtime, reports: Vec::new() }
    }

    pub fn order(&self, order: ToEdge) {
        self.runtime.block_on(self.control.orders.send(order)).unwrap();
    }

    /// Orders a carrier with one registrar.
    pub fn carrier(&self, id: &str, registrar: &str) {
        self.order(ToEdge::Carrier(Box::new(profile(id, registrar))));
    }

    pub fn assign(&self, trunk: &str, carrier: &str, password: &str) {
        self.order(ToEdge::Assign(Box::new(self.assignment(trunk, carrier, password))));
    }

    pub fn assignment(&self, trunk: &str, carrier: &str, password: &str) -> Assignment {
        Assignment {
            trunk: trunk.into(),
            generation: Generation { incarnation: 1, number: 1 },
            carrier: carrier.into(),
            account: account(trunk),
            policy: policy(),
            active: Some(self.credential(trunk, trunk, password)),
            previous: None,
            standby: None,
        }
    }

    pub fn credential(&self, sealed_to: &str, username: &str, password: &str) -> Credential {
        Credential {
            version: 1,
            username: username.into(),
            realm: None,
            algorithm: None,
            pinned: false,
            qop: false,
            proxy: None,
            secret: self.control.key.seal(sealed_to, 1, &Secret::Password(password.into()).into()),
        }
    }

    /// The same, with what the lab carrier's own proxy lets pass.
    pub fn credential_with_proxys(&self, sealed_to: &str, username: &str, password: &str, proxys: &str) -> Credential {
        let secrets = Secrets { account: Secret::Password(password.into()), proxy: Some(Secret::Password(proxys.into())) };
        Credential {
            proxy: Some(ProxyTerms { username: "border".into(), realm: "edge.proxy".into(), algorithm: None }),
            secret: self.control.key.seal(sealed_to, 1, &secrets),
            ..self.credential(sealed_to, username, password)
        }
    }

    pub fn verify_order(&self, id: &str, carrier: CarrierProfile, username: &str, password: &str) -> VerifyOrder {
        VerifyOrder {
            id: id.into(),
            trunk: None,
            carrier,
            account: account(username),
            policy: policy(),
            credential: Some(self.credential("", username, password)),
            mode: VerifyMode::Digest,
            by: VerifyBy::Query,
            may_bind: true,
            by_person: true,
            patience_ms: 20_000,
        }
    }

    /// Takes reports until one is what is wanted.
    pub fn report<T>(&mut self, what: &str, mut wanted: impl FnMut(&FromEdge) -> Option<T>) -> T {
        let receive = async {
            loop {
                let report = self.control.reports.recv().await.expect("the edge runs");
                let report = renewed(report, &self.reports);
                let found = wanted(&report);
                self.reports.push(report);
                if let Some(found) = found {
                    return found;
                }
            }
        };
        let received = self.runtime.block_on(async { tokio::time::timeout(DEADLINE, receive).await });
        received.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}; came: {:#?}", self.reports))
    }

    /// Takes reports until a trunk's status satisfies.
    pub fn status(&mut self, trunk: &str, satisfied: impl Fn(&TrunkStatus) -> bool) -> TrunkStatus {
        self.report(&format!("status of {trunk}"), |report| match report {
            FromEdge::Status(batch) => batch.iter().find(|status| status.trunk == trunk && satisfied(status)).cloned(),
            _ => None,
        })
    }

    pub fn verdict(&mut self, id: &str) -> Verdict {
        self.report(&format!("verdict {id}"), |report| match report {
            FromEdge::Verdict(verdict) if verdict.id == id => Some((**verdict).clone()),
            _ => None,
        })
    }

    /// Takes what comes within so long.
    pub fn listen(&mut self, span: Duration) -> Vec<FromEdge> {
        let mut heard = Vec::new();
        self.runtime.block_on(async {
            let end = tokio::time::Instant::now() + span;
            while let Ok(Some(report)) = tokio::time::timeout_at(end, self.control.reports.recv()).await {
                let report = renewed(report, &heard);
                heard.push(report);
            }
        });
        heard
    }
}

/// Makes statuses of renewals, as a control plane does.
fn renewed(report: FromEdge, told: &[FromEdge]) -> FromEdge {
    let FromEdge::Renewed(renewals) = report else { return report };
    let latest = |trunk: &str| {
        told.iter().rev().find_map(|report| match report {
            FromEdge::Status(batch) => batch.iter().rev().find(|status| status.trunk == trunk).cloned(),
            _ => None,
        })
    };
    let statuses = renewals.into_iter().filter_map(|renewal| {
        let mut status = latest(&renewal.trunk)?;
        renewal.renew(&mut status);
        Some(status)
    });
    FromEdge::Status(statuses.collect())
}

pub fn account(user: &str) -> Account {
    Account {
        address_of_record: format!("sip:{user}@lab.example"),
        request_uri: None,
        from_uri: None,
        contact: Contact::default(),
        expires: 600,
        user_agent: None,
        extra_headers: Vec::new(),
    }
}

pub fn policy() -> DigestPolicy {
    DigestPolicy {
        allowed: vec!["SHA-512-256".into(), "SHA-256".into(), "MD5".into()],
        on_downgrade: OnDowngrade::Refuse,
        source: PolicySource::Default,
    }
}

pub fn profile(id: &str, registrar: &str) -> CarrierProfile {
    CarrierProfile {
        id: id.into(),
        revision: 1,
        registrars: vec![registrar.into()],
        transports: Vec::new(),
        tls: Default::default(),
        outbound_proxy: None,
        route: false,
        verify_by: VerifyBy::Query,
        accept_unproven: false,
        nonce_reuse: NonceReuse::Auto,
        algorithm_aliases: BTreeMap::new(),
        truncated_sha512: false,
        response_source_exact: false,
        pacing: Pacing::default(),
        options: None,
        failure_budget: FailureBudget::default(),
        forbidden_retry: 3600,
        phrase_notes: BTreeMap::new(),
        manners: Box::default(),
    }
}
