//! What an edge is told, merged from what stands on trunk, site, carrier and organisation.

use std::sync::Arc;

use link::{
    Account, CarrierProfile, Contact, Credential, DigestPolicy, FailureBudget, Manners, NO_CARRIER, OptionsPing, Pacing, SealKey, Secrets,
    VerifyBy,
};

use super::policy;
use super::version::Version;
use crate::domain::carrier::{OptionsSettings, ResponseSource};
use crate::domain::organization::Defaults;
use crate::domain::{AddressOfRecord, Carrier, CarrierSettings, ContactSettings, Organization, SipUri, Site, Trunk};

/// Seconds to ask for where nobody says: what most carriers grant.
pub const EXPIRES: u32 = 3600;
/// Seconds between tries after a 403 before a challenge, or a 404 (`carriers.md` F1).
pub const FORBIDDEN_RETRY: u32 = 3600;

/// Everything that stands above a trunk's credentials.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The trunk.
    pub trunk: Trunk,
    /// Its site.
    pub site: Arc<Site>,
    /// Its carrier.
    pub carrier: Arc<Carrier>,
    /// The organisation.
    pub organization: Arc<Organization>,
}

impl Settings {
    /// Which digest algorithms may be answered.
    pub fn policy(&self) -> DigestPolicy {
        policy::effective(
            self.trunk.settings.digest_policy.as_ref().map(|setting| (self.trunk.meta.id.as_str(), setting)),
            self.carrier.settings.digest_policy.as_ref().map(|setting| (self.carrier.meta.id.as_str(), setting)),
            self.organization.settings.digest_policy.as_ref(),
        )
    }

    /// Who registers.
    pub fn account(&self) -> Account {
        let (trunk, carrier) = (&self.trunk.settings, &self.carrier.settings);
        let defaults = self.organization.settings.defaults.as_ref();
        let mut headers: Vec<(String, String)> = Vec::new();
        for header in carrier.extra_headers.iter().chain(&trunk.extra_headers).flatten() {
            // The trunk's header of the same name takes the place of the carrier's.
            headers.retain(|(name, _)| !(trunk.extra_headers.is_some() && name.eq_ignore_ascii_case(&header.name)));
            headers.push((header.name.clone(), header.value.clone()));
        }
        Account {
            address_of_record: trunk.address_of_record.as_str().to_owned(),
            request_uri: trunk.request_uri.as_ref().or(carrier.request_uri.as_ref()).map(|uri| uri.as_str().to_owned()),
            from_uri: trunk.from_uri.as_ref().map(|uri| uri.as_str().to_owned()),
            contact: contact(trunk.contact.as_ref(), trunk.contact_user.as_deref(), self.site.settings.contact.as_ref()),
            expires: expires(trunk.expires, carrier, defaults),
            user_agent: trunk
                .user_agent
                .as_ref()
                .or(carrier.user_agent.as_ref())
                .or(defaults.and_then(|defaults| defaults.user_agent.as_ref()))
                .cloned(),
            extra_headers: headers,
        }
    }

    /// The carrier's profile with what the trunk overrides of it; for verifications, which carry their own.
    pub fn profile(&self) -> CarrierProfile {
        let mut profile = profile(&self.carrier, &self.organization);
        profile.verify_by = self.verify_by();
        profile.accept_unproven = self.trunk.settings.accept_unproven.unwrap_or(profile.accept_unproven);
        profile
    }

    /// By which request a new secret is tried.
    pub fn verify_by(&self) -> VerifyBy {
        self.trunk.settings.verify_by.or(self.carrier.settings.verify_by).unwrap_or_default()
    }

    /// The revision of the latest change that an edge must hear of; `credentials` is that of the credentials.
    pub fn revision(&self, credentials: u64) -> u64 {
        [self.trunk.meta.revision, self.site.meta.revision, self.carrier.meta.revision, self.organization.meta.revision, credentials]
            .into_iter()
            .fold(0, u64::max)
    }

    /// The revision at which it last changed where the secret is sent.
    pub fn target_revision(&self) -> u64 {
        self.trunk.target_revision.max(self.carrier.target_revision)
    }

