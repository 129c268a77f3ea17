//! Which challenge is answered, and how (carriers.md C2-C10, C16, C18-C23).

use diagnosis::Code;
use secrecy::SecretString;
use sip::Name;
use sip::digest::{Algorithm, Hash, ha1};
use std::sync::Arc;
use ua::*;

use crate::support::*;

fn refused_before_a_digest(setup: Setup, says: Says, code: Code) -> Talk {
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(says).silent().diagnosed(code);
    let refused = talk.refused();
    assert_eq!(refused, [(1, false, false, code)]);
    talk.then(RegistrationState::Rejected).silent_for(secs(3000));
    talk
}

// covers: C1, C2, RFC 7616 3.4.1, RFC 7616 3.4.2, RFC 8760 2.1, RFC 8760 2.2, RFC 8760 2.6
#[test]
fn every_algorithm_is_answered_with_its_own_hash() {
    for name in ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", "SHA-256-sess", "SHA-512-256-sess", "sha-256", "\"SHA-256\""] {
        for qop in ["auth", "auth,auth-int", "auth-int", ""] {
            let mut talk = talk(registration("alice"));
            talk.we_send("REGISTER").they_say(challenge("n1").algorithm(name).qop(qop));
            let wanted = match qop {
                "" => None,
                "auth-int" => Some("auth-int"),
                _ => Some("auth"),
            };
            let bare = name.trim_matches('"');
            let digest = nonce("n1").algorithm(bare).qop(wanted);
            talk.we_send("REGISTER").with(if wanted.is_some() { digest.nc(1) } else { digest });
            talk.with(|sent: &Sent| {
                let value = sent.header(Name::Authorization).unwrap();
                // carriers.md C2 and C6: a session needs cnonce even without qop; without both it has neither nc nor cnonce.
                assert_eq!(value.contains("cnonce="), wanted.is_some() || bare.ends_with("-sess"), "{value}");
                assert_eq!(value.contains("nc="), wanted.is_some(), "{value}");
            });
            talk.they_say(ok()).then_bound();
            let negotiated = talk.status("alice").negotiated.clone().unwrap();
            assert_eq!(Algorithm::from_token(&negotiated.algorithm), Algorithm::from_token(bare));
        }
    }
}

// covers: C4, RFC 7616 3.3
#[test]
fn without_an_algorithm_it_is_md5_and_the_answer_names_none() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1").algorithm(""));
    talk.we_send("REGISTER").with(nonce("n1")).with(|sent: &Sent| assert!(!sent.text().contains("algorithm="))).they_say(ok());
    talk.then_bound();
}

// covers: C3, RFC 7616 3.7, RFC 8760 2.4
#[test]
fn of_several_the_strongest_is_answered_wherever_it_stands() {
    let offers = [("MD5", "a"), ("SHA-256", "b"), ("MD2", "c")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut says: Vec<Says> = order.iter().map(|&at| challenge(offers[at].1).algorithm(offers[at].0)).collect();
        let says = says.split_off(1).into_iter().fold(says.remove(0), Says::and);
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(says);
        talk.we_send("REGISTER")
            .with(nonce("b").algorithm("SHA-256"))
            .with(|sent: &Sent| assert_eq!(sent.credentials().len(), 1))
            .they_say(ok());
        let offered = talk.status("alice").negotiated.clone().unwrap().offered;
        assert_eq!(offered.len(), 3, "{offered:?}");
        talk.then_bound();
    }
}

// covers: C3
#[test]
fn an_ha1_answers_for_its_own_hash_only() {
    let key = ha1(Hash::Md5, "alice", "carrier.test", b"secret of alice");
    let secret = Arc::new(Secret::Ha1(vec![(Hash::Md5, SecretString::from(key.as_str().to_owned()))]));
    let mut talk = talk(registration("alice").credential(|credential| credential.secret = secret.clone()));
    talk.we_send("REGISTER").they_say(challenge("a").algorithm("SHA-256").and(challenge("b").algorithm("MD5")));
    talk.we_send("REGISTER").with(nonce("b").algorithm("MD5")).they_say(ok()).then_bound();

    let setup = registration("alice").credential(|credential| credential.secret = secret);
    refused_before_a_digest(setup, challenge("a").algorithm("SHA-256"), Code::AlgorithmNoHa1);
}

