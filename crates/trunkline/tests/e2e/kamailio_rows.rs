//! Rows of carriers.md that a real Kamailio plays once it is set up for them.

use serde_json::{Value, json};

use crate::support::kamailio::{Kamailio, Options};
use crate::support::scene::{PASSWORD, Scene, credentials, merge};
use crate::support::wait::{self, secs};

/// Registers alice, without a query before it.
fn registered(options: Options) -> (Scene, Kamailio, Value) {
    let kamailio = Kamailio::start(options);
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({"expires": 600}));
    scene.trunk("alice", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let mut body = credentials("alice", "alice", PASSWORD);
    merge(&mut body, &json!({"verify": "static"}));
    scene.api.set_credentials(&body).expect(201);
    let shown = scene.wait_registration("alice", "bound", |json| json["bound"] == true);
    wait::until("Kamailio lists alice", secs(10), || kamailio.lookup("alice"));
    (scene, kamailio, shown.json)
}

/// Seconds from registration to lapse, as the API shows them.
fn granted(shown: &Value) -> i64 {
    let at = |name: &str| -> jiff::Timestamp {
        shown["edges"][0][name].as_str().unwrap_or_else(|| panic!("no {name}: {shown:#}")).parse().expect("a time")
    };
    at("expiresAt").duration_since(at("registeredAt")).as_secs_f64().round() as i64
}

// covers: B1; Kamailio
#[test]
fn less_or_more_than_was_asked_is_what_counts() {
    for (options, wanted) in
        [(Options { expires_max: 300, ..Options::default() }, 300), (Options { expires_min: 1200, ..Options::default() }, 1200)]
    {
        let (_scene, kamailio, shown) = registered(options);
        let ours = granted(&shown);
        assert!((wanted - 1..=wanted).contains(&ours), "{wanted} granted, {ours} shown: {shown:#}");
        let theirs = kamailio.lookup("alice").expect("bound").expires;
        assert!(theirs <= wanted && theirs > wanted - 60, "{theirs} s left at Kamailio");
    }
}

// covers: C6, RFC 3261 22.4; Kamailio
#[test]
fn kamailio_without_qop_takes_an_answer_without_count() {
    let (_scene, kamailio, shown) = registered(Options { qop: false, ..Options::default() });
    assert!(shown["edges"][0]["negotiated"].get("qop").is_none(), "{shown:#}");
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

// covers: F2; Kamailio
#[test]
fn kamailio_that_forbids_after_a_right_digest_is_a_failed_digest_and_nothing_is_bound() {
    let kamailio = Kamailio::start(Options { then: "t_reply(\"403\", \"Forbidden - account barred\"); exit;", ..Options::default() });
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("alice", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let refused = scene.api.set_credentials(&credentials("alice", "alice", PASSWORD)).expect(422);
    assert_eq!(refused.at("/code"), "sip.forbidden.after_auth");
    assert_eq!(refused.at("/diagnosis/sip"), &json!({"code": 403, "reason": "Forbidden - account barred"}));
    assert!(kamailio.lookup("alice").is_none());
    assert_eq!(kamailio.seen_of("alice").len(), 2, "one digest, not two");
}

// covers: F4, RFC 3261 10.2.8; Kamailio
#[test]
fn kamailio_that_wants_a_longer_interval_gets_it_within_the_exchange() {
    let first =
        "if ($hdr(Expires) == \"600\") { append_to_reply(\"Min-Expires: 1800\\r\\n\"); t_reply(\"423\", \"Interval Too Brief\"); exit; }";
    let (_scene, kamailio, shown) = registered(Options { first, ..Options::default() });
    assert!((1799..=1800).contains(&granted(&shown)), "{shown:#}");
    assert!(kamailio.lookup("alice").expect("bound").expires > 1700);
}

// covers: F15; Kamailio
#[test]
fn kamailio_that_calls_the_cseq_too_low_gets_a_higher_one_under_the_same_call_id() {
    let first = "if ($(cs{s.int}) < 100000) { t_reply(\"400\", \"Invalid CSeq\"); exit; }";
    let (_scene, kamailio, shown) = registered(Options { first, ..Options::default() });
    assert_eq!(shown["registrationState"], "REGISTERED");
    assert!(kamailio.lookup("alice").expect("bound").cseq > 100_000);
}
