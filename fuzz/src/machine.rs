//! The whole client machine: an endpoint with three trunks, to which the bytes say what happens.
//!
//! The bytes choose steps of time, answers to its own last requests (right, wrong, mutated, forged), datagrams that belong to nothing, send
//! failures, names that resolve or don't, and commands. After each step the endpoint's own audit must pass; no CSeq of a Call-ID may fall,
//! and no digest may name another realm than the trunk's.

use sip::digest::Authorization;
use sip::{Message, Name};
use ua::{Command, Instant, Local};

use super::support::*;

/// Longer sequences find no more than shorter ones, and take longer.
const STEPS_MAX: usize = 40;

/// Lets happen what the bytes say.
pub fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let setup = registration("alice");
    let setup = if bytes.byte() & 1 == 1 { setup.pinged(30) } else { setup };
    let mut talk = Talk::idle(&Setup { seed: u64::from(bytes.byte()), ..setup });
    talk.command(Command::Carrier(Box::new(registration("alice").profile)));
    talk.assign(assigned(0, 1, 1, 0xf0)).assign(assigned(1, 1, 1, 0xf0));
    let (mut recent, mut generation) = (Vec::new(), 1);
    for _ in 0..STEPS_MAX {
        look(&talk);
        talk.events.clear();
        talk.registers.clear();
        if bytes.is_empty() {
            break;
        }
        match bytes.happening() {
            Some(happening) => happen(&mut talk, happening, &mut recent, &mut generation),
            None => {
                recent.extend(talk.sent.drain(..));
                forge(&mut talk, &mut bytes);
            }
        }
        assert!(generation < 1_000_000 && talk.now < Instant::from_micros(u64::MAX / 2));
    }
    look(&talk);
    assert!(talk.endpoint.counters().bound <= 2 * TRUNKS.len() as u64 && talk.endpoint.snapshot().len() <= TRUNKS.len());
}

/// What may never be seen on the wire. (`Talk` itself checks each REGISTER's CSeq.)
fn look(talk: &Talk) {
    for sent in &talk.sent {
        let Ok(message) = Message::parse(&sent.bytes) else { panic!("we sent what is no message") };
        for value in message.headers(Name::Authorization).chain(message.headers(Name::ProxyAuthorization)) {
            let Ok(answer) = Authorization::parse(value) else { panic!("credentials that cannot be read") };
            assert_eq!(answer.realm, "carrier.test", "a digest for a foreign realm");
        }
    }
}

/// A response to nothing that was asked: right in all but one thing, or made up whole. None is counted as an answer.
fn forge(talk: &mut Talk, bytes: &mut Bytes<'_>) {
    let (local, source) = (Local(0), "198.51.100.1:5060".parse().expect("an address"));
    let text = format!(
        "SIP/2.0 {} Forged\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK{}\r\nFrom: <sip:alice@carrier.test>;tag={}\r\n\
         To: <sip:alice@carrier.test>;tag=x\r\nCall-ID: {}\r\nCSeq: {} REGISTER\r\nContact: <sip:alice@192.0.2.10:5060>;expires={}\r\n\
         Content-Length: 0\r\n\r\n",
        [200, 401, 403, 423, 503, 302, 100, 699][usize::from(bytes.byte()) % 8],
        bytes.byte(),
        bytes.byte(),
        bytes.byte(),
        bytes.byte(),
        bytes.byte(),
    );
    let before = talk.endpoint.counters();
    talk.receive(local, source, text.as_bytes());
    assert_eq!(talk.endpoint.counters().bound, before.bound, "a forged response was believed");
}

/// Bytes that are read to their end; behind it come zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(&first, rest)| (first, rest));
        self.0 = rest;
        first
    }

    fn word(&mut self) -> u16 {
        u16::from_be_bytes([self.byte(), self.byte()])
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound
    }

    fn some(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most);
        (0..length).map(|_| self.byte()).collect()
    }

    fn mutation(&mut self) -> Mutation {
        match self.below(16) {
            0 => Mutation::Flip(usize::from(self.word()), self.byte()),
            1 => Mutation::Cut(usize::from(self.word())),
            2 => Mutation::Insert(usize::from(self.word()), self.some(40)),
            3 => Mutation::Double,
            _ => Mutation::None,
        }
    }

    /// The next thing that happens; `None` stands for a forged response.
    fn happening(&mut self) -> Option<Happening> {
        let trunk = TRUNKS.len();
        Some(match self.below(32) {
            0..=2 => Happening::Pass(u64::from(self.word()) % 1_000),
            3 | 4 => Happening::Pass(u64::from(self.word())),
            5 => Happening::Connection { which: self.below(3), what: self.below(10) },
            6 => Happening::Pass(u64::from(self.word()) * 16),
            7..=18 => Happening::Answer { which: self.below(6), says: self.below(60), mutation: self.mutation() },
            19 => Happening::Inbound { method: self.below(6), mutation: self.mutation() },
            20 => Happening::Noise(self.some(60)),
            21 => Happening::SendFailed { which: self.below(6), fault: self.below(4) },
            22..=24 => Happening::Assign {
                trunk: self.below(trunk),
                generation: u64::from(self.byte() % 12),
                version: 1 + u32::from(self.byte() % 4),
                variant: self.byte(),
            },
            25 => Happening::Withdraw { trunk: self.below(trunk), forget: self.byte() & 1 == 1 },
            26 => Happening::Act { trunk: self.below(trunk), action: self.below(3) },
            27 | 28 => Happening::Verify { trunk: self.below(trunk), variant: self.byte() },
            29 => Happening::Carrier(self.byte()),
            30 => Happening::Names(self.byte()),
            _ => return None,
        })
    }
}
