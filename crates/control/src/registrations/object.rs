//! The registration object: what is desired of a trunk, what its edges see, and what wants attention.

use diagnosis::{Code, Diagnosis};
use link::{Negotiated, OptionsStatus, ProxyTerms, RegistrationState, UnixMicros};
use serde_json::{Map, Value, json};

use super::assignment::Settings;
use super::fleet::Seen;
use super::version::{Version, VersionState};
use super::{drift, policy};
use crate::domain::algorithm::base;
use crate::store::credentials::Registration;
use crate::store::drifts;
use crate::time::rfc3339;

/// Where registrations are.
pub const PATH: &str = "/api/v2/trunks/voice/registrations";

/// Over several edges that do not agree.
const DEGRADED: &str = "DEGRADED";

/// Everything that the object shows.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// What stands above the credentials.
    pub settings: &'a Settings,
    /// What the versions have in common; absent where there never were any.
    pub registration: Option<&'a Registration>,
    /// All versions.
    pub versions: &'a [Version],
    /// What the edges report.
    pub seen: &'a [Seen],
    /// What the carrier does otherwise than when the credentials were set.
    pub drift: &'a [drifts::Seen],
    /// Until when every exchange is kept.
    pub trace_until: Option<UnixMicros>,
    /// When the staged version is due.
    pub activate_at: Option<UnixMicros>,
    /// Until when the carrier is at work on itself.
    pub maintenance_until: Option<UnixMicros>,
}

/// Writes the registration object. Absent values are left out.
pub fn object(shown: &Shown<'_>) -> Value {
    let Settings { trunk, carrier, .. } = shown.settings;
    let id = &trunk.meta.id;
    let active = shown.versions.iter().find(|version| version.state == VersionState::Active);
    let registration = shown.registration;
    let modified = registration.map_or(trunk.meta.modified, |registration| registration.modified.max(trunk.meta.modified));
    let mut body = Map::new();
    body.insert("id".into(), id.clone().into());
    body.insert("name".into(), trunk.meta.name.clone().into());
    body.insert("version".into(), entity_version(registration).into());
    body.insert("dateCreated".into(), rfc3339(registration.map_or(trunk.meta.created, |registration| registration.created)).into());
    body.insert("dateModified".into(), rfc3339(modified).into());
    body.insert("selfUri".into(), format!("{PATH}/{id}").into());
    body.insert("trunk".into(), json!({ "id": id, "selfUri": format!("/api/v2/trunks/voice/{id}") }));
    body.insert("site".into(), json!({ "id": trunk.site, "selfUri": format!("/api/v2/sites/{}", trunk.site) }));
    body.insert("carrier".into(), json!({ "id": trunk.carrier, "selfUri": format!("/api/v2/carriers/{}", trunk.carrier) }));
    body.insert("addressOfRecord".into(), trunk.settings.address_of_record.as_str().into());
    body.insert("registrars".into(), carrier.settings.registrars.iter().map(|uri| uri.as_str()).collect::<Vec<_>>().into());
    let mut credentials = credentials(shown.versions, active);
    if let Some(at) = shown.activate_at {
        credentials["activateAt"] = rfc3339(at).into();
    }
    body.insert("credentials".into(), credentials);
    body.insert("registrationState".into(), state(trunk.in_service, active.is_some(), shown.seen).into());
    body.insert("bound".into(), is_bound(shown.seen).into());
    body.insert("since".into(), rfc3339(shown.seen.iter().map(|seen| seen.status.since).max().unwrap_or(modified)).into());
    let mut seen: Vec<&Seen> = shown.seen.iter().collect();
    seen.sort_by(|a, b| a.edge.cmp(&b.edge));
    body.insert("edges".into(), seen.into_iter().map(|seen| edge(seen, active)).collect());
    if !shown.drift.is_empty() {
        body.insert("drift".into(), shown.drift.iter().map(drift::body).collect());
    }
    if let Some(until) = shown.trace_until {
        body.insert("traceUntil".into(), rfc3339(until).into());
    }
    if let Some(until) = shown.maintenance_until {
        body.insert("maintenanceUntil".into(), rfc3339(until).into());
    }
    body.insert("warnings".into(), warnings(shown, active));
    Value::Object(body)
}

