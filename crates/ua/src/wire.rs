//! Client transactions, the connections that they go on, and what waits to go out.

mod connecting;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use sip::{Message, Name, PlainReply, Start, Via, ViaMarks};

use crate::chance::{Jitter, Tokens};
use crate::flows::Flows;
use crate::slab::{Key, Slab};
use crate::wheel::{TimerKey, Wheel};
use crate::{Config, Counters, Dial, Event, Flow, Instant, Local, Place, Query, Question, Seeds, SendFault};

/// RFC 3261 17.1.2.2: the estimate of a round trip.
pub const T1: Duration = Duration::from_millis(500);
/// RFC 3261 17.1.2.2: the longest pause between retransmissions.
pub const T2: Duration = Duration::from_secs(4);
/// RFC 3261 17.1.2.2: 64 T1.
pub const TIMER_F: Duration = Duration::from_secs(32);
/// RFC 3261 8.1.1.7.
const COOKIE: &str = "z9hG4bK";
/// So long after Timer F a 2xx is still taken: as long as Timer F itself.
const LATE: Duration = TIMER_F;
/// More free buffers than that are given back.
const BUFFERS: usize = 1024;
/// A buffer that grew beyond that is given back.
const BUFFER_BYTES: usize = 4 * 1024;

/// A host that is none of ours could be read as an address.
#[derive(Clone, Copy, Debug)]
pub struct NoAddress;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Timer E or F of a transaction.
    Transaction(Key),
    /// A registration has something to do.
    Registration(Key),
    /// A verification's patience ends.
    Probe(Key),
    /// A target is to be asked by OPTIONS.
    Ping(Key, usize),
    /// A carrier may be asked again.
    Pace(Key),
    /// A look-up is waited for no longer.
    Query(Query),
    /// A connection is to be kept alive, or given up.
    Flow(Flow),
}

/// Whose transaction it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A REGISTER of a registration.
    Registration(Key),
    /// A REGISTER of a verification.
    Probe(Key),
    /// The OPTIONS of a verification.
    ProbeOptions(Key),
    /// An OPTIONS keep-alive: the carrier and the ping's place.
    Ping(Key, usize),
}

/// A non-INVITE client transaction (RFC 3261 17.1.2).
///
/// Timer K keeps nothing: a final response that comes again finds no branch and is dropped, which is what K is for.
pub struct Transaction {
    /// Whose it is.
    pub owner: Owner,
    /// To this place, over its transport; never to a response's source.
    pub target: Place,
    /// From this socket, or a connection from its address.
    pub local: Local,
    /// On this connection.
    pub flow: Option<Flow>,
    /// When it was sent first.
    pub sent_at: Instant,
    /// How often it was sent.
    pub sends: u32,
    /// Its next sending is paid for, and waits for its turn.
    pub paid: bool,
    /// The how manieth of its wire it is.
    pub order: u64,
    /// Where the final answer came from; until then the target.
    pub answered_from: SocketAddr,
    /// Our address as the answerer of the final answer saw it.
    pub public: Option<SocketAddr>,
    /// The first provisional answer.
    pub provisional: Option<Box<Provisional>>,
    branch: u128,
    method: &'static str,
    cseq: u32,
    call_id: Arc<str>,
    from_tag: Arc<str>,
    exact_source: bool,
    bytes: Vec<u8>,
    from_at: usize,
    interval: Duration,
    next_send: Instant,
    gives_up_at: Instant,
    timer: Option<TimerKey>,
    over: bool,
}

