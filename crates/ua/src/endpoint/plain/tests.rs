//! The short way of a refresh: it is gone where it can be, never where anything is otherwise, and nobody outside can tell which way it was.

use std::time::Duration;

use super::super::Endpoint;
use super::super::given::{self, account, profile};
use super::*;
use crate::registration::Binding;
use crate::*;

const START: Instant = Instant::from_micros(1_000_000_000);
const REGISTRAR: &str = "198.51.100.1:5060";
const CONTACT: &str = "Contact: <sip:alice@192.0.2.10:5060>;expires=3600\r\n";
const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"carrier.test\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n";

/// An endpoint and what came out of it.
struct Edge {
    endpoint: Endpoint,
    key: Key,
    now: Instant,
    /// Everything, in order.
    told: Vec<String>,
    /// The REGISTER that was sent last.
    asked: String,
    /// No registration stays marked.
    long: bool,
}

impl Edge {
    /// With one registration, which asks.
    fn new(profile: Profile, account: Account, long: bool) -> Self {
        let mut endpoint = given::endpoint();
        let assignment = given::assignment(account);
        for command in [Command::Carrier(Box::new(profile)), Command::Assign(Box::new(assignment), None)] {
            endpoint.handle(START, Input::Command(command));
        }
        let key = endpoint.trunks["alice"];
        let mut edge = Edge { endpoint, key, now: START, told: Vec::new(), asked: String::new(), long };
        edge.settle();
        edge
    }

    /// Bound, after a challenge was answered.
    fn bound(profile: Profile, account: Account, long: bool) -> Self {
        let mut edge = Self::new(profile, account, long);
        edge.answer("401 Unauthorized", CHALLENGE);
        edge.answer("200 OK", CONTACT);
        edge
    }

    /// Bound, and marked.
    fn marked() -> Self {
        let mut edge = Self::bound(profile(), account(), false);
        // The first refresh is told whole: the state was another before.
        edge.asks().answer("200 OK", CONTACT);
        assert_ne!(edge.registration_as_it_is().plain, 0);
        edge
    }

    /// Takes out what there is, and returns when to come again.
    fn settle(&mut self) -> Option<Instant> {
        loop {
            if self.long {
                self.registration().plain = 0;
            }
            let query = match self.endpoint.poll(self.now) {
                Output::Wake(at) => return at,
                Output::Send { local, to, bytes } => {
                    self.asked = String::from_utf8_lossy(bytes).into_owned();
                    self.told.push(format!("{:?} {local:?} {to} {}", self.now, self.asked));
                    continue;
                }
                Output::Event(event) => {
                    self.told.push(format!("{:?} {event:?}", self.now));
                    continue;
                }
                Output::Resolve { query, .. } => query,
                Output::Open(_) | Output::SendOn { .. } | Output::Ping { .. } | Output::Close { .. } => continue,
            };
            let records = Records::Addresses(vec![REGISTRAR.parse().unwrap()]);
            let found = Resolution { records, ttl: Duration::from_secs(100_000_000) };
            self.endpoint.handle(self.now, Input::Resolved { query, outcome: Ok(found) });
        }
    }

    /// Lets time pass until it asks.
    fn asks(&mut self) -> &mut Self {
        let before = self.asked.clone();
        while self.asked == before {
            self.now = self.settle().expect("it asks some day").max(self.now);
            self.settle();
        }
        self
    }

