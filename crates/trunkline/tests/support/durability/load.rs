//! The load: what a writer does next, drawn by seed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::ledger::{Body, Keyed, Ledger, NDJSON};
use super::thing::{Kind, State};
use crate::support::api::{Answer, Api, REGISTRATIONS};

/// A sequence of numbers that a seed fixes: SplitMix64.
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let index = usize::try_from(self.below(of.len() as u64)).ok()?;
        of.get(index).copied()
    }
}

/// One who makes changes, one after the other.
pub struct Writer {
    pub name: String,
    pub ledger: Ledger,
    dice: Dice,
    counter: u64,
}

impl Writer {
    pub fn new(name: String, seed: u64) -> Self {
        Self { name, ledger: Ledger::default(), dice: Dice::new(seed), counter: 0 }
    }

    /// Makes changes until the server is gone, or told to end.
    pub fn work(&mut self, api: &Api, address: SocketAddr, end: &AtomicBool) {
        while !end.load(Ordering::Relaxed) {
            if self.step(api, address).is_none() {
                return;
            }
        }
    }

    fn unique(&mut self, word: &str) -> String {
        self.counter += 1;
        format!("{}-{word}{}", self.name, self.counter)
    }

    fn there(&self, wanted: impl Fn(Kind) -> bool) -> Vec<usize> {
        let things = self.ledger.things.iter().enumerate();
        things.filter(|(_, thing)| wanted(thing.kind) && thing.state.shown.is_some()).map(|(index, _)| index).collect()
    }

    /// One change; `None` where no answer came.
    fn step(&mut self, api: &Api, address: SocketAddr) -> Option<()> {
        let trunks = self.there(|kind| kind == Kind::Trunk);
        let all = self.there(|_| true);
        match self.dice.below(100) {
            0..15 => self.make(api, Kind::Trunk),
            15..27 => {
                let kind = self.dice.pick(&Kind::PLAIN)?;
                self.make(api, kind)
            }
            27..45 => match self.dice.pick(&all) {
                Some(thing) => self.rename(api, thing),
                None => self.make(api, Kind::Trunk),
            },
            45..55 => match self.dice.pick(&all) {
                Some(thing) => self.remove(api, thing),
                None => self.make(api, Kind::Trunk),
            },
            55..75 => match self.dice.pick(&trunks) {
                Some(trunk) => self.set_credentials(api, trunk),
                None => self.make(api, Kind::Trunk),
            },
            75..85 => match self.dice.pick(&self.there(|kind| matches!(kind, Kind::Trunk | Kind::Carrier))) {
                Some(thing) => self.undo(api, thing),
                None => self.make(api, Kind::Trunk),
            },
            85..98 => self.import(address, api.token()),
            _ => self.rotate_keys(api),
        }
    }

    /// Sends a change, and notes what came of it.
    fn send(&mut self, api: &Api, thing: usize, after: State, call: &Call<'_>) -> Option<Answer> {
        self.ledger.sends(thing, after);
        let answer = call.send(api)?;
        if (200..300).contains(&answer.status) {
            self.ledger.acknowledged(thing);
        } else {
            // Under load the store may be busy; then nothing was done.
            assert!(matches!(answer.status, 429 | 503), "{} {}: {} {}", call.method, call.path, answer.status, answer.text);
            self.ledger.refused(thing);
        }
        Some(answer)
    }

    fn make(&mut self, api: &Api, kind: Kind) -> Option<()> {
        let id = self.unique("x");
        let body = kind.body(&id, &id);
        let thing = self.ledger.add(kind, id.clone());
        self.send(api, thing, State::made(&id), &Call { method: "POST", path: kind.path(), body: Some(&body), key: None })?;
        Some(())
    }

    fn rename(&mut self, api: &Api, thing: usize) -> Option<()> {
        let name = self.unique("name");
        let (path, after) = (self.path(thing), self.ledger.things[thing].state.renamed(&name));
        self.send(api, thing, after, &Call { method: "PATCH", path: &path, body: Some(&json!({"name": name})), key: None })?;
        Some(())
    }

    fn remove(&mut self, api: &Api, thing: usize) -> Option<()> {
        let (path, after) = (self.path(thing), self.ledger.things[thing].state.removed());
        self.send(api, thing, after, &Call { method: "DELETE", path: &path, body: None, key: None })?;
        Some(())
    }

    fn set_credentials(&mut self, api: &Api, trunk: usize) -> Option<()> {
        let username = self.unique("user");
        let id = self.ledger.things[trunk].id.clone();
        let body = json!({"trunkId": id, "verify": "static",
            "credentials": {"username": username, "password": format!("secret-of-{username}"), "realm": "lab", "algorithm": "SHA-256"}});
        let key = (self.dice.below(2) == 0).then(|| self.unique("key"));
        if let Some(key) = &key {
            self.ledger.keyed = Some(Keyed { key: key.clone(), body: Body::Credentials(body.clone()), answered: None });
        } else {
            self.ledger.keyed = None;
        }
        let after = self.ledger.things[trunk].state.with_credentials(&username);
        let answer = self.send(api, trunk, after, &Call { method: "POST", path: REGISTRATIONS, body: Some(&body), key: key.as_deref() })?;
        match &mut self.ledger.keyed {
            Some(keyed) if matches!(answer.status, 200 | 201) => keyed.answered = Some(answer.text),
            // A refusal of the moment is not kept.
            _ => self.ledger.keyed = None,
        }
        Some(())
    }

