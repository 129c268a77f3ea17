//! Every end of an attempt, in every context that changes its judgement: code, stage, and the values in words.

use diagnosis::{Code, Note, Place, Stage};
use sip::digest::{Algorithm, Hash};

use super::{End, Final, Observation, judge};
use crate::challenge::Refusal;
use crate::{DigestPolicy, OnDowngrade, PolicySource, ResolveFault, SendFault};

/// A verification by query at a resolved target, before a digest.
fn seen() -> Observation {
    Observation {
        trunk: Some("jkt-04".into()),
        carrier: "acme".into(),
        address_of_record: "sip:alice@acme.test".into(),
        username: Some("6221".into()),
        registrar: "sip:reg.acme.test".into(),
        target: Some(crate::Place { transport: crate::Transport::Udp, address: "198.51.100.1:5060".parse().unwrap() }),
        source: Some("192.0.2.10:5060".parse().unwrap()),
        realm: Some("acme.test".into()),
        verification: true,
        query: true,
        ..Observation::new(policy(PolicySource::Default))
    }
}

fn policy(source: PolicySource) -> DigestPolicy {
    DigestPolicy { allowed: vec![Hash::Sha256, Hash::Sha512_256], on_downgrade: OnDowngrade::Refuse, source }
}

fn after_digest() -> Observation {
    Observation { answered: Some(Algorithm::MD5), ..seen() }
}

/// Of the registration itself, not of a verification.
fn own(seen: Observation) -> Observation {
    Observation { verification: false, query: false, ..seen }
}

/// Nothing may be bound for it.
fn alone(seen: Observation) -> Observation {
    Observation { may_bind: false, ..seen }
}

fn said(code: u16, reason: &str) -> End {
    End::Final(Final { code, reason: reason.into(), ..Final::default() })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// An observation and an end; the code and stage that they get, and the words that summary and remedy must hold.
type Row = (Observation, End, Code, Stage, &'static [&'static str], &'static [&'static str]);

fn hold(rows: Vec<Row>) {
    for (seen, end, code, stage, summary, remedy) in rows {
        let diagnosis = judge(&seen, &end);
        assert_eq!((diagnosis.code, diagnosis.stage), (code, stage), "{end:?}: {diagnosis:?}");
        for word in summary {
            assert!(diagnosis.summary.contains(word), "{word:?} is not in {:?}", diagnosis.summary);
        }
        for word in remedy {
            assert!(diagnosis.remedy.contains(word), "{word:?} is not in {:?}", diagnosis.remedy);
        }
        assert!(!diagnosis.remedy.is_empty(), "{diagnosis:?}");
        assert_eq!(diagnosis.evidence.credential_sent, Some(seen.answered.is_some()));
        assert_eq!(diagnosis.evidence.options_reachable, seen.options);
    }
}

