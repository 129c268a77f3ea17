//! Names and next hops (carriers.md F6, F7, N1, N2, N12).

use std::net::IpAddr;

use diagnosis::Code;
use ua::*;

use crate::support::*;

fn two() -> Setup {
    registration("alice").registrars(&["sip:a.test", "sip:b.test"])
}

// covers: F6, RFC 3263 4.3
#[test]
fn the_next_target_is_asked_at_once_with_a_higher_cseq() {
    for (says, _) in [(status(503, "Busy"), 0), (status(408, "Timeout"), 0)] {
        let mut talk = talk(two());
        talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(says);
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(next_cseq()).they_say(challenge("n"));
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
        assert_eq!(talk.status("alice").registrar, Some("198.51.100.2:5060".parse().unwrap()));
    }
}

// covers: N1, F6
#[test]
fn silence_leads_to_the_next_target_within_the_attempt() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").after(secs(32) + ms(5));
    let last = talk.sent.pop_back().unwrap();
    talk.sent.clear();
    assert_eq!(last.to, "198.51.100.2:5060".parse().unwrap());
    talk.about(last).they_say(ok()).then_bound();
}

// covers: F6, RFC 3261 18.4
#[test]
fn an_unreachable_port_leads_to_the_next_target() {
    let mut talk = talk(two());
    talk.we_send("REGISTER");
    let to_first = talk.request().to;
    talk.input(Input::SendFailed { local: Local(0), to: to_first, fault: SendFault::Refused });
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
}

#[test]
fn no_other_target_is_asked_after_a_refusal_that_is_no_fault_of_its_own() {
    for code in [403, 404, 480, 500, 600, 603] {
        let mut talk = talk(two());
        talk.we_send("REGISTER").they_say(status(code, "No")).silent();
    }
}

#[test]
fn when_all_targets_fail_it_waits() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.silent().then(RegistrationState::RetryWait).diagnosed(Code::CarrierUnavailable).between(secs(30), secs(60)).we_send("REGISTER");
}

// covers: F7
#[test]
fn retry_after_keeps_a_target_last_and_the_others_are_tried() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").they_say(status(503, "Busy").header("Retry-After", "1000"));
    talk.we_send("REGISTER").they_say(ok().expires(600)).then_bound();
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok().expires(600));
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok().expires(600));
    // Its time is over: back to the first.
    talk.between(secs(300), secs(450)).we_send("REGISTER").they_say(ok().expires(600));
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.1:5060"));
}

// covers: N2
#[test]
fn a_name_that_leads_nowhere_is_said_and_looked_up_again() {
    let mut talk = talk(registration("alice").host("carrier.test", Err(ResolveFault::Failed("NXDOMAIN".into()))));
    talk.silent().diagnosed(Code::DnsFailed).then(RegistrationState::Unreachable);
    assert!(talk.status("alice").diagnosis.as_ref().unwrap().summary.contains("NXDOMAIN"));
    talk.hosts.insert("carrier.test".into(), Ok(vec!["198.51.100.1:5060".parse().unwrap()]));
    talk.between(secs(30), secs(60)).we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: N12
#[test]
fn a_forbidden_address_a_forbidden_port_and_a_missing_family_have_their_codes() {
    let private: IpAddr = "10.0.0.1".parse().unwrap();
    for (fault, code) in [
        (ResolveFault::Forbidden(private), Code::TargetForbidden),
        (ResolveFault::ForbiddenPort(22), Code::PortForbidden),
        (ResolveFault::NoSocket("2001:db8::1".parse().unwrap()), Code::FamilyUnsupported),
    ] {
        let mut talk = talk(registration("alice").host("carrier.test", Err(fault)));
        talk.silent().diagnosed(code);
    }
    let mut talk = talk(registration("alice").host("carrier.test", Ok(&["[2001:db8::1]:5060"])));
    talk.silent().diagnosed(Code::FamilyUnsupported);
}

#[test]
fn an_address_of_a_family_without_a_socket_is_passed_over() {
    let mut talk = talk(registration("alice").host("carrier.test", Ok(&["[2001:db8::1]:5060", "198.51.100.1:5060"])));
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(ok()).then_bound();
}

// covers: N2
#[test]
fn the_last_good_address_is_kept_while_its_name_does_not_resolve() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 7200);
    talk.hosts.insert("carrier.test".into(), Err(ResolveFault::Failed("SERVFAIL".into())));
    talk.between(secs(3600), secs(5400)).we_send("REGISTER").they_say(ok()).then_bound();
    talk.between(secs(1800), secs(5400)).we_send("REGISTER").they_say(ok()).then_bound();
}

#[test]
fn an_ipv6_registrar_is_asked_from_the_ipv6_socket() {
    let mut setup = registration("alice").registrars(&["sip:[2001:db8::1]:5070"]);
    setup.sockets.push(socket("[2001:db8::10]:5060"));
    let mut talk = talk(setup);
    talk.we_send("REGISTER").with(to("[2001:db8::1]:5070")).with(contact("sip:alice@[2001:db8::10]:5060", 3600)).they_say(ok());
    talk.then_bound();
}

#[test]
fn an_outbound_proxy_is_the_first_hop_and_a_preloaded_route() {
    let mut talk = talk(registration("alice").profile(|profile| profile.outbound_proxy = Some("sip:b.test".into())));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(|sent: &Sent| {
        assert_eq!(sent.header(sip::Name::Route).as_deref(), Some("<sip:b.test;lr>"));
        assert_eq!(sent.uri(), "sip:carrier.test");
    });
}

#[test]
fn a_name_server_that_does_not_answer_keeps_it_waiting_and_no_more() {
    let mut talk = talk(registration("alice").host("carrier.test", Ok(&[])));
    talk.silent_for(secs(100)).then(RegistrationState::Pending);
}
