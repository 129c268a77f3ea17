//! How fast a carrier is asked (design section 5).

use ua::*;

use crate::support::*;

/// Many registrations at a carrier that takes so many REGISTERs per second.
fn many(count: usize, rate: u32, in_flight: u32) -> Talk {
    let setup = registration("alice").profile(|profile| profile.pacing = Pacing { registers_per_second: rate, in_flight });
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile)));
    for n in 0..count {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    talk
}

/// Answers whatever is sent, by a challenge first, until so much time has passed.
fn serve(talk: &mut Talk, span: std::time::Duration, expires: u32) {
    let end = talk.now + span;
    while talk.now < end {
        while let Some(sent) = talk.sent.pop_front() {
            let says = if sent.credentials().is_empty() { challenge("n") } else { ok().expires(expires) };
            let source = sent.to;
            talk.answer(&sent, says, source);
        }
        talk.after(ms(10));
    }
}

/// The most REGISTER datagrams in any second that begins with one.
fn busiest(talk: &Talk) -> usize {
    let times = &talk.registers;
    let mut end = 0;
    (0..times.len())
        .map(|start| {
            while end < times.len() && times[end].since(times[start]) < secs(1) {
                end += 1;
            }
            end - start
        })
        .max()
        .unwrap_or(0)
}

#[test]
fn a_cold_start_keeps_the_rate() {
    let mut talk = many(300, 100, 1000);
    serve(&mut talk, secs(7), 3600);
    assert_eq!(talk.endpoint.counters().bound, 300);
    assert_eq!(talk.registers.len(), 600);
    // A twentieth of a second may have been saved up.
    assert!(busiest(&talk) <= 106, "{}", busiest(&talk));
}

#[test]
fn a_silent_carrier_is_not_asked_faster_by_retransmissions() {
    let mut talk = many(300, 20, 1000);
    talk.after(secs(120));
    assert!(talk.registers.len() <= 20 * 121, "{}", talk.registers.len());
    assert!(talk.registers.len() >= 20 * 100, "{}", talk.registers.len());
    assert!(busiest(&talk) <= 22, "{}", busiest(&talk));
}

#[test]
fn no_more_are_in_flight_than_the_cap() {
    let mut talk = many(50, 10_000, 8);
    assert_eq!(talk.sent.len(), 8);
    let first = talk.sent.pop_front().unwrap();
    let source = first.to;
    talk.answer(&first, status(404, "Not Found"), source);
    assert_eq!(talk.sent.len(), 8, "the next may go");
}

#[test]
fn what_leaves_in_flight_makes_room() {
    let mut talk = many(12, 10_000, 4);
    for trunk in ["u0", "u1"] {
        talk.withdraw(trunk, Withdrawal::Forget);
    }
    assert_eq!(talk.sent.len(), 6);
}

#[test]
fn the_nearest_to_lapse_goes_before_first_registrations() {
    let mut talk = many(1, 10, 1000);
    talk.registers("n", 60);
    talk.after(secs(20));
    for n in 0..200 {
        talk.assign(assignment(&format!("new{n}"), 1));
    }
    let start = talk.now;
    let mut refreshed = None;
    while refreshed.is_none() && talk.now.since(start) < secs(30) {
        while let Some(sent) = talk.sent.pop_front() {
            if sent.text().contains("sip:u0@") {
                refreshed = Some(talk.now);
            }
        }
        talk.after(ms(10));
    }
    assert!(refreshed.expect("refreshed").since(start) <= secs(11));
}

#[test]
fn a_lower_rate_holds_at_once() {
    let mut talk = many(100, 10_000, 5);
    let mut slow = profile("carrier");
    slow.pacing = Pacing { registers_per_second: 4, in_flight: 5 };
    talk.command(Command::Carrier(Box::new(slow)));
    talk.registers.clear();
    serve(&mut talk, secs(20), 3600);
    assert!(busiest(&talk) <= 10, "{}", busiest(&talk));
}

#[test]
fn who_is_asked_for_by_hand_goes_before_all_who_wait() {
    let mut talk = many(200, 10, 1000);
    talk.act("u199", Action::Refresh);
    let before = talk.registers.len();
    while !talk.sent.drain(..).any(|sent| sent.text().contains("sip:u199@")) {
        talk.after(ms(10));
        assert!(talk.registers.len() < before + 5, "others went first");
    }
}

#[test]
fn what_was_promised_to_an_answer_that_never_goes_is_given_to_the_next() {
    let mut talk = many(2, 1, 10);
    let asked: Vec<Sent> = talk.sent.drain(..).collect();
    assert_eq!(asked.len(), 2);
    talk.answer(&asked[0], challenge("a"), asked[0].to).silent();
    talk.withdraw("u0", Withdrawal::Forget).silent();
    talk.answer(&asked[1], challenge("b"), asked[1].to).silent();
    talk.after(secs(1) + ms(5)).we_send("REGISTER").with(nonce("b"));
}
