//! Credentials tried at the carrier before they replace the old ones (design section 4).

use diagnosis::Code;
use ua::*;

use crate::support::*;

// covers: RFC 3261 10.2.3
#[test]
fn a_query_of_its_own_proves_a_password_by_one_digest_and_leaves_the_binding_alone() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let own = talk.request().clone();
    talk.verify(order("v1", "alice", "new"));
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").with(query()).with(no_digest()).with(cseq(1)).with(new_call_id()).they_say(challenge("v"));
    talk.we_send("REGISTER").with(query()).with(nonce("v").nc(1).password("new")).with(next_cseq()).they_say(ok());
    let verdict = talk.verdict();
    assert!(matches!(verdict.outcome, Outcome::Proved), "{verdict:?}");
    assert_eq!(verdict.negotiated.unwrap().algorithm, "MD5");
    assert_eq!(verdict.evidence.credential_sent, Some(true));
    assert_eq!(verdict.evidence.options_reachable, Some(true));
    talk.then_bound();
    assert_eq!(talk.saved("alice").cseq, own.cseq());
}

/// The steps that were told; forgets them.
fn steps(talk: &mut Talk) -> Vec<VerifyStep> {
    talk.take(|event| match event {
        Event::Progress { verification, step } if &**verification == "v1" => Some(*step),
        _ => None,
    })
}

