//! What changes while an exchange is on.

use diagnosis::Code;
use ua::*;

use crate::support::*;

fn version(number: u32, generation: u64) -> Assignment {
    let mut assignment = assignment("alice", generation);
    assignment.previous = assignment.active.take();
    assignment.active = Some(credential("alice", number, &format!("secret {number}")));
    assignment
}

#[test]
fn a_new_secret_is_used_for_the_challenge_that_comes_next() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").assign(version(2, 2)).silent();
    talk.they_say(challenge("n1")).we_send("REGISTER").with(nonce("n1").password("secret 2")).they_say(ok());
    talk.bound(true);
    assert_eq!(talk.accepted(), [2]);
}

#[test]
fn the_refusal_of_the_old_secret_is_not_the_new_one_s() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).assign(version(2, 2));
    talk.they_say(challenge("n2"));
    assert!(talk.refused().iter().all(|(version, ..)| *version == 1));
    talk.we_send("REGISTER").with(no_digest()).they_say(challenge("n3"));
    talk.we_send("REGISTER").with(nonce("n3").password("secret 2")).they_say(ok()).then_bound();
    assert_eq!(talk.accepted(), [2]);
}

#[test]
fn the_acceptance_of_the_old_secret_is_not_the_new_one_s() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).assign(version(2, 2));
    talk.they_say(ok()).bound(true);
    assert_eq!(talk.accepted(), [] as [u32; 0], "nor is it told under the new generation");
    talk.we_send("REGISTER").with(no_digest()).they_say(challenge("n3"));
    talk.we_send("REGISTER").with(nonce("n3").password("secret 2")).they_say(ok()).then_bound();
    assert_eq!(talk.accepted(), [2]);
}

#[test]
fn a_second_failed_digest_of_the_old_secret_does_not_hold_the_new_one() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("a"));
    talk.we_send("REGISTER").they_say(challenge("b"));
    talk.between(secs(30), secs(30)).we_send("REGISTER").they_say(challenge("c"));
    talk.we_send("REGISTER").assign(version(2, 2)).they_say(challenge("d"));
    // The name's budget in ten minutes is spent; the version itself is not held.
    talk.we_send("REGISTER").they_say(challenge("e"));
    talk.diagnosed(Code::BudgetSpent).then(RegistrationState::RetryWait);
    talk.between(secs(400), secs(600)).we_send("REGISTER").they_say(challenge("f"));
    talk.we_send("REGISTER").with(nonce("f").password("secret 2")).they_say(ok()).then_bound();
}

#[test]
fn credentials_that_go_while_a_challenge_is_awaited_end_the_exchange() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER");
    let mut none = assignment("alice", 2);
    none.active = None;
    talk.assign(none).they_say(challenge("n1")).silent_for(secs(1000)).then(RegistrationState::Pending);
    talk.assign(version(2, 3)).we_send("REGISTER").they_say(ok()).then_bound();
}

#[test]
fn credentials_that_go_while_it_waits_in_the_queue_take_it_out() {
    let mut talk = talk(registration("alice").profile(|profile| profile.pacing.in_flight = 1));
    talk.assign(assignment("bob", 1));
    let mut none = assignment("bob", 2);
    none.active = None;
    talk.assign(none).we_send("REGISTER").they_say(ok()).silent();
    talk.assign(assignment("bob", 3)).we_send("REGISTER");
}

#[test]
fn a_registration_that_lost_its_credentials_lapses_and_says_so() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut none = assignment("alice", 2);
    none.active = None;
    talk.assign(none).bound(true).silent_for(secs(3601)).bound(false);
}

#[test]
fn without_credentials_a_binding_is_still_removed_as_far_as_it_goes() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut none = assignment("alice", 2);
    (none.active, none.previous) = (None, None);
    talk.assign(none).withdraw("alice", Withdrawal::Unregister).we_send("REGISTER").with(removal()).they_say(challenge("n2"));
    talk.silent_for(secs(4000));
    assert_eq!(talk.forgotten().len(), 1);
}

#[test]
fn withdrawn_during_its_first_register_it_is_removed_when_that_has_succeeded() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").withdraw("alice", Withdrawal::Unregister).they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(ok());
    talk.we_send("REGISTER").with(removal()).they_say(ok());
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
    talk.silent_for(secs(1000));
}