#[test]
fn names_and_the_network() {
    use Stage::Network;
    let failed = End::Unresolved(ResolveFault::Failed("NXDOMAIN".into()));
    let forbidden = End::Unresolved(ResolveFault::Forbidden("10.1.2.3".parse().unwrap()));
    let v6 = End::Unresolved(ResolveFault::NoSocket("2001:db8::1".parse().unwrap()));
    let options = |answered| Observation { options: Some(answered), ..seen() };
    let before = |seen| Observation { answered_before: true, ..seen };
    let public = Observation { public: Some("203.0.113.7:1024".parse().unwrap()), ..seen() };
    hold(vec![
        (seen(), failed, Code::DnsFailed, Network, &["sip:reg.acme.test", "NXDOMAIN"], &[]),
        (seen(), forbidden, Code::TargetForbidden, Network, &["10.1.2.3"], &["--allow-target 10.1.2.3/32"]),
        (seen(), End::Unresolved(ResolveFault::ForbiddenPort(22)), Code::PortForbidden, Network, &["port 22"], &[]),
        (seen(), v6, Code::FamilyUnsupported, Network, &["2001:db8::1"], &["--sip udp:[::]"]),
        (seen(), End::NotSent(SendFault::Refused), Code::Refused, Network, &["198.51.100.1:5060"], &[]),
        (seen(), End::NotSent(SendFault::Unreachable), Code::Unreachable, Network, &["no route"], &[]),
        (seen(), End::NotSent(SendFault::TooLarge), Code::RequestTooLarge, Network, &["too large"], &[]),
        (seen(), End::NotSent(SendFault::Forbidden), Code::TargetForbidden, Network, &["198.51.100.1:5060"], &[]),
        (seen(), End::Silence, Code::Timeout, Network, &["Nothing came back"], &["192.0.2.10:5060"]),
        (public, End::Silence, Code::Timeout, Network, &[], &["public address 203.0.113.7:1024"]),
        (options(false), End::Silence, Code::Timeout, Network, &["OPTIONS is not answered either"], &[]),
        (
            options(true),
            End::Silence,
            Code::RegisterIgnored,
            Network,
            &["answers OPTIONS and drops REGISTER", "proves reachability"],
            &["verifyBy"],
        ),
        (own(options(true)), End::Silence, Code::RegisterIgnored, Network, &[], &["sip:alice@acme.test"]),
        (before(options(true)), End::Silence, Code::RegisterIgnored, Network, &[], &[]),
        (before(options(false)), End::Silence, Code::BlockSuspected, Network, &["blocks"], &["unblock"]),
        (before(seen()), End::Silence, Code::BlockSuspected, Network, &["192.0.2.10:5060"], &[]),
        (after_digest(), End::Silence, Code::Indeterminate, Stage::Digest, &["counts as a failed digest"], &[]),
        (own(after_digest()), End::Silence, Code::Timeout, Network, &[], &[]),
    ]);
    let own = judge(&own(options(true)), &End::Silence);
    assert!(!own.remedy.contains("verifyBy"), "no query was sent: {}", own.remedy);
}