#[test]
fn whoever_waits_for_a_verdict_is_told_each_step_once_and_as_it_is_taken() {
    let (mut talk, order) = redirected(None);
    talk.verify(order).we_send("OPTIONS");
    talk.we_send("REGISTER");
    assert_eq!(steps(&mut talk), [VerifyStep::Resolved]);
    talk.they_say(moved("<sip:b.test>"));
    assert_eq!(steps(&mut talk), [VerifyStep::Reached]);
    talk.we_send("REGISTER").they_say(challenge("v"));
    assert_eq!(steps(&mut talk), [VerifyStep::Challenged]);
    talk.we_send("REGISTER").they_say(challenge("w").stale());
    talk.we_send("REGISTER").they_say(ok());
    assert_eq!(steps(&mut talk), []);
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

#[test]
fn a_challenge_that_is_not_answered_is_no_step() {
    let (mut talk, order) = redirected(Some("elsewhere.test"));
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    assert_eq!(steps(&mut talk), [VerifyStep::Resolved, VerifyStep::Reached]);
    talk.we_send("REGISTER").they_say(challenge("v")).silent();
    assert_eq!((steps(&mut talk), talk.refusal().code), (vec![], Code::RealmMismatch));
}

/// A verification at a carrier that redirects, and takes `b.test` for one of its own.
fn redirected(realm: Option<&str>) -> (Talk, VerifyOrder) {
    let mut order = order("v1", "alice", "new");
    order.profile.manners.redirect_hosts = vec!["b.test".into()];
    order.credential.as_mut().expect("given").realm = realm.map(Into::into);
    (Talk::idle(&registration("alice")), order)
}

fn moved(to: &str) -> Says {
    status(302, "Moved Temporarily").header("Contact", to)
}

// covers: F8
#[test]
fn a_verification_follows_one_redirection_to_a_listed_host() {
    let (mut talk, order) = redirected(None);
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(moved("<sip:elsewhere.test>, <sip:b.test>"));
    talk.we_send("REGISTER").with(query()).with(to("198.51.100.2:5060")).with(next_cseq()).they_say(challenge("v"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(nonce("v").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

// covers: F8
#[test]
fn a_verification_follows_no_second_redirection_and_none_to_another_host_and_answers_no_realm_of_its_own() {
    let (mut talk, order) = redirected(None);
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(moved("<sip:b.test>"));
    talk.we_send("REGISTER").they_say(moved("<sip:b.test:5070>")).silent();
    let refusal = talk.refusal();
    assert!(refusal.code == Code::Redirected && refusal.summary.contains("b.test:5070"), "{refusal:?}");
    let (mut talk, order) = redirected(None);
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(moved("<sip:c.test>")).silent();
    assert_eq!(talk.refusal().code, Code::Redirected);
    for realm in [None, Some("carrier.test")] {
        let (mut talk, order) = redirected(realm);
        talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
        talk.we_send("REGISTER").they_say(moved("<sip:b.test>"));
        talk.we_send("REGISTER").they_say(challenge("v").realm("b.test")).silent();
        assert_eq!(talk.refusal().code, Code::RealmMismatch);
    }
}

// covers: F8
#[test]
fn a_redirection_to_a_name_that_leads_nowhere_is_said() {
    let (mut talk, mut order) = redirected(None);
    order.profile.manners.redirect_hosts = vec!["nowhere.test".into()];
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(moved("<sip:nowhere.test>")).silent();
    assert_eq!(talk.refusal().code, Code::DnsFailed);
}

// covers: C13
#[test]
fn a_wrong_password_costs_exactly_one_digest() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.verify(order("v1", "alice", "wrong"));
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(challenge("v1"));
    talk.we_send("REGISTER").with(nonce("v1").password("wrong")).they_say(challenge("v2"));
    let refusal = talk.refusal();
    assert_eq!(refusal.code, Code::CredentialsRejected);
    assert_eq!(refusal.evidence.credential_sent, Some(true));
    assert_eq!(refusal.evidence.sip.unwrap().code, 401);
    talk.then_bound().silent_for(secs(600)).then_bound();
}

pub(super) fn proven(by: impl FnOnce(&mut VerifyOrder)) -> Talk {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut order = order("v1", "alice", "new");
    by(&mut order);
    talk.verify(order);
    talk
}

pub(super) fn optioned(talk: &mut Talk) -> &mut Talk {
    talk.we_send("OPTIONS").they_say(status(200, "OK"))
}

#[test]
fn another_realm_is_refused_without_a_digest() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v").realm("asterisk"));
    let refusal = talk.silent().refusal();
    assert_eq!((refusal.code, refusal.evidence.credential_sent), (Code::RealmMismatch, Some(false)));
    assert!(refusal.remedy.contains("\"asterisk\""), "{}", refusal.remedy);
    assert_eq!(refusal.evidence.challenges[0].realm, "asterisk");
}

#[test]
fn a_policy_refuses_without_a_digest() {
    let mut talk = proven(|order| order.policy = policy(&[sip::digest::Hash::Sha256]));
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v"));
    assert_eq!(talk.silent().refusal().code, Code::AlgorithmNotAllowed);
}

// covers: C22
#[test]
fn a_200_without_a_challenge_proves_nothing_unless_the_profile_accepts_it() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(ok());
    assert_eq!(talk.refusal().code, Code::CredentialsUnproven);

    let mut talk = proven(|order| order.profile.accept_unproven = true);
    optioned(&mut talk).we_send("REGISTER").they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::AcceptedUnproven));
}

#[test]
fn to_learn_the_challenge_no_digest_is_sent() {
    let mut talk = proven(|order| {
        order.mode = VerifyMode::ChallengeOnly;
        order.credential = None;
    });
    optioned(&mut talk).we_send("REGISTER").with(query()).they_say(challenge("v").realm("asterisk").algorithm("SHA-256"));
    let verdict = talk.silent().verdict();
    assert!(matches!(verdict.outcome, Outcome::Learned));
    assert_eq!(verdict.evidence.credential_sent, Some(false));
    let negotiated = verdict.negotiated.unwrap();
    assert_eq!((negotiated.realm.as_str(), negotiated.algorithm.as_str()), ("asterisk", "SHA-256"));
}

