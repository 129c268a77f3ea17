use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use sip::build::Builder;
use sip::{Message, Start};

use crate::algorithm::hex;
use crate::answer::Answer;
use crate::arrival::Arrival;
use crate::block::Blocks;
use crate::call;
use crate::chance::Chance;
use crate::connection::Connections;
use crate::forgery::Forgeries;
use crate::nonce::Nonces;
use crate::request::Request;
use crate::seen::Log;
use crate::transaction::Transactions;
use crate::{Account, Binding, Connection, Counters, DigestSeen, Greeting, Password, Registrar, Seen, Temperament, Transport, Which};

/// Methods that a registrar answers.
const ALLOW: &str = "REGISTER, OPTIONS";

/// One registrar of the lab.
#[derive(Debug)]
pub struct Carrier {
    pub(crate) config: Registrar,
    /// Accounts by the user of their address-of-record, and by digest user name.
    pub(crate) by_user: HashMap<String, Vec<usize>>,
    pub(crate) by_username: HashMap<String, Vec<usize>>,
    pub(crate) nonces: Nonces,
    pub(crate) bindings: HashMap<String, Vec<Binding>>,
    pub(crate) blocks: Blocks,
    /// The latest CSeq by Call-ID; kept by strict temperaments only.
    pub(crate) last_cseq: HashMap<String, u32>,
    /// How often each refusal was spoken.
    pub(crate) spoken: Vec<u32>,
    pub(crate) connections: Connections,
    /// How many answers were cut in the middle.
    cut: u32,
    chance: Chance,
    transactions: Transactions,
    forgeries: Forgeries,
    /// A call that goes out with the next answer.
    call: Option<Vec<u8>>,
    totals: Counters,
    by_account: HashMap<String, Counters>,
    log: Log,
}

/// A datagram to be sent, or a message (the half of one, where the connection ends after it) for the connection that was asked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: Vec<u8>,
    /// How long to wait before.
    pub delay: Duration,
    /// The connection is to be closed after it (N7). Never for a datagram.
    pub closes: bool,
}

impl Carrier {
    /// A registrar that starts at `now`; the same seed and the same datagrams give the same replies.
    pub fn new(config: Registrar, seed: u64, now: Instant) -> Carrier {
        let mut chance = Chance::new(seed);
        let nonces = Nonces::new(now, &mut chance);
        let mut carrier = Carrier {
            config,
            by_user: HashMap::new(),
            by_username: HashMap::new(),
            nonces,
            bindings: HashMap::new(),
            blocks: Blocks::default(),
            last_cseq: HashMap::new(),
            spoken: Vec::new(),
            connections: Connections::default(),
            cut: 0,
            chance,
            transactions: Transactions::default(),
            forgeries: Forgeries::default(),
            call: None,
            totals: Counters::default(),
            by_account: HashMap::new(),
            log: Log::default(),
        };
        (0..carrier.config.accounts.len()).for_each(|at| carrier.index(at));
        carrier
    }

    /// Takes a datagram that came from `source` to `local`, and gives what is to be sent from there.
    pub fn handle(&mut self, now: Instant, source: SocketAddr, _local: SocketAddr, datagram: &[u8]) -> Vec<Reply> {
        if self.config.temperament.datagram_bytes_max.is_some_and(|most| datagram.len() > usize::try_from(most).unwrap_or(usize::MAX)) {
            self.totals.dropped += 1;
            return Vec::new();
        }
        if !self.blocks.holds(now, source.ip()) && self.chance.happens(self.config.temperament.loss) {
            self.totals.lost += 1;
            return Vec::new();
        }
        self.take(now, Arrival::datagram(source), datagram)
    }

