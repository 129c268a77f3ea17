//! Client transactions (RFC 3261 17.1.2) and what they take for an answer (carriers.md F10, N4, N11).

use std::net::SocketAddr;

use sip::build::Builder;

use crate::support::*;

// covers: N4, RFC 3261 17.1.2
#[test]
fn an_unanswered_register_is_sent_again_by_timer_e_and_given_up_by_timer_f() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER");
    let start = talk.now;
    // 17.1.2.2: after T1, then twice as long each time, at most T2; nothing at or after 64 T1.
    for at in [500, 1500, 3500, 7500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500] {
        let pause = (start + ms(at)).since(talk.now);
        talk.between(pause - ms(2), pause + ms(12)).again();
    }
    assert_eq!(talk.endpoint.counters().retransmissions, 10);
    talk.after(ms(480)).then(ua::RegistrationState::Registering);
    talk.after(ms(40)).then(ua::RegistrationState::Unreachable).diagnosed(diagnosis::Code::Timeout);
}

// covers: F10, RFC 3261 17.1.2
#[test]
fn a_provisional_answer_slows_the_retransmissions_to_t2_and_moves_no_deadline() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").after(ms(100)).they_say(status(100, "Trying"));
    // 17.1.2.2: timer E that runs already is not reset; from then on it is T2.
    talk.between(ms(398), ms(404)).again();
    for _ in 0..7 {
        talk.between(ms(3998), ms(4006)).again();
    }
    talk.silent_for(ms(3000)).after(ms(600)).then(ua::RegistrationState::Unreachable);
}

// covers: F10, RFC 3261 17.1.2
#[test]
fn a_final_answer_ends_the_retransmissions_and_its_repetition_is_dropped() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let strangers = talk.endpoint.counters().strangers;
    talk.they_say(ok()).they_say(ok().expires(60));
    assert_eq!(talk.endpoint.counters().strangers, strangers + 2);
    talk.silent_for(secs(100)).then_bound();
    assert_eq!(talk.endpoint.counters().retransmissions, 0);
}

#[test]
fn a_repeated_challenge_does_not_answer_twice() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1")).they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).silent();
}

// covers: N11, F10, RFC 3261 17.1.3, RFC 3261 18.1.2
#[test]
fn an_answer_that_differs_in_branch_method_call_id_tag_or_cseq_is_a_strangers() {
    let mut talk = talk(registration("alice"));
    let request = talk.we_send("REGISTER").request().clone();
    let forge = |from: &str, to: &str| {
        let mut forged = request.clone();
        let text = request.text();
        assert!(text.contains(from), "{from} in {text}");
        forged.bytes = text.replace(from, to).into_bytes();
        forged
    };
    let branch = request.branch();
    let table = [
        forge(&branch, &format!("z9hG4bK{:032x}", 7)),
        forge(&branch, "z9hG4bK7"),
        forge("CSeq: 1 REGISTER", "CSeq: 1 OPTIONS"),
        forge("CSeq: 1 REGISTER", "CSeq: 2 REGISTER"),
        forge(&request.call_id(), "another"),
        forge(&request.tag(), "another"),
    ];
    for forged in &table {
        talk.answer(forged, ok(), request.to);
        talk.bound(false).silent();
    }
    assert_eq!(talk.endpoint.counters().strangers, table.len() as u64);
    talk.they_say(ok()).then_bound();
}

// covers: C17, N11
#[test]
fn a_cluster_may_answer_from_another_address_and_is_asked_again_at_its_own() {
    let mut talk = talk(registration("alice"));
    let elsewhere: SocketAddr = "198.51.100.77:5080".parse().unwrap();
    let request = talk.we_send("REGISTER").request().clone();
    talk.answer(&request, challenge("n1"), elsewhere);
    // carriers.md C17: the answer goes to the address that was asked.
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).with(nonce("n1"));
    let request = talk.request().clone();
    talk.answer(&request, ok(), elsewhere).then_bound();
    assert_eq!(talk.status("alice").registrar, Some(udp("198.51.100.1:5060")));
}

// covers: N11
#[test]
fn where_the_profile_wants_the_exact_source_another_address_is_a_stranger() {
    let mut talk = talk(registration("alice").profile(|profile| profile.response_source_exact = true));
    let request = talk.we_send("REGISTER").request().clone();
    talk.answer(&request, ok(), "198.51.100.77:5060".parse().unwrap()).bound(false);
    talk.they_say(ok()).then_bound();
}

// covers: RFC 3261 18.1.2
#[test]
fn what_is_no_sip_is_counted_and_dropped() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER");
    for bytes in [&b""[..], b"\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", &[0xff; 100], b"SIP/2.0 200 OK\r\n\r\n"] {
        talk.receive(ua::Local(0), "198.51.100.1:5060".parse().unwrap(), bytes);
    }
    assert_eq!(talk.endpoint.counters().strangers, 5);
    talk.silent().they_say(ok()).then_bound();
}

