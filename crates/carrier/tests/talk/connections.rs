//! What the machine makes of connections, without sockets.

use carrier::{Carrier, Greeting, Transport};

use crate::phone::{Phone, phone};

const SOURCE: &str = "192.0.2.1:40000";

fn open(alice: &mut Phone) -> u64 {
    let (now, source) = (alice.now, SOURCE.parse().unwrap());
    alice.carrier.opened(now, Transport::Tcp, source, Greeting::default())
}

/// REGISTER, challenge, REGISTER on a connection.
fn register_on(alice: &mut Phone, connection: u64) -> u16 {
    alice.connection = Some(connection);
    alice.register(600).code
}

#[test]
fn what_came_over_which_connection_is_remembered() {
    let mut alice = phone(&[]);
    let first = open(&mut alice);
    assert_eq!(register_on(&mut alice, first), 200);
    let second = open(&mut alice);
    assert_eq!(register_on(&mut alice, second), 200);
    alice.connection = None;
    assert_eq!(alice.register(600).code, 200);
    let seen: Vec<_> = alice.carrier.log().map(|seen| (seen.transport, seen.connection)).collect();
    let (tcp, udp) = (Transport::Tcp, Transport::Udp);
    assert_eq!(seen, [(tcp, Some(1)), (tcp, Some(1)), (tcp, Some(2)), (tcp, Some(2)), (udp, None), (udp, None)]);
    let requests: Vec<_> = alice.carrier.connections().map(|known| (known.id, known.requests, known.closed_at)).collect();
    assert_eq!(requests, [(first, 2, None), (second, 2, None)]);
    assert_eq!(alice.carrier.totals().connections, 2);
}

#[test]
fn an_answer_on_a_connection_goes_to_its_source_whatever_via_says() {
    let mut alice = phone(&[]);
    alice.connection = Some(open(&mut alice));
    let request = String::from_utf8(alice.request(600, None)).unwrap().replace(";rport", "");
    assert_eq!(alice.replies(request.as_bytes())[0].to, SOURCE.parse().unwrap());
}

#[test]
fn a_closed_connection_answers_nothing_and_keeps_its_bindings() {
    let mut alice = phone(&[]);
    let connection = open(&mut alice);
    assert_eq!(register_on(&mut alice, connection), 200);
    let now = alice.now;
    alice.carrier.closed(now, connection);
    assert_eq!(register_on(&mut alice, connection), 0);
    assert_eq!(alice.bound().len(), 1);
    assert!(alice.carrier.connections().next().unwrap().closed_at.is_some());
}

#[test]
fn bindings_may_go_with_their_connection() {
    let mut alice = phone(&["N7-flow"]);
    let (first, second) = (open(&mut alice), open(&mut alice));
    assert_eq!(register_on(&mut alice, first), 200);
    let close = |alice: &mut Phone, id| {
        let now = alice.now;
        alice.carrier.closed(now, id);
    };
    close(&mut alice, second);
    assert_eq!(alice.bound().len(), 1);
    close(&mut alice, first);
    assert!(alice.bound().is_empty());
}

#[test]
fn loss_is_for_datagrams_and_a_size_limit_too() {
    let mut alice = phone(&["N6"]);
    alice.carrier.temperament_mut().loss = 1.0;
    let connection = open(&mut alice);
    assert_eq!(register_on(&mut alice, connection), 200);
    alice.connection = None;
    alice.carrier.temperament_mut().loss = 0.0;
    assert_eq!(alice.ask(600).code, 401);
    alice.contact = Some(format!("<sip:alice@192.0.2.1:5070;line={}>", "a".repeat(1100)));
    let large = alice.request(600, None);
    assert!(large.len() > 1300 && alice.replies(&large).is_empty());
    alice.connection = Some(connection);
    assert_eq!(alice.send(&large).code, 401);
    assert_eq!((alice.carrier.totals().dropped, alice.carrier.totals().lost), (1, 0));
}

#[test]
fn a_connection_that_has_become_stale_refuses_everything_and_a_fresh_one_nothing() {
    type Becomes = fn(&mut Phone);
    let stale: [(&str, Becomes); 3] = [
        ("N9", |alice| {
            let connection = alice.connection.unwrap();
            assert_eq!([register_on(alice, connection), alice.register(600).code], [200, 200]);
        }),
        ("N9-aged", |alice| {
            let connection = alice.connection.unwrap();
            assert_eq!([register_on(alice, connection), alice.later(9).register(600).code], [200, 200]);
            alice.later(1);
        }),
        ("C1", |alice| {
            assert_eq!(alice.register(600).code, 200);
            alice.carrier.make_stale();
        }),
    ];
    for (row, become_stale) in stale {
        let mut alice = phone(&[row]);
        alice.connection = Some(open(&mut alice));
        become_stale(&mut alice);
        let options = alice.plain("OPTIONS");
        assert_eq!([alice.send(&options).code, alice.ask(600).code], [403, 403], "{row}");
        let fresh = open(&mut alice);
        assert_eq!(register_on(&mut alice, fresh), 200, "{row}");
        // Datagrams have no connection to be stale.
        alice.connection = None;
        assert_eq!(alice.register(600).code, 200, "{row}");
    }
}

#[test]
fn so_many_answers_are_cut_in_the_middle() {
    let mut alice = phone(&["N7-cut"]);
    alice.connection = Some(open(&mut alice));
    let request = alice.request(600, None);
    let [cut] = alice.replies(&request).try_into().unwrap();
    let [whole] = alice.replies(&request).try_into().unwrap();
    assert!(cut.closes && !whole.closes && cut.bytes.len() == whole.bytes.len() / 2 && whole.bytes.starts_with(&cut.bytes));
    assert_eq!(alice.carrier.totals().cut, 1);
}

#[test]
fn a_call_comes_over_the_connection() {
    let mut alice = phone(&["N13"]);
    alice.connection = Some(open(&mut alice));
    let challenged = alice.ask(600);
    let got = alice.answer(600, &challenged, 1);
    assert!(got.text().starts_with("INVITE ") && got.text().contains("SIP/2.0/TCP "), "{}", got.text());
}

#[test]
fn pings_are_counted_and_may_go_unanswered() {
    for (row, answered) in [("C1", true), ("B10", true), ("B10-silent", false)] {
        let mut alice = phone(&[row]);
        let connection = open(&mut alice);
        assert_eq!(alice.carrier.pinged(connection), answered, "{row}");
        let carrier: &Carrier = &alice.carrier;
        assert_eq!((carrier.totals().pings, carrier.connections().next().unwrap().pings), (1, 1));
    }
}