#[test]
fn a_policy_that_allows_none_of_the_offered_sends_nothing() {
    let setup = registration("alice").assignment(|assignment| assignment.policy = policy(&[Hash::Sha256]));
    let talk = refused_before_a_digest(setup, challenge("n1"), Code::AlgorithmNotAllowed);
    let diagnosis = talk.status("alice").diagnosis.clone().unwrap();
    assert!(diagnosis.summary.contains("MD5") && diagnosis.summary.contains("SHA-256"), "{}", diagnosis.summary);
    assert!(diagnosis.remedy.contains("PATCH /api/v2/trunks/voice/alice"), "{}", diagnosis.remedy);
}

#[test]
fn an_algorithm_that_was_asked_for_and_is_not_offered_sends_nothing() {
    let setup = registration("alice").credential(|credential| credential.algorithm = Some(Algorithm::from_token("SHA-256").unwrap()));
    refused_before_a_digest(setup, challenge("n1"), Code::AlgorithmNotOffered);
}

// covers: C5
#[test]
fn a_literal_spelling_is_accepted_by_the_profile_s_alias_only() {
    let talk_ = refused_before_a_digest(registration("alice"), challenge("n1").algorithm("SHA256"), Code::AlgorithmUnsupported);
    assert!(talk_.status("alice").diagnosis.as_ref().unwrap().summary.contains("SHA256"));

    let aliased = registration("alice").profile(|profile| profile.algorithm_aliases = vec![("sha256".into(), "SHA-256".into())]);
    let mut talk = talk(aliased);
    talk.we_send("REGISTER").they_say(challenge("n1").algorithm("SHA256"));
    talk.we_send("REGISTER").with(|sent: &Sent| assert_eq!(sent.nonces(), ["n1"])).they_say(ok()).then_bound();
    assert_eq!(talk.status("alice").negotiated.as_ref().unwrap().algorithm, "SHA-256");
}

// covers: C8, RFC 3261 22.1
#[test]
fn another_realm_gets_no_digest_and_both_are_shown() {
    let talk = refused_before_a_digest(registration("alice"), challenge("n1").realm("Carrier.test"), Code::RealmMismatch);
    let summary = &talk.status("alice").diagnosis.as_ref().unwrap().summary;
    assert!(summary.contains("\"Carrier.test\"") && summary.contains("\"carrier.test\"") && summary.contains("case"), "{summary}");
}

// covers: C10
#[test]
fn of_two_realms_the_pinned_one_is_answered() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("a").realm("other").algorithm("SHA-256").and(challenge("b")));
    talk.we_send("REGISTER").with(nonce("b")).they_say(ok()).then_bound();
}

// covers: C9
#[test]
fn a_realm_that_nobody_named_is_learned() {
    let mut talk = talk(registration("alice").credential(|credential| credential.realm = None));
    talk.we_send("REGISTER").they_say(challenge("n1").realm("asterisk"));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(ok()).then_bound();
    assert_eq!(talk.status("alice").negotiated.as_ref().unwrap().realm, "asterisk");
}

// covers: C16, RFC 3261 22.3, RFC 7616 3.8
#[test]
fn a_proxy_is_answered_with_its_own_header() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("p").proxy());
    talk.we_send("REGISTER").with(nonce("p").proxy()).they_say(ok()).then_bound();
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("p").proxy().nc(2)).they_say(ok()).then_bound();
}

// covers: C16, RFC 3261 22.3
#[test]
fn a_proxy_and_a_registrar_that_both_challenge_are_both_answered_now_and_at_the_refresh() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("p").proxy());
    talk.we_send("REGISTER").with(nonce("p").proxy()).they_say(challenge("r"));
    talk.we_send("REGISTER").with(nonce("p").proxy().nc(2)).with(nonce("r").nc(1)).they_say(ok()).then_bound();
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("p").proxy().nc(3)).with(nonce("r").nc(2)).they_say(ok());
    talk.then_bound();
}

// covers: C16
#[test]
fn both_in_one_answer_are_answered_at_once() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("r").and(challenge("p").proxy()));
    talk.we_send("REGISTER").with(nonce("p").proxy()).with(nonce("r")).they_say(ok()).then_bound();
}

#[test]
fn a_proxy_that_refuses_what_it_was_answered_ends_it() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("p").proxy());
    talk.we_send("REGISTER").they_say(challenge("r"));
    talk.we_send("REGISTER").they_say(challenge("q").proxy());
    talk.silent().diagnosed(Code::CredentialsRejected);
}