#[test]
fn the_round_trip_is_measured_only_where_nothing_was_sent_twice() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").after(ms(40)).they_say(challenge("n1"));
    talk.we_send("REGISTER").after(ms(60)).they_say(ok());
    assert_eq!(talk.status("alice").round_trip, Some(ms(60)));
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").between(ms(500), ms(502)).again().after(ms(10)).they_say(ok());
    assert_eq!(talk.status("alice").round_trip, Some(ms(60)));
}

// covers: F10
#[test]
fn a_late_200_to_our_own_register_still_binds() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER");
    let sent_at = talk.now;
    talk.after(secs(35)).bound(false).sent.clear();
    talk.they_say(ok()).bound(true).then(ua::RegistrationState::Registered).undiagnosed();
    assert_eq!(talk.status("alice").expires_at, Some(sent_at + secs(3600)), "counted from sending");
    talk.silent_for(secs(1700)).then_bound();
}

#[test]
fn a_late_refusal_is_nobodys() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").after(secs(35)).sent.clear();
    talk.they_say(status(403, "Forbidden")).then(ua::RegistrationState::RetryWait);
    assert!(talk.refused().is_empty());
}

#[test]
fn a_request_in_a_response_s_place_is_not_taken_for_an_answer() {
    let mut talk = talk(registration("alice"));
    let request = talk.we_send("REGISTER").request().clone();
    let bytes = Builder::request("REGISTER", "sip:alice@192.0.2.10").header("Via", request.header(sip::Name::Via).unwrap()).finish();
    talk.receive(ua::Local(0), request.to, &bytes).bound(false);
}

#[test]
fn a_refresh_that_is_not_answered_at_once_is_shown_and_is_no_other_state() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let since = talk.status("alice").since;
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").between(ms(498), ms(502)).again();
    talk.then(ua::RegistrationState::Refreshing).bound(true);
    assert_eq!(talk.status("alice").since, since);
    talk.they_say(ok()).then_bound();
}

// covers: RFC 3581 4, N5
#[test]
fn our_public_address_is_taken_from_as_much_as_the_via_tells() {
    for (received, rport, public) in [
        (true, true, Some("203.0.113.5:41000")),
        (false, true, Some("192.0.2.10:41000")),
        (true, false, Some("203.0.113.5:5060")),
        (false, false, None),
    ] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER");
        let request = talk.request().clone();
        let mut text = String::from_utf8(ok().write(&request, "203.0.113.5:41000".parse().unwrap())).unwrap();
        assert!(text.contains(";received=203.0.113.5") && text.contains(";rport=41000"), "{text}");
        if !received {
            text = text.replace(";received=203.0.113.5", "");
        }
        if !rport {
            text = text.replace(";rport=41000", ";rport");
        }
        talk.receive(request.local, request.to, text.as_bytes()).then_bound();
        assert_eq!(talk.status("alice").public_address, public.map(|address| address.parse().unwrap()));
    }
}

// covers: F10
#[test]
fn a_late_200_whose_grant_is_over_binds_nothing_and_one_to_a_refresh_goes_on_from_when_it_began() {
    let mut over = talk(registration("alice"));
    let first = over.we_send("REGISTER").request().clone();
    over.after(secs(35)).sent.clear();
    over.answer(&first, ok().expires(35), first.to).bound(false);
    let mut refreshed = talk(registration("alice"));
    refreshed.registers("n1", 3600);
    let began = refreshed.status("alice").registered_at;
    let late = refreshed.between(secs(1800), secs(2700)).we_send("REGISTER").request().clone();
    let sent_at = refreshed.now;
    refreshed.after(secs(32) + ms(100)).sent.clear();
    refreshed.answer(&late, ok().listing_nothing().header("Expires", "900"), late.to).then_bound();
    let status = refreshed.status("alice");
    assert_eq!((status.registered_at, status.expires_at), (began, Some(sent_at + secs(900))));
}

// covers: F10
#[test]
fn a_late_200_takes_no_try_back_that_is_on_and_no_newer_secret_out_of_the_queue() {
    let mut asking = talk(registration("alice"));
    let first = asking.we_send("REGISTER").request().clone();
    asking.after(secs(32) + ms(100)).sent.clear();
    let second = asking.between(secs(0), secs(60)).we_send("REGISTER").request().clone();
    asking.answer(&first, ok(), first.to).bound(true).about(second).they_say(challenge("n"));
    asking.we_send("REGISTER").with(nonce("n")).they_say(ok()).then_bound();

    let mut queued = talk(registration("alice").profile(|profile| profile.pacing.in_flight = 1));
    let first = queued.we_send("REGISTER").request().clone();
    queued.after(secs(32) + ms(100)).sent.clear();
    let bob = queued.assign(assignment("bob", 1)).we_send("REGISTER").request().clone();
    let mut renewed = assignment("alice", 2);
    renewed.active = Some(credential("alice", 2, "new"));
    queued.assign(renewed).silent().answer(&first, ok(), first.to).silent();
    assert!(queued.status("alice").bound);
    queued.about(bob).they_say(ok()).we_send("REGISTER").they_say(challenge("n"));
    queued.we_send("REGISTER").with(nonce("n").password("new")).they_say(ok());
    assert_eq!(queued.accepted(), [1, 2]);
}
