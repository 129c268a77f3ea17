use carrier::Challenge;
use diagnosis::Code;
use link::Outcome;

use crate::stage::{PASSWORD, REALM, Stage, registrar, tuned};

// covers: C1, C2, C4, C6, C7, C18, C23, RFC 7616 3.4, RFC 7616 3.4.2, RFC 7616 3.4.3, RFC 7616 3.4.4, RFC 8760 2.1, RFC 8760 2.2; lab
#[test]
fn whatever_can_be_answered_is_answered_by_one_right_digest() {
    let table = [
        ("C1", "MD5", Some("auth")),
        ("C2", "SHA-256", Some("auth")),
        ("C2-512", "SHA-512-256", Some("auth")),
        ("C2-sess", "SHA-256-sess", Some("auth")),
        ("C2-sess-no-qop", "MD5-sess", None),
        ("C4", "MD5", Some("auth")),
        ("C5-case", "MD5", Some("auth")),
        ("C6", "MD5", None),
        ("C7", "MD5", Some("auth")),
        ("C7-int", "MD5", Some("auth-int")),
        ("C18", "SHA-256", Some("auth")),
        ("C23", "MD5", Some("auth")),
    ];
    let mut stage = Stage::of_rows(&table.map(|(row, ..)| row));
    table.iter().for_each(|(row, ..)| stage.register(row));
    for (row, algorithm, qop) in table {
        let status = stage.bound(row);
        assert!(status.authenticated, "{row}");
        let negotiated = status.negotiated.expect("negotiated");
        assert_eq!((negotiated.algorithm.as_str(), negotiated.qop.as_deref(), negotiated.realm.as_str()), (algorithm, qop, REALM), "{row}");
        let seen = stage.counters(row);
        assert_eq!(
            (seen.registers, seen.digests_right, seen.digests_wrong + seen.digests_stale + seen.digests_unreadable),
            (2, 1, 0),
            "{row}"
        );
    }
}

// covers: C3, C10, RFC 7616 3.7, RFC 8760 2.4, RFC 3261 22.1; lab
#[test]
fn of_several_challenges_the_strongest_for_the_pinned_realm_is_answered_once() {
    let mut stage = Stage::of_rows(&["C3", "C3-nonces", "C10"]);
    for (row, algorithm, offered) in [
        ("C3", "SHA-256", vec!["MD2", "MD5", "SHA-256"]),
        ("C3-nonces", "SHA-256", vec!["SHA-256", "MD5"]),
        ("C10", "MD5", vec!["MD5", "MD5"]),
    ] {
        let mut assignment = stage.assignment(row);
        assignment.active.as_mut().expect("active").realm = Some(REALM.into());
        stage.register_as(stage.profile(row), assignment);
        let negotiated = stage.bound(row).negotiated.expect("negotiated");
        assert_eq!(
            (negotiated.algorithm.as_str(), negotiated.realm.as_str(), negotiated.offered),
            (algorithm, REALM, offered.into_iter().map(str::to_owned).collect()),
            "{row}"
        );
        assert_eq!(stage.counters(row).digests_right, 1, "{row}");
    }
}

// covers: C3, C5, RFC 7616 3.3; lab
#[test]
fn a_spelling_that_is_not_ianas_is_shown_literally_and_answered_by_alias_only() {
    let mut stage = Stage::new(vec![
        registrar(&["C5"]),
        registrar(&["C5-512"]),
        registrar(&["C3-unknown"]),
        tuned(&["C5", "C1"], |t| t.challenges = vec![Challenge::of("sha256")]),
    ]);
    for (row, literal) in [("C5", "sha256"), ("C5-512", "SHA512-256"), ("C3-unknown", "MD2")] {
        stage.register(row);
        let status = stage.refused(row, Code::AlgorithmUnsupported);
        let diagnosis = status.diagnosis.expect("refused");
        assert!(diagnosis.summary.contains(literal), "{}", diagnosis.summary);
        assert_eq!(diagnosis.evidence.credential_sent, Some(false));
        assert_eq!(stage.counters(row).digests_right + stage.counters(row).digests_wrong, 0, "{row}");
    }
    let mut profile = stage.profile("C5+C1");
    profile.algorithm_aliases.insert("sha256".into(), "SHA-256".into());
    stage.register_as(profile, stage.assignment("C5+C1"));
    assert_eq!(stage.bound("C5+C1").negotiated.expect("negotiated").algorithm, "SHA-256");
}