#[test]
fn a_stale_nonce_is_answered_anew_and_counts_nothing() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v1"));
    talk.we_send("REGISTER").they_say(challenge("v2").stale());
    talk.we_send("REGISTER").with(nonce("v2").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

// covers: B11
#[test]
fn after_the_digest_some_answers_leave_open_what_was_disliked() {
    for code in [400, 405, 420, 501] {
        let mut talk = proven(|_| {});
        optioned(&mut talk).we_send("REGISTER").they_say(challenge("v1"));
        talk.we_send("REGISTER").they_say(status(code, "Hm"));
        assert_eq!(talk.silent().refusal().code, Code::VerifyAmbiguous, "{code}");
    }
}

#[test]
fn after_the_digest_403_and_404_have_their_own_codes() {
    for (code, wanted) in
        [(403, Code::ForbiddenAfterAuth), (404, Code::UserUnknown), (503, Code::CarrierUnavailable), (603, Code::CarrierDeclined)]
    {
        let mut talk = proven(|_| {});
        optioned(&mut talk).we_send("REGISTER").they_say(challenge("v1"));
        talk.we_send("REGISTER").they_say(status(code, "No"));
        assert_eq!(talk.silent().refusal().code, wanted, "{code}");
    }
}

#[test]
fn silence_after_the_digest_is_indeterminate_and_counts() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v1"));
    talk.we_send("REGISTER").after(secs(33)).sent.clear();
    let refusal = talk.refusal();
    assert_eq!((refusal.code, refusal.evidence.credential_sent), (Code::Indeterminate, Some(true)));
}

// covers: N3
#[test]
fn a_register_that_is_dropped_while_options_is_answered_is_ignored_and_not_unreachable() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").after(secs(33));
    let refusal = talk.refusal();
    assert_eq!(refusal.code, Code::RegisterIgnored);
    assert!(refusal.remedy.contains("verifyBy"), "{}", refusal.remedy);
    assert_eq!(refusal.evidence.options_reachable, Some(true));
}

#[test]
fn silence_everywhere_is_a_time_out_and_comes_within_the_patience() {
    for patience in [5, 10, 32] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(ok());
        let start = talk.now;
        talk.verify(VerifyOrder { patience: secs(patience), ..order("v", "alice", "new") });
        talk.after(secs(patience) + ms(5)).sent.clear();
        let refusal = talk.refusal();
        assert_eq!(refusal.code, Code::Timeout);
        assert!(talk.now.since(start) <= secs(patience) + ms(5));
        talk.silent_for(secs(60));
    }
}

// covers: F6, RFC 3261 17.1.4, RFC 3261 18.4
#[test]
fn a_port_where_nothing_listens_is_said() {
    let mut talk = proven(|_| {});
    talk.we_send("OPTIONS").we_send("REGISTER");
    let to = talk.request().to;
    talk.input(Input::SendFailed { local: Local(0), to, fault: SendFault::Refused }).after(secs(1));
    assert_eq!(talk.silent().refusal().code, Code::Refused);
}

#[test]
fn a_name_that_does_not_resolve_is_said_and_nothing_is_sent() {
    let mut talk = proven(|order| order.profile.registrars = vec!["sip:nowhere.test".into()]);
    assert_eq!(talk.silent().refusal().code, Code::DnsFailed);
}

#[test]
fn a_name_server_that_does_not_answer_ends_with_the_patience() {
    let mut talk = talk(registration("alice").host("slow.test", Ok(&[])));
    talk.registers("n1", 3600);
    let mut order = order("v1", "alice", "new");
    order.profile.registrars = vec!["sip:slow.test".into()];
    talk.verify(order).silent().after(secs(33));
    assert_eq!(talk.silent().refusal().code, Code::DnsFailed);
}

