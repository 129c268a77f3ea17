//! A stranger who forges answers to requests that are out at that moment, fast: without a world around the endpoint.
//!
//! The stranger sees every request (more than carriers.md N11 asks for) and is right in all but one thing that an answer must have.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use ua::{
    Account, Assignment, Command, Config, ContactSpec, Credential, DigestPolicy, Endpoint, FlowFault, Generation, Input, Instant, Local,
    NonceReuse, OnDowngrade, Output, Pacing, PolicySource, Profile, Question, Records, Resolution, ResolveFault, Secret, Seeds, Socket,
};

use crate::chance::Chance;
use crate::lab;

const EDGE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);
const CARRIER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(10, 1, 0, 0)), 5060);
const STRANGER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(203, 0, 113, 66)), 5060);
const TRUNKS: usize = 16;
const EXPIRES: u32 = 600;
/// So many forgeries go at the requests of one round; then they are answered rightly, and the next refreshes come.
const PER_ROUND: u64 = 20_000;

/// In what a forged answer is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Forgery {
    /// A branch of random digits.
    GuessedBranch,
    /// The branch but for one digit.
    NearBranch,
    /// The branch of another request that is out.
    OthersBranch,
    /// Another Call-ID.
    CallId,
    /// Another From tag.
    Tag,
    /// A CSeq one to five higher, or lower.
    CSeq,
    /// The method of another request.
    Method,
    /// Another source, where the profile wants the exact one.
    Source,
}

const ALL: [Forgery; 8] = [
    Forgery::GuessedBranch,
    Forgery::NearBranch,
    Forgery::OthersBranch,
    Forgery::CallId,
    Forgery::Tag,
    Forgery::CSeq,
    Forgery::Method,
    Forgery::Source,
];

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Forged {
    /// Forged answers that reached the edge, by what was wrong with them.
    pub sent: BTreeMap<Forgery, u64>,
    /// Those that were not counted as a stranger's, or made the edge send or tell something.
    pub accepted: BTreeMap<Forgery, u64>,
    /// Right answers in between, which differ from the forged ones in nothing else.
    pub right: u64,
    /// Those of them that did not bind.
    pub not_bound: u64,
}

impl Forged {
    /// Counts all that were sent.
    pub fn total(&self) -> u64 {
        self.sent.values().sum()
    }
}

/// A request that is out, as the stranger reads it.
#[derive(Debug)]
struct Asked {
    via: String,
    branch: String,
    from: String,
    tag: String,
    to: String,
    call_id: String,
    cseq: u32,
    contact: String,
}

/// Forges at least so many answers.
pub fn forge(seed: u64, count: u64) -> Forged {
    let mut forging = Forging::new(seed);
    while forging.forged.total() < count {
        forging.round();
    }
    forging.forged
}

struct Forging {
    endpoint: Endpoint,
    now: Instant,
    chance: Chance,
    asked: Vec<Asked>,
    /// Events that told of a changed binding or a refusal.
    told: u64,
    bound: u64,
    forged: Forged,
    text: String,
}

