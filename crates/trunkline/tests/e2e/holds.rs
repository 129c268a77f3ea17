//! Failed digests are few: a trunk is held before the carrier bans it, and a new secret lets it go.

use serde_json::json;

use crate::support::api::{Answer, REGISTRATIONS};
use crate::support::kamailio::Kamailio;
use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::wait::{self, secs};

fn refresh(scene: &Scene) -> Answer {
    scene.api.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({}))
}

/// A bound trunk at a carrier whose nonces are not remembered: each refused refresh is one failed digest.
fn bound(kamailio: &Kamailio) -> Scene {
    let scene = Scene::new();
    scene.registered(kamailio, &["alice"]);
    scene.api.patch("/api/v2/carriers/kam", &json!({"nonceReuse": "never"})).expect(200);
    scene
}

/// A bound trunk whose password the carrier has changed, refreshed until it is held.
fn held(kamailio: &Kamailio) -> Scene {
    let scene = bound(kamailio);
    kamailio.set_password("alice", "changed-Secret-5");
    for failures in 1..=2 {
        refresh(&scene).expect(202);
        wait::until_true("the carrier refuses", secs(15), || kamailio.digest_failures("alice") == failures);
        scene.wait_registration("alice", "waiting or held", |json| {
            matches!(json["registrationState"].as_str(), Some("RETRY_WAIT" | "AUTH_HELD"))
        });
    }
    scene.wait_state("alice", "AUTH_HELD");
    scene
}

// covers: failed digests
#[test]
fn two_failed_digests_hold_a_trunk_whose_binding_still_runs() {
    let kamailio = Kamailio::md5();
    let scene = held(&kamailio);
    assert_eq!(scene.api.registration("alice").at("/bound"), true);
    refresh(&scene).refused(409, "registration.held");
    scene.api.post(&format!("{REGISTRATIONS}/alice/verify"), &json!({})).refused(409, "registration.held");
    assert_eq!(kamailio.digest_failures("alice"), 2);
}

#[test]
fn a_new_secret_is_accepted_by_a_held_trunk_and_releases_it() {
    let kamailio = Kamailio::md5();
    let scene = held(&kamailio);
    scene.api.set_credentials(&credentials("alice", "alice", "changed-Secret-5")).expect(200);
    scene.wait_state("alice", "REGISTERED");
    assert_eq!(kamailio.digest_failures("alice"), 2);
    refresh(&scene).expect(202);
}

#[test]
fn a_hold_released_by_hand_and_the_secret_proved_again_registers() {
    let kamailio = Kamailio::md5();
    let scene = held(&kamailio);
    kamailio.set_password("alice", PASSWORD);
    let released = scene.api.post(&format!("{REGISTRATIONS}/alice/actions/release-hold"), &json!({}));
    assert!((200..300).contains(&released.status), "{}", released.text);
    // The allowance keeps one digest for a person's verification; what that proves is not withheld afterwards.
    assert_eq!(scene.api.post(&format!("{REGISTRATIONS}/alice/verify"), &json!({})).expect(200).at("/verdict"), "PROVED");
    scene.wait_state("alice", "REGISTERED");
}

// covers: failed digests
#[test]
fn the_fourth_wrong_password_in_ten_minutes_is_not_sent() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    for wrong in ["wrong-1", "wrong-2", "wrong-3"] {
        scene.api.set_credentials(&credentials("alice", "alice", wrong)).refused(422, "sip.credentials.rejected");
    }
    let answer = scene.api.set_credentials(&credentials("alice", "alice", "wrong-4")).refused(429, "registration.budget_spent");
    let seconds: u32 = answer.header("Retry-After").and_then(|text| text.parse().ok()).expect("Retry-After in whole seconds");
    assert!((1..=600).contains(&seconds), "{seconds}");
    assert_eq!(kamailio.digest_failures("alice"), 3);
    assert_eq!(scene.api.registration("alice").at("/registrationState"), "REGISTERED");
}

#[test]
fn a_standby_password_is_tried_once_when_the_carrier_refuses_the_active_one() {
    let kamailio = Kamailio::md5();
    let scene = bound(&kamailio);
    let mut body = credentials("alice", "alice", "tomorrow-Secret-6");
    merge(&mut body, &json!({"standby": true}));
    let answer = scene.api.set_credentials(&body);
    assert!((200..300).contains(&answer.status), "{}", answer.text);
    assert_eq!(scene.api.registration("alice").at("/credentials/activeVersion"), 1);
    assert_eq!(scene.api.get(&format!("{REGISTRATIONS}/alice/credentials/2")).expect(200).at("/state"), "STANDBY");
    kamailio.set_password("alice", "tomorrow-Secret-6");
    refresh(&scene).expect(202);
    scene.wait_registration("alice", "on its standby", |json| {
        json["credentials"]["activeVersion"] == 2 && json["registrationState"] == "REGISTERED"
    });
    assert_eq!(kamailio.digest_failures("alice"), 1);
    assert_eq!(kamailio.bindings_of("alice").len(), 1);
}

// covers: C12, C13
#[test]
fn a_refused_digest_over_a_remembered_nonce_is_tried_once_more_and_not_twice() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    kamailio.set_password("alice", "changed-Secret-5");
    refresh(&scene).expect(202);
    // C12: the first refusal may be the nonce's fault, the second is the password's.
    scene.wait_registration("alice", "refused", |json| json["edges"][0]["diagnosis"]["code"] == "sip.credentials.rejected");
    wait::holds_for("two, no third", secs(3), || kamailio.digest_failures("alice") == 2);
    let shown = scene.api.registration("alice");
    assert_eq!((shown.at("/registrationState"), shown.at("/bound")), (&json!("RETRY_WAIT"), &json!(true)));
}
