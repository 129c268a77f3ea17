//! What one writer knows: what was acknowledged, and what it was doing when the server was killed.

use serde_json::Value;

use super::thing::{Kind, State, Thing};
use crate::support::api::{Api, REGISTRATIONS};

/// What is sent again after the next start, and must do no more than it has done.
#[derive(Clone, Debug)]
pub struct Keyed {
    pub key: String,
    pub body: Body,
    /// The answer that was acknowledged, if it was.
    pub answered: Option<String>,
}

#[derive(Clone, Debug)]
pub enum Body {
    Credentials(Value),
    Lines(String),
}

/// A change that was sent and not yet answered.
#[derive(Clone, Debug)]
pub struct Pending {
    pub thing: usize,
    pub after: State,
}

/// The things of one writer, each of which only it touches.
#[derive(Default)]
pub struct Ledger {
    pub things: Vec<Thing>,
    pub pending: Vec<Pending>,
    /// Touched since the last check.
    pub touched: Vec<usize>,
    pub keyed: Option<Keyed>,
    pub tally: Tally,
}

/// What came of it all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    pub acknowledged: u64,
    pub in_doubt: u64,
    pub in_doubt_done: u64,
    pub replayed: u64,
    pub lines: u64,
    pub things_checked: u64,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.acknowledged += other.acknowledged;
        self.in_doubt += other.in_doubt;
        self.in_doubt_done += other.in_doubt_done;
        self.replayed += other.replayed;
        self.lines += other.lines;
        self.things_checked += other.things_checked;
    }
}

impl Ledger {
    /// Adds something that is not there yet.
    pub fn add(&mut self, kind: Kind, id: String) -> usize {
        self.things.push(Thing { kind, id, state: State::ABSENT, edit: None });
        self.things.len() - 1
    }

    /// A change is about to be sent.
    pub fn sends(&mut self, thing: usize, after: State) {
        self.pending.push(Pending { thing, after });
        self.touched.push(thing);
    }

    /// The change of this thing was acknowledged.
    pub fn acknowledged(&mut self, thing: usize) {
        if let Some(at) = self.pending.iter().position(|pending| pending.thing == thing) {
            let pending = self.pending.remove(at);
            self.things[thing].state = pending.after;
            self.tally.acknowledged += 1;
        }
    }

    /// The change of this thing was refused: nothing of it may be there.
    pub fn refused(&mut self, thing: usize) {
        self.pending.retain(|pending| pending.thing != thing);
    }

    /// After a start: all that was acknowledged is there; what was in doubt is there wholly, with its records, or not at all.
    pub fn check(&mut self, api: &Api, all: bool) {
        for pending in std::mem::take(&mut self.pending) {
            let thing = &mut self.things[pending.thing];
            let found = State::read(api, thing.kind, &thing.id);
            self.tally.in_doubt += 1;
            if found == pending.after {
                self.tally.in_doubt_done += 1;
            } else {
                assert_eq!(
                    found,
                    thing.state,
                    "{} {}: neither done nor undone, where done is {:?}",
                    thing.kind.path(),
                    thing.id,
                    pending.after
                );
            }
            thing.state = found;
        }
        let mut look: Vec<usize> = if all { (0..self.things.len()).collect() } else { std::mem::take(&mut self.touched) };
        self.touched.clear();
        look.sort_unstable();
        look.dedup();
        for thing in look.into_iter().map(|index| &self.things[index]) {
            self.tally.things_checked += 1;
            let found = State::read(api, thing.kind, &thing.id);
            assert_eq!(found, thing.state, "{} {}: what was acknowledged is there", thing.kind.path(), thing.id);
        }
        self.send_again(api);
    }

    /// What was sent under a key is sent once more: an answer that was kept comes again, and nothing is done twice.
    fn send_again(&mut self, api: &Api) {
        let Some(keyed) = self.keyed.take() else { return };
        self.tally.replayed += 1;
        let trunks: Vec<String> = match &keyed.body {
            Body::Credentials(body) => {
                let headers = [("Idempotency-Key", keyed.key.as_str()), ("Prefer", "wait=0")];
                let answer = api.call("POST", REGISTRATIONS, Some(body), &headers);
                assert!(matches!(answer.status, 200 | 201), "{}", answer.text);
                if let Some(before) = &keyed.answered {
                    assert_eq!(answer.header("idempotency-replayed"), Some("true"), "a kept answer is replayed");
                    assert_eq!(&answer.text, before, "word for word");
                }
                vec![body["trunkId"].as_str().expect("a trunk").to_owned()]
            }
            Body::Lines(lines) => {
                let headers = [("Content-Type", NDJSON), ("Accept", NDJSON), ("Idempotency-Key", keyed.key.as_str())];
                let answer = api.raw("POST", &format!("{REGISTRATIONS}/bulk"), &headers, lines.as_bytes()).expect(200);
                let results: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
                assert_eq!(results.len(), lines.lines().count(), "a result for each line: {}", answer.text);
                assert!(results.iter().all(|result| result["status"] == 201), "{}", answer.text);
                results.iter().map(|result| result["trunkId"].as_str().expect("a trunk").to_owned()).collect()
            }
        };
        for id in trunks {
            let thing = self.things.iter_mut().find(|thing| thing.id == id).expect("one of ours");
            let found = State::read(api, Kind::Trunk, &id);
            let done = match &keyed.body {
                Body::Credentials(body) => {
                    let username = body["credentials"]["username"].as_str().expect("a user name");
                    // Done before, or by being sent again; never twice. After an answer other changes may have followed, a removal too.
                    let set = keyed.answered.is_some()
                        || thing.state.shown.as_ref().is_some_and(|shown| shown.username.as_deref() == Some(username));
                    if set { thing.state.clone() } else { thing.state.with_credentials(username) }
                }
                Body::Lines(_) if thing.state == State::ABSENT => State::made(&id).with_credentials(&id),
                Body::Lines(_) => thing.state.clone(),
            };
            assert_eq!(found, done, "{id}: sent again under its key, it is there once");
            thing.state = found;
        }
    }
}

/// The media type of bulk lines.
pub const NDJSON: &str = "application/x-ndjson";
