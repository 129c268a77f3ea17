//! A nonce that is answered again unasked, and its end (carriers.md C1, C11-C15, C17).

use diagnosis::Code;
use ua::*;

use crate::support::*;

// covers: C11, RFC 3261 22.1
#[test]
fn a_stale_nonce_is_answered_anew_and_is_no_failure() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1").nc(2)).they_say(challenge("n2").stale());
    talk.we_send("REGISTER").with(nonce("n2").nc(1)).with(next_cseq()).they_say(ok());
    talk.then_bound();
    assert!(talk.refused().is_empty());
    assert_eq!(talk.status("alice").consecutive_failures, 0);
}

// covers: C1, C11
#[test]
fn the_age_at_which_a_nonce_was_stale_is_learnt() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1")).they_say(challenge("n2").stale());
    talk.we_send("REGISTER").they_say(ok().expires(6000));
    // Twice as long: beyond that age.
    talk.between(secs(3000), secs(4500)).we_send("REGISTER").with(no_digest()).they_say(challenge("n3"));
    talk.we_send("REGISTER").they_say(ok().expires(600));
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(nonce("n3").nc(2)).they_say(ok());
}

// covers: C11
#[test]
fn stale_is_followed_three_times_running_and_not_for_ever() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n0"));
    for n in 0..4 {
        talk.we_send("REGISTER").with(nonce(&format!("n{n}")).nc(1)).they_say(challenge(&format!("n{}", n + 1)).stale());
    }
    talk.silent().diagnosed(Code::NonceStaleLoop).then(RegistrationState::RetryWait);
    assert!(talk.refused().is_empty(), "no password was refused");
}

// covers: C12
#[test]
fn a_new_nonce_without_stale_is_tried_once_more() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(ok().expires(60));
    talk.between(secs(24), secs(30)).we_send("REGISTER").with(nonce("n1").nc(2)).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2").nc(1)).they_say(ok().expires(60));
    talk.then_bound();
    assert!(talk.refused().is_empty());
}

// covers: C12
#[test]
fn two_such_refusals_running_switch_reuse_off_for_the_carrier() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 60);
    talk.between(secs(24), secs(30)).we_send("REGISTER").with(nonce("n1")).they_say(challenge("n2"));
    // A smaller grant, so that the learnt age does not decide.
    talk.we_send("REGISTER").they_say(ok().expires(30));
    talk.between(secs(12), secs(15)).we_send("REGISTER").with(nonce("n2")).they_say(challenge("n3"));
    talk.we_send("REGISTER").they_say(ok().expires(24));
    talk.between(secs(9), secs(12)).we_send("REGISTER").with(no_digest()).they_say(challenge("n4"));
    talk.we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: C13, failed digests
#[test]
fn a_digest_over_a_nonce_of_this_very_exchange_is_refused_for_good() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(challenge("n2"));
    talk.silent().diagnosed(Code::CredentialsRejected);
    assert_eq!(talk.refused(), [(1, true, false, Code::CredentialsRejected)]);
}

// covers: C13
#[test]
fn a_refused_digest_is_one_whatever_the_refusal_challenges() {
    let table = [challenge("n2").realm("elsewhere"), challenge("n2").algorithm("MD2"), status(401, "Unauthorized")];
    for says in table {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(challenge("n1"));
        talk.we_send("REGISTER").they_say(says).silent().diagnosed(Code::CredentialsRejected);
        assert_eq!(talk.refused(), [(1, true, false, Code::CredentialsRejected)]);
    }
}

// covers: C13
#[test]
fn the_same_nonce_again_is_as_final_as_a_new_one() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.silent().diagnosed(Code::CredentialsRejected);
}

#[test]
fn a_refused_remembered_nonce_and_then_a_refused_digest_are_one_failed_digest() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1")).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2")).they_say(challenge("n3"));
    talk.silent().bound(true).diagnosed(Code::CredentialsRejected);
    assert_eq!(talk.refused(), [(1, true, false, Code::CredentialsRejected)]);
}

// covers: C14
#[test]
fn a_registrar_that_challenges_for_ever_sees_two_digests_of_a_version() {
    let mut talk = talk(registration("alice"));
    let mut digests = 0;
    for n in 0..200 {
        while let Some(sent) = talk.sent.pop_front() {
            digests += sent.credentials().len();
            let source = sent.to;
            talk.answer(&sent, challenge(&format!("n{n}")), source);
        }
        talk.after(secs(60));
    }
    assert_eq!(digests, 2);
    talk.then(RegistrationState::AuthHeld);
}

// covers: C15, RFC 7616 3.5
#[test]
fn the_next_nonce_is_used_from_its_beginning() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(ok().header("Authentication-Info", "nextnonce=\"n2\""));
    talk.between(secs(1800), secs(2700))
        .we_send("REGISTER")
        .with(nonce("n2").nc(1))
        .they_say(ok().header("Authentication-Info", "nextnonce=\"n3\""));
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n3").nc(1)).they_say(ok());
    talk.then_bound();
}

// covers: C17
#[test]
fn a_nonce_is_never_sent_to_another_target() {
    let mut talk = talk(registration("alice").registrars(&["sip:a.test", "sip:b.test"]));
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(ok());
    talk.between(secs(1800), secs(2700))
        .we_send("REGISTER")
        .with(to("198.51.100.1:5060"))
        .with(nonce("n1").nc(2))
        .they_say(status(503, "Busy"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(no_digest()).with(next_cseq()).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(nonce("n2").nc(1)).they_say(ok());
    talk.then_bound();
}

#[test]
fn a_carrier_whose_profile_says_never_gets_no_digest_unasked() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n1", 3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(no_digest()).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2").nc(1)).they_say(ok());
    talk.then_bound();
}

#[test]
fn a_403_to_a_remembered_nonce_is_asked_about_once_more_before_it_is_believed() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1")).they_say(status(403, "Forbidden"));
    talk.we_send("REGISTER").with(no_digest()).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2")).they_say(status(403, "Forbidden"));
    talk.silent().diagnosed(Code::ForbiddenAfterAuth);
}

// covers: RFC 7616 3.6
#[test]
fn the_count_of_a_nonce_that_a_refusal_repeats_goes_on() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1").nc(2)).they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1").nc(3).same_cnonce()).they_say(challenge("n1"));
    talk.silent().diagnosed(Code::CredentialsRejected);
}