#[test]
fn the_next_target_is_tried_where_the_first_is_dead() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut order = order("v1", "alice", "new");
    order.profile.registrars = vec!["sip:c.test".into(), "sip:b.test".into()];
    talk.verify(order);
    let mut found = None;
    for _ in 0..320 {
        talk.after(ms(100));
        found = talk.sent.drain(..).find(|sent| sent.method() == "REGISTER" && sent.to == "198.51.100.2:5060".parse().unwrap()).or(found);
        if found.is_some() {
            break;
        }
    }
    talk.about(found.expect("the second is asked")).they_say(challenge("v"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(nonce("v").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

// covers: B11
#[test]
fn a_registrar_that_dislikes_queries_sees_the_renewal_of_the_contact_instead() {
    for code in [400, 403, 405, 420, 501] {
        let mut talk = proven(|_| {});
        let own = talk.request().clone();
        optioned(&mut talk).we_send("REGISTER").with(query()).they_say(status(code, "No"));
        let before = talk.request().clone();
        assert_ne!(before.call_id(), own.call_id());
        talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).with(no_digest());
        let renewal = talk.request().clone();
        assert_eq!((renewal.call_id(), renewal.cseq()), (own.call_id(), own.cseq() + 1));
        talk.they_say(challenge("v"));
        talk.we_send("REGISTER").with(next_cseq()).with(nonce("v").password("new")).they_say(ok());
        assert!(matches!(talk.verdict().outcome, Outcome::Proved));
        talk.bound(true);
        assert_eq!(talk.saved("alice").cseq, own.cseq() + 2);
        assert_eq!(talk.status("alice").expires_at, Some(talk.now + secs(3600)));
        // The registration goes on by itself, with what it has.
        talk.silent_for(secs(1700)).between(secs(0), secs(1000)).we_send("REGISTER").with(cseq(own.cseq() + 3));
    }
}

#[test]
fn a_403_before_and_after_the_fallback_is_forbidden_before_a_challenge() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(status(403, "Forbidden"));
    talk.we_send("REGISTER").they_say(status(403, "Forbidden"));
    assert_eq!(talk.silent().refusal().code, Code::ForbiddenBeforeChallenge);
    talk.then_bound();
}

// covers: B11
#[test]
fn with_nothing_bound_the_verification_binds_and_removes_that_again() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(404, "Not Found"));
    talk.verify(VerifyOrder { by: VerifyBy::Renew, ..order("v", "alice", "new") });
    optioned(&mut talk).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).with(new_call_id()).they_say(challenge("v"));
    talk.we_send("REGISTER").with(nonce("v").password("new")).they_say(ok());
    talk.we_send("REGISTER").with(removal()).with(next_cseq()).with(nonce("v").nc(2).password("new")).they_say(challenge("w"));
    talk.we_send("REGISTER").with(removal()).with(nonce("w").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
    talk.bound(false);
}

// covers: B5, B11
#[test]
fn what_may_bind_nothing_asks_and_leaves_the_rest_open() {
    for by in [VerifyBy::Query, VerifyBy::Renew] {
        for code in [400, 403, 405, 420, 501] {
            let mut talk = talk(registration("alice"));
            talk.we_send("REGISTER").they_say(status(404, "Not Found"));
            talk.verify(VerifyOrder { by, may_bind: false, ..order("v", "alice", "new") });
            optioned(&mut talk).we_send("REGISTER").with(query()).they_say(status(code, "Hm"));
            assert_eq!(talk.silent().refusal().code, Code::VerifyNeedsBinding, "{by:?} {code}");
        }
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(status(404, "Not Found"));
        talk.verify(VerifyOrder { by, may_bind: false, ..order("v", "alice", "new") });
        optioned(&mut talk).we_send("REGISTER").with(query()).they_say(challenge("v"));
        talk.we_send("REGISTER").with(query()).with(nonce("v").password("new")).they_say(ok());
        assert!(matches!(talk.silent().verdict().outcome, Outcome::Proved));
    }
}

