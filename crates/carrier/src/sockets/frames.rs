use std::io;

use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};

use super::connection::{Incoming, Manner, Piece, Pipe};
use crate::WebSocketManner;

/// The header that names the subprotocol.
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// Messages in a WebSocket, each in one message of it (RFC 7118 5).
pub(super) struct Frames<S> {
    socket: WebSocketStream<S>,
    /// A WebSocket message has begun and not ended.
    begun: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Frames<S> {
    /// The handshake (RFC 7118 4.1); gives the path that was asked for too.
    // The library's callback has it so.
    #[allow(clippy::result_large_err)]
    pub(super) async fn accept(stream: S, manner: WebSocketManner) -> io::Result<(Self, String)> {
        let mut config = WebSocketConfig::default();
        config.max_message_size = Some(sip::MESSAGE_BYTES_MAX);
        config.max_frame_size = Some(sip::MESSAGE_BYTES_MAX);
        let mut path = String::new();
        let answer = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
            let offers = request.headers().get_all(PROTOCOL).iter().filter_map(|value| value.to_str().ok());
            let sip = offers.flat_map(|value| value.split(',')).any(|offer| offer.trim().eq_ignore_ascii_case("sip"));
            match manner {
                WebSocketManner::Refuses => return Err(refusal(StatusCode::FORBIDDEN)),
                WebSocketManner::NoProtocol => {}
                WebSocketManner::Accepts if !sip => return Err(refusal(StatusCode::BAD_REQUEST)),
                WebSocketManner::Accepts => {
                    response.headers_mut().insert(PROTOCOL, HeaderValue::from_static("sip"));
                }
            }
            Ok(response)
        };
        let socket = accept_hdr_async_with_config(stream, answer, Some(config)).await.map_err(io::Error::other)?;
        Ok((Frames { socket, begun: false }, path))
    }
}

fn refusal(status: StatusCode) -> ErrorResponse {
    let mut response = ErrorResponse::new(None);
    *response.status_mut() = status;
    response
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Pipe for Frames<S> {
    async fn receive(&mut self) -> Incoming {
        loop {
            let bytes: Vec<u8> = match self.socket.next().await {
                Some(Ok(Message::Text(text))) => text.as_bytes().into(),
                Some(Ok(Message::Binary(bytes))) => bytes.into(),
                Some(Ok(Message::Ping(_))) => return Incoming::PingAnswered,
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Incoming::End,
            };
            return if bytes == b"\r\n\r\n" { Incoming::Ping } else { Incoming::Message(bytes) };
        }
    }

    fn pieces(&self, messages: Vec<Vec<u8>>, manner: Manner) -> Vec<Piece> {
        let pieces = |message: Vec<u8>| {
            let size = manner.piece_bytes.unwrap_or(message.len()).max(1);
            let text = std::str::from_utf8(&message).is_ok();
            let count = message.len().div_ceil(size);
            let piece = |(at, bytes): (usize, &[u8])| Piece { bytes: bytes.into(), text, last: at + 1 == count };
            message.chunks(size).enumerate().map(piece).collect::<Vec<_>>()
        };
        messages.into_iter().flat_map(pieces).collect()
    }

    async fn write(&mut self, piece: Piece) -> io::Result<()> {
        let code = match (self.begun, piece.text) {
            (true, _) => Data::Continue,
            (false, true) => Data::Text,
            (false, false) => Data::Binary,
        };
        self.begun = !piece.last;
        let frame = Frame::message(piece.bytes, OpCode::Data(code), piece.last);
        self.socket.send(Message::Frame(frame)).await.map_err(failed)
    }

    async fn close(&mut self) {
        // The other side may be gone already.
        let _ = self.socket.close(None).await;
    }
}

fn failed(error: Error) -> io::Error {
    match error {
        Error::Io(error) => error,
        other => io::Error::other(other),
    }
}
