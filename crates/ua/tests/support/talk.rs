//! The talk itself.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use diagnosis::{Code, Diagnosis};
use ua::*;

use super::{Expectation, Says, Sent, Setup, Zone, ms, secs};

/// More than any step of a talk gives; beyond it an endpoint would turn in a circle.
const OUTPUTS_MAX: usize = 100_000;

/// Begins a talk: the carrier is made known and the registration is assigned.
pub fn talk(setup: Setup) -> Talk {
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile)));
    talk.command(Command::Assign(Box::new(setup.assignment), setup.resume.map(Box::new)));
    talk
}

/// A talk between an endpoint and a scripted registrar.
pub struct Talk {
    pub endpoint: Endpoint,
    pub now: Instant,
    /// What was sent and not yet expected.
    pub sent: VecDeque<Sent>,
    /// Every event, in order.
    pub events: Vec<Event>,
    pub hosts: HashMap<String, Result<Vec<SocketAddr>, ResolveFault>>,
    /// NAPTR and SRV records.
    pub zone: Zone,
    /// Every look-up, as `dig` would be asked.
    pub asked_of_dns: Vec<String>,
    /// Every REGISTER datagram's time.
    pub registers: Vec<Instant>,
    /// Every connection that was to be opened.
    pub dials: Vec<Dial>,
    /// Every keep-alive on a connection.
    pub pings: Vec<(Instant, Flow)>,
    /// Every connection that was to be closed.
    pub closes: Vec<Flow>,
    /// Look-ups that the name servers have not answered yet.
    pending: Vec<(Query, Question)>,
    statuses: HashMap<String, Status>,
    saved: HashMap<String, Resume>,
    sockets: Vec<Socket>,
    asked: Option<Sent>,
    before: Option<Sent>,
    last: HashMap<String, Sent>,
    marked: Instant,
}

impl Talk {
    /// An endpoint that knows nothing yet.
    pub fn idle(setup: &Setup) -> Self {
        let config = Config { sockets: setup.sockets.clone(), user_agent: "Trunkline".into() };
        let seeds = Seeds { jitter: setup.seed, tokens: [setup.seed.to_le_bytes()[0]; 32] };
        Talk {
            endpoint: Endpoint::new(config, seeds),
            now: setup.start,
            sent: VecDeque::new(),
            events: Vec::new(),
            hosts: setup.hosts.clone(),
            zone: setup.zone.clone(),
            asked_of_dns: Vec::new(),
            registers: Vec::new(),
            dials: Vec::new(),
            pings: Vec::new(),
            closes: Vec::new(),
            pending: Vec::new(),
            statuses: HashMap::new(),
            saved: HashMap::new(),
            sockets: setup.sockets.clone(),
            asked: None,
            before: None,
            last: HashMap::new(),
            marked: setup.start,
        }
    }

    // Driving.

    pub fn input(&mut self, input: Input<'_>) -> &mut Self {
        self.endpoint.handle(self.now, input);
        self.settle();
        self
    }

    pub fn command(&mut self, command: Command) -> &mut Self {
        self.input(Input::Command(command))
    }

    pub fn assign(&mut self, assignment: Assignment) -> &mut Self {
        self.command(Command::Assign(Box::new(assignment), None))
    }

    pub fn verify(&mut self, order: VerifyOrder) -> &mut Self {
        self.command(Command::Verify(Box::new(order)))
    }

    pub fn act(&mut self, trunk: &str, action: Action) -> &mut Self {
        self.command(Command::Act { trunk: trunk.into(), action })
    }

    pub fn withdraw(&mut self, trunk: &str, how: Withdrawal) -> &mut Self {
        self.command(Command::Withdraw { trunk: trunk.into(), how })
    }

