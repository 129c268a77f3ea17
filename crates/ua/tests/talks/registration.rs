//! A registration's life: first, refreshed, resumed, changed, removed (RFC 3261 10.2).

use sip::Name;
use ua::*;

use crate::support::*;

// covers: C1, RFC 3261 10.2, RFC 3261 10.2.6, RFC 3261 22.2, RFC 3581 3, RFC 3261 18.1.1
#[test]
fn the_first_register_carries_no_digest_and_the_second_answers_the_challenge() {
    let mut talk = talk(registration("alice"));
    talk.then(RegistrationState::Registering);
    talk.we_send("REGISTER")
        .with(no_digest())
        .with(cseq(1))
        .with(contact("sip:alice@192.0.2.10:5060", 3600))
        .with(to("198.51.100.1:5060"))
        .with(|sent: &Sent| {
            assert_eq!(sent.uri(), "sip:carrier.test");
            assert_eq!(sent.header(Name::To).as_deref(), Some("<sip:alice@carrier.test>"));
            assert!(sent.header(Name::From).unwrap().starts_with("<sip:alice@carrier.test>;tag="));
            assert_eq!(sent.header(Name::MaxForwards).as_deref(), Some("70"));
            assert_eq!(sent.header(Name::Expires).as_deref(), Some("3600"));
            let via = sent.header(Name::Via).unwrap();
            assert!(via.starts_with("SIP/2.0/UDP 192.0.2.10:5060;") && via.contains(";rport"), "{via}");
        })
        .they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1").nc(1)).with(next_cseq()).they_say(ok());
    talk.then_bound();
    let status = talk.status("alice");
    assert!(status.authenticated);
    assert_eq!(status.registrar, Some(udp("198.51.100.1:5060")));
    assert_eq!(status.public_address, Some("192.0.2.10:5060".parse().unwrap()));
    assert_eq!(status.expires_at, Some(talk.now + secs(3600)));
    assert_eq!(status.credential_version, Some(1));
    let negotiated = status.negotiated.clone().unwrap();
    assert_eq!(
        (negotiated.realm.as_str(), negotiated.algorithm.as_str(), negotiated.qop.as_deref()),
        ("carrier.test", "MD5", Some("auth"))
    );
    assert_eq!(talk.accepted(), [1]);
}

// covers: C1, RFC 7616 3.6, RFC 3261 10.2.4
#[test]
fn a_refresh_is_one_round_trip_between_half_and_three_quarters_of_the_time() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).then_bound();
    for n in 1..=4 {
        talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("n1").nc(1 + n).same_cnonce()).with(next_cseq()).they_say(ok());
        talk.then_bound();
        assert_eq!(talk.status("alice").refreshes, u64::from(n));
    }
    assert_eq!(talk.accepted(), [1], "it is told once");
}

// covers: B4
#[test]
fn a_short_grant_is_refreshed_at_two_fifths_to_a_half() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 60);
    talk.between(secs(24), secs(30)).we_send("REGISTER").they_say(ok().expires(60));
    talk.then_bound();
}

// covers: B8
#[test]
fn a_restart_in_order_resumes_without_a_register_before_its_time() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let old = first.request().clone();
    let kept = first.endpoint.snapshot().remove(0);
    assert!(kept.clean);
    let mut second = talk(registration("alice").resumed(kept, first.now + secs(60)));
    second.then_bound();
    assert_eq!(second.status("alice").since, first.status("alice").registered_at.unwrap());
    second.about(old).after(secs(1700)).then_bound();
    second.between(secs(0), secs(1000)).we_send("REGISTER").with(nonce("n1").nc(2).same_cnonce()).with(next_cseq()).they_say(ok());
    second.then_bound();
    assert_eq!(second.accepted(), [] as [u32; 0], "the control plane knows already");
}