    /// Takes a whole message that came on an open connection, and gives what is to be sent on it, in that order.
    pub fn handle_on(&mut self, now: Instant, connection: u64, message: &[u8]) -> Vec<Reply> {
        let Some(open) = self.connections.open_mut(connection) else { return Vec::new() };
        let arrival = Arrival { transport: open.transport, source: open.source, connection: Some(connection) };
        let mut replies = self.take(now, arrival, message);
        for reply in &mut replies {
            if self.cut < self.config.temperament.cuts {
                self.cut += 1;
                self.totals.cut += 1;
                reply.bytes.truncate(reply.bytes.len() / 2);
                reply.closes = true;
            }
        }
        replies
    }

    /// Notes a connection that is ready for messages, and numbers it.
    pub fn opened(&mut self, now: Instant, transport: Transport, source: SocketAddr, greeting: Greeting) -> u64 {
        self.totals.connections += 1;
        self.connections.opened(now, transport, source, greeting)
    }

    /// Notes that a connection has ended.
    pub fn closed(&mut self, now: Instant, connection: u64) {
        if let Some(open) = self.connections.open_mut(connection) {
            open.closed_at = Some(now);
        }
        if self.config.temperament.unbinds_closed {
            self.bindings.values_mut().for_each(|all| all.retain(|binding| binding.connection != Some(connection)));
            self.bindings.retain(|_, all| !all.is_empty());
        }
    }

    /// Notes a ping (RFC 5626 3.5.1); tells whether it is answered.
    pub fn pinged(&mut self, connection: u64) -> bool {
        self.totals.pings += 1;
        if let Some(open) = self.connections.open_mut(connection) {
            open.pings = open.pings.saturating_add(1);
        }
        self.config.temperament.answers_pings
    }

    /// Notes a connection that was refused, or whose handshake failed.
    pub fn turned_away(&mut self) {
        self.totals.turned_away += 1;
    }

    fn take(&mut self, now: Instant, arrival: Arrival, bytes: &[u8]) -> Vec<Reply> {
        let source = arrival.source;
        if self.blocks.holds(now, source.ip()) {
            self.totals.dropped += 1;
            return Vec::new();
        }
        let Ok(message) = Message::parse(bytes) else { return self.malformed() };
        let method = match message.start() {
            Start::Request { method, .. } => method,
            // To a call of ours.
            Start::Status { code, .. } => {
                self.totals.calls_answered += u64::from(code == 480);
                return Vec::new();
            }
        };
        let stale = self.stales(now, arrival);
        if self.config.temperament.drops.iter().any(|dropped| dropped == method) {
            self.totals.dropped += 1;
            self.note_dropped(now, arrival, &message);
            return Vec::new();
        }
        // An ACK is never answered (RFC 3261 17.1.1.3).
        if method == "ACK" {
            return Vec::new();
        }
        let (Some(to), Some(key)) = (Request::reply_to(&message, arrival), Request::transaction_key(&message, source)) else {
            return self.malformed();
        };
        if let Some(again) = self.transactions.find(now, &key) {
            let again = again.to_vec();
            self.totals.retransmissions += 1;
            return self.through_the_weather(to, arrival.transport, again);
        }
        let answer = match Request::read(&message, arrival) {
            Some(request) => self.answer(now, &request, stale),
            None => {
                self.totals.malformed += 1;
                Answer::of(400)
            }
        };
        let seen_as = self.config.temperament.sees.unwrap_or(source);
        let mut written = self.write(&answer, &message, seen_as);
        if let Some(forged) = written.last().filter(|_| self.config.temperament.forges).map(|last| self.forgeries.of(last)) {
            written.insert(0, forged);
        }
        self.transactions.remember(now, key, written.clone());
        // A call is no answer: it does not go again with a retransmission.
        written.extend(self.call.take());
        self.through_the_weather(to, arrival.transport, written)
    }

    /// Counts a request on its connection; tells whether that has become stale (N9).
    fn stales(&mut self, now: Instant, arrival: Arrival) -> bool {
        let t = &self.config.temperament;
        let (after, after_requests) = (t.stale_after, t.stale_after_requests);
        let Some(open) = arrival.connection.and_then(|id| self.connections.open_mut(id)) else { return false };
        open.requests = open.requests.saturating_add(1);
        open.stale = open.stales(now, after, after_requests);
        open.stale
    }