impl Forging {
    fn new(seed: u64) -> Self {
        let mut chance = Chance::new(seed, "forgery");
        let mut tokens = [0; 32];
        tokens.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&chance.bits().to_be_bytes()));
        let config = Config { sockets: vec![Socket { address: EDGE, advertised: EDGE }], user_agent: "trunkline-sim".into() };
        let endpoint = Endpoint::new(config, Seeds { jitter: chance.bits(), tokens });
        let mut forging = Forging {
            endpoint,
            now: Instant::from_micros(1_000_000),
            chance,
            asked: Vec::new(),
            told: 0,
            bound: 0,
            forged: Forged::default(),
            text: String::new(),
        };
        // At the first carrier anybody who knows all else may answer; the second takes answers from its own address only.
        for (id, exact) in [("any", false), ("exact", true)] {
            forging.command(Command::Carrier(Box::new(profile(id, exact))));
        }
        for trunk in 0..TRUNKS {
            forging.command(Command::Assign(Box::new(assignment(trunk)), None));
        }
        forging
    }

    fn command(&mut self, command: Command) {
        self.endpoint.handle(self.now, Input::Command(command));
        self.drain();
    }

    /// Takes what the endpoint wants done now.
    fn drain(&mut self) -> Option<Instant> {
        loop {
            match self.endpoint.poll(self.now) {
                Output::Send { bytes, .. } => {
                    let asked = Asked::read(bytes);
                    // A retransmission asks nothing new.
                    if let Some(asked) = asked.filter(|asked| self.asked.iter().all(|other| other.branch != asked.branch)) {
                        self.asked.retain(|other| other.call_id != asked.call_id);
                        self.asked.push(asked);
                    }
                    self.told += 1;
                }
                Output::Resolve { query, question } => {
                    let outcome = match question {
                        Question::Host { .. } => {
                            Ok(Resolution { records: Records::Addresses(vec![CARRIER]), ttl: Duration::from_secs(86_400) })
                        }
                        Question::Srv { .. } | Question::Naptr { .. } => Err(ResolveFault::Absent("no such record".into())),
                    };
                    self.endpoint.handle(self.now, Input::Resolved { query, outcome });
                }
                Output::Open(dial) => {
                    self.endpoint.handle(self.now, Input::Closed { flow: dial.flow, fault: FlowFault::Refused });
                }
                Output::SendOn { .. } | Output::Ping { .. } | Output::Close { .. } => {}
                Output::Event(_) => self.told += 1,
                Output::Wake(at) => return at,
            }
        }
    }

    /// Waits until every trunk asks, lets the stranger answer, then the carrier.
    fn round(&mut self) {
        let end = self.now + Duration::from_secs(EXPIRES.into());
        while self.asked.len() < TRUNKS {
            let Some(at) = self.drain().filter(|&at| at < end) else { break };
            self.now = self.now.max(at);
        }
        self.drain();
        for _ in 0..PER_ROUND {
            let forgery = self.chance.pick(&ALL);
            self.forge(forgery);
        }
        for asked in std::mem::take(&mut self.asked) {
            self.forged.right += 1;
            self.bound = self.endpoint.counters().bound;
            let told = self.told;
            asked.write(&mut self.text, "200 OK", None, &mut self.chance, None);
            let strangers = self.endpoint.counters().strangers;
            self.hand_over(CARRIER);
            self.forged.not_bound += u64::from(self.endpoint.counters().strangers != strangers || self.told == told);
        }
    }

    fn forge(&mut self, forgery: Forgery) {
        let place = self.chance.below(self.asked.len());
        let exact = self.asked.get(place).is_some_and(|asked| asked.to.contains("exact.sim"));
        if (forgery == Forgery::Source && !exact) || self.asked.len() < 2 {
            return;
        }
        let other = self.asked[(place + 1) % self.asked.len()].branch.clone();
        let start = self.chance.pick(&["200 OK", "401 Unauthorized", "403 Forbidden", "503 Service Unavailable", "423 Interval Too Brief"]);
        self.asked[place].write(&mut self.text, start, Some(forgery), &mut self.chance, Some(&other));
        let (strangers, told) = (self.endpoint.counters().strangers, self.told);
        self.hand_over(if forgery == Forgery::Source { STRANGER } else { CARRIER });
        let accepted = self.endpoint.counters().strangers != strangers + 1 || self.told != told;
        *self.forged.sent.entry(forgery).or_default() += 1;
        if accepted {
            *self.forged.accepted.entry(forgery).or_default() += 1;
        }
    }

    fn hand_over(&mut self, source: SocketAddr) {
        self.endpoint.handle(self.now, Input::Datagram { local: Local(0), source, bytes: self.text.as_bytes() });
        self.drain();
    }
}