    /// Names the settings as they are: a refusal under another basis is no answer to the same question.
    pub fn basis(&self) -> String {
        format!("{}/{}/{}", self.trunk.meta.version, self.carrier.meta.version, self.organization.meta.version)
    }
}

/// Fills a carrier's profile with the organisation's defaults, then the product's.
pub fn profile(carrier: &Carrier, organization: &Organization) -> CarrierProfile {
    profile_of(&carrier.meta.id, profile_revision(carrier, organization), &carrier.settings, organization.settings.defaults.as_ref())
}

/// Rises with every change that a carrier's profile may come from.
pub fn profile_revision(carrier: &Carrier, organization: &Organization) -> u64 {
    carrier.meta.revision.max(organization.meta.revision)
}

/// The profile of a carrier that is stored nowhere.
pub fn ad_hoc_profile(registrars: Vec<SipUri>, outbound_proxy: Option<SipUri>, organization: &Organization) -> CarrierProfile {
    let settings = CarrierSettings { registrars, outbound_proxy, ..CarrierSettings::default() };
    // No carrier may have this id, so that it shares no pacing or memory with one.
    profile_of(NO_CARRIER, 0, &settings, organization.settings.defaults.as_ref())
}

/// An account that belongs to no trunk.
pub fn ad_hoc_account(address_of_record: &AddressOfRecord, request_uri: Option<&SipUri>, site: &Site) -> Account {
    Account {
        address_of_record: address_of_record.as_str().to_owned(),
        request_uri: request_uri.map(|uri| uri.as_str().to_owned()),
        from_uri: None,
        contact: contact(None, None, site.settings.contact.as_ref()),
        expires: EXPIRES,
        user_agent: None,
        extra_headers: Vec::new(),
    }
}

fn profile_of(id: &str, revision: u64, settings: &CarrierSettings, defaults: Option<&Defaults>) -> CarrierProfile {
    let budget = [settings.failure_budget.as_ref(), defaults.and_then(|defaults| defaults.failure_budget.as_ref())];
    let uris = |uris: &[SipUri]| uris.iter().map(|uri| uri.as_str().to_owned()).collect();
    CarrierProfile {
        id: id.to_owned(),
        revision,
        registrars: uris(&settings.registrars),
        transports: settings.transports.iter().flatten().map(|&transport| transport.into()).collect(),
        tls: settings.tls.as_ref().map(Into::into).unwrap_or_default(),
        outbound_proxy: settings.outbound_proxy.as_ref().map(|uri| uri.as_str().to_owned()),
        route: settings.route.unwrap_or(false),
        verify_by: settings.verify_by.unwrap_or_default(),
        accept_unproven: settings.accept_unproven.unwrap_or(false),
        nonce_reuse: settings.nonce_reuse.unwrap_or_default(),
        algorithm_aliases: settings.algorithm_aliases.clone().unwrap_or_default(),
        truncated_sha512: settings.truncated_sha512.unwrap_or(false),
        response_source_exact: settings.response_source == Some(ResponseSource::Exact),
        pacing: pacing(settings, defaults),
        options: options([settings.options.as_ref(), defaults.and_then(|defaults| defaults.options.as_ref())]),
        failure_budget: FailureBudget {
            failures: first(budget, |budget| budget.failures, FailureBudget::default().failures),
            window: first(budget, |budget| budget.window, FailureBudget::default().window),
            per_version: first(budget, |budget| budget.per_version, FailureBudget::default().per_version),
        },
        forbidden_retry: settings.forbidden_retry.unwrap_or(FORBIDDEN_RETRY),
        phrase_notes: settings.phrase_notes.clone().unwrap_or_default(),
        manners: Box::new(Manners {
            next_on: settings.next_target_on.clone().unwrap_or_default(),
            redirect_hosts: settings.redirect_hosts.clone().unwrap_or_default(),
            nat_rewrite: settings.nat_rewrite.unwrap_or(false),
            min_refresh: settings.min_refresh.unwrap_or(0),
            contact_replacement: settings.contact_replacement.unwrap_or_default(),
            outbound: settings.outbound.unwrap_or(false),
            gin: settings.gin.unwrap_or(false),
            binding_limit: settings.binding_limit,
            source_ports: settings.source_ports.and_then(|ports| u16::try_from(ports).ok()).unwrap_or(1),
        }),
    }
}

