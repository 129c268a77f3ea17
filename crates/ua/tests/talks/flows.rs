//! Registrations over TCP, TLS and WebSockets.

use diagnosis::Code;
use sip::Name;
use ua::*;

use crate::support::*;

fn over(transport: &str) -> Setup {
    registration("alice").registrars(&[&format!("sip:198.51.100.1;transport={transport}")])
}

/// A verification of alice at the same carrier.
fn order_over(transport: &str, password: &str) -> VerifyOrder {
    VerifyOrder { profile: over(transport).profile, ..order("v1", "alice", password) }
}

/// Registers over a connection that opens.
fn registered(setup: Setup) -> Talk {
    let mut talk = talk(setup);
    talk.opens().registers("n1", 600).then_bound();
    talk
}

#[test]
fn a_registration_goes_over_a_connection_that_names_its_transport_everywhere() {
    for (name, transport, port) in
        [("tcp", Transport::Tcp, 5060), ("tls", Transport::Tls, 5061), ("ws", Transport::Ws, 80), ("wss", Transport::Wss, 443)]
    {
        let mut talk = talk(over(name));
        let dial = talk.dialled().clone();
        assert_eq!((dial.transport, dial.to.port(), &*dial.name), (transport, port, "198.51.100.1"));
        talk.opens().we_send("REGISTER");
        let request = talk.request().clone();
        assert_eq!(request.flow, Some(dial.flow));
        let via = request.header(Name::Via).unwrap();
        assert!(via.starts_with(&format!("SIP/2.0/{transport} 192.0.2.10:5060;")), "{via}");
        assert_eq!(request.contact().unwrap().0, format!("sip:alice@192.0.2.10:5060;transport={name}"));
        talk.they_say(challenge("n1")).we_send("REGISTER").with(nonce("n1")).they_say(ok().expires(600)).then_bound();
        assert_eq!(talk.status("alice").registrar, Some(Place { transport, address: dial.to }));
        assert_eq!(talk.dials.len(), 1);
    }
}

// covers: RFC 3261 17.1.2.2
#[test]
fn what_is_sent_on_a_connection_is_not_sent_again_and_is_given_up_by_timer_f() {
    let mut talk = talk(over("tcp"));
    talk.opens().we_send("REGISTER");
    talk.silent_for(secs(31));
    talk.after(secs(2)).diagnosed(Code::Timeout);
}

