use carrier::{Account, DigestSeen};

use crate::phone::{phone, phone_at, registrar};

#[test]
fn right_passwords_are_accepted_and_wrong_ones_refused_whatever_the_challenge() {
    for row in [
        "C1",
        "C2",
        "C2-512",
        "C2-sess",
        "C2-sess-no-qop",
        "C3",
        "C3-nonces",
        "C4",
        "C5",
        "C5-512",
        "C5-quoted",
        "C5-case",
        "C6",
        "C7",
        "C7-int",
        "C8",
        "C9",
        "C10",
        "C11",
        "C12",
        "C13",
        "C14",
        "C15",
        "C16",
        "C17",
        "C17-call-id",
        "C18",
        "C23",
    ] {
        let mut alice = phone(&[row]);
        assert_eq!(alice.register(600).code, 200, "{row}");
        assert_eq!(alice.bound().len(), 1, "{row}");
        let mut mallory = phone(&[row]);
        mallory.password = "guess".into();
        let challenge = if row == "C16" { 407 } else { 401 };
        assert_eq!(mallory.register(600).code, challenge, "{row}");
        assert!(mallory.bound().is_empty(), "{row}");
        let counters = mallory.carrier.counters("alice");
        assert_eq!((counters.challenged, counters.digests_wrong, counters.digests_right), (1, 1, 0), "{row}");
    }
}

#[test]
fn the_names_of_the_algorithms_go_out_as_written() {
    for (row, expected) in [
        ("C4", vec![None]),
        ("C5", vec![Some("algorithm=sha256")]),
        ("C5-quoted", vec![Some("algorithm=\"MD5\"")]),
        ("C3", vec![Some("algorithm=MD2"), Some("algorithm=MD5"), Some("algorithm=SHA-256")]),
    ] {
        let challenges = phone(&[row]).ask(600).headers("WWW-Authenticate");
        assert_eq!(challenges.len(), expected.len(), "{row}");
        for (challenge, expected) in challenges.iter().zip(expected) {
            match expected {
                Some(text) => assert!(challenge.contains(text), "{row}: {challenge}"),
                None => assert!(!challenge.contains("algorithm"), "{row}: {challenge}"),
            }
        }
    }
}