    fn malformed(&mut self) -> Vec<Reply> {
        self.totals.malformed += 1;
        Vec::new()
    }

    fn answer(&mut self, now: Instant, request: &Request<'_>, stale: bool) -> Answer {
        let mut seen = Seen {
            at: now,
            source: request.source,
            transport: request.transport,
            connection: request.connection,
            method: request.method.to_owned(),
            user: request.user.to_owned(),
            call_id: request.call_id.clone(),
            cseq: request.cseq,
            kind: None,
            contact: None,
            expires: None,
            digest: DigestSeen::None,
            answer: None,
        };
        let answer = match request.method {
            _ if stale => Answer::of(403),
            "REGISTER" => match request.wish() {
                Some(wish) => {
                    let bound = self.bindings.get(request.user).map(Vec::as_slice).unwrap_or_default();
                    let kind = wish.kind(|contact| bound.iter().any(|binding| binding.runs(now) && binding.is_for(contact)));
                    let (answer, digest) = self.register(now, request, &wish, kind);
                    if let (true, Some(200), Which::NewBinding, Some(wanted)) =
                        (self.config.temperament.calls, answer.code, kind, wish.first())
                    {
                        self.call = Some(call::invite(&wanted.uri, request.transport, &hex(&self.chance.next().to_be_bytes())));
                    }
                    seen.kind = Some(kind);
                    seen.contact = wish.first().map(|wanted| wanted.uri.clone());
                    seen.expires = wish.first().map(|wanted| wanted.expires);
                    seen.digest = digest;
                    answer
                }
                None => Answer::of(400),
            },
            "OPTIONS" => Answer::of(self.config.temperament.options_code).header("Allow", ALLOW),
            "CANCEL" => Answer::of(481),
            _ => Answer::of(405).header("Allow", ALLOW),
        };
        seen.answer = answer.code;
        self.count(&seen);
        self.log.push(seen);
        answer
    }

    fn count(&mut self, seen: &Seen) {
        let known = self.by_user.contains_key(&seen.user);
        let account = known.then(|| self.by_account.entry(seen.user.clone()).or_default());
        for counters in account.into_iter().chain([&mut self.totals]) {
            match (seen.method.as_str(), seen.kind) {
                ("REGISTER", Some(Which::Query)) => counters.queries += 1,
                ("REGISTER", Some(Which::Removal)) => counters.removals += 1,
                ("REGISTER", _) => counters.registers += 1,
                ("OPTIONS", _) => counters.options += 1,
                _ => counters.others += 1,
            }
            if seen.method != "REGISTER" {
                continue;
            }
            match (seen.digest, seen.answer) {
                (DigestSeen::Right, _) => counters.digests_right += 1,
                (DigestSeen::Wrong, _) => counters.digests_wrong += 1,
                (DigestSeen::Stale, _) => counters.digests_stale += 1,
                (DigestSeen::Unreadable, _) => counters.digests_unreadable += 1,
                (DigestSeen::None, Some(401 | 407)) => counters.challenged += 1,
                (DigestSeen::None, _) => {}
            }
            match seen.answer {
                Some(200..300) => counters.accepted += 1,
                Some(401 | 407) => {}
                Some(_) | None => counters.refused += 1,
            }
        }
    }

    /// A request that is dropped unread still shows in the log.
    fn note_dropped(&mut self, now: Instant, arrival: Arrival, message: &Message<'_>) {
        let Some(request) = Request::read(message, arrival) else { return };
        self.log.push(Seen {
            at: now,
            source: arrival.source,
            transport: arrival.transport,
            connection: arrival.connection,
            method: request.method.to_owned(),
            user: request.user.to_owned(),
            call_id: request.call_id,
            cseq: request.cseq,
            kind: None,
            contact: None,
            expires: None,
            digest: DigestSeen::None,
            answer: None,
        });
    }

