use std::collections::HashSet;
use std::time::Duration;

use crate::phone::phone;

#[test]
fn a_retransmission_is_answered_byte_for_byte_and_counts_as_nothing_else() {
    let mut alice = phone(&[]);
    let request = alice.request(600, None);
    let (first, again) = (alice.send(&request), alice.send(&request));
    assert_eq!(first.bytes, again.bytes);
    let counters = alice.carrier.totals();
    assert_eq!((counters.registers, counters.retransmissions), (1, 1));
    // Timer J over: the same branch is a new transaction.
    assert_ne!(alice.later(32).send(&request).bytes, first.bytes);
}

// covers: N5, RFC 3581 4
#[test]
fn the_answer_goes_where_rfc_3581_says_and_tells_what_was_seen() {
    let mut alice = phone(&[]);
    alice.source = "203.0.113.5:40123".parse().unwrap();
    let request = alice.request(600, None);
    let replies = alice.replies(&request);
    assert_eq!(replies[0].to, alice.source);
    let text = String::from_utf8(replies[0].bytes.clone()).unwrap();
    assert!(text.contains("received=203.0.113.5") && text.contains("rport=40123"), "{text}");
    let without = String::from_utf8(alice.request(600, None)).unwrap().replace(";rport", "");
    assert_eq!(alice.replies(without.as_bytes())[0].to, "203.0.113.5:5070".parse().unwrap());
}

#[test]
fn options_is_answered_and_register_dropped() {
    let mut alice = phone(&["N3"]);
    assert_eq!(alice.ask(600).code, 0);
    let options = alice.plain("OPTIONS");
    assert_eq!(alice.send(&options).code, 200);
    assert_eq!((alice.carrier.totals().dropped, alice.carrier.log().count()), (1, 2));
}

#[test]
fn options_may_be_unavailable_while_register_is_not() {
    let mut alice = phone(&["F12-reverse"]);
    let options = alice.plain("OPTIONS");
    assert_eq!(alice.send(&options).code, 503);
    assert_eq!(alice.register(600).code, 200);
}

#[test]
fn weather_is_bad_and_repeats_itself() {
    let day = || {
        let mut alice = phone(&["N4"]);
        let mut delays = Vec::new();
        for _ in 0..2000 {
            let request = alice.request(600, None);
            delays.extend(alice.replies(&request).into_iter().map(|reply| reply.delay));
        }
        (delays, alice.carrier.totals().lost)
    };
    let (delays, lost) = day();
    assert_eq!(day(), (delays.clone(), lost));
    // 0.7 x 0.7 x 1.1 of 2000.
    assert!((950..1200).contains(&delays.len()), "{}", delays.len());
    assert!(delays.iter().collect::<HashSet<_>>().len() > 300 && delays.iter().all(|delay| *delay <= Duration::from_secs(2)));
}

#[test]
fn trying_comes_first_and_everything_twice() {
    let mut alice = phone(&["F10"]);
    let request = alice.request(600, None);
    let codes: Vec<_> = alice.replies(&request).iter().map(|r| sip::Message::parse(&r.bytes).unwrap().start().code().unwrap()).collect();
    assert_eq!(codes, [100, 100, 401, 401]);
}

#[test]
fn an_address_is_blocked_after_failures_and_another_is_not() {
    let mut mallory = phone(&["N10"]);
    mallory.password = "guess".into();
    assert_eq!([0; 4].map(|_| mallory.register(600).code), [401, 401, 401, 0]);
    let options = mallory.plain("OPTIONS");
    assert_eq!(mallory.send(&options).code, 0);
    mallory.source = "192.0.2.9:5070".parse().unwrap();
    assert_eq!(mallory.ask(600).code, 401);
    mallory.source = "192.0.2.1:5070".parse().unwrap();
    mallory.password = "s3cret".into();
    assert_eq!(mallory.later(600).register(600).code, 200);
}

#[test]
fn a_right_digest_ends_the_run_of_failures() {
    let mut alice = phone(&["N10"]);
    for (password, code) in [("x", 401), ("x", 401), ("s3cret", 200), ("x", 401), ("x", 401), ("s3cret", 200)] {
        alice.password = password.into();
        assert_eq!(alice.register(600).code, code);
    }
}

#[test]
fn other_methods_and_noise_do_no_harm() {
    let mut alice = phone(&[]);
    for (method, code) in [("INVITE", 405), ("CANCEL", 481), ("ACK", 0), ("MESSAGE", 405)] {
        let request = alice.plain(method);
        assert_eq!(alice.send(&request).code, code, "{method}");
    }
    for noise in [&b""[..], b"\r\n\r\n", b"\0\0\0", b"SIP/2.0 200 OK\r\n\r\n", b"REGISTER sip:x SIP/2.0\r\n\r\n", &[0xff; 2000]] {
        assert_eq!(alice.send(noise).code, 0);
    }
    let whole = String::from_utf8(alice.request(600, None)).unwrap();
    for header in ["From: ", "To: ", "Call-ID: ", "CSeq: "] {
        let line = whole.lines().find(|line| line.starts_with(header)).unwrap();
        alice.request(600, None);
        let broken = whole.replace(&format!("{line}\r\n"), "").replace("branch=z9hG4bK", &format!("branch=z9hG4bKx{}", &header[..2]));
        assert_eq!(alice.send(broken.as_bytes()).code, 400, "{header}");
    }
}
