//! Requests that come to our Contact (carriers.md N13, RFC 3261 17.2.2).

use std::net::SocketAddr;

use sip::build::Builder;
use ua::*;

use crate::support::*;

fn request(method: &str, to_tag: &str) -> Vec<u8> {
    Builder::request(method, "sip:alice@192.0.2.10:5060")
        .header("Via", "SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKcarrier;rport")
        .header("Max-Forwards", 70)
        .header("From", "<sip:pstn@carrier.test>;tag=abc")
        .header("To", format_args!("<sip:alice@192.0.2.10>{to_tag}"))
        .header("Call-ID", "call-1")
        .header("CSeq", format_args!("7 {method}"))
        .finish()
}

fn carrier() -> SocketAddr {
    "198.51.100.1:5062".parse().unwrap()
}

fn registered() -> Talk {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.events.clear();
    talk
}

// covers: N13, RFC 3261 18.2.2
#[test]
fn every_request_of_the_carrier_gets_its_answer() {
    for (method, to_tag, code) in [
        ("OPTIONS", "", "200"),
        ("INVITE", "", "480"),
        ("INVITE", ";tag=x", "481"),
        ("CANCEL", "", "481"),
        ("BYE", ";tag=x", "481"),
        ("REGISTER", "", "405"),
        ("SUBSCRIBE", "", "405"),
        ("INFO", ";tag=x", "481"),
    ] {
        let mut talk = registered();
        talk.receive(Local(0), carrier(), &request(method, to_tag));
        talk.we_send(code).with(to("198.51.100.1:5062")).with(|sent: &Sent| {
            let message = sent.message();
            assert_eq!(message.call_id().unwrap(), b"call-1");
            assert_eq!(message.cseq().unwrap().number, 7);
            assert!(message.to().unwrap().tag().is_some());
            assert_eq!(message.via().unwrap().rport(), Some(Some(5062)));
        });
        talk.silent();
    }
}

#[test]
fn an_ack_is_answered_by_nothing() {
    let mut talk = registered();
    talk.receive(Local(0), carrier(), &request("ACK", ";tag=x")).silent();
}

// covers: N13
#[test]
fn a_call_that_nobody_takes_is_told() {
    let mut talk = registered();
    talk.receive(Local(0), carrier(), &request("INVITE", ""));
    talk.we_send("480");
    assert!(
        talk.events
            .iter()
            .any(|event| matches!(event, Event::CallUnrouted { method, source } if &**method == "INVITE" && *source == carrier()))
    );
}

// covers: N13, RFC 3261 17.2.2, RFC 3261 17.2.3
#[test]
fn a_retransmission_gets_the_same_to_tag_and_another_call_another() {
    let mut talk = registered();
    let tag = |talk: &mut Talk, bytes: &[u8]| {
        talk.receive(Local(0), carrier(), bytes).we_send("480");
        talk.request().message().to().unwrap().tag().unwrap().to_owned()
    };
    let first = tag(&mut talk, &request("INVITE", ""));
    assert_eq!(tag(&mut talk, &request("INVITE", "")), first);
    let other = String::from_utf8(request("INVITE", "")).unwrap().replace("call-1", "call-2");
    assert_ne!(tag(&mut talk, other.as_bytes()), first);
}

// covers: RFC 3261 18.2.2, RFC 3581 4
#[test]
fn without_rport_the_answer_goes_to_the_via_s_port() {
    let mut talk = registered();
    let bytes = String::from_utf8(request("OPTIONS", "")).unwrap().replace(";rport", "");
    talk.receive(Local(0), carrier(), bytes.as_bytes()).we_send("200").with(to("198.51.100.1:5060"));
}

// covers: N13
#[test]
fn strangers_are_dropped_and_counted() {
    let mut talk = registered();
    let before = talk.endpoint.counters().strangers;
    for method in ["OPTIONS", "INVITE", "REGISTER", "BYE"] {
        talk.receive(Local(0), "203.0.113.66:5060".parse().unwrap(), &request(method, "")).silent();
    }
    assert_eq!(talk.endpoint.counters().strangers, before + 4);
    assert!(talk.events.is_empty(), "{:?}", talk.events);
}

// covers: N13
#[test]
fn what_is_understood_is_said_and_a_call_alone_is_told() {
    for (method, to_tag, code, accept, allow) in [
        ("OPTIONS", "", "200", true, true),
        ("REGISTER", "", "405", false, true),
        ("INVITE", ";tag=x", "481", false, false),
        ("BYE", ";tag=x", "481", false, false),
    ] {
        let mut talk = registered();
        talk.receive(Local(0), carrier(), &request(method, to_tag)).we_send(code);
        assert_eq!(talk.request().text().contains("\r\nAccept: application/sdp\r\n"), accept, "{method}");
        assert_eq!(talk.request().text().contains("\r\nAllow: "), allow, "{method}");
        assert!(talk.events.is_empty(), "{method}: {:?}", talk.events);
    }
}

// covers: N13
#[test]
fn a_thousand_calls_get_a_thousand_tags() {
    let mut talk = registered();
    let mut tags = std::collections::HashSet::new();
    for call in 0..1000 {
        let bytes = String::from_utf8(request("OPTIONS", "")).unwrap().replace("call-1", &format!("call-{call}"));
        talk.receive(Local(0), carrier(), bytes.as_bytes()).we_send("200");
        tags.insert(talk.request().message().to().unwrap().tag().unwrap().to_owned());
    }
    assert_eq!(tags.len(), 1000);
}