    fn answer(&mut self, line: &str, headers: &str) -> &mut Self {
        let copied =
            self.asked.lines().filter(|line| ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].iter().any(|name| line.starts_with(name)));
        let copied: String = copied.map(|line| format!("{line}\r\n")).collect();
        let text = format!("SIP/2.0 {line}\r\n{copied}{headers}Content-Length: 0\r\n\r\n");
        self.endpoint.handle(self.now, Input::Datagram { local: Local(0), source: REGISTRAR.parse().unwrap(), bytes: text.as_bytes() });
        self.settle();
        self
    }

    fn registration(&mut self) -> &mut Registration {
        self.endpoint.registrations.at_mut(self.key).unwrap()
    }

    fn registration_as_it_is(&self) -> &Registration {
        self.endpoint.registrations.at(self.key).unwrap()
    }

    fn carrier(&mut self) -> &mut Carrier {
        let key = self.endpoint.carrier_names["carrier"];
        self.endpoint.carriers.at_mut(key).unwrap()
    }

    fn binding(&mut self) -> &mut Binding {
        self.registration().binding.as_mut().unwrap()
    }

    fn remembered(&mut self) -> &mut Answering {
        self.registration().remembered.first_mut().unwrap()
    }

    fn exchange(&mut self) -> &mut Exchange {
        match &mut self.registration().phase {
            Phase::Asking(exchange) => exchange,
            _ => panic!("it asks"),
        }
    }

    /// DNS is broken; the place is known all the same.
    fn trouble(&mut self) {
        let late = self.now + Duration::from_secs(200_000_000);
        for (at, question) in self.carrier().targets.stale(late) {
            let query = self.endpoint.wire.look_up(question.clone());
            let targets = &mut self.carrier().targets;
            targets.answered(late, place());
            targets.asked(at, &question, query);
            targets.resolved(late, query, Err(ResolveFault::Failed("broken".into())));
        }
        assert!(self.carrier().targets.is_troubled() && self.carrier().targets.sole().is_some());
    }

    /// What the last exchange went by.
    fn went_short(&self) -> bool {
        !self.endpoint.spare.is_empty()
    }
}

fn place() -> Place {
    Place { transport: Transport::Udp, address: REGISTRAR.parse().unwrap() }
}

fn elsewhere() -> Place {
    Place { transport: Transport::Udp, address: "198.51.100.2:5060".parse().unwrap() }
}

#[test]
fn the_short_way_is_the_long_one_for_whoever_looks_at_it() {
    let minute = Account { expires: 60, ..account() };
    let short_lived = |seconds: u32| CONTACT.replace("3600", &seconds.to_string());
    let named = |name: &str| format!("{CONTACT}{name}\r\n");
    let rewritten = CONTACT.replace("192.0.2.10", "203.0.113.9");
    // What is answered to one refresh after the other; where a digest is challenged, the next answer follows at once.
    type Course<'a> = (&'a str, &'a Account, Vec<(&'a str, String)>);
    let courses: [Course<'_>; 7] = [
        ("all as before", &account(), vec![("200 OK", CONTACT.into()); 6]),
        ("a short time", &minute, vec![("200 OK", short_lived(60)); 6]),
        (
            "a stale nonce",
            &account(),
            vec![("401 Unauthorized", format!("{},stale=true\r\n", CHALLENGE.trim_end())), ("200 OK", CONTACT.into())],
        ),
        ("another time", &account(), [3600, 3500, 600, 600, 3600].map(|seconds| ("200 OK", short_lived(seconds))).into()),
        (
            "more is said",
            &account(),
            vec![
                ("200 OK", named("Authentication-Info: nextnonce=\"m\"")),
                ("200 OK", CONTACT.into()),
                ("200 OK", named("Service-Route: <sip:s.test;lr>")),
                ("200 OK", CONTACT.into()),
                ("200 OK", named("P-Associated-URI: <tel:+1>")),
                ("200 OK", CONTACT.into()),
                ("200 OK", rewritten),
                ("200 Fine", CONTACT.into()),
            ],
        ),
        (
            "a refusal",
            &account(),
            vec![
                ("403 No", String::new()),
                ("503 Busy", String::new()),
                ("401 Unauthorized", CHALLENGE.into()),
                ("200 OK", CONTACT.into()),
            ],
        ),
        ("nothing is granted", &account(), vec![("200 OK", short_lived(0)), ("200 OK", CONTACT.into())]),
    ];
    let slow = Profile { pacing: Pacing { registers_per_second: 1, in_flight: 1 }, ..profile() };
    for (profile, (name, account, answers)) in
        [profile(), slow].iter().flat_map(|profile| courses.iter().map(move |course| (profile, course)))
    {
        let [mut short, mut long] = [false, true].map(|long| Edge::bound(profile.clone(), (*account).clone(), long));
        let as_before = vec![("200 OK", short_lived(account.expires)); 3];
        for (line, headers) in as_before.iter().chain(answers).chain(&as_before) {
            for edge in [&mut short, &mut long] {
                if !matches!(edge.registration_as_it_is().phase, Phase::Asking(_)) {
                    edge.asks();
                }
                edge.answer(line, headers);
            }
            assert_eq!(short.told, long.told, "{name}");
        }
        assert!(short.went_short() && !long.went_short(), "{name}");
        assert_eq!(short.endpoint.counters(), long.endpoint.counters(), "{name}");
        assert!(short.endpoint.snapshot() == long.endpoint.snapshot(), "{name}");
    }
}

