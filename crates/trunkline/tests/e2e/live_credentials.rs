//! Credentials are tried at the carrier before they replace the old ones.

use serde_json::json;

use crate::support::api::REGISTRATIONS;
use crate::support::kamailio::{Kamailio, Options, Outcome};
use crate::support::scene::{PASSWORD, Scene, credentials, credentials_with};
use crate::support::wait::{self, secs};

fn first_credentials_are_learned_proved_and_bound(kamailio: &Kamailio) {
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let before = scene.api.registration("t1");
    assert_eq!(before.at("/bound"), false);

    let answer = scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    assert_eq!(answer.at("/id"), "t1");
    assert_eq!(answer.at("/credentials/username"), "alice");
    assert_eq!(answer.at("/credentials/realm"), kamailio.realm());
    assert_eq!(answer.at("/credentials/algorithm"), kamailio.algorithm().name());
    assert_eq!(answer.at("/credentials/passwordSet"), true);
    assert_eq!(answer.at("/credentials/activeVersion"), 1);

    let shown = scene.wait_state("t1", "REGISTERED");
    assert_eq!(shown.at("/bound"), true);
    assert_eq!(shown.at("/addressOfRecord"), &json!(format!("sip:alice@{}", kamailio.realm())));
    let edge = shown.at("/edges/0");
    assert_eq!(edge["authenticated"], true, "{edge}");
    assert_eq!(edge["lastResponse"]["code"], 200, "{edge}");
    assert_eq!(edge["negotiated"]["algorithm"], kamailio.algorithm().name(), "{edge}");
    assert_eq!(edge["negotiated"]["offered"], json!([kamailio.algorithm().name()]), "{edge}");
    assert!(edge["expiresAt"].is_string() && edge["nextActionAt"].is_string(), "{edge}");
    assert!(edge.get("diagnosis").is_none(), "nothing is wrong: {edge}");

    let binding = wait::until("Kamailio lists alice", secs(10), || kamailio.lookup("alice"));
    let ours = scene.server.launch().sip().to_string();
    assert!(binding.contact.contains(&ours) && binding.contact.starts_with("sip:alice@"), "{}", binding.contact);
    assert_eq!(kamailio.digest_failures("alice"), 0);

    // Design section 4: the question has its own Call-ID, no Contact, and starts without a digest.
    let seen = kamailio.seen_of("alice");
    let (question, proof) = (&seen[0], &seen[1]);
    assert_eq!((question.outcome, proof.outcome), (Outcome::Unanswered, Outcome::Proved));
    assert!(!question.binds() && !proof.binds(), "a verification changes nothing at the carrier: {seen:#?}");
    assert_eq!(question.call_id, proof.call_id);
    assert_ne!(question.call_id, binding.call_id);
}

// covers: C1, C9; Kamailio
#[test]
fn first_credentials_are_learned_proved_and_bound_under_md5() {
    first_credentials_are_learned_proved_and_bound(&Kamailio::md5());
}

// covers: C2, RFC 8760 2.1; Kamailio
#[test]
fn first_credentials_are_learned_proved_and_bound_under_sha256() {
    first_credentials_are_learned_proved_and_bound(&Kamailio::sha256());
}

fn a_wrong_password_costs_one_failed_digest_and_changes_nothing(kamailio: &Kamailio) {
    let scene = Scene::new();
    scene.registered(kamailio, &["alice"]);
    let before = kamailio.lookup("alice").expect("a binding");

    let refused = scene.api.set_credentials(&credentials("alice", "alice", "wrong")).refused(422, "sip.credentials.rejected");
    assert_eq!(refused.at("/message"), "Invalid SIP credentials provided for trunk ID: alice");
    assert_eq!((refused.at("/entityId"), refused.at("/entityName")), (&json!("alice"), &json!("Trunk alice")));
    assert_eq!(refused.at("/diagnosis/stage"), "digest");
    assert_eq!(refused.at("/diagnosis/initiator"), "carrier");
    assert_eq!(refused.at("/diagnosis/credentialSent"), true);
    assert_eq!(refused.at("/diagnosis/sip/code"), 401);
    assert_eq!(refused.at("/diagnosis/docs"), "/docs/diagnoses/sip.credentials.rejected");
    assert_eq!(kamailio.digest_failures("alice"), 1, "exactly one failed digest: {:#?}", kamailio.seen_of("alice"));

    let after = kamailio.lookup("alice").expect("the binding is alive");
    assert_eq!((&after.contact, &after.call_id), (&before.contact, &before.call_id));
    let shown = scene.api.registration("alice");
    assert_eq!(shown.at("/bound"), true);
    assert_eq!(shown.at("/credentials/activeVersion"), 1);
    assert_eq!(shown.at("/credentials/lastRejected/version"), 2);
    assert_eq!(shown.at("/credentials/lastRejected/code"), "sip.credentials.rejected");

    // The old credentials still work: a refresh with them is accepted.
    scene.api.post(&format!("{REGISTRATIONS}/alice/actions/refresh"), &json!({}));
    wait::until_true("the old credentials refresh the binding", secs(15), || {
        kamailio.lookup("alice").expect("the binding is alive").cseq > after.cseq
    });
    assert_eq!(kamailio.digest_failures("alice"), 1);
}

