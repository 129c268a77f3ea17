use sip::stream::{Framed, frame};
use sip::{MESSAGE_BYTES_MAX, Message, ParseError};

use crate::{REGISTER, UNAUTHORIZED};

// covers: N7, RFC 3261 18.3
#[test]
fn messages_are_found_however_they_are_cut() {
    let stream = format!("\r\n\r\n{UNAUTHORIZED}\r\n{REGISTER}");
    for cut in 1..40 {
        let (mut buffer, mut found, mut line_ends) = (Vec::new(), Vec::new(), 0);
        for piece in stream.as_bytes().chunks(cut) {
            buffer.extend_from_slice(piece);
            loop {
                match frame(&buffer).unwrap() {
                    Framed::Incomplete => break,
                    Framed::LineEnds(bytes) => {
                        line_ends += bytes;
                        buffer.drain(..bytes);
                    }
                    Framed::Message(bytes) => found.push(buffer.drain(..bytes).collect::<Vec<_>>()),
                }
            }
        }
        assert_eq!((found, line_ends), (vec![UNAUTHORIZED.as_bytes().to_vec(), REGISTER.as_bytes().to_vec()], 6));
    }
}

#[test]
fn a_body_is_waited_for() {
    let text = "SIP/2.0 200 OK\r\nl: 5\r\n\r\nhello";
    assert_eq!(frame(&text.as_bytes()[..text.len() - 1]), Ok(Framed::Incomplete));
    assert_eq!(frame(text.as_bytes()), Ok(Framed::Message(text.len())));
    assert_eq!(frame(format!("{text}SIP").as_bytes()), Ok(Framed::Message(text.len())));
    assert_eq!(Message::parse(text.as_bytes()).unwrap().body(), b"hello");
}

#[test]
fn a_stream_that_lost_its_framing_is_given_up() {
    let table = [
        ("SIP/2.0 200 OK\n", ParseError::BareLineFeed { at: 14 }),
        ("SIP/2.0 200 OK\r\n\r\n", ParseError::ContentLength),
        ("SIP/2.0 200 OK\r\nl: x\r\n\r\n", ParseError::ContentLength),
        ("SIP/2.0 200 OK\r\nl: 1\r\nl: 2\r\n\r\n", ParseError::ContentLengthConflict),
        ("SIP/2.0 200 OK\r\nContent-Length: 16384\r\n\r\n", ParseError::TooLong),
        ("SIP/2.0 200 OK\r\nContent-Length: 4294967295\r\n\r\n", ParseError::TooLong),
    ];
    for (text, expected) in table {
        assert_eq!(frame(text.as_bytes()), Err(expected), "{text}");
    }
    assert_eq!(frame("x".repeat(MESSAGE_BYTES_MAX).as_bytes()), Err(ParseError::TooLong));
    assert_eq!(frame("x".repeat(MESSAGE_BYTES_MAX - 1).as_bytes()), Ok(Framed::Incomplete));
}
