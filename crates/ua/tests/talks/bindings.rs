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