// covers: C13; Kamailio
#[test]
fn a_wrong_password_costs_one_failed_digest_and_changes_nothing_under_md5() {
    a_wrong_password_costs_one_failed_digest_and_changes_nothing(&Kamailio::md5());
}

#[test]
fn a_wrong_password_costs_one_failed_digest_and_changes_nothing_under_sha256() {
    a_wrong_password_costs_one_failed_digest_and_changes_nothing(&Kamailio::sha256());
}

#[test]
fn spellings_of_an_algorithm_are_accepted_and_echoed_as_iana_writes_them() {
    let kamailio = Kamailio::sha256();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    for (user, spelling) in [("u1", "sha256"), ("u2", "SHA256"), ("u3", "SHA-256")] {
        kamailio.add_user(user, PASSWORD);
        scene.trunk(user, "kam", user, kamailio.realm(), &json!({}));
        let answer = scene.api.set_credentials(&credentials_with(user, user, PASSWORD, &json!({"algorithm": spelling}))).expect(201);
        assert_eq!(answer.at("/credentials/algorithm"), "SHA-256", "{spelling}");
    }
}

#[test]
fn fields_at_the_top_level_and_a_starred_realm_mean_the_same() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let body = json!({"trunkId": "t1", "username": "alice", "password": PASSWORD, "realm": "*", "algorithm": "MD5", "verify": "live"});
    let answer = scene.api.set_credentials(&body).expect(201);
    assert_eq!(answer.at("/credentials/realm"), kamailio.realm());
    assert_eq!(answer.at("/credentials/username"), "alice");
}

// covers: C9; Kamailio
#[test]
fn a_username_may_differ_from_the_address_of_record() {
    // It knows its accounts by the user name of the digest, and no number before one.
    let kamailio = Kamailio::start(Options { knows_users: false, ..Options::default() });
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "+6221500004", kamailio.realm(), &json!({}));
    kamailio.add_user("auth-4", PASSWORD);
    scene.api.set_credentials(&credentials("t1", "auth-4", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
    wait::until("Kamailio lists the number", secs(10), || kamailio.lookup("+6221500004"));
}

#[test]
fn a_hash_in_place_of_the_password_registers() {
    let kamailio = Kamailio::sha256();
    let scene = Scene::new();
    scene.carrier("kam", &kamailio.uri(), &json!({}));
    scene.trunk("t1", "kam", "alice", kamailio.realm(), &json!({}));
    kamailio.add_user("alice", PASSWORD);
    let ha1 = kamailio.algorithm().ha1("alice", kamailio.realm(), PASSWORD);
    let body = json!({"trunkId": "t1", "credentials": {"username": "alice", "realm": kamailio.realm(), "ha1": {"SHA-256": ha1}}});
    let answer = scene.api.set_credentials(&body).expect(201);
    assert_eq!(answer.at("/credentials/algorithm"), "SHA-256");
    scene.wait_state("t1", "REGISTERED");
    assert_eq!(kamailio.digest_failures("alice"), 0);
}

#[test]
fn the_versions_of_a_trunk_tell_its_history() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    scene.api.set_credentials(&credentials("alice", "alice", "wrong")).refused(422, "sip.credentials.rejected");
    kamailio.set_password("alice", "second-Secret-8");
    scene.api.set_credentials(&credentials("alice", "alice", "second-Secret-8")).expect(200);
    let states = |number: u32| {
        let answer = scene.api.get(&format!("{REGISTRATIONS}/alice/credentials/{number}")).expect(200);
        answer.at("/state").as_str().expect("a state").to_owned()
    };
    assert_eq!([1, 2, 3].map(states), ["PREVIOUS", "REJECTED", "ACTIVE"]);
    let listed = scene.api.get(&format!("{REGISTRATIONS}/alice/credentials")).expect(200);
    assert_eq!(listed.at("/total"), 3);
}

#[test]
fn a_change_of_credentials_is_on_the_audit_record_and_a_refusal_is_too() {
    let kamailio = Kamailio::md5();
    let scene = Scene::new();
    scene.registered(&kamailio, &["alice"]);
    scene.api.set_credentials(&credentials("alice", "alice", "wrong")).refused(422, "sip.credentials.rejected");
    let audits = scene.api.get("/api/v2/audits?pageSize=100").expect(200);
    let about = audits.at("/entities").as_array().expect("entities").iter().filter(|entry| entry.to_string().contains("alice")).count();
    assert!(about >= 2, "{}", audits.text);
    scene.api.get("/api/v2/audits/verify").expect(200);
}