// Found by simulation, seed 643: the verdict came first, the trunk bound the same Contact, and the removal took that away.
#[test]
fn an_options_that_is_answered_late_does_not_hurry_the_verdict_past_the_removal() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(404, "Not Found"));
    talk.verify(VerifyOrder { by: VerifyBy::Renew, ..order("v", "alice", "new") });
    talk.we_send("OPTIONS");
    let options = talk.request().clone();
    talk.we_send("REGISTER").they_say(challenge("v")).we_send("REGISTER").they_say(ok());
    talk.we_send("REGISTER").with(removal());
    let removes = talk.request().clone();
    talk.about(options).they_say(status(200, "OK"));
    assert!(talk.verdicts().is_empty());
    talk.about(removes).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

#[test]
fn a_verification_never_delays_a_refresh() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 60);
    talk.after(secs(20)).verify(order("v", "alice", "new"));
    talk.we_send("OPTIONS").we_send("REGISTER").with(query());
    talk.after(secs(10) + ms(10));
    let refresh = talk.sent.drain(..).find(|sent| sent.contact().is_some()).expect("refreshed in time");
    talk.about(refresh).they_say(ok()).bound(true);
}

#[test]
fn credentials_can_be_tried_for_a_trunk_that_does_not_exist_yet() {
    let mut talk = Talk::idle(&registration("alice"));
    talk.verify(VerifyOrder { trunk: None, ..order("v", "alice", "new") });
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
    talk.silent_for(secs(1000));
}

#[test]
fn a_late_options_is_waited_for_half_a_second_for_the_sake_of_the_evidence() {
    let mut talk = proven(|_| {});
    talk.we_send("OPTIONS");
    let options = talk.request().clone();
    talk.we_send("REGISTER").they_say(status(403, "No")).we_send("REGISTER").they_say(status(403, "No"));
    assert!(talk.verdicts().is_empty());
    talk.after(ms(100)).about(options).they_say(status(200, "OK"));
    assert_eq!(talk.refusal().evidence.options_reachable, Some(true));
}

#[test]
fn a_proxy_and_a_registrar_are_both_answered() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("p").proxy());
    talk.we_send("REGISTER").they_say(challenge("r"));
    talk.we_send("REGISTER").with(nonce("p").proxy().nc(2).password("new")).with(nonce("r").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

#[test]
fn an_address_that_is_known_is_not_looked_up_again_and_another_way_is_asked_there() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let asked = talk.asked_of_dns.len();
    talk.verify(order("same", "alice", "new")).we_send("OPTIONS").we_send("REGISTER").with(to("198.51.100.1:5060"));
    assert_eq!(talk.asked_of_dns.len(), asked);
    type Change = fn(&mut Profile);
    let ways: [(&str, Change); 3] = [
        ("registrars", |profile| profile.registrars = vec!["sip:b.test".into()]),
        ("outbound proxy", |profile| profile.outbound_proxy = Some("sip:b.test".into())),
        ("transports", |profile| profile.transports = vec![Transport::Tcp]),
    ];
    for (name, change) in ways {
        let mut order = order(name, "alice", "new");
        change(&mut order.profile);
        talk.verify(order);
        let register = talk.sent.drain(..).next_back().expect("a REGISTER");
        let elsewhere = register.to == "198.51.100.2:5060".parse().unwrap() || register.flow.is_some();
        assert!(register.method() == "REGISTER" && elsewhere, "{name}: {register:?}");
    }
}