/// An answer that is not final, as it came.
pub struct Provisional {
    /// When.
    pub at: Instant,
    /// From there.
    pub source: SocketAddr,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A request to start a transaction with.
pub struct Outset<'r> {
    /// Whose it is.
    pub owner: Owner,
    /// REGISTER or OPTIONS.
    pub method: &'static str,
    /// Call-ID, tag and CSeq as in the bytes.
    pub identity: &'r crate::request::Identity,
    /// From this socket.
    pub local: Local,
    /// To this place, over its transport.
    pub target: Place,
    /// On this connection; a datagram where there is none.
    pub flow: Option<Flow>,
    /// The branch in the bytes.
    pub branch: Branch,
    /// The request.
    pub bytes: Vec<u8>,
    /// Where the value of its From begins; zero where that is not known.
    pub from_at: usize,
    /// It goes out then, and not before.
    pub at: Instant,
    /// Timer F, or less; from then on.
    pub patience: Duration,
    /// A response must come from `target`.
    pub exact_source: bool,
}

impl Transaction {
    /// Its time is over; an answer comes late.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Its CSeq.
    pub fn cseq(&self) -> u32 {
        self.cseq
    }

    /// Tells whether a response has the From that was sent, tag included.
    fn sent_from(&self, message: &Message<'_>) -> bool {
        message.header(Name::From).is_some_and(|from| self.has_from(from) && message.repeats(Name::From, from))
    }

    /// Tells whether this is the value of From that was sent, where it is known where that stands.
    fn has_from(&self, from: &[u8]) -> bool {
        let sent = self.bytes.get(self.from_at..).filter(|_| self.from_at > 0);
        sent.and_then(|sent| sent.strip_prefix(from)).is_some_and(|rest| rest.starts_with(b"\r\n"))
    }

    /// How long its request is; zero once that was given away.
    pub fn request_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Gives the request's bytes away, once.
    pub fn take_request(&mut self) -> Option<Vec<u8>> {
        Some(std::mem::take(&mut self.bytes)).filter(|bytes| !bytes.is_empty())
    }
}

/// A branch that nobody can guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch(u128);

impl Branch {
    /// Returns the parameter's text, cookie included.
    pub fn text(self) -> BranchText {
        let mut text = [0; COOKIE.len() + 32];
        let (cookie, digits) = text.split_at_mut(COOKIE.len());
        cookie.copy_from_slice(COOKIE.as_bytes());
        for (pair, byte) in digits.chunks_exact_mut(2).zip(self.0.to_be_bytes()) {
            pair.copy_from_slice(&sip::digest::hex_pair(byte));
        }
        BranchText(text)
    }

