//! A restart continues registrations instead of storming the carrier.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::support::kamailio::{Kamailio, Outcome, Register};
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::wait::{self, secs};

/// Long enough that a start of the server lies well within the first 40 %, short enough to wait for.
const GRANTED: u64 = 60;

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64()
}

/// A trunk `alice` bound for [`GRANTED`] seconds, and the REGISTER that bound it.
fn bound(kamailio: &Kamailio) -> (Scene, Register) {
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({"expires": GRANTED}));
    scene.trunk("alice", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    scene.api.set_credentials(&credentials("alice", "alice", PASSWORD)).expect(201);
    scene.wait_state("alice", "REGISTERED");
    let bound = wait::until("alice is bound", secs(10), || {
        kamailio.seen_of("alice").into_iter().rev().find(|seen| seen.binds() && seen.outcome == Outcome::Proved)
    });
    (scene, bound)
}

/// Waits for the next accepted refresh, and checks that nothing was sent before it was due.
fn next_refresh(kamailio: &Kamailio, before: &Register) -> Vec<Register> {
    let known = kamailio.seen_of("alice").len();
    let refreshed = wait::until("the refresh is accepted", secs(GRANTED), || {
        let new: Vec<Register> = kamailio.seen_of("alice").split_off(known);
        new.last().is_some_and(|last| last.outcome == Outcome::Proved).then_some(new)
    });
    let first = &refreshed[0];
    // Design section 5: in 40-50 % of the granted time for G under 300 s, counted from sending.
    let age = first.at - before.at;
    let granted = f64::from(u32::try_from(GRANTED).expect("small"));
    assert!((granted * 0.40 - 1.0..granted * 0.50 + 2.0).contains(&age), "the refresh came {age:.1} s after the registration");
    for seen in &refreshed {
        assert_eq!(seen.call_id, before.call_id, "the Call-ID is kept");
        assert!(seen.cseq > before.cseq, "the CSeq is higher");
        assert!(seen.binds() && seen.outcome != Outcome::WrongDigest, "{seen:?}");
    }
    assert_eq!(kamailio.bindings_of("alice").len(), 1, "the same Contact");
    refreshed
}

// covers: B8; Kamailio
#[test]
fn after_kill_9_nothing_is_sent_before_it_is_due_and_call_id_and_cseq_go_on() {
    let kamailio = Kamailio::md5();
    let (mut scene, before) = bound(&kamailio);
    let known = kamailio.seen_of("alice").len();
    scene.server.kill9();
    scene.server.restart();
    assert!(now() - before.at < 20.0, "the restart was too slow for this test");
    let shown = scene.wait_state("alice", "REGISTERED");
    assert_eq!(shown.at("/bound"), true);
    assert_eq!(kamailio.seen_of("alice").len(), known, "nothing was sent at the start");
    let refreshed = next_refresh(&kamailio, &before);
    assert!(refreshed[0].cseq >= before.cseq + 1000, "an unclean start jumps by 1,000: {} after {}", refreshed[0].cseq, before.cseq);
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn after_a_stop_in_order_nothing_is_unregistered_and_everything_goes_on() {
    let kamailio = Kamailio::md5();
    let (mut scene, before) = bound(&kamailio);
    let known = kamailio.seen_of("alice").len();
    let status = scene.server.stop();
    assert!(status.success(), "{status}: {}", scene.server.log());
    assert!(kamailio.lookup("alice").is_some(), "SIGTERM un-registers nothing");
    scene.server.restart();
    scene.wait_state("alice", "REGISTERED");
    assert_eq!(kamailio.seen_of("alice").len(), known, "nothing was sent, neither at the end nor at the start");
    next_refresh(&kamailio, &before);
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let kamailio = Kamailio::md5();
    let mut scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    kamailio.set_password("alice", "second-Secret-8");
    scene.api.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200);
    scene.server.kill9();
    scene.server.restart();
    let api = scene.server.api();
    assert_eq!(api.registration("alice").at("/credentials/activeVersion"), 2);
    let sent = kamailio.registers("alice");
    api.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200);
    assert_eq!(kamailio.registers("alice"), sent, "the secret was kept: posted again it is known");
}