// covers: B8
#[test]
fn after_a_crash_cseq_jumps_by_a_thousand_and_the_nonce_is_dropped() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let old = first.request().clone();
    let kept = first.saved("alice").clone();
    assert!(!kept.clean);
    let mut second = talk(registration("alice").resumed(kept, first.now + secs(60)));
    assert_eq!(second.saved("alice").cseq, old.cseq() + 1000, "a second crash must not send it again");
    second.then_bound().about(old);
    second.between(secs(1740), secs(2640)).we_send("REGISTER").with(no_digest()).with(cseq_higher_by(1001)).they_say(challenge("n2"));
    second.we_send("REGISTER").with(nonce("n2").nc(1)).with(next_cseq()).they_say(ok());
    second.then_bound();
}

#[test]
fn what_lapsed_while_nobody_ran_is_registered_at_once_by_the_old_call_id() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let old = first.request().clone();
    let mut second = talk(registration("alice").resumed(first.saved("alice").clone(), first.now + secs(4000)));
    second.bound(false).about(old).we_send("REGISTER").with(cseq_higher_by(1001)).with(no_digest());
}

#[test]
fn what_is_overdue_after_a_restart_is_refreshed_at_once() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let mut second = talk(registration("alice").resumed(first.saved("alice").clone(), first.now + secs(3000)));
    second.bound(true).at_once().we_send("REGISTER").they_say(challenge("n2"));
}

#[test]
fn credentials_changed_while_nobody_ran_are_used_at_once() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let kept = first.endpoint.snapshot().remove(0);
    let mut second = talk(
        registration("alice")
            .credential(|credential| *credential = crate::support::credential("alice", 2, "new"))
            .resumed(kept, first.now + secs(60)),
    );
    second.at_once().we_send("REGISTER").with(no_digest()).they_say(challenge("n2"));
    second.we_send("REGISTER").with(nonce("n2").password("new")).they_say(ok());
    assert_eq!(second.accepted(), [2]);
}

#[test]
fn new_credentials_renew_the_same_contact_at_once_by_the_same_call_id() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut assignment = assignment("alice", 2);
    assignment.previous = assignment.active.take();
    assignment.active = Some(credential("alice", 2, "new"));
    talk.assign(assignment).bound(true);
    talk.we_send("REGISTER").with(next_cseq()).with(no_digest()).with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2").nc(1).password("new")).with(next_cseq()).they_say(ok());
    talk.then_bound();
    assert_eq!(talk.accepted(), [1, 2]);
    assert_eq!(talk.status("alice").generation.number, 2);
}

#[test]
fn an_assignment_that_changes_nothing_sends_nothing() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.assign(assignment("alice", 2)).then_bound();
    assert_eq!(talk.status("alice").generation.number, 2);
    talk.assign(assignment("alice", 1)).then_bound();
    assert_eq!(talk.status("alice").generation.number, 2, "an older one is not taken");
}

// covers: B7, RFC 3261 10.2.2
#[test]
fn a_withdrawn_trunk_is_removed_and_the_challenge_to_that_is_answered() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n1", 3600);
    talk.withdraw("alice", Withdrawal::Unregister).then(RegistrationState::Unregistering);
    talk.we_send("REGISTER").with(removal()).with(next_cseq()).with(no_digest()).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(removal()).with(nonce("n2")).with(next_cseq()).they_say(ok());
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
    talk.silent_for(secs(10_000));
}

#[test]
fn a_forgotten_trunk_sends_nothing_more() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).withdraw("alice", Withdrawal::Forget);
    assert_eq!(talk.forgotten(), [("alice".to_owned(), false)]);
    talk.silent_for(secs(10_000));
}

#[test]
fn unregistered_by_hand_it_stays_away_until_it_is_wanted_again() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600).act("alice", Action::Unregister);
    talk.we_send("REGISTER").with(removal()).with(nonce("n1").nc(2)).they_say(ok());
    talk.bound(false).then(RegistrationState::Pending).silent_for(secs(10_000));
    talk.assign(assignment("alice", 1)).silent_for(secs(10)).then(RegistrationState::Pending);
    talk.act("alice", Action::Refresh).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(ok());
    talk.then_bound();
    // Or until something new is desired.
    talk.act("alice", Action::Unregister).we_send("REGISTER").with(removal()).they_say(ok()).bound(false);
    talk.assign(assignment("alice", 2)).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(ok());
    talk.then_bound();
}

