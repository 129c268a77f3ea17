use proptest::prelude::*;
use sip::stream::{Framed, Framer, frame};
use sip::{MESSAGE_BYTES_MAX, Message, ParseError};

use crate::properties::{apply, edit};
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

proptest! {
    // covers: N7, RFC 3261 18.3
    #[test]
    fn what_is_remembered_of_a_buffer_changes_nothing_of_what_is_found(
        edits in prop::collection::vec(edit(), 0..6),
        pieces in prop::collection::vec(1usize..300, 1..200),
    ) {
        let mut stream = format!("\r\n\r\n{UNAUTHORIZED}\r\n{REGISTER}\r\nSIP/2.0 200 OK\r\nl: 5\r\nX: y\r\nl: 5\r\n\r\nhello{REGISTER}").into_bytes();
        edits.iter().for_each(|edit| apply(&mut stream, edit));
        let (mut framer, mut buffer, mut rest) = (Framer::default(), Vec::new(), &stream[..]);
        'stream: for piece in pieces.into_iter().chain(std::iter::repeat(1)) {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(piece.min(rest.len()));
            buffer.extend_from_slice(now);
            rest = later;
            loop {
                let framed = framer.frame(&buffer);
                prop_assert_eq!(framed, frame(&buffer));
                match framed {
                    Ok(Framed::Incomplete) => break,
                    Ok(Framed::LineEnds(bytes) | Framed::Message(bytes)) => drop(buffer.drain(..bytes)),
                    Err(_) => break 'stream,
                }
            }
        }
    }
}