#[test]
fn withdrawn_during_its_first_register_it_is_gone_when_that_was_refused() {
    for says in [status(403, "Forbidden"), status(503, "Busy"), status(404, "Not Found"), challenge("x").realm("other")] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").withdraw("alice", Withdrawal::Unregister).they_say(says);
        talk.silent_for(secs(10_000));
        assert_eq!(talk.forgotten().len(), 1);
    }
}

#[test]
fn withdrawn_during_a_register_that_nobody_answers_it_is_removed_once_and_gone() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").withdraw("alice", Withdrawal::Unregister).after(secs(32) + ms(5));
    let removal_request = talk.sent.pop_back().unwrap();
    talk.sent.clear();
    talk.about(removal_request).with(removal()).after(secs(40)).sent.clear();
    assert_eq!(talk.forgotten(), [("alice".to_owned(), false)]);
    talk.silent_for(secs(10_000));
}

#[test]
fn a_removal_that_fails_is_tried_until_the_binding_has_lapsed() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).they_say(status(503, "Busy"));
    talk.between(secs(30), secs(60)).we_send("REGISTER").with(removal()).they_say(status(404, "Not Found"));
    talk.silent_for(secs(600));
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
}

#[test]
fn a_refused_digest_of_a_removal_leaves_the_binding_to_lapse() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n1", 600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").they_say(challenge("a"));
    talk.we_send("REGISTER").they_say(challenge("b"));
    talk.silent_for(secs(601));
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
    talk.silent_for(secs(10_000));
}

#[test]
fn wanted_again_while_it_is_being_removed_it_is_registered_again() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).assign(assignment("alice", 2)).they_say(ok());
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(ok()).then_bound();
    talk.silent_for(secs(1700));
    assert!(talk.forgotten().is_empty());
}

#[test]
fn wanted_again_while_a_removal_waits_it_is_kept() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.assign(assignment("alice", 2)).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(ok()).then_bound();
}

#[test]
fn a_refresh_or_an_unregister_by_hand_does_not_call_a_withdrawn_trunk_back() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).act("alice", Action::Refresh).act("alice", Action::Unregister).they_say(ok());
    talk.silent_for(secs(1000));
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
}

#[test]
fn another_address_of_record_and_a_withdrawal_right_after_leave_nothing_behind() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut moved = assignment("alice", 2);
    moved.account.address_of_record = "sip:bob@carrier.test".into();
    talk.assign(moved);
    talk.we_send("REGISTER").with(removal());
    let old = talk.request().clone();
    talk.we_send("REGISTER").withdraw("alice", Withdrawal::Unregister).they_say(challenge("n2"));
    talk.we_send("REGISTER").they_say(ok());
    talk.we_send("REGISTER").with(removal()).they_say(ok());
    talk.about(old).they_say(ok());
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
    talk.silent_for(secs(10_000));
}

#[test]
fn the_address_of_record_goes_back_and_forth() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    for generation in 2..6 {
        let mut moved = assignment("alice", generation);
        moved.account.address_of_record = format!("sip:{}@carrier.test", if generation % 2 == 0 { "bob" } else { "alice" }).into();
        talk.assign(moved);
    }
    for _ in 0..20 {
        while let Some(sent) = talk.sent.pop_front() {
            let source = sent.to;
            talk.answer(&sent, ok(), source);
        }
        talk.after(ms(100));
    }
    talk.then_bound();
    assert_eq!(talk.endpoint.counters().bound, 1);
}

#[test]
fn registrars_that_change_while_an_exchange_is_on_are_used_when_it_fails() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER");
    let mut profile = profile("carrier");
    profile.registrars = vec!["sip:b.test".into()];
    talk.command(Command::Carrier(Box::new(profile))).silent();
    talk.they_say(status(503, "Busy")).we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
}

#[test]
fn registrars_that_change_leave_a_good_binding_in_peace() {
    let mut talk = talk(registration("alice").pinged(30));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(ok());
    talk.at_once().we_send("OPTIONS").they_say(status(200, "OK"));
    let mut profile = registration("alice").pinged(30).profile;
    profile.registrars = vec!["sip:b.test".into()];
    talk.command(Command::Carrier(Box::new(profile)));
    talk.at_once().we_send("OPTIONS").with(to("198.51.100.2:5060")).they_say(status(200, "OK"));
    talk.bound(true);
}