#[test]
fn challenges_that_cannot_be_answered() {
    use Stage::{Challenge, Policy};
    let end = End::Challenge;
    let realm = |expected: &str, offered: &[&str]| end(Refusal::Realm { expected: expected.into(), offered: names(offered) });
    let not_allowed = || end(Refusal::AlgorithmNotAllowed { offered: names(&["MD5"]) });
    let under = |source| Observation { policy: policy(source), ..seen() };
    let nobody = Observation { trunk: None, ..seen() };
    let malformed = Refusal::Malformed { fault: "the challenge lacks realm".into(), header: "Digest x".into() };
    hold(vec![
        (seen(), end(Refusal::Missing), Code::ChallengeMissing, Challenge, &["401"], &[]),
        (seen(), end(malformed), Code::ChallengeMalformed, Challenge, &["lacks realm", "Digest x"], &[]),
        (seen(), realm("acme.test", &["asterisk"]), Code::RealmMismatch, Challenge, &["\"asterisk\"", "\"acme.test\""], &["\"asterisk\""]),
        (seen(), realm("acme.test", &["Acme.Test"]), Code::RealmMismatch, Challenge, &["case only"], &[]),
        (seen(), realm("acme.test", &["acme.test "]), Code::RealmMismatch, Challenge, &["outer white space"], &[]),
        (seen(), realm("a b", &["ab"]), Code::RealmMismatch, Challenge, &["white space only"], &[]),
        (seen(), realm("x", &["a", "b"]), Code::RealmMismatch, Challenge, &["\"a\" and \"b\""], &[]),
        (
            seen(),
            end(Refusal::NoHa1 { held: names(&["SHA-256"]), offered: names(&["MD5"]) }),
            Code::AlgorithmNoHa1,
            Challenge,
            &["SHA-256 only", "MD5"],
            &["HA1 for MD5", "password"],
        ),
        (
            seen(),
            end(Refusal::ProxyRealm { expected: Some("acme.test".into()), offered: "sbc".into() }),
            Code::ProxyCredentialsRequired,
            Challenge,
            &["\"sbc\""],
            &["proxyCredentials", "\"sbc\""],
        ),
        (
            seen(),
            end(Refusal::AlgorithmUnsupported { offered: names(&["SHA256"]) }),
            Code::AlgorithmUnsupported,
            Challenge,
            &["\"SHA256\""],
            &["SHA-256", "{\"algorithmAliases\": {\"SHA256\": \"SHA-256\"}}"],
        ),
        (
            seen(),
            end(Refusal::AlgorithmNotOffered { wanted: names(&["SHA-256"]), offered: names(&["MD5"]) }),
            Code::AlgorithmNotOffered,
            Challenge,
            &["SHA-256", "MD5"],
            &["credentials.algorithm to MD5"],
        ),
        (
            seen(),
            not_allowed(),
            Code::AlgorithmNotAllowed,
            Policy,
            &["MD5", "the default digestPolicy", "SHA-256, SHA-512-256", "No digest was sent"],
            &["/trunks/voice/jkt-04", "[\"MD5\"]"],
        ),
        (under(PolicySource::Organization), not_allowed(), Code::AlgorithmNotAllowed, Policy, &["the organisation's digestPolicy"], &[]),
        (under(PolicySource::Carrier("acme".into())), not_allowed(), Code::AlgorithmNotAllowed, Policy, &["carrier acme"], &[]),
        (under(PolicySource::Trunk("jkt-04".into())), not_allowed(), Code::AlgorithmNotAllowed, Policy, &["trunk jkt-04"], &[]),
        (nobody, not_allowed(), Code::AlgorithmNotAllowed, Policy, &[], &["Allow MD5 on the carrier"]),
        (
            seen(),
            end(Refusal::Downgrade { pinned: "SHA-256".into(), offered: names(&["MD5"]) }),
            Code::DowngradeRefused,
            Policy,
            &["SHA-256", "MD5", "no digest was sent"],
            &["/trunks/voice/jkt-04 {\"digestPolicy\": {\"onDowngrade\": \"warn\"}}"],
        ),
        (seen(), end(Refusal::Qop { realm: "acme.test".into() }), Code::QopUnsupported, Challenge, &["\"acme.test\""], &[]),
    ]);
}

