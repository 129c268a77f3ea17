//! Each rule can be broken: what a machine that errs would send or tell is noticed, and what it does right is not.

use std::net::SocketAddr;
use std::time::Duration;

use ua::{Generation, Instant, OptionsStatus, RegistrationState, Resume, Status};

use super::{Facts, Model, Want, Way};
use crate::Plan;
use crate::report::Rule;
use crate::roster::Roster;
use crate::seen::Seen;

const NODE: ([u8; 4], u16) = ([10, 1, 0, 0], 5060);

/// A model of four trunks at one carrier of one address, and a hand that plays the machine.
struct Bench {
    model: Model,
    now: Instant,
    branches: u32,
}

/// A REGISTER that was sent, to be answered.
struct Sent {
    text: String,
    branch: u32,
}

fn bench(rate: u32, in_flight: u32) -> Bench {
    let plan = Plan { trunks: 4, carriers: 1, ..Plan::calm(1) };
    let facts = Facts { realm: Some("c0.sim".into()), nodes: 1, rate, in_flight };
    let mut model = Model::new(&plan, Roster::new(&plan), vec![facts]);
    let now = Instant::from_micros(10_000_000);
    model.weather(now, true);
    model.ordered(now, 0, Want::Kept, true);
    Bench { model, now, branches: 0 }
}

impl Bench {
    fn after(&mut self, seconds: u64) -> &mut Self {
        self.now = self.now + Duration::from_secs(seconds);
        self
    }

    /// The other trunks are wanted too.
    fn wants_all(&mut self) -> &mut Self {
        (0..4).for_each(|trunk| self.model.ordered(self.now, trunk, Want::Kept, true));
        self
    }

    fn scans(&mut self) -> &mut Self {
        self.model.scan(self.now);
        self
    }

    fn sends(&mut self, trunk: usize, cseq: u32) -> Sent {
        self.sends_with(trunk, cseq, "")
    }

    fn answers(&mut self, trunk: usize, cseq: u32, nonce: &str, nc: u32) -> Sent {
        self.answers_realm(trunk, cseq, nonce, nc, "c0.sim")
    }

    fn answers_realm(&mut self, trunk: usize, cseq: u32, nonce: &str, nc: u32, realm: &str) -> Sent {
        let digest = format!("Authorization: Digest username=\"u\", realm=\"{realm}\", nonce=\"{nonce}\", nc={nc:08x}, qop=auth\r\n");
        self.sends_with(trunk, cseq, &digest)
    }

    fn sends_with(&mut self, trunk: usize, cseq: u32, more: &str) -> Sent {
        self.branches += 1;
        let (branch, user) = (self.branches, format!("62{trunk:07}"));
        let text = format!(
            "REGISTER sip:c0.sim SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK{branch}\r\nTo: <sip:{user}@c0.sim>\r\n\
             Call-ID: call-{trunk}\r\nCSeq: {cseq} REGISTER\r\nContact: <sip:{user}@10.0.0.1:5060>;expires=300\r\nExpires: 300\r\n{more}\r\n"
        );
        let sent = Sent { text, branch };
        self.goes(&sent);
        sent
    }

    fn goes(&mut self, sent: &Sent) {
        let way = Way { carrier: 0, node: 0, to: SocketAddr::from(NODE), copies: 1 };
        let seen = Seen::read(sent.text.as_bytes()).expect("a request");
        self.model.sent(self.now, way, &seen, sent.text.as_bytes());
    }

    fn comes(&mut self, to: &Sent, start: &str, more: &str) -> &mut Self {
        let lines = to.text.split("\r\n").filter(|line| ["Via", "To", "Call-ID", "CSeq"].iter().any(|name| line.starts_with(name)));
        let text = format!("SIP/2.0 {start}\r\n{}\r\n{more}\r\n", lines.collect::<Vec<_>>().join("\r\n"));
        self.model.came(self.now, &Seen::read(text.as_bytes()).expect("an answer"));
        self
    }

    fn challenges(&mut self, to: &Sent, nonce: &str) -> &mut Self {
        self.comes(to, "401 Unauthorized", &format!("WWW-Authenticate: Digest realm=\"c0.sim\", nonce=\"{nonce}\", qop=\"auth\"\r\n"))
    }

    fn grants(&mut self, to: &Sent) -> &mut Self {
        let contact = to.text.split("\r\n").find(|line| line.starts_with("Contact")).expect("a Contact").to_owned();
        self.comes(to, "200 OK", &format!("{contact}\r\n"))
    }

