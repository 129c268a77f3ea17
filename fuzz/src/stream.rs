//! Framing of a byte stream: where it is cut does not matter.

use sip::stream::{Framed, Framer, frame};
use sip::{MESSAGE_BYTES_MAX, Message, ParseError};

/// Reads the stream at once, and again in pieces whose length the first byte gives: both find the same, as does who begins anew at each.
pub fn run(data: &[u8]) {
    let Some((&piece, stream)) = data.split_first() else { return };
    let whole = found(stream, stream.len().max(1));
    let pieces = found(stream, usize::from(piece) + 1);
    assert_eq!(whole, pieces);
    for message in &whole.0 {
        let _ = Message::parse(message);
    }
}

/// The messages of a stream that comes in pieces of that many bytes, and what ended it.
fn found(stream: &[u8], piece: usize) -> (Vec<Vec<u8>>, Option<std::mem::Discriminant<ParseError>>) {
    let (mut buffer, mut messages, mut framer) = (Vec::new(), Vec::new(), Framer::default());
    for piece in stream.chunks(piece) {
        buffer.extend_from_slice(piece);
        loop {
            let framed = framer.frame(&buffer);
            assert_eq!(framed, frame(&buffer));
            match framed {
                Ok(Framed::Incomplete) => break,
                Ok(Framed::LineEnds(bytes)) => {
                    assert!(bytes > 0 && buffer.drain(..bytes).all(|byte| matches!(byte, b'\r' | b'\n')));
                }
                Ok(Framed::Message(bytes)) => {
                    assert!(bytes > 0 && bytes <= MESSAGE_BYTES_MAX);
                    messages.push(buffer.drain(..bytes).collect());
                }
                Err(fault) => return (messages, Some(std::mem::discriminant(&fault))),
            }
        }
        assert!(buffer.len() < MESSAGE_BYTES_MAX + usize::from(u8::MAX) + 1 || piece.len() > usize::from(u8::MAX) + 1);
    }
    (messages, None)
}