    fn write(&mut self, answer: &Answer, request: &Message<'_>, source: SocketAddr) -> Vec<Vec<u8>> {
        let Some(code) = answer.code else { return Vec::new() };
        let tag = hex(&self.chance.next().to_be_bytes());
        let mut builder = Builder::response_to(code, &answer.reason, request, source).to_tag(&tag);
        for (name, value) in &answer.headers {
            builder = builder.header(name, value);
        }
        let last = builder.header("Server", &self.config.temperament.server).finish();
        if self.config.temperament.trying {
            return vec![Builder::response_to(100, "Trying", request, source).finish(), last];
        }
        vec![last]
    }

    /// Loses datagrams, doubles and delays (N4).
    fn through_the_weather(&mut self, to: SocketAddr, transport: Transport, messages: Vec<Vec<u8>>) -> Vec<Reply> {
        let mut replies = Vec::with_capacity(messages.len());
        for bytes in messages {
            let t = &self.config.temperament;
            let copies = if self.chance.happens(t.duplicates) { 2 } else { 1 };
            for _ in 0..copies {
                if transport == Transport::Udp && self.chance.happens(t.loss) {
                    self.totals.lost += 1;
                    continue;
                }
                let delay = Duration::from_millis(self.chance.between(t.delay_min.into(), t.delay_max.into()));
                replies.push(Reply { to, bytes: bytes.clone(), delay, closes: false });
            }
        }
        replies
    }

    fn index(&mut self, at: usize) {
        let account = &self.config.accounts[at];
        let (user, username) = (account.user.clone(), account.digest_username().to_owned());
        self.by_user.entry(user).or_default().push(at);
        self.by_username.entry(username).or_default().push(at);
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Adds an account.
    pub fn add_account(&mut self, account: Account) {
        self.config.accounts.push(account);
        self.index(self.config.accounts.len() - 1);
    }

    /// Changes the password of every account of a user at once, old ones included; false where there is none.
    pub fn set_password(&mut self, user: &str, password: impl Into<Password>) -> bool {
        let password = password.into();
        let accounts = self.by_user.get(user).cloned().unwrap_or_default();
        for &at in &accounts {
            self.config.accounts[at].password = password.clone();
            self.config.accounts[at].old_passwords.clear();
        }
        !accounts.is_empty()
    }

    /// Its temperament, to be changed while it runs.
    pub fn temperament_mut(&mut self) -> &mut Temperament {
        &mut self.config.temperament
    }

    /// The bindings of a user that run.
    pub fn bindings(&self, now: Instant, user: &str) -> Vec<Binding> {
        self.bindings.get(user).map(|all| all.iter().filter(|binding| binding.runs(now)).cloned().collect()).unwrap_or_default()
    }

    /// How many bindings run.
    pub fn bindings_total(&self, now: Instant) -> usize {
        self.bindings.values().flatten().filter(|binding| binding.runs(now)).count()
    }

    /// Counts over all accounts.
    pub fn totals(&self) -> Counters {
        self.totals
    }

    /// Counts of one user's address-of-record.
    pub fn counters(&self, user: &str) -> Counters {
        self.by_account.get(user).copied().unwrap_or_default()
    }

    /// The latest requests, oldest first.
    pub fn log(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        self.log.iter()
    }

    /// The connections that it has and had, the oldest first.
    pub fn connections(&self) -> impl DoubleEndedIterator<Item = &Connection> {
        self.connections.all()
    }

    /// Makes every open connection stale: it answers 403 to everything from now on, and a fresh one does not (N9).
    pub fn make_stale(&mut self) {
        self.connections.all_open_mut().for_each(|open| open.stale = true);
    }

    /// Loses bindings, nonces and transactions, as a restart of a registrar without a store does.
    pub fn restart(&mut self, now: Instant) {
        self.nonces = Nonces::new(now, &mut self.chance);
        self.bindings.clear();
        self.last_cseq.clear();
        self.transactions = Transactions::default();
        self.blocks = Blocks::default();
    }

    /// Loses the bindings of one user.
    pub fn unbind(&mut self, user: &str) {
        self.bindings.remove(user);
    }
}