    /// A registration of a trunk as it should be.
    fn registers(&mut self, trunk: usize, cseq: u32) -> &mut Self {
        let first = self.sends(trunk, cseq);
        self.challenges(&first, &format!("n{trunk}-{cseq}"));
        let second = self.answers(trunk, cseq + 1, &format!("n{trunk}-{cseq}"), 1);
        self.grants(&second)
    }

    /// A digest that is refused.
    fn fails(&mut self, trunk: usize, cseq: u32) -> &mut Self {
        let first = self.sends(trunk, cseq);
        self.challenges(&first, &format!("n{trunk}-{cseq}"));
        let second = self.answers(trunk, cseq + 1, &format!("n{trunk}-{cseq}"), 1);
        self.challenges(&second, &format!("m{trunk}-{cseq}"))
    }

    fn tells(&mut self, trunk: usize, state: RegistrationState, expires_at: Option<Instant>) -> &mut Self {
        let status = Status {
            trunk: format!("t{trunk}").into(),
            generation: Generation { incarnation: 1, number: 1 },
            state,
            bound: expires_at.is_some(),
            authenticated: true,
            since: self.now,
            registrar: None,
            public_address: None,
            registered_at: None,
            expires_at,
            next_action_at: None,
            round_trip: None,
            consecutive_failures: 0,
            last_response: None,
            negotiated: None,
            routes: None,
            options: OptionsStatus::default(),
            diagnosis: None,
            credential_version: None,
            warnings: Vec::new(),
            refreshes: 0,
        };
        self.model.told(self.now, trunk, &status);
        self
    }

    fn resumes(&mut self, trunk: usize, cseq: u32, clean: bool) -> &mut Self {
        let kept = Resume {
            trunk: format!("t{trunk}").into(),
            call_id: format!("call-{trunk}").into(),
            from_tag: "tag".into(),
            cseq,
            clean,
            binding: None,
            nonce: None,
            failed: None,
            public: None,
        };
        self.model.stopped(self.now, clean);
        self.model.started(self.now);
        self.model.resumed(self.now, trunk, Some(&kept));
        self
    }

    #[track_caller]
    fn broke(&self, rule: Rule) {
        assert!(self.model.report.broken.contains_key(&rule), "{:?}", self.model.report.broken);
    }

    #[track_caller]
    fn broke_only(&self, rule: Rule) {
        assert_eq!(self.model.report.broken.keys().collect::<Vec<_>>(), [&rule], "{:?}", self.model.report.violations);
    }

    #[track_caller]
    fn broke_nothing(&self) {
        assert!(self.model.report.broken.is_empty(), "{:?}", self.model.report.violations);
    }
}

#[test]
fn a_registration_as_it_should_be_breaks_nothing() {
    let mut bench = bench(50, 10);
    bench.registers(0, 1).after(150).registers(0, 3).after(150).model.scan(Instant::from_micros(320_000_000));
    bench.broke_nothing();
}

#[test]
fn a_retransmission_that_comes_too_soon_or_has_changed_is_noticed() {
    let mut too_soon = bench(50, 10);
    let sent = too_soon.sends(0, 1);
    too_soon.goes(&sent);
    too_soon.broke_only(Rule::Retransmission);
    let mut changed = bench(50, 10);
    let sent = changed.sends(0, 1);
    changed.after(1).goes(&Sent { text: sent.text.replace("Expires: 300", "Expires: 301"), branch: sent.branch });
    changed.broke_only(Rule::Retransmission);
}

#[test]
fn a_retransmission_after_the_answer_is_noticed() {
    let mut bench = bench(50, 10);
    let sent = bench.sends(0, 1);
    bench.grants(&sent).after(1).goes(&sent);
    bench.broke_only(Rule::Retransmission);
}

#[test]
fn a_cseq_that_does_not_rise_is_noticed() {
    for second in [7, 6] {
        let mut bench = bench(50, 10);
        bench.sends(0, 7);
        bench.after(40).sends(0, second);
        bench.broke_only(Rule::CSeq);
    }
}

#[test]
fn a_digest_for_another_realm_is_noticed() {
    let mut bench = bench(50, 10);
    let first = bench.sends(0, 1);
    bench.challenges(&first, "n").answers_realm(0, 2, "n", 1, "elsewhere");
    bench.broke_only(Rule::Realm);
}

#[test]
fn a_digest_that_nobody_asked_for_is_noticed() {
    let mut of_nobody = bench(50, 10);
    of_nobody.answers(0, 1, "guessed", 1);
    of_nobody.broke_only(Rule::UnaskedChallenge);
    let mut of_another = bench(50, 10);
    of_another.wants_all();
    let first = of_another.sends(0, 1);
    of_another.challenges(&first, "n").answers(1, 1, "n", 1);
    of_another.broke_only(Rule::UnaskedChallenge);
}