/// How fast a carrier may be asked.
pub fn pacing(settings: &CarrierSettings, defaults: Option<&Defaults>) -> Pacing {
    let levels = [settings.pacing.as_ref(), defaults.and_then(|defaults| defaults.pacing.as_ref())];
    Pacing {
        registers_per_second: first(levels, |pacing| pacing.registers_per_second, Pacing::default().registers_per_second),
        in_flight: first(levels, |pacing| pacing.in_flight, Pacing::default().in_flight),
    }
}

/// Seconds to ask for, where a trunk names so many itself or none.
pub fn expires(own: Option<u32>, settings: &CarrierSettings, defaults: Option<&Defaults>) -> u32 {
    own.or(settings.expires).or(defaults.and_then(|defaults| defaults.expires)).unwrap_or(EXPIRES)
}

/// The nearest level that says something.
fn first<T>(levels: [Option<&T>; 2], value: impl Fn(&T) -> Option<u32>, default: u32) -> u32 {
    levels.into_iter().flatten().find_map(value).unwrap_or(default)
}

/// OPTIONS keep-alive is on unless an interval of 0 switches it off.
fn options(levels: [Option<&OptionsSettings>; 2]) -> Option<OptionsPing> {
    let default = OptionsPing::default();
    let interval = first(levels, |options| options.interval, default.interval);
    (interval > 0).then(|| OptionsPing {
        interval,
        failure_threshold: first(levels, |options| options.failure_threshold, default.failure_threshold),
        success_threshold: first(levels, |options| options.success_threshold, default.success_threshold),
    })
}

/// The trunk's own Contact; a host brings its own port and transport along, so the site's count only where the trunk names no host.
fn contact(trunk: Option<&ContactSettings>, user: Option<&str>, site: Option<&ContactSettings>) -> Contact {
    let site_address = site.filter(|_| trunk.is_none_or(|trunk| trunk.host.is_none()));
    let part = |of: fn(&ContactSettings) -> Option<String>| trunk.and_then(of).or_else(|| site_address.and_then(of));
    Contact {
        user: user
            .map(str::to_owned)
            .or_else(|| trunk.and_then(|trunk| trunk.user.clone()))
            .or_else(|| site.and_then(|site| site.user.clone())),
        host: part(|contact| contact.host.clone()),
        port: trunk.and_then(|contact| contact.port).or_else(|| site_address.and_then(|contact| contact.port)),
        transport: part(|contact| contact.transport.clone()),
        params: part(|contact| contact.params.clone()),
    }
}