    fn parse(text: &[u8]) -> Option<u128> {
        let digits: &[u8; 32] = text.strip_prefix(COOKIE.as_bytes())?.try_into().ok()?;
        let (high, low) = digits.split_at(16);
        let half = |digits: &[u8]| {
            let mut bits = 0u64;
            let mut any = 0u8;
            for &digit in digits {
                let value = VALUES[usize::from(digit)];
                any |= value;
                bits = bits << 4 | u64::from(value & 15);
            }
            (any < 16).then_some(bits)
        };
        Some(u128::from(half(high)?) << 64 | u128::from(half(low)?))
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// What each hexadecimal digit says, in either case; of all else more than any.
const VALUES: [u8; 256] = {
    let mut values = [u8::MAX; 256];
    let mut value = 0;
    while value < 16 {
        values[HEX[value as usize] as usize] = value;
        values[HEX[value as usize].to_ascii_uppercase() as usize] = value;
        value += 1;
    }
    values
};

/// A branch as text.
pub struct BranchText([u8; COOKIE.len() + 32]);

impl std::ops::Deref for BranchText {
    type Target = str;

    fn deref(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

enum Outgoing {
    Request(Key),
    Response { to: Way, bytes: Vec<u8> },
    Open(Dial),
    Ping(Flow),
    Close(Flow),
    Resolve { query: Query, question: Question },
    Event(Event),
}

/// How a message goes, or came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a datagram between a socket and an address.
    Datagram(Local, SocketAddr),
    /// On a connection.
    Flow(Flow),
}

/// What `Wire::next` found to do.
pub enum Step {
    /// Send what `Wire::lent` holds.
    Send(Way),
    /// Open a connection.
    Open(Dial),
    /// Send a keep-alive.
    Ping(Flow),
    /// Close a connection.
    Close(Flow),
    /// Look records up.
    Resolve(Query, Question),
    /// Tell.
    Event(Event),
    /// Nothing waits.
    Nothing,
}

/// What a transaction's timer did.
pub enum Ticked {
    /// It was sent again; for the first time if so said.
    Again { first: bool, owner: Owner },
    /// Nobody answered in time.
    Silence(Box<Transaction>),
    /// It is gone.
    Gone,
}

/// Transactions, timers, chance, and what waits to go out.
pub struct Wire {
    /// What the endpoint was set up with.
    pub config: Config,
    /// Spreads things in time.
    pub jitter: Jitter,
    /// What nobody may guess.
    pub tokens: Tokens,
    /// All timers.
    pub wheel: Wheel<Timer>,
    /// What was counted.
    pub counters: Counters,
    /// All connections.
    pub flows: Flows,
    transactions: Slab<Transaction>,
    branches: HashMap<u128, Key, BuildHasherDefault<Random>>,
    outgoing: VecDeque<Outgoing>,
    buffers: Vec<Vec<u8>>,
    late: VecDeque<(Instant, Key)>,
    /// Where header lines are put together.
    pub lines: Vec<u8>,
    lent: Vec<u8>,
    lent_request: Option<Key>,
    /// The sockets' advertised addresses.
    texts: Vec<Box<str>>,
    /// Our host as a plain reply told it last.
    seen: Option<(Box<[u8]>, IpAddr)>,
    queries: u32,
    started: u64,
}

/// Branches are random already.
#[derive(Default)]
struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u128(&mut self, bits: u128) {
        self.0 = (bits >> 64) as u64 ^ bits as u64;
    }
}

impl Wire {
    /// Makes an idle wire.
    pub fn new(config: Config, seeds: Seeds) -> Self {
        Wire {
            texts: config.sockets.iter().map(|socket| socket.advertised.to_string().into()).collect(),
            config,
            jitter: Jitter::new(seeds.jitter),
            tokens: Tokens::new(seeds.tokens),
            wheel: Wheel::default(),
            counters: Counters::default(),
            flows: Flows::default(),
            transactions: Slab::default(),
            branches: HashMap::default(),
            outgoing: VecDeque::new(),
            buffers: Vec::new(),
            late: VecDeque::new(),
            lines: Vec::new(),
            lent: Vec::new(),
            lent_request: None,
            seen: None,
            queries: 0,
            started: 0,
        }
    }

    /// Returns a socket of the target's address family.
    pub fn local_for(&self, target: SocketAddr) -> Option<Local> {
        let at = self.config.sockets.iter().position(|socket| socket.address.is_ipv4() == target.is_ipv4())?;
        u16::try_from(at).ok().map(Local)
    }

    /// Returns the socket that a trunk's lot falls on, of the first so many at one address of the target's family: of a trunk always the same.
    pub fn local_of(&self, target: SocketAddr, ports: u16, lot: u64) -> Option<Local> {
        let first = self.local_for(target)?;
        let address = self.address(first)?.ip();
        let at_it = self.config.sockets.iter().enumerate().filter(|(_, socket)| socket.address.ip() == address);
        let usable: Vec<usize> = at_it.map(|(at, _)| at).take(usize::from(ports.max(1))).collect();
        // Names that differ in their last letter only have lots that differ in few bits: those are spread over all (Fibonacci hashing).
        let spread = ((lot ^ (lot >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
        let at = usable.get(spread % usable.len().max(1))?;
        u16::try_from(*at).ok().map(Local)
    }

    /// Returns a socket's bound address.
    pub fn address(&self, local: Local) -> Option<SocketAddr> {
        self.config.sockets.get(usize::from(local.0)).map(|socket| socket.address)
    }

    /// Returns the address that a socket's datagrams are told to come from: where it is bound to all, the one that it advertises.
    pub fn source(&self, local: Local) -> Option<SocketAddr> {
        self.address(local).filter(|address| !address.ip().is_unspecified()).or_else(|| self.advertised(local))
    }

    /// Returns a socket's advertised address.
    pub fn advertised(&self, local: Local) -> Option<SocketAddr> {
        self.config.sockets.get(usize::from(local.0)).map(|socket| socket.advertised)
    }

    /// Returns a socket's advertised address as text.
    pub fn advertised_text(&self, local: Local) -> &str {
        self.texts.get(usize::from(local.0)).map_or("", |text| text)
    }

    /// Draws a branch.
    pub fn branch(&mut self) -> Branch {
        Branch(self.tokens.bits())
    }

    /// Draws a Call-ID and a From tag for a new count of CSeq.
    pub fn identity(&mut self) -> crate::request::Identity {
        crate::request::Identity { call_id: self.tokens.text::<32>().into(), from_tag: self.tokens.text::<16>().into(), cseq: 0 }
    }

    /// Lends a buffer for a request.
    pub fn buffer(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_else(|| Vec::with_capacity(768))
    }

    /// Draws the name of a look-up and orders it.
    pub fn look_up(&mut self, question: Question) -> Query {
        self.queries = self.queries.wrapping_add(1);
        let query = Query(self.queries);
        self.outgoing.push_back(Outgoing::Resolve { query, question });
        query
    }

    /// Queues something to tell.
    pub fn tell(&mut self, event: Event) {
        self.outgoing.push_back(Outgoing::Event(event));
    }

    /// Queues a response to a request that came in.
    pub fn respond(&mut self, to: Way, bytes: Vec<u8>) {
        self.outgoing.push_back(Outgoing::Response { to, bytes });
    }

    /// Starts a transaction and queues its request.
    pub fn start(&mut self, now: Instant, outset: Outset<'_>) -> Key {
        let Outset { owner, method, identity, local, target, flow, branch, bytes, from_at, at, patience, exact_source } = outset;
        let waits = at > now;
        self.started += 1;
        let gives_up_at = at + patience.min(TIMER_F);
        let transaction = Transaction {
            owner,
            target,
            local,
            flow,
            sent_at: at,
            sends: u32::from(!waits),
            paid: waits,
            order: self.started,
            answered_from: target.address,
            public: None,
            provisional: None,
            branch: branch.0,
            method,
            cseq: identity.cseq,
            call_id: identity.call_id.clone(),
            from_tag: identity.from_tag.clone(),
            exact_source,
            bytes,
            from_at,
            interval: T1,
            next_send: match (waits, flow) {
                (true, _) => at,
                (false, None) => now + T1,
                // RFC 3261 17.1.2.2: timer E runs over unreliable transports only.
                (false, Some(_)) => gives_up_at,
            },
            gives_up_at,
            timer: None,
            over: false,
        };
        let due = transaction.next_send.min(gives_up_at);
        let key = self.transactions.insert(transaction);
        let timer = self.wheel.arm(due, Timer::Transaction(key));
        if let Some(transaction) = self.transactions.at_mut(key) {
            transaction.timer = Some(timer);
        }
        self.branches.insert(branch.0, key);
        if let Some(connection) = flow.and_then(|flow| self.flows.at_mut(flow)) {
            connection.begins(now);
        }
        if !waits {
            self.outgoing.push_back(Outgoing::Request(key));
        }
        key
    }

    /// Ends a transaction without waiting for its answer.
    pub fn abandon(&mut self, key: Key) -> Option<Transaction> {
        let mut transaction = self.end(key)?;
        self.release(&mut transaction);
        Some(transaction)
    }

    /// Ends a transaction whose bytes may still be wanted: [`Wire::release`] it then.
    pub fn end(&mut self, key: Key) -> Option<Transaction> {
        let mut transaction = self.transactions.remove(key)?;
        if let Some(timer) = transaction.timer.take() {
            self.wheel.disarm(timer);
        }
        self.branches.remove(&transaction.branch);
        if let (Some(connection), false) = (transaction.flow.and_then(|flow| self.flows.at_mut(flow)), transaction.over) {
            connection.waiting = connection.waiting.saturating_sub(1);
        }
        Some(transaction)
    }

    /// Ends a transaction that [`Wire::plainly_answered`] has found, of which no more is wanted than when it was sent.
    pub fn finish(&mut self, key: Key) -> Option<Instant> {
        let transaction = self.transactions.at_mut(key)?;
        debug_assert!(transaction.flow.is_none() && transaction.provisional.is_none(), "it was answered plainly");
        debug_assert_eq!(transaction.sends, 1, "one that was sent again goes the long way");
        let sent_at = transaction.sent_at;
        let (timer, branch, bytes) = (transaction.timer.take(), transaction.branch, std::mem::take(&mut transaction.bytes));
        self.transactions.discard(key);
        if let Some(timer) = timer {
            self.wheel.disarm(timer);
        }
        self.branches.remove(&branch);
        self.reclaim(bytes);
        Some(sent_at)
    }

    /// Takes back the buffers that an ended transaction still holds.
    pub fn release(&mut self, transaction: &mut Transaction) {
        self.reclaim(std::mem::take(&mut transaction.bytes));
        if let Some(provisional) = transaction.provisional.take() {
            self.reclaim(provisional.bytes);
        }
    }

    /// Takes a buffer back.
    pub fn reclaim(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < BUFFERS && (1..=BUFFER_BYTES).contains(&buffer.capacity()) {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }

    /// Keeps of a registration's REGISTER what recognises an answer that comes too late (carriers.md F10).
    fn keep_for_late(&mut self, now: Instant, transaction: &Transaction) {
        while self.late.front().is_some_and(|&(until, _)| until <= now) {
            let (_, key) = self.late.pop_front().expect("it has a front");
            self.abandon(key);
        }
        if !matches!(transaction.owner, Owner::Registration(_)) {
            return;
        }
        let kept = Transaction {
            call_id: transaction.call_id.clone(),
            from_tag: transaction.from_tag.clone(),
            bytes: Vec::new(),
            provisional: None,
            paid: false,
            timer: None,
            over: true,
            ..*transaction
        };
        let key = self.transactions.insert(kept);
        self.branches.insert(transaction.branch, key);
        self.late.push_back((now + LATE, key));
    }

    /// Returns whose transaction is to be sent now and is not paid for yet.
    pub fn unpaid(&self, now: Instant, key: Key) -> Option<Owner> {
        self.transactions
            .at(key)
            .filter(|transaction| now < transaction.gives_up_at && !transaction.paid)
            .map(|transaction| transaction.owner)
    }

    /// Puts a sending off that has been paid for.
    pub fn postpone(&mut self, key: Key, at: Instant) {
        let Some(transaction) = self.transactions.at_mut(key) else { return };
        transaction.paid = true;
        let due = at.min(transaction.gives_up_at);
        if let Some(timer) = transaction.timer.replace(self.wheel.arm(due, Timer::Transaction(key))) {
            self.wheel.disarm(timer);
        }
    }

    /// Sends again (RFC 3261 17.1.2.2, timer E) or gives up (timer F).
    pub fn tick(&mut self, now: Instant, key: Key) -> Ticked {
        let Some(transaction) = self.transactions.at_mut(key) else { return Ticked::Gone };
        transaction.timer = None;
        if now >= transaction.gives_up_at {
            return self.end(key).map_or(Ticked::Gone, |transaction| {
                self.keep_for_late(now, &transaction);
                Ticked::Silence(Box::new(transaction))
            });
        }
        if transaction.sends == 0 {
            transaction.sent_at = now;
            transaction.gives_up_at = transaction.gives_up_at.max(now);
        } else {
            transaction.interval = (transaction.interval * 2).min(T2);
            self.counters.retransmissions += 1;
        }
        transaction.next_send = if transaction.flow.is_some() { transaction.gives_up_at } else { now + transaction.interval };
        transaction.sends += 1;
        transaction.paid = false;
        let (first, owner) = (transaction.sends == 2, transaction.owner);
        let due = transaction.next_send.min(transaction.gives_up_at);
        transaction.timer = Some(self.wheel.arm(due, Timer::Transaction(key)));
        self.outgoing.push_back(Outgoing::Request(key));
        Ticked::Again { first, owner }
    }

    /// Finds the transaction that a response belongs to: by branch, method, Call-ID, From tag and CSeq (carriers.md N11), and ends it if the
    /// response is final. A provisional one slows its retransmissions down.
    pub fn answered(&mut self, now: Instant, way: Way, message: &Message<'_>) -> Option<Transaction> {
        let source = self.remote(way)?;
        let via = message.via().ok();
        let marks = via.as_ref().map(Via::marks).unwrap_or_default();
        let key = self.matching(way, source, &marks, message);
        let (Some(key), Start::Status { code, .. }) = (key, message.start()) else {
            self.counters.strangers += 1;
            return None;
        };
        let over = self.transactions.at(key).is_some_and(Transaction::is_over);
        if over && !(200..300).contains(&code) {
            self.counters.strangers += 1;
            return None;
        }
        if code >= 200 {
            let mut transaction = self.end(key)?;
            transaction.answered_from = source;
            transaction.public = via.and_then(|via| super::endpoint::public_of(&via, &marks));
            return Some(transaction);
        }
        let bytes = match self.transactions.at(key)?.provisional {
            None => crate::record::kept(self, message),
            Some(_) => Vec::new(),
        };
        let transaction = self.transactions.at_mut(key)?;
        // RFC 3261 17.1.2.2: in Proceeding, timer E is T2 when it fires next; the one that runs goes on.
        transaction.interval = T2;
        transaction.provisional.get_or_insert_with(|| Box::new(Provisional { at: now, source, bytes }));
        None
    }

    /// Returns who is at the other end.
    pub fn remote(&self, way: Way) -> Option<SocketAddr> {
        match way {
            Way::Datagram(_, source) => Some(source),
            Way::Flow(flow) => self.flows.at(flow).map(|connection| connection.route.place.address),
        }
    }

    /// As [`Wire::answered`] where nothing is out of the ordinary: finds the transaction and the registration that a final response to a
    /// REGISTER, sent as a datagram, belongs to. Nothing is ended, and nothing said of what is not found.
    pub fn plainly_answered(&self, source: SocketAddr, reply: &PlainReply<'_>) -> Option<(Key, Key)> {
        let &key = self.branches.get(&Branch::parse(reply.branch?)?)?;
        let transaction = self.transactions.at(key)?;
        let Owner::Registration(registration) = transaction.owner else { return None };
        let ours = reply.cseq == transaction.cseq
            && reply.method == transaction.method.as_bytes()
            && reply.call_id == transaction.call_id.as_bytes()
            && transaction.has_from(reply.from)
            && (!transaction.exact_source || source == transaction.target.address)
            && transaction.flow.is_none();
        let plain = !transaction.over && !transaction.paid && transaction.provisional.is_none();
        (ours && plain).then_some((key, registration))
    }

    /// Returns our address as the answerer of a plain reply saw it, if it tells; an error where that is no address.
    pub fn seen(&mut self, reply: &PlainReply<'_>) -> Result<Option<SocketAddr>, NoAddress> {
        let Some((host, port)) = super::endpoint::seen_as((reply.host, reply.port), reply.received, reply.rport) else { return Ok(None) };
        // Nearly always the one of the reply before.
        let ip = match &self.seen {
            Some((text, ip)) if **text == *host => *ip,
            _ => {
                let text = std::str::from_utf8(host).map_err(|_| NoAddress)?;
                let ip = super::endpoint::bare(text).parse().map_err(|_| NoAddress)?;
                self.seen = Some((host.into(), ip));
                ip
            }
        };
        Ok(Some(SocketAddr::new(ip, port)))
    }

    fn matching(&self, way: Way, source: SocketAddr, marks: &ViaMarks<'_>, message: &Message<'_>) -> Option<Key> {
        let branch = Branch::parse(marks.branch()?.as_bytes())?;
        let &key = self.branches.get(&branch)?;
        let transaction = self.transactions.at(key)?;
        let cseq = message.cseq().ok()?;
        let ours = cseq.method == transaction.method
            && cseq.number == transaction.cseq
            && message.call_id().ok()? == transaction.call_id.as_bytes()
            && (transaction.sent_from(message) || message.from().ok()?.tag() == Some(&transaction.from_tag))
            && (!transaction.exact_source || source == transaction.target.address)
            && transaction.flow == way.flow();
        ours.then_some(key)
    }

    /// Returns when a transaction gives up.
    pub fn gives_up_at(&self, key: Key) -> Option<Instant> {
        self.transactions.at(key).map(|transaction| transaction.gives_up_at)
    }

    /// Returns whose a transaction is.
    pub fn owner(&self, key: Key) -> Option<Owner> {
        self.transactions.at(key).map(|transaction| transaction.owner)
    }

    /// Returns every transaction that is on and whose it is.
    pub fn transactions(&self) -> impl Iterator<Item = (Key, Owner)> {
        self.transactions.iter().filter(|(_, transaction)| !transaction.over).map(|(key, transaction)| (key, transaction.owner))
    }

    /// Returns the transactions that wait for an answer from there.
    pub fn waiting_for(&self, local: Local, target: SocketAddr) -> Vec<Key> {
        self.transactions
            .iter()
            .filter(|(_, transaction)| {
                transaction.flow.is_none() && transaction.target.address == target && transaction.local == local && !transaction.over
            })
            .map(|(key, _)| key)
            .collect()
    }

    /// Returns the next thing that waits to go out.
    pub fn next(&mut self) -> Step {
        self.lent_request = None;
        loop {
            match self.outgoing.pop_front() {
                None => return Step::Nothing,
                Some(Outgoing::Request(key)) => {
                    if let Some(transaction) = self.transactions.at(key) {
                        self.lent_request = Some(key);
                        return Step::Send(match transaction.flow {
                            Some(flow) => Way::Flow(flow),
                            None => Way::Datagram(transaction.local, transaction.target.address),
                        });
                    }
                }
                Some(Outgoing::Response { to, bytes }) => {
                    self.lent = bytes;
                    return Step::Send(to);
                }
                Some(Outgoing::Open(dial)) => return Step::Open(dial),
                Some(Outgoing::Ping(flow)) => return Step::Ping(flow),
                Some(Outgoing::Close(flow)) => return Step::Close(flow),
                Some(Outgoing::Resolve { query, question }) => return Step::Resolve(query, question),
                Some(Outgoing::Event(event)) => return Step::Event(event),
            }
        }
    }

    /// Lends the bytes that `next` told to send.
    pub fn lent(&self) -> &[u8] {
        match self.lent_request {
            Some(key) => self.transactions.at(key).map_or(&[], |transaction| &transaction.bytes),
            None => &self.lent,
        }
    }
}

impl Way {
    /// Returns the connection.
    pub fn flow(self) -> Option<Flow> {
        match self {
            Way::Datagram(..) => None,
            Way::Flow(flow) => Some(flow),
        }
    }
}

/// The fault as the end of an attempt.
impl From<SendFault> for crate::verdict::End {
    fn from(fault: SendFault) -> Self {
        crate::verdict::End::NotSent(fault)
    }
}