    fn settle(&mut self) -> Option<Instant> {
        let mut resolve = std::mem::take(&mut self.pending);
        for _ in 0..OUTPUTS_MAX {
            match self.endpoint.poll(self.now) {
                Output::Send { local, to, bytes } => {
                    let sent = Sent { at: self.now, local, to, flow: None, bytes: bytes.to_vec() };
                    self.check(&sent);
                    self.sent.push_back(sent);
                }
                Output::Open(dial) => self.dials.push(dial),
                Output::SendOn { flow, bytes } => {
                    let dial = self.dials.iter().find(|dial| dial.flow == flow).expect("a connection that was asked for");
                    assert!(!self.closes.contains(&flow), "on a connection that was to be closed");
                    let sent = Sent { at: self.now, local: dial.local, to: dial.to, flow: Some(flow), bytes: bytes.to_vec() };
                    self.check(&sent);
                    self.sent.push_back(sent);
                }
                Output::Ping { flow } => self.pings.push((self.now, flow)),
                Output::Close { flow } => self.closes.push(flow),
                Output::Event(event) => {
                    match &event {
                        Event::Status(status) => {
                            self.statuses.insert(status.trunk.to_string(), (**status).clone());
                        }
                        Event::Save(resume) => {
                            self.saved.insert(resume.trunk.to_string(), (**resume).clone());
                        }
                        Event::Renewed(renewal) => {
                            self.statuses.entry(renewal.trunk.to_string()).and_modify(|status| renewal.renew_status(status));
                            self.saved.entry(renewal.trunk.to_string()).and_modify(|resume| renewal.renew_resume(resume));
                        }
                        _ => {}
                    }
                    self.events.push(event);
                }
                Output::Resolve { query, question } => {
                    self.asked_of_dns.push(question.to_string());
                    resolve.push((query, question));
                }
                Output::Wake(at) => {
                    if let Some((query, question)) = resolve.pop() {
                        match self.look_up(&question) {
                            Some(outcome) => self.endpoint.handle(self.now, Input::Resolved { query, outcome }),
                            None => self.pending.push((query, question)),
                        }
                        continue;
                    }
                    self.endpoint.audit().unwrap_or_else(|fault| panic!("at {:?}: {fault}", self.now));
                    return at;
                }
            }
        }
        panic!("poll does not come to an end");
    }

    /// Nothing where the name servers do not answer.
    fn look_up(&self, question: &Question) -> Option<Result<Resolution, ResolveFault>> {
        let (host, port) = match question {
            Question::Srv { name } => return self.zone.srv(name),
            Question::Naptr { name } => return self.zone.naptr(name),
            Question::Host { name, port } => (&**name, *port),
        };
        let found = match host.parse::<IpAddr>() {
            Ok(ip) => Ok(vec![SocketAddr::new(ip, port)]),
            Err(_) => self.hosts.get(host).cloned().unwrap_or_else(|| Err(ResolveFault::Failed("no such name".into()))),
        };
        // An empty list stands for a name server that does not answer.
        if found.as_ref().is_ok_and(Vec::is_empty) {
            return None;
        }
        Some(found.map(|addresses| Resolution { records: Records::Addresses(addresses), ttl: self.zone.ttl }))
    }

    /// What holds of every REGISTER of every talk.
    fn check(&mut self, sent: &Sent) {
        if !sent.bytes.starts_with(b"REGISTER ") {
            return;
        }
        self.registers.push(sent.at);
        let call_id = sent.call_id();
        if let Some(before) = self.last.get(&call_id) {
            if before.bytes == sent.bytes {
                assert_eq!(before.to, sent.to);
                return;
            }
            let (last, now) = (before.cseq(), sent.cseq());
            assert_ne!(last, now, "a retransmission is the same, byte for byte");
            assert!(now > last, "CSeq never falls");
        }
        self.last.insert(call_id, sent.clone());
    }

    // Time.

    /// Lets time pass.
    pub fn after(&mut self, span: Duration) -> &mut Self {
        let end = self.now + span;
        self.run_until(end, |_| false);
        self.now = end;
        self.settle();
        self.marked = self.now;
        self
    }

    /// Lets time pass until something is sent, which must be that long after the last step.
    pub fn between(&mut self, low: Duration, high: Duration) -> &mut Self {
        assert!(self.sent.is_empty(), "unexpected: {}", self.sent[0].text());
        self.run_until(self.marked + high + secs(100_000), |talk| !talk.sent.is_empty());
        let passed = self.now.since(self.marked);
        assert!(!self.sent.is_empty(), "nothing is sent any more");
        // A timer may be a tick late.
        assert!(passed >= low && passed <= high + ms(2), "after {passed:?}, not {low:?} to {high:?}: {}", self.sent[0].text());
        self.marked = self.now;
        self
    }