// covers: C8, C9, RFC 3261 22.1; lab
#[test]
fn another_realm_gets_no_digest_and_an_unnamed_one_is_learned() {
    let mut stage = Stage::of_rows(&["C8", "C9"]);
    let mut assignment = stage.assignment("C8");
    assignment.active.as_mut().expect("active").realm = Some("SIP-1.PB".into());
    stage.register_as(stage.profile("C8"), assignment);
    stage.register("C9");
    let diagnosis = stage.refused("C8", Code::RealmMismatch).diagnosis.expect("refused");
    assert!(diagnosis.summary.contains("SIP-1.PB") && diagnosis.summary.contains("sip-1.pb"), "{}", diagnosis.summary);
    let seen = stage.counters("C8");
    assert_eq!((seen.digests_right, seen.digests_wrong, seen.digests_unreadable), (0, 0, 0));
    assert_eq!(stage.bound("C9").negotiated.expect("negotiated").realm, "sip-1.pb");
}

// covers: C1, C15, C17, RFC 7616 3.5, RFC 7616 3.6, RFC 3261 10.2.4; lab
#[test]
fn a_refresh_takes_one_round_trip_where_the_nonce_may_be_used_again() {
    let rows = ["C1", "C15", "C17", "C17-call-id"];
    let mut stage = Stage::of_rows(&rows);
    rows.iter().for_each(|row| stage.register(row));
    for row in rows {
        stage.bound(row);
        stage.refresh(row);
        let status = stage.refresh(row);
        assert!(status.bound && status.diagnosis.is_none());
        let seen = stage.counters(row);
        assert_eq!((seen.registers, seen.digests_right, seen.digests_wrong + seen.digests_stale), (4, 3, 0), "{row}");
    }
}

// covers: C17; lab
#[test]
fn a_verification_beside_a_registration_keeps_its_own_nonce() {
    let mut stage = Stage::of_rows(&["C17-call-id"]);
    stage.register("C17-call-id");
    stage.bound("C17-call-id");
    assert_eq!(stage.verify("C17-call-id", |order| order.trunk = None).outcome, Outcome::Proved);
    stage.refresh("C17-call-id");
    let seen = stage.counters("C17-call-id");
    assert_eq!((seen.registers, seen.queries, seen.digests_stale), (3, 2, 0));
}

// covers: C11, B4a, RFC 7616 3.3, RFC 3261 22.1; lab
#[test]
fn a_stale_nonce_is_answered_anew_by_itself_and_is_no_failure() {
    // Refreshed every 10 s, and its nonces live 5 s.
    let mut stage = Stage::new(vec![registrar(&["C11", "B4a"]), registrar(&["C11-for-ever"])]);
    stage.register("C11+B4a");
    stage.register("C11-for-ever");
    let first = stage.bound("C11+B4a");
    assert!(first.warnings.contains(&Code::IntervalUnsustainable), "{:?}", first.warnings);
    let diagnosis = stage.refused("C11-for-ever", Code::NonceStaleLoop).diagnosis.expect("refused");
    assert_eq!(stage.counters("C11-for-ever").digests_wrong, 0, "{diagnosis:?}");
    let status = stage.status("C11+B4a", |status| status.refreshes == 1);
    assert!(status.bound && status.diagnosis.is_none() && status.consecutive_failures == 0, "{status:?}");
    let seen = stage.counters("C11+B4a");
    assert_eq!((seen.digests_right, seen.digests_stale, seen.digests_wrong), (2, 1, 0));
}

// covers: C12; lab
#[test]
fn a_one_time_nonce_costs_a_round_trip_and_no_false_alarm_and_reuse_ends_after_two() {
    let mut stage = Stage::of_rows(&["C12"]);
    stage.register("C12");
    stage.bound("C12");
    for _ in 0..3 {
        let status = stage.refresh("C12");
        assert!(status.bound && status.diagnosis.is_none() && status.consecutive_failures == 0, "{status:?}");
    }
    // The age at which a nonce is refused is learnt too, so that an older one is not sent: how many of the three are refused depends on the clock.
    let seen = stage.counters("C12");
    assert_eq!((seen.digests_right, seen.digests_wrong), (4, 0));
    assert!((1..=2).contains(&seen.digests_stale), "two refusals running switch reuse off: {seen:?}");
}

