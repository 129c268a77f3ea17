//! `trunkline verify` against a real Kamailio and scripted carriers: what it says, how it ends, what it never shows.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Instant;

use serde_json::{Value, json};

use crate::support::api::{REGISTRATIONS, holds_null};
use crate::support::digest::parameter;
use crate::support::kamailio::Kamailio;
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene};
use crate::support::secrets::Secret;
use crate::support::udp::{Peer, challenge, challenged_once, has_digest, reply};
use crate::support::verifier::Verifier;
use crate::support::wait::{self, secs};

/// The words for alice at a Kamailio, and more.
fn alice_at<'a>(kamailio: &'a Kamailio, uri: &'a str, aor: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    kamailio.add_user("alice", PASSWORD);
    [&[uri, "--user", "alice", "--aor", aor], more].concat()
}

fn aor(kamailio: &Kamailio) -> String {
    format!("sip:alice@{}", kamailio.realm())
}

#[test]
fn right_credentials_are_proved_by_one_digest_and_change_nothing() {
    for kamailio in [Kamailio::md5(), Kamailio::sha256()] {
        let (uri, aor) = (kamailio.uri(), aor(&kamailio));
        let (said, shown) = Verifier::of(&alice_at(&kamailio, &uri, &aor, &[])).password(PASSWORD).json();
        said.ended(0);
        assert_eq!((&shown["verdict"], &shown["exitCode"]), (&json!("PROVED"), &json!(0)), "{shown:#}");
        assert_eq!(shown["negotiated"]["realm"], kamailio.realm());
        assert_eq!(shown["negotiated"]["algorithm"], kamailio.algorithm().name());
        assert_eq!(shown["challenges"][0]["realm"], kamailio.realm());
        assert_eq!(shown["evidence"]["credentialSent"], true);
        assert_eq!(shown["evidence"]["optionsReachable"], true);
        assert!(shown.get("code").is_none() && !holds_null(&shown), "{shown:#}");
        let seen = kamailio.seen_of("alice");
        assert_eq!(seen.iter().filter(|one| one.authorization.is_some()).count(), 1, "{seen:?}");
        assert!(seen.iter().all(|one| one.contact.is_none()), "a query: {seen:?}");
        assert_eq!(kamailio.bindings(), 0);
    }
}

