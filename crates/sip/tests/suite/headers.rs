use sip::{CSeq, FieldError, Message, Name, Via};

/// A response with these header lines.
fn with(lines: &str) -> String {
    format!("SIP/2.0 200 OK\r\n{}\r\n\r\n", lines.trim_end_matches("\r\n"))
}

macro_rules! read {
    ($lines:expr, $($read:tt)+) => {{
        let text = with($lines);
        let message = Message::parse(text.as_bytes()).expect("framed");
        let read = message.$($read)+;
        format!("{read:?}")
    }};
}

#[test]
fn via_is_the_topmost_one() {
    type Row = (&'static str, (&'static str, &'static str, Option<u16>), Option<&'static str>, Option<&'static str>, Option<Option<u16>>);
    let table: &[Row] = &[
        ("SIP/2.0/UDP h;branch=b", ("UDP", "h", None), Some("b"), None, None),
        ("SIP/2.0/UDP 192.0.2.1:5061;rport;branch=b", ("UDP", "192.0.2.1", Some(5061)), Some("b"), None, Some(None)),
        ("SIP/2.0/TLS h:1;RPORT=77;Received=198.51.100.1", ("TLS", "h", Some(1)), None, Some("198.51.100.1"), Some(Some(77))),
        ("SIP/2.0/UDP h;rport=x;branch=b", ("UDP", "h", None), Some("b"), None, Some(None)),
        ("SIP/2.0/UDP h;rport=65536", ("UDP", "h", None), None, None, Some(None)),
        (
            "SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=b",
            ("UDP", "[2001:db8::9:1]", None),
            Some("b"),
            Some("[2001:db8::9:255]"),
            None,
        ),
        (
            "SIP/2.0/UDP [2001:db8::9:1]:5062;received=2001:db8::9:255",
            ("UDP", "[2001:db8::9:1]", Some(5062)),
            None,
            Some("2001:db8::9:255"),
            None,
        ),
        (
            "SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n SIP  /    2.0   / UDP  192.168.255.111",
            ("TCP", "spindle.example.com", None),
            Some("z9hG4bK9ikj8"),
            None,
            None,
        ),
        ("SIP/2.0/UDP h : 5060 ;x=\"a,b;branch=no\";branch=yes, SIP/2.0/TCP other", ("UDP", "h", Some(5060)), Some("yes"), None, None),
        ("SIP/2.0/UNKNOWN a_b;branch", ("UNKNOWN", "a_b", None), None, None, None),
    ];
    for (value, (transport, host, port), branch, received, rport) in table {
        let via = Via::parse_first(value.as_bytes()).expect(value);
        assert_eq!((via.transport, via.host, via.port), (*transport, *host, *port), "{value}");
        assert_eq!((via.branch(), via.received(), via.rport()), (*branch, *received, *rport), "{value}");
    }
}

#[test]
fn broken_vias_are_refused() {
    for value in [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0 UDP h",
        "SIP/3.0/UDP h",
        "HTTP/1.1/UDP h",
        "SIP/2.0/ h",
        "SIP/2.0/UDP h:",
        "SIP/2.0/UDP h:65536",
        "SIP/2.0/UDP h:x",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP h;;,;,,",
        "SIP/2.0/UDP h;",
        "SIP/2.0/UDP h;=x",
        "SIP/2.0/UDP h;x=\"y",
        "SIP/2.0/UDP h x",
        "SIP/2.0/UDP 2001:db8::1;branch=b",
    ] {
        assert_eq!(Via::parse_first(value.as_bytes()), Err(FieldError::Malformed(Name::Via)), "{value}");
    }
    assert_eq!(read!("A: b", via()), "Err(Missing(Via))");
}

#[test]
fn cseq_is_a_number_below_two_to_the_31_and_a_method() {
    let malformed = Err(FieldError::Malformed(Name::CSeq));
    let table = [
        ("1826 REGISTER", Ok(CSeq { number: 1826, method: "REGISTER" })),
        ("0009\r\n  INVITE", Ok(CSeq { number: 9, method: "INVITE" })),
        ("2147483647 X", Ok(CSeq { number: 2147483647, method: "X" })),
        ("2147483648 X", Err(FieldError::OutOfRange(Name::CSeq))),
        ("36893488147419103232 REGISTER", Err(FieldError::OutOfRange(Name::CSeq))),
        ("-1 X", malformed),
        ("1X", malformed),
        ("1", malformed),
        ("1 ", malformed),
        ("X 1", malformed),
        ("1 X Y", malformed),
        ("1 <X>", malformed),
        ("", malformed),
    ];
    for (value, expected) in table {
        assert_eq!(CSeq::parse(value.as_bytes()), expected, "{value}");
    }
}

#[test]
fn call_ids_are_bytes_without_gaps() {
    assert_eq!(read!("i: a84b4c76e66710", call_id().unwrap()), format!("{:?}", b"a84b4c76e66710"));
    assert_eq!(read!("Call-ID:", call_id()), "Err(Malformed(CallId))");
    assert_eq!(read!("Call-ID: a b", call_id()), "Err(Malformed(CallId))");
    assert_eq!(read!("Call-ID: a\r\ni: b", call_id()), "Err(Repeated(CallId))");
    assert_eq!(read!("Call-ID: a\r\ni: a", call_id().is_ok()), "true");
    assert_eq!(read!("A: b", call_id()), "Err(Missing(CallId))");
}

#[test]
fn addresses_come_with_and_without_brackets() {
    type Row = (&'static str, Option<&'static str>, &'static str, Option<&'static str>);
    let table: &[Row] = &[
        ("<sip:a@b>;tag=1", None, "sip:a@b", Some("1")),
        ("sip:a@b;tag=1", None, "sip:a@b", Some("1")),
        ("sip:a@b", None, "sip:a@b", None),
        ("<sip:a@b;tag=no>", None, "sip:a@b;tag=no", None),
        ("\"J \\\"X\\\" <Q>\" <sip:a@b?x=y,z>  ; Tag = 1", Some("J \\\"X\\\" <Q>"), "sip:a@b?x=y,z", Some("1")),
        ("caller<sip:caller@example.com>;tag=323", Some("caller"), "sip:caller@example.com", Some("323")),
        ("The Operator <sip:a@b>", Some("The Operator"), "sip:a@b", None),
        ("J\u{fc}rgen <sip:a@b>", Some("J\u{fc}rgen"), "sip:a@b", None),
        ("\"\" <sip:a@b>", Some(""), "sip:a@b", None),
        ("isbn:2983792873", None, "isbn:2983792873", None),
        ("\r\n sip:v@c.example.com ;   tag    = 1918181833n", None, "sip:v@c.example.com", Some("1918181833n")),
        ("<sip:a@b>;x=\"p;tag=no\";tag=yes", None, "sip:a@b", Some("yes")),
        ("<sip:a@b>;tag", None, "sip:a@b", None),
        ("sip:a@b;x=\"<\"", None, "sip:a@b", None),
    ];
    for (value, display, uri, tag) in table {
        let text = with(&format!("From: {value}"));
        let message = Message::parse(text.as_bytes()).unwrap();
        let from = message.from().expect(value);
        assert_eq!((from.display, from.uri, from.tag()), (display.map(str::as_bytes), *uri, *tag), "{value}");
    }
}

#[test]
fn broken_addresses_are_refused() {
    for value in [
        "",
        "a",
        "<>",
        "<sip:a@b",
        "sip:a@b>",
        "\"Mr. J. User <sip:j.user@example.com>;realm=somewhere",
        "\"Watson, Thomas\" < t.watson@example.org >",
        "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        "\"x\" sip:a@b",
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "<sip:a b@c>",
        "<sip:a@b> x",
        "<sip:a@b>;",
        "<sip:a@b>;;tag=1",
        "<sip:a@b>;tag=\"1",
        "sip:a@b, sip:c@d",
        "<:a>",
        "<1:a>",
    ] {
        assert_eq!(read!(&format!("To: {value}"), to()), "Err(Malformed(To))", "{value}");
    }
    assert_eq!(read!("f: <sip:a@b>\r\nFrom: <sip:c@d>", from()), "Err(Repeated(From))");
}

#[test]
fn contacts_are_split_over_lines_and_commas() {
    let text = with(concat!(
        "Contact: \"a, b\" <sip:a,b@h;x=y>;expires=60;q=0.5;+sip.instance=\"<urn:uuid:1,2>\" , sip:c@d;EXPIRES=99999999999;q=1\r\n",
        "m: <sip:e@f>;expires=soon;reg-id=1;q=0.1234\r\n",
        "m: <broken\r\n",
        "m: *",
    ));
    let message = Message::parse(text.as_bytes()).unwrap();
    let contacts: Vec<_> = message.contacts().collect();
    assert_eq!(contacts.len(), 5);
    let contact = |at: usize| contacts[at].unwrap();
    assert_eq!((contact(0).uri(), contact(0).expires(), contact(0).q()), ("sip:a,b@h;x=y", Some(60), Some(500)));
    assert_eq!(contact(0).param("+SIP.instance"), Some(Some("<urn:uuid:1,2>")));
    assert_eq!(contact(0).parsed().unwrap().user, Some("a,b"));
    assert_eq!((contact(1).uri(), contact(1).expires(), contact(1).q()), ("sip:c@d", Some(u32::MAX), Some(1000)));
    assert_eq!((contact(2).uri(), contact(2).expires(), contact(2).q()), ("sip:e@f", None, None));
    assert_eq!(contact(2).param("reg-id"), Some(Some("1")));
    assert_eq!(contacts[3], Err(FieldError::Malformed(Name::Contact)));
    assert!(contact(4).is_any() && !contact(0).is_any());
    assert_eq!((contact(4).uri(), contact(4).expires(), contact(4).param("q")), ("*", None, None));
}

#[test]
fn q_counts_thousandths() {
    let table = [
        ("0", Some(0)),
        ("1", Some(1000)),
        ("0.", Some(0)),
        ("0.7", Some(700)),
        ("0.33", Some(330)),
        ("0.001", Some(1)),
        (".5", Some(500)),
        ("1.000", Some(1000)),
        ("1.001", None),
        ("2", None),
        ("0.0001", None),
        ("", None),
        (".", None),
        ("-1", None),
        ("0,5", None),
        ("00", None),
    ];
    for (q, expected) in table {
        let value = format!("<sip:a@b>;q={q}");
        assert_eq!(sip::Contact::parse(value.as_bytes()).ok().and_then(|contact| contact.q()), expected, "{q}");
    }
}

#[test]
fn seconds_are_digits_and_clamped() {
    let table = [
        ("3600", "Ok(Some(3600))"),
        ("0", "Ok(Some(0))"),
        ("4294967295", "Ok(Some(4294967295))"),
        ("4294967296", "Ok(Some(4294967295))"),
        ("1000000000000000000000000000000000000", "Ok(Some(4294967295))"),
        ("-1", "Err(Malformed(Expires))"),
        ("", "Err(Malformed(Expires))"),
        ("3600.5", "Err(Malformed(Expires))"),
        ("Thu, 01 Dec 2040 16:00:00 GMT", "Err(Malformed(Expires))"),
    ];
    for (value, expected) in table {
        assert_eq!(read!(&format!("Expires: {value}"), expires()), expected);
        assert_eq!(read!(&format!("Min-Expires: {value}"), min_expires()), expected.replace("Expires", "MinExpires"));
        assert_eq!(read!(&format!("Flow-Timer: {value}"), flow_timer()), expected.replace("Expires", "FlowTimer"));
    }
    assert_eq!(read!("A: b", expires()), "Ok(None)");
    assert_eq!(read!("Expires: 60\r\nExpires: 61", expires()), "Err(Repeated(Expires))");
}

// covers: F7
#[test]
fn retry_after_may_carry_a_comment_and_parameters() {
    let table = [
        ("18000;duration=3600", "Ok(Some(18000))"),
        ("120 (I'm in a meeting)", "Ok(Some(120))"),
        ("5", "Ok(Some(5))"),
        ("5 ;x", "Ok(Some(5))"),
        ("5(x)", "Ok(Some(5))"),
        ("99999999999", "Ok(Some(4294967295))"),
        ("5 x", "Err(Malformed(RetryAfter))"),
        ("-5", "Err(Malformed(RetryAfter))"),
        ("(x)", "Err(Malformed(RetryAfter))"),
    ];
    for (value, expected) in table {
        assert_eq!(read!(&format!("Retry-After: {value}"), retry_after()), expected, "{value}");
    }
    assert_eq!(read!("A: b", retry_after()), "Ok(None)");
}

// covers: C15, RFC 7616 3.5
#[test]
fn authentication_info_brings_the_next_nonce() {
    let next = |value: &str| {
        read!(&format!("Authentication-Info: {value}"), authentication_info().map(|info| info.unwrap().nextnonce().map(<[u8]>::to_vec)))
    };
    assert_eq!(
        next("nextnonce=\"47364c23\", qop=auth, rspauth=\"x\", cnonce=\"y\", nc=00000001"),
        format!("{:?}", Ok::<_, ()>(Some(b"47364c23")))
    );
    assert_eq!(next("qop=auth"), "Ok(None)");
    assert_eq!(next("nextnonce=\"\""), "Ok(None)");
    assert_eq!(next("nextnonce=\"a\", nextnonce=\"b\""), "Err(Repeated(AuthenticationInfo))");
    assert_eq!(next("nextnonce=\"a"), "Err(Malformed(AuthenticationInfo))");
    assert_eq!(next("nextnonce=a\\"), "Err(Malformed(AuthenticationInfo))");
    assert_eq!(next("nextnonce=\"a\r\n b\""), "Err(Malformed(AuthenticationInfo))");
    assert_eq!(next(""), "Err(Malformed(AuthenticationInfo))");
    assert_eq!(read!("A: b", authentication_info()), "Ok(None)");
}

#[test]
fn authentication_info_keeps_its_parameters_apart() {
    let text = with("Authentication-Info: QOP=auth-int, RSPAUTH=\"x\", CNONCE=\"y\", NC=00000002, other=\"z\"");
    let message = Message::parse(text.as_bytes()).unwrap();
    let info = message.authentication_info().unwrap().unwrap();
    let seen = [info.qop(), info.rspauth(), info.cnonce(), info.nc(), info.nextnonce()];
    assert_eq!(seen, [Some(&b"auth-int"[..]), Some(b"x"), Some(b"y"), Some(b"00000002"), None]);
}

#[test]
fn bytes_that_are_no_utf8_spoil_only_their_own_header() {
    let message =
        Message::parse(b"SIP/2.0 200 OK\r\nFrom: \"\xfc\" <sip:a@b>;tag=1\r\nTo: <sip:\xfc@b>\r\nm: <sip:\xfc@b>, <sip:a@b>\r\n\r\n")
            .unwrap();
    assert_eq!(message.from().unwrap().display, Some(&b"\xfc"[..]));
    assert_eq!(message.to(), Err(FieldError::Malformed(Name::To)));
    assert_eq!(message.contacts().map(|contact| contact.is_ok()).collect::<Vec<_>>(), [false, true]);
}