// covers: C13, C14, failed digests, RFC 3261 22.1; lab
#[test]
fn a_wrong_password_costs_one_digest_whatever_nonce_comes_next() {
    let rows = ["C13", "C14"];
    let mut stage = Stage::of_rows(&rows);
    for row in rows {
        stage.register_as(stage.profile(row), stage.lab.assignment(row, row, "wrong"));
    }
    for row in rows {
        let status = stage.refused(row, Code::CredentialsRejected);
        assert_eq!(status.diagnosis.expect("refused").evidence.credential_sent, Some(true));
        assert_eq!(stage.counters(row).digests_wrong, 1, "{row}");
        assert!(
            status.next_action_at.is_some_and(|at| at > status.since + 20_000_000),
            "the second and last waits: {:?}",
            status.next_action_at
        );
    }
}

// covers: C16, RFC 3261 22.3, RFC 7616 3.8; lab
#[test]
fn a_proxy_is_answered_in_its_own_header_and_one_with_a_realm_of_its_own_is_named() {
    let foreign =
        |t: &mut carrier::Temperament| t.challenges = vec![Challenge { realm: Some("edge.proxy".into()), ..Challenge::default() }];
    let mut stage = Stage::new(vec![registrar(&["C16"]), tuned(&["C16", "C1"], |t| foreign(t))]);
    stage.register("C16");
    assert!(stage.bound("C16").authenticated);
    let mut assignment = stage.assignment("C16+C1");
    assignment.active.as_mut().expect("active").realm = Some(REALM.into());
    stage.register_as(stage.profile("C16+C1"), assignment);
    let diagnosis = stage.refused("C16+C1", Code::ProxyCredentialsRequired).diagnosis.expect("refused");
    assert!(diagnosis.summary.contains("edge.proxy"), "{}", diagnosis.summary);
    assert_eq!(stage.counters("C16+C1").digests_right, 0);
}

// covers: C16, RFC 3261 22.3; lab
#[test]
fn a_proxy_with_a_realm_of_its_own_and_the_registrar_get_each_their_own_digest() {
    let mut stage = Stage::of_rows(&["C16-own", "C16-beside"]);
    for row in ["C16-own", "C16-beside"] {
        let mut assignment = stage.assignment(row);
        assignment.active = Some(stage.lab.credential_with_proxys(row, row, PASSWORD, "b0rder"));
        stage.register_as(stage.profile(row), assignment);
    }
    for (row, requests) in [("C16-own", 3), ("C16-beside", 2)] {
        let status = stage.bound(row);
        assert_eq!(status.negotiated.expect("negotiated").realm, REALM, "{row}: the registrar's");
        let seen = stage.counters(row);
        assert_eq!((seen.registers, seen.digests_right, seen.digests_wrong), (requests, 1, 0), "{row}");
        // Both nonces are used again.
        stage.refresh(row);
        assert_eq!(stage.counters(row).registers, requests + 1, "{row}");
        let given = stage.lab.credential_with_proxys("", row, PASSWORD, "b0rder");
        let verdict = stage.verify(row, |order| order.credential = Some(given));
        assert!(matches!(verdict.outcome, Outcome::Proved), "{row}: {verdict:?}");
    }
}

// covers: C16, failed digests; lab
#[test]
fn a_refused_secret_of_a_proxy_is_told_apart_from_the_accounts() {
    let mut stage = Stage::of_rows(&["C16-own", "C16-beside"]);
    for row in ["C16-own", "C16-beside"] {
        let wrong = stage.lab.credential_with_proxys("", row, PASSWORD, "wrong");
        let Outcome::Refused(diagnosis) = stage.verify(row, |order| order.credential = Some(wrong)).outcome else {
            panic!("{row}: proved")
        };
        assert_eq!((diagnosis.code, diagnosis.evidence.credential_sent), (Code::ProxyCredentialsRejected, Some(true)), "{row}");
        assert_eq!(stage.counters(row).digests_wrong, 1, "{row}: one digest, not two");
        let wrong = stage.lab.credential_with_proxys("", row, "wrong", "b0rder");
        let own = |order: &mut link::VerifyOrder| (order.id, order.credential) = (format!("own-{row}"), Some(wrong));
        let Outcome::Refused(diagnosis) = stage.verify(row, own).outcome else { panic!("{row}: proved") };
        assert_eq!(diagnosis.code, Code::CredentialsRejected, "{row}");
        assert_eq!(stage.counters(row).digests_wrong, 2, "{row}");
    }
}