#[test]
fn after_a_digest_no_other_registrar_is_asked() {
    let two = |order: &mut VerifyOrder| order.profile.registrars = vec!["sip:carrier.test".into(), "sip:b.test".into()];
    let mut talk = proven(two);
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").they_say(status(503, "Busy")).silent();
    assert_eq!(talk.refusal().code, Code::CarrierUnavailable);
    // Before one it is.
    let mut talk = proven(two);
    optioned(&mut talk).we_send("REGISTER").they_say(status(503, "Busy"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(status(404, "Not Found")).silent();
    assert_eq!(talk.refusal().code, Code::UserUnknown);
}

// covers: failed digests
#[test]
fn a_digest_that_nobody_answers_counts_as_failed_and_one_that_a_busy_carrier_took_does_not() {
    for (answered, code) in [(false, Code::BudgetSpent), (true, Code::CredentialsRejected)] {
        let mut talk = Talk::idle(&registration("alice"));
        for id in ["a", "b", "c"] {
            talk.verify(order(id, "alice", "new")).we_send("OPTIONS").they_say(status(200, "OK"));
            talk.we_send("REGISTER").they_say(challenge(id)).we_send("REGISTER");
            if answered {
                talk.they_say(status(503, "Busy"));
            } else {
                talk.after(secs(33)).sent.clear();
            }
            assert_eq!(talk.verdicts().len(), 1);
        }
        talk.verify(order("d", "alice", "new")).we_send("OPTIONS").they_say(status(200, "OK"));
        talk.we_send("REGISTER").they_say(challenge("d"));
        if answered {
            talk.we_send("REGISTER").they_say(challenge("e"));
        }
        assert_eq!(talk.silent().refusal().code, code);
    }
}

// covers: N10
#[test]
fn a_carrier_that_falls_silent_after_a_refused_digest_is_suspected_of_a_block() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").they_say(challenge("w"));
    assert_eq!(talk.refusal().code, Code::CredentialsRejected);
    talk.verify(order("v2", "alice", "newer")).after(secs(33)).sent.clear();
    assert_eq!(talk.refusal().code, Code::BlockSuspected);
}

#[test]
fn a_verification_s_diagnosis_names_who_asked_whom_as_what_and_what_was_seen_before() {
    let mut unknown = proven(|_| {});
    optioned(&mut unknown).we_send("REGISTER").they_say(status(404, "Not Found"));
    let refusal = unknown.refusal();
    assert!(refusal.summary.contains("sip:alice@carrier.test"), "{}", refusal.summary);
    let mut wrong = proven(|_| {});
    for id in ["v1", "v2", "v3"] {
        optioned(&mut wrong).we_send("REGISTER").they_say(challenge("v"));
        wrong.we_send("REGISTER").they_say(challenge("w"));
        let refusal = wrong.refusal();
        assert!(refusal.remedy.contains("\"alice\""), "{}", refusal.remedy);
        let realm = refusal.evidence.checks.iter().find(|check| check.name == "realm.equal").expect("compared");
        assert_eq!(realm.expected.as_deref(), Some("carrier.test"));
        wrong.verify(order(&format!("{id} again"), "alice", "new"));
    }
    optioned(&mut wrong).we_send("REGISTER").they_say(challenge("v"));
    let spent = wrong.refusal();
    assert!(spent.summary.contains("at carrier carrier is spent"), "{}", spent.summary);
    // Nobody answers, so nobody tells our address anew.
    let mut silent = proven(|_| {});
    silent.after(secs(33)).sent.clear();
    assert_eq!(silent.refusal().evidence.public_address.as_deref(), Some("192.0.2.10:5060"));
}

// covers: C20
#[test]
fn a_truncated_sha_512_is_suspected_unless_it_was_sent() {
    for (truncated, code) in [(false, Code::SuspectTruncatedSha512), (true, Code::CredentialsRejected)] {
        let mut talk = proven(|order| order.profile.truncated_sha512 = truncated);
        optioned(&mut talk).we_send("REGISTER").they_say(challenge("v").algorithm("SHA-512-256"));
        talk.we_send("REGISTER").they_say(challenge("w").algorithm("SHA-512-256"));
        let refusal = talk.refusal();
        assert_eq!(refusal.code, code);
        // A trunk's carrier is one of this platform, and can be changed by a call.
        assert!(truncated || refusal.remedy.contains("PATCH /api/v2/carriers/carrier "), "{}", refusal.remedy);
    }
}

#[test]
fn a_registrar_that_answers_twice_is_reachable_once() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(status(403, "No")).we_send("REGISTER").they_say(status(403, "No"));
    let checks = talk.refusal().evidence.checks;
    assert_eq!(checks.iter().filter(|check| check.name == "reachable").count(), 1, "{checks:?}");
}

