//! The edge registers trunks at a registrar on loopback, and goes on where it was after a restart.

mod support;

use std::net::UdpSocket;

use diagnosis::Code;
use link::{Action, FromEdge, Outcome, RegistrationState, ToEdge, Withdrawal};
use support::control::profile;
use support::registrar::{Reply, by_the_book};
use support::{Lab, Registrar, edge_config, until};

// covers: C1, RFC 3261 10.2
#[test]
fn a_trunk_registers_with_one_digest_over_each_family() {
    for (registrar, listen) in [("127.0.0.1:0", "udp:127.0.0.1:0"), ("[::1]:0", "udp:[::1]:0")] {
        let dir = tempfile::tempdir().unwrap();
        let registrar = Registrar::challenging(registrar, "s3cret", 600);
        let mut lab = Lab::start(edge_config(dir.path(), &[listen]));
        lab.carrier("nusantara", &format!("sip:{}", registrar.address));
        lab.assign("trunk_jkt_04", "nusantara", "s3cret");
        let status = lab.status("trunk_jkt_04", |status| status.state == RegistrationState::Registered);
        assert!(status.bound && status.authenticated);
        assert_eq!(status.registrar.as_deref(), Some(registrar.address.to_string().as_str()));
        let left = status.expires_at.unwrap() - status.registered_at.unwrap();
        assert!((595_000_000..=605_000_000).contains(&left), "{left}");
        let seen = registrar.registers();
        assert_eq!(seen.iter().map(|seen| seen.answer).collect::<Vec<_>>(), [Some(401), Some(200)]);
        assert_eq!(seen[0].uri, "sip:lab.example");
        assert_eq!(seen[0].source, lab.local[0]);
        assert!(seen[1].contact.as_ref().unwrap().contains(&format!("trunk_jkt_04@{}", lab.local[0])), "{:?}", seen[1].contact);
        let accepted = |report: &FromEdge| matches!(report, FromEdge::Accepted { authenticated: true, version: 1, .. });
        assert!(lab.reports.iter().any(accepted), "told before the status, which may wait: {:?}", lab.reports);
        until("counted", || lab.edge.counters().bound == 1 && lab.edge.counters().registers == 2);
        lab.edge.stop();
        assert_eq!(registrar.registers().len(), 2, "a stop un-registers nothing");
    }
}

// covers: B8
#[test]
fn a_restart_goes_on_without_sending_before_it_is_due() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let port = lab.local[0].port();
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    let before = lab.status("t1", |status| status.bound);
    lab.edge.stop();
    let first = registrar.registers();

    let config = edge_config(dir.path(), &[&format!("udp:127.0.0.1:{port}")]);
    let bound = edge::Edge::bind(config.clone()).unwrap();
    assert_eq!(bound.saved(), (1, true));
    drop(bound);
    let mut lab = Lab::start(config);
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    let after = lab.status("t1", |status| status.bound);
    let drift = after.expires_at.unwrap() - before.expires_at.unwrap();
    assert!(drift.abs() < 1_500_000, "the same binding: {drift}");
    assert_eq!(registrar.registers().len(), first.len(), "nothing is sent before it is due");

    lab.order(ToEdge::Act { trunk: "t1".into(), action: Action::Refresh });
    let seen = registrar.wait("the refresh", |seen| seen.iter().filter(|seen| seen.answer == Some(200)).count() == 2);
    let refresh = seen.last().unwrap();
    assert_eq!(refresh.call_id, first[1].call_id);
    assert!(refresh.cseq > first[1].cseq);
}

// covers: B8
#[test]
fn a_killed_edge_leaves_what_a_restart_needs() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let port = lab.local[0].port();
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
    // As kill -9 would leave it: a copy of the files while the edge runs.
    let copy = tempfile::tempdir().unwrap();
    until("saved", || lab.edge.counters().saved > 0);
    for name in ["state", "edge.key"] {
        std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    lab.edge.stop();
    let first = registrar.registers();

    let mut lab = Lab::start(edge_config(copy.path(), &[&format!("udp:127.0.0.1:{port}")]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
    assert_eq!(registrar.registers().len(), first.len());
    lab.order(ToEdge::Act { trunk: "t1".into(), action: Action::Refresh });
    let seen = registrar.wait("the refresh", |seen| seen.iter().filter(|seen| seen.answer == Some(200)).count() == 2);
    let refresh = seen.last().unwrap();
    assert_eq!(refresh.call_id, first[1].call_id);
    assert!(refresh.cseq > first[1].cseq + 900, "CSeq jumps, as the saved one may lag: {}", refresh.cseq);
}

// covers: F6, RFC 3261 17.1.4, RFC 3261 18.4
#[test]
fn a_port_where_nothing_listens_is_told_as_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let deaf = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let order = lab.verify_order("v1", profile("deaf", &format!("sip:{deaf}")), "u1", "p1");
    lab.order(ToEdge::Verify(Box::new(order)));
    let verdict = lab.verdict("v1");
    let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(diagnosis.code, Code::Refused, "{diagnosis:?}");
    assert_eq!(diagnosis.evidence.edge.as_deref(), Some("edge_jkt_1"));
    until("counted", || lab.edge.counters().icmp > 0);
}

// covers: N12
#[test]
fn an_address_that_the_gate_forbids_is_never_sent_to() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut config = edge_config(dir.path(), &["udp:127.0.0.1:0"]);
    config.allow_targets.clear();
    let mut lab = Lab::start(config);
    for (id, target, code) in [
        ("v1", registrar.address.to_string(), Code::TargetForbidden),
        ("v2", "169.254.169.254".into(), Code::TargetForbidden),
        ("v3", "8.8.8.8:53".into(), Code::PortForbidden),
    ] {
        let order = lab.verify_order(id, profile("forbidden", &format!("sip:{target}")), "u1", "p1");
        lab.order(ToEdge::Verify(Box::new(order)));
        let verdict = lab.verdict(id);
        let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
        assert_eq!(diagnosis.code, code, "{diagnosis:?}");
    }
    assert!(registrar.seen().is_empty());
    assert_eq!(lab.edge.counters().sent, 0);
}