// covers: C16
#[test]
fn a_proxy_s_own_realm_needs_credentials_of_its_own() {
    refused_before_a_digest(registration("alice"), challenge("p").proxy().realm("edge.proxy"), Code::ProxyCredentialsRequired);
}

/// Alice with credentials of `border` for the proxy's realm `edge.proxy`.
fn with_proxys() -> Setup {
    registration("alice").credential(|credential| credential.proxy = Some(Box::new(proxys("secret of border"))))
}

fn proxys(password: &str) -> ProxyCredential {
    ProxyCredential {
        username: "border".into(),
        realm: "edge.proxy".into(),
        algorithm: None,
        secret: std::sync::Arc::new(Secret::Password(password.to_owned().into())),
    }
}

fn proxys_challenge(nonce: &str) -> Says {
    challenge(nonce).proxy().realm("edge.proxy")
}

// covers: C16, RFC 3261 22.3
#[test]
fn a_proxy_of_a_realm_of_its_own_gets_the_secret_that_is_meant_for_it() {
    let mut talk = talk(with_proxys());
    talk.we_send("REGISTER").with(no_digest()).they_say(proxys_challenge("p"));
    talk.we_send("REGISTER").with(nonce("p").proxy().password("secret of border")).they_say(challenge("r"));
    talk.we_send("REGISTER").with(nonce("p").proxy().nc(2)).with(nonce("r")).they_say(ok()).then_bound();
    let seen = talk.status("alice").negotiated.clone().expect("negotiated");
    assert_eq!(seen.realm, "carrier.test", "the registrar's is what is pinned");
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("p").proxy().nc(3)).with(nonce("r").nc(2)).they_say(ok());
    talk.then_bound();
}

// covers: C16
#[test]
fn both_in_one_answer_get_each_their_own_secret() {
    for first_is_proxys in [false, true] {
        let both = if first_is_proxys { proxys_challenge("p").and(challenge("r")) } else { challenge("r").and(proxys_challenge("p")) };
        let mut talk = talk(with_proxys());
        talk.we_send("REGISTER").they_say(both);
        talk.we_send("REGISTER").with(nonce("p").proxy().password("secret of border")).with(nonce("r")).they_say(ok()).then_bound();
        assert_eq!(talk.status("alice").negotiated.as_ref().expect("negotiated").realm, "carrier.test");
    }
}

// covers: C16
#[test]
fn a_proxy_of_the_accounts_realm_is_answered_by_the_account_and_one_of_a_third_realm_by_nobody() {
    let mut first = talk(with_proxys());
    first.we_send("REGISTER").they_say(challenge("p").proxy());
    first.we_send("REGISTER").with(nonce("p").proxy().password("secret of alice")).they_say(ok()).then_bound();
    for learns in [false, true] {
        let setup = with_proxys().credential(|credential| {
            if learns {
                credential.realm = None;
            }
        });
        let mut talk = talk(setup);
        talk.we_send("REGISTER").they_say(challenge("p").proxy().realm("elsewhere")).silent();
        talk.then(RegistrationState::Rejected).diagnosed(Code::ProxyCredentialsRequired);
    }
}

// covers: C16, failed digests
#[test]
fn a_proxy_that_refuses_its_secret_is_told_apart_and_counted_for_that_user_name() {
    let mut talk = talk(with_proxys().profile(|profile| profile.failure_budget.per_version = 9));
    for n in ["a", "b"] {
        talk.we_send("REGISTER").with(no_digest()).they_say(proxys_challenge(n));
        talk.we_send("REGISTER").with(nonce(n).proxy()).they_say(proxys_challenge(&format!("{n}'"))).silent();
        let diagnosis = talk.diagnosed(Code::ProxyCredentialsRejected).status("alice").diagnosis.clone().expect("told");
        assert!(diagnosis.summary.contains("border"), "{}", diagnosis.summary);
        if n == "a" {
            talk.between(secs(30), secs(30));
        }
    }
    // The machine's two of three are spent for `border`, none for `alice`.
    let by_machine = |id: &str| VerifyOrder { by_person: false, ..order(id, "alice", "new") };
    talk.verify(by_machine("v")).we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").with(nonce("v").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
    let mut tried = by_machine("w");
    tried.credential.as_mut().expect("given").proxy = Some(Box::new(proxys("other")));
    talk.verify(tried).we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(proxys_challenge("w"));
    assert_eq!(talk.silent().refusal().code, Code::BudgetSpent);
}

