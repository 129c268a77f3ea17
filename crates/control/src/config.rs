use std::path::PathBuf;

use ipnet::IpNet;
use rustls::RootCertStore;
use secrecy::SecretString;

use crate::Clock;
use crate::access::oidc::OidcSettings;
use crate::audit::keeper::AuditSettings;
use crate::events::EventSettings;
use crate::http::{Planner, RateLimit};
use crate::sealing::MasterKeySource;
use crate::upkeep::Retention;
use crate::webhooks::WebhookLimits;

/// How the control plane is started.
#[derive(Debug)]
pub struct Config {
    /// The data directory; made where it is absent.
    pub data: PathBuf,
    /// Where the master key comes from.
    pub master_key: MasterKeySource,
    /// The master key before this one: what it has wrapped is wrapped anew by the present one.
    pub previous_master_key: Option<MasterKeySource>,
    /// When the audit chain is signed, and how long it is kept.
    pub audit: AuditSettings,
    /// The identity provider whose tokens are taken, if one is.
    pub oidc: Option<OidcSettings>,
    /// Ranges beyond the public Internet that webhooks and the identity provider may be in.
    pub webhook_targets: Vec<IpNet>,
    /// Certificates that their servers may be signed by, besides those that browsers trust.
    pub webhook_roots: RootCertStore,
    /// The first administrator client's id and secret, where the environment chooses them.
    pub bootstrap: Option<(String, SecretString)>,
    /// Whether a proxy in front writes X-Forwarded-For.
    pub behind_proxy: bool,
    /// What time it is for planned changes.
    pub clock: Clock,
    /// How many requests one caller may make.
    pub rate_limit: RateLimit,
    /// When events are told, and how long a reader is waited for.
    pub events: EventSettings,
    /// How long and how often a delivery is tried.
    pub webhooks: WebhookLimits,
    /// How much is kept, and for how long.
    pub retention: Retention,
    /// Plans fleets, where somebody does.
    pub planner: Option<Planner>,
}

impl Config {
    /// Starts from a data directory, with the master key in it.
    pub fn in_directory(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        Config {
            master_key: MasterKeySource::File(data.join("master.key")),
            data,
            previous_master_key: None,
            audit: AuditSettings::default(),
            oidc: None,
            bootstrap: None,
            behind_proxy: false,
            clock: Clock::default(),
            rate_limit: RateLimit::default(),
            events: EventSettings::default(),
            webhook_targets: Vec::new(),
            webhook_roots: RootCertStore::empty(),
            webhooks: WebhookLimits::default(),
            retention: Retention::default(),
            planner: None,
        }
    }
}
