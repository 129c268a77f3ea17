use std::time::Duration;

use edge::{Counters, Edge};
use link::{
    Account, CarrierProfile, Contact, ControlEnd, Credential, DigestPolicy, FailureBudget, FromEdge, NO_CARRIER, NonceReuse, OnDowngrade,
    Pacing, PolicySource, ProxyTerms, Secret, Secrets, Sites, TlsSettings, ToEdge, VerifyBy, VerifyMode, VerifyOrder,
};
use tempfile::TempDir;

use super::args::{By, IDENTITY};
use super::ask::{Ask, Proxy};
use super::password::Passwords;
use super::reach;
use crate::failure::Failure;

/// What the edge is called in the evidence.
const EDGE: &str = "trunkline-verify";

/// Seconds to ask for where a binding is asked for; it is removed again at once.
const EXPIRES: u32 = 120;

/// Every algorithm, the strongest first.
const ALL: [&str; 3] = ["SHA-512-256", "SHA-256", "MD5"];

/// An edge of its own for one verification, on an address of its own, with a state that is gone with it.
pub struct Session {
    edge: Edge,
    control: ControlEnd,
    /// The id of the one order.
    pub id: String,
    _state: TempDir,
}

impl Session {
    /// Opens sockets and state; sends nothing yet.
    pub async fn open(ask: &Ask) -> Result<Session, Failure> {
        let system = |what| move |source| Failure::System { what, source };
        let state = tempfile::Builder::new().prefix("trunkline-verify-").tempdir().map_err(system("a temporary directory"))?;
        let mut config = edge::Config::new(EDGE, Sites::Unserved, state.path());
        config.tls_identities.extend(ask.tls_identity.clone());
        config.advertise = ask.advertise;
        config.allow_targets = reach::targets(&ask.allow_targets);
        if !ask.dns.is_empty() {
            config.resolver = edge::ResolverConfig::Servers(ask.dns.clone());
        }
        config.sip = reach::sockets(ask, &config.resolver).await;
        config.allow_ports = reach::ports(&ask.registrars);
        // The edge speaks of its own flag, which is another here.
        let bound = Edge::bind(config).map_err(|error| Failure::Settings(error.to_string().replace("--sip", "--local")))?;
        let (control, end) = link::pair(bound.hello());
        let mut random = [0; 4];
        getrandom::fill(&mut random).map_err(|error| Failure::System { what: "entropy", source: std::io::Error::other(error) })?;
        let id = format!("{:08x}", u32::from_be_bytes(random));
        Ok(Session { edge: bound.start(end), control, id, _state: state })
    }

    /// Where it sends from, `udp:ADDR:PORT`.
    pub fn local(&self) -> &[String] {
        &self.control.hello.local
    }

    /// Orders the verification.
    pub async fn order(&self, ask: &Ask, passwords: Option<Passwords>) -> Result<(), Failure> {
        let proxy = |Proxy { username, realm }: &Proxy| ProxyTerms { username: username.clone(), realm: realm.clone(), algorithm: None };
        let credential = passwords.map(|passwords| {
            let secrets = Secrets { account: Secret::Password(passwords.account), proxy: passwords.proxy.map(Secret::Password) };
            Credential {
                version: 1,
                username: ask.username.clone(),
                realm: ask.realm.clone(),
                algorithm: ask.algorithm.map(str::to_owned),
                pinned: false,
                qop: false,
                proxy: ask.proxy.as_ref().map(proxy),
                secret: self.control.key.seal("", 1, &secrets),
            }
        });
        let by = match ask.by {
            By::Query => VerifyBy::Query,
            By::Renew => VerifyBy::Renew,
        };
        let allowed = ask.allowed.as_deref().unwrap_or(&ALL).iter().map(|name| (*name).to_owned()).collect();
        let order = VerifyOrder {
            id: self.id.clone(),
            trunk: None,
            carrier: profile(ask, by),
            account: account(ask),
            policy: DigestPolicy { allowed, on_downgrade: OnDowngrade::Refuse, source: PolicySource::Default },
            credential,
            mode: if ask.challenge_only { VerifyMode::ChallengeOnly } else { VerifyMode::Digest },
            by,
            may_bind: true,
            by_person: true,
            patience_ms: u64::try_from(ask.patience.as_millis()).unwrap_or(u64::MAX),
        };
        let sent = self.control.orders.send(ToEdge::Verify(Box::new(order))).await;
        sent.map_err(|_| Failure::Settings("the embedded edge has ended before it was asked".into()))
    }

    /// Waits for the edge's next report; `None` when it is gone.
    pub async fn next(&mut self) -> Option<FromEdge> {
        self.control.reports.recv().await
    }

    /// What it has counted so far.
    pub fn counters(&self) -> Counters {
        self.edge.counters()
    }

    /// Whether the edge has failed, by a fault of ours.
    pub fn has_failed(&self) -> bool {
        self.edge.has_failed()
    }

    /// Stops the edge, and removes its state.
    pub async fn close(self) {
        /// An edge promises five.
        const PATIENCE: Duration = Duration::from_secs(6);
        let stopping = tokio::task::spawn_blocking(|| self.edge.stop());
        if tokio::time::timeout(PATIENCE, stopping).await.is_err() {
            tracing::error!("the embedded edge did not stop in time");
        }
    }
}

fn profile(ask: &Ask, by: VerifyBy) -> CarrierProfile {
    CarrierProfile {
        id: NO_CARRIER.to_owned(),
        revision: 0,
        registrars: ask.registrars.clone(),
        transports: ask.transport.map(Into::into).into_iter().collect(),
        tls: TlsSettings {
            roots: ask.tls_roots.clone(),
            client_certificate: ask.tls_identity.as_ref().map(|_| IDENTITY.to_owned()),
            wildcard: ask.tls_wildcard,
        },
        outbound_proxy: None,
        route: false,
        verify_by: by,
        accept_unproven: false,
        nonce_reuse: NonceReuse::Never,
        algorithm_aliases: std::collections::BTreeMap::new(),
        truncated_sha512: false,
        response_source_exact: false,
        pacing: Pacing::default(),
        options: None,
        failure_budget: FailureBudget::default(),
        forbidden_retry: 3600,
        phrase_notes: std::collections::BTreeMap::new(),
        manners: Box::default(),
    }
}

fn account(ask: &Ask) -> Account {
    Account {
        address_of_record: ask.address_of_record.clone(),
        request_uri: None,
        from_uri: None,
        contact: Contact::default(),
        expires: EXPIRES,
        user_agent: None,
        extra_headers: Vec::new(),
    }
}
