//! Final answers and silence, and when it is tried again (carriers.md F1-F15, back-off).

use diagnosis::{Code, Place};
use ua::*;

use crate::support::*;

fn bound(expires: u32) -> Talk {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", expires);
    talk.accepted();
    talk
}

// covers: F1, F3, F6, F8, F9, F13, F14, back-off
/// Before a digest: this answer, this code, this state, and the next try in this time.
#[test]
fn every_final_answer_before_a_digest_has_its_diagnosis_and_its_pause() {
    use RegistrationState::{Rejected, RetryWait};
    let slow = (3600, 3600);
    let back_off = (30, 60);
    let table = [
        (status(403, "Forbidden"), Code::ForbiddenBeforeChallenge, Rejected, slow),
        (status(404, "Not Found"), Code::UserUnknown, Rejected, slow),
        (status(604, "Does Not Exist Anywhere"), Code::UserUnknown, Rejected, slow),
        (status(408, "Request Timeout"), Code::CarrierUnavailable, RetryWait, back_off),
        (status(500, "Server Error"), Code::CarrierUnavailable, RetryWait, back_off),
        (status(502, "Bad Gateway"), Code::CarrierUnavailable, RetryWait, back_off),
        (status(503, "Busy"), Code::CarrierUnavailable, RetryWait, back_off),
        (status(504, "Timeout"), Code::CarrierUnavailable, RetryWait, back_off),
        (status(600, "Busy Everywhere"), Code::CarrierDeclined, Rejected, slow),
        (status(603, "Decline"), Code::CarrierDeclined, Rejected, slow),
        (status(400, "Bad Request"), Code::RequestRejected, Rejected, back_off),
        (status(405, "Method Not Allowed"), Code::RequestRejected, Rejected, back_off),
        (status(480, "Unavailable"), Code::RequestRejected, Rejected, back_off),
        (status(481, "No Transaction"), Code::RequestRejected, Rejected, back_off),
        (status(486, "Busy Here"), Code::RequestRejected, Rejected, back_off),
        (status(302, "Moved").header("Contact", "<sip:elsewhere.test>"), Code::Redirected, Rejected, back_off),
        (status(420, "Bad Extension").header("Unsupported", "path"), Code::ExtensionRequired, Rejected, back_off),
        (status(421, "Extension Required").header("Require", "outbound"), Code::ExtensionRequired, Rejected, back_off),
        (status(439, "First Hop Lacks Outbound Support"), Code::ExtensionRequired, Rejected, back_off),
        (status(494, "Security Agreement Required"), Code::SecurityAgreementRequired, Rejected, back_off),
        (status(403, "Registration limit exceeded"), Code::BindingLimit, Rejected, slow),
        (status(480, "Registration limit exceeded"), Code::BindingLimit, Rejected, back_off),
    ];
    for (says, code, state, (low, high)) in table {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(says.clone()).silent().bound(false).diagnosed(code).then(state);
        let diagnosis = talk.status("alice").diagnosis.clone().unwrap();
        assert_eq!(diagnosis.evidence.credential_sent, Some(false), "{says:?}");
        assert_eq!(talk.status("alice").last_response, diagnosis.evidence.sip, "{says:?}");
        assert_eq!(talk.refused().len(), usize::from(state == Rejected), "{says:?}");
        assert_eq!(talk.status("alice").consecutive_failures, 1);
        talk.between(secs(low), secs(high)).we_send("REGISTER").with(next_cseq()).they_say(ok()).then_bound().undiagnosed();
        assert_eq!(talk.status("alice").consecutive_failures, 0);
    }
}

// covers: F2, failed digests
#[test]
fn a_403_after_the_digest_is_a_failed_digest() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(status(403, "Forbidden"));
    talk.silent().diagnosed(Code::ForbiddenAfterAuth).then(RegistrationState::RetryWait);
    assert_eq!(talk.refused(), [(1, true, false, Code::ForbiddenAfterAuth)]);
}

// covers: F4, RFC 3261 10.2.8
#[test]
fn a_longer_min_expires_is_adopted_at_once_and_remembered() {
    let mut talk = talk(registration("alice").account(|account| account.expires = 60));
    talk.we_send("REGISTER")
        .with(contact("sip:alice@192.0.2.10:5060", 60))
        .they_say(status(423, "Interval Too Brief").header("Min-Expires", "1800"));
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 1800)).with(next_cseq()).they_say(challenge("n1"));
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 1800)).they_say(ok()).then_bound();
    assert!(!talk.status("alice").warnings.contains(&Code::IntervalLong));
    talk.between(secs(900), secs(1350)).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 1800)).they_say(ok());
    talk.then_bound();
}

