//! Sockets as the system has them: batches, families, errors that come back.

use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant as Clock};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use ua::{Instant, SendFault};

use super::outbox::Flushed;
use super::receive::Receiver;
use super::wire::Wire;

const NOW: Instant = Instant::from_micros(1);
const DEADLINE: Duration = Duration::from_secs(30);

fn wire(address: &str) -> (Wire, SocketAddr) {
    let socket = super::open(address.parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (Wire::new(socket), address)
}

/// Waits until a wire has something to say.
fn wait(wire: &Wire) {
    let mut fds = [PollFd::new(wire.fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::from(100_u8)).unwrap();
}

fn received(wire: &mut Wire, receiver: &mut Receiver, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut all = Vec::new();
    let end = Clock::now() + DEADLINE;
    while all.len() < count {
        assert!(Clock::now() < end, "{} of {count}", all.len());
        wait(wire);
        wire.receive(receiver, |source, bytes| all.push((source, bytes.to_vec())));
    }
    all
}

#[test]
fn datagrams_of_every_size_arrive_in_order_with_their_source_over_both_families() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (mut from, source) = wire(address);
        let (mut to, target) = wire(address);
        let sent: Vec<Vec<u8>> = (0..200).map(|number: usize| vec![b'x'; 1 + number * 7]).collect();
        sent.iter().for_each(|bytes| from.push(target, bytes));
        let mut flushed = Flushed::default();
        from.flush(NOW, &mut flushed);
        assert_eq!((flushed.sent, from.waiting()), (200, 0));
        let got = received(&mut to, &mut Receiver::new(), 200);
        assert!(got.iter().all(|(from, _)| *from == source));
        assert!(got.iter().map(|(_, bytes)| bytes).eq(&sent));
    }
}

#[test]
fn datagrams_of_one_length_arrive_each_by_itself_whoever_else_is_written_to() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let (mut from, source) = wire(address);
        let (mut to, target) = wire(address);
        let (mut other, beside) = wire(address);
        // Trains of many, one that ends with a shorter, and single ones to another in between.
        let lengths = [600; 150].into_iter().chain([599]).chain([700; 5]).chain([1; 3]).chain([640; 64]);
        let sent: Vec<Vec<u8>> = lengths.enumerate().map(|(number, length)| vec![(number % 251) as u8; length]).collect();
        for (number, bytes) in sent.iter().enumerate() {
            from.push(target, bytes);
            if number % 40 == 39 {
                from.push(beside, bytes);
            }
        }
        let mut flushed = Flushed::default();
        from.flush(NOW, &mut flushed);
        assert_eq!((flushed.sent as usize, from.waiting()), (sent.len() + sent.len() / 40, 0));
        let got = received(&mut to, &mut Receiver::new(), sent.len());
        assert!(got.iter().all(|(from, _)| *from == source));
        assert!(got.iter().map(|(_, bytes)| bytes).eq(&sent));
        assert_eq!(received(&mut other, &mut Receiver::new(), sent.len() / 40).len(), sent.len() / 40);
    }
}

#[test]
fn a_train_to_a_dead_destination_holds_nothing_up_and_is_told() {
    let dead = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (mut from, _) = wire("127.0.0.1:0");
    let (mut to, target) = wire("127.0.0.1:0");
    let mut flushed = Flushed::default();
    for number in 0..50_u32 {
        (0..8).for_each(|_| from.push(dead, b"hello?"));
        (0..8).for_each(|_| from.push(target, &number.to_be_bytes()));
        from.flush(NOW, &mut flushed);
    }
    assert_eq!(received(&mut to, &mut Receiver::new(), 400).len(), 400, "none is lost");
    let end = Clock::now() + DEADLINE;
    while !flushed.faults.contains(&(dead, SendFault::Refused)) {
        assert!(Clock::now() < end, "{:?}", flushed.faults);
        wait(&from);
        from.errors(|to, fault| flushed.faults.push((to, fault)));
    }
    assert!(flushed.faults.iter().all(|fault| *fault == (dead, SendFault::Refused)), "{:?}", flushed.faults);
}

#[test]
fn one_receiver_serves_sockets_of_both_families() {
    let mut receiver = Receiver::new();
    let (mut v4, target4) = wire("127.0.0.1:0");
    let (mut v6, target6) = wire("[::1]:0");
    let sender4 = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sender6 = UdpSocket::bind("[::1]:0").unwrap();
    for round in 0..3 {
        sender4.send_to(&[round], target4).unwrap();
        sender6.send_to(&[round], target6).unwrap();
        assert_eq!(received(&mut v4, &mut receiver, 1), [(sender4.local_addr().unwrap(), vec![round])]);
        assert_eq!(received(&mut v6, &mut receiver, 1), [(sender6.local_addr().unwrap(), vec![round])]);
    }
}

#[test]
fn a_dead_destination_is_told_and_costs_the_living_nothing() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let dead = UdpSocket::bind(address).unwrap().local_addr().unwrap();
        let (mut from, _) = wire(address);
        let (mut to, target) = wire(address);
        let mut flushed = Flushed::default();
        for number in 0..500_u32 {
            from.push(dead, b"hello?");
            from.push(target, &number.to_be_bytes());
            from.flush(NOW, &mut flushed);
        }
        let got = received(&mut to, &mut Receiver::new(), 500);
        assert!(got.iter().enumerate().all(|(number, (_, bytes))| bytes == &(number as u32).to_be_bytes()), "none is lost");
        assert_eq!(from.waiting(), 0);
        let end = Clock::now() + DEADLINE;
        while !flushed.faults.contains(&(dead, SendFault::Refused)) {
            assert!(Clock::now() < end, "{:?}", flushed.faults);
            wait(&from);
            from.errors(|to, fault| flushed.faults.push((to, fault)));
        }
        assert!(flushed.faults.iter().all(|fault| *fault == (dead, SendFault::Refused)), "{:?}", flushed.faults);
    }
}

#[test]
fn what_the_path_does_not_take_is_told_and_does_not_hold_the_rest_up() {
    let (mut from, _) = wire("127.0.0.1:0");
    let (mut to, target) = wire("127.0.0.1:0");
    let nowhere: SocketAddr = "255.255.255.255:5060".parse().unwrap();
    from.push(target, &vec![b'x'; 65_536]);
    from.push(nowhere, b"no broadcast");
    from.push(target, b"small");
    let mut flushed = Flushed::default();
    from.flush(NOW, &mut flushed);
    assert_eq!(flushed.faults, [(target, SendFault::TooLarge), (nowhere, SendFault::Unreachable)]);
    assert_eq!(received(&mut to, &mut Receiver::new(), 1)[0].1, b"small");
}

#[test]
fn a_datagram_that_is_longer_than_any_message_is_left_out() {
    let (mut to, target) = wire("127.0.0.1:0");
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(&vec![b'x'; sip::MESSAGE_BYTES_MAX + 1], target).unwrap();
    sender.send_to(b"after", target).unwrap();
    assert_eq!(received(&mut to, &mut Receiver::new(), 1)[0].1, b"after");
}