// covers: C13
#[test]
fn after_a_digest_another_realm_is_a_refusal_and_no_mistaken_realm() {
    let mut talk = proven(|_| {});
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").with(nonce("v").password("new")).they_say(challenge("w").realm("elsewhere")).silent();
    assert_eq!(talk.refusal().code, Code::CredentialsRejected);
}

#[test]
fn when_the_patience_is_over_no_other_registrar_is_asked() {
    let mut talk = Talk::idle(&registration("alice"));
    let mut order = VerifyOrder { patience: secs(4), ..order("v", "alice", "new") };
    order.profile.registrars = vec!["sip:carrier.test".into(), "sip:b.test".into()];
    let over = talk.now + secs(4);
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    let asked = talk.we_send("REGISTER").request().clone();
    talk.after(secs(4) - ms(5)).sent.clear();
    talk.now = over;
    talk.about(asked).they_say(status(503, "Busy")).silent();
    assert_eq!(talk.refusal().code, Code::CarrierUnavailable);
}

// covers: F8
#[test]
fn neither_a_second_listed_host_is_asked_nor_any_by_who_renews_the_trunk_s_own_binding() {
    let (mut twice, mut order) = redirected(None);
    order.profile.manners.redirect_hosts.push("c.test".into());
    twice.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    twice.we_send("REGISTER").they_say(moved("<sip:b.test>"));
    twice.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(moved("<sip:c.test>")).silent();
    assert_eq!(twice.refusal().code, Code::Redirected);
    let mut renewal = proven(|order| {
        order.by = VerifyBy::Renew;
        order.profile.manners.redirect_hosts = vec!["b.test".into()];
    });
    optioned(&mut renewal).we_send("REGISTER").they_say(moved("<sip:b.test>")).silent();
    assert_eq!(renewal.refusal().code, Code::Redirected);
    renewal.then_bound();
}

