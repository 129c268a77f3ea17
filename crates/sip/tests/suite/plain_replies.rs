//! What is read in one pass is what the index of the whole message says.

use proptest::prelude::*;
use sip::{Message, Name, PlainReply, Start};

use crate::properties::{apply, edit};

const ACCEPTED: &str = concat!(
    "SIP/2.0 200 OK\r\n",
    "Via: SIP/2.0/UDP 192.0.2.1:5070;rport=5070;branch=z9hG4bK776asdhds;received=198.51.100.7\r\n",
    "From: <sip:alice@example.com>;tag=456248\r\n",
    "To: <sip:alice@example.com>;tag=37GkEhwl6\r\n",
    "Call-ID: 843817637684230@998sdasdh09\r\n",
    "CSeq: 1827 REGISTER\r\n",
    "Contact: <sip:alice@192.0.2.1:5070>;expires=600\r\n",
    "Server: registrar\r\n",
    "Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n",
    "Content-Length: 0\r\n",
    "\r\n",
);

/// Reads both ways; tells whether the plain one was enough.
fn agree(bytes: &[u8]) -> bool {
    let Some(plain) = PlainReply::read(bytes) else { return false };
    let message = Message::parse(bytes).expect("what is plain is a message");
    assert_eq!(message.start(), Start::Status { code: plain.code, reason: plain.reason });
    let via = message.via().expect("a plain Via");
    assert_eq!((via.transport, via.host.as_bytes(), via.port), ("UDP", plain.host, plain.port));
    assert_eq!((via.branch().map(str::as_bytes), via.received().map(str::as_bytes)), (plain.branch, plain.received));
    assert_eq!(via.rport().flatten(), plain.rport);
    assert_eq!(message.header(Name::From), Some(plain.from));
    assert!(message.repeats(Name::From, plain.from));
    assert_eq!(message.call_id().unwrap(), plain.call_id);
    let cseq = message.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method.as_bytes()), (plain.cseq, plain.method));
    assert_eq!((message.header(Name::Contact), message.headers(Name::Contact).count() < 2), (plain.contact, true));
    let more = [Name::AuthenticationInfo, Name::ServiceRoute, Name::PAssociatedUri];
    assert_eq!(more.iter().any(|&name| message.header(name).is_some()), plain.says_more);
    assert!(message.body().is_empty());
    true
}

#[test]
fn an_answer_as_nearly_everybody_writes_it_is_plain() {
    let table = [
        ("", ""),
        ("Via: ", "v: "),
        ("Call-ID: ", "i:"),
        ("Call-ID: ", "CALL-ID : "),
        ("Server: registrar\r\n", "X-Own: \"a\\\r\nService-Route: <sip:p;lr>\r\n"),
        ("192.0.2.1:5070;rport", "[2001:db8::1];alias;rport"),
        ("received=198.51.100.7", "received=[2001:db8::1]"),
        ("Contact: <sip:alice@192.0.2.1:5070>;expires=600\r\n", ""),
        ("OK", ""),
    ];
    for (from, to) in table {
        let text = ACCEPTED.replacen(from, to, 1);
        assert!(agree(text.as_bytes()), "{text}");
    }
}

#[test]
fn what_wants_thought_is_not_plain() {
    let table = [
        ("SIP/2.0 200", "sip/2.0 200"),
        ("SIP/2.0 200", "SIP/2.0 20"),
        ("SIP/2.0 200", "\r\nSIP/2.0 200"),
        ("Server: registrar", "Server:\r\n registrar"),
        ("Server: registrar\r\n", "Contact: <sip:bob@192.0.2.9>\r\n"),
        ("Server: registrar\r\n", "i: another\r\n"),
        ("Server: registrar\r\n", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\r\n"),
        ("Server: registrar\r\n", "no header\r\n"),
        ("Server: registrar", "Server: a\rb"),
        ("UDP", "TCP"),
        (";rport=5070", ";rport=5070;rport=1"),
        (";rport=5070", ";RPORT=5070"),
        (";rport=5070", ";rport = 5070"),
        (";rport=5070", ";x=\"a;b\""),
        ("198.51.100.7\r\n", "198.51.100.7, SIP/2.0/UDP 192.0.2.9\r\n"),
        ("Content-Length: 0", "Content-Length: 1"),
        ("Content-Length: 0\r\n", ""),
        ("1827 REGISTER", "1827  REGISTER"),
        ("1827 REGISTER", "2147483648 REGISTER"),
        ("GMT\r\nContent-Length: 0\r\n\r\n", "GMT\r\nContent-Length: 0\r\n\r\nbody"),
    ];
    for (from, to) in table {
        let text = ACCEPTED.replacen(from, to, 1);
        assert!(text != ACCEPTED && PlainReply::read(text.as_bytes()).is_none(), "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edited_answer_is_plain_only_if_both_say_the_same(edits in prop::collection::vec(edit(), 0..5)) {
        let mut bytes = ACCEPTED.as_bytes().to_vec();
        edits.iter().for_each(|edit| apply(&mut bytes, edit));
        agree(&bytes);
    }
}