#[test]
fn several_challenges_share_a_nonce_or_have_one_each() {
    let nonces = |row| {
        let challenges = phone(&[row]).ask(600).headers("WWW-Authenticate");
        let nonce = |text: &String| text.split("nonce=\"").nth(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        challenges.iter().map(nonce).collect::<std::collections::HashSet<_>>().len()
    };
    assert_eq!((nonces("C3"), nonces("C3-nonces")), (1, 2));
}

#[test]
fn broken_challenges_are_broken_in_the_way_their_row_says() {
    for (row, has, lacks) in [
        ("C19-no-realm", "nonce=", "realm="),
        ("C19-no-nonce", "realm=", "nonce="),
        ("C19-duplicate", "realm=\"x\"", "qop"),
        ("C19-commas", ",,,", "qop"),
        ("C19-quotes", "realm=\"lab.example, ", "qop"),
        ("C19-scheme", "Basic", "Digest"),
    ] {
        let got = phone(&[row]).ask(600);
        let challenge = got.header("WWW-Authenticate").unwrap();
        assert!(got.code == 401 && challenge.contains(has) && !challenge.contains(lacks), "{row}: {challenge}");
    }
    let got = phone(&["C19-missing"]).ask(600);
    assert_eq!((got.code, got.header("WWW-Authenticate")), (401, None));
    assert!(phone(&["C19-4k"]).ask(600).header("WWW-Authenticate").unwrap().len() > 4096);
}

#[test]
fn a_nonce_is_good_for_its_life_its_count_must_rise_and_stale_says_so() {
    let mut alice = phone(&["C11"]);
    let challenge = alice.ask(600);
    assert_eq!(alice.answer(600, &challenge, 1).code, 200);
    assert_eq!(alice.answer(600, &challenge, 2).code, 200);
    let replay = alice.answer(600, &challenge, 2);
    assert!(replay.code == 401 && replay.text().contains("stale=true"));
    let late = alice.later(5).answer(600, &challenge, 3);
    assert!(late.code == 401 && late.text().contains("stale=true"));
    assert_eq!(alice.answer(600, &late, 1).code, 200);
    let counters = alice.carrier.counters("alice");
    assert_eq!((counters.digests_right, counters.digests_stale, counters.digests_wrong), (3, 2, 0));
}

#[test]
fn a_wrong_digest_over_an_old_nonce_is_wrong_not_stale() {
    let mut alice = phone(&["C11"]);
    let challenge = alice.ask(600);
    alice.password = "guess".into();
    let refused = alice.later(9).answer(600, &challenge, 1);
    assert!(refused.code == 401 && !refused.text().contains("stale"));
    assert_eq!(alice.carrier.log().next_back().unwrap().digest, DigestSeen::Wrong);
}

#[test]
fn a_one_time_nonce_is_refused_without_a_word_of_stale() {
    let mut alice = phone(&["C12"]);
    let challenge = alice.ask(600);
    assert_eq!(alice.answer(600, &challenge, 1).code, 200);
    let again = alice.answer(600, &challenge, 2);
    assert!(again.code == 401 && !again.text().contains("stale"));
    assert_eq!(alice.answer(600, &again, 1).code, 200);
    assert_eq!(alice.carrier.totals().digests_wrong, 0);
}

#[test]
fn the_next_nonce_is_announced_and_good() {
    let mut alice = phone(&["C15"]);
    let challenge = alice.ask(600);
    let ok = alice.answer(600, &challenge, 1);
    let info = ok.header("Authentication-Info").unwrap();
    let next = info.strip_prefix("nextnonce=\"").and_then(|rest| rest.strip_suffix('"')).unwrap().to_owned();
    let old = challenge.text().split("nonce=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut announced = challenge;
    announced.bytes = announced.text().replace(&old, &next).into_bytes();
    assert_eq!(alice.answer(600, &announced, 1).code, 200);
    assert_eq!(alice.carrier.totals().challenged, 1);
}

#[test]
fn a_refused_digest_gets_the_same_nonce_or_a_new_one() {
    for (row, same) in [("C13", true), ("C14", false)] {
        let mut mallory = phone(&[row]);
        mallory.password = "guess".into();
        let first = mallory.ask(600);
        let second = mallory.answer(600, &first, 1);
        assert_eq!(first.header("WWW-Authenticate") == second.header("WWW-Authenticate"), same, "{row}");
    }
}

#[test]
fn a_nonce_from_elsewhere_is_not_good_where_it_is_bound() {
    let mut alice = phone(&["C17"]);
    let challenge = alice.ask(600);
    alice.source.set_port(9999);
    assert_eq!(alice.answer(600, &challenge, 1).code, 401);
    let mut alice = phone(&["C17-call-id"]);
    let challenge = alice.ask(600);
    alice.call_id = "call-2".into();
    assert_eq!(alice.answer(600, &challenge, 1).code, 401);
}

#[test]
fn stale_for_ever_is_for_ever() {
    let mut alice = phone(&["C11-for-ever"]);
    let mut got = alice.ask(600);
    for _ in 0..5 {
        got = alice.answer(600, &got, 1);
        assert!(got.code == 401 && got.text().contains("stale=true"));
    }
}

#[test]
fn truncated_sha512_is_told_from_the_right_one() {
    let mut alice = phone(&["C20"]);
    assert_eq!(alice.register(600).code, 401);
    alice.truncated_sha512 = true;
    assert_eq!(alice.register(600).code, 200);
}

#[test]
fn without_a_challenge_a_known_user_is_bound_and_a_stranger_is_not() {
    let mut alice = phone(&["C22"]);
    assert_eq!(alice.ask(600).code, 200);
    alice.user = "nobody".into();
    assert_eq!(alice.ask(600).code, 404);
}

#[test]
fn old_passwords_are_good_until_the_new_one_is_used() {
    let account = Account { old_passwords: vec!["old".into()], retire_old_on_use: true, ..Account::new("bob", "new") };
    let mut bob = phone_at(registrar(&[]).account(account));
    (bob.user, bob.username) = ("bob".into(), "bob".into());
    for (password, expected) in [("old", 200), ("old", 200), ("new", 200), ("old", 401), ("new", 200)] {
        bob.password = password.into();
        assert_eq!(bob.register(600).code, expected, "{password}");
    }
    assert!(bob.carrier.set_password("bob", "third"));
    assert_eq!(bob.register(600).code, 401);
    bob.password = "third".into();
    assert_eq!(bob.register(600).code, 200);
}

#[test]
fn a_user_name_may_differ_from_the_user_and_serves_its_own_only() {
    let account = Account { username: Some("auth-b".into()), ..Account::new("bob", "pw") };
    let mut bob = phone_at(registrar(&[]).account(account));
    (bob.user, bob.username, bob.password) = ("bob".into(), "auth-b".into(), "pw".into());
    assert_eq!(bob.register(600).code, 200);
    bob.user = "alice".into();
    assert_eq!(bob.register(600).code, 403);
}

#[test]
fn a_restart_makes_old_nonces_stale() {
    let mut alice = phone(&[]);
    let challenge = alice.ask(600);
    let now = alice.now;
    alice.carrier.restart(now);
    let got = alice.answer(600, &challenge, 1);
    assert!(got.code == 401 && got.text().contains("stale=true"));
}

#[test]
fn an_authorization_that_cannot_be_read_is_a_bad_request() {
    let mut alice = phone(&[]);
    for value in ["Digest", "Basic YTpi", "Digest username=\"alice\"", "Digest ,,", "Digest username=\"alice\", username=\"alice\""] {
        let request = alice.request(600, Some(("Authorization", value)));
        assert_eq!(alice.send(&request).code, 400, "{value}");
    }
    assert_eq!(alice.carrier.totals().digests_unreadable, 5);
}