#[test]
fn another_address_of_record_removes_the_old_binding_with_the_old_version() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let old = talk.request().clone();
    let mut assignment = assignment("alice", 2);
    assignment.account.address_of_record = "sip:bob@carrier.test".into();
    assignment.active = Some(credential("bob", 2, "secret of bob"));
    talk.assign(assignment);
    talk.we_send("REGISTER").with(removal()).with(next_cseq()).with(nonce("n1").nc(2)).with(|sent: &Sent| {
        assert_eq!(sent.header(Name::To).as_deref(), Some("<sip:alice@carrier.test>"));
    });
    let removal = talk.request().clone();
    talk.we_send("REGISTER").with(new_call_id()).with(contact("sip:bob@192.0.2.10:5060", 3600)).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2")).they_say(ok());
    talk.about(removal).they_say(ok());
    talk.then_bound();
    assert!(talk.forgotten().is_empty(), "the trunk is still there");
    assert_ne!(talk.saved("alice").call_id.as_ref(), old.call_id());
}

// covers: B12
#[test]
fn a_changed_contact_is_registered_first_and_then_the_old_one_is_removed() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut changed = assignment("alice", 2);
    changed.account.contact.user = Some("line7".into());
    talk.assign(changed);
    let both = "<sip:alice@192.0.2.10:5060>;expires=3000, <sip:line7@192.0.2.10:5060>;expires=3600";
    talk.we_send("REGISTER")
        .with(contact("sip:line7@192.0.2.10:5060", 3600))
        .with(next_cseq())
        .they_say(ok().listing_nothing().header("Contact", both));
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 0)).with(next_cseq()).they_say(status(200, "OK"));
    talk.then_bound();
}

// covers: B12
#[test]
fn an_old_contact_that_is_no_longer_listed_is_left_alone() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut changed = assignment("alice", 2);
    changed.account.contact.user = Some("line7".into());
    talk.assign(changed).we_send("REGISTER").they_say(ok());
    talk.then_bound();
}

#[test]
fn a_binding_that_lapses_is_told_and_sought_again() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 60);
    talk.after(secs(61)).bound(false).then(RegistrationState::Expired);
    talk.after(secs(32)).sent.clear();
    talk.between(secs(0), secs(1800)).we_send("REGISTER").they_say(challenge("n2"));
    talk.we_send("REGISTER").they_say(ok()).then_bound();
}

#[test]
fn a_second_crash_without_a_binding_jumps_from_where_the_first_one_jumped_to() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let mut second = talk(registration("alice").resumed(first.saved("alice").clone(), first.now + secs(4000)));
    second.we_send("REGISTER").they_say(status(404, "Not Found"));
    let last = second.request().clone();
    let third = talk(registration("alice").resumed(second.saved("alice").clone(), second.now + secs(10)));
    let sent = third.sent.front().expect("a REGISTER");
    assert_eq!(sent.call_id(), last.call_id());
    assert!(sent.cseq() > last.cseq(), "{} after {}", sent.cseq(), last.cseq());
}

#[test]
fn what_is_kept_does_not_fall_behind_the_jump_however_long_nothing_succeeds() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    for _ in 0..1500 {
        talk.after(ms(5)).act("alice", Action::Refresh).we_send("REGISTER").they_say(status(500, "Oops"));
        let (kept, sent) = (talk.saved("alice").cseq, talk.request().cseq());
        assert!(kept + 1000 > sent, "{kept} is kept, {sent} was sent");
    }
}

#[test]
fn a_contact_that_is_equivalent_replaces_itself_and_nothing_is_removed() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut changed = assignment("alice", 2);
    changed.account.contact.params = Some("line=1".into());
    talk.assign(changed).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060;line=1", 3600)).they_say(ok());
    talk.then_bound();
}