// covers: F4
#[test]
fn a_min_expires_above_an_hour_is_warned_of() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(423, "Interval Too Brief").header("Min-Expires", "7200"));
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 7200)).they_say(ok()).then_bound();
    assert!(talk.status("alice").warnings.contains(&Code::IntervalLong));
}

// covers: F5
#[test]
fn an_absurd_min_expires_gets_one_doubling_and_then_fails() {
    for header in [None, Some("0"), Some("60"), Some("3600"), Some("4294967296"), Some("4294967295"), Some("soon")] {
        let says = || header.iter().fold(status(423, "Interval Too Brief"), |says, value| says.header("Min-Expires", value));
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(says());
        talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 7200)).they_say(says());
        talk.silent().diagnosed(Code::IntervalTooBrief).then(RegistrationState::Rejected);
    }
}

// covers: F4
#[test]
fn a_second_423_in_one_cycle_is_a_failure() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(423, "Interval Too Brief").header("Min-Expires", "4000"));
    talk.we_send("REGISTER").they_say(status(423, "Interval Too Brief").header("Min-Expires", "5000"));
    talk.silent().diagnosed(Code::IntervalTooBrief);
}

// covers: F7
#[test]
fn retry_after_is_a_floor_of_at_most_an_hour() {
    for (value, low, high) in [("300", 300, 300), ("300 (in maintenance);duration=60", 300, 300), ("86400", 3600, 3600), ("1", 30, 60)] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(status(503, "Busy").header("Retry-After", value));
        talk.silent().between(secs(low), secs(high)).we_send("REGISTER");
    }
}

// covers: F7
#[test]
fn retry_after_holds_while_a_binding_runs() {
    let mut talk = bound(3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").they_say(status(503, "Busy").header("Retry-After", "500"));
    talk.between(secs(500), secs(500)).we_send("REGISTER");
}

#[test]
fn an_order_that_changes_nothing_does_not_cut_a_wait_short() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(503, "Busy").header("Retry-After", "300"));
    talk.assign(assignment("alice", 1)).silent();
    talk.assign(assignment("alice", 2)).silent();
    talk.between(secs(300), secs(300)).we_send("REGISTER");
}

// covers: back-off, RFC 5626 4.5
#[test]
fn back_off_doubles_between_its_bounds() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    for full in [60, 120, 240, 480, 960, 1800, 1800, 1800] {
        talk.between(secs(full / 2), secs(full)).we_send("REGISTER").they_say(status(503, "Busy"));
    }
    assert_eq!(talk.status("alice").consecutive_failures, 9);
}

