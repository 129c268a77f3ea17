//! In steady state a refresh is one REGISTER while the nonce is good, two when it has ended, and never a false alarm.

use serde_json::json;

use crate::support::kamailio::{Kamailio, Options, Outcome, Register};
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

/// Granted so short that refreshes come every 8-10 s (B4: 40-50 % of G).
const GRANTED: u32 = 20;

/// A trunk that is refreshed by itself, and its REGISTERs with a Contact until `refreshes` were accepted after the first.
fn steady(kamailio: &Kamailio, refreshes: usize) -> Vec<Register> {
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({"expires": GRANTED}));
    scene.trunk("alice", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    scene.api.set_credentials(&credentials("alice", "alice", PASSWORD)).expect(201);
    scene.wait_state("alice", "REGISTERED");
    let seen = wait::until("the refreshes are accepted", secs(u64::from(GRANTED) * 4), || {
        let shown = scene.api.registration("alice");
        assert_eq!(shown.at("/bound"), true, "no false alarm");
        assert!(shown.at("/edges/0").get("diagnosis").is_none(), "no false alarm: {}", shown.text);
        assert!(kamailio.lookup("alice").is_some(), "the binding never lapses");
        let binding: Vec<Register> = kamailio.seen_of("alice").into_iter().filter(Register::binds).collect();
        let accepted = binding.iter().filter(|seen| seen.outcome == Outcome::Proved).count();
        (accepted > refreshes).then_some(binding)
    });
    assert_eq!(kamailio.digest_failures("alice"), 0);
    assert!(seen.windows(2).all(|pair| pair[1].cseq > pair[0].cseq), "CSeq rises");
    assert!(seen.iter().all(|register| register.call_id == seen[0].call_id), "Call-ID stays");
    // Everything up to the first acceptance is the first registration.
    let first = seen.iter().position(|register| register.outcome == Outcome::Proved).expect("a first acceptance");
    seen[first..].to_vec()
}

// covers: C1, RFC 7616 3.6; Kamailio
#[test]
fn a_refresh_is_one_register_while_the_nonce_is_good() {
    let kamailio = Kamailio::start(Options { nonce_expire: 600, ..Options::default() });
    let seen = steady(&kamailio, 3);
    assert_eq!(seen.len(), 4, "one REGISTER a refresh: {seen:#?}");
    assert!(seen.iter().all(|register| register.outcome == Outcome::Proved));
    for pair in seen.windows(2) {
        assert_eq!(pair[0].nonce(), pair[1].nonce(), "the nonce is kept");
        assert_eq!(pair[1].nonce_count(), pair[0].nonce_count().map(|count| count + 1), "nc counts");
    }
}

// covers: C11, C12; Kamailio
#[test]
fn a_refresh_is_two_registers_when_the_nonce_has_ended_and_no_false_alarm() {
    let kamailio = Kamailio::start(Options { nonce_expire: 3, ..Options::default() });
    let seen = steady(&kamailio, 3);
    assert_eq!(seen.len(), 7, "two REGISTERs a refresh: {seen:#?}");
    for refresh in seen[1..].chunks(2) {
        assert!(matches!(refresh[0].outcome, Outcome::StaleNonce | Outcome::Unanswered), "{refresh:#?}");
        assert_eq!(refresh[1].outcome, Outcome::Proved);
    }
    // C1: the client learns how long a nonce stays usable, and sends none at an age that was once too old.
    let mut too_old = f64::INFINITY;
    for (asked, proved) in seen[1..].iter().zip(&seen).step_by(2) {
        let age = asked.at - proved.at;
        if asked.outcome == Outcome::StaleNonce {
            assert!(age < too_old, "sent at an age of {age:.2} s, after {too_old:.2} s was too old: {seen:#?}");
            too_old = age;
        }
    }
}

#[test]
fn a_refresh_is_one_register_under_sha256_too() {
    let kamailio =
        Kamailio::start(Options { nonce_expire: 600, algorithm: crate::support::digest::Algorithm::Sha256, ..Options::default() });
    let seen = steady(&kamailio, 2);
    assert_eq!(seen.len(), 3, "one REGISTER a refresh: {seen:#?}");
}
