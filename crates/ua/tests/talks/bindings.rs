//! What a 2xx grants (carriers.md B1-B4a, B9).

use diagnosis::Code;
use ua::*;

use crate::support::*;

fn granted(says: Says) -> Talk {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(says);
    talk
}

fn listing(contacts: &str) -> Says {
    ok().listing_nothing().header("Contact", contacts)
}

// covers: B1, RFC 3261 10.2.1, RFC 3261 10.2.4
#[test]
fn the_granted_time_counts_from_sending_and_rules_over_what_was_asked() {
    for (says, seconds) in [
        (ok().expires(60), 60),
        (ok().expires(7200), 7200),
        (ok().expires(100).header("Expires", "900"), 100),
        (listing("<sip:alice@192.0.2.10:5060>").header("Expires", "900"), 900),
        (listing("<sip:alice@192.0.2.10:5060>"), 3600),
    ] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER");
        let sent_at = talk.now;
        talk.after(ms(400)).they_say(says).then_bound();
        assert_eq!(talk.status("alice").expires_at, Some(sent_at + secs(seconds)));
    }
}

// covers: B2
#[test]
fn ours_is_found_among_others_and_never_by_its_place() {
    let mut talk = granted(listing("<sip:desk@203.0.113.9>;expires=20, <sip:ALICE@192.0.2.10;ob>;expires=600"));
    talk.then_bound();
    assert_eq!(talk.status("alice").expires_at, Some(talk.now + secs(600)));
    assert!(!talk.status("alice").warnings.contains(&Code::ContactRewritten));
}

// covers: B2, N5
#[test]
fn a_contact_rewritten_by_nat_is_ours_and_warned_of() {
    let mut talk = granted(listing("<sip:alice@203.0.113.5:41000>;expires=600"));
    talk.then_bound();
    assert!(talk.status("alice").warnings.contains(&Code::ContactRewritten));
}

// covers: B3
#[test]
fn a_list_of_others_is_no_registration() {
    let mut talk = granted(listing("<sip:desk@203.0.113.9>;expires=3600, <sip:door@203.0.113.10>;expires=3600"));
    talk.silent().bound(false).diagnosed(Code::BindingMissing).then(RegistrationState::RetryWait);
    assert!(talk.refused().is_empty());
    talk.between(secs(30), secs(60)).we_send("REGISTER");
}

// covers: B3, B5
#[test]
fn a_refresh_that_lists_others_ends_the_binding() {
    let mut talk = granted(ok());
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").they_say(listing("<sip:desk@203.0.113.9>;expires=3600"));
    talk.bound(false).diagnosed(Code::BindingMissing);
    assert!(talk.saved("alice").binding.is_none(), "a restart must not believe in it");
}

// covers: B3a
#[test]
fn a_200_without_any_contact_is_believed_for_expires_or_five_minutes() {
    for (says, seconds) in [(status(200, "OK"), 300), (status(200, "OK").header("Expires", "120"), 120)] {
        let mut talk = granted(says);
        talk.then_bound();
        assert!(talk.status("alice").warnings.contains(&Code::BindingUnlisted));
        assert_eq!(talk.status("alice").expires_at, Some(talk.now + secs(seconds)));
    }
}

// covers: B4a
#[test]
fn a_grant_below_twenty_seconds_is_refreshed_every_ten_and_warned_of() {
    for seconds in [19, 11, 5, 1] {
        let mut talk = granted(ok().expires(seconds));
        talk.then_bound();
        assert!(talk.status("alice").warnings.contains(&Code::IntervalUnsustainable));
        talk.between(secs(10), secs(10)).we_send("REGISTER").they_say(ok().expires(seconds));
        talk.then_bound();
    }
}

// covers: B4a
#[test]
fn a_grant_of_nothing_is_a_failure_with_back_off() {
    let mut talk = granted(ok().expires(0));
    talk.silent().bound(false).diagnosed(Code::BindingMissing).then(RegistrationState::RetryWait);
    talk.between(secs(30), secs(60)).we_send("REGISTER");
}

// covers: B1
#[test]
fn a_grant_of_a_hundred_years_does_no_harm() {
    let mut talk = granted(ok().expires(u32::MAX));
    talk.then_bound().silent_for(secs(100_000)).then_bound();
}

// covers: B2
#[test]
fn our_own_contact_parameter_finds_ours_where_all_else_was_rewritten() {
    let mut setup = registration("alice").account(|account| account.contact.params = Some("tk=a7".into()));
    setup.assignment.account.contact.user = Some("alice".into());
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(listing("<sip:x@203.0.113.1:9;tk=zz>;expires=20, <sip:y@203.0.113.1:9;tk=a7>;expires=600"));
    talk.then_bound();
    assert_eq!(talk.status("alice").expires_at, Some(talk.now + secs(600)));
}

