//! What a bound registration is warned of.

use diagnosis::Code;
use sip::digest::{Algorithm, Hash};
use ua::*;

use crate::support::*;

fn listing(contacts: &str) -> Says {
    ok().listing_nothing().header("Contact", contacts)
}

// covers: C21
#[test]
fn terms_are_warned_of_by_their_algorithm_and_by_what_was_agreed_before() {
    let sha = |credential: &mut Credential| {
        (credential.algorithm, credential.pinned) = (Some(Algorithm::from_token("SHA-256").unwrap()), true);
    };
    let qop = |credential: &mut Credential| credential.qop = true;
    let nothing = |_: &mut Credential| {};
    type Terms = (fn(&mut Credential), &'static str, &'static str, &'static [Code]);
    let table: [Terms; 7] = [
        (nothing, "MD5", "auth", &[Code::AlgorithmWeak]),
        (nothing, "SHA-256", "auth", &[]),
        (nothing, "SHA-256", "", &[]),
        (qop, "SHA-256", "auth", &[]),
        (qop, "SHA-256", "", &[Code::AlgorithmDowngraded]),
        (sha, "SHA-256", "auth", &[]),
        (sha, "MD5", "auth", &[Code::AlgorithmWeak, Code::AlgorithmDowngraded]),
    ];
    for (agreed, algorithm, qop, warnings) in table {
        let setup = registration("alice").credential(agreed);
        let mut talk = talk(setup.assignment(|assignment| assignment.policy.on_downgrade = OnDowngrade::Warn));
        talk.we_send("REGISTER").they_say(challenge("n").algorithm(algorithm).qop(qop));
        talk.we_send("REGISTER").they_say(ok()).then_bound();
        assert_eq!(talk.status("alice").warnings, warnings, "{algorithm} {qop}");
    }
}

// covers: B4a, F4
#[test]
fn twenty_seconds_can_be_sustained_and_an_hour_is_not_long() {
    for (seconds, warned) in [(20, false), (19, true)] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(ok().expires(seconds)).then_bound();
        assert_eq!(talk.status("alice").warnings.contains(&Code::IntervalUnsustainable), warned, "{seconds}");
    }
    for (seconds, warned) in [(3600, false), (3601, true), (86_400, true)] {
        let mut talk = talk(registration("alice").account(|account| account.expires = 60));
        talk.we_send("REGISTER").they_say(status(423, "Interval Too Brief").header("Min-Expires", &seconds.to_string()));
        talk.we_send("REGISTER").with(contact("sip:alice@192.0.2.10:5060", seconds)).they_say(ok()).then_bound();
        assert_eq!(talk.status("alice").warnings.contains(&Code::IntervalLong), warned, "{seconds}");
    }
}

// covers: B2, B3a
#[test]
fn what_was_listed_otherwise_is_warned_of_until_it_is_listed_as_it_was_sent() {
    for (says, code) in [
        (status(200, "OK").header("Expires", "600"), Code::BindingUnlisted),
        (listing("<sip:alice@203.0.113.5:41000>;expires=600"), Code::ContactRewritten),
    ] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(challenge("n"));
        talk.we_send("REGISTER").they_say(says.clone()).then_bound();
        assert_eq!(talk.status("alice").warnings, [Code::AlgorithmWeak, code]);
        let mut refresh = |says: Says, warnings: &[Code]| {
            talk.between(secs(300), secs(450)).we_send("REGISTER").they_say(says).then_bound();
            assert_eq!(talk.status("alice").warnings, warnings);
        };
        for _ in 0..2 {
            refresh(says.clone(), &[Code::AlgorithmWeak, code]);
            refresh(says.clone(), &[Code::AlgorithmWeak, code]);
            refresh(ok().expires(600), &[Code::AlgorithmWeak]);
            refresh(ok().expires(600), &[Code::AlgorithmWeak]);
        }
    }
}

#[test]
fn a_changed_policy_takes_no_warning_away_that_is_none_of_its_own() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(challenge("n"));
    talk.we_send("REGISTER").they_say(listing("<sip:alice@203.0.113.5:41000>;expires=600")).then_bound();
    let mut changed = assignment("alice", 2);
    changed.policy = policy(&[Hash::Sha256]);
    talk.assign(changed).then_bound();
    let warnings = &talk.status("alice").warnings;
    assert_eq!(*warnings, [Code::AlgorithmWeak, Code::AlgorithmDisallowedActive, Code::ContactRewritten]);
}