    pub fn at_once(&mut self) -> &mut Self {
        self.between(ms(0), ms(3))
    }

    /// Nothing is sent for so long.
    pub fn silent_for(&mut self, span: Duration) -> &mut Self {
        self.silent();
        self.after(span);
        self.silent()
    }

    /// Nothing is waiting to be expected.
    pub fn silent(&mut self) -> &mut Self {
        assert!(self.sent.is_empty(), "unexpected: {}", self.sent[0].text());
        self
    }

    fn run_until(&mut self, end: Instant, stop: impl Fn(&Talk) -> bool) {
        let mut turns = 0;
        while !stop(self) {
            match self.settle() {
                _ if stop(self) => return,
                Some(at) if at <= end => {
                    turns = if at > self.now { 0 } else { turns + 1 };
                    assert!(turns < 1000, "it wants to be woken for ever at {at:?}");
                    self.now = self.now.max(at);
                }
                _ => return,
            }
        }
    }

    // The endpoint's part.

    /// The next datagram is this request, or the response with this code.
    pub fn we_send(&mut self, what: &str) -> &mut Self {
        let Some(sent) = self.sent.pop_front() else { panic!("nothing is sent; a {what} was to be. {:?}", self.statuses) };
        assert_eq!(sent.method(), what, "{}", sent.text());
        self.before = self.asked.replace(sent);
        self.marked = self.now;
        self
    }

    pub fn with(&mut self, expectation: impl Expectation) -> &mut Self {
        expectation.check(self.asked.as_ref().expect("a request"), self.before.as_ref());
        self
    }

    /// The last expected request once more, byte for byte.
    pub fn again(&mut self) -> &mut Self {
        let sent = self.sent.pop_front().expect("a retransmission");
        let asked = self.asked.as_ref().expect("a request");
        assert_eq!(sent.text(), asked.text());
        assert_eq!(sent.to, asked.to);
        self
    }

    pub fn request(&self) -> &Sent {
        self.asked.as_ref().expect("a request")
    }

    /// Makes this request the one that is answered.
    pub fn about(&mut self, request: Sent) -> &mut Self {
        self.asked = Some(request);
        self
    }

    // The registrar's part.

    pub fn they_say(&mut self, says: Says) -> &mut Self {
        let request = self.request().clone();
        self.marked = self.now;
        let source = request.to;
        self.answer(&request, says, source)
    }

    /// Answers any request, from any address.
    pub fn answer(&mut self, request: &Sent, says: Says, source: SocketAddr) -> &mut Self {
        let ours = self.sockets[usize::from(request.local.0)].address;
        let bytes = says.write(request, ours);
        match request.flow {
            Some(flow) => self.input(Input::Message { flow, bytes: &bytes }),
            None => self.receive(request.local, source, &bytes),
        }
    }

    // Connections.

    /// The connection that was asked for last.
    pub fn dialled(&self) -> &Dial {
        self.dials.last().expect("a connection")
    }

    /// The connection that was asked for last is open.
    pub fn opens(&mut self) -> &mut Self {
        let Dial { flow, transport, .. } = *self.dialled();
        let secured = matches!(transport, Transport::Tls | Transport::Wss).then(|| "TLS 1.3 TLS13_AES_128_GCM_SHA256".into());
        let opening = Opening { local: "192.0.2.10:40000".parse().unwrap(), secured };
        self.input(Input::Opened { flow, opening })
    }

    /// A connection ends, or did not come about.
    pub fn ends(&mut self, flow: Flow, fault: FlowFault) -> &mut Self {
        self.marked = self.now;
        self.input(Input::Closed { flow, fault })
    }

    pub fn receive(&mut self, local: Local, source: SocketAddr, bytes: &[u8]) -> &mut Self {
        self.input(Input::Datagram { local, source, bytes })
    }

