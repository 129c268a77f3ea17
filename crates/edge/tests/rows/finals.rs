use carrier::{Refusal, Which};
use diagnosis::Code;
use link::RegistrationState::{Rejected, RetryWait};
use link::{OptionsPing, OptionsState, Outcome};

use crate::stage::{Stage, registrar, tuned};

const MINUTE: i64 = 60_000_000;

// covers: F1, F3, F8, F9, F11, F13, F14, back-off; lab
#[test]
fn a_refusal_before_a_digest_has_its_code_its_state_and_its_pause() {
    let slow = 59 * MINUTE..61 * MINUTE;
    let back_off = MINUTE / 3..2 * MINUTE;
    let table = [
        ("F1", Code::ForbiddenBeforeChallenge, &slow),
        ("F3", Code::UserUnknown, &slow),
        ("F3-all", Code::UserUnknown, &slow),
        ("F8", Code::Redirected, &back_off),
        ("F9", Code::ExtensionRequired, &back_off),
        ("F9-421", Code::ExtensionRequired, &back_off),
        ("F9-494", Code::SecurityAgreementRequired, &back_off),
        ("F11", Code::BindingLimit, &slow),
        ("F13", Code::CarrierDeclined, &slow),
        ("F14", Code::RequestRejected, &back_off),
        ("F14-400", Code::RequestRejected, &back_off),
    ];
    let mut registrars: Vec<carrier::Registrar> = table.iter().map(|(row, ..)| registrar(&[row])).collect();
    registrars[1].accounts.clear();
    let mut stage = Stage::new(registrars);
    for (row, ..) in &table {
        let mut profile = stage.profile(row);
        profile.phrase_notes.insert("E-1107".into(), "Ask for the port's unlock.".into());
        stage.register_as(profile, stage.assignment(row));
    }
    for (row, code, pause) in table {
        let status = stage.refused(row, code);
        assert_eq!((status.state, status.bound), (Rejected, false), "{row}");
        let waits = status.next_action_at.expect("it is tried again") - status.since;
        assert!(pause.contains(&waits), "{row}: {waits}");
        let diagnosis = status.diagnosis.expect("refused");
        assert_eq!(diagnosis.evidence.credential_sent, Some(false), "{row}");
        let seen = stage.counters(row);
        assert_eq!((seen.registers, seen.digests_right + seen.digests_wrong), (1, 0), "{row}");
        match row {
            "F8" => assert!(diagnosis.summary.contains("other.example"), "{}", diagnosis.summary),
            "F11" => {
                let sip = status.last_response.expect("an answer");
                assert_eq!(sip.reason, "Registration limit exceeded [E-1107] \u{2014} Nomor diblokir");
                let told = format!("{diagnosis:?}");
                assert!(told.contains("Ask for the port's unlock."), "{told}");
            }
            _ => {}
        }
    }
}

// covers: F2, F14, failed digests; lab
#[test]
fn a_403_to_a_wrong_or_right_digest_is_one_failed_digest_and_other_refusals_are_none() {
    let mut stage = Stage::of_rows(&["F2", "F2-right", "F14-481"]);
    stage.register_as(stage.profile("F2"), stage.lab.assignment("F2", "F2", "wrong"));
    stage.register("F2-right");
    stage.register("F14-481");
    for (row, wrong) in [("F2", 1), ("F2-right", 0)] {
        let status = stage.refused(row, Code::ForbiddenAfterAuth);
        assert_eq!(status.diagnosis.expect("refused").evidence.credential_sent, Some(true), "{row}");
        let seen = stage.counters(row);
        assert_eq!((seen.digests_wrong, seen.digests_wrong + seen.digests_right), (wrong, 1), "{row}");
    }
    stage.refused("F14-481", Code::RequestRejected);
}