/// The version of the object as an entity.
pub fn entity_version(registration: Option<&Registration>) -> i64 {
    1 + registration.map_or(0, |registration| registration.version)
}

/// Rolls the edges' states up into one.
pub fn state(in_service: bool, has_active: bool, seen: &[Seen]) -> &'static str {
    let wanted = in_service && has_active;
    match seen {
        [] if in_service => word(RegistrationState::Pending),
        [] => word(RegistrationState::Disabled),
        // What is not wanted any more is on its way out, whatever the edge said last.
        seen if !wanted && is_bound(seen) => word(RegistrationState::Unregistering),
        _ if !in_service => word(RegistrationState::Disabled),
        _ if !has_active => word(RegistrationState::Pending),
        [only] => word(only.status.state),
        [first, rest @ ..] if rest.iter().all(|other| other.status.state == first.status.state) => word(first.status.state),
        _ => DEGRADED,
    }
}

/// Tells whether a granted binding runs at any edge.
pub fn is_bound(seen: &[Seen]) -> bool {
    seen.iter().any(|seen| seen.status.bound)
}

/// Reads a state as the API writes it.
pub fn is_state(text: &str) -> bool {
    text == DEGRADED || ALL_STATES.iter().any(|state| word(*state) == text)
}

const ALL_STATES: [RegistrationState; 11] = [
    RegistrationState::Disabled,
    RegistrationState::Pending,
    RegistrationState::Registering,
    RegistrationState::Registered,
    RegistrationState::Refreshing,
    RegistrationState::RetryWait,
    RegistrationState::Unreachable,
    RegistrationState::AuthHeld,
    RegistrationState::Rejected,
    RegistrationState::Expired,
    RegistrationState::Unregistering,
];

/// The word of the API for a state.
pub fn word(state: RegistrationState) -> &'static str {
    match state {
        RegistrationState::Disabled => "DISABLED",
        RegistrationState::Pending => "PENDING",
        RegistrationState::Registering => "REGISTERING",
        RegistrationState::Registered => "REGISTERED",
        RegistrationState::Refreshing => "REFRESHING",
        RegistrationState::RetryWait => "RETRY_WAIT",
        RegistrationState::Unreachable => "UNREACHABLE",
        RegistrationState::AuthHeld => "AUTH_HELD",
        RegistrationState::Rejected => "REJECTED",
        RegistrationState::Expired => "EXPIRED",
        RegistrationState::Unregistering => "UNREGISTERING",
    }
}

/// Writes a diagnosis with its code and its page.
pub fn diagnosis(diagnosis: &Diagnosis) -> Value {
    let mut body = serde_json::to_value(diagnosis).unwrap_or_default();
    body["docs"] = format!("/docs/diagnoses/{}", diagnosis.code).into();
    body
}

fn credentials(versions: &[Version], active: Option<&Version>) -> Value {
    let mut body = Map::new();
    if let Some(active) = active {
        body.insert("username".into(), active.username.clone().into());
        if let Some(realm) = active.effective_realm() {
            body.insert("realm".into(), realm.into());
        }
        if let Some(algorithm) = active.effective_algorithm() {
            body.insert("algorithm".into(), algorithm.into());
        }
        if let Some(proxy) = &active.proxy {
            body.insert("proxyCredentials".into(), proxys(proxy));
        }
    }
    body.insert("passwordSet".into(), active.is_some().into());
    if let Some(active) = active {
        body.insert("activeVersion".into(), active.version.into());
    }
    let numbered = [
        ("stagedVersion", &[VersionState::Staged, VersionState::Verifying][..]),
        ("standbyVersion", &[VersionState::Standby][..]),
        ("previousVersion", &[VersionState::Previous][..]),
    ];
    for (name, states) in numbered {
        if let Some(version) = versions.iter().rev().find(|version| states.contains(&version.state)) {
            body.insert(name.into(), version.version.into());
        }
    }
    let rejected = versions.iter().filter(|version| version.state == VersionState::Rejected).max_by_key(|version| version.changed_at);
    if let Some((rejected, why)) = rejected.and_then(|rejected| Some((rejected, rejected.diagnosis.as_ref()?))) {
        let at = rfc3339(rejected.changed_at);
        body.insert(
            "lastRejected".into(),
            json!({ "version": rejected.version, "code": why.code.as_str(), "at": at, "diagnosis": diagnosis(why) }),
        );
    }
    Value::Object(body)
}