// covers: back-off, RFC 3261 10.2.7
#[test]
fn after_a_time_out_a_binding_is_renewed_in_one_to_five_seconds() {
    let mut talk = bound(3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").after(secs(32) + ms(10)).sent.clear();
    talk.bound(true).then(RegistrationState::RetryWait);
    talk.between(ms(900), secs(5)).we_send("REGISTER").with(cseq_higher_by(1)).they_say(challenge("n2"));
    talk.we_send("REGISTER").they_say(ok()).then_bound();
}

#[test]
fn two_tries_fit_before_a_short_binding_lapses() {
    let mut talk = bound(60);
    talk.between(secs(24), secs(30)).we_send("REGISTER");
    let first = talk.request().cseq();
    talk.after(secs(17)).bound(true);
    let second = talk.sent.drain(..).find(|sent| sent.cseq() == first + 1).expect("a second try");
    talk.about(second).they_say(challenge("n2")).we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: back-off
#[test]
fn after_another_temporary_failure_a_binding_is_renewed_within_a_quarter_of_what_remains() {
    let mut talk = bound(3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").they_say(status(500, "Oops"));
    talk.bound(true).between(secs(30), secs(60)).we_send("REGISTER").they_say(status(500, "Oops"));
    talk.between(secs(60), secs(120)).we_send("REGISTER").they_say(status(500, "Oops"));
    talk.between(secs(120), secs(240)).we_send("REGISTER");
}

#[test]
fn refused_ports_are_not_asked_more_often_than_every_thirty_seconds() {
    let mut talk = bound(3600);
    let local = Local(0);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER");
    let to = talk.request().to;
    talk.input(Input::SendFailed { local, to, fault: SendFault::Refused }).diagnosed(Code::Refused).bound(true);
    talk.between(secs(30), secs(60)).we_send("REGISTER");
}

#[test]
fn a_lasting_refusal_while_bound_stays_slow() {
    let mut talk = bound(7200);
    talk.between(secs(3600), secs(5400)).we_send("REGISTER").with(nonce("n1")).they_say(status(404, "Not Found"));
    talk.diagnosed(Code::UserUnknown).bound(true).then(RegistrationState::Rejected);
    talk.between(secs(3600), secs(3600)).bound(false).we_send("REGISTER");
}

// covers: F15
#[test]
fn a_refused_cseq_is_raised_once_and_then_a_new_call_id_begins() {
    for code in [400, 500] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(status(code, "CSeq out of order"));
        talk.we_send("REGISTER").with(cseq_higher_by(100_001)).they_say(status(code, "CSeq out of order"));
        talk.we_send("REGISTER").with(new_call_id()).with(cseq(1)).they_say(status(code, "CSeq out of order"));
        talk.silent().diagnosed(Code::CseqRejected);
    }
}

// covers: C17, F15
#[test]
fn a_new_call_id_leaves_the_nonce_behind() {
    let mut talk = bound(3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1")).they_say(status(400, "Bad CSeq"));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(status(400, "Bad CSeq"));
    talk.we_send("REGISTER").with(new_call_id()).with(no_digest());
}

fn noted(notes: &[(&str, &str)]) -> Setup {
    let notes: Vec<_> = notes.iter().map(|(pattern, note)| diagnosis::PhraseNote::new(pattern, note).unwrap()).collect();
    registration("alice").profile(|profile| profile.phrase_notes = notes)
}

// covers: F11
#[test]
fn the_reason_phrase_is_kept_and_matched_with_the_profile_s_notes() {
    let mut talk = talk(noted(&[("[q850;*]", "ask for the port's unlock"), ("quota", "buy more")]));
    talk.we_send("REGISTER").they_say(status(403, "Verboten [Q850;1]"));
    let diagnosis = talk.status("alice").diagnosis.clone().unwrap();
    assert_eq!(diagnosis.evidence.sip.as_ref().unwrap().reason, "Verboten [Q850;1]");
    assert!(diagnosis.summary.contains("ask for the port's unlock"), "{}", diagnosis.summary);
    let notes: Vec<_> = diagnosis.evidence.notes.iter().map(|note| (&*note.pattern, note.place)).collect();
    assert_eq!(notes, [("[q850;*]", Place::Phrase)]);
}

#[test]
fn warning_and_reason_headers_are_kept_and_matched_too() {
    let mut talk =
        talk(noted(&[("warning: quota * of", "buy more"), ("reason: cause=21", "call the desk"), ("phrase: quota", "not here")]));
    talk.we_send("REGISTER").they_say(
        status(403, "Forbidden")
            .header("Warning", "399 sbc.test \"Quota 5 of 5 used\"")
            .header("Reason", "Q.850;cause=21;text=\"call rejected\""),
    );
    let evidence = talk.status("alice").diagnosis.clone().unwrap().evidence;
    let said: Vec<_> = evidence.headers.iter().map(|said| (said.place, &*said.text)).collect();
    assert_eq!(said, [(Place::Warning, "399 sbc.test \"Quota 5 of 5 used\""), (Place::Reason, "Q.850;cause=21;text=\"call rejected\"")]);
    let notes: Vec<_> = evidence.notes.iter().map(|note| (note.place, &*note.note)).collect();
    assert_eq!(notes, [(Place::Warning, "buy more"), (Place::Reason, "call the desk")]);
}

#[test]
fn a_verification_s_refusal_has_the_notes_too() {
    let mut talk = talk(noted(&[("barred", "pay the bill")]));
    talk.registers("n1", 3600);
    let mut order = order("v1", "alice", "new");
    order.profile.phrase_notes = vec![diagnosis::PhraseNote::new("barred", "pay the bill").unwrap()];
    talk.verify(order);
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(status(404, "Subscriber barred").header("Warning", "399 x \"barred since May\""));
    let refusal = talk.refusal();
    assert_eq!(refusal.evidence.notes[0].note, "pay the bill");
    assert_eq!(refusal.evidence.headers[0].text, "399 x \"barred since May\"");
    assert!(refusal.summary.contains("never proof of credentials"), "{}", refusal.summary);
}

#[test]
fn what_a_carrier_echoes_of_a_digest_in_a_header_is_not_told() {
    let mut talk = talk(registration("alice"));
    let echo = "399 x \"Digest username=alice, response=\\\"6629fae49393a05397450978507c4ef1\\\"\"";
    talk.we_send("REGISTER").they_say(status(403, "Forbidden").header("Warning", echo));
    let diagnosis = talk.status("alice").diagnosis.clone().unwrap();
    assert!(!format!("{diagnosis:?}").contains("6629fae49393a053"), "{diagnosis:?}");
}

// covers: F8
#[test]
fn nothing_is_sent_where_redirected() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(302, "Moved").header("Contact", "<sip:b.test>"));
    talk.diagnosed(Code::Redirected).silent_for(secs(29));
    assert!(talk.status("alice").diagnosis.as_ref().unwrap().summary.contains("sip:b.test"));
}

#[test]
fn a_request_that_does_not_fit_the_path_is_no_missing_route() {
    for (fault, code) in [(SendFault::TooLarge, Code::RequestTooLarge), (SendFault::Unreachable, Code::Unreachable)] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER");
        let (local, to) = (talk.request().local, talk.request().to);
        talk.input(Input::SendFailed { local, to, fault });
        if fault == SendFault::TooLarge {
            // carriers.md N6: over TCP, and back where that is refused.
            talk.we_send("REGISTER");
            let flow = talk.dialled().flow;
            talk.ends(flow, FlowFault::Refused).we_send("REGISTER");
            talk.input(Input::SendFailed { local, to, fault });
        }
        talk.diagnosed(code);
    }
}