#[test]
fn final_answers_before_and_after_a_digest() {
    use Stage::{Binding, Carrier, Challenge, Digest};
    let sha512 = Observation { answered: Algorithm::from_token("SHA-512-256"), ..seen() };
    let retry = End::Final(Final { code: 503, reason: "Busy".into(), retry_after: Some(120), ..Final::default() });
    let brief = End::Final(Final { code: 423, reason: "Brief".into(), min_expires: Some(7), ..Final::default() });
    let moved = End::Final(Final { code: 302, reason: "Moved".into(), redirect: Some("sip:b.test".into()), ..Final::default() });
    let demand = End::Final(Final { code: 421, reason: "Demand".into(), demands: Some("path".into()), ..Final::default() });
    let optioned = Observation { options: Some(true), ..seen() };
    let note = Note { pattern: "locked".into(), place: Place::Phrase, note: "unlock the port".into() };
    let noted = Observation { notes: vec![note], ..seen() };
    hold(vec![
        (
            optioned,
            said(403, "Forbidden"),
            Code::ForbiddenBeforeChallenge,
            Challenge,
            &["403 \"Forbidden\"", "never looked at", "OPTIONS"],
            &["192.0.2.10:5060"],
        ),
        (noted, said(403, "Port locked"), Code::ForbiddenBeforeChallenge, Challenge, &["unlock the port"], &[]),
        (
            after_digest(),
            said(403, "Forbidden"),
            Code::ForbiddenAfterAuth,
            Digest,
            &["403 \"Forbidden\""],
            &["\"6221\"", "192.0.2.10:5060"],
        ),
        (
            after_digest(),
            said(401, "Unauthorized"),
            Code::CredentialsRejected,
            Digest,
            &["401 \"Unauthorized\""],
            &["\"6221\"", "\"acme.test\""],
        ),
        (after_digest(), said(407, ""), Code::CredentialsRejected, Digest, &["(407)"], &[]),
        (
            sha512,
            said(401, "Unauthorized"),
            Code::SuspectTruncatedSha512,
            Digest,
            &["truncated SHA-512"],
            &["PATCH /api/v2/carriers/acme {\"truncatedSha512\": true}"],
        ),
        (after_digest(), said(400, "Bad"), Code::VerifyAmbiguous, Digest, &["400"], &["{\"verifyBy\": \"renew\"}"]),
        (
            alone(seen()),
            said(403, "Forbidden"),
            Code::VerifyNeedsBinding,
            Challenge,
            &["403", "another system"],
            &["static", "inService", "192.0.2.10:5060"],
        ),
        (alone(seen()), said(404, "Not Found"), Code::UserUnknown, Challenge, &[], &[]),
        (alone(after_digest()), said(400, "Bad"), Code::VerifyAmbiguous, Digest, &["400"], &["static", "inService"]),
        (own(after_digest()), said(400, "Bad"), Code::RequestRejected, Binding, &["400 \"Bad\""], &[]),
        (seen(), said(400, "Bad"), Code::RequestRejected, Binding, &[], &[]),
        (seen(), said(404, "Not Found"), Code::UserUnknown, Challenge, &["sip:alice@acme.test"], &["sip:alice@acme.test"]),
        (after_digest(), said(604, "Nowhere"), Code::UserUnknown, Challenge, &["604"], &[]),
        (seen(), brief, Code::IntervalTooBrief, Binding, &["Min-Expires 7"], &[]),
        (seen(), said(423, "Brief"), Code::IntervalTooBrief, Binding, &["without Min-Expires"], &[]),
        (seen(), moved, Code::Redirected, Binding, &["sip:b.test"], &["{\"redirectHosts\": [\"b.test\"]}"]),
        (seen(), said(301, "Moved"), Code::Redirected, Binding, &["no Contact"], &[]),
        (seen(), demand, Code::ExtensionRequired, Binding, &["path"], &[]),
        (seen(), said(439, "Outbound"), Code::ExtensionRequired, Binding, &[], &[]),
        (seen(), said(494, "Agree"), Code::SecurityAgreementRequired, Binding, &["RFC 3329"], &[]),
        (seen(), said(429, "Slow down"), Code::CarrierRateLimited, Carrier, &["429"], &[]),
        (after_digest(), said(403, "Registration limit reached"), Code::BindingLimit, Binding, &[], &["sip:alice@acme.test"]),
        (seen(), said(480, "Too many contacts"), Code::BindingLimit, Binding, &[], &["sip:alice@acme.test"]),
        (seen(), said(500, "bad CSeq"), Code::CseqRejected, Binding, &["CSeq"], &[]),
        (seen(), retry, Code::CarrierUnavailable, Carrier, &["503 \"Busy\"", "Retry-After 120 s"], &[]),
        (after_digest(), said(408, "Timeout"), Code::CarrierUnavailable, Carrier, &[], &[]),
        (seen(), said(603, "Decline"), Code::CarrierDeclined, Carrier, &["603"], &[]),
        (seen(), said(486, "Busy Here"), Code::RequestRejected, Binding, &["486 \"Busy Here\""], &[]),
    ]);
    let waits = judge(&seen(), &End::Final(Final { code: 503, retry_after: Some(120), ..Final::default() }));
    assert_eq!(waits.evidence.retry_after, Some(120));
}

#[test]
fn successes_that_are_none_and_what_was_never_sent() {
    use Stage::{Binding, Digest, Policy};
    hold(vec![
        (after_digest(), End::StaleLoop, Code::NonceStaleLoop, Digest, &["stale"], &[]),
        (seen(), End::Unproven, Code::CredentialsUnproven, Digest, &["not proven"], &["{\"acceptUnproven\": true}", "192.0.2.10:5060"]),
        (own(after_digest()), End::BindingMissing { listed: names(&["sip:desk@x"]) }, Code::BindingMissing, Binding, &["sip:desk@x"], &[]),
        (own(after_digest()), End::GrantedNothing, Code::BindingMissing, Binding, &["0 seconds"], &[]),
        (seen(), End::BudgetSpent { retry_after: 431 }, Code::BudgetSpent, Policy, &["acme", "431 s"], &[]),
    ]);
    assert_eq!(judge(&seen(), &End::BudgetSpent { retry_after: 431 }).evidence.retry_after, Some(431));
}

