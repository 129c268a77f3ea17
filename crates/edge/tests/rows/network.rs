use std::time::{Duration, Instant};

use diagnosis::Code;
use link::OptionsPing;

use crate::stage::{Stage, registrar, tuned};
use crate::support::until;

// covers: N1, RFC 3263 4.3; lab
#[test]
fn a_dead_registrar_leads_to_the_next_within_the_attempt() {
    let mut stage = Stage::of_rows(&["N1", "C1"]);
    let mut profile = stage.profile("C1");
    profile.registrars.insert(0, "sip:127.0.0.1:9".into());
    profile.registrars.insert(1, stage.profile("N1").registrars[0].clone());
    // Nobody listens at the first, the second is silent: the verification's patience is shared.
    let verdict = stage.verify("C1", |order| order.carrier = profile.clone());
    assert_eq!(verdict.outcome, link::Outcome::Proved, "{verdict:?}");
    stage.until("the dead one was asked", "N1", |carrier| carrier.totals().dropped > 0);
}

// covers: N3, RFC 3261 17.1.2; lab
#[test]
fn a_register_that_is_dropped_while_options_is_answered_is_told_apart() {
    let mut stage = Stage::of_rows(&["N3"]);
    let verdict = stage.verify("N3", |order| order.patience_ms = 3_000);
    let link::Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(diagnosis.code, Code::RegisterIgnored);
    let carrier = stage.carrier("N3");
    let cseqs: Vec<u32> = carrier.log().filter(|seen| seen.method == "REGISTER").map(|seen| seen.cseq).collect();
    assert!(cseqs.len() >= 3 && cseqs.iter().all(|cseq| *cseq == cseqs[0]), "the same request again: {cseqs:?}");
}

// covers: N4, RFC 3261 17.1.2; lab
#[test]
fn loss_duplicates_and_delay_do_not_keep_trunks_from_registering() {
    const TRUNKS: usize = 10;
    let mut registrar = registrar(&["N4"]);
    registrar.accounts = (0..TRUNKS).map(|n| carrier::Account::new(format!("t{n}"), "s3cret")).collect();
    let stage = Stage::new(vec![registrar]);
    stage.lab.order(link::ToEdge::Carrier(Box::new(stage.profile("N4"))));
    for n in 0..TRUNKS {
        stage.lab.assign(&format!("t{n}"), "N4", "s3cret");
    }
    // Of two round trips at 49 % each one may well fail by Timer F and go again: a matter of chance, and of up to two minutes.
    let end = Instant::now() + Duration::from_secs(150);
    while stage.lab.edge.counters().bound < TRUNKS as u64 {
        assert!(Instant::now() < end, "{:?}", stage.lab.edge.counters());
        std::thread::sleep(Duration::from_millis(20));
    }
    let seen = stage.counters("N4");
    assert_eq!((seen.digests_wrong, seen.digests_unreadable), (0, 0));
    assert!(seen.retransmissions > 0 && seen.lost > 0, "{seen:?}");
}

// covers: N10; lab
#[test]
fn an_address_that_the_carrier_blocks_is_recognised_by_its_silence_to_options() {
    let mut stage = Stage::new(vec![tuned(&["N10"], |t| t.blocks_after = Some(1))]);
    let mut profile = stage.profile("N10");
    profile.options = Some(OptionsPing { interval: 1, failure_threshold: 1, success_threshold: 1 });
    stage.register_as(profile, stage.assignment("N10"));
    stage.bound("N10");
    stage.status("N10", |status| status.options.state == link::OptionsState::Up);
    let wrong = stage.lab.credential("", "N10", "wrong");
    let refused = stage.verify("N10", |order| {
        order.id = "v-wrong".into();
        order.credential = Some(wrong);
    });
    assert!(matches!(refused.outcome, link::Outcome::Refused(_)), "{refused:?}");
    let blocked = stage.verify("N10", |order| {
        order.id = "v-blocked".into();
        order.patience_ms = 3_000;
    });
    let link::Outcome::Refused(diagnosis) = blocked.outcome else { panic!("{blocked:?}") };
    assert_eq!(diagnosis.code, Code::BlockSuspected, "{diagnosis:#?}");
    let public = diagnosis.evidence.public_address.as_deref().expect("the address that the carrier saw");
    assert!(diagnosis.summary.contains(public), "{public}: {}", diagnosis.summary);
}

// covers: N11, F10, RFC 3261 17.1.3, RFC 3261 18.1.2; lab
#[test]
fn forged_answers_are_counted_and_bind_nothing() {
    let mut stage = Stage::of_rows(&["N11"]);
    let mut profile = stage.profile("N11");
    profile.response_source_exact = true;
    stage.register_as(profile, stage.assignment("N11"));
    let status = stage.bound("N11");
    assert!(status.authenticated, "a forged 200 came before the challenge");
    stage.refresh("N11");
    assert_eq!(stage.counters("N11").digests_right, 2);
    until("the forged ones are strangers'", || stage.lab.edge.counters().strangers >= 3);
}

// covers: N13, RFC 3261 17.2.2, RFC 3261 18.2.2, RFC 3581 4; lab
#[test]
fn a_call_to_the_edge_is_answered_480_and_counted() {
    let mut stage = Stage::of_rows(&["N13"]);
    stage.register("N13");
    stage.bound("N13");
    stage.until("480", "N13", |carrier| carrier.totals().calls_answered == 1);
    until("counted", || stage.lab.edge.counters().unrouted == 1);
}

// covers: N13; script
#[test]
fn the_carriers_options_are_answered_and_a_strangers_are_not() {
    let mut stage = Stage::of_rows(&["C1"]);
    stage.register("C1");
    stage.bound("C1");
    let before = stage.lab.edge.counters().sent;
    let text = format!(
        "OPTIONS sip:x@{0} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.9;rport;branch=z9hG4bKo\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x@{0}>\r\n\
         Call-ID: o\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        stage.lab.local[0]
    );
    let stranger = std::net::UdpSocket::bind("127.0.0.9:0").expect("a socket");
    stranger.send_to(text.as_bytes(), stage.lab.local[0]).expect("sent");
    until("it is counted as a stranger's", || stage.lab.edge.counters().strangers >= 1);
    assert_eq!(stage.lab.edge.counters().sent, before);
}