// covers: N7
#[test]
fn registrations_share_a_connection_until_it_has_a_thousand_seats() {
    let mut talk = talk(over("tcp"));
    talk.opens();
    for n in 0..1_000 {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    talk.after(secs(1));
    assert_eq!(talk.dials.len(), 2, "the thousand and first has another");
    assert_eq!(talk.sent.iter().filter(|sent| sent.flow == Some(talk.dials[0].flow)).count(), 1_000);
}

// covers: N7
#[test]
fn when_a_connection_ends_what_is_bound_to_it_is_renewed_nearest_lapse_first_and_paced_and_others_wait() {
    let mut setup = over("tcp").profile(|profile| {
        profile.manners.outbound = true;
        profile.pacing.in_flight = 1;
    });
    setup.assignment.account.expires = 3_600;
    let mut talk = talk(setup);
    talk.opens().we_send("REGISTER").they_say(ok().expires(3_600).header("Require", "outbound"));
    for (user, expires) in [("bob", 900), ("carol", 1_800)] {
        talk.assign(assignment(user, 1)).after(secs(2)).we_send("REGISTER").they_say(ok().expires(expires));
    }
    let flow = talk.dialled().flow;
    talk.after(secs(5)).ends(flow, FlowFault::Closed);
    assert_eq!(talk.dials.len(), 2);
    talk.opens();
    for user in ["bob", "carol", "alice"] {
        talk.we_send("REGISTER").silent();
        assert!(talk.request().text().contains(&format!("<sip:{user}@carrier.test>")), "{}", talk.request().text());
        talk.they_say(ok().expires(900));
    }
    // Without RFC 5626 the Contact can be reached without us: the refresh is soon enough.
    let mut plain = registered(over("tcp"));
    let flow = plain.dialled().flow;
    plain.ends(flow, FlowFault::Reset).silent().between(secs(300), secs(450)).we_send("REGISTER");
    assert_eq!(plain.dials.len(), 2);
}

// covers: N7
#[test]
fn a_refresh_that_a_dying_connection_swallowed_goes_once_more_on_a_fresh_one() {
    let mut talk = registered(over("tcp"));
    talk.between(secs(300), secs(450)).we_send("REGISTER");
    let (old, cseq) = (talk.request().flow.unwrap(), talk.request().cseq());
    talk.ends(old, FlowFault::Reset).we_send("REGISTER");
    assert!(talk.request().flow > Some(old) && talk.request().cseq() > cseq);
    // The nonce went with its connection.
    talk.with(no_digest()).they_say(challenge("n2")).we_send("REGISTER").with(nonce("n2")).they_say(ok().expires(600)).then_bound();
}

#[test]
fn a_connection_that_ends_with_an_unproven_digest_on_it_costs_no_second_one() {
    let mut talk = talk(over("tcp"));
    talk.opens().we_send("REGISTER").they_say(challenge("n1")).we_send("REGISTER").with(nonce("n1"));
    let flow = talk.dialled().flow;
    talk.ends(flow, FlowFault::Closed).silent().diagnosed(Code::ConnectionLost);
}

#[test]
fn what_keeps_a_connection_from_opening_is_told_by_its_own_code() {
    let tls = |fault| FlowFault::Tls(fault);
    for (fault, code) in [
        (FlowFault::Refused, Code::Refused),
        (FlowFault::Unreachable, Code::Unreachable),
        (FlowFault::Timeout, Code::Timeout),
        (FlowFault::Forbidden, Code::TargetForbidden),
        (FlowFault::Closed, Code::ConnectionLost),
        (FlowFault::WebSocket("HTTP 404".into()), Code::WebSocketRefused),
        (tls(TlsFault::Name { presented: vec!["other.test".into()], wildcard: false }), Code::TlsNameMismatch),
        (tls(TlsFault::Expired("it expired".into())), Code::TlsCertificateExpired),
        (tls(TlsFault::Untrusted("its issuer is unknown".into())), Code::TlsCertificateUntrusted),
        (tls(TlsFault::ClientCertificate("alert: certificate required".into())), Code::TlsClientCertificateRequired),
        (tls(TlsFault::Handshake("no version in common".into())), Code::TlsHandshakeFailed),
    ] {
        let mut talk = talk(over("tls"));
        talk.sent.clear();
        let flow = talk.dialled().flow;
        talk.ends(flow, fault.clone()).diagnosed(code);
        talk.verify(order_over("tls", "another"));
        talk.sent.clear();
        let flow = talk.dialled().flow;
        assert_eq!(talk.ends(flow, fault).refusal().code, code);
    }
}

// covers: N9
#[test]
fn a_403_on_an_old_connection_is_asked_once_more_on_a_fresh_one() {
    let mut talk = registered(over("tls"));
    let old = talk.dialled().flow;
    talk.between(secs(300), secs(450)).we_send("REGISTER").they_say(status(403, "Forbidden"));
    // First without the remembered nonce (C12), as anywhere.
    talk.we_send("REGISTER").with(no_digest()).they_say(status(403, "Forbidden"));
    talk.we_send("REGISTER").with(no_digest());
    assert!(talk.request().flow > Some(old));
    talk.they_say(challenge("n2")).we_send("REGISTER").with(nonce("n2")).they_say(ok().expires(600)).then_bound();
}

// covers: N9
#[test]
fn after_a_refusal_the_next_try_has_a_connection_of_its_own() {
    let mut talk = talk(over("tls"));
    talk.opens().we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").they_say(status(404, "Not Found")).silent();
    let refused_on = talk.dialled().flow;
    talk.act("alice", Action::Refresh).we_send("REGISTER");
    assert!(talk.request().flow > Some(refused_on));
    // Who was not refused stays.
    talk.opens().assign(assignment("bob", 1)).we_send("REGISTER");
    assert_eq!(talk.dials.len(), 2);
}

// covers: N9
#[test]
fn a_verification_has_a_connection_of_its_own_which_is_closed_when_it_ends() {
    let mut talk = registered(over("tls"));
    let shared = talk.dialled().flow;
    talk.verify(order_over("tls", "secret of alice")).opens();
    talk.we_send("OPTIONS").we_send("REGISTER");
    let own = talk.request().flow.unwrap();
    assert_ne!(own, shared);
    talk.they_say(challenge("n7")).we_send("REGISTER").with(nonce("n7")).they_say(ok());
    assert_eq!(talk.closes, [own]);
}

#[test]
fn over_a_connection_the_evidence_names_its_own_end() {
    let mut talk = registered(over("tls"));
    talk.verify(order_over("tls", "secret of alice")).opens();
    talk.we_send("OPTIONS").they_say(ok()).we_send("REGISTER").they_say(challenge("n7"));
    talk.we_send("REGISTER").they_say(status(403, "Forbidden"));
    assert_eq!(talk.refusal().evidence.source_address.as_deref(), Some("192.0.2.10:40000"));
}

// covers: N6
#[test]
fn a_request_that_is_too_large_for_a_datagram_goes_over_tcp_to_the_same_address() {
    let large = || {
        registration("alice")
            .account(|account| account.extra_headers = (0..12).map(|n| (format!("X-Padding-{n}").into(), "x".repeat(90).into())).collect())
    };
    let mut talk = talk(large());
    let dial = talk.dialled().clone();
    assert_eq!((dial.transport, dial.to), (Transport::Tcp, "198.51.100.1:5060".parse().unwrap()));
    talk.opens().we_send("REGISTER");
    assert!(talk.request().bytes.len() > 1_300 && talk.request().flow.is_some());
    assert!(talk.request().header(Name::Via).unwrap().starts_with("SIP/2.0/TCP "));
    assert_eq!(talk.request().contact().unwrap().0, "sip:alice@192.0.2.10:5060", "calls may come by datagrams as before");
    talk.they_say(challenge("n1")).we_send("REGISTER").with(nonce("n1")).they_say(ok().expires(600)).then_bound();
    assert_eq!(talk.dials.len(), 1);
    // Where TCP is refused it goes as a datagram all the same, and CSeq rises.
    let mut refused = crate::support::talk(large());
    refused.we_send("REGISTER");
    let (flow, first) = (refused.dialled().flow, refused.request().cseq());
    refused.ends(flow, FlowFault::Refused).we_send("REGISTER");
    assert!(refused.request().flow.is_none() && refused.request().cseq() > first);
    assert!(refused.request().header(Name::Via).unwrap().starts_with("SIP/2.0/UDP "));
    refused.they_say(challenge("n1")).we_send("REGISTER").with(nonce("n1")).they_say(ok().expires(600)).then_bound();
    // A profile that excludes TCP is heeded.
    let mut udp_only = crate::support::talk(large().profile(|profile| profile.transports = vec![Transport::Udp]));
    udp_only.we_send("REGISTER");
    assert!(udp_only.request().flow.is_none() && udp_only.dials.is_empty());
}

// covers: RFC 5626 4.4
#[test]
fn a_connection_is_kept_alive_as_its_flow_timer_says_and_given_up_ten_seconds_after_a_ping_without_pong() {
    let mut talk = talk(over("tcp").profile(|profile| profile.manners.outbound = true));
    talk.opens().we_send("REGISTER").they_say(ok().expires(3_600).header("Require", "outbound").header("Flow-Timer", "100"));
    let flow = talk.dialled().flow;
    let opened = talk.now;
    talk.after(secs(79));
    assert!(talk.pings.is_empty());
    while talk.pings.is_empty() && talk.now.since(opened) < secs(200) {
        talk.after(secs(1));
    }
    let pinged = talk.pings[0].0;
    assert!((secs(80)..=secs(101)).contains(&pinged.since(opened)), "{:?}", pinged.since(opened));
    talk.input(Input::Pong { flow });
    for _ in 0..200 {
        if talk.closes.is_empty() {
            talk.after(secs(1));
        }
    }
    assert_eq!((talk.pings.len(), &*talk.closes), (2, &[flow][..]));
    assert!((secs(10)..=secs(12)).contains(&talk.now.since(talk.pings[1].0)), "the second was not answered");
    // RFC 5626 4.4.1 and N7: renewed on another.
    assert_eq!(talk.dials.len(), 2);
    talk.opens().we_send("REGISTER").they_say(ok().expires(3_600).header("Flow-Timer", "100"));
}

// covers: RFC 5626 4.4
#[test]
fn a_ping_without_pong_is_remembered_over_the_next_one() {
    // A Flow-Timer so short that the next ping goes before the answer to this one is given up.
    let mut talk = talk(over("tcp").profile(|profile| profile.manners.outbound = true));
    talk.opens().we_send("REGISTER").they_say(ok().expires(3_600).header("Require", "outbound").header("Flow-Timer", "10"));
    let flow = talk.dialled().flow;
    for _ in 0..60 {
        if talk.closes.is_empty() {
            talk.after(secs(1));
        }
    }
    assert_eq!(talk.closes, [flow]);
    assert!((secs(10)..=secs(12)).contains(&talk.now.since(talk.pings[0].0)), "the first was not answered");
}

// covers: RFC 5626 4.4
#[test]
fn a_ping_of_before_the_flow_timer_need_not_have_been_answered() {
    let mut talk = registered(over("tcp"));
    talk.between(secs(300), secs(450)).we_send("REGISTER");
    assert!(!talk.pings.is_empty());
    talk.they_say(ok().expires(600).header("Flow-Timer", "100")).after(secs(30));
    assert!(talk.closes.is_empty());
}

#[test]
fn who_never_answers_pings_and_never_said_so_is_not_dead() {
    let mut talk = registered(over("tcp"));
    talk.after(secs(250));
    assert!(talk.pings.len() >= 2 && talk.closes.is_empty());
}

#[test]
fn a_connection_that_nobody_uses_any_more_is_closed() {
    let mut talk = registered(over("tcp"));
    let flow = talk.dialled().flow;
    assert_eq!(talk.endpoint.counters().flows, 1);
    talk.withdraw("alice", Withdrawal::Unregister).we_send("REGISTER").with(removal()).they_say(ok());
    talk.after(secs(200));
    assert_eq!(talk.closes, [flow]);
    assert_eq!(talk.endpoint.counters().flows, 0);
}

#[test]
fn an_answer_on_another_connection_or_by_datagram_is_a_strangers() {
    let mut talk = talk(over("tcp"));
    talk.opens().we_send("REGISTER");
    let request = talk.request().clone();
    let bytes = ok().expires(600).write(&request, "192.0.2.10:5060".parse().unwrap());
    talk.receive(request.local, request.to, &bytes).bound(false);
    talk.input(Input::Message { flow: Flow(77), bytes: &bytes }).bound(false);
    talk.input(Input::Message { flow: request.flow.unwrap(), bytes: &bytes }).bound(true);
}

#[test]
fn a_request_on_a_connection_is_answered_on_it() {
    let mut talk = registered(over("tcp"));
    let flow = talk.dialled().flow;
    let options = b"OPTIONS sip:alice@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/TCP 198.51.100.1;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
        From: <sip:carrier.test>;tag=1\r\nTo: <sip:alice@192.0.2.10>\r\nCall-ID: c1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
    talk.input(Input::Message { flow, bytes: options }).we_send("200");
    assert_eq!(talk.request().flow, Some(flow));
}

#[test]
fn options_pings_share_the_connection_of_their_target() {
    let mut talk = talk(over("tcp").pinged(30));
    talk.opens().we_send("REGISTER").they_say(ok().expires(600));
    talk.between(ms(0), secs(1)).we_send("OPTIONS").they_say(ok());
    assert_eq!(talk.dials.len(), 1);
}

#[test]
fn a_stream_binding_outlives_a_restart_and_is_refreshed_when_due() {
    let talk = registered(over("tls"));
    let saved = talk.saved("alice").clone();
    assert_eq!(saved.binding.as_ref().unwrap().registrar.transport, Transport::Tls);
    let mut again = crate::support::talk(over("tls").resumed(Resume { clean: true, ..saved }, talk.now));
    again.silent().bound(true);
    assert!(again.dials.is_empty());
    again.between(secs(290), secs(450)).we_send("REGISTER");
    assert_eq!(again.dials.len(), 1);
}

// covers: N9
#[test]
fn what_is_sent_again_after_a_lost_connection_is_what_an_old_one_swallowed_and_carried_no_unproven_digest() {
    // Its own, opened for this very request: the carrier closes on us, and a second one would fare no better.
    let mut own = talk(over("tcp"));
    own.opens().we_send("REGISTER");
    let flow = own.dialled().flow;
    own.ends(flow, FlowFault::Closed).silent().diagnosed(Code::ConnectionLost);
    // An old one, and a trunk of which nothing is proven: without a digest there is nothing to lose.
    let newcomer = || {
        let mut talk = registered(over("tcp"));
        talk.after(secs(10)).assign(assignment("bob", 1)).we_send("REGISTER").with(no_digest());
        talk
    };
    let mut plain = newcomer();
    let old = plain.request().flow.unwrap();
    plain.ends(old, FlowFault::Closed).we_send("REGISTER");
    assert!(plain.request().flow > Some(old));
    // With one, a second try might be the second failed digest.
    let mut digest = newcomer();
    digest.they_say(challenge("b")).we_send("REGISTER").with(nonce("b"));
    let old = digest.request().flow.unwrap();
    digest.ends(old, FlowFault::Closed).silent();
    assert_eq!(digest.status("bob").diagnosis.as_ref().unwrap().code, Code::ConnectionLost);
}

// covers: N6
#[test]
fn what_the_path_does_not_carry_goes_over_tcp_only_where_the_profile_allows_it() {
    let mut talk = talk(registration("alice").profile(|profile| profile.transports = vec![Transport::Udp]));
    talk.we_send("REGISTER");
    let (local, to) = (talk.request().local, talk.request().to);
    talk.input(Input::SendFailed { local, to, fault: SendFault::TooLarge }).silent().diagnosed(Code::RequestTooLarge);
    assert!(talk.dials.is_empty());
}

// covers: N9
#[test]
fn a_403_is_asked_again_only_where_an_old_connection_may_be_what_is_refused_and_no_unproven_digest_was() {
    let never = || over("tls").profile(|profile| profile.nonce_reuse = NonceReuse::Never);
    // Its own connection, opened for this request.
    let mut own = talk(never());
    own.opens().we_send("REGISTER").they_say(status(403, "Forbidden")).silent();
    // Another refusal.
    let mut other = registered(never());
    other.between(secs(300), secs(450)).we_send("REGISTER").they_say(status(404, "Not Found")).silent();
    // A digest that was accepted before, refused now.
    let mut proven = registered(never());
    let old = proven.dialled().flow;
    proven.between(secs(300), secs(450)).we_send("REGISTER").they_say(challenge("n2"));
    proven.we_send("REGISTER").with(nonce("n2")).they_say(status(403, "Forbidden"));
    proven.we_send("REGISTER").with(no_digest());
    assert!(proven.request().flow > Some(old));
    proven.they_say(status(403, "Forbidden")).silent();
    // A trunk of which nothing is proven: without a digest it is worth a try, with one it is a failed digest.
    let newcomer = || {
        let mut talk = registered(never());
        talk.after(secs(10)).assign(assignment("bob", 1)).we_send("REGISTER");
        talk
    };
    let mut plain = newcomer();
    let old = plain.request().flow.unwrap();
    plain.they_say(status(403, "Forbidden")).we_send("REGISTER").with(no_digest());
    assert!(plain.request().flow > Some(old));
    let mut digest = newcomer();
    digest.they_say(challenge("b")).we_send("REGISTER").with(nonce("b")).they_say(status(403, "Forbidden")).silent();
    assert_eq!(digest.refused(), [(1, true, false, Code::ForbiddenAfterAuth)]);
}

// covers: N6, RFC 3261 18.1.1
#[test]
fn thirteen_hundred_bytes_go_as_a_datagram_and_one_more_does_not() {
    let padded = |length: usize| {
        registration("alice").account(|account| account.extra_headers = vec![("X-Padding".into(), "x".repeat(length).into())])
    };
    let plain = talk(padded(10)).we_send("REGISTER").request().bytes.len();
    for (size, datagram) in [(1_300, true), (1_301, false)] {
        let mut talk = talk(padded(size - plain + 10));
        talk.we_send("REGISTER");
        assert_eq!((talk.request().bytes.len(), talk.request().flow.is_none()), (size, datagram));
        talk.they_say(ok());
        talk.verify(VerifyOrder { account: padded(size - plain + 10).assignment.account, ..order("v", "alice", "new") });
        talk.we_send("OPTIONS").we_send("REGISTER");
        // A query has neither Contact nor Expires.
        assert!(talk.request().bytes.len() < 1_300 && talk.request().flow.is_none());
    }
}

// covers: N6
#[test]
fn a_verification_that_the_path_does_not_carry_goes_over_tcp_and_back_where_that_is_refused() {
    let fails = |talk: &mut Talk| {
        let (local, to) = (talk.request().local, talk.request().to);
        talk.input(Input::SendFailed { local, to, fault: SendFault::TooLarge });
    };
    let mut talk = registered(over("tcp"));
    talk.verify(order("v", "alice", "new"));
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER");
    assert!(talk.request().flow.is_none());
    fails(&mut talk);
    talk.we_send("REGISTER");
    let flow = talk.request().flow.expect("over TCP");
    talk.ends(flow, FlowFault::Refused).we_send("REGISTER");
    assert!(talk.request().flow.is_none());
    fails(&mut talk);
    assert_eq!(talk.silent().refusal().code, Code::RequestTooLarge);
    let mut udp_only = order("w", "alice", "new");
    udp_only.profile.transports = vec![Transport::Udp];
    talk.verify(udp_only).we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER");
    fails(&mut talk);
    assert_eq!(talk.silent().refusal().code, Code::RequestTooLarge);
}

// covers: N6, RFC 3261 18.1.1
#[test]
fn a_verification_of_more_than_thirteen_hundred_bytes_goes_over_tcp() {
    let padded = |length: usize| {
        let mut order = order("v", "alice", "new");
        order.account.extra_headers = vec![("X-Padding".into(), "x".repeat(length).into())];
        order
    };
    let asks = |length: usize| {
        let mut talk = Talk::idle(&registration("alice"));
        talk.verify(padded(length)).we_send("OPTIONS").we_send("REGISTER");
        (talk.request().bytes.len(), talk.request().flow.is_none())
    };
    let (plain, _) = asks(10);
    for (size, datagram) in [(1_300, true), (1_301, false), (1_400, false)] {
        assert_eq!(asks(size - plain + 10), (size, datagram));
    }
}
