//! Credentials tried by renewing the trunk's own binding (carriers.md B11).

use diagnosis::Code;
use ua::*;

use super::verification::{optioned, proven};
use crate::support::*;

#[test]
fn a_refused_renewal_leaves_the_binding_alone() {
    let mut talk = proven(|order| order.by = VerifyBy::Renew);
    let lapses_at = talk.status("alice").expires_at;
    optioned(&mut talk).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").they_say(challenge("w"));
    assert_eq!(talk.silent().refusal().code, Code::CredentialsRejected);
    talk.bound(true);
    assert_eq!(talk.status("alice").expires_at, lapses_at);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1").nc(2)).they_say(ok()).then_bound();
}

// Found by simulation, seed 514.
#[test]
fn after_a_renewal_the_trunk_says_again_when_it_acts_next() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 120);
    talk.between(secs(48), secs(61)).we_send("REGISTER").they_say(status(403, "No")).we_send("REGISTER").they_say(status(403, "No"));
    talk.verify(VerifyOrder { by: VerifyBy::Renew, patience: secs(90), ..order("v", "alice", "new") });
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").after(secs(100)).sent.clear();
    assert_eq!(talk.verdicts().len(), 1);
    talk.bound(false);
    assert!(talk.status("alice").next_action_at.is_some(), "{:?}", talk.status("alice"));
}

#[test]
fn a_renewal_that_nobody_answers_leaves_time_for_the_refresh() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 60);
    talk.after(secs(20)).verify(VerifyOrder { by: VerifyBy::Renew, ..order("v", "alice", "new") });
    talk.after(secs(26)).sent.clear();
    assert_eq!(talk.verdicts().len(), 1);
    talk.bound(true).after(secs(5));
    let refresh = talk.sent.pop_back().expect("the registration asks by itself");
    talk.sent.clear();
    talk.about(refresh).they_say(challenge("x")).we_send("REGISTER").with(nonce("x")).they_say(ok());
    talk.then(RegistrationState::Registered);
}

#[test]
fn a_renewal_waits_for_the_refresh_that_is_on() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.act("alice", Action::Refresh).we_send("REGISTER");
    let refresh = talk.request().clone();
    talk.verify(VerifyOrder { by: VerifyBy::Renew, ..order("v", "alice", "new") });
    talk.we_send("OPTIONS").they_say(status(200, "OK")).silent_for(ms(300));
    talk.about(refresh.clone()).they_say(ok()).between(ms(0), ms(102)).we_send("REGISTER");
    assert_eq!((talk.request().call_id(), talk.request().cseq()), (refresh.call_id(), refresh.cseq() + 1));
    // Its deadline is still watched.
    talk.after(secs(33)).sent.clear();
    assert_eq!(talk.verdict().id.as_ref(), "v");
}

#[test]
fn a_renewal_that_waits_for_a_silent_refresh_ends_with_its_patience() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.act("alice", Action::Refresh).we_send("REGISTER");
    talk.verify(VerifyOrder { by: VerifyBy::Renew, patience: secs(8), ..order("v", "alice", "new") });
    talk.after(secs(8) + ms(5));
    assert_eq!(talk.verdicts().len(), 1);
}

#[test]
fn two_renewals_of_one_trunk_go_one_after_the_other() {
    let mut talk = proven(|order| order.by = VerifyBy::Renew);
    talk.verify(VerifyOrder { by: VerifyBy::Renew, ..order("v2", "alice", "newer") });
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER");
    let first = talk.request().clone();
    talk.we_send("OPTIONS").they_say(status(200, "OK")).silent_for(ms(250));
    talk.about(first.clone()).they_say(challenge("v")).we_send("REGISTER").they_say(ok());
    assert_eq!(talk.verdict().id.as_ref(), "v1");
    talk.between(ms(0), ms(102)).we_send("REGISTER").with(next_cseq());
}

#[test]
fn a_trunk_that_goes_while_its_renewal_is_tried_takes_nothing_down() {
    for how in [Withdrawal::Forget, Withdrawal::Unregister] {
        let mut talk = proven(|order| order.by = VerifyBy::Renew);
        optioned(&mut talk).we_send("REGISTER").withdraw("alice", how);
        talk.they_say(challenge("v")).after(secs(40));
        assert_eq!(talk.verdicts().len(), 1);
    }
}