/// Writes what is not secret of the credentials for a proxy.
pub fn proxys(proxy: &ProxyTerms) -> Value {
    let mut body = json!(proxy);
    body["passwordSet"] = true.into();
    body
}

fn edge(seen: &Seen, active: Option<&Version>) -> Value {
    let status = &seen.status;
    let mut body = Map::new();
    body.insert("edge".into(), json!({ "id": &*seen.edge, "selfUri": format!("/api/v2/edges/{}", seen.edge) }));
    body.insert("registrationState".into(), word(status.state).into());
    body.insert("bound".into(), status.bound.into());
    body.insert("authenticated".into(), status.authenticated.into());
    body.insert("since".into(), rfc3339(status.since).into());
    let mut text = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.into(), value);
        }
    };
    let time = |at: Option<UnixMicros>| at.map(|at| rfc3339(at).into());
    text("registrar", status.registrar.clone().map(Value::from));
    text("transport", status.transport.clone().map(Value::from));
    text("publicAddress", status.public_address.clone().map(Value::from));
    text("registeredAt", time(status.registered_at));
    text("expiresAt", time(status.expires_at));
    text("nextActionAt", time(status.next_action_at));
    text("roundTripMs", status.round_trip_ms.map(Value::from));
    text("consecutiveFailures", Some(status.consecutive_failures.into()));
    text("lastResponse", status.last_response.as_ref().map(|sip| json!({ "code": sip.code, "reason": sip.reason })));
    text("negotiated", status.negotiated.as_ref().map(negotiated));
    let lines = |lines: &[String]| (!lines.is_empty()).then(|| lines.to_vec().into());
    text("serviceRoute", lines(&status.service_route));
    text("associatedUris", lines(&status.associated_uris));
    text("options", Some(options(&status.options)));
    text("credentialVersion", status.credential_version.map(Value::from));
    text("refreshes", Some(status.refreshes.into()));
    text("diagnosis", status.diagnosis.as_deref().map(|seen| diagnosis(&told(seen, status.state, active))));
    Value::Object(body)
}

/// The control plane knows more than the edge where it has gone back to a version that was refused as well.
fn told(seen: &Diagnosis, state: RegistrationState, active: Option<&Version>) -> Diagnosis {
    let kept = active.and_then(|active| active.diagnosis.as_ref());
    match kept.filter(|kept| kept.code == Code::BothRejected && state == RegistrationState::AuthHeld) {
        Some(kept) => Diagnosis { evidence: seen.evidence.clone(), ..kept.clone() },
        None => seen.clone(),
    }
}

/// Writes what carrier and edge agreed upon.
pub fn negotiated(negotiated: &Negotiated) -> Value {
    let mut body = json!({ "realm": negotiated.realm, "algorithm": negotiated.algorithm, "offered": negotiated.offered });
    if let Some(qop) = &negotiated.qop {
        body["qop"] = qop.clone().into();
    }
    body
}

fn options(options: &OptionsStatus) -> Value {
    let mut body = json!({ "state": options.state });
    if let Some(round_trip) = options.round_trip_ms {
        body["roundTripMs"] = round_trip.into();
    }
    if let Some(since) = options.since {
        body["since"] = rfc3339(since).into();
    }
    body
}