#[test]
fn a_changed_policy_sends_nothing_where_a_binding_runs_and_warns() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let mut changed = assignment("alice", 2);
    changed.policy = policy(&[sip::digest::Hash::Sha256]);
    talk.assign(changed).then_bound();
    assert!(talk.status("alice").warnings.contains(&diagnosis::Code::AlgorithmDisallowedActive));
}

#[test]
fn a_changed_policy_is_what_a_trunk_waits_for_that_the_old_one_refused() {
    let mut talk = talk(registration("alice").assignment(|assignment| assignment.policy = policy(&[sip::digest::Hash::Sha256])));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.diagnosed(diagnosis::Code::AlgorithmNotAllowed).assign(assignment("alice", 2));
    talk.registers("n2", 3600).then_bound();
}

// covers: B6
#[test]
fn trunks_spread_over_so_many_ports_and_each_stays_at_its_own_over_a_restart() {
    let sockets = ["192.0.2.10:5060", "192.0.2.10:5062", "192.0.2.10:5064", "[2001:db8::1]:5060", "192.0.2.10:5066"].map(socket).to_vec();
    let of = |user: &str| {
        let mut setup = registration(user).profile(|profile| profile.manners.source_ports = 3);
        setup.sockets.clone_from(&sockets);
        setup
    };
    let mut used = [0; 5];
    for n in 0..30 {
        let user = format!("user{n}");
        let mut first = talk(of(&user));
        first.registers("n", 3600);
        let at = first.request().local;
        used[usize::from(at.0)] += 1;
        let port = sockets[usize::from(at.0)].address.port();
        assert_eq!(first.request().contact().map(|(uri, _)| uri), Some(format!("sip:{user}@192.0.2.10:{port}")));
        let kept = first.endpoint.snapshot().remove(0);
        let mut again = talk(of(&user).resumed(kept, first.now + secs(5)));
        again.silent().between(secs(1795), secs(2695)).we_send("REGISTER");
        assert_eq!(again.request().local, at, "{user}");
    }
    assert!(used[..3].iter().all(|&trunks| trunks > 4) && used[3..] == [0, 0], "{used:?}");
}

// covers: B12
#[test]
fn where_there_is_room_for_one_contact_the_old_one_goes_first() {
    for says in [ok(), status(500, "Oops"), status(404, "Not Found")] {
        let mut talk = talk(registration("alice").profile(|profile| profile.manners.contact_replacement = ContactReplacement::Before));
        talk.registers("n1", 3600);
        let mut changed = assignment("alice", 2);
        changed.account.contact.user = Some("line7".into());
        talk.assign(changed).we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 0)).with(next_cseq()).they_say(says);
        talk.we_send("REGISTER").with(contact("sip:line7@192.0.2.10:5060", 3600)).with(next_cseq()).they_say(ok()).then_bound();
        talk.silent_for(secs(1700));
    }
}

// covers: B12
#[test]
fn an_old_contact_goes_in_the_same_request_or_by_its_instance_where_the_profile_says_so() {
    let moved = |replacement| {
        let mut talk = talk(registration("alice").profile(|profile| {
            profile.manners.contact_replacement = replacement;
            profile.manners.outbound = replacement == ContactReplacement::Instance;
        }));
        talk.registers("n1", 3600);
        let mut changed = assignment("alice", 2);
        changed.account.contact.user = Some("line7".into());
        talk.assign(changed).we_send("REGISTER").with(contact("sip:line7@192.0.2.10:5060", 3600));
        talk
    };
    let contacts = |talk: &Talk| talk.request().message().contacts().map(|contact| contact.unwrap().uri().to_owned()).collect::<Vec<_>>();
    let mut both = moved(ContactReplacement::SameRequest);
    assert_eq!(contacts(&both), ["sip:line7@192.0.2.10:5060", "sip:alice@192.0.2.10:5060"]);
    both.they_say(ok()).then_bound();
    let mut instance = moved(ContactReplacement::Instance);
    assert_eq!(contacts(&instance), ["sip:line7@192.0.2.10:5060"]);
    // Still listed by a registrar that goes by URIs; it lapses there.
    let listed = "<sip:alice@192.0.2.10:5060>;expires=3000, <sip:line7@192.0.2.10:5060>;expires=3600";
    instance.they_say(ok().listing_nothing().header("Contact", listed)).then_bound();
}

