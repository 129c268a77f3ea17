//! What a carrier does otherwise than when it last accepted the same credentials.

use diagnosis::Challenge;

use crate::{Drift, Negotiated};

/// Stands where a carrier asked for no digest.
const UNASKED: &str = "(no challenge)";
/// Stands where a challenge had no qop (RFC 2069).
const NO_QOP: &str = "(none)";

/// Compares the terms of two acceptances; absent where the carrier asked for no digest.
pub fn of_terms(before: Option<&Negotiated>, after: Option<&Negotiated>) -> Vec<Drift> {
    match (before, after) {
        (None, None) => Vec::new(),
        (Some(before), Some(after)) => [
            change("realm", &before.realm, &after.realm),
            change("algorithm", &before.algorithm, &after.algorithm),
            change("qop", before.qop.as_deref().unwrap_or(NO_QOP), after.qop.as_deref().unwrap_or(NO_QOP)),
            changed_list("offered", &before.offered, &after.offered),
        ]
        .into_iter()
        .flatten()
        .collect(),
        (None, Some(after)) => vec![Drift { what: "offered", before: UNASKED.into(), after: after.offered.join(", ") }],
        (Some(before), None) => vec![Drift { what: "offered", before: before.offered.join(", "), after: UNASKED.into() }],
    }
}

/// Compares the terms of the last acceptance with challenges that led to none.
pub fn of_challenges(before: &Negotiated, seen: &[Challenge]) -> Vec<Drift> {
    let own: Vec<&Challenge> = match seen.iter().any(|challenge| !challenge.proxy) {
        true => seen.iter().filter(|challenge| !challenge.proxy).collect(),
        false => seen.iter().collect(),
    };
    if own.is_empty() {
        return Vec::new();
    }
    let of_realm: Vec<&Challenge> = own.iter().copied().filter(|challenge| challenge.realm == before.realm).collect();
    if of_realm.is_empty() {
        let mut realms: Vec<&str> = own.iter().map(|challenge| challenge.realm.as_str()).collect();
        realms.dedup();
        return change("realm", &before.realm, &realms.join(", ")).into_iter().collect();
    }
    let offered: Vec<String> = of_realm.iter().map(|challenge| challenge.algorithm.clone()).collect();
    let same = of_realm.iter().find(|challenge| challenge.algorithm == before.algorithm);
    let qop = same.and_then(|same| match &before.qop {
        Some(qop) if same.qop.contains(qop) => None,
        None if same.qop.is_empty() => None,
        before if same.qop.is_empty() => change("qop", before.as_deref().unwrap_or(NO_QOP), NO_QOP),
        before => change("qop", before.as_deref().unwrap_or(NO_QOP), &same.qop.join(", ")),
    });
    [changed_list("offered", &before.offered, &offered), qop].into_iter().flatten().collect()
}

/// Tells whether [`of_grant`] finds a change.
pub fn is_of_grant(before: u32, after: u32) -> bool {
    before.abs_diff(after) > before / 10
}

/// Compares the seconds granted with those noted before. A tenth more or less is no change: some registrars spread what they grant.
pub fn of_grant(before: u32, after: u32) -> Option<Drift> {
    is_of_grant(before, after).then(|| Drift { what: "expires", before: before.to_string(), after: after.to_string() })
}

fn change(what: &'static str, before: &str, after: &str) -> Option<Drift> {
    (before != after).then(|| Drift { what, before: before.to_owned(), after: after.to_owned() })
}

fn changed_list(what: &'static str, before: &[String], after: &[String]) -> Option<Drift> {
    (before != after).then(|| Drift { what, before: before.join(", "), after: after.join(", ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(realm: &str, algorithm: &str, qop: Option<&str>, offered: &[&str]) -> Negotiated {
        Negotiated {
            realm: realm.into(),
            algorithm: algorithm.into(),
            qop: qop.map(str::to_owned),
            offered: offered.iter().map(|&one| one.to_owned()).collect(),
        }
    }

    fn told(drifts: Vec<Drift>) -> Vec<(&'static str, String, String)> {
        drifts.into_iter().map(|Drift { what, before, after }| (what, before, after)).collect()
    }

    fn one(what: &'static str, before: &str, after: &str) -> (&'static str, String, String) {
        (what, before.to_owned(), after.to_owned())
    }

    #[test]
    fn each_term_that_differs_is_named() {
        let before = terms("a", "MD5", Some("auth"), &["MD5"]);
        let after = terms("b", "SHA-256", None, &["SHA-256", "MD5"]);
        assert_eq!(
            told(of_terms(Some(&before), Some(&after))),
            [
                one("realm", "a", "b"),
                one("algorithm", "MD5", "SHA-256"),
                one("qop", "auth", "(none)"),
                one("offered", "MD5", "SHA-256, MD5")
            ]
        );
        assert!(of_terms(Some(&before), Some(&before)).is_empty() && of_terms(None, None).is_empty());
        assert_eq!(told(of_terms(None, Some(&before))), [one("offered", "(no challenge)", "MD5")]);
        assert_eq!(told(of_terms(Some(&before), None)), [one("offered", "MD5", "(no challenge)")]);
    }

    #[test]
    fn a_challenge_that_is_refused_is_compared_too() {
        let before = terms("a", "MD5", Some("auth"), &["MD5"]);
        let challenge = |realm: &str, algorithm: &str, qop: &[&str], proxy| Challenge {
            realm: realm.into(),
            algorithm: algorithm.into(),
            qop: qop.iter().map(|&one| one.to_owned()).collect(),
            stale: false,
            proxy,
        };
        let table = [
            (vec![], vec![]),
            (vec![challenge("a", "MD5", &["auth"], false)], vec![]),
            (vec![challenge("b", "MD5", &["auth"], false), challenge("b", "SHA-256", &[], false)], vec![one("realm", "a", "b")]),
            (vec![challenge("a", "SHA-256", &["auth"], false)], vec![one("offered", "MD5", "SHA-256")]),
            (vec![challenge("a", "MD5", &["auth-int"], false)], vec![one("qop", "auth", "auth-int")]),
            (vec![challenge("a", "MD5", &[], false)], vec![one("qop", "auth", "(none)")]),
            (vec![challenge("p", "MD5", &[], true), challenge("a", "MD5", &["auth", "auth-int"], false)], vec![]),
        ];
        for (seen, wanted) in table {
            assert_eq!(told(of_challenges(&before, &seen)), wanted, "{seen:?}");
        }
    }

    #[test]
    fn a_grant_that_wavers_is_no_change() {
        for (before, after, changed) in [(3600, 3600, false), (3600, 3300, false), (3600, 600, true), (60, 67, true), (5, 6, true)] {
            assert_eq!(of_grant(before, after).is_some(), changed, "{before} {after}");
        }
    }
}