#[test]
fn a_binding_that_lapses_while_its_renewal_is_tried_is_sought_again() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 20);
    talk.verify(VerifyOrder { by: VerifyBy::Renew, patience: secs(60), ..order("v", "alice", "new") });
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").after(secs(200));
    assert_eq!(talk.verdicts().len(), 1);
    talk.sent.clear();
    talk.between(secs(0), secs(2000)).we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: B11
#[test]
fn a_renewal_for_another_address_of_record_binds_that_and_leaves_the_trunk_s_own_alone() {
    for (expires, asked) in [(60, 120), (600, 600), (7200, 3600)] {
        let mut talk = proven(|order| {
            order.by = VerifyBy::Renew;
            order.account.address_of_record = "sip:bob@carrier.test".into();
            order.account.expires = expires;
        });
        optioned(&mut talk)
            .we_send("REGISTER")
            .with(new_call_id())
            .with(contact("sip:bob@192.0.2.10:5060", asked))
            .they_say(challenge("v"));
        talk.we_send("REGISTER").with(nonce("v").password("new")).they_say(ok());
        talk.we_send("REGISTER").with(removal()).they_say(ok());
        assert!(matches!(talk.verdict().outcome, Outcome::Proved));
        talk.then_bound();
    }
}

#[test]
fn a_renewal_that_never_had_its_turn_is_no_query_that_was_dropped() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.act("alice", Action::Refresh).we_send("REGISTER");
    talk.verify(VerifyOrder { by: VerifyBy::Renew, patience: secs(8), ..order("v", "alice", "new") });
    talk.sent.retain(|sent| sent.method() == "OPTIONS");
    talk.we_send("OPTIONS").they_say(status(200, "OK")).after(secs(8) + ms(5)).sent.clear();
    let refusal = talk.refusal();
    assert_eq!(refusal.code, Code::RegisterIgnored);
    assert!(!refusal.remedy.contains("queries"), "{}", refusal.remedy);
}

// covers: B11
#[test]
fn a_renewal_moves_the_lapse_and_says_whether_it_was_proven() {
    for proven in [true, false] {
        let mut talk = talk(registration("alice"));
        talk.registers("n1", 3600);
        let began = talk.status("alice").registered_at;
        talk.after(secs(100));
        let mut order = VerifyOrder { by: VerifyBy::Renew, ..order("v", "alice", "secret of alice") };
        order.profile.accept_unproven = true;
        talk.verify(order);
        optioned(&mut talk).we_send("REGISTER");
        if proven {
            talk.they_say(challenge("v")).we_send("REGISTER").with(nonce("v"));
        }
        talk.they_say(ok().expires(1800)).then_bound();
        let status = talk.status("alice");
        assert_eq!((status.authenticated, status.registered_at, status.expires_at), (proven, began, Some(talk.now + secs(1800))));
        assert_eq!(talk.saved("alice").binding.as_ref().expect("bound").lapses_at, talk.now + secs(1800));
        talk.between(secs(900), secs(1350)).we_send("REGISTER").they_say(ok()).then_bound();
    }
}

#[test]
fn a_renewal_looks_again_ten_times_a_second_and_binds_by_itself_where_the_binding_has_gone() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let own = talk.act("alice", Action::Refresh).we_send("REGISTER").request().clone();
    talk.verify(VerifyOrder { by: VerifyBy::Renew, ..order("v", "alice", "new") });
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    let end = talk.now + ms(450);
    let mut wakes = 0;
    while let Output::Wake(Some(at)) = talk.endpoint.poll(talk.now) {
        if at > end {
            break;
        }
        (talk.now, wakes) = (talk.now.max(at), wakes + 1);
    }
    assert!((4..=10).contains(&wakes), "{wakes}");
    talk.about(own.clone()).they_say(ok().listing_nothing().header("Contact", "<sip:desk@203.0.113.9>;expires=3600")).bound(false);
    talk.between(ms(0), ms(102)).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600));
    assert_ne!(talk.request().call_id(), own.call_id());
    talk.they_say(challenge("v")).we_send("REGISTER").with(nonce("v").password("new")).they_say(ok());
    talk.we_send("REGISTER").with(removal()).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}