#[test]
fn a_refresh_goes_short_where_nothing_is_otherwise() {
    let mut edge = Edge::marked();
    for _ in 0..3 {
        let exchange = edge.asks().exchange();
        assert!(exchange.marked && !exchange.fresh && exchange.version == 1);
        edge.endpoint.spare.clear();
        edge.answer("200 OK", CONTACT);
        assert_eq!(edge.endpoint.spare.len(), 1);
    }
    edge.asks().answer("200 OK", CONTACT);
    assert_eq!(edge.endpoint.spare.len(), 1, "it was taken and given back");
}

#[test]
fn no_more_than_so_many_exchanges_are_kept() {
    for (before, after) in [(SPARE - 1, SPARE - 1), (SPARE, SPARE), (SPARE + 1, SPARE)] {
        let mut edge = Edge::marked();
        edge.asks();
        let spare = || Box::new(Exchange::begun(START, edge.key, target(), Local(0), "".into(), Vec::new()));
        let many: Vec<Box<Exchange>> = (0..before).map(|_| spare()).collect();
        edge.endpoint.spare = many;
        // One more is on, and comes back.
        edge.endpoint.spare.pop();
        edge.answer("200 OK", CONTACT);
        assert_eq!(edge.endpoint.spare.len(), after);
    }
}

fn target() -> crate::targets::Target {
    crate::targets::Target {
        address: place().address,
        transport: Transport::Udp,
        name: "carrier.test".into(),
        registrar: "sip:carrier.test".into(),
    }
}