/// A version for an edge: its secrets, sealed to that edge. `trunk` is empty where it belongs to none.
pub fn credential(version: &Version, secrets: &Secrets, key: &SealKey, trunk: &str) -> Credential {
    Credential {
        version: version.version,
        username: version.username.clone(),
        realm: version.effective_realm().map(str::to_owned),
        algorithm: version.effective_algorithm().map(str::to_owned),
        pinned: version.negotiated.is_some(),
        qop: version.negotiated.as_ref().is_some_and(|negotiated| negotiated.qop.is_some()),
        proxy: version.proxy.clone(),
        secret: key.seal(trunk, version.version, secrets),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::carrier::PacingSettings;
    use crate::domain::{DigestPolicySetting, ExtraHeader, Meta, OrganizationSettings, SiteSettings, TrunkSettings};

    fn meta(id: &str, revision: u64) -> Meta {
        Meta { id: id.into(), name: id.into(), version: 1, created: 0, modified: 0, revision }
    }

    pub(in crate::registrations) fn settings() -> Settings {
        let trunk: TrunkSettings = serde_json::from_value(serde_json::json!({"addressOfRecord": "sip:u1@lab.example"})).unwrap();
        let carrier: CarrierSettings = serde_json::from_value(serde_json::json!({"registrars": ["sip:192.0.2.1"]})).unwrap();
        Settings {
            trunk: Trunk {
                meta: meta("t1", 4),
                site: "s1".into(),
                carrier: "c1".into(),
                in_service: true,
                target_revision: 4,
                settings: trunk,
            },
            site: Arc::new(Site { meta: meta("s1", 2), settings: SiteSettings::default() }),
            carrier: Arc::new(Carrier { meta: meta("c1", 3), target_revision: 3, settings: carrier }),
            organization: Arc::new(Organization { meta: meta("organization", 1), settings: OrganizationSettings::default() }),
        }
    }

    #[test]
    fn what_nobody_sets_gets_the_products_defaults() {
        let settings = settings();
        let account = settings.account();
        assert_eq!((account.expires, account.contact), (EXPIRES, Contact::default()));
        let profile = settings.profile();
        assert_eq!(profile.pacing, Pacing::default());
        assert_eq!(profile.options, Some(OptionsPing::default()));
        assert_eq!(profile.forbidden_retry, FORBIDDEN_RETRY);
        assert_eq!(settings.revision(0), 4);
        assert_eq!(settings.revision(9), 9);
        assert_eq!(settings.policy().allowed.len(), 3);
    }

    #[test]
    fn trunk_overrides_carrier_overrides_organisation() {
        let mut settings = settings();
        Arc::make_mut(&mut settings.organization).settings.defaults = Some(Defaults {
            expires: Some(100),
            user_agent: Some("org".into()),
            pacing: Some(PacingSettings { registers_per_second: Some(7), in_flight: Some(3) }),
            options: Some(OptionsSettings { interval: Some(0), ..OptionsSettings::default() }),
            ..Defaults::default()
        });
        assert_eq!(settings.account().expires, 100);
        assert_eq!(settings.profile().options, None);
        Arc::make_mut(&mut settings.carrier).settings.expires = Some(200);
        Arc::make_mut(&mut settings.carrier).settings.pacing = Some(PacingSettings { registers_per_second: Some(50), in_flight: None });
        Arc::make_mut(&mut settings.carrier).settings.extra_headers = Some(vec![
            ExtraHeader { name: "X-A".into(), value: "carrier".into() },
            ExtraHeader { name: "X-B".into(), value: "carrier".into() },
        ]);
        settings.trunk.settings.extra_headers = Some(vec![ExtraHeader { name: "x-a".into(), value: "trunk".into() }]);
        settings.trunk.settings.accept_unproven = Some(true);
        let account = settings.account();
        assert_eq!((account.expires, account.user_agent.as_deref()), (200, Some("org")));
        assert_eq!(account.extra_headers, [("X-B".to_owned(), "carrier".to_owned()), ("x-a".to_owned(), "trunk".to_owned())]);
        let profile = settings.profile();
        assert_eq!(profile.pacing, Pacing { registers_per_second: 50, in_flight: 3 });
        assert!(profile.accept_unproven && !super::profile(&settings.carrier, &settings.organization).accept_unproven);
        settings.trunk.settings.expires = Some(300);
        assert_eq!(settings.account().expires, 300);
    }

    #[test]
    fn a_trunks_own_host_leaves_the_sites_port_behind() {
        let mut settings = settings();
        Arc::make_mut(&mut settings.site).settings.contact = Some(ContactSettings {
            host: Some("pbx.example".into()),
            port: Some(5080),
            user: Some("site".into()),
            ..ContactSettings::default()
        });
        assert_eq!(settings.account().contact.port, Some(5080));
        settings.trunk.settings.contact = Some(ContactSettings { host: Some("other.example".into()), ..ContactSettings::default() });
        settings.trunk.settings.contact_user = Some("6221500004".into());
        let contact = settings.account().contact;
        assert_eq!((contact.host.as_deref(), contact.port, contact.user.as_deref()), (Some("other.example"), None, Some("6221500004")));
    }

    #[test]
    fn the_policy_stands_on_three_levels() {
        let mut settings = settings();
        Arc::make_mut(&mut settings.organization).settings.digest_policy =
            Some(DigestPolicySetting { allowed: Some(vec!["SHA-256".into()]), on_downgrade: None });
        assert_eq!(settings.policy().allowed, ["SHA-256"]);
        settings.trunk.settings.digest_policy = Some(DigestPolicySetting { allowed: Some(vec!["MD5".into()]), on_downgrade: None });
        assert_eq!(settings.policy().allowed, ["MD5"]);
    }
}