fn warnings(shown: &Shown<'_>, active: Option<&Version>) -> Value {
    let mut codes: Vec<Code> = Vec::new();
    if let Some(active) = active {
        let algorithm = active.effective_algorithm();
        if algorithm.is_some_and(|algorithm| base(algorithm) == "MD5") {
            codes.push(Code::AlgorithmWeak);
        }
        if algorithm.is_some_and(|algorithm| !policy::allows(&shown.settings.policy(), algorithm)) {
            codes.push(Code::AlgorithmDisallowedActive);
        }
        // Before the first answer nothing is known; from then on the carrier asked for a digest, or it did not.
        let unasked = active.accepted_at.is_some() && !active.authenticated;
        if unasked || shown.seen.iter().any(|seen| seen.status.bound && !seen.status.authenticated) {
            codes.push(Code::RegistrationUnauthenticated);
        }
    }
    for code in shown.seen.iter().flat_map(|seen| seen.status.warnings.iter().copied()).chain(drift::warnings(shown.drift)) {
        if !codes.contains(&code) {
            codes.push(code);
        }
    }
    let mut warnings: Vec<Value> = codes.into_iter().map(|code| json!({ "code": code.as_str(), "text": code.meaning() })).collect();
    let rests = shown.registration.is_some_and(|registration| shown.settings.target_revision() > registration.verified);
    if rests && active.is_some() {
        let text = format!(
            "Where the secret is sent has changed since it was verified, so it rests: POST {PATH}/{}/verify proves it there, or set the credentials again.",
            shown.settings.trunk.meta.id
        );
        warnings.push(json!({ "code": Code::RegistrationResting.as_str(), "text": text }));
    }
    warnings.into()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::assignment::tests::settings;
    use super::super::fleet::tests::status;
    use super::super::version::tests::version;
    use super::*;
    use crate::domain::DigestPolicySetting;

    fn seen(edge: &str, state: RegistrationState) -> Seen {
        Seen { edge: edge.into(), status: status("t1", 5, state), rest: Some(state) }
    }

    fn registration() -> Registration {
        Registration { version: 3, created: 1_000_000, modified: 2_000_000, revision: 5, verified: 5, last_version: 2 }
    }

    fn active() -> Version {
        let negotiated = Negotiated { realm: "lab".into(), algorithm: "MD5".into(), qop: Some("auth".into()), offered: vec!["MD5".into()] };
        Version { negotiated: Some(negotiated), authenticated: true, ..version(1, VersionState::Active) }
    }

    fn codes(body: &Value) -> Vec<&str> {
        body["warnings"].as_array().unwrap().iter().map(|warning| warning["code"].as_str().unwrap()).collect()
    }

    #[test]
    fn the_object_is_the_contracts() {
        let settings = settings();
        let rejected = Version {
            diagnosis: Some(Diagnosis::new(Code::RealmMismatch)),
            changed_at: 3_000_000,
            realm: Some("wrong".into()),
            ..version(2, VersionState::Rejected)
        };
        let versions = [active(), rejected];
        let seen = [seen("e1", RegistrationState::Registered)];
        let body = object(&Shown {
            settings: &settings,
            registration: Some(&registration()),
            versions: &versions,
            seen: &seen,
            drift: &[],
            trace_until: None,
            activate_at: None,
            maintenance_until: None,
        });
        assert_eq!(body["id"], "t1");
        assert_eq!(body["version"], 4);
        assert_eq!(body["selfUri"], "/api/v2/trunks/voice/registrations/t1");
        assert_eq!(body["trunk"]["id"], "t1");
        assert_eq!(body["registrars"], json!(["sip:192.0.2.1"]));
        let credentials = &body["credentials"];
        assert_eq!(
            (&credentials["realm"], &credentials["algorithm"], &credentials["passwordSet"]),
            (&json!("lab"), &json!("MD5"), &json!(true))
        );
        assert_eq!((&credentials["activeVersion"], &credentials["lastRejected"]["code"]), (&json!(1), &json!("sip.realm.mismatch")));
        assert_eq!(credentials["lastRejected"]["at"], "1970-01-01T00:00:03.000Z");
        assert!(credentials.get("stagedVersion").is_none());
        assert_eq!((&body["registrationState"], &body["bound"]), (&json!("REGISTERED"), &json!(true)));
        assert_eq!(body["edges"][0]["edge"]["id"], "e1");
        assert_eq!(body["edges"][0]["options"]["state"], "UNKNOWN");
        assert_eq!(codes(&body), ["sip.algorithm.weak"]);
        assert!(!body.to_string().contains("null"), "{body}");
    }

    #[test]
    fn a_trunk_without_credentials_has_an_object_too() {
        let settings = settings();
        let body = object(&Shown {
            settings: &settings,
            registration: None,
            versions: &[],
            seen: &[],
            drift: &[],
            trace_until: None,
            activate_at: None,
            maintenance_until: None,
        });
        assert_eq!(body["credentials"], json!({ "passwordSet": false }));
        assert_eq!((&body["registrationState"], &body["bound"], &body["version"]), (&json!("PENDING"), &json!(false), &json!(1)));
        assert_eq!((body["edges"].clone(), body["warnings"].clone()), (json!([]), json!([])));
    }

    #[test]
    fn states_roll_up_over_edges_and_over_what_is_desired() {
        use RegistrationState::{AuthHeld, Pending, Registered, RetryWait, Unregistering};
        for (in_service, has_active, states, rolled) in [
            (true, true, &[][..], "PENDING"),
            (false, true, &[][..], "DISABLED"),
            (true, true, &[AuthHeld][..], "AUTH_HELD"),
            (true, true, &[Registered, Registered][..], "REGISTERED"),
            (true, true, &[Registered, RetryWait][..], "DEGRADED"),
            (false, true, &[Registered][..], "UNREGISTERING"),
            (false, true, &[Unregistering][..], "DISABLED"),
            (true, false, &[Registered][..], "UNREGISTERING"),
            (true, false, &[Pending][..], "PENDING"),
        ] {
            let seen: Vec<Seen> = states.iter().map(|state| seen("e", *state)).collect();
            assert_eq!(state(in_service, has_active, &seen), rolled, "{in_service} {has_active} {states:?}");
        }
    }

    #[test]
    fn what_wants_attention_is_told_with_a_text() {
        let mut settings = settings();
        settings.trunk.settings.digest_policy = Some(DigestPolicySetting { allowed: Some(vec!["SHA-256".into()]), on_downgrade: None });
        settings.trunk.target_revision = 9;
        let mut unasked = seen("e1", RegistrationState::Registered);
        unasked.status.authenticated = false;
        unasked.status.warnings = vec![Code::IntervalLong];
        let body = object(&Shown {
            settings: &settings,
            registration: Some(&registration()),
            versions: &[active()],
            seen: &[unasked],
            drift: &[],
            trace_until: None,
            activate_at: None,
            maintenance_until: None,
        });
        assert_eq!(
            codes(&body),
            [
                "sip.algorithm.weak",
                "sip.algorithm.disallowed_active",
                "registration.unauthenticated",
                "sip.interval.long",
                "registration.resting"
            ]
        );
        assert!(body["warnings"].as_array().unwrap().iter().all(|warning| warning["text"].as_str().is_some_and(|text| text.len() > 20)));
    }

    #[test]
    fn a_held_trunk_whose_both_versions_were_refused_says_so() {
        let settings = settings();
        let active = Version { diagnosis: Some(Diagnosis::new(Code::BothRejected)), ..active() };
        let mut held = seen("e1", RegistrationState::AuthHeld);
        held.status.diagnosis = Some(Box::new(Diagnosis::new(Code::CredentialsRejected)));
        held.edge = Arc::from("e1");
        let body = object(&Shown {
            settings: &settings,
            registration: Some(&registration()),
            versions: &[active],
            seen: &[held],
            drift: &[],
            trace_until: None,
            activate_at: None,
            maintenance_until: None,
        });
        assert_eq!(body["edges"][0]["diagnosis"]["code"], "sip.credentials.both_rejected");
        assert_eq!(body["edges"][0]["diagnosis"]["docs"], "/docs/diagnoses/sip.credentials.both_rejected");
    }

    #[test]
    fn states_of_a_filter_are_the_apis_words() {
        assert!(["REGISTERED", "DEGRADED", "AUTH_HELD"].into_iter().all(is_state));
        assert!(!is_state("registered"));
    }
}