#[test]
fn a_name_that_is_found_while_the_first_registrar_is_asked_changes_nothing() {
    let mut talk = Talk::idle(&registration("alice").host("slow.test", Ok(&[])));
    let mut order = order("v", "alice", "new");
    order.profile.registrars = vec!["sip:carrier.test".into(), "sip:slow.test".into()];
    talk.verify(order).we_send("OPTIONS").they_say(status(200, "OK"));
    let asked = talk.we_send("REGISTER").with(to("198.51.100.1:5060")).request().clone();
    talk.hosts.insert("slow.test".into(), Ok(vec!["198.51.100.9:5060".parse().unwrap()]));
    talk.after(ms(100)).silent().about(asked).they_say(challenge("v"));
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).with(nonce("v").password("new")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

/// When each address was asked for the first time by REGISTER, from the beginning; nobody answers.
fn asked_at(talk: &mut Talk, span: u64) -> Vec<(String, u64)> {
    let start = talk.now;
    let mut asked: Vec<(String, u64)> = Vec::new();
    for _ in 0..span * 10 {
        for sent in std::mem::take(&mut talk.sent) {
            let to = sent.to.ip().to_string();
            if sent.method() == "REGISTER" && asked.iter().all(|(known, _)| *known != to) {
                asked.push((to, talk.now.since(start).as_secs()));
            }
        }
        talk.after(ms(100));
    }
    asked
}

#[test]
fn what_patience_is_left_is_shared_with_those_that_were_not_asked_yet_known_or_not() {
    let ip = |last: u8| format!("198.51.100.{last}");
    let mut known = Talk::idle(&registration("alice"));
    let mut three = order("v", "alice", "new");
    three.profile.registrars = ["sip:a.test", "sip:b.test", "sip:c.test"].map(Into::into).into();
    known.verify(three.clone());
    assert_eq!(asked_at(&mut known, 32), [(ip(1), 0), (ip(2), 10), (ip(3), 21)]);
    let mut unheard = Talk::idle(&registration("alice").host("c.test", Ok(&[])));
    unheard.verify(three);
    assert_eq!(asked_at(&mut unheard, 32)[..2], [(ip(1), 0), (ip(2), 10)]);
}

// covers: F9, RFC 5626 4.2, RFC 6140 5.1
#[test]
fn a_verification_that_binds_says_what_the_trunk_itself_would() {
    let asks = |change: fn(&mut Profile), by: VerifyBy| {
        let mut talk = talk(registration("alice").profile(change));
        talk.registers("n1", 3600);
        let own = talk.request().text();
        let mut order = VerifyOrder { by, ..order("v", "alice", "new") };
        change(&mut order.profile);
        talk.verify(order);
        let sent = talk.we_send("OPTIONS").we_send("REGISTER").request().text();
        let of = |text: &str, what: &str| text.lines().any(|line| line.contains(what));
        ["reg-id=1;+sip.instance", "Require: gin", ";bnc", "Route: <"].map(|what| (of(&own, what), of(&sent, what)))
    };
    let (no, both, own) = ((false, false), (true, true), (true, false));
    assert_eq!(asks(|_| (), VerifyBy::Renew), [no, no, no, no]);
    assert_eq!(asks(|profile| profile.manners.outbound = true, VerifyBy::Renew), [both, no, no, no]);
    assert_eq!(asks(|profile| profile.manners.outbound = true, VerifyBy::Query), [own, no, no, no]);
    assert_eq!(asks(|profile| profile.manners.gin = true, VerifyBy::Renew), [no, both, both, no]);
    assert_eq!(asks(|profile| profile.manners.gin = true, VerifyBy::Query), [no, own, own, no]);
    assert_eq!(asks(|profile| profile.route = true, VerifyBy::Query), [no, no, no, both]);
    assert_eq!(asks(|profile| profile.outbound_proxy = Some("sip:b.test".into()), VerifyBy::Query), [no, no, no, both]);
}

#[test]
fn a_verification_s_requests_are_counted_and_take_their_part_of_the_rate() {
    let mut talk = Talk::idle(&registration("alice"));
    let mut slow = profile("carrier");
    slow.pacing = Pacing { registers_per_second: 1, in_flight: 10 };
    talk.command(Command::Carrier(Box::new(slow)));
    talk.verify(order("v", "alice", "new")).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(challenge("v")).we_send("REGISTER").they_say(ok());
    assert_eq!(talk.endpoint.counters().registers, 2);
    talk.assign(assignment("alice", 1)).between(secs(1), secs(1)).we_send("REGISTER");
}

#[test]
fn our_address_is_known_from_who_saw_it() {
    let mut talk = Talk::idle(&registration("alice"));
    talk.verify(order("v", "alice", "new")).we_send("OPTIONS").they_say(status(200, "OK"));
    let request = talk.we_send("REGISTER").request().clone();
    let bytes = status(404, "Not Found").write(&request, "203.0.113.5:41000".parse().unwrap());
    talk.receive(request.local, request.to, &bytes);
    assert_eq!(talk.refusal().evidence.public_address.as_deref(), Some("203.0.113.5:41000"));
}

#[test]
fn a_verdict_comes_when_the_patience_is_over_and_no_tick_later() {
    // Both are whole ticks.
    let (start, patience) = (Instant::from_micros(1 << 30), std::time::Duration::from_micros(1 << 23));
    let mut talk = Talk::idle(&Setup { start, ..registration("alice").host("slow.test", Ok(&[])) });
    let mut order = VerifyOrder { patience, ..order("v", "alice", "new") };
    order.profile.registrars = vec!["sip:slow.test".into()];
    talk.verify(order).silent().after(patience);
    assert_eq!(talk.refusal().code, Code::DnsFailed);
}
