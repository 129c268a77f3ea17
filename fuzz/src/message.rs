//! The message parser and everything that reads a message, and what we would answer.

use std::net::SocketAddr;

use sip::build::Builder;
use sip::{HEADERS_MAX, MESSAGE_BYTES_MAX, Message, Name, Start};

/// Reads a datagram whole; prints it again and finds the same.
pub fn run(data: &[u8]) {
    let Ok(message) = Message::parse(data) else { return };
    assert!(data.len() <= MESSAGE_BYTES_MAX && message.all().count() <= HEADERS_MAX);
    let fields = (message.via().is_ok(), message.cseq(), message.call_id(), message.from(), message.to());
    assert!(fields.1.is_ok_and(|cseq| cseq.number <= 0x7FFF_FFFF && !cseq.method.is_empty()) || fields.1.is_err());
    let _ = (message.expires(), message.min_expires(), message.retry_after(), message.flow_timer());
    let _ = message.authentication_info().map(|info| info.and_then(|info| info.nextnonce().map(<[u8]>::len)));
    for (source, challenge) in message.challenges() {
        super::challenge::read(challenge);
        let _ = source.answered_in();
    }
    for contact in message.contacts().flatten() {
        assert!(contact.q().is_none_or(|q| q <= 1000));
        let _ = (contact.expires(), contact.param("+sip.instance"), contact.is_any());
        if let Ok(uri) = contact.parsed() {
            assert_eq!(uri.to_string(), contact.uri());
        }
    }
    again(&message);
    answer(&message, data.len());
}

/// Writes the same start line, headers and body: what is read from that is what was read before.
fn again(message: &Message<'_>) {
    let Start::Request { method, uri } = message.start() else { return };
    let mut builder = Builder::request(method, uri);
    let lengths = |name: &[u8]| Name::of(name) == Name::ContentLength;
    for (name, value) in message.all().filter(|(name, _)| !lengths(name)) {
        let Ok(name) = std::str::from_utf8(name) else { panic!("a header's name is a token") };
        builder = builder.header_bytes(name, value);
    }
    let mut bytes = builder.finish();
    let head = bytes.len() - 5;
    assert!(bytes.ends_with(b": 0\r\n\r\n"));
    bytes.splice(head.., [message.body().len().to_string().as_bytes(), b"\r\n\r\n", message.body()].concat());
    if bytes.len() > MESSAGE_BYTES_MAX || message.all().count() >= HEADERS_MAX {
        return;
    }
    let Ok(second) = Message::parse(&bytes) else { panic!("printed, it is no message any more") };
    assert_eq!(second.start(), message.start());
    assert_eq!(second.body(), message.body());
    let of = |message: &Message<'_>| -> Vec<(Vec<u8>, Vec<u8>)> {
        let kept = message.all().filter(|(name, _)| !lengths(name));
        kept.map(|(name, value)| {
            (
                name.to_vec(),
                value.iter().map(|&b| if matches!(b, b'\r' | b'\n' | 0) { b' ' } else { b }).collect::<Vec<u8>>().trim_ascii().to_vec(),
            )
        })
        .collect()
    };
    assert_eq!(of(&second), of(message));
}

/// What we would answer can be read, and says what it must of the request.
fn answer(message: &Message<'_>, length: usize) {
    let source = SocketAddr::from(([192, 0, 2, 1], 5060));
    let response = Builder::response_to(480, "Temporarily Unavailable", message, source).to_tag("t").finish();
    if length > MESSAGE_BYTES_MAX / 4 {
        return;
    }
    let Ok(answer) = Message::parse(&response) else { panic!("our own answer is no message") };
    assert_eq!(answer.start().code(), Some(480));
    assert_eq!(answer.headers(Name::Via).count(), message.headers(Name::Via).count());
    assert_eq!(answer.header(Name::CSeq).is_some(), message.header(Name::CSeq).is_some());
}