#[test]
fn what_is_otherwise_than_in_a_plain_refresh_marks_nothing() {
    // A registration that comes to rest after a REGISTER of so many bytes.
    let marks = |bytes: usize, change: &dyn Fn(&mut Edge, &mut Exchange)| {
        let mut edge = Edge::marked();
        let contact = edge.binding().contact.clone();
        let mut exchange = Exchange { version: 1, ..Exchange::begun(edge.now, edge.key, target(), Local(0), contact, Vec::new()) };
        change(&mut edge, &mut exchange);
        edge.registration().plain = 77;
        let key = edge.key;
        edge.endpoint.mark_plain(key, &exchange, bytes);
        let epoch = edge.carrier().epoch;
        match edge.registration().plain {
            0 => false,
            plain => plain == epoch,
        }
    };
    for (bytes, marked) in [(0, false), (1, true), (DATAGRAM_MAX - GROWS, true), (DATAGRAM_MAX - GROWS + 1, false)] {
        assert_eq!(marks(bytes, &|_, _| ()), marked, "{bytes}");
    }
    type Change = fn(&mut Edge, &mut Exchange);
    let changes: [(&str, Change); 29] = [
        ("nothing is bound", |edge, _| edge.registration().binding = None),
        ("no nonce is kept", |edge, _| edge.registration().remembered.clear()),
        ("addresses are rewritten", |edge, _| edge.carrier().profile.manners.nat_rewrite = true),
        ("outbound", |edge, _| edge.carrier().profile.manners.outbound = true),
        ("gin", |edge, _| edge.carrier().profile.manners.gin = true),
        ("room for one", |edge, _| edge.carrier().profile.manners.binding_limit = Some(1)),
        ("a route", |edge, _| edge.carrier().profile.route = true),
        ("an outbound proxy", |edge, _| edge.carrier().profile.outbound_proxy = Some("sip:198.51.100.1".into())),
        ("DNS is broken", |edge, _| edge.trouble()),
        ("another transport", |edge, exchange| {
            exchange.target.transport = Transport::Tcp;
            edge.binding().registrar.transport = Transport::Tcp;
            edge.remembered().target.transport = Transport::Tcp;
        }),
        ("a connection", |_, exchange| exchange.flow = Some(Flow::default())),
        ("too large", |_, exchange| exchange.large = Large::TcpRefused),
        ("without extensions", |_, exchange| exchange.plain = true),
        ("without a digest", |edge, _| edge.binding().authenticated = false),
        ("another registrar", |edge, _| edge.binding().registrar = elsewhere()),
        ("a binding of another version", |edge, _| edge.binding().version = 2),
        ("another version is in use", |edge, _| edge.registration().assignment.active.as_mut().unwrap().version = 2),
        ("a nonce of a proxy's realm", |edge, _| {
            std::sync::Arc::make_mut(&mut edge.remembered().choice.asked).holder = Holder::Proxy;
        }),
        ("a nonce for another version", |edge, _| edge.remembered().version = 2),
        ("a nonce of another place", |edge, _| edge.remembered().target = elsewhere()),
        ("a nonce of a connection", |edge, _| edge.remembered().flow = Some(Flow::default())),
        ("a nonce of another socket", |edge, _| edge.remembered().local = Local(1)),
        ("not at rest", |edge, _| edge.registration().phase = Phase::Idle),
        ("to be removed", |edge, _| edge.registration().intent = Intent::Away),
        ("not told", |edge, _| edge.registration().told = 0),
        ("no grant is noted", |edge, _| edge.registration().granted = 0),
        ("a failure drifted", |edge, _| {
            edge.registration().drifted = Box::new([Drift { what: "realm", before: "a".into(), after: "b".into() }])
        }),
        ("routes", |edge, _| edge.registration().shown.routes = Some(Box::default())),
        ("nothing was reported", |edge, _| edge.registration().reported = None),
    ];
    for (name, change) in changes {
        assert!(!marks(500, &change), "{name}");
    }
    let reported: [(&str, Change); 2] = [
        ("another version was reported", |edge, _| edge.registration().reported.as_mut().unwrap().0 = 2),
        ("other terms were reported", |edge, _| edge.registration().reported.as_mut().unwrap().1 = None),
    ];
    for (name, change) in reported {
        assert!(!marks(500, &change), "{name}");
    }
}