#[test]
fn a_nonce_count_that_does_not_rise_is_noticed() {
    let mut bench = bench(50, 10);
    bench.registers(0, 1).after(150).answers(0, 3, "n0-1", 1);
    bench.broke_only(Rule::NonceCount);
}

#[test]
fn a_third_digest_of_a_version_is_noticed_and_two_are_not() {
    let mut bench = bench(50, 10);
    bench.fails(0, 1).after(30).fails(0, 3).broke_nothing();
    bench.after(30).fails(0, 5).broke(Rule::Budget);
}

#[test]
fn a_digest_too_many_is_noticed_though_a_restart_lies_between() {
    let mut bench = bench(50, 10);
    bench.fails(0, 1).after(30).fails(0, 3).after(30).resumes(0, 4, false).fails(0, 1_005).broke(Rule::Budget);
}

#[test]
fn a_request_of_a_held_registration_is_noticed_also_after_a_restart() {
    let mut asks = bench(50, 10);
    asks.fails(0, 1).after(30).fails(0, 3).model.held(0);
    asks.after(60).sends(0, 5);
    asks.broke_only(Rule::Held);
    for clean in [true, false] {
        let mut restarts = bench(50, 10);
        restarts.fails(0, 1).after(30).fails(0, 3).model.held(0);
        restarts.after(1).resumes(0, 4, clean).sends(0, if clean { 5 } else { 1_005 });
        restarts.broke_only(Rule::Held);
    }
}

#[test]
fn what_had_no_time_to_reach_the_disk_before_a_crash_is_not_asked_for() {
    let mut bench = bench(50, 10);
    bench.fails(0, 1).after(30).fails(0, 3).model.held(0);
    bench.resumes(0, 4, false).sends(0, 1_005);
    bench.broke_nothing();
}

#[test]
fn of_two_failures_a_crash_takes_the_one_that_had_no_time_to_reach_the_disk() {
    // Seed 1087 of the 2,000 nights: ten minutes after the first the second, which the edge cannot know of, is not held against it.
    let mut bench = bench(50, 10);
    bench.fails(0, 1).after(30).fails(0, 3).resumes(0, 4, false).after(60).fails(0, 1_005);
    bench.model.ordered(bench.now, 0, Want::Kept, true);
    let asks = bench.after(515).sends(0, 1_007);
    bench.challenges(&asks, "n").answers(0, 1_008, "n", 1);
    bench.broke_nothing();
}

#[test]
fn a_renewal_that_nobody_answered_leaves_open_how_long_the_binding_runs() {
    // Seed 1197 of the 2,000 nights: the carrier granted less by an answer that was lost.
    let mut bench = bench(50, 10);
    bench.registers(0, 1);
    let until = bench.now + Duration::from_secs(300);
    assert_eq!(bench.model.believed(bench.now, 0), Some(bench.now));
    bench.after(200).sends(0, 3);
    bench.after(32).tells(0, RegistrationState::RetryWait, Some(until));
    assert_eq!(bench.model.believed(bench.now, 0), None);
    bench.after(2).registers(0, 4);
    assert_eq!(bench.model.believed(bench.now, 0), Some(bench.now));
}

#[test]
fn more_datagrams_than_the_rate_are_noticed() {
    let mut bench = bench(2, 10);
    bench.wants_all();
    (0..4).for_each(|trunk| drop(bench.sends(trunk, 1)));
    bench.broke_nothing();
    bench.sends(0, 2);
    bench.broke_only(Rule::Pacing);
}

#[test]
fn more_transactions_than_the_cap_are_noticed() {
    let mut bench = bench(50, 2);
    bench.wants_all();
    (0..2).for_each(|trunk| drop(bench.sends(trunk, 1)));
    bench.broke_nothing();
    bench.sends(2, 1);
    bench.broke_only(Rule::InFlight);
}

#[test]
fn a_binding_that_lapses_without_a_try_is_noticed_unless_its_carrier_could_not_be_reached() {
    let mut forgets = bench(50, 10);
    forgets.registers(0, 1).after(301).scans();
    forgets.broke(Rule::LateRefresh);
    let mut excused = bench(50, 10);
    excused.registers(0, 1).after(290).model.reachable(Instant::from_micros(260_000_000), 0, false);
    excused.after(11).tells(0, RegistrationState::Expired, None);
    assert_eq!((excused.model.report.lapses.unreachable, excused.model.report.lapses.late), (1, 0));
}

#[test]
fn a_refresh_long_before_it_is_due_is_noticed() {
    let mut bench = bench(50, 10);
    // What was ordered excuses whatever is granted soon after it.
    bench.after(200).registers(0, 1).after(60).sends(0, 3);
    bench.broke_only(Rule::EarlyRefresh);
}