#[test]
fn a_carrier_that_gets_too_much_is_asked_later() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(429, "Too Many Requests").header("Retry-After", "120"));
    talk.diagnosed(Code::CarrierRateLimited);
    assert_eq!(talk.status("alice").diagnosis.as_ref().unwrap().evidence.retry_after, Some(120));
}

#[test]
fn silence_after_failures_where_answers_came_before_is_suspected_to_be_a_block() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(challenge("n2")).diagnosed(Code::CredentialsRejected);
    talk.verify(order("v1", "alice", "another"));
    talk.we_send("OPTIONS");
    talk.we_send("REGISTER");
    let refusal = talk.after(secs(40)).refusal();
    assert_eq!(refusal.code, Code::BlockSuspected);
    assert!(refusal.remedy.contains("unblock"), "{}", refusal.remedy);
}

// covers: F5
#[test]
fn what_is_a_day_already_is_not_doubled() {
    let mut talk = talk(registration("alice").account(|account| account.expires = 86_400));
    talk.we_send("REGISTER").they_say(status(423, "Interval Too Brief")).silent().diagnosed(Code::IntervalTooBrief);
}

#[test]
fn the_last_response_is_that_of_the_last_answer_whether_its_code_or_its_words_are_others() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER");
    for (n, (code, reason)) in [(503, "Busy"), (503, "Maintenance"), (500, "Maintenance")].into_iter().enumerate() {
        if n > 0 {
            talk.between(secs(30), secs(240)).we_send("REGISTER");
        }
        talk.they_say(status(code, reason));
        let shown = talk.status("alice").last_response.clone().unwrap();
        assert_eq!((shown.code, &*shown.reason), (code, reason));
    }
}

// covers: F9
#[test]
fn a_carrier_that_does_not_know_outbound_is_asked_once_more_without_it() {
    let outbound = |sent: &Sent| sent.text().contains("outbound") || sent.text().contains("reg-id");
    for code in [420, 439] {
        let mut talk = talk(registration("alice").profile(|profile| profile.manners.outbound = true));
        talk.we_send("REGISTER").with(|sent: &Sent| assert!(outbound(sent), "{}", sent.text())).they_say(status(code, "No"));
        talk.we_send("REGISTER").with(next_cseq()).with(|sent: &Sent| assert!(!outbound(sent), "{}", sent.text()));
        talk.they_say(status(code, "No")).silent().diagnosed(Code::ExtensionRequired);
    }
    // Without it there is nothing to leave out.
    for code in [420, 439] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(status(code, "No")).silent().diagnosed(Code::ExtensionRequired);
    }
}

