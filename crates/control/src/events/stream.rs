//! One reader's stream of events (server-sent events, HTML standard section 9.2): read from the log at the reader's own speed.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use super::streams::Place;
use super::{Audience, EventId, EventSettings, Filter};
use crate::access::Caller;
use crate::http::App;
use crate::store::{StoreError, events};

/// So many parts of a stream wait for a slow reader.
const WAITING: usize = 64;
/// So many events are read at a time.
const PAGE: u32 = 128;
/// So long a reader is to wait before it connects again, in milliseconds.
const RETRY: u32 = 2_000;

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// After this event or place.
    After(EventId),
    /// With what comes; the reader asked for something that is not at hand.
    Reset {
        /// The place that the stream goes on from.
        at: EventId,
    },
}

/// Why a stream ends, as its last event says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The server stops.
    Shutdown,
    /// The reader took nothing for too long.
    Slow,
    /// The reader's token is no longer good for it.
    Unauthorized,
    /// The log cannot be read.
    Failed,
}

impl End {
    fn word(self) -> &'static str {
        match self {
            End::Shutdown => "shutdown",
            End::Slow => "slow",
            End::Unauthorized => "unauthorized",
            End::Failed => "failed",
        }
    }
}

/// Everything that a stream needs.
pub struct Reading {
    /// The store and who else is there.
    pub app: App,
    /// The request, to look again at who asks.
    pub parts: Parts,
    /// Who reads.
    pub audience: Audience,
    /// Where it begins.
    pub begin: Begin,
    /// How patient it is.
    pub settings: EventSettings,
    /// Its place among the streams.
    pub place: Place,
}

/// Begins to read; the stream ends with an event `end` that says why.
pub fn open(reading: Reading) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let (parts, receiver) = mpsc::channel(WAITING);
    let (ends, end) = oneshot::channel();
    tokio::spawn(async move {
        let reason = run(reading, &parts).await;
        // The parts that wait are taken first; a reader that is gone needs no reason.
        let _ = ends.send(reason);
    });
    unfold(Some((receiver, end)), async |state| {
        let (mut receiver, end) = state?;
        if let Some(part) = receiver.recv().await {
            return Some((Ok(part), Some((receiver, end))));
        }
        let reason = end.await.ok().flatten()?;
        Some((Ok(part("end", None, &json!({ "reason": reason.word() }))), None))
    })
}

/// Returns why it ended, or nothing where the reader is gone.
async fn run(reading: Reading, to: &mpsc::Sender<Bytes>) -> Option<End> {
    let Reading { app, mut parts, mut audience, begin, settings, place: _place } = reading;
    let mut feed = app.store.feed();
    let mut ending = app.streams.ending();
    let (mut at, first) = match begin {
        // An id without data is remembered by the reader, and no event for it: it can resume before the first event.
        Begin::After(id) => (id, format!("retry: {RETRY}\nid: {id}\n: connected\n\n").into_bytes().into()),
        Begin::Reset { at } => (at, reset(at, "unknownId")),
    };
    if let Err(end) = send(to, first, settings.slow_reader).await? {
        return Some(end);
    }
    let mut heartbeat = Instant::now() + settings.heartbeat;
    loop {
        // What comes after this is told again.
        feed.borrow_and_update();
        let page = match read(&app, at, &audience).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "a stream of events ends: the log cannot be read");
                return Some(End::Failed);
            }
        };
        let more = match page {
            Read::LetGo { head } => {
                at = head;
                if let Err(end) = send(to, reset(head, "tooOld"), settings.slow_reader).await? {
                    return Some(end);
                }
                false
            }
            Read::Page { told, last, more } => {
                for told in told {
                    let body = serde_json::to_value(told.body()).unwrap_or_default();
                    if let Err(end) = send(to, part(&told.kind, Some(told.id), &body), settings.slow_reader).await? {
                        return Some(end);
                    }
                }
                at = last;
                more
            }
        };
        if more {
            continue;
        }
        tokio::select! {
            changed = feed.changed() => if changed.is_err() { return Some(End::Shutdown) },
            () = ended(&mut ending) => return Some(End::Shutdown),
            () = to.closed() => return None,
            () = tokio::time::sleep_until(heartbeat) => {
                heartbeat = Instant::now() + settings.heartbeat;
                match still_allowed(&app, &mut parts, &audience.filter).await {
                    Ok(Some(allowed)) => audience = allowed,
                    // A store that is busy is no reason to send anyone away.
                    Ok(None) => {}
                    Err(()) => return Some(End::Unauthorized),
                }
                if let Err(end) = send(to, format!("id: {at}\n: alive\n\n").into_bytes().into(), settings.slow_reader).await? {
                    return Some(end);
                }
            }
        }
    }
}

async fn ended(ending: &mut watch::Receiver<bool>) {
    // An error is a sender that is gone: the same.
    let _ = ending.wait_for(|ending| *ending).await;
}

/// Who asks may have lost the token, or what it allows, since.
async fn still_allowed(app: &App, parts: &mut Parts, wanted: &Filter) -> Result<Option<Audience>, ()> {
    match Caller::from_request_parts(parts, app).await {
        Ok(caller) => wanted.clone().allowed(&caller).map(Some).map_err(|_| ()),
        Err(problem) if problem.status().is_server_error() => Ok(None),
        Err(_) => Err(()),
    }
}

enum Read {
    Page {
        told: Vec<events::Told>,
        last: EventId,
        more: bool,
    },
    /// What comes next was let go before it was read.
    LetGo {
        head: EventId,
    },
}

async fn read(app: &App, at: EventId, audience: &Audience) -> Result<Read, StoreError> {
    let mut state = app.store.snapshot().await?;
    let head = events::head(&mut state).await?;
    if events::floor(&mut state).await? > at.revision {
        return Ok(Read::LetGo { head });
    }
    let told = events::after(&mut state, at.revision, audience.filter.trunk.as_deref(), PAGE).await?;
    let more = told.len() == PAGE as usize;
    // Of the whole page nothing is left to be read up to its last event; of a short one, up to the head.
    let last = if more { told.last().map_or(head, |told| told.id) } else { head };
    Ok(Read::Page { told: told.into_iter().filter(|told| audience.hears(told)).collect(), last, more })
}

/// Nothing where the reader is gone.
async fn send(to: &mpsc::Sender<Bytes>, part: Bytes, patience: Duration) -> Option<Result<(), End>> {
    match timeout(patience, to.send(part)).await {
        Ok(Ok(())) => Some(Ok(())),
        Ok(Err(_)) => None,
        Err(_) => Some(Err(End::Slow)),
    }
}

fn reset(at: EventId, reason: &str) -> Bytes {
    part("reset", Some(at), &json!({ "reason": reason, "id": at.to_string() }))
}

/// Writes one event of the stream; JSON has no line break in it.
fn part(kind: &str, id: Option<EventId>, data: &Value) -> Bytes {
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    format!("event: {kind}\n{id}data: {data}\n\n").into_bytes().into()
}