    /// Answers the first REGISTER with a challenge and the second with 200.
    pub fn registers(&mut self, nonce: &str, expires: u32) -> &mut Self {
        self.we_send("REGISTER").they_say(super::challenge(nonce));
        self.we_send("REGISTER").with(super::nonce(nonce)).they_say(super::ok().expires(expires))
    }

    // What is told.

    pub fn status(&self, trunk: &str) -> &Status {
        self.statuses.get(trunk).unwrap_or_else(|| panic!("no status of {trunk}"))
    }

    fn only(&self) -> &Status {
        assert_eq!(self.statuses.len(), 1, "one registration");
        self.statuses.values().next().expect("a status")
    }

    pub fn saved(&self, trunk: &str) -> &Resume {
        &self.saved[trunk]
    }

    pub fn then_bound(&mut self) -> &mut Self {
        self.silent();
        let status = self.only();
        assert!(status.bound && status.state == RegistrationState::Registered, "{status:?}");
        self
    }

    pub fn then(&mut self, state: RegistrationState) -> &mut Self {
        assert_eq!(self.only().state, state, "{:?}", self.only());
        self
    }

    pub fn bound(&mut self, bound: bool) -> &mut Self {
        assert_eq!(self.only().bound, bound, "{:?}", self.only());
        self
    }

    pub fn diagnosed(&mut self, code: Code) -> &mut Self {
        let diagnosis = self.only().diagnosis.as_ref().unwrap_or_else(|| panic!("no diagnosis: {:?}", self.only()));
        assert_eq!(diagnosis.code, code, "{diagnosis:?}");
        self
    }

    pub fn undiagnosed(&mut self) -> &mut Self {
        assert!(self.only().diagnosis.is_none(), "{:?}", self.only());
        self
    }

    /// The versions whose acceptance was told, in order; forgets them.
    pub fn accepted(&mut self) -> Vec<u32> {
        self.take(|event| match event {
            Event::Accepted { version, .. } => Some(*version),
            _ => None,
        })
    }

    /// The refusals that were told: version, digest sent, held, code; forgets them.
    pub fn refused(&mut self) -> Vec<(u32, bool, bool, Code)> {
        self.take(|event| match event {
            Event::Refused { version, digest_sent, held, diagnosis, .. } => Some((*version, *digest_sent, *held, diagnosis.code)),
            _ => None,
        })
    }

    /// The trunks that were forgotten and whether their bindings were removed; forgets it.
    pub fn forgotten(&mut self) -> Vec<(String, bool)> {
        self.take(|event| match event {
            Event::Forget { trunk, unregistered } => Some((trunk.to_string(), *unregistered)),
            _ => None,
        })
    }

    /// The verdicts that were told; forgets them.
    pub fn verdicts(&mut self) -> Vec<Verdict> {
        self.take(|event| match event {
            Event::Verdict(verdict) => Some((**verdict).clone()),
            _ => None,
        })
    }

    /// The one verdict.
    pub fn verdict(&mut self) -> Verdict {
        let mut verdicts = self.verdicts();
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        verdicts.remove(0)
    }

    /// The one verdict, which is a refusal.
    pub fn refusal(&mut self) -> Diagnosis {
        match self.verdict().outcome {
            Outcome::Refused(diagnosis) => *diagnosis,
            good => panic!("{good:?}"),
        }
    }

    /// The attempts that were told; forgets them.
    pub fn attempts(&mut self) -> Vec<Attempt> {
        self.take(|event| match event {
            Event::Attempt(attempt) => Some((**attempt).clone()),
            _ => None,
        })
    }

    /// The one attempt.
    pub fn attempt(&mut self) -> Attempt {
        let mut attempts = self.attempts();
        assert_eq!(attempts.len(), 1, "{attempts:?}");
        attempts.remove(0)
    }

    pub fn trace(&mut self, trunk: &str, span: Duration) -> &mut Self {
        self.command(Command::Trace { trunk: trunk.into(), span })
    }

    pub fn take<T>(&mut self, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        let picked = self.events.iter().filter_map(&pick).collect();
        self.events.retain(|event| pick(event).is_none());
        picked
    }
}
