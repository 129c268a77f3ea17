use std::io::Read;
use std::sync::atomic::Ordering::Relaxed;

use socket2::SockRef;
use ua::{Flow, FlowFault, Transport};

use super::stage::{Stage, accept, expect, listener, message, say};
use crate::gate::Gate;
use crate::shard::ToShard;

#[test]
fn what_is_sent_before_it_is_open_goes_first_and_in_order() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (listener, to) = listener(address);
        let mut stage = Stage::new();
        let flow = stage.open(to, Transport::Tcp);
        for text in [b"one", b"two", b"six"] {
            assert!(stage.connections.send(flow, text));
        }
        let mut peer = accept(&listener);
        let opening = stage.opened(flow);
        assert_eq!(opening.local, peer.peer_addr().unwrap());
        assert_eq!(opening.secured, None);
        assert!(stage.connections.send(flow, b"end"));
        expect(&mut peer, b"onetwosixend");
        assert_eq!((stage.tally.sum().connections_open, stage.tally.sum().connections_opened), (1, 1));
        stage.stop();
    }
}

// covers: RFC 3261 18.3
#[test]
fn messages_come_whole_however_they_are_split_and_glued() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flow = stage.open(to, Transport::Tcp);
    let mut peer = accept(&listener);
    stage.opened(flow);
    let (first, second, third) = (message("1", 0), message("2", 9_000), message("3", 5));
    let glued: Vec<u8> = [b"\r\n\r\n", &first[..], &second, b"\r\n", &third].concat();
    say(&mut peer, &glued[..50]);
    say(&mut peer, &glued[50..]);
    for expected in [first, second, third] {
        assert_eq!(stage.message(flow), expected);
    }
    expect(&mut peer, b"\r\n");
    stage.connections.ping(flow);
    expect(&mut peer, b"\r\n\r\n");
    say(&mut peer, &[b"\r\n", &message("4", 0)[..], b"SIP/2.0 200 OK\r\nContent-Le"].concat());
    stage.pong(flow);
    assert_eq!(stage.message(flow), message("4", 0));
    drop(peer);
    assert_eq!(stage.closed(flow), FlowFault::Closed, "in the middle of a message");
    stage.stop();
}

#[test]
fn what_is_no_sip_ends_it() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flow = stage.open(to, Transport::Tcp);
    let mut peer = accept(&listener);
    stage.opened(flow);
    say(&mut peer, b"SIP/2.0 200 OK\r\nContent-Length: no\r\n\r\n");
    assert_eq!(stage.closed(flow), FlowFault::Garbage);
    assert_eq!(peer.read(&mut [0]).unwrap_or(0), 0, "closed");
    stage.stop();
}

#[test]
fn a_reset_is_told_after_what_came_before_it() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flow = stage.open(to, Transport::Tcp);
    let mut peer = accept(&listener);
    stage.opened(flow);
    say(&mut peer, &message("1", 0));
    assert_eq!(stage.message(flow), message("1", 0));
    SockRef::from(&peer).set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
    assert_eq!(stage.closed(flow), FlowFault::Reset);
    stage.stop();
}

#[test]
fn a_port_that_nobody_listens_on_refuses() {
    let (listener, to) = listener("127.0.0.1:0");
    drop(listener);
    let mut stage = Stage::new();
    let flow = stage.open(to, Transport::Tcp);
    assert_eq!(stage.closed(flow), FlowFault::Refused);
    assert_eq!(stage.tally.sum().connections_failed, 1);
    stage.stop();
}

#[test]
fn the_gate_judges_the_very_address() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::with(Gate::default());
    let flow = stage.open(to, Transport::Tcp);
    assert_eq!(stage.closed(flow), FlowFault::Forbidden);
    assert_eq!(stage.tally.sum().gated, 1);
    listener.set_nonblocking(true).unwrap();
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    stage.stop();
}

#[test]
fn closing_sends_what_waits_and_tells_nothing_more() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flow = stage.open(to, Transport::Tcp);
    let farewell = message("farewell", 100_000);
    stage.connections.send(flow, &farewell);
    stage.connections.close(flow);
    assert!(!stage.connections.has(flow));
    assert!(!stage.connections.send(flow, b"too late"));
    let mut peer = accept(&listener);
    // Unread when it closes: it must not reset what was sent.
    say(&mut peer, b"\r\n\r\n");
    let mut got = Vec::new();
    peer.read_to_end(&mut got).unwrap();
    assert_eq!(got, farewell);
    drop(peer);
    assert!(matches!(stage.told(), ToShard::Opened { .. }));
    stage.stop();
}

#[test]
fn a_stop_closes_all_in_order() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flows: Vec<Flow> = (0..3).map(|_| stage.open(to, Transport::Tcp)).collect();
    let peers: Vec<_> = flows.iter().map(|_| accept(&listener)).collect();
    flows.iter().for_each(|flow| assert!(stage.connections.send(*flow, b"bye")));
    let tally = std::sync::Arc::clone(&stage.tally);
    let reading: Vec<_> = peers
        .into_iter()
        .map(|mut peer| {
            std::thread::spawn(move || {
                let mut got = Vec::new();
                peer.read_to_end(&mut got).unwrap();
                got
            })
        })
        .collect();
    stage.stop();
    for peer in reading {
        assert_eq!(peer.join().unwrap(), b"bye");
    }
    assert_eq!(tally.connections_open.load(Relaxed), 0);
}

#[test]
fn a_peer_that_reads_nothing_is_given_up() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flow = stage.open(to, Transport::Tcp);
    let _peer = accept(&listener);
    stage.opened(flow);
    let bytes = message("1", 10_000);
    // The systems' buffers at both ends take some megabytes first.
    let sent = (0..10_000).take_while(|_| stage.connections.send(flow, &bytes) && stage.tally.connections_open.load(Relaxed) == 1).count();
    assert!(sent > 100, "{sent}");
    assert_eq!(stage.closed(flow), FlowFault::Stuck);
    stage.stop();
}

#[test]
fn a_flood_on_one_connection_waits_in_its_socket_and_leaves_room_for_others() {
    let (listener, to) = listener("127.0.0.1:0");
    let mut stage = Stage::new();
    let flooded = stage.open(to, Transport::Tcp);
    let mut flooding = accept(&listener);
    stage.opened(flooded);
    let calm = stage.open(to, Transport::Tcp);
    let mut other = accept(&listener);
    stage.opened(calm);
    let bytes: Vec<u8> = (0..2_000).flat_map(|_| message("flood", 0)).collect();
    let writer = std::thread::spawn(move || say(&mut flooding, &bytes));
    // Nothing is taken from the inbox until the flood fills its part of it.
    let first = stage.message(flooded);
    assert_eq!(first, message("flood", 0));
    say(&mut other, &message("calm", 0));
    let mut before = 0;
    let mut floods = 1;
    loop {
        match stage.told() {
            ToShard::Message { flow, message: received } if flow == calm => {
                assert_eq!(*received.bytes, message("calm", 0)[..]);
                break;
            }
            ToShard::Message { flow, .. } if flow == flooded => {
                before += 1;
                floods += 1;
                assert!(before < 2_000, "the calm one starves");
            }
            other => panic!("{other:?}"),
        }
    }
    while floods < 2_000 {
        assert_eq!(stage.message(flooded), message("flood", 0));
        floods += 1;
    }
    writer.join().unwrap();
    stage.stop();
}