#[test]
fn a_secret_that_does_not_open_is_the_platforms_fault_and_nothing_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let mut order = lab.verify_order("v1", profile("nusantara", &format!("sip:{}", registrar.address)), "u1", "s3cret");
    // Sealed for another version: what a mixed-up key or record gives.
    order.credential.as_mut().expect("it tries a secret").version += 1;
    lab.order(ToEdge::Verify(Box::new(order)));
    let verdict = lab.verdict("v1");
    let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!((diagnosis.code, diagnosis.initiator), (Code::SecretUnreadable, diagnosis::Initiator::Platform), "{diagnosis:?}");
    assert!(registrar.seen().is_empty());
}

#[test]
fn a_verification_is_answered_from_memory_and_costs_one_digest() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let order = lab.verify_order("v1", profile("nusantara", &format!("sip:{}", registrar.address)), "u1", "s3cret");
    for _ in 0..3 {
        lab.order(ToEdge::Verify(Box::new(order.clone())));
    }
    let first = lab.verdict("v1");
    assert_eq!(first.outcome, Outcome::Proved);
    assert_eq!(first.evidence.edge.as_deref(), Some("edge_jkt_1"));
    lab.order(ToEdge::Verify(Box::new(order)));
    assert_eq!(lab.verdict("v1"), first);
    let digests = registrar.registers().iter().filter(|seen| seen.digest.is_some()).count();
    assert_eq!(digests, 1);
}

// covers: C13
#[test]
fn a_wrong_secret_is_refused_and_the_binding_stays() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
    let mut order = lab.verify_order("v1", profile("nusantara", &format!("sip:{}", registrar.address)), "t1", "wrong");
    order.trunk = Some("t1".into());
    order.credential = Some(lab.credential("t1", "t1", "wrong"));
    lab.order(ToEdge::Verify(Box::new(order)));
    let verdict = lab.verdict("v1");
    let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(diagnosis.code, Code::CredentialsRejected, "{diagnosis:?}");
    assert_eq!(lab.edge.counters().bound, 1);
}

#[test]
fn what_cannot_be_read_is_told_and_harms_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.carrier("crooked", "not a uri");

    let mut foreign = lab.assignment("foreign", "nusantara", "s3cret");
    foreign.active = Some(lab.credential("another", "u", "s3cret"));
    lab.order(ToEdge::Assign(Box::new(foreign)));
    let status = lab.status("foreign", |_| true);
    assert_eq!(status.state, RegistrationState::Rejected);
    let diagnosis = status.diagnosis.unwrap();
    assert!(diagnosis.summary.contains("cannot open") && diagnosis.evidence.edge.is_some(), "{}", diagnosis.summary);

    lab.assign("t2", "crooked", "s3cret");
    assert_eq!(lab.status("t2", |_| true).diagnosis.unwrap().code, Code::RegistrarMalformed);

    let order = lab.verify_order("v1", profile("crooked", "tel:+62"), "u1", "p1");
    lab.order(ToEdge::Verify(Box::new(order)));
    assert!(matches!(lab.verdict("v1").outcome, Outcome::Refused(diagnosis) if diagnosis.code == Code::RegistrarMalformed));

    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(b"\0\r\n\r\nSIP/2.0 junk", lab.local[0]).unwrap();
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
}

#[test]
fn a_snapshot_forgets_what_it_does_not_name() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    for trunk in ["t1", "t2"] {
        lab.assign(trunk, "nusantara", "s3cret");
        lab.status(trunk, |status| status.bound);
    }
    until("both are counted", || lab.edge.counters().bound == 2);
    lab.order(ToEdge::SnapshotBegin);
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t2", "nusantara", "s3cret");
    lab.order(ToEdge::SnapshotEnd);
    until("one is left", || lab.edge.counters().bound == 1);
    lab.edge.stop();
    assert!(registrar.registers().iter().all(|seen| !seen.contact.as_ref().is_some_and(|contact| contact.contains("expires=0"))));
    let bound = edge::Edge::bind(edge_config(dir.path(), &["udp:127.0.0.1:0"])).unwrap();
    assert_eq!(bound.saved().0, 1, "the forgotten one is gone from the state too");
}