// covers: C16
#[test]
fn a_verification_tries_both_secrets_and_the_proxys_alone_proves_nothing() {
    let given = |id: &str| {
        let mut order = order(id, "alice", "secret of alice");
        order.credential.as_mut().expect("given").proxy = Some(Box::new(proxys("secret of border")));
        order
    };
    let mut talk = Talk::idle(&registration("alice"));
    talk.verify(given("both")).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(proxys_challenge("p"));
    talk.we_send("REGISTER").with(nonce("p").proxy()).they_say(challenge("r"));
    talk.we_send("REGISTER").with(nonce("p").proxy().nc(2)).with(nonce("r")).they_say(ok());
    let verdict = talk.verdict();
    assert!(matches!(verdict.outcome, Outcome::Proved), "{verdict:?}");
    assert_eq!(verdict.negotiated.expect("negotiated").realm, "carrier.test");
    talk.verify(given("proxy")).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(proxys_challenge("p"));
    talk.we_send("REGISTER").with(nonce("p").proxy()).they_say(ok());
    assert_eq!(talk.refusal().code, Code::CredentialsUnproven, "the account's secret was not asked for");
    talk.verify(given("wrong")).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(proxys_challenge("p"));
    talk.we_send("REGISTER").with(nonce("p").proxy()).they_say(proxys_challenge("q")).silent();
    let refusal = talk.refusal();
    assert_eq!((refusal.code, refusal.evidence.credential_sent), (Code::ProxyCredentialsRejected, Some(true)));
    talk.verify(given("own")).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(proxys_challenge("p"));
    talk.we_send("REGISTER").with(nonce("p").proxy()).they_say(challenge("r"));
    talk.we_send("REGISTER").with(nonce("r")).they_say(challenge("s")).silent();
    assert_eq!(talk.refusal().code, Code::CredentialsRejected);
}

// covers: C18, RFC 7616 3.4.4
#[test]
fn a_userhash_goes_in_the_name_s_place() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1").algorithm("SHA-256").with_param("userhash=true"));
    let wanted = sip::digest::userhash(Hash::Sha256, "alice", "carrier.test");
    talk.we_send("REGISTER").with(|sent: &Sent| {
        let value = sent.header(Name::Authorization).unwrap();
        assert!(value.contains(&format!("username=\"{}\"", wanted.as_str())) && value.contains("userhash=true"), "{value}");
    });
}

// covers: C19
#[test]
fn a_challenge_that_cannot_be_read_is_shown_and_not_answered() {
    let long = format!("Digest realm=\"carrier.test\", nonce=\"{}\"", "x".repeat(9000));
    for header in [
        "Digest nonce=\"n1\"",
        "Digest realm=\"carrier.test\"",
        "Digest realm=\"carrier.test\", nonce=\"a\", nonce=\"b\"",
        "Digest realm=\"carrier.test, nonce=\"a\"",
        "Digest ,,,",
        &long,
    ] {
        let says = status(401, "Unauthorized").header("WWW-Authenticate", header);
        refused_before_a_digest(registration("alice"), says, Code::ChallengeMalformed);
    }
    refused_before_a_digest(registration("alice"), status(401, "Unauthorized"), Code::ChallengeMissing);
}

// covers: C20
#[test]
fn a_refused_sha_512_256_raises_the_suspicion_of_a_truncated_one() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1").algorithm("SHA-512-256"));
    talk.we_send("REGISTER").with(nonce("n1").algorithm("SHA-512-256")).they_say(challenge("n2").algorithm("SHA-512-256"));
    talk.silent().diagnosed(Code::SuspectTruncatedSha512);
}

// covers: C21
#[test]
fn a_challenge_weaker_than_what_was_pinned_is_refused_or_warned_of() {
    let pin = |credential: &mut Credential| {
        credential.algorithm = Some(Algorithm::from_token("SHA-256").unwrap());
        credential.pinned = true;
    };
    refused_before_a_digest(registration("alice").credential(pin), challenge("n1"), Code::DowngradeRefused);

    let warned = registration("alice").credential(pin).assignment(|assignment| assignment.policy.on_downgrade = OnDowngrade::Warn);
    let mut talk = talk(warned);
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1").algorithm("MD5")).they_say(ok()).then_bound();
    assert!(talk.status("alice").warnings.contains(&Code::AlgorithmDowngraded));
}

