//! The story of the design: an operator whose POST is refused learns in that one call whether it was the realm, the algorithm, a policy,
//! the password, the address, the user or a dropped REGISTER, and nothing that worked has stopped working.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::Answer;
use super::kamailio::Kamailio;
use super::scene::{PASSWORD, Scene, credentials, credentials_with};
use super::sipp::Sipp;
use super::udp::Peer;

/// What one call told.
pub struct Told {
    /// What was wrong.
    pub wrong: &'static str,
    /// The answer.
    pub answer: Answer,
    /// How long the call took.
    pub took: Duration,
}

impl Told {
    /// A text of the diagnosis.
    pub fn said(&self, field: &str) -> &str {
        self.answer.json["diagnosis"][field].as_str().unwrap_or_default()
    }
}

/// What was wrong, the code that tells it, its stage, who refused, and what the remedy names.
pub const CHAPTERS: [(&str, &str, &str, &str, &str); 7] = [
    ("realm", "sip.realm.mismatch", "challenge", "carrier", "credentials.realm to \"kamailio.test\""),
    ("algorithm", "sip.algorithm.not_offered", "challenge", "carrier", "MD5"),
    ("policy", "sip.algorithm.not_allowed", "policy", "platform", "/api/v2/trunks/voice/policy"),
    ("password", "sip.credentials.rejected", "digest", "carrier", "\"password\""),
    ("blocked address", "sip.forbidden.before_challenge", "challenge", "carrier", "address"),
    ("unknown user", "sip.user.unknown", "challenge", "carrier", "sip:nobody@kamailio.test"),
    ("dropped REGISTER", "network.register.ignored", "network", "carrier", "sip:dropped@peer.test"),
];

/// Trunks that are registered before the call is made.
const WORKING: [&str; 4] = ["realm", "algorithm", "policy", "password"];

/// Makes one call for each chapter, all side by side; fails unless each says what the chapter says and what worked goes on.
pub fn tell() -> Vec<Told> {
    let kamailio = Kamailio::md5();
    let blocking = Sipp::refusing(403, "Forbidden");
    let dropping = Peer::registrar(|_register| None);
    let scene = Scene::new();
    scene.registered(&kamailio, &WORKING);
    scene.api.patch("/api/v2/trunks/voice/policy", &json!({"digestPolicy": {"allowed": ["SHA-256", "SHA-512-256"]}})).expect(200);
    scene.trunk("unknown", "kam", "nobody", kamailio.realm(), &json!({}));
    for (trunk, registrar) in [("blocked", blocking.uri()), ("dropped", dropping.uri())] {
        scene.carrier(trunk, &registrar, &json!({}));
        scene.trunk(trunk, trunk, trunk, "peer.test", &json!({}));
    }
    let calls = [
        credentials_with("realm", "realm", "next-Secret-8", &json!({"realm": "carrier.co.id"})),
        credentials_with("algorithm", "algorithm", "next-Secret-8", &json!({"algorithm": "SHA-256"})),
        credentials("policy", "policy", "next-Secret-8"),
        credentials("password", "password", "next-Secret-8"),
        credentials("blocked", "blocked", PASSWORD),
        credentials("unknown", "nobody", PASSWORD),
        credentials("dropped", "dropped", PASSWORD),
    ];
    let before = WORKING.map(|user| kamailio.lookup(user).expect("bound"));
    let told: Vec<Told> = thread::scope(|scope| {
        let calls: Vec<_> = CHAPTERS.iter().zip(&calls).map(|(chapter, body)| scope.spawn(|| call(&scene, chapter.0, body))).collect();
        calls.into_iter().map(|call| call.join().expect("a call")).collect()
    });
    for (told, (wrong, code, stage, initiator, names)) in told.iter().zip(CHAPTERS) {
        let answer = told.answer.clone().refused(422, code);
        assert_eq!((told.said("stage"), told.said("initiator")), (stage, initiator), "{wrong}: {}", answer.text);
        assert!(told.said("remedy").contains(names), "{wrong}: the remedy names {names}: {}", answer.text);
        let message = answer.at("/message").as_str().unwrap_or_default();
        assert!(message.starts_with("Invalid SIP credentials provided for trunk ID: "), "the words that operators know: {message}");
        assert_eq!(answer.at("/diagnosis/credentialSent"), code == "sip.credentials.rejected", "{wrong}: {}", answer.text);
    }
    for (user, before) in WORKING.iter().zip(before) {
        let now = kamailio.lookup(user).expect("still bound");
        assert_eq!((now.contact, now.call_id), (before.contact, before.call_id), "{user}");
        let shown = scene.api.registration(user);
        assert_eq!((shown.at("/credentials/activeVersion"), shown.at("/bound")), (&json!(1), &json!(true)), "{user}: {}", shown.text);
    }
    told
}

fn call(scene: &Scene, wrong: &'static str, body: &Value) -> Told {
    let started = Instant::now();
    let answer = scene.api.set_credentials(body);
    Told { wrong, answer, took: started.elapsed() }
}