// covers: F4, F5, RFC 3261 10.2.8; lab
#[test]
fn a_longer_interval_is_adopted_at_once_and_an_absurd_one_fails_after_one_doubling() {
    let absurd = ["F5", "F5-zero", "F5-smaller", "F5-huge"];
    let mut registrars: Vec<carrier::Registrar> = absurd.iter().map(|row| registrar(&[row])).collect();
    registrars.push(registrar(&["F4"]));
    // The clamp is a day: at it, adopted; a second beyond, absurd.
    registrars.push(tuned(&["F4", "C1"], |t| t.min_expires = Some(86_400)));
    registrars.push(tuned(&["F4", "C23"], |t| t.min_expires = Some(86_401)));
    let mut stage = Stage::new(registrars);
    for row in absurd.iter().chain(&["F4", "F4+C1", "F4+C23"]) {
        stage.register(row);
    }
    for row in absurd.iter().chain(&["F4+C23"]) {
        stage.refused(row, Code::IntervalTooBrief);
        let asked: Vec<u32> = stage.carrier(row).log().filter(|seen| seen.answer == Some(423)).filter_map(|seen| seen.expires).collect();
        assert_eq!(asked, [600, 1200], "{row}");
    }
    for (row, granted, warned) in [("F4", 1800, false), ("F4+C1", 86_400, true)] {
        let status = stage.bound(row);
        let left = (status.expires_at.expect("bound") - status.registered_at.expect("bound")) / 1_000_000;
        assert!((granted - 5..=granted).contains(&left), "{row}: {left}");
        assert_eq!(status.warnings.contains(&Code::IntervalLong), warned, "{row}");
        stage.refresh(row);
        let brief = stage.carrier(row).log().filter(|seen| seen.answer == Some(423)).count();
        assert_eq!(brief, 1, "{row}: it is remembered");
    }
}

// covers: F6, F7, F12, N1, RFC 3261 10.2.7; lab
#[test]
fn trouble_of_a_target_leads_to_the_next_and_without_one_it_waits() {
    let mut stage = Stage::of_rows(&["F6", "F6-500", "F7", "F12", "C1", "C2", "C4"]);
    let next = |stage: &Stage, first: &str, then: &str| {
        let mut profile = stage.profile(then);
        profile.registrars.insert(0, stage.profile(first).registrars[0].clone());
        profile
    };
    // 503 leads on by itself, 500 by the profile only.
    stage.register_as(next(&stage, "F6", "C1"), stage.assignment("C1"));
    let mut lenient = next(&stage, "F6-500", "C2");
    lenient.manners.next_on = vec![500, 502, 504];
    stage.register_as(lenient, stage.assignment("C2"));
    stage.register_as(next(&stage, "F6-500", "C4"), stage.assignment("C4"));
    for (trunk, first) in [("C1", "F6"), ("C2", "F6-500")] {
        let status = stage.bound(trunk);
        assert_eq!(format!("sip:{}", status.registrar.expect("bound")), stage.profile(trunk).registrars[0], "{trunk}");
        let refused = stage.carrier(first).log().find(|seen| seen.user == trunk).map(|seen| seen.cseq).expect("it was asked first");
        assert!(stage.carrier(trunk).log().all(|seen| seen.cseq > refused), "{trunk}: a new transaction, a higher CSeq");
    }
    stage.refused("C4", Code::CarrierUnavailable);
    assert_eq!(stage.counters("C4").registers, 0, "500 leads nowhere without the profile's word");
    for row in ["F7", "F12"] {
        let mut pinged = stage.profile(row);
        pinged.options = Some(OptionsPing { interval: 1, failure_threshold: 1, success_threshold: 1 });
        stage.register_as(pinged, stage.assignment(row));
        let status = stage.refused(row, Code::CarrierUnavailable);
        assert_eq!(status.state, RetryWait, "{row}");
        // That it answers OPTIONS is shown beside it.
        let shown = stage.status(row, |status| status.options.state == OptionsState::Up);
        assert_eq!(shown.diagnosis.expect("still refused").code, Code::CarrierUnavailable, "{row}");
        if row == "F7" {
            let diagnosis = status.diagnosis.as_ref().expect("refused");
            assert_eq!(diagnosis.evidence.retry_after, Some(120));
            assert!(status.next_action_at.expect("waits") - status.since >= 119_000_000);
        }
    }
}

