use sip::{HEADERS_MAX, MESSAGE_BYTES_MAX, Message, Name, ParseError, Start};

use crate::{REGISTER, UNAUTHORIZED};

fn fault(text: &str) -> ParseError {
    Message::parse(text.as_bytes()).expect_err(text)
}

#[test]
fn a_response_is_read_whole() {
    let message = Message::parse(UNAUTHORIZED.as_bytes()).unwrap();
    assert_eq!(message.start(), Start::Status { code: 401, reason: b"Unauthorized" });
    assert_eq!(message.header(Name::CallId), Some(&b"843817637684230@998sdasdh09"[..]));
    assert_eq!(message.headers(Name::WwwAuthenticate).count(), 2);
    assert_eq!(message.other("cseq"), Some(&b"1826 REGISTER"[..]));
    assert_eq!(message.all().count(), 8);
    assert_eq!(message.all().next().unwrap().0, b"Via");
    assert_eq!(message.body(), b"");
    assert_eq!(message.to().unwrap().tag(), Some("as3d4f"));
}

#[test]
fn a_request_is_read_whole() {
    let message = Message::parse(REGISTER.as_bytes()).unwrap();
    assert_eq!(message.start(), Start::Request { method: "REGISTER", uri: "sip:ims.carrier.co.id" });
    assert_eq!(message.start().method(), Some("REGISTER"));
    assert_eq!(message.start().code(), None);
    assert!(!format!("{message:?}").contains("6629fae"));
}

#[test]
fn start_lines_are_judged_by_the_grammar() {
    let long_method = "!interesting-Method0123456789_*+`.%indeed'~ sip:a@b SIP/2.0";
    for good in [
        "REGISTER sip:a SIP/2.0",
        "REGISTER sip:a sip/2.0",
        "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0",
        "RE%47IST%45R sip:a SIP/2.0",
        "SIP/2.0 200 OK",
        "SIP/2.0 200 ",
        "SIP/2.0 200",
        "sip/2.0 699 x",
        long_method,
    ] {
        assert!(Message::parse(format!("{good}\r\n\r\n").as_bytes()).is_ok(), "{good}");
    }
    let table = [
        ("REGISTER sip:a SIP/7.0", ParseError::Version),
        ("SIP/3.0 200 OK", ParseError::Version),
        ("SIP/2.0 99 x", ParseError::StatusCode),
        ("SIP/2.0 700 x", ParseError::StatusCode),
        ("SIP/2.0 099 x", ParseError::StatusCode),
        ("SIP/2.0 4294967301 better not break the receiver", ParseError::StatusCode),
        ("SIP/2.0 -20 x", ParseError::StatusCode),
        ("SIP/2.0 200OK", ParseError::StatusCode),
        ("SIP/2.0  200 OK", ParseError::StatusCode),
        ("SIP/2.0", ParseError::StartLine),
        ("SIP/2", ParseError::StartLine),
        ("REGISTER  sip:a SIP/2.0", ParseError::StartLine),
        ("REGISTER sip:a  SIP/2.0", ParseError::StartLine),
        ("REGISTER sip:a SIP/2.0  ", ParseError::StartLine),
        ("REGISTER sip:a; lr SIP/2.0", ParseError::StartLine),
        ("REGISTER <sip:a> SIP/2.0", ParseError::StartLine),
        ("REGISTER a SIP/2.0", ParseError::StartLine),
        ("REGISTER sip:a", ParseError::StartLine),
        ("REGISTER sip:a HTTP/1.1", ParseError::StartLine),
        ("REG@STER sip:a SIP/2.0", ParseError::StartLine),
        (" REGISTER sip:a SIP/2.0", ParseError::StartLine),
        ("REGISTER sip:\u{fc}@a SIP/2.0", ParseError::StartLine),
        ("REGISTER", ParseError::StartLine),
    ];
    for (line, expected) in table {
        assert_eq!(fault(&format!("{line}\r\n\r\n")), expected, "{line}");
    }
}

#[test]
fn reason_phrases_are_kept_as_bytes() {
    let message = Message::parse(b"SIP/2.0 403 Dafters \xb0 (404-17)\r\n\r\n").unwrap();
    assert_eq!(message.start(), Start::Status { code: 403, reason: b"Dafters \xb0 (404-17)" });
}

