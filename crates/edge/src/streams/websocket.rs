use std::collections::VecDeque;

use futures_util::{Sink, SinkExt, Stream, StreamExt};
use sip::MESSAGE_BYTES_MAX;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use ua::{Dial, FlowFault};

use super::dial::Pipe;
use super::fault;
use super::lane::{Item, Lane};
use super::stream::{PROGRESS_WITHIN, both};
use super::teller::Teller;
use crate::tls::Shown;

/// RFC 7118 4.1.
const SUBPROTOCOL: &str = "sip";

/// Asks for a WebSocket (RFC 6455 4.1) that speaks SIP. RFC 7118 names no path, so it is the root's.
pub(super) async fn upgrade(pipe: Box<dyn Pipe>, dial: &Dial, shown: Option<&Shown>) -> Result<WebSocketStream<Box<dyn Pipe>>, FlowFault> {
    let host = host(dial);
    let request = Request::builder()
        .uri(format!("ws://{host}/"))
        .header("Host", host)
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("Sec-WebSocket-Protocol", SUBPROTOCOL)
        .body(())
        .map_err(|error| FlowFault::WebSocket(format!("{:?} cannot be asked for: {error}", dial.name)))?;
    match client_async_with_config(request, pipe, Some(config())).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Io(error)) => Err(match fault::carrying(&error, true, shown) {
            FlowFault::Closed | FlowFault::Reset => closed(),
            other => other,
        }),
        Err(Error::Http(answer)) => {
            let status = answer.status();
            Err(FlowFault::WebSocket(format!("it answered {status} to the request for one")))
        }
        Err(Error::Protocol(ProtocolError::HandshakeIncomplete)) => Err(closed()),
        Err(Error::Protocol(ProtocolError::SecWebSocketSubProtocolError(_))) => {
            Err(FlowFault::WebSocket("it does not agree to the subprotocol sip".to_owned()))
        }
        Err(error) => Err(FlowFault::WebSocket(format!("its answer to the request for one is wrong: {error}"))),
    }
}

fn closed() -> FlowFault {
    FlowFault::WebSocket("it closed the connection upon the request for one".to_owned())
}

/// Returns the authority of the request (RFC 9110 7.2): without the port where that is the usual one.
fn host(dial: &Dial) -> String {
    let name = if dial.name.contains(':') { format!("[{}]", dial.name) } else { (*dial.name).to_owned() };
    if dial.to.port() == dial.transport.default_port() { name } else { format!("{name}:{}", dial.to.port()) }
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(MESSAGE_BYTES_MAX)
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
}

/// Carries messages both ways until it ends; tells why, if not by our own will.
pub(super) async fn carry(
    socket: WebSocketStream<Box<dyn Pipe>>,
    shown: Option<&Shown>,
    lane: &Lane,
    teller: &Teller,
) -> Option<FlowFault> {
    let (sink, stream) = socket.split();
    both(read(stream, shown, lane, teller), write(sink, lane)).await
}

async fn read(
    mut stream: impl Stream<Item = Result<Message, Error>> + Unpin,
    shown: Option<&Shown>,
    lane: &Lane,
    teller: &Teller,
) -> FlowFault {
    let mut silent = true;
    while let Some(next) = stream.next().await {
        let message = match next {
            Ok(message) => message,
            Err(Error::Io(error)) => return fault::carrying(&error, silent, shown),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => break,
            Err(Error::ConnectionClosed | Error::AlreadyClosed) => break,
            Err(error) => {
                tracing::debug!(%error, "what came on a WebSocket is not understood");
                return FlowFault::Garbage;
            }
        };
        silent = false;
        match message {
            // RFC 7118 5: a WebSocket message holds one SIP message.
            Message::Text(text) => tell(text.as_bytes(), teller).await,
            Message::Binary(bytes) => tell(&bytes, teller).await,
            Message::Pong(_) if lane.pong() => teller.pong().await,
            // Answered by the library, both of them.
            Message::Ping(_) | Message::Close(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
    }
    fault::carrying(&std::io::ErrorKind::UnexpectedEof.into(), silent, shown)
}

async fn tell(bytes: &[u8], teller: &Teller) {
    // Some keep a WebSocket alive by line ends, as they do a stream.
    if !bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) {
        teller.message(bytes).await;
    }
}

async fn write(mut sink: impl Sink<Message, Error = Error> + Unpin, lane: &Lane) -> Result<(), FlowFault> {
    while let Some(items) = lane.take().await {
        progress(send(&mut sink, &items)).await?;
        lane.sent(&items);
    }
    progress(sink.close()).await
}

async fn send(sink: &mut (impl Sink<Message, Error = Error> + Unpin), items: &VecDeque<Item>) -> Result<(), Error> {
    for item in items {
        sink.feed(match item {
            Item::Message(bytes) => framed(bytes),
            Item::Ping => Message::Ping(Bytes::new()),
            Item::Pong => Message::Pong(Bytes::new()),
        })
        .await?;
    }
    sink.flush().await
}

/// RFC 7118 5.1: text where it is UTF-8, binary where it is not.
fn framed(bytes: &[u8]) -> Message {
    let bytes = Bytes::copy_from_slice(bytes);
    match Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(bytes),
    }
}

async fn progress(step: impl Future<Output = Result<(), Error>>) -> Result<(), FlowFault> {
    match timeout(PROGRESS_WITHIN, step).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Error::Io(error))) => Err(fault::writing(&error)),
        Ok(Err(_)) => Err(FlowFault::Closed),
        Err(_) => Err(FlowFault::Stuck),
    }
}