impl Asked {
    fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let value = |name: &str| text.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let (via, branch) = value("Via")?.split_once("z9hG4bK")?;
        let (from, tag) = value("From")?.split_once(";tag=")?;
        Some(Asked {
            via: via.to_owned(),
            branch: branch.to_owned(),
            from: from.to_owned(),
            tag: tag.to_owned(),
            to: value("To")?.to_owned(),
            call_id: value("Call-ID")?.to_owned(),
            cseq: value("CSeq")?.strip_suffix(" REGISTER")?.parse().ok()?,
            contact: value("Contact")?.to_owned(),
        })
    }

    /// Writes an answer that is right in all but that one thing.
    fn write(&self, text: &mut String, start: &str, wrong: Option<Forgery>, chance: &mut Chance, other: Option<&str>) {
        let Asked { via, branch, from, tag, to, call_id, cseq, contact } = self;
        text.clear();
        let mut written = write!(text, "SIP/2.0 {start}\r\nVia: {via}z9hG4bK");
        written = written.and(match wrong {
            Some(Forgery::GuessedBranch) => write!(text, "{:016x}{:016x}", chance.bits(), chance.bits()),
            Some(Forgery::NearBranch) => {
                let place = chance.below(branch.len());
                let digit = u32::from_str_radix(&branch[place..=place], 16).unwrap_or(0) ^ 1;
                write!(text, "{}{digit:x}{}", &branch[..place], &branch[place + 1..])
            }
            Some(Forgery::OthersBranch) => write!(text, "{}", other.unwrap_or_default()),
            _ => write!(text, "{branch}"),
        });
        written = written.and(match wrong {
            Some(Forgery::Tag) => write!(text, "\r\nFrom: {from};tag={:016x}", chance.bits()),
            _ => write!(text, "\r\nFrom: {from};tag={tag}"),
        });
        written = written.and(match wrong {
            Some(Forgery::CallId) => write!(text, "\r\nTo: {to};tag=f\r\nCall-ID: {:032x}", chance.bits()),
            _ => write!(text, "\r\nTo: {to};tag=f\r\nCall-ID: {call_id}"),
        });
        written = written.and(match wrong {
            Some(Forgery::CSeq) => {
                let by = 1 + u32::try_from(chance.below(5)).unwrap_or(0);
                let number = if chance.happens(0.5) { cseq + by } else { cseq.checked_sub(by).unwrap_or(cseq + by) };
                write!(text, "\r\nCSeq: {number} REGISTER")
            }
            Some(Forgery::Method) => write!(text, "\r\nCSeq: {cseq} {}", chance.pick(&["OPTIONS", "INVITE", "register"])),
            _ => write!(text, "\r\nCSeq: {cseq} REGISTER"),
        });
        written = written.and(match start {
            "200 OK" => write!(text, "\r\nContact: {contact}"),
            "401 Unauthorized" => {
                write!(text, "\r\nWWW-Authenticate: Digest realm=\"any.sim\", nonce=\"forged\", algorithm=MD5, qop=\"auth\"")
            }
            "423 Interval Too Brief" => write!(text, "\r\nMin-Expires: 86400"),
            _ => write!(text, "\r\nRetry-After: 3600"),
        });
        written = written.and(write!(text, "\r\nContent-Length: 0\r\n\r\n"));
        // Text takes whatever it is given.
        debug_assert!(written.is_ok());
    }
}

fn profile(id: &str, exact: bool) -> Profile {
    Profile {
        registrars: vec![format!("sip:{id}.sim").into()],
        nonce_reuse: NonceReuse::Never,
        pacing: Pacing { registers_per_second: 10_000, in_flight: 10_000 },
        options: None,
        response_source_exact: exact,
        ..lab::profile(id, 10_000, 10_000, 1)
    }
}

fn assignment(trunk: usize) -> Assignment {
    let id = if trunk.is_multiple_of(2) { "any" } else { "exact" };
    let credential = Credential {
        version: 1,
        username: format!("auth-{trunk}").into(),
        realm: None,
        algorithm: None,
        pinned: false,
        qop: false,
        proxy: None,
        secret: std::sync::Arc::new(Secret::Password("never asked for".to_owned().into())),
    };
    Assignment {
        trunk: format!("t{trunk}").into(),
        generation: Generation { incarnation: 1, number: 1 },
        carrier: id.into(),
        account: Account {
            address_of_record: format!("sip:62{trunk:07}@{id}.sim").into(),
            request_uri: format!("sip:{id}.sim").into(),
            from_uri: None,
            contact: ContactSpec::default(),
            expires: EXPIRES,
            user_agent: None,
            extra_headers: Vec::new(),
        },
        policy: DigestPolicy { allowed: vec![ua::Hash::Md5], on_downgrade: OnDowngrade::Refuse, source: PolicySource::Default },
        active: Some(credential),
        previous: None,
        standby: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_all_forged_answers_none_is_accepted_and_every_right_one_is() {
        let forged = forge(1, 60_000);
        assert!(forged.total() >= 60_000 && forged.sent.len() == ALL.len(), "{forged:?}");
        assert_eq!((forged.accepted.len(), forged.not_bound), (0, 0), "{forged:?}");
        assert!(forged.right >= 3 * TRUNKS as u64, "{forged:?}");
    }

    #[test]
    fn an_answer_that_is_right_in_everything_would_be_found_out() {
        // The check can fail: at a carrier whose answers may come from anywhere, another source alone is no fault.
        let mut forging = Forging::new(2);
        forging.round();
        let end = forging.now + Duration::from_secs(EXPIRES.into());
        while forging.asked.len() < TRUNKS {
            let Some(at) = forging.drain().filter(|&at| at < end) else { break };
            forging.now = forging.now.max(at);
        }
        for asked in &mut forging.asked {
            asked.to = "<sip:exact.sim>".to_owned();
        }
        for _ in 0..200 {
            forging.forge(Forgery::Source);
        }
        assert!(forging.forged.accepted.contains_key(&Forgery::Source), "{:?}", forging.forged);
    }
}