#[test]
fn registrars_that_change_cut_the_wait_of_an_unreachable_trunk_short() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    let mut profile = profile("carrier");
    profile.registrars = vec!["sip:b.test".into()];
    talk.command(Command::Carrier(Box::new(profile)));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
}

#[test]
fn a_refresh_by_hand_during_a_refused_exchange_goes_once_more() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").act("alice", Action::Refresh).they_say(status(500, "Oops"));
    talk.we_send("REGISTER").they_say(ok()).then_bound();
    talk.silent_for(secs(1700));
}

#[test]
fn a_refresh_by_hand_does_not_cut_through_a_hold() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("a"));
    talk.we_send("REGISTER").they_say(challenge("b"));
    talk.between(secs(30), secs(30)).we_send("REGISTER").they_say(challenge("c"));
    talk.we_send("REGISTER").act("alice", Action::Refresh).they_say(challenge("d"));
    talk.silent_for(secs(10_000)).then(RegistrationState::AuthHeld);
}

#[test]
fn every_other_way_to_a_carrier_cuts_a_wait_short_and_the_same_way_does_not() {
    let waits = || {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(status(503, "Busy"));
        talk
    };
    type Change = fn(&mut Profile);
    let ways: [(&str, Change); 4] = [
        ("registrars", |profile| profile.registrars = vec!["sip:b.test".into()]),
        ("outbound proxy", |profile| profile.outbound_proxy = Some("sip:b.test".into())),
        ("transports", |profile| profile.transports = vec![Transport::Tcp]),
        ("TLS", |profile| profile.tls = TlsSettings { wildcard: true, ..TlsSettings::default() }.into()),
    ];
    for (name, change) in ways {
        let mut talk = waits();
        let mut profile = profile("carrier");
        change(&mut profile);
        talk.command(Command::Carrier(Box::new(profile)));
        assert_eq!(talk.sent.len(), 1, "{name}");
    }
    let mut talk = waits();
    talk.command(Command::Carrier(Box::new(Profile { forbidden_retry: secs(60), ..profile("carrier") }))).silent_for(secs(29));
}

#[test]
fn given_back_in_the_same_generation_while_it_is_being_removed_it_is_kept() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).assign(assignment("alice", 1)).they_say(ok());
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(ok()).then_bound();
    assert!(talk.forgotten().is_empty());
}

#[test]
fn a_removal_by_hand_is_tried_again_though_the_credentials_went_meanwhile() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).act("alice", Action::Unregister);
    talk.we_send("REGISTER").with(removal()).they_say(status(503, "Busy"));
    let mut none = assignment("alice", 1);
    none.active = None;
    talk.assign(none).silent().then(RegistrationState::Unregistering);
    talk.between(secs(30), secs(60)).we_send("REGISTER").with(removal()).they_say(ok()).bound(false).then(RegistrationState::Pending);
}

#[test]
fn what_was_never_here_is_gone_at_once_and_removed_if_that_was_wanted() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").withdraw("bob", Withdrawal::Unregister).withdraw("carol", Withdrawal::Forget).silent();
    assert_eq!(talk.forgotten(), [("bob".to_owned(), true), ("carol".to_owned(), false)]);
}

#[test]
fn a_digest_of_a_version_that_has_gone_is_not_told_by_another_s_name_and_the_new_one_goes_at_once() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1"));
    let mut renewed = assignment("alice", 2);
    renewed.active = Some(Credential { username: "carol".into(), ..credential("alice", 2, "new") });
    talk.assign(renewed).silent().events.clear();
    talk.they_say(status(403, "Forbidden"));
    let diagnosis = talk.attempt().diagnosis.expect("refused");
    assert_eq!(diagnosis.code, Code::ForbiddenAfterAuth);
    assert!(!diagnosis.remedy.contains("carol") && !diagnosis.summary.contains("carol"), "{diagnosis:?}");
    let now = talk.now;
    let waits = talk.take(|event| match event {
        Event::Status(status) => status.next_action_at.filter(|&at| at > now),
        _ => None,
    });
    assert!(waits.is_empty(), "{waits:?}");
    talk.we_send("REGISTER").they_say(challenge("n2")).we_send("REGISTER").with(nonce("n2").password("new")).they_say(ok()).then_bound();
}
