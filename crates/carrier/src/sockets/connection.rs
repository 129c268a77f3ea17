use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};

use super::station::Station;
use crate::{Greeting, Reply, Transport};

/// So many answers wait for their time, or to be gathered, on a connection; it is closed when there are more.
const WAITING_MAX: usize = 4096;

/// Whoever takes nothing for that long is cut off.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// Between two pieces, so that they are read apart as a rule.
const PIECE_GAP: Duration = Duration::from_millis(2);

/// What comes on a connection.
pub(super) enum Incoming {
    /// A message.
    Message(Vec<u8>),
    /// CRLF CRLF (RFC 5626 3.5.1).
    Ping,
    /// A ping of the WebSocket (RFC 6455 5.5.2), which has its pong already.
    PingAnswered,
    /// The end, or what is no SIP.
    End,
}

/// A connection's bytes or frames.
pub(super) trait Pipe: Send {
    /// What comes next. Nothing is lost when it is given up before it is done.
    fn receive(&mut self) -> impl Future<Output = Incoming> + Send;

    /// Makes of answers what is written, one write each.
    fn pieces(&self, messages: Vec<Vec<u8>>, manner: Manner) -> Vec<Piece>;

    /// Writes.
    fn write(&mut self, piece: Piece) -> impl Future<Output = std::io::Result<()>> + Send;

    /// Says that nothing more comes.
    fn close(&mut self) -> impl Future<Output = ()> + Send;
}

/// What goes in one write.
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// It begins a message, which is text.
    pub(super) text: bool,
    /// It ends a message.
    pub(super) last: bool,
}

/// How answers are written (N7).
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub(super) piece_bytes: Option<usize>,
    pub(super) glues: bool,
}

/// Answers on a connection until it ends.
pub(super) async fn run(mut pipe: impl Pipe, source: SocketAddr, transport: Transport, greeting: Greeting, station: &Arc<Station>) {
    let mut orders = station.orders();
    let dropped = orders.borrow_and_update().dropped;
    let id = station.carrier().opened(Instant::now(), transport, source, greeting);
    tracing::info!(carrier = %station.name(), %source, %transport, connection = id, "open");
    let _closed = Closed { station, id };
    let opened = tokio::time::Instant::now();
    let mut heard = opened;
    let (later, mut due) = mpsc::channel::<Reply>(WAITING_MAX);
    let mut waiting: Vec<Reply> = Vec::new();
    let mut since = opened;
    loop {
        let (gathers, idle, life) = station.temperament(|t| (t.gathers, t.closes_idle, t.closes_after));
        let after = |from: tokio::time::Instant, seconds: u32| from + Duration::from_secs(seconds.into());
        let end = life.map_or(after(heard, idle), |life| after(opened, life).min(after(heard, idle)));
        let written = since + Duration::from_millis(gathers.into());
        tokio::select! {
            biased;
            _ = orders.changed() => {}
            () = sleep_until(written), if !waiting.is_empty() => {
                let replies = std::mem::take(&mut waiting);
                match timeout(WRITTEN_WITHIN, say(&mut pipe, replies, station)).await {
                    Ok(Ok(true)) => {}
                    Ok(Ok(false)) => return end_of(pipe).await,
                    Ok(Err(_)) | Err(_) => return,
                }
            }
            Some(reply) = due.recv() => gather(&mut waiting, &mut since, reply),
            incoming = pipe.receive() => {
                heard = tokio::time::Instant::now();
                match incoming {
                    Incoming::End => return end_of(pipe).await,
                    Incoming::Ping => {
                        if station.carrier().pinged(id) {
                            let pong = Reply { to: source, bytes: b"\r\n".into(), delay: Duration::ZERO, closes: false };
                            gather(&mut waiting, &mut since, pong);
                        }
                    }
                    Incoming::PingAnswered => drop(station.carrier().pinged(id)),
                    Incoming::Message(message) => {
                        for reply in station.answer(source, |carrier, now| carrier.handle_on(now, id, &message)) {
                            if reply.delay.is_zero() {
                                gather(&mut waiting, &mut since, reply);
                            } else {
                                let later = later.clone();
                                tokio::spawn(async move {
                                    sleep(reply.delay).await;
                                    // The connection may have ended meanwhile, or have too much to say.
                                    let _ = later.try_send(reply);
                                });
                            }
                        }
                    }
                }
            }
            () = sleep_until(end) => return end_of(pipe).await,
        }
        if waiting.len() > WAITING_MAX || orders.borrow_and_update().dropped > dropped {
            return;
        }
        while orders.borrow_and_update().hang {
            if orders.changed().await.is_err() || orders.borrow().dropped > dropped {
                return;
            }
        }
    }
}

fn gather(waiting: &mut Vec<Reply>, since: &mut tokio::time::Instant, reply: Reply) {
    if waiting.is_empty() {
        *since = tokio::time::Instant::now();
    }
    waiting.push(reply);
}

/// Writes answers; false when the connection is to be closed now.
async fn say(pipe: &mut impl Pipe, replies: Vec<Reply>, station: &Station) -> std::io::Result<bool> {
    let manner = station.temperament(|t| Manner {
        piece_bytes: t.piece_bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX).max(1)),
        glues: t.glues,
    });
    let closes = replies.iter().position(|reply| reply.closes);
    let count = closes.map_or(replies.len(), |at| at + 1);
    let messages = replies.into_iter().take(count).map(|reply| reply.bytes).collect();
    let mut pieces = pipe.pieces(messages, manner).into_iter().peekable();
    while let Some(piece) = pieces.next() {
        pipe.write(piece).await?;
        if pieces.peek().is_some() {
            sleep(PIECE_GAP).await;
        }
    }
    Ok(closes.is_none())
}

async fn end_of(mut pipe: impl Pipe) {
    // Whoever does not take the goodbye is left without.
    let _ = timeout(WRITTEN_WITHIN, pipe.close()).await;
}

/// Tells the carrier that the connection has ended, however it did.
struct Closed<'a> {
    station: &'a Station,
    id: u64,
}

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.station.carrier().closed(Instant::now(), self.id);
        tracing::info!(carrier = %self.station.name(), connection = self.id, "closed");
    }
}