// covers: F7; lab
#[test]
fn a_retry_after_of_days_is_an_hour() {
    let mut stage = Stage::new(vec![tuned(&["F7"], |t| t.refusals = vec![Refusal::before_digest(503).header("Retry-After: 4294967295")])]);
    stage.register("F7");
    let status = stage.refused("F7", Code::CarrierUnavailable);
    let waits = status.next_action_at.expect("waits") - status.since;
    assert!((59 * MINUTE..=60 * MINUTE + 1_000_000).contains(&waits), "{waits}");
}

// covers: F10, RFC 3261 17.1.2, RFC 3261 18.1.2; lab
#[test]
fn provisional_and_repeated_answers_do_no_harm() {
    let mut stage = Stage::of_rows(&["F10"]);
    stage.register("F10");
    stage.bound("F10");
    stage.refresh("F10");
    let seen = stage.counters("F10");
    assert_eq!((seen.registers, seen.digests_right, seen.retransmissions), (3, 2, 0));
    crate::support::until("the repeated answers are nobody's", || stage.lab.edge.counters().strangers >= 3);
}

// covers: F12, C22; lab
#[test]
fn options_in_trouble_says_nothing_about_register() {
    let mut stage = Stage::of_rows(&["F12-reverse"]);
    let mut profile = stage.profile("F12-reverse");
    profile.options = Some(link::OptionsPing { interval: 1, failure_threshold: 1, success_threshold: 1 });
    stage.register_as(profile, stage.assignment("F12-reverse"));
    let status = stage.status("F12-reverse", |status| status.bound && status.options.state == link::OptionsState::Down);
    assert!(status.diagnosis.is_none(), "{status:?}");
}

// covers: F15, B8; lab
#[test]
fn a_cseq_that_the_registrar_finds_too_low_is_raised_by_a_hundred_thousand() {
    let mut stage = Stage::of_rows(&["F15"]);
    stage.register("F15");
    stage.bound("F15");
    // As after a fail-over of which this edge knows nothing: the registrar has seen a higher CSeq under our Call-ID.
    let last = stage.carrier("F15").log().next_back().cloned().expect("registered");
    let text = format!(
        "REGISTER sip:lab.example SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bKx\r\nFrom: <sip:F15@lab.example>;tag=x\r\nTo: <sip:F15@lab.example>\r\n\
         Call-ID: {}\r\nCSeq: {} REGISTER\r\nContent-Length: 0\r\n\r\n",
        last.call_id,
        last.cseq + 50_000
    );
    let target = stage.profile("F15").registrars[0].trim_start_matches("sip:").to_owned();
    std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket").send_to(text.as_bytes(), target).expect("sent");
    stage.until("the higher CSeq", "F15", |carrier| carrier.log().any(|seen| seen.cseq == last.cseq + 50_000));
    let status = stage.refresh("F15");
    assert!(status.bound && status.diagnosis.is_none(), "{status:?}");
    let carrier = stage.carrier("F15");
    let accepted = carrier.log().rfind(|seen| seen.answer == Some(200)).expect("accepted");
    assert_eq!(accepted.call_id, last.call_id, "B8: the Call-ID stays");
    assert!(accepted.cseq > last.cseq + 100_000, "{} after {}", accepted.cseq, last.cseq);
}

// covers: F2, C13; lab
#[test]
fn what_is_refused_of_a_query_is_told_as_of_a_query() {
    let mut stage = Stage::new(vec![tuned(&["C1"], |t| t.refusals = vec![Refusal::after_digest(403).of(Which::Query)])]);
    let link::Outcome::Refused(diagnosis) = stage.verify("C1", |_| ()).outcome else { panic!("refused") };
    assert_eq!(diagnosis.code, Code::ForbiddenAfterAuth);
}

