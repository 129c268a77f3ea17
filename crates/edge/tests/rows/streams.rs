//! Registrations over connections: N6, N7, N9, outbound, WebSocket.

use carrier::{Connection, Transport, WebSocketManner};
use diagnosis::Code;
use link::Outcome;

use crate::stage::{Stage, everywhere, registrar, tuned};

const STREAMS: [Transport; 4] = [Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

/// The connections that a carrier has seen.
fn connections(stage: &Stage, name: &str) -> Vec<Connection> {
    stage.carrier(name).connections().cloned().collect()
}

/// On which connections REGISTERs came.
fn carried(stage: &Stage, name: &str) -> Vec<Option<u64>> {
    stage.carrier(name).log().filter(|seen| seen.method == "REGISTER").map(|seen| seen.connection).collect()
}

fn register_over(stage: &Stage, name: &str, transport: Transport) {
    stage.register_as(stage.profile_over(name, transport), stage.assignment(name));
}

// covers: RFC 7118 4.1, RFC 7118 5, RFC 3261 18.3; lab
#[test]
fn a_registration_goes_over_every_kind_of_connection_and_stays_on_it() {
    for transport in STREAMS {
        let mut stage = Stage::new(vec![everywhere(registrar(&["C1"]))]);
        register_over(&stage, "C1", transport);
        let status = stage.bound("C1");
        assert_eq!((status.transport.as_deref(), status.authenticated), (Some(transport.name()), true));
        stage.refresh("C1");
        assert!(carried(&stage, "C1").iter().all(|on| *on == Some(1)), "{transport}");
        let [connection] = connections(&stage, "C1").try_into().expect("one connection");
        assert_eq!(connection.transport, transport);
        let bindings = stage.carrier("C1").bindings(std::time::Instant::now(), "C1");
        // RFC 7118 5: `wss` is no value of the parameter, a secure WebSocket is `ws` all the same.
        let [binding] = bindings.as_slice() else { panic!("one binding: {bindings:?}") };
        assert!(binding.contact.contains(";transport="), "{}", binding.contact);
        assert_eq!(stage.lab.edge.counters().connections_opened, 1);
    }
}

// covers: N6, RFC 3261 18.1.1; lab
#[test]
fn a_large_register_goes_over_tcp_and_as_a_datagram_where_there_is_no_tcp() {
    let large = |stage: &Stage, name: &str| {
        let mut assignment = stage.assignment(name);
        assignment.account.extra_headers = (0..12).map(|n| (format!("X-Padding-{n}"), "x".repeat(90))).collect();
        stage.register_as(stage.profile(name), assignment);
    };
    // The port of TCP is that of UDP.
    let mut stage = Stage::new(vec![everywhere(registrar(&["N6"])), registrar(&["C1"])]);
    large(&stage, "N6");
    large(&stage, "C1");
    for (name, over_tcp) in [("N6", true), ("C1", false)] {
        // The target is one of UDP all the same: calls come by datagrams, and so do smaller requests.
        assert_eq!(stage.bound(name).transport.as_deref(), Some("udp"));
        let carried = carried(&stage, name);
        assert!(carried.len() >= 2 && carried.iter().all(|on| on.is_some() == over_tcp), "{name}: {carried:?}");
        assert_eq!(stage.counters(name).dropped, 0);
    }
}

// covers: N7, RFC 3261 18.3; lab
#[test]
fn answers_that_come_split_merged_and_glued_are_answers() {
    let rows: [&[&str]; 5] = [&["N7-split"], &["N7-merged"], &["N7-glued"], &["N7"], &["N7-split", "F10"]];
    let mut stage = Stage::new(rows.iter().map(|rows| everywhere(registrar(rows))).collect());
    for rows in rows {
        let name = rows.join("+");
        for (order, transport) in (0..).zip(STREAMS) {
            let mut profile = stage.profile_over(&name, transport);
            profile.revision += order;
            let verdict = stage.verify(&name, |verification| {
                verification.id = format!("{name} {transport}");
                verification.carrier = profile.clone();
            });
            assert_eq!(verdict.outcome, Outcome::Proved, "{name} {transport}: {verdict:?}");
        }
        register_over(&stage, &name, Transport::Tcp);
        stage.bound(&name);
        stage.refresh(&name);
        let open = connections(&stage, &name).iter().filter(|known| known.closed_at.is_none()).count();
        assert_eq!(open, 1, "{name}");
    }
}

// covers: N7; lab
#[test]
fn an_answer_that_is_cut_in_the_middle_is_asked_for_on_a_fresh_connection() {
    for transport in [Transport::Tcp, Transport::Tls] {
        let mut stage = Stage::new(vec![everywhere(registrar(&["C1"]))]);
        register_over(&stage, "C1", transport);
        stage.bound("C1");
        stage.carrier("C1").temperament_mut().cuts = 1;
        stage.refresh("C1");
        let seen = stage.counters("C1");
        assert_eq!((seen.cut, seen.connections), (1, 2), "{transport}");
        assert_eq!(carried(&stage, "C1").last(), Some(&Some(2)));
    }
}

// covers: N7, B10; lab
#[test]
fn what_is_bound_to_a_connection_is_renewed_when_that_is_dropped() {
    const TRUNKS: usize = 20;
    let mut registrar = everywhere(registrar(&["B10", "N7-flow"]));
    registrar.accounts = (0..TRUNKS).map(|n| carrier::Account::new(format!("t{n}"), "s3cret")).collect();
    let mut stage = Stage::new(vec![registrar]);
    let name = "B10+N7-flow";
    let mut profile = stage.profile_over(name, Transport::Tcp);
    profile.manners.outbound = true;
    stage.lab.order(link::ToEdge::Carrier(Box::new(profile)));
    for n in 0..TRUNKS {
        stage.lab.assign(&format!("t{n}"), name, "s3cret");
    }
    let bound = |carrier: &carrier::Carrier| carrier.bindings_total(std::time::Instant::now());
    // The edge has to know it too: who waits for the answer to its first digest when a connection dies sends no second one soon.
    let mut waiting: std::collections::BTreeSet<String> = (0..TRUNKS).map(|n| format!("t{n}")).collect();
    stage.lab.report("all are bound", |told| {
        if let link::FromEdge::Status(batch) = told {
            batch.iter().filter(|status| status.bound).for_each(|status| {
                waiting.remove(&status.trunk);
            });
        }
        waiting.is_empty().then_some(())
    });
    assert_eq!(stage.counters(name).connections, 1, "all on one");
    stage.drop_connections(name);
    stage.until("the carrier has forgotten them", name, |carrier| {
        carrier.connections().next().is_some_and(|first| first.closed_at.is_some())
    });
    stage.until("all are bound again", name, |carrier| bound(carrier) == TRUNKS && carrier.totals().connections == 2);
    assert_eq!(stage.counters(name).digests_wrong, 0);
}

// covers: N9; lab
#[test]
fn a_connection_that_has_become_stale_is_left_for_a_fresh_one() {
    for transport in [Transport::Tls, Transport::Wss] {
        let mut stage = Stage::new(vec![everywhere(registrar(&["C1"]))]);
        register_over(&stage, "C1", transport);
        stage.bound("C1");
        stage.carrier("C1").make_stale();
        stage.refresh("C1");
        let status = stage.bound("C1");
        assert_eq!(status.consecutive_failures, 0, "{status:?}");
        let carrier = stage.carrier("C1");
        let refused: Vec<_> = carrier.log().filter(|seen| seen.answer == Some(403)).map(|seen| seen.connection).collect();
        assert!(!refused.is_empty() && refused.len() <= 2 && refused.iter().all(|on| *on == Some(1)), "{refused:?}");
        assert_eq!(carrier.log().next_back().and_then(|seen| seen.connection), Some(2));
    }
}

// covers: N9; lab
#[test]
fn a_connection_that_goes_stale_by_use_costs_no_binding() {
    let mut stage = Stage::new(vec![everywhere(registrar(&["N9"]))]);
    register_over(&stage, "N9", Transport::Tls);
    stage.bound("N9");
    for _ in 0..4 {
        stage.refresh("N9");
    }
    assert!(stage.counters("N9").connections >= 2);
    assert_eq!(stage.counters("N9").digests_wrong, 0);
}

// covers: B10, RFC 5626 4.4; lab
#[test]
fn a_flow_is_kept_alive_as_its_timer_says_and_left_when_it_answers_no_ping() {
    let briefly = |rows: &[&str]| {
        everywhere(tuned(rows, |t| {
            t.ok_headers = vec!["Require: outbound".into(), "Flow-Timer: 10".into()];
            // RFC 5626 4.4.1: a registrar may close what has been silent for longer than its timer.
            t.closes_idle = 12;
        }))
    };
    let mut stage = Stage::new(vec![briefly(&["B10"]), briefly(&["B10-silent"])]);
    for name in ["B10", "B10-silent"] {
        let mut profile = stage.profile_over(name, Transport::Tcp);
        profile.manners.outbound = true;
        stage.register_as(profile, stage.assignment(name));
        stage.bound(name);
    }
    // No pong within 10 s: the connection is dead, whatever is bound to it is renewed on another.
    stage.until("renewed on another connection", "B10-silent", |carrier| {
        carrier.log().any(|seen| seen.connection >= Some(2) && seen.method == "REGISTER" && seen.answer == Some(200))
    });
    stage.until("pings", "B10", |carrier| carrier.totals().pings >= 2);
    assert_eq!(stage.counters("B10").connections, 1);
}

// covers: RFC 7118 4.1; lab
#[test]
fn whoever_speaks_no_sip_over_its_websocket_is_told_apart() {
    let manners = [("no", WebSocketManner::Refuses), ("none", WebSocketManner::NoProtocol)];
    let registrars = manners.map(|(name, manner)| {
        let mut registrar = everywhere(tuned(&["C1"], |t| t.websocket = manner));
        name.clone_into(&mut registrar.name);
        registrar
    });
    let mut stage = Stage::new(registrars.into());
    for (name, _) in manners {
        for transport in [Transport::Ws, Transport::Wss] {
            let profile = stage.profile_over(name, transport);
            let verdict = stage.verify(name, |order| {
                order.id = format!("{name} {transport}");
                order.carrier = profile.clone();
            });
            let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
            assert_eq!(diagnosis.code, Code::WebSocketRefused, "{diagnosis:#?}");
        }
        assert_eq!(stage.counters(name).registers + stage.counters(name).queries, 0);
    }
}

// covers: N6; lab
#[test]
fn a_closed_port_is_told_from_one_that_resets() {
    let mut stage = Stage::new(vec![everywhere(registrar(&["N6-refused"])), registrar(&["C1"])]);
    let mut profile = stage.profile("C1");
    profile.registrars[0] += ";transport=tcp";
    let verdict = stage.verify("C1", |order| order.carrier = profile.clone());
    let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(diagnosis.code, Code::Refused, "{diagnosis:#?}");
    let profile = stage.profile_over("N6-refused", Transport::Tcp);
    let verdict = stage.verify("N6-refused", |order| order.carrier = profile.clone());
    let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(diagnosis.code, Code::ConnectionLost, "{diagnosis:#?}");
}
