//! What was compared and held before a digest was sent.

use diagnosis::Check;
use sip::digest::Algorithm;

use crate::DigestPolicy;
use crate::challenge::Choice;

/// Returns the comparisons that a choice has passed: the realm, what was asked for against what is offered, and the policy.
pub(crate) fn terms(realm: Option<&str>, asked: Option<Algorithm>, policy: &DigestPolicy, choice: &Choice) -> [Check; 3] {
    let allowed: Vec<&str> = policy.allowed.iter().map(|&hash| Algorithm { hash, session: false }.as_str()).collect();
    [
        Check::compared("realm.equal", true, realm.unwrap_or("(learned)"), &choice.realm),
        Check::compared("algorithm.offered", true, asked.map_or("(any)", Algorithm::as_str), choice.offered.join(", ")),
        Check::compared("algorithm.allowed", true, allowed.join(", "), choice.algorithm.as_str()),
    ]
}
