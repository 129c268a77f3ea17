use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use sip::stream::{Framed, Framer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use ua::FlowFault;

use super::dial::Pipe;
use super::fault;
use super::lane::{Item, Lane};
use super::line_ends::{LineEnd, LineEnds};
use super::teller::Teller;
use crate::tls::Shown;

/// The other side takes something within that.
pub(super) const PROGRESS_WITHIN: Duration = Duration::from_secs(30);

/// After sending has ended so long is waited for what the other side has to say: why it failed, or that it closes too.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// So much is read at once.
const READ_BYTES: usize = 4096;

/// Carries messages both ways on a stream until it ends; tells why, if not by our own will.
pub(super) async fn carry(pipe: Box<dyn Pipe>, shown: Option<&Shown>, lane: &Lane, teller: &Teller) -> Option<FlowFault> {
    let (reader, writer) = tokio::io::split(pipe);
    both(read(reader, shown, lane, teller), write(writer, lane)).await
}

/// Reads and writes until one of them ends; tells why, if not by our own will.
pub(super) async fn both(
    reading: impl Future<Output = FlowFault>,
    writing: impl Future<Output = Result<(), FlowFault>>,
) -> Option<FlowFault> {
    let mut reading = std::pin::pin!(reading);
    let written = tokio::select! {
        fault = &mut reading => return Some(fault),
        written = writing => written,
    };
    match written {
        // What is not read when a socket is closed resets the connection, and what was just sent may be lost.
        Ok(()) => {
            let _ = timeout(LAST_WORDS, reading).await;
            None
        }
        Err(FlowFault::Stuck) => Some(FlowFault::Stuck),
        Err(fault) => Some(timeout(LAST_WORDS, reading).await.unwrap_or(fault)),
    }
}

async fn read(mut reader: impl AsyncRead + Unpin, shown: Option<&Shown>, lane: &Lane, teller: &Teller) -> FlowFault {
    let mut silent = true;
    let mut buffer = Vec::new();
    let mut framer = Framer::default();
    let mut ends = LineEnds::default();
    loop {
        let mut at = 0;
        loop {
            match framer.frame(&buffer[at..]) {
                Ok(Framed::Incomplete) => break,
                Ok(Framed::LineEnds(length)) => {
                    for _ in 0..length / 2 {
                        match ends.take(|| lane.pong()) {
                            LineEnd::Pong => teller.pong().await,
                            LineEnd::Ping => lane.push(Item::Pong),
                            LineEnd::Half => {}
                        }
                    }
                    at += length;
                }
                Ok(Framed::Message(length)) => {
                    ends.reset();
                    teller.message(&buffer[at..at + length]).await;
                    at += length;
                }
                Err(error) => {
                    tracing::debug!(%error, "what came on a connection is no SIP");
                    return FlowFault::Garbage;
                }
            }
        }
        buffer.drain(..at);
        buffer.reserve(READ_BYTES);
        match (&mut reader).take(READ_BYTES as u64).read_buf(&mut buffer).await {
            Ok(0) => return fault::carrying(&io::ErrorKind::UnexpectedEof.into(), silent, shown),
            Ok(_) => silent = false,
            Err(error) => return fault::carrying(&error, silent, shown),
        }
    }
}

/// Sends what waits until the connection is to end, and ends it then.
async fn write(mut writer: impl AsyncWrite + Unpin, lane: &Lane) -> Result<(), FlowFault> {
    while let Some(items) = lane.take().await {
        write_all(&mut writer, &joined(&items)).await?;
        lane.sent(&items);
    }
    progress(writer.shutdown()).await
}

/// Writes everything, as long as some of it goes.
async fn write_all(writer: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8]) -> Result<(), FlowFault> {
    while !bytes.is_empty() {
        let count = progress(writer.write(bytes)).await?;
        if count == 0 {
            return Err(FlowFault::Closed);
        }
        bytes = &bytes[count..];
    }
    progress(writer.flush()).await
}

async fn progress<T>(step: impl Future<Output = io::Result<T>>) -> Result<T, FlowFault> {
    match timeout(PROGRESS_WITHIN, step).await {
        Ok(done) => done.map_err(|error| fault::writing(&error)),
        Err(_) => Err(FlowFault::Stuck),
    }
}

fn joined(items: &VecDeque<Item>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for item in items {
        bytes.extend_from_slice(match item {
            Item::Message(message) => message,
            // RFC 5626 3.5.1.
            Item::Ping => b"\r\n\r\n",
            Item::Pong => b"\r\n",
        });
    }
    bytes
}
