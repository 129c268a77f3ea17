//! Credentials tried at the carrier before they replace the old ones (design section 4).

use diagnosis::Code;
use ua::*;

use crate::support::*;

#[test]
fn a_query_of_its_own_proves_a_password_by_one_digest_and_leaves_the_binding_alone() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    let own = talk.request().clone();
    talk.verify(order("v1", "alice", "new"));
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").with(query()).with(no_digest()).with(cseq(1)).with(new_call_id()).they_say(challenge("v"));
    talk.we_send("REGISTER").with(query()).with(nonce("v").nc(1).password("new")).with(next_cseq()).they_say(ok());
    let verdict = talk.verdict();
    assert!(matches!(verdict.outcome, Outcome::Proved), "{verdict:?}");
    assert_eq!(verdict.negotiated.unwrap().algorithm, "MD5");
    assert_eq!(verdict.evidence.credential_sent, Some(true));
    assert_eq!(verdict.evidence.options_reachable, Some(true));
    talk.then_bound();
    assert_eq!(talk.saved("alice").cseq, own.cseq());
}

#[test]
fn a_wrong_password_costs_exactly_one_digest() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.verify(order("v1", "alice", "wrong"));
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(challenge("v1"));
    talk.we_send("REGISTER").with(nonce("v1").password("wrong")).they_say(challenge("v2"));
    let refusal = talk.refusal();
    assert_eq!(refusal.code, Code::CredentialsRejected);
    assert_eq!(refusal.evidence.credential_sent, Some(true));
    assert_eq!(refusal.evidence.sip.unwrap().code, 401);
    talk.then_bound().silent_for(secs(600)).then_bound();
}
