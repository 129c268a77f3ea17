use std::io;

use sip::stream::{Framed, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::connection::{Incoming, Manner, Piece, Pipe};

/// So much is read at once. What waits is bounded by the longest message, which the framing sees to.
const READ_BYTES: usize = 16 << 10;

/// Messages in a stream of bytes (RFC 3261 18.3).
pub(super) struct Bytes<S> {
    stream: S,
    buffer: Vec<u8>,
    framer: Framer,
    /// One CRLF stands alone so far.
    half: bool,
}

impl<S> Bytes<S> {
    pub(super) fn new(stream: S) -> Self {
        Bytes { stream, buffer: Vec::new(), framer: Framer::default(), half: false }
    }

    /// What the buffer holds already.
    fn take(&mut self) -> Option<Incoming> {
        loop {
            match self.framer.frame(&self.buffer) {
                Ok(Framed::Incomplete) => return None,
                Ok(Framed::LineEnds(_)) => {
                    self.buffer.drain(..2);
                    self.half = !self.half;
                    if !self.half {
                        return Some(Incoming::Ping);
                    }
                }
                Ok(Framed::Message(length)) => {
                    self.half = false;
                    return Some(Incoming::Message(self.buffer.drain(..length).collect()));
                }
                Err(error) => {
                    tracing::debug!(%error, "what came on a connection is no SIP");
                    return Some(Incoming::End);
                }
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Pipe for Bytes<S> {
    async fn receive(&mut self) -> Incoming {
        loop {
            if let Some(incoming) = self.take() {
                return incoming;
            }
            self.buffer.reserve(READ_BYTES);
            match (&mut self.stream).take(READ_BYTES as u64).read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return Incoming::End,
                Ok(_) => {}
            }
        }
    }

    fn pieces(&self, messages: Vec<Vec<u8>>, manner: Manner) -> Vec<Piece> {
        let glued = |message: Vec<u8>| match manner.glues && message != b"\r\n" {
            true => [b"\r\n\r\n", message.as_slice(), b"\r\n"].concat(),
            false => message,
        };
        let whole: Vec<u8> = messages.into_iter().flat_map(glued).collect();
        let size = manner.piece_bytes.unwrap_or(whole.len()).max(1);
        whole.chunks(size).map(|bytes| Piece { bytes: bytes.into(), text: true, last: true }).collect()
    }

    async fn write(&mut self, piece: Piece) -> io::Result<()> {
        self.stream.write_all(&piece.bytes).await?;
        self.stream.flush().await
    }

    async fn close(&mut self) {
        // The other side may be gone already.
        let _ = self.stream.shutdown().await;
    }
}