#[test]
fn a_contact_that_changed_while_nobody_ran_is_registered_at_once() {
    let mut first = talk(registration("alice"));
    first.registers("n1", 3600);
    let kept = first.endpoint.snapshot().remove(0);
    let setup = registration("alice").account(|account| account.contact.user = Some("line7".into()));
    let mut second = talk(setup.resumed(kept, first.now + secs(60)));
    second.at_once().we_send("REGISTER").with(contact("sip:line7@192.0.2.10:5060", 3600)).they_say(ok());
}

// covers: N5
#[test]
fn what_was_kept_before_the_public_address_was_kept_too_is_refreshed_when_due() {
    let rewritten = || registration("alice").profile(|profile| profile.manners.nat_rewrite = true);
    let mut first = talk(rewritten());
    let public = "203.0.113.5:41000";
    let answer = |talk: &mut Talk, says: Says| {
        let request = talk.request().clone();
        let bytes = says.write(&request, public.parse().unwrap());
        talk.receive(request.local, request.to, &bytes);
    };
    first.we_send("REGISTER");
    answer(&mut first, ok());
    first.we_send("REGISTER").with(contact(&format!("sip:alice@{public}"), 3600));
    answer(&mut first, ok());
    let kept = first.then_bound().endpoint.snapshot().remove(0);
    assert_eq!(kept.public, Some(public.parse().unwrap()));
    let mut second = talk(rewritten().resumed(Resume { public: None, ..kept }, first.now + secs(60)));
    second.then_bound().silent_for(secs(1700));
}

// covers: C17
#[test]
fn a_cseq_that_can_rise_no_more_begins_a_new_call_id_and_leaves_the_nonce_behind() {
    // RFC 3261 8.1.1.5 ends at 2**31; the jumps of F15 and B8 need room below.
    let most: u32 = (1 << 31) - 1_000_000;
    for (last, new) in [(most - 1, false), (most, true)] {
        let mut first = talk(registration("alice"));
        first.registers("n1", 3600);
        let kept = Resume { cseq: last, ..first.endpoint.snapshot().remove(0) };
        let call_id = kept.call_id.clone();
        let again = Setup { seed: 2, ..registration("alice") };
        let mut second = talk(again.resumed(kept, first.now + secs(60)));
        second.act("alice", Action::Refresh).we_send("REGISTER").with(cseq(if new { 1 } else { last + 1 }));
        assert_eq!((second.request().call_id() != *call_id, second.request().credentials().is_empty()), (new, new));
    }
}

#[test]
fn a_refresh_is_counted_and_neither_told_nor_saved_before_it_is_answered_whether_it_goes_the_short_way_or_the_long() {
    for long in [false, true] {
        let mut talk = talk(registration("alice").profile(|profile| profile.manners.nat_rewrite = long));
        talk.registers("n1", 3600);
        assert_eq!(talk.endpoint.counters().registers, 2);
        for refresh in 1..5 {
            talk.events.clear();
            talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(next_cseq());
            assert!(talk.events.is_empty(), "{:?}", talk.events);
            assert_eq!(talk.endpoint.counters().registers, 2 + refresh);
            talk.they_say(ok()).then_bound();
            assert_eq!(talk.status("alice").refreshes, refresh);
            let renewed = talk.take(|event| matches!(event, Event::Renewed(_)).then_some(())).len();
            assert_eq!((renewed, talk.events.len()), (1, 0), "{:?}", talk.events);
        }
    }
}

#[test]
fn a_refresh_on_the_terms_that_were_told_is_no_other_acceptance() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    assert_eq!(talk.accepted(), [1]);
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").they_say(challenge("n2").stale());
    talk.we_send("REGISTER").with(nonce("n2")).they_say(ok()).then_bound();
    assert!(talk.accepted().is_empty());
}