#[test]
fn lines_end_in_crlf_and_nothing_else() {
    assert_eq!(fault("SIP/2.0 200 OK\n\n"), ParseError::BareLineFeed { at: 14 });
    assert_eq!(fault("SIP/2.0 200 OK\r\nA: b\nC: d\r\n\r\n"), ParseError::BareLineFeed { at: 20 });
    assert_eq!(fault("SIP/2.0 200 OK\r\nA: b\rC: d\r\n\r\n"), ParseError::BareCarriageReturn { at: 20 });
    assert_eq!(fault("SIP/2.0 200 OK\r\n\n"), ParseError::BareLineFeed { at: 16 });
    assert_eq!(fault("SIP/2.0 200 OK\r\nA: b\r\n"), ParseError::Unterminated);
    assert_eq!(fault("SIP/2.0 200 OK\r\nA: b\r\n\r"), ParseError::Unterminated);
    assert_eq!(fault("SIP/2.0 200 OK"), ParseError::Unterminated);
}

#[test]
fn keep_alives_are_no_messages() {
    for text in ["", "\r\n", "\r\n\r\n"] {
        assert_eq!(fault(text), ParseError::Empty);
    }
}

#[test]
fn line_ends_before_the_start_line_are_skipped() {
    let text = format!("\r\n\r\n{UNAUTHORIZED}");
    let message = Message::parse(text.as_bytes()).unwrap();
    assert_eq!(message.header(Name::CSeq), Some(&b"1826 REGISTER"[..]));
}

#[test]
fn headers_are_trimmed_and_folds_belong_to_them() {
    let message = Message::parse(b"SIP/2.0 200 OK\r\nA:\r\nB : x \t\r\nC:\r\n  y\r\n\tz  \r\n \r\nD: \"\x00\"\r\n\r\n").unwrap();
    assert_eq!(message.other("a"), Some(&b""[..]));
    assert_eq!(message.other("B"), Some(&b"x"[..]));
    assert_eq!(message.other("C"), Some(&b"y\r\n\tz"[..]));
    assert_eq!(message.other("D"), Some(&b"\"\x00\""[..]));
    assert_eq!(message.other("E"), None);
}

#[test]
fn lines_that_are_no_headers_are_refused() {
    for line in ["no colon", ": no name", "na me: x", "n\u{e9}: x", "<: x"] {
        assert_eq!(fault(&format!("SIP/2.0 200 OK\r\n{line}\r\n\r\n")), ParseError::Header { at: 16 }, "{line}");
    }
    assert_eq!(fault("SIP/2.0 200 OK\r\n folded: nothing\r\n\r\n"), ParseError::Header { at: 16 });
}

// covers: RFC 3261 18.3
#[test]
fn bodies_are_as_long_as_they_say() {
    let with = |headers: &str, body: &str| format!("SIP/2.0 200 OK\r\n{headers}\r\n{body}");
    let body = |headers: &str, body: &str| {
        let text = with(headers, body);
        Message::parse(text.as_bytes()).map(|message| String::from_utf8_lossy(message.body()).into_owned())
    };
    assert_eq!(body("", "whole"), Ok("whole".into()));
    assert_eq!(body("Content-Length: 3\r\n", "whole"), Ok("who".into()));
    assert_eq!(body("Content-Length: 003\r\nl: 3\r\n", "whole"), Ok("who".into()));
    assert_eq!(body("l: 0\r\n", "INVITE sip:second@example.com SIP/2.0\r\n\r\n"), Ok("".into()));
    assert_eq!(body("l: 6\r\n", "whole"), Err(ParseError::BodyTruncated { declared: 6, present: 5 }));
    assert_eq!(body("l: 3\r\nl: 4\r\n", "whole"), Err(ParseError::ContentLengthConflict));
    for number in ["-3", "+3", "3.0", "", "3 4", "0x3", "4294967296", "99999999999999999999999", "3,3"] {
        assert_eq!(body(&format!("Content-Length: {number}\r\n"), "whole"), Err(ParseError::ContentLength), "{number}");
    }
}

#[test]
fn limits_hold() {
    let headers = |count: usize| format!("SIP/2.0 200 OK\r\n{}\r\n", "X: y\r\n".repeat(count));
    assert!(Message::parse(headers(HEADERS_MAX).as_bytes()).is_ok());
    assert_eq!(fault(&headers(HEADERS_MAX + 1)), ParseError::TooManyHeaders);
    let long = |bytes: usize| format!("SIP/2.0 200 OK\r\n\r\n{}", "x".repeat(bytes - 18));
    assert_eq!(Message::parse(long(MESSAGE_BYTES_MAX).as_bytes()).unwrap().body().len(), MESSAGE_BYTES_MAX - 18);
    assert_eq!(fault(&long(MESSAGE_BYTES_MAX + 1)), ParseError::TooLong);
}