/// How a realm misses the challenged one, and the words that point it out.
#[test]
fn near_misses_of_a_realm_are_pointed_out() {
    for (expected, offered, told) in [
        ("Ims.Carrier.test", &["ims.carrier.test"][..], "upper and lower case only"),
        ("ims.carrier.test ", &["ims.carrier.test"], "outer white space only"),
        ("the  realm", &["the realm"], "white space only"),
        ("\"carrier\"", &["carrier"], "quotation marks only"),
        ("carrier", &["\u{201c}carrier\u{201d}"], "quotation marks only"),
        ("carrier.test", &["carrier.test."], "final dot only"),
        ("carrier.test:5060", &["carrier.test"], "port only"),
        ("Carrier.test", &["\"carrier.test\""], "compared byte for byte"),
        ("acme.test", &["asterisk"], "names the domain of the address-of-record in place of the realm"),
        ("ACME.test", &["sip-1.pb"], "names the domain of the address-of-record in place of the realm"),
        ("reg.acme.test", &["asterisk"], "names the registrar's host in place of the realm"),
        ("ims.acme.test", &["asterisk"], "a domain like that of the address-of-record"),
        // A near miss counts for more than a domain, and the realm that is meant is the one to set.
        ("acme.test", &["asterisk", "Acme.test"], "upper and lower case only"),
    ] {
        let end = End::Challenge(Refusal::Realm { expected: expected.into(), offered: names(offered) });
        let diagnosis = judge(&seen(), &end);
        assert_eq!(diagnosis.code, Code::RealmMismatch);
        assert!(diagnosis.summary.contains(told), "{expected:?} for {offered:?}: {}", diagnosis.summary);
        let meant = offered.last().unwrap();
        assert!(diagnosis.remedy.contains(&format!("{meant:?}")), "{}", diagnosis.remedy);
    }
    // What follows the colon is no port.
    for expected in ["acme.example:", "acme.example:sip"] {
        let far = judge(&seen(), &End::Challenge(Refusal::Realm { expected: expected.into(), offered: names(&["acme.example"]) }));
        assert!(!far.summary.contains("differ"), "{}", far.summary);
    }
    let far = judge(&seen(), &End::Challenge(Refusal::Realm { expected: "x".into(), offered: names(&["y"]) }));
    assert!(!far.summary.contains("differ") && !far.summary.contains("in place of"), "{}", far.summary);
}

#[test]
fn a_truncated_sha512_is_suspected_only_while_nothing_has_settled_it() {
    let sha512 = Observation { answered: Algorithm::from_token("SHA-512-256"), ..seen() };
    for (seen, code) in [
        (sha512.clone(), Code::SuspectTruncatedSha512),
        (Observation { truncated_sha512: true, ..sha512.clone() }, Code::CredentialsRejected),
        (Observation { accepted_before: true, ..sha512.clone() }, Code::CredentialsRejected),
        (Observation { answered: Some(Algorithm::MD5), ..sha512 }, Code::CredentialsRejected),
    ] {
        assert_eq!(judge(&seen, &said(401, "Unauthorized")).code, code);
    }
}

#[test]
fn without_a_trunk_no_remedy_names_a_call_on_a_carrier_that_is_not_there() {
    let nobody = Observation { trunk: None, ..after_digest() };
    for end in [said(400, "Bad"), said(302, "Moved"), said(423, "Brief"), End::Unproven] {
        let remedy = judge(&nobody, &end).remedy;
        assert!(!remedy.contains("/api/v2/carriers/"), "{remedy}");
    }
}