    /// An edit, and the same taken back from its record.
    fn undo(&mut self, api: &Api, thing: usize) -> Option<()> {
        let before = self.ledger.things[thing].state.shown.as_ref()?.name.clone();
        self.rename(api, thing)?;
        let (kind, id, state) = {
            let thing = &self.ledger.things[thing];
            (thing.kind, thing.id.clone(), thing.state.clone())
        };
        let shown = state.shown.as_ref()?;
        if shown.name == before {
            return Some(());
        }
        let word = if kind == Kind::Trunk { "trunk" } else { "carrier" };
        let path = format!("/api/v2/audits?entityId={id}&entityType={word}&sortOrder=descending&pageSize=1");
        let record = Call { method: "GET", path: &path, body: None, key: None }.send(api)?.expect(200);
        let number = record.at("/entities/0/number").as_u64()?;
        let path = format!("/api/v2/audits/{number}/undo");
        self.send(api, thing, state.renamed(&before), &Call { method: "POST", path: &path, body: None, key: None })?;
        Some(())
    }

    fn rotate_keys(&mut self, api: &Api) -> Option<()> {
        let answer = Call { method: "POST", path: "/api/v2/sealing/data-keys/rotate", body: None, key: None }.send(api)?;
        // One at a time.
        assert!(matches!(answer.status, 200 | 202 | 409 | 429 | 503), "{}", answer.text);
        Some(())
    }

    /// Lines whose results are read one by one: each that came is acknowledged.
    fn import(&mut self, address: SocketAddr, token: &str) -> Option<()> {
        let count = 1 + self.dice.below(60);
        let key = self.unique("key");
        let mut lines = String::new();
        let mut things = Vec::new();
        for _ in 0..count {
            let id = self.unique("b");
            let line = json!({"trunk": Kind::Trunk.body(&id, &id), "credentials": {"username": id, "password": format!("secret-of-{id}")}});
            lines.push_str(&line.to_string());
            lines.push('\n');
            let thing = self.ledger.add(Kind::Trunk, id.clone());
            self.ledger.sends(thing, State::made(&id).with_credentials(&id));
            things.push(thing);
        }
        self.ledger.keyed = Some(Keyed { key: key.clone(), body: Body::Lines(lines.clone()), answered: None });
        let mut acknowledged = 0;
        streamed(address, token, &key, &lines, |result| {
            assert_eq!(result["status"], 201, "{result}");
            self.ledger.acknowledged(things[acknowledged]);
            self.ledger.tally.lines += 1;
            acknowledged += 1;
        })?;
        (acknowledged == things.len()).then_some(())
    }

    fn path(&self, thing: usize) -> String {
        let thing = &self.ledger.things[thing];
        format!("{}/{}", thing.kind.path(), thing.id)
    }
}

/// A call that may find nobody.
struct Call<'c> {
    method: &'c str,
    path: &'c str,
    body: Option<&'c Value>,
    key: Option<&'c str>,
}

impl Call<'_> {
    fn send(&self, api: &Api) -> Option<Answer> {
        let bearer = format!("Bearer {}", api.token());
        let mut headers = vec![("Authorization", bearer.as_str()), ("Accept", "application/json"), ("Prefer", "wait=0")];
        if self.body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        headers.extend(self.key.map(|key| ("Idempotency-Key", key)));
        let text = self.body.map(Value::to_string).unwrap_or_default();
        api.send(self.method, self.path, &headers, text.as_bytes()).ok()
    }
}

/// Sends lines, and tells of each result as it comes: the client of the other calls hands an answer over when it is whole. `None` where the
/// connection ended before the answer did.
fn streamed(address: SocketAddr, token: &str, key: &str, lines: &str, mut each: impl FnMut(Value)) -> Option<()> {
    let mut stream = TcpStream::connect(address).ok()?;
    let head = format!(
        "POST {REGISTRATIONS}/bulk HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: {NDJSON}\r\nAccept: {NDJSON}\r\n\
         Idempotency-Key: {key}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        lines.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(lines.as_bytes()).ok()?;
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
    }
    // Chunks end anywhere, results at a line's end (RFC 9112 7.1).
    let mut rest = Vec::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let length = usize::from_str_radix(line.trim(), 16).ok()?;
        if length == 0 {
            return Some(());
        }
        let mut chunk = vec![0; length + 2];
        reader.read_exact(&mut chunk).ok()?;
        rest.extend_from_slice(&chunk[..length]);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let result: Vec<u8> = rest.drain(..=end).collect();
            each(serde_json::from_slice(&result).expect("a result line"));
        }
    }
}