#[test]
fn an_attempt_that_a_late_grant_finds_under_way_may_be_repeated_soon() {
    // Seed 299 of the 2,000 nights.
    let mut bench = bench(50, 10);
    let given_up = bench.after(200).registers(0, 1).after(230).sends(0, 3);
    bench.model.weather(bench.now, false);
    let until = bench.now + Duration::from_secs(300);
    bench.after(65).sends(0, 4);
    bench.after(6).tells(0, RegistrationState::Expired, None).grants(&given_up).tells(0, RegistrationState::Refreshing, Some(until));
    bench.after(10).tells(0, RegistrationState::RetryWait, Some(until)).sends(0, 5);
    bench.broke_nothing();
    // What begins once that grant is renewed is early again.
    let renewed = bench.after(60).sends(0, 6);
    bench.grants(&renewed).after(20).sends(0, 7);
    bench.broke_only(Rule::EarlyRefresh);
}

#[test]
fn failures_of_a_trunk_that_is_not_given_back_end_with_the_edge() {
    // Seed 480 of the 2,000 nights.
    for (want, broken) in [(Want::Kept, true), (Want::Leaving, false)] {
        let mut bench = bench(50, 10);
        bench.fails(0, 1).after(30);
        bench.model.ordered(bench.now, 0, want, false);
        bench.model.stopped(bench.now, true);
        bench.model.started(bench.now);
        bench.model.forgot(bench.now, 0);
        bench.model.ordered(bench.now, 0, Want::Kept, false);
        bench.after(30).fails(0, 1).after(30).fails(0, 3);
        assert_eq!(bench.model.report.broken.contains_key(&Rule::Budget), broken, "{want:?}: {:?}", bench.model.report.violations);
    }
}

#[test]
fn a_registration_that_nobody_thinks_of_any_more_is_noticed() {
    let mut bench = bench(50, 10);
    bench.after(80).scans();
    bench.broke_nothing();
    bench.after(80).scans();
    bench.broke_only(Rule::Forgotten);
}

#[test]
fn a_binding_that_is_told_and_was_never_granted_is_noticed() {
    let mut invents = bench(50, 10);
    let until = invents.now + Duration::from_secs(300);
    invents.tells(0, RegistrationState::Registered, Some(until)).broke_only(Rule::Status);
    let mut denies = bench(50, 10);
    denies.registers(0, 1).after(10).tells(0, RegistrationState::Expired, None).broke_only(Rule::Status);
}

#[test]
fn a_restart_that_does_not_go_on_where_it_ended_is_noticed() {
    for (cseq, clean, next, right) in [(10, true, 11, true), (10, true, 12, false), (10, false, 1_011, true), (10, false, 11, false)] {
        let mut bench = bench(50, 10);
        bench.resumes(0, cseq, clean).sends(0, next);
        if right { bench.broke_nothing() } else { bench.broke_only(Rule::Resume) }
    }
    let mut another = bench(50, 10);
    another.resumes(0, 10, true).model.trunks[0].resumed.as_mut().expect("it was resumed").call_id = "another".into();
    another.sends(0, 11);
    another.broke_only(Rule::Resume);
}

#[test]
fn a_second_try_within_thirty_seconds_in_the_dark_is_noticed() {
    let mut bench = bench(50, 10);
    bench.model.dark(bench.now, 0, true);
    bench.after(40).sends(0, 1);
    bench.after(35).sends(0, 2);
    bench.broke_nothing();
    bench.after(20).sends(0, 3);
    bench.broke_only(Rule::DarkTries);
}

#[test]
fn a_request_of_a_trunk_that_has_left_is_noticed() {
    let mut bench = bench(50, 10);
    bench.registers(0, 1);
    bench.model.ordered(bench.now, 0, Want::Leaving, false);
    bench.model.forgot(bench.now, 0);
    bench.after(200).sends(0, 3);
    bench.broke_only(Rule::Withdrawn);
}

#[test]
fn a_binding_that_a_late_answer_made_is_no_darkness() {
    let mut bench = bench(50, 10);
    bench.model.dark(bench.now, 0, true);
    bench.after(40);
    let late = bench.sends(0, 1);
    bench.after(33).sends(0, 2);
    // The first is answered after all, and the machine says so: what runs now is renewed as soon as may be.
    bench.grants(&late);
    let until = bench.now - Duration::from_secs(33) + Duration::from_secs(300);
    bench.tells(0, RegistrationState::Refreshing, Some(until)).after(10).sends(0, 3);
    bench.broke_nothing();
}