// covers: B7
#[test]
fn a_withdrawn_trunk_is_unregistered_at_the_carrier() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
    lab.order(ToEdge::Withdraw { trunk: "t1".into(), how: Withdrawal::Unregister });
    lab.report("unregistered", |report| matches!(report, FromEdge::Unregistered { trunk } if trunk == "t1").then_some(()));
    lab.order(ToEdge::Withdraw { trunk: "never".into(), how: Withdrawal::Unregister });
    lab.report("nothing to do", |report| matches!(report, FromEdge::Unregistered { trunk } if trunk == "never").then_some(()));
}

#[test]
fn many_statuses_travel_together_the_latest_of_each_trunk() {
    const TRUNKS: usize = 300;
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut config = edge_config(dir.path(), &["udp:127.0.0.1:0"]);
    config.shards = 2;
    let mut lab = Lab::start(config);
    let mut fast = profile("nusantara", &format!("sip:{}", registrar.address));
    fast.pacing = link::Pacing { registers_per_second: 100_000, in_flight: 10_000 };
    lab.order(ToEdge::Carrier(Box::new(fast)));
    for number in 0..TRUNKS {
        lab.assign(&format!("t{number}"), "nusantara", "s3cret");
    }
    let mut bound = std::collections::HashSet::new();
    lab.report("all bound", |report| {
        if let FromEdge::Status(batch) = report {
            let mut trunks: Vec<&str> = batch.iter().map(|status| status.trunk.as_str()).collect();
            trunks.sort_unstable();
            trunks.dedup();
            assert_eq!(trunks.len(), batch.len(), "a trunk stands once in a batch");
            bound.extend(batch.iter().filter(|status| status.bound).map(|status| status.trunk.clone()));
        }
        (bound.len() == TRUNKS).then_some(())
    });
    let batches = lab.reports.iter().filter(|report| matches!(report, FromEdge::Status(_))).count();
    assert!(batches < TRUNKS / 2, "{batches}");
    let sources: std::collections::HashSet<_> = registrar.registers().iter().map(|seen| seen.source).collect();
    assert_eq!(sources.len(), 2, "both shards have sent, each from its own socket");
    until("counted", || lab.edge.counters().bound == TRUNKS as u64);
}

// covers: N4, RFC 3261 17.1.2
#[test]
fn a_lost_answer_is_asked_for_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut dropped = false;
    let script = move |seen: &support::Seen| {
        if std::mem::replace(&mut dropped, true) { by_the_book(seen, 600) } else { None::<Reply> }
    };
    let registrar = Registrar::scripted("127.0.0.1:0", "s3cret", Box::new(script));
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
    let seen = registrar.registers();
    assert_eq!((seen[0].cseq, seen[0].answer), (seen[1].cseq, None), "the same request again");
}

#[test]
fn a_control_plane_that_is_gone_does_not_stop_an_edge() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 20);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    lab.carrier("nusantara", &format!("sip:{}", registrar.address));
    lab.assign("t1", "nusantara", "s3cret");
    lab.status("t1", |status| status.bound);
    let Lab { edge, control, .. } = lab;
    drop(control);
    let before = registrar.registers().len();
    registrar.wait("a refresh", |seen| seen.len() > before);
    edge.stop();
}

#[test]
fn a_verification_is_answered_from_memory_after_a_restart_too() {
    let dir = tempfile::tempdir().unwrap();
    let registrar = Registrar::challenging("127.0.0.1:0", "s3cret", 600);
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let carrier = profile("nusantara", &format!("sip:{}", registrar.address));
    let order = lab.verify_order("v1", carrier.clone(), "u1", "s3cret");
    lab.order(ToEdge::Verify(Box::new(order)));
    let first = lab.verdict("v1");
    lab.edge.stop();
    let mut lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let order = lab.verify_order("v1", carrier, "u1", "s3cret");
    lab.order(ToEdge::Verify(Box::new(order)));
    assert_eq!(lab.verdict("v1"), first);
    assert_eq!(registrar.registers().iter().filter(|seen| seen.digest.is_some()).count(), 1);
}

#[test]
fn two_edges_cannot_share_a_directory_or_a_port() {
    let dir = tempfile::tempdir().unwrap();
    let lab = Lab::start(edge_config(dir.path(), &["udp:127.0.0.1:0"]));
    let error = edge::Edge::bind(edge_config(dir.path(), &["udp:127.0.0.1:0"])).err().unwrap();
    assert!(matches!(error, edge::StartError::DataInUse(_)), "{error}");
    let other = tempfile::tempdir().unwrap();
    let error = edge::Edge::bind(edge_config(other.path(), &[&format!("udp:{}", lab.local[0])])).err().unwrap();
    assert!(matches!(error, edge::StartError::PortTaken(address) if address == lab.local[0]), "{error}");
}