/// A registrar that redirects to another of the stage.
fn redirecting(stage: &Stage, from: &str, to: &str) {
    let target = stage.profile(to).registrars[0].clone();
    stage.carrier(from).temperament_mut().refusals = vec![Refusal::before_digest(302).header(&format!("Contact: <{target}>"))];
}

// covers: F8, RFC 3261 22.1; lab
#[test]
fn a_redirection_is_followed_to_a_listed_host_and_no_digest_goes_to_another_realm() {
    let mut foreign = registrar(&["C8"]);
    foreign.accounts[0].user = "F8+C8".replace('+', ".");
    let mut friendly = registrar(&["C1"]);
    friendly.accounts[0].user = "F8".into();
    let rows: [&[&str]; 4] = [&["F8"], &["F8", "C8"], &["F8", "C1"], &["F8", "C2"]];
    let mut stage = Stage::new(rows.iter().map(|rows| registrar(rows)).chain([foreign, friendly]).collect());
    redirecting(&stage, "F8", "C1");
    redirecting(&stage, "F8+C8", "C8");
    redirecting(&stage, "F8+C1", "C1");
    redirecting(&stage, "F8+C2", "F8+C2");
    for (name, listed) in [("F8", "127.0.0.1"), ("F8+C8", "127.0.0.1"), ("F8+C1", "192.0.2.1"), ("F8+C2", "127.0.0.1")] {
        let mut profile = stage.profile(name);
        profile.manners.redirect_hosts = vec![listed.into()];
        stage.register_as(profile, stage.assignment(name));
    }
    let status = stage.bound("F8");
    assert_eq!(format!("sip:{}", status.registrar.expect("bound")), stage.profile("C1").registrars[0]);
    // Nobody named a realm: the domain's own is what the other host may ask for.
    stage.refused("F8+C8", Code::RealmMismatch);
    assert_eq!(stage.counters("C8").digests_right + stage.counters("C8").digests_wrong, 0);
    stage.refused("F8+C1", Code::Redirected);
    // To itself: it was asked already.
    stage.refused("F8+C2", Code::Redirected);
    assert_eq!(stage.counters("F8+C2").registers, 1);
}

// covers: F8; lab
#[test]
fn a_verification_follows_a_redirection_once_and_to_a_listed_host_only() {
    let mut friendly = registrar(&["C1"]);
    friendly.accounts[0].user = "F8".into();
    let mut foreign = registrar(&["C8"]);
    foreign.accounts[0].user = "F8.C8".into();
    let rows: [&[&str]; 4] = [&["F8"], &["F8", "C8"], &["F8", "C1"], &["F8", "C2"]];
    let mut stage = Stage::new(rows.iter().map(|rows| registrar(rows)).chain([foreign, friendly]).collect());
    redirecting(&stage, "F8", "C1");
    redirecting(&stage, "F8+C8", "C8");
    redirecting(&stage, "F8+C1", "C1");
    redirecting(&stage, "F8+C2", "F8");
    let mut verify = |name: &str, listed: &str| stage.verify(name, |order| order.carrier.manners.redirect_hosts = vec![listed.into()]);
    let verdict = verify("F8", "127.0.0.1");
    assert!(matches!(verdict.outcome, Outcome::Proved), "{verdict:?}");
    for (name, listed, code) in [
        // Nobody named a realm: the domain's own is what the other host may ask for.
        ("F8+C8", "127.0.0.1", Code::RealmMismatch),
        ("F8+C1", "192.0.2.1", Code::Redirected),
        // Redirected once more: that is not followed.
        ("F8+C2", "127.0.0.1", Code::Redirected),
    ] {
        let verdict = verify(name, listed);
        let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{name}: {verdict:?}") };
        assert_eq!(diagnosis.code, code, "{name}: {diagnosis:#?}");
    }
    assert_eq!(stage.counters("C8").digests_right + stage.counters("C8").digests_wrong, 0);
}
