use sip::build::Builder;
use sip::{Message, Name, Start};

use crate::REGISTER;

#[test]
fn a_request_is_written_in_order() {
    let bytes = Builder::request("OPTIONS", "sip:carrier.co.id")
        .header("Via", format_args!("SIP/2.0/UDP {}:{};branch={}", "h", 5060, "z9hG4bKx"))
        .header("Max-Forwards", 70)
        .header_bytes("Call-ID", b"\xff")
        .header("Content-Length", 99)
        .header("l", 99)
        .body("text/plain", b"hello")
        .finish();
    let expected = b"OPTIONS sip:carrier.co.id SIP/2.0\r\nVia: SIP/2.0/UDP h:5060;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n\
        Call-ID: \xff\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(bytes, expected);
}

#[test]
fn a_lent_buffer_is_used_again() {
    let mut buffer = Vec::with_capacity(4096);
    buffer.extend_from_slice(b"old");
    let place = buffer.as_ptr();
    let bytes = Builder::request_into(buffer, "OPTIONS", "sip:a").finish();
    assert_eq!(bytes, b"OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(bytes.as_ptr(), place);
}

#[test]
fn values_cannot_end_their_line() {
    let bytes = Builder::request("OPT\r\nIONS", "sip:a b\r\nX: y")
        .header("X\r\n: y", "a\r\nEvil: 1")
        .header_bytes("Y", b"b\nEvil: 2\0")
        .body("t\r\nEvil: 3", b"")
        .finish();
    let message = Message::parse(&bytes).unwrap();
    assert_eq!(message.start(), Start::Request { method: "OPT__IONS", uri: "sip:a_b__X:_y" });
    assert_eq!(message.other("Evil"), None);
    assert_eq!(message.other("Y"), Some(&b"b Evil: 2"[..]));
    assert_eq!(message.all().count(), 4);
}

#[test]
fn a_response_repeats_what_the_request_says() {
    let request = Message::parse(REGISTER.as_bytes()).unwrap();
    let bytes = Builder::response(200, "OK", &request).header("Contact", "<sip:a@b>;expires=60").to_tag("t1").to_tag("t2").finish();
    let response = Message::parse(&bytes).unwrap();
    assert_eq!(response.start(), Start::Status { code: 200, reason: b"OK" });
    for name in [Name::Via, Name::From, Name::CallId, Name::CSeq] {
        assert_eq!(response.header(name), request.header(name), "{name}");
    }
    assert_eq!(response.header(Name::To), Some(&b"<sip:6221500004@ims.carrier.co.id>;tag=t1"[..]));
    assert_eq!(response.header(Name::Contact), Some(&b"<sip:a@b>;expires=60"[..]));
    assert_eq!(response.header(Name::ContentLength), Some(&b"0"[..]));
}

#[test]
fn a_tag_that_the_request_has_stays() {
    let text = REGISTER.replace("co.id>\r\nCall", "co.id>;tag=old\r\nCall");
    let request = Message::parse(text.as_bytes()).unwrap();
    let bytes = Builder::response(481, "No", &request).to_tag("new").finish();
    assert_eq!(Message::parse(&bytes).unwrap().to().unwrap().tag(), Some("old"));
}

// covers: RFC 3261 18.2.1, RFC 3581 4
#[test]
fn the_topmost_via_says_where_the_request_came_from() {
    let table = [
        ("SIP/2.0/UDP 192.0.2.10;branch=b", "192.0.2.10:7", "SIP/2.0/UDP 192.0.2.10;branch=b"),
        ("SIP/2.0/UDP 192.0.2.10;branch=b;rport", "192.0.2.10:7", "SIP/2.0/UDP 192.0.2.10;branch=b;rport=7;received=192.0.2.10"),
        (
            "SIP/2.0/UDP 10.0.0.1:5060;rport;x=\"a b\"",
            "[::ffff:192.0.2.1]:7",
            "SIP/2.0/UDP 10.0.0.1:5060;rport=7;x=\"a b\";received=192.0.2.1",
        ),
        (
            "SIP/2.0/UDP pbx;received=1.1.1.1;branch=b, SIP/2.0/UDP c;rport",
            "[2001:db8::1]:7",
            "SIP/2.0/UDP pbx;branch=b;received=2001:db8::1, SIP/2.0/UDP c;rport",
        ),
        ("SIP/2.0/UDP [2001:db8::1];branch=b", "[2001:db8::1]:7", "SIP/2.0/UDP [2001:db8::1];branch=b"),
        ("broken", "192.0.2.1:7", "broken"),
    ];
    for (via, source, expected) in table {
        let text = format!("OPTIONS sip:a SIP/2.0\r\nVia: {via}\r\nVia: SIP/2.0/TCP second;rport\r\n\r\n");
        let request = Message::parse(text.as_bytes()).unwrap();
        let bytes = Builder::response_to(200, "OK", &request, source.parse().unwrap()).finish();
        let response = Message::parse(&bytes).unwrap();
        let vias: Vec<_> = response.headers(Name::Via).collect();
        assert_eq!(vias, [expected.as_bytes(), b"SIP/2.0/TCP second;rport"], "{}", String::from_utf8_lossy(&bytes));
    }
}