#[test]
fn what_has_changed_since_it_was_marked_takes_the_long_way() {
    let begins = |change: &dyn Fn(&mut Edge)| {
        let mut edge = Edge::marked();
        change(&mut edge);
        let (now, key) = (edge.now + Duration::from_secs(2000), edge.key);
        edge.endpoint.refresh_plainly(now, key)
    };
    assert!(begins(&|_| ()));
    assert!(begins(&|edge| edge.registration().identity.cseq = CSEQ_MAX - 1));
    type Change = fn(&mut Edge);
    let changes: [(&str, Change); 16] = [
        ("no mark", |edge| edge.registration().plain = 0),
        ("another epoch", |edge| edge.carrier().epoch += 1),
        ("not told", |edge| edge.registration().told = 0),
        ("to be removed", |edge| edge.registration().intent = Intent::Away),
        ("a stray", |edge| edge.registration().stray = Some("sip:alice@192.0.2.11".into())),
        ("ridden", |edge| edge.registration().ridden = Some(edge.key)),
        ("nothing is bound", |edge| edge.registration().binding = None),
        ("bound elsewhere", |edge| edge.binding().registrar = elsewhere()),
        ("another version", |edge| edge.registration().assignment.active.as_mut().unwrap().version = 2),
        ("CSeq is spent", |edge| edge.registration().identity.cseq = CSEQ_MAX),
        ("no nonce", |edge| edge.registration().remembered.clear()),
        ("a nonce for another version", |edge| edge.remembered().version = 2),
        ("a nonce of another place", |edge| edge.remembered().target = elsewhere()),
        ("a nonce of a connection", |edge| edge.remembered().flow = Some(Flow::default())),
        ("nonces are not kept", |edge| edge.carrier().profile.nonce_reuse = NonceReuse::Never),
        ("nonces are too old by then", |edge| edge.carrier().nonces.refused(START, Duration::from_secs(60), true)),
    ];
    for (name, change) in changes {
        assert!(!begins(&change), "{name}");
    }
}

#[test]
fn what_is_kept_is_told_anew_once_the_wire_is_so_far_ahead() {
    for (ahead, saves) in [(UNSAVED_MAX - 1, false), (UNSAVED_MAX, true)] {
        let mut edge = Edge::marked();
        // The next one is the one that counts.
        let registration = edge.registration();
        registration.identity.cseq += 1000;
        registration.saved_cseq = registration.identity.cseq + 1 - ahead;
        edge.told.clear();
        edge.asks();
        assert!(edge.exchange().marked);
        assert_eq!(edge.told.iter().any(|told| told.contains("Save(")), saves, "{ahead}: {:?}", edge.told);
    }
}

#[test]
fn what_has_changed_while_it_was_out_or_is_answered_otherwise_takes_the_long_way_back() {
    let ends = |headers: &str, change: &dyn Fn(&mut Edge)| {
        let mut edge = Edge::marked();
        edge.asks();
        change(&mut edge);
        edge.answer("200 OK", headers);
        edge.went_short()
    };
    assert!(ends(CONTACT, &|_| ()));
    assert!(ends(CONTACT, &|edge| edge.registration().traced_until = edge.now));
    type Change = fn(&mut Edge);
    let changes: [(&str, Change); 23] = [
        ("begun the long way", |edge| edge.exchange().marked = false),
        ("no nonce went along", |edge| edge.exchange().remembered = None),
        ("a challenge was answered", |edge| {
            let answering = edge.registration().remembered.remove(0);
            edge.exchange().answers.push(answering);
        }),
        ("a digest may fail", |edge| {
            let (now, limits) = (edge.now, profile().failure_budget);
            let risk = edge.endpoint.budget.risk(now, &"carrier".into(), "alice", crate::budget::Asker::Person, &limits).unwrap();
            edge.exchange().risks.push(risk);
        }),
        ("a connection", |edge| edge.exchange().flow = Some(Flow::default())),
        ("stale", |edge| edge.exchange().stale = 1),
        ("too brief", |edge| edge.exchange().interval = 1),
        ("redirected", |edge| edge.exchange().redirects = 1),
        ("CSeq was raised", |edge| edge.exchange().cseq = 1),
        ("no mark", |edge| edge.registration().plain = 0),
        ("not told", |edge| edge.registration().told = 0),
        ("a stray", |edge| edge.registration().stray = Some("sip:alice@192.0.2.11".into())),
        ("ridden", |edge| edge.registration().ridden = Some(edge.key)),
        ("it is to go again", |edge| edge.registration().again = true),
        ("it is traced", |edge| edge.registration().traced_until = edge.now + Duration::from_micros(1)),
        ("nothing is bound", |edge| edge.registration().binding = None),
        ("another version", |edge| edge.registration().assignment.active.as_mut().unwrap().version = 2),
        ("bound by another version", |edge| edge.binding().version = 2),
        ("sent for another version", |edge| {
            edge.exchange().version = 2;
            edge.registration().assignment.active.as_mut().unwrap().version = 2;
        }),
        ("the carrier heals", |edge| edge.carrier().healing = true),
        ("DNS is broken", Edge::trouble),
        ("another time was granted", |edge| edge.binding().granted = Duration::from_secs(3500)),
        ("another time was noted", |edge| edge.registration().granted = 600),
    ];
    for (name, change) in changes {
        assert!(!ends(CONTACT, &change), "{name}");
    }
    let unbinds = |purpose: Purpose| move |edge: &mut Edge| edge.exchange().purpose = purpose;
    assert!(!ends(CONTACT, &unbinds(Purpose::Unbind)) && !ends(CONTACT, &unbinds(Purpose::UnbindStray)));
    let answers = [
        "Contact: <sip:alice@192.0.2.10:5060>;expires=3599\r\n".to_owned(),
        "Contact: <sip:alice@192.0.2.10:5060>;expires=0\r\n".to_owned(),
        "Contact: <sip:alice@203.0.113.9:5060>;expires=3600\r\n".to_owned(),
        "Expires: 3600\r\n".to_owned(),
        format!("{CONTACT}Authentication-Info: nextnonce=\"m\"\r\n"),
        format!("{CONTACT}Service-Route: <sip:s.test;lr>\r\n"),
        format!("{CONTACT}P-Associated-URI: <tel:+1>\r\n"),
    ];
    for headers in answers {
        assert!(!ends(&headers, &|_| ()), "{headers}");
    }
    // A refusal is nobody's short way.
    let mut refused = Edge::marked();
    refused.asks().answer("403 No", "");
    assert!(!refused.went_short());
}