// covers: C19, RFC 7616 3.3; lab
#[test]
fn what_cannot_be_read_is_shown_and_not_answered() {
    let table = [
        ("C19-no-realm", Code::ChallengeMalformed),
        ("C19-no-nonce", Code::ChallengeMalformed),
        ("C19-duplicate", Code::ChallengeMalformed),
        ("C19-quotes", Code::ChallengeMalformed),
        ("C19-commas", Code::ChallengeMalformed),
        ("C19-4k", Code::ChallengeMalformed),
        ("C19-missing", Code::ChallengeMissing),
        ("C19-scheme", Code::ChallengeMalformed),
    ];
    let mut stage = Stage::of_rows(&table.map(|(row, _)| row));
    table.iter().for_each(|(row, _)| stage.register(row));
    for (row, code) in table {
        let diagnosis = stage.refused(row, code).diagnosis.expect("refused");
        let shown = diagnosis.summary.contains("It reads: ");
        assert_eq!(shown, code == Code::ChallengeMalformed, "{row}: {}", diagnosis.summary);
        let seen = stage.counters(row);
        assert_eq!((seen.registers, seen.digests_right + seen.digests_wrong + seen.digests_unreadable), (1, 0), "{row}");
    }
}

// covers: C20; lab
#[test]
fn a_truncated_sha512_is_suspected_after_a_refusal_and_sent_by_the_profile_only() {
    let mut stage = Stage::new(vec![registrar(&["C20"]), registrar(&["C20", "C23"])]);
    stage.register("C20");
    stage.refused("C20", Code::SuspectTruncatedSha512);
    assert_eq!(stage.counters("C20").digests_wrong, 1);
    let mut profile = stage.profile("C20+C23");
    profile.truncated_sha512 = true;
    stage.register_as(profile, stage.assignment("C20+C23"));
    assert_eq!(stage.bound("C20+C23").negotiated.expect("negotiated").algorithm, "SHA-512-256");
}

// covers: C21; lab
#[test]
fn a_challenge_weaker_than_what_was_pinned_gets_no_digest_or_a_warning() {
    let mut stage = Stage::new(vec![registrar(&["C21"]), registrar(&["C21", "C1"])]);
    for (name, on_downgrade) in [("C21", link::OnDowngrade::Refuse), ("C21+C1", link::OnDowngrade::Warn)] {
        let mut assignment = stage.assignment(name);
        let active = assignment.active.as_mut().expect("active");
        (active.algorithm, active.pinned) = (Some("SHA-256".into()), true);
        assignment.policy.on_downgrade = on_downgrade;
        stage.register_as(stage.profile(name), assignment);
    }
    stage.refused("C21", Code::DowngradeRefused);
    assert_eq!(stage.counters("C21").digests_right, 0);
    assert!(stage.bound("C21+C1").warnings.contains(&Code::AlgorithmDowngraded));
}

// covers: C21; lab
#[test]
fn a_challenge_that_has_lost_its_qop_gets_no_digest_or_a_warning() {
    let mut stage = Stage::new(vec![registrar(&["C21-no-qop"]), registrar(&["C21-no-qop", "C1"])]);
    for (name, on_downgrade) in [("C21-no-qop", link::OnDowngrade::Refuse), ("C21-no-qop+C1", link::OnDowngrade::Warn)] {
        let mut assignment = stage.assignment(name);
        let active = assignment.active.as_mut().expect("active");
        (active.algorithm, active.pinned, active.qop) = (Some("SHA-256".into()), true, true);
        assignment.policy.on_downgrade = on_downgrade;
        stage.register_as(stage.profile(name), assignment);
    }
    let diagnosis = stage.refused("C21-no-qop", Code::DowngradeRefused).diagnosis.expect("refused");
    assert!(diagnosis.summary.contains("no qop"), "{}", diagnosis.summary);
    assert_eq!(stage.counters("C21-no-qop").digests_right, 0);
    assert!(stage.bound("C21-no-qop+C1").warnings.contains(&Code::AlgorithmDowngraded));
}

// covers: C22; lab
#[test]
fn without_a_challenge_it_is_bound_and_nothing_is_proved() {
    let mut stage = Stage::of_rows(&["C22"]);
    stage.register("C22");
    let status = stage.bound("C22");
    assert!(!status.authenticated && status.warnings.contains(&Code::RegistrationUnauthenticated), "{status:?}");
    let Outcome::Refused(diagnosis) = stage.verify("C22", |_| ()).outcome else { panic!("nothing was proved") };
    assert_eq!(diagnosis.code, Code::CredentialsUnproven);
    let seen = stage.counters("C22");
    assert_eq!(seen.digests_right + seen.digests_wrong, 0);
}