// covers: B9, RFC 3608 6.1, RFC 3327 5.1
#[test]
fn service_route_and_path_are_no_route_of_a_register_and_what_is_kept_is_bounded() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n"));
    let says =
        ok().header("Service-Route", "<sip:orig@s.test;lr>").header("Path", "<sip:p.test;lr>").header("P-Associated-URI", "<tel:+1>");
    talk.we_send("REGISTER").they_say(says).then_bound();
    let routes = talk.status("alice").routes.clone().expect("routes");
    assert_eq!((routes.service, routes.associated), (vec!["<sip:orig@s.test;lr>".to_owned()], vec!["<tel:+1>".to_owned()]));
    talk.between(secs(1800), secs(2700)).we_send("REGISTER");
    assert!(talk.request().header(sip::Name::Route).is_none());
    let long = format!("<sip:{}@s.test;lr>", "x".repeat(600));
    let says = (0..20).fold(ok().header("Service-Route", &long), |says, n| says.header("Service-Route", &format!("<sip:{n}.test;lr>")));
    talk.they_say(says).then_bound();
    assert_eq!(talk.status("alice").routes.as_ref().expect("routes").service.len(), 7, "eight lines are looked at, one is too long");
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").they_say(ok()).then_bound();
    assert_eq!(talk.status("alice").routes, None);
}

// covers: B5, B6
#[test]
fn where_there_is_room_for_one_another_s_contact_beside_ours_is_told_once() {
    let contested = |talk: &mut Talk| {
        talk.take(|event| match event {
            Event::BindingContested { listed, .. } => Some(listed.clone()),
            _ => None,
        })
    };
    let both = || listing("<sip:alice@192.0.2.10:5060>;expires=3600, <sip:desk@203.0.113.9>;expires=3600");
    for limit in [Some(1), Some(2), None] {
        let mut talk = talk(registration("alice").profile(|profile| profile.manners.binding_limit = limit));
        talk.we_send("REGISTER").they_say(ok()).then_bound();
        for refresh in 0..2 {
            talk.between(secs(1800), secs(2700)).we_send("REGISTER").they_say(both()).then_bound();
            let told = usize::from(limit == Some(1) && refresh == 0);
            assert_eq!(contested(&mut talk).len(), told, "{limit:?} {refresh}");
            assert_eq!(talk.status("alice").warnings.contains(&Code::BindingContested), limit == Some(1));
        }
    }
    // The one that is listed may be ours, as a NAT shows it.
    let mut talk = talk(registration("alice").profile(|profile| profile.manners.binding_limit = Some(1)));
    talk.we_send("REGISTER").they_say(listing("<sip:alice@203.0.113.5:41000>;expires=3600")).then_bound();
    assert!(contested(&mut talk).is_empty());
}

#[test]
fn a_carrier_that_wants_few_refreshes_gets_them_as_late_as_the_binding_allows() {
    for (granted, wish, low, high) in [(3600, 2400, 2400, 2700), (3600, 10_000, 2700, 2700), (60, 40, 40, 40), (60, 3600, 45, 45)] {
        let mut talk = talk(registration("alice").profile(|profile| profile.manners.min_refresh = secs(wish)));
        talk.we_send("REGISTER").they_say(ok().expires(granted)).then_bound();
        talk.between(secs(low), secs(high)).we_send("REGISTER").they_say(ok().expires(granted)).then_bound();
    }
}

// covers: N5
#[test]
fn where_the_carrier_sees_another_port_each_time_the_next_refresh_is_soon_enough() {
    let mut talk = talk(registration("alice").profile(|profile| profile.manners.nat_rewrite = true));
    let answer = |talk: &mut Talk, seen: &str| {
        let request = talk.request().clone();
        let bytes = ok().write(&request, seen.parse().unwrap());
        talk.receive(request.local, request.to, &bytes);
    };
    talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", 3600));
    answer(&mut talk, "203.0.113.5:41000");
    talk.we_send("REGISTER").with(contact("sip:alice@203.0.113.5:41000", 3600));
    answer(&mut talk, "203.0.113.5:41001");
    talk.then_bound().between(secs(1800), secs(2700)).we_send("REGISTER").with(contact("sip:alice@203.0.113.5:41001", 3600));
    // Where it sees what we say, there is nothing to rewrite.
    let mut plain = crate::support::talk(registration("alice").profile(|profile| profile.manners.nat_rewrite = true));
    plain.we_send("REGISTER").they_say(ok()).then_bound().silent_for(secs(1700));
}

// covers: RFC 5626 4.1
#[test]
fn what_carries_our_instance_is_ours_where_it_was_sent_along_and_nowhere_else() {
    let outbound = || registration("alice").profile(|profile| profile.manners.outbound = true);
    let two = |instance: &str| {
        let ours = format!("<sip:alice@203.0.113.2:9>;{instance};reg-id=1;expires=600");
        listing(&format!("<sip:alice@203.0.113.1:9>;expires=20, {ours}"))
    };
    let mut known = talk(outbound());
    let text = known.we_send("REGISTER").request().text();
    let instance = text.split(';').find(|part| part.starts_with("+sip.instance")).expect("an instance").to_owned();
    known.they_say(two(&instance)).then_bound();
    assert_eq!(known.status("alice").expires_at, Some(known.now + secs(600)));
    let mut refused = talk(outbound());
    refused.we_send("REGISTER").they_say(status(420, "Bad Extension").header("Unsupported", "outbound"));
    refused.we_send("REGISTER").they_say(two(&instance)).bound(false).diagnosed(Code::BindingMissing);
    let mut without = talk(registration("alice"));
    without.we_send("REGISTER").they_say(two(&instance)).bound(false).diagnosed(Code::BindingMissing);
}