// covers: C21
#[test]
fn a_challenge_that_has_lost_its_qop_is_refused_or_warned_of() {
    refused_before_a_digest(
        registration("alice").credential(|credential| credential.qop = true),
        challenge("n1").qop(""),
        Code::DowngradeRefused,
    );

    let warned = registration("alice")
        .credential(|credential| credential.qop = true)
        .assignment(|assignment| assignment.policy.on_downgrade = OnDowngrade::Warn);
    let mut talk = talk(warned);
    talk.we_send("REGISTER").they_say(challenge("n1").qop(""));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(ok()).then_bound();
    assert!(talk.status("alice").warnings.contains(&Code::AlgorithmDowngraded));
}

#[test]
fn what_was_pinned_before_the_policy_changed_stays_usable_and_is_warned_of() {
    let setup = registration("alice")
        .credential(|credential| (credential.algorithm, credential.pinned) = (Some(Algorithm::MD5), true))
        .assignment(|assignment| assignment.policy = policy(&[Hash::Sha256]));
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(ok()).then_bound();
    assert!(talk.status("alice").warnings.contains(&Code::AlgorithmDisallowedActive));
}

// covers: C22
#[test]
fn a_200_without_a_challenge_registers_and_proves_nothing() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(ok()).then_bound();
    let status = talk.status("alice");
    assert!(!status.authenticated && status.negotiated.is_none());
    assert_eq!(status.warnings, [Code::RegistrationUnauthenticated]);
    assert!(talk.events.iter().any(|event| matches!(event, Event::Accepted { authenticated: false, negotiated: None, .. })));
}

// covers: C23, RFC 3261 22.4
#[test]
fn the_digest_s_uri_is_the_request_uri_byte_for_byte() {
    let mut talk = talk(registration("alice").account(|account| account.request_uri = "sip:Carrier.test:5060;transport=udp".into()));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER")
        .with(nonce("n1"))
        .with(|sent: &Sent| assert_eq!(sent.uri(), "sip:Carrier.test:5060;transport=udp"))
        .they_say(ok());
    talk.then_bound();
}

#[test]
fn a_quality_of_protection_that_nobody_knows_is_not_answered() {
    refused_before_a_digest(registration("alice"), challenge("n1").qop("auth-conf"), Code::QopUnsupported);
}

// covers: C16
#[test]
fn of_two_digests_the_one_that_was_refused_is_named() {
    for (says, code) in [(proxys_challenge("p2"), Code::ProxyCredentialsRejected), (challenge("r2"), Code::CredentialsRejected)] {
        let mut talk = talk(with_proxys());
        talk.we_send("REGISTER").they_say(proxys_challenge("p"));
        talk.we_send("REGISTER").they_say(challenge("r"));
        talk.we_send("REGISTER").they_say(says).silent().diagnosed(code);
    }
}

// covers: C16
#[test]
fn of_a_proxy_s_terms_and_the_registrar_s_the_registrar_s_are_shown() {
    let mut both = talk(registration("alice"));
    both.we_send("REGISTER").they_say(challenge("r").algorithm("SHA-256"));
    both.we_send("REGISTER").with(nonce("r")).they_say(challenge("p").proxy());
    both.we_send("REGISTER").with(nonce("r")).with(nonce("p").proxy()).they_say(ok()).then_bound();
    assert_eq!(both.status("alice").negotiated.as_ref().expect("negotiated").algorithm, "SHA-256");
    let mut alone = talk(with_proxys());
    alone.we_send("REGISTER").they_say(proxys_challenge("p"));
    alone.we_send("REGISTER").with(nonce("p").proxy().password("secret of border")).they_say(ok()).then_bound();
    assert_eq!(alone.status("alice").negotiated, None);
}

// covers: C16
#[test]
fn of_both_in_one_answer_a_verification_agrees_on_the_registrar_s_terms() {
    let mut order = order("v", "alice", "secret of alice");
    order.credential.as_mut().expect("given").proxy = Some(Box::new(proxys("secret of border")));
    let mut talk = Talk::idle(&registration("alice"));
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(proxys_challenge("p").and(challenge("r")));
    talk.we_send("REGISTER").with(nonce("p").proxy().password("secret of border")).with(nonce("r")).they_say(ok());
    assert_eq!(talk.verdict().negotiated.expect("negotiated").realm, "carrier.test");
}
