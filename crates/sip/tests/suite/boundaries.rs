//! Every number that is read, at its edges; every limit of a message, at its edge. Max-Forwards and ttl are not read: a user agent that
//! registers forwards nothing and sends to no group.

use sip::digest::{self, Algorithm, Answer, Authorization, Hash, Qop, Request};
use sip::{CSeq, Contact, FieldError, HEADERS_MAX, MESSAGE_BYTES_MAX, Message, Name, ParseError, Uri, UriError, Via};

/// 0, and both sides of 2^31, 2^32 and 2^64.
const EDGES: [(&str, u128); 8] = [
    ("0", 0),
    ("1", 1),
    ("2147483647", 0x7FFF_FFFF),
    ("2147483648", 0x8000_0000),
    ("4294967295", 0xFFFF_FFFF),
    ("4294967296", 0x1_0000_0000),
    ("18446744073709551615", 0xFFFF_FFFF_FFFF_FFFF),
    ("18446744073709551616", 0x1_0000_0000_0000_0000),
];

const NO_NUMBERS: [&str; 10] = ["", " ", "-1", "+1", "1.0", "1e3", "0x1", "1 2", "1,2", "\u{661}"];

#[test]
fn cseq_ends_at_two_to_the_31() {
    for (digits, number) in EDGES {
        let expected = u32::try_from(number).ok().filter(|&n| n < 1 << 31).ok_or(FieldError::OutOfRange(Name::CSeq));
        let text = format!("{digits} REGISTER");
        assert_eq!(CSeq::parse(text.as_bytes()).map(|cseq| cseq.number), expected, "{digits}");
        let zeros = format!("{}{digits} REGISTER", "0".repeat(200));
        assert_eq!(CSeq::parse(zeros.as_bytes()).map(|cseq| cseq.number), expected, "{digits} behind zeros");
    }
    for text in NO_NUMBERS {
        assert!(CSeq::parse(format!("{text} REGISTER").as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn seconds_are_clamped_to_32_bits() {
    type Read = fn(&Message<'_>) -> Result<Option<u32>, FieldError>;
    let headers: [(&str, Read); 4] = [
        ("Expires", |message| message.expires()),
        ("Min-Expires", |message| message.min_expires()),
        ("Retry-After", |message| message.retry_after()),
        ("Flow-Timer", |message| message.flow_timer()),
    ];
    for (name, read) in headers {
        let of = |value: &str| read(&Message::parse(format!("SIP/2.0 200 OK\r\n{name}: {value}\r\n\r\n").as_bytes()).expect("framed"));
        for (digits, number) in EDGES {
            assert_eq!(of(digits), Ok(Some(u32::try_from(number).unwrap_or(u32::MAX))), "{name}: {digits}");
        }
        for text in NO_NUMBERS {
            assert!(of(text).is_err(), "{name}: {text:?}");
        }
    }
    for (digits, number) in EDGES {
        let text = format!("<sip:a@b>;expires={digits}");
        let expires = Contact::parse(text.as_bytes()).expect(&text).expires();
        assert_eq!(expires, Some(u32::try_from(number).unwrap_or(u32::MAX)), "{digits}");
    }
}

#[test]
fn content_length_must_fit_and_be_there() {
    for (digits, number) in EDGES {
        let text = format!("SIP/2.0 200 OK\r\nContent-Length: {digits}\r\n\r\nx");
        let expected = match u32::try_from(number) {
            Ok(0) => Ok(0),
            Ok(1) => Ok(1),
            Ok(declared) => Err(ParseError::BodyTruncated { declared: declared as usize, present: 1 }),
            Err(_) => Err(ParseError::ContentLength),
        };
        assert_eq!(Message::parse(text.as_bytes()).map(|message| message.body().len()), expected, "{digits}");
    }
}

#[test]
fn ports_are_16_bits_and_a_uri_has_no_port_0() {
    let uri = |port: &str| Uri::parse(&format!("sip:h:{port}")).map(|uri| uri.port);
    let via = |port: &str| Via::parse_first(format!("SIP/2.0/UDP h:{port}").as_bytes()).map(|via| via.port);
    let rport = |port: &str| Via::parse_first(format!("SIP/2.0/UDP h;rport={port}").as_bytes()).unwrap().rport();
    for (text, number) in [("1", 1), ("5060", 5060), ("65535", 65535), ("00005060", 5060)] {
        assert_eq!((uri(text), via(text), rport(text)), (Ok(Some(number)), Ok(Some(number)), Some(Some(number))), "{text}");
    }
    assert_eq!((uri("0"), via("0"), rport("0")), (Err(UriError::Port), Ok(Some(0)), Some(Some(0))));
    for text in ["65536", "4294967296", "99999999999999999999", "-1", "x", "5 0"] {
        assert_eq!(uri(text), Err(UriError::Port), "{text}");
        assert!(via(text).is_err(), "{text}");
    }
    assert_eq!((rport("65536"), rport("-1"), rport("x")), (Some(None), Some(None), Some(None)));
}

#[test]
fn a_nonce_count_has_eight_digits_up_to_the_last() {
    let ha1 = digest::ha1(Hash::Md5, "u", "r", b"p");
    for (nc, digits) in [(0, "00000000"), (1, "00000001"), (0x7FFF_FFFF, "7fffffff"), (u32::MAX, "ffffffff")] {
        let answer = Answer {
            algorithm: Algorithm::MD5,
            ha1: ha1.as_str(),
            realm: "r",
            username: "u",
            nonce: b"n",
            opaque: None,
            qop: Qop::Auth,
            cnonce: "c",
            nc,
            algorithm_echo: false,
            userhash: false,
            utf8: false,
            truncated_sha512: false,
        };
        let mut out = Vec::new();
        answer.write(&Request { method: "REGISTER", uri: "sip:r", body: b"" }, &mut out);
        assert_eq!(Authorization::parse(&out).unwrap().nc, Some(digits));
    }
}

#[test]
fn a_message_may_fill_its_limits_and_not_exceed_them() {
    let head = "SIP/2.0 200 OK\r\nX: ";
    // One header, on one line and folded at every octet that can be.
    for (inner, unit) in [("y", 1), ("\r\n y", 4)] {
        let count = (MESSAGE_BYTES_MAX - head.len() - 4) / unit;
        let fits = format!("{head}{}\r\n\r\n", inner.repeat(count));
        let message = Message::parse(fits.as_bytes()).expect("fits");
        assert_eq!(message.all().count(), 1);
        assert_eq!(message.other("x").unwrap().iter().filter(|&&b| b == b'y').count(), count);
        let long = format!("{head}{}\r\n\r\n", inner.repeat(count + 1));
        assert_eq!(Message::parse(long.as_bytes()).unwrap_err(), ParseError::TooLong);
    }
    // Folds are no headers of their own.
    let lines = "X: y\r\n z\r\n".repeat(HEADERS_MAX);
    assert_eq!(Message::parse(format!("SIP/2.0 200 OK\r\n{lines}\r\n").as_bytes()).unwrap().all().count(), HEADERS_MAX);
    let reason = "r".repeat(MESSAGE_BYTES_MAX - 16);
    assert!(Message::parse(format!("SIP/2.0 200 {reason}\r\n\r\n").as_bytes()).is_ok());
    let uri = "u".repeat(MESSAGE_BYTES_MAX - 26);
    assert!(Message::parse(format!("OPTIONS sip:{uri} SIP/2.0\r\n\r\n").as_bytes()).is_ok());
}

#[test]
fn lists_of_thousands_are_walked_to_their_end() {
    let contacts = vec!["<sip:a@b>"; 1_600].join(",");
    let text = format!("SIP/2.0 200 OK\r\nm: {contacts}\r\n\r\n");
    assert_eq!(Message::parse(text.as_bytes()).unwrap().contacts().filter(Result::is_ok).count(), 1_600);
    let challenges = vec!["Digest realm=\"r\", nonce=\"n\""; 500].join(",");
    let text = format!("SIP/2.0 401 x\r\nWWW-Authenticate: {challenges}\r\n\r\n");
    assert_eq!(Message::parse(text.as_bytes()).unwrap().challenges().filter(|(_, challenge)| challenge.is_ok()).count(), 500);
    let commas = ",".repeat(16_000);
    let text = format!("SIP/2.0 401 x\r\nWWW-Authenticate: {commas}\r\n\r\n");
    assert_eq!(Message::parse(text.as_bytes()).unwrap().challenges().filter(|(_, challenge)| challenge.is_ok()).count(), 0);
}