#[test]
fn a_refresh_is_watched_by_a_timer_only_where_the_binding_may_lapse_before_it_ends() {
    let mut edge = Edge::marked();
    edge.asks();
    assert!(edge.exchange().marked && edge.registration().timer.is_none());
    edge.answer("200 OK", CONTACT);
    // It ends just when the binding does.
    let lapses_at = edge.now + Duration::from_secs(8);
    edge.binding().lapses_at = lapses_at;
    let (now, key) = (edge.now, edge.key);
    edge.registration().timer = None;
    assert_eq!(now + patience(now, Some(lapses_at)), lapses_at);
    assert!(edge.endpoint.refresh_plainly(now, key) && edge.registration().timer.is_some());
}

#[test]
fn what_was_sent_again_goes_the_long_way_and_its_round_trip_is_not_known() {
    let mut edge = Edge::marked();
    for (after, short) in [(20, true), (600, false)] {
        edge.asks();
        edge.now = edge.now + Duration::from_millis(after);
        edge.settle();
        edge.endpoint.spare.clear();
        edge.answer("200 OK", CONTACT);
        assert_eq!((edge.went_short(), edge.registration().shown.round_trip), (short, Some(Duration::from_millis(20))));
    }
}

#[test]
fn an_answer_that_sees_us_where_the_last_one_did_brings_nothing_new() {
    let mut edge = Edge::marked();
    for (port, short) in [(4000, false), (4000, true), (4001, false), (4001, true)] {
        edge.asks();
        assert!(edge.asked.contains(";rport"));
        edge.asked = edge.asked.replace(";rport", &format!(";rport={port};received=203.0.113.9"));
        edge.endpoint.spare.clear();
        edge.answer("200 OK", CONTACT);
        assert_eq!(edge.went_short(), short, "{port}");
    }
}

#[test]
fn what_was_not_told_as_registered_is_told_whole() {
    let mut edge = Edge::marked();
    assert_ne!(edge.endpoint.fingerprint(edge.registration_as_it_is()), 0);
    edge.registration().shown.state = RegistrationState::Registering;
    assert_eq!(edge.endpoint.fingerprint(edge.registration_as_it_is()), 0);
}
