//! The story that the design begins with.

use std::collections::HashSet;

use crate::support::story;

// covers: C8, C13, F1, F3, N3; Kamailio
#[test]
fn realm_algorithm_policy_password_address_user_and_a_dropped_register_are_told_apart_in_one_call_each() {
    let told = story::tell();
    let codes: HashSet<&str> = told.iter().map(|told| told.answer.code()).collect();
    assert_eq!(codes.len(), story::CHAPTERS.len());
    let remedies: HashSet<&str> = told.iter().map(|told| told.said("remedy")).collect();
    assert_eq!(remedies.len(), story::CHAPTERS.len());
}