// covers: back-off
#[test]
fn a_short_binding_is_tried_again_before_it_lapses_whatever_the_pause_of_others() {
    let mut talk = bound(60);
    talk.between(secs(24), secs(30)).we_send("REGISTER").they_say(status(500, "Oops")).bound(true);
    // A third of what remains: thirty seconds after the last start would be too late.
    talk.between(secs(10), secs(12)).we_send("REGISTER").they_say(ok().expires(60)).then_bound();
}

// covers: back-off
#[test]
fn while_a_binding_runs_no_pause_is_longer_than_a_quarter_of_what_remains() {
    let mut talk = bound(7200);
    talk.between(secs(3600), secs(5400)).we_send("REGISTER");
    for tries in 1.. {
        talk.they_say(status(500, "Oops")).bound(true);
        let left = talk.now.until(talk.status("alice").expires_at.unwrap());
        if left < secs(120) {
            assert!(tries > 6, "{tries}");
            break;
        }
        talk.between(secs(30), left / 4).we_send("REGISTER");
    }
}

// covers: back-off
#[test]
fn while_a_binding_runs_thirty_seconds_pass_between_two_starts() {
    let mut talk = bound(200);
    talk.between(secs(80), secs(100)).we_send("REGISTER").they_say(status(500, "Oops")).bound(true);
    // A quarter of what remains would be sooner.
    talk.between(secs(30), secs(30)).we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: N10
#[test]
fn a_block_is_suspected_of_who_answered_and_refused_digests_and_not_of_who_only_answered() {
    let mut talk = bound(3600);
    talk.act("alice", Action::Refresh).we_send("REGISTER").after(secs(32) + ms(10)).sent.clear();
    talk.diagnosed(Code::Timeout);
    let mut talk = bound(3600);
    talk.assign(assignment("bob", 1)).we_send("REGISTER").they_say(challenge("b"));
    talk.we_send("REGISTER").they_say(challenge("c"));
    talk.act("alice", Action::Refresh).we_send("REGISTER").after(secs(32) + ms(10)).sent.clear();
    assert_eq!(talk.status("alice").diagnosis.as_ref().unwrap().code, Code::BlockSuspected);
}

#[test]
fn a_diagnosis_names_who_asked_whom_as_what_and_what_was_compared() {
    let told = |talk: &Talk| talk.status("alice").diagnosis.clone().unwrap();
    let mut unknown = talk(registration("alice"));
    unknown.we_send("REGISTER").they_say(status(404, "Not Found"));
    assert!(told(&unknown).summary.contains("sip:alice@carrier.test"), "{}", told(&unknown).summary);
    let mut wrong = talk(registration("alice").profile(|profile| profile.failure_budget.per_version = 9));
    wrong.we_send("REGISTER").they_say(challenge("a"));
    wrong.we_send("REGISTER").they_say(challenge("b"));
    let refused = told(&wrong);
    assert!(refused.remedy.contains("\"alice\""), "{}", refused.remedy);
    let compared: Vec<_> = refused.evidence.checks.iter().map(|check| (&*check.name, check.expected.as_deref())).collect();
    for check in [("realm.equal", Some("carrier.test")), ("algorithm.offered", Some("(any)"))] {
        assert!(compared.contains(&check), "{compared:?}");
    }
    assert_eq!(refused.evidence.public_address.as_deref(), Some("192.0.2.10:5060"));
    wrong.between(secs(30), secs(30)).we_send("REGISTER").they_say(challenge("c"));
    wrong.we_send("REGISTER").they_say(challenge("d"));
    wrong.between(secs(30), secs(60)).we_send("REGISTER").they_say(challenge("e"));
    assert!(told(&wrong).summary.contains("at carrier carrier is spent"), "{}", told(&wrong).summary);
}

// covers: back-off
#[test]
fn a_try_that_ends_as_the_binding_lapses_is_worth_its_thirty_seconds_of_waiting() {
    // Thirty seconds after the last start, and eight for the try itself.
    for (left, low, high) in [(secs(38), secs(30), secs(30)), (secs(38) - ms(5), secs(12), secs(13))] {
        let mut talk = bound(60);
        let lapses_at = talk.status("alice").expires_at.expect("bound");
        talk.after(talk.now.until(lapses_at) - left);
        talk.act("alice", Action::Refresh).we_send("REGISTER").they_say(status(503, "Busy"));
        talk.between(low, high).we_send("REGISTER");
    }
}