#[test]
fn a_person_is_shown_the_steps_the_verdict_the_evidence_and_the_address_to_allow() {
    let kamailio = Kamailio::md5();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let said = Verifier::of(&alice_at(&kamailio, &uri, &aor, &[])).password(PASSWORD).run().ended(0);
    for word in
        ["✓ resolve", "✓ reach", "✓ REGISTER", "✓ challenge", "✓ digest", "· binding", "PROVED", "what it must allow", "MD5, which is weak"]
    {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    assert!(said.out.contains("says nothing about credentials"), "OPTIONS is no proof, and that is said: {}", said.out);
    assert!(said.err.contains("looking for the address"), "plain lines while it goes on: {}", said.err);
    let said = Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--realm", "carrier.co.id"])).password(PASSWORD).run().ended(13);
    for word in ["✗ challenge", "· digest", "REFUSED  sip.realm.mismatch", "Remedy", "docs/diagnoses/sip.realm.mismatch.md"] {
        assert!(said.out.contains(word), "{word}: {}", said.out);
    }
    assert!(said.out.contains(&format!("--realm \"{}\"", kamailio.realm())), "the flag to give: {}", said.out);
}

#[test]
fn the_ladder_and_the_report_are_those_of_the_exchange_itself() {
    for kamailio in [Kamailio::md5(), Kamailio::sha256()] {
        let (uri, aor) = (kamailio.uri(), aor(&kamailio));
        let algorithm = format!("algorithm={}", kamailio.algorithm().name());
        let said = Verifier::of(&alice_at(&kamailio, &uri, &aor, &[])).password(PASSWORD).run().ended(0);
        let course = [
            "│ OPTIONS sip:",
            "│ REGISTER sip:",
            "SIP/2.0 401 ",
            "WWW-Authenticate: Digest realm=",
            "CSeq 2 REGISTER, no Contact",
            "Authorization: Digest username=\"alice\"",
            "SIP/2.0 200 OK │",
        ];
        in_order(&said.out, &course);
        assert!(said.out.contains(&algorithm) && said.out.contains("seen as "), "{}", said.out);
        let wide = said.out.lines().filter(|line| line.matches('│').count() == 2).map(|line| line.chars().count());
        assert_eq!(wide.collect::<std::collections::BTreeSet<_>>().len(), 1, "both rails stand straight: {}", said.out);
        let learned = Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--challenge-only"])).run().ended(0);
        in_order(&learned.out, &["│ REGISTER sip:", "SIP/2.0 401 ", "LEARNED"]);
        assert!(!learned.out.contains("Authorization: "), "{}", learned.out);
        let without = Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--no-ladder"])).password(PASSWORD).run().ended(0);
        assert!(!without.out.contains('│') && without.out.contains("PROVED"), "{}", without.out);
        let report = Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--report"])).password("another").run().ended(14);
        let account = format!("Account           {aor}");
        in_order(
            &report.out,
            &[
                "A record of one exchange",
                &account,
                "User name         alice",
                "Call-ID  ",
                "sent REGISTER",
                "received SIP/2.0 401",
                "Our question",
            ],
        );
        for nonce in kamailio.seen().iter().filter_map(|seen| seen.nonce()) {
            assert!([&said, &learned, &report].iter().all(|said| !said.out.contains(nonce)), "a nonce was shown");
        }
    }
}

/// Each of the texts stands behind the one before.
fn in_order(said: &str, texts: &[&str]) {
    let mut rest = said;
    for text in texts {
        rest = rest.split_once(text).unwrap_or_else(|| panic!("{text} is not where it should be: {said}")).1;
    }
}

#[test]
fn a_query_that_is_refused_for_being_one_is_said_to_have_become_a_binding() {
    let peer = Peer::registrar(|request| {
        Some(match request.contains("\r\nContact:") {
            false => reply(request, 405, "Method Not Allowed", ""),
            true if has_digest(request) => crate::support::udp::granted(request, 120),
            true => challenge(request, "lab", "MD5", "n1"),
        })
    });
    let uri = peer.uri();
    let said = Verifier::of(&[&uri, "--user", "u"]).password("p").run().ended(0);
    assert!(said.out.contains("✓ binding    bound in the place of the query") && said.out.contains("removed again"), "{}", said.out);
    in_order(&said.out, &["SIP/2.0 405", "Contact <sip:u@", "SIP/2.0 200 OK", "expires=0", "PROVED"]);
}

#[test]
fn a_wrong_password_costs_one_failed_digest_and_ends_with_14() {
    let kamailio = Kamailio::md5();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let (said, shown) = Verifier::of(&alice_at(&kamailio, &uri, &aor, &[])).password("another").json();
    said.ended(14);
    assert_eq!((&shown["verdict"], &shown["code"]), (&json!("REFUSED"), &json!("sip.credentials.rejected")), "{shown:#}");
    assert_eq!((&shown["stage"], &shown["diagnosis"]["initiator"]), (&json!("digest"), &json!("carrier")));
    assert_eq!(shown["evidence"]["sip"]["code"], 401);
    assert_eq!(kamailio.digest_failures("alice"), 1);
}

#[test]
fn another_realm_gets_no_digest_and_ends_with_13() {
    let kamailio = Kamailio::md5();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let (said, shown) = Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--realm", "carrier.co.id"])).password(PASSWORD).json();
    said.ended(13);
    assert_eq!((&shown["code"], &shown["evidence"]["credentialSent"]), (&json!("sip.realm.mismatch"), &json!(false)), "{shown:#}");
    assert_eq!(shown["challenges"][0]["realm"], kamailio.realm());
    assert!(kamailio.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn a_challenge_is_learned_without_a_password_and_without_a_digest() {
    let kamailio = Kamailio::sha256();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let words = alice_at(&kamailio, &uri, &aor, &["--challenge-only"]);
    let (said, shown) = Verifier::of(&words).json();
    said.ended(0);
    assert_eq!((&shown["verdict"], &shown["negotiated"]["algorithm"]), (&json!("LEARNED"), &json!("SHA-256")), "{shown:#}");
    let (said, shown) = Verifier::of(&[&words[..], &["--realm", "of.the.sheet"]].concat()).json();
    said.ended(13);
    assert_eq!(shown["code"], "sip.realm.mismatch", "a sheet's realm is compared all the same: {shown:#}");
    assert!(kamailio.seen().len() >= 2 && kamailio.seen().iter().all(|seen| seen.authorization.is_none()));
}

#[test]
fn by_renew_binds_and_leaves_no_binding_behind() {
    let kamailio = Kamailio::md5();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--by", "renew"])).password(PASSWORD).run().ended(0);
    assert!(kamailio.seen_of("alice").iter().any(|seen| seen.contact.is_some()));
    assert_eq!(kamailio.bindings(), 0, "removed again");
}

#[test]
fn the_exit_code_tells_the_stage() {
    let refusing =
        |code: u16, reason: &'static str, extra: &'static str| Peer::registrar(move |request| Some(reply(request, code, reason, extra)));
    let table: [(Peer, &[&str], i32, &str); 7] = [
        (refusing(403, "Forbidden", ""), &[], 13, "sip.forbidden.before_challenge"),
        (refusing(404, "Not Found", ""), &[], 13, "sip.user.unknown"),
        (refusing(200, "OK", ""), &[], 14, "sip.credentials.unproven"),
        (refusing(302, "Moved", "Contact: <sip:elsewhere.test>\r\n"), &[], 15, "sip.redirected"),
        (refusing(503, "Busy", "Retry-After: 90\r\n"), &[], 16, "carrier.unavailable"),
        (Peer::registrar(challenged_once("lab")), &["--allow-algorithm", "SHA-256"], 11, "sip.algorithm.not_allowed"),
        (
            Peer::registrar(|request| {
                Some(if has_digest(request) { reply(request, 403, "Forbidden", "") } else { challenge(request, "lab", "MD5", "n1") })
            }),
            &[],
            14,
            "sip.forbidden.after_auth",
        ),
    ];
    for (peer, more, code, name) in table {
        let uri = peer.uri();
        let (said, shown) = Verifier::of(&[&[uri.as_str(), "--user", "u"], more].concat()).password("p").json();
        assert_eq!(shown["code"], name, "{shown:#}");
        said.ended(code);
        assert!(shown["diagnosis"]["summary"].as_str().is_some_and(|text| !text.is_empty()) && !holds_null(&shown), "{shown:#}");
    }
}

#[test]
fn what_the_network_does_is_told_apart_and_ends_with_12() {
    let silent = UdpSocket::bind((loopback::next(), 5060)).expect("a socket that nobody reads");
    let silent = format!("sip:{}", silent.local_addr().expect("address"));
    let deaf = Peer::registrar(|_| None);
    let nobody = format!("sip:{}:5060", loopback::next());
    for (uri, code) in [
        (nobody.as_str(), "network.refused"),
        ("sip:registrar.carrier.invalid", "network.dns.failed"),
        (&silent, "network.timeout"),
        (&deaf.uri(), "network.register.ignored"),
        // Metadata and multicast are refused even by hand; nothing is sent.
        ("sip:169.254.169.254", "network.target.forbidden"),
        ("sip:224.0.1.75", "network.target.forbidden"),
    ] {
        let started = Instant::now();
        let (said, shown) = Verifier::of(&[uri, "--user", "u", "--timeout", "3"]).password("p").json();
        assert_eq!(shown["code"], code, "{shown:#}");
        said.ended(12);
        assert!(started.elapsed() < secs(15), "{code} took {:?}", started.elapsed());
    }
}

#[test]
fn what_cannot_be_right_is_refused_before_anything_is_sent_in_the_words_of_the_api() {
    let peer = Peer::registrar(challenged_once("lab"));
    let (uri, scene) = (peer.uri(), Scene::new());
    for (flag, field, value, code) in [
        ("--realm", "realm", "sip:lab", "registration.realm.malformed"),
        ("--realm", "realm", "\"lab\"", "registration.realm.malformed"),
        ("--algorithm", "algorithm", "SHA-1", "registration.algorithm.unknown"),
        ("--auth-user", "username", "a\nb", "registration.username.malformed"),
        ("--auth-user", "username", "u\u{a0}", "registration.whitespace"),
    ] {
        let (said, shown) = Verifier::of(&[&uri, "--user", "u", flag, value]).password("p").json();
        assert_eq!((&shown["code"], &shown["stage"]), (&json!(code), &json!("form")), "{shown:#}");
        said.ended(10);
        assert_eq!(shown["details"][0]["fieldName"], flag);
        let mut body = json!({"registrars": [uri], "addressOfRecord": "sip:u@lab", "credentials": {"username": "u", "password": "p"}});
        body["credentials"][field] = value.into();
        let refused = scene.api.post(&format!("{REGISTRATIONS}/verify"), &body).refused(400, code);
        let same = |text: &Value| text.as_str().unwrap_or_default().replace(&format!("credentials.{field}"), flag);
        for words in ["summary", "remedy"] {
            assert_eq!(same(&refused.json["diagnosis"][words]), same(&shown["diagnosis"][words]), "{value:?}");
        }
    }
    let (said, shown) = Verifier::of(&[&uri, "--user", "u"]).password("s3cret\u{200b}").json();
    said.ended(10);
    assert_eq!(shown["code"], "registration.whitespace");
    assert!(!shown.to_string().contains("s3cret"));
    Verifier::of(&[&uri, "--user", "u"]).password("").run().ended(10);
    assert!(peer.seen().is_empty(), "nothing was sent");
    Verifier::of(&[&uri, "--user", "u", "--accept-whitespace"]).password("s3cret\u{200b}").run().ended(0);
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_what_to_give() {
    let file = tempfile::NamedTempFile::new().expect("file");
    let path = file.path().to_string_lossy().into_owned();
    for (words, says) in [
        (&["sip:127.0.0.1", "--user", "u"][..], "--password-stdin"),
        (&["sip:127.0.0.1", "--challenge-only"], "--user"),
        (&["sips:127.0.0.1", "--user", "u", "--challenge-only", "--transport", "udp"], "demands TLS"),
        (&["sip:127.0.0.1", "--user", "u", "--password", "s3cret"], "--password"),
        (&["sip:127.0.0.1", "--user", "u", "--password-stdin", "--password-file", &path], "cannot be used with"),
        (&["sip:127.0.0.1", "--user", "u", "--timeout", "0"], "--timeout"),
        (&[], "SIP-URI"),
    ] {
        let said = Verifier::of(words).run().ended(2);
        assert!(said.err.contains(says) && said.out.is_empty(), "{words:?}: {}", said.err);
    }
    let said = Verifier::of(&["sip:127.0.0.1", "--user", "u", "--password-file", "/nowhere/password"]).run().ended(1);
    assert!(said.err.contains("/nowhere/password"), "{}", said.err);
}

#[test]
fn the_password_is_nowhere_but_on_the_wire_as_a_digest() {
    let kamailio = Kamailio::sha256();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let secret = Secret::new("alice", kamailio.realm(), PASSWORD);
    let mut told = String::new();
    for more in [&[][..], &["--json"], &["--report"], &["--by", "renew"]] {
        let said = Verifier::of(&alice_at(&kamailio, &uri, &aor, more)).password(PASSWORD).env("RUST_LOG", "trace").run().ended(0);
        told += &format!("{}{}", said.out, said.err);
    }
    secret.must_not_be_in("what was said", told.as_bytes());
    let digests: Vec<_> = kamailio.seen().into_iter().filter_map(|seen| seen.authorization).collect();
    assert!(digests.len() >= 4);
    for response in digests.iter().filter_map(|header| parameter(header, "response")) {
        assert!(!told.contains(response), "a digest response was shown");
    }

    let deaf = Peer::registrar(|_| None);
    let running = Verifier::of(&[&deaf.uri(), "--user", "alice"]).password(PASSWORD).start();
    wait::until_true("it asks", secs(10), || !deaf.registers().is_empty());
    for file in ["cmdline", "environ"] {
        let bytes = std::fs::read(format!("/proc/{}/{file}", running.id())).expect("procfs");
        secret.must_not_be_in(file, &bytes);
    }
    assert!(secret.must_not_be_under(running.temporary()) > 0, "its state was read");
    running.interrupt();
    running.end().ended(130);
}

#[test]
fn a_password_file_gives_its_first_line() {
    let kamailio = Kamailio::md5();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let file = tempfile::NamedTempFile::new().expect("file");
    std::fs::write(file.path(), format!("{PASSWORD}\r\nnotes\n")).expect("file");
    let path = file.path().to_string_lossy().into_owned();
    Verifier::of(&alice_at(&kamailio, &uri, &aor, &["--password-file", &path])).run().ended(0);
}

#[test]
fn ctrl_c_ends_it_at_once_and_leaves_nothing() {
    let deaf = Peer::registrar(|_| None);
    let running = Verifier::of(&[&deaf.uri(), "--user", "u"]).password("p").start();
    wait::until_true("it asks", secs(10), || !deaf.registers().is_empty());
    let at = Instant::now();
    running.interrupt();
    let said = running.end().ended(130);
    assert!(at.elapsed() < secs(4), "it took {:?}", at.elapsed());
    assert!(said.err.contains("interrupted"), "{}", said.err);
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    const RED: &str = "\u{1b}[31m";
    let peer = Peer::registrar(|request| Some(reply(request, 403, "Forbidden", "")));
    let (uri, words) = (peer.uri(), ["--user", "u", "--challenge-only"]);
    let words: Vec<&str> = [&[uri.as_str()], &words[..]].concat();
    let plain = Verifier::of(&words).run().ended(13);
    assert!(!plain.out.contains('\u{1b}') && !plain.err.contains('\u{1b}'), "a pipe gets no colours: {}", plain.out);
    assert!(Verifier::of(&[&words[..], &["--color", "always"]].concat()).run().ended(13).out.contains(RED));
    for (environment, coloured) in [("", true), ("NO_COLOR=1 ", false), ("TERM=dumb ", false)] {
        let shown = on_a_terminal(&format!("{environment}{} verify '{}'", env!("CARGO_BIN_EXE_trunkline"), words.join("' '")));
        assert!(shown.contains("sip.forbidden.before_challenge"), "{shown}");
        assert_eq!(shown.contains(RED), coloured, "{environment}: {shown}");
    }
}

/// What a command shows on a terminal of its own: script(1) gives it one.
fn on_a_terminal(command: &str) -> String {
    let output = Command::new("script")
        .args(["-qec", command, "/dev/null"])
        .env("TERM", "xterm")
        .env("LANG", "C.UTF-8")
        .env_remove("NO_COLOR")
        .output();
    String::from_utf8_lossy(&output.expect("script (util-linux)").stdout).into_owned()
}

#[test]
fn a_terminal_is_asked_for_the_password_without_echo() {
    let kamailio = Kamailio::md5();
    let (uri, aor) = (kamailio.uri(), aor(&kamailio));
    let words = alice_at(&kamailio, &uri, &aor, &[]).join("' '");
    let command =
        format!("(sleep 1; echo '{PASSWORD}'; sleep 3) | script -qec \"{} verify '{words}'\" /dev/null", env!("CARGO_BIN_EXE_trunkline"));
    let output = Command::new("sh").args(["-c", &command]).env("TERM", "xterm").env("LANG", "C.UTF-8").output().expect("sh");
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(shown.contains("Password of alice:") && shown.contains("PROVED"), "{shown}");
    Secret::new("alice", kamailio.realm(), PASSWORD).must_not_be_in("the terminal", shown.as_bytes());
}

#[test]
fn the_given_local_address_is_used_and_one_that_is_taken_is_named() {
    let peer = Peer::registrar(challenged_once("lab"));
    let local = loopback::next();
    let words = [peer.uri(), "--user".into(), "u".into(), "--local".into(), format!("udp:{local}:5099")];
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    Verifier::of(&words).password("p").run().ended(0);
    assert!(peer.seen().iter().all(|seen| seen.from == (local, 5099).into()), "{:?}", peer.seen());
    let taken = UdpSocket::bind((local, 5099)).expect("socket");
    let said = Verifier::of(&words).password("p").run().ended(1);
    assert!(said.err.contains("--local") && said.err.contains("5099"), "{}", said.err);
    drop(taken);
}
