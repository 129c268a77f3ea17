//! Failed digests: how many, by whom, and what is held (carriers.md, failed digests).

use diagnosis::Code;
use ua::*;

use crate::support::*;

fn fail(talk: &mut Talk, nonce: &str) {
    talk.we_send("REGISTER").with(no_digest()).they_say(challenge(nonce));
    talk.we_send("REGISTER").they_say(challenge(&format!("{nonce}'")));
}

fn held() -> Talk {
    let mut talk = talk(registration("alice"));
    fail(&mut talk, "a");
    talk.between(secs(30), secs(30));
    fail(&mut talk, "b");
    talk
}

// covers: failed digests
#[test]
fn two_failed_digests_hold_a_version() {
    let mut talk = held();
    talk.silent().then(RegistrationState::AuthHeld).diagnosed(Code::CredentialsRejected);
    assert_eq!(talk.status("alice").consecutive_failures, 2);
    assert_eq!(talk.refused(), [(1, true, false, Code::CredentialsRejected), (1, true, true, Code::CredentialsRejected)]);
    talk.silent_for(secs(100_000));
}

#[test]
fn a_version_that_replaced_another_and_is_refused_twice_says_that_both_may_be_wrong() {
    let setup = registration("alice").assignment(|assignment| assignment.previous = Some(credential("alice", 7, "old")));
    let mut talk = talk(setup);
    fail(&mut talk, "a");
    talk.between(secs(30), secs(30));
    fail(&mut talk, "b");
    talk.then(RegistrationState::AuthHeld).diagnosed(Code::BothRejected);
}

// covers: failed digests
#[test]
fn a_proven_version_that_failed_twice_does_not_fail_again_by_being_given_back() {
    // Seed 593 of the 2,000 nights.
    let setup = registration("alice").credential(|credential| credential.pinned = true);
    let again = setup.assignment.clone();
    let mut talk = talk(setup);
    fail(&mut talk, "a");
    talk.between(secs(30), secs(30));
    fail(&mut talk, "b");
    talk.then(RegistrationState::AuthHeld).withdraw("alice", Withdrawal::Forget).after(secs(300));
    talk.assign(Assignment { generation: Generation { number: 9, ..again.generation }, ..again });
    talk.we_send("REGISTER").with(no_digest()).they_say(challenge("c")).silent().then(RegistrationState::RetryWait);
    talk.between(secs(270), secs(280)).we_send("REGISTER").with(no_digest()).they_say(challenge("d"));
    talk.we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: failed digests, back-off
#[test]
fn a_version_that_was_accepted_before_waits_the_back_off_after_its_first_failure() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n", 3600);
    talk.between(secs(1800), secs(2700));
    fail(&mut talk, "a");
    talk.bound(true).then(RegistrationState::RetryWait).between(secs(30), secs(60));
    fail(&mut talk, "b");
    talk.bound(true).then(RegistrationState::AuthHeld);
    // It stops refreshing, and the lapse is told.
    talk.silent_for(secs(3600)).bound(false).then(RegistrationState::AuthHeld);
}

#[test]
fn a_released_hold_tries_again() {
    let mut talk = held();
    // Nor do three refusals in ten minutes fit the budget.
    talk.after(secs(600)).act("alice", Action::ReleaseHold);
    talk.we_send("REGISTER").they_say(challenge("n"));
    talk.we_send("REGISTER").they_say(ok()).then_bound().undiagnosed();
}

#[test]
fn a_new_secret_releases_the_hold() {
    let mut talk = held();
    let mut assignment = assignment("alice", 2);
    assignment.active = Some(credential("alice", 2, "new"));
    talk.after(secs(600)).assign(assignment).then(RegistrationState::Registering);
    talk.we_send("REGISTER").they_say(challenge("n"));
    talk.we_send("REGISTER").with(nonce("n").password("new")).they_say(ok()).then_bound();
}

#[test]
fn nothing_but_a_new_secret_or_a_release_moves_a_held_version() {
    let mut talk = held();
    talk.after(secs(600)).act("alice", Action::Refresh).silent();
    let mut changed = assignment("alice", 2);
    changed.account.expires = 600;
    talk.assign(changed).silent().then(RegistrationState::AuthHeld);
    talk.act("alice", Action::Unregister).act("alice", Action::Refresh).silent_for(secs(10_000));
    talk.assign(assignment("alice", 3)).silent_for(secs(10_000)).then(RegistrationState::AuthHeld);
    let mut profile = profile("carrier");
    profile.registrars = vec!["sip:b.test".into()];
    talk.command(Command::Carrier(Box::new(profile))).silent_for(secs(10_000));
}

#[test]
fn a_held_trunk_with_a_binding_can_still_be_removed() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n", 7200);
    talk.between(secs(3600), secs(5400));
    fail(&mut talk, "a");
    talk.between(secs(30), secs(60));
    fail(&mut talk, "b");
    talk.then(RegistrationState::AuthHeld).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).they_say(ok());
    assert_eq!(talk.forgotten(), [("alice".to_owned(), true)]);
}

#[test]
fn the_standby_is_tried_once_and_at_once() {
    let mut talk = talk(registration("alice").assignment(|assignment| assignment.standby = Some(credential("alice", 2, "standby"))));
    fail(&mut talk, "a");
    talk.we_send("REGISTER").with(no_digest()).they_say(challenge("b"));
    talk.we_send("REGISTER").with(nonce("b").password("standby")).they_say(ok()).then_bound().undiagnosed();
    assert_eq!(talk.accepted(), [2]);
    assert_eq!(talk.status("alice").credential_version, Some(2));
    // Promoted by the control plane: nothing is sent for it.
    let mut promoted = assignment("alice", 2);
    promoted.previous = promoted.active.take();
    promoted.active = Some(credential("alice", 2, "standby"));
    talk.assign(promoted).then_bound();
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("b").nc(2).password("standby"));
}

#[test]
fn a_standby_that_is_refused_too_is_not_tried_again() {
    let setup = registration("alice")
        .assignment(|assignment| assignment.standby = Some(credential("alice", 2, "standby")))
        .profile(|profile| profile.failure_budget.failures = 10);
    let mut talk = talk(setup);
    fail(&mut talk, "a");
    fail(&mut talk, "b");
    talk.silent().between(secs(30), secs(30)).we_send("REGISTER").they_say(challenge("c"));
    talk.we_send("REGISTER").with(nonce("c")).they_say(challenge("d"));
    talk.silent().then(RegistrationState::AuthHeld);
    let told: Vec<_> = talk.refused().into_iter().map(|(version, _, held, _)| (version, held)).collect();
    assert_eq!(told, [(1, false), (2, false), (1, true)]);
}

// covers: failed digests
#[test]
fn the_third_digest_in_ten_minutes_is_reserved_for_a_person() {
    let mut talk = talk(registration("alice").profile(|profile| profile.failure_budget.per_version = 9));
    fail(&mut talk, "a");
    talk.between(secs(30), secs(30));
    fail(&mut talk, "b");
    // The machine asks, gets its challenge, and sends no digest.
    talk.between(secs(30), secs(60)).we_send("REGISTER").they_say(challenge("c"));
    talk.silent().diagnosed(Code::BudgetSpent);
    talk.verify(order("v", "alice", "new"));
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(challenge("d"));
    talk.we_send("REGISTER").with(nonce("d").password("new")).they_say(challenge("e"));
    assert_eq!(talk.refusal().code, Code::CredentialsRejected);
    // Now it is spent for the person too.
    talk.verify(order("w", "alice", "newer"));
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(challenge("f"));
    let refusal = talk.refusal();
    assert_eq!(refusal.code, Code::BudgetSpent);
    assert!(refusal.evidence.retry_after.is_some_and(|seconds| seconds > 400 && seconds <= 600), "{refusal:?}");
    assert_eq!(refusal.evidence.credential_sent, Some(false));
    // And free again when its time has passed.
    talk.after(secs(601)).sent.clear();
    talk.verify(order("x", "alice", "newest"));
    talk.we_send("OPTIONS").we_send("REGISTER").they_say(challenge("g"));
    talk.we_send("REGISTER").with(nonce("g").password("newest"));
}

// covers: failed digests
#[test]
fn five_failures_of_anybody_in_a_minute_hold_new_secrets_and_let_refreshes_go_on() {
    let mut talk = talk(registration("proven"));
    talk.registers("n", 60);
    for user in ["a", "b", "c", "d", "e"] {
        talk.assign(assignment(user, 1));
        fail(&mut talk, user);
    }
    talk.verify(order("v", "nobody", "secret"));
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("v"));
    assert_eq!(talk.refusal().code, Code::BudgetSpent);
    let by_machine = VerifyOrder { by_person: false, ..order("w", "nobody", "secret") };
    talk.verify(by_machine).we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("w"));
    assert_eq!(talk.refusal().code, Code::BudgetSpent, "a bulk import is as new");
    talk.assign(assignment("f", 1)).we_send("REGISTER").they_say(challenge("f"));
    talk.silent();
    assert_eq!(talk.status("f").diagnosis.as_ref().unwrap().code, Code::BudgetSpent);
    talk.between(secs(24), secs(30)).we_send("REGISTER").with(nonce("n").nc(2)).they_say(challenge("o").stale());
    talk.we_send("REGISTER").with(nonce("o")).they_say(ok());
}

/// A trunk that goes on elsewhere with what was told to be kept.
fn started_anew(talk: &Talk, after: std::time::Duration) -> Talk {
    crate::support::talk(registration("alice").resumed(talk.saved("alice").clone(), talk.now + after))
}

#[test]
fn a_hold_survives_an_unclean_restart() {
    let first = held();
    let mut talk = started_anew(&first, secs(5));
    talk.silent_for(secs(100_000)).then(RegistrationState::AuthHeld).diagnosed(Code::CredentialsRejected);
    // And the restart after that.
    let mut talk = started_anew(&talk, secs(5));
    talk.silent_for(secs(100_000)).then(RegistrationState::AuthHeld);
    talk.act("alice", Action::ReleaseHold).we_send("REGISTER").they_say(challenge("n"));
    talk.we_send("REGISTER").they_say(ok()).then_bound().undiagnosed();
    assert_eq!(talk.saved("alice").failed, None);
}

#[test]
fn a_hold_of_a_bound_trunk_survives_an_orderly_restart_and_sends_no_refresh() {
    let mut first = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    first.registers("n", 3600);
    first.between(secs(1800), secs(2700));
    fail(&mut first, "a");
    first.between(secs(30), secs(60));
    fail(&mut first, "b");
    let kept = first.endpoint.snapshot().remove(0);
    let mut talk = talk(registration("alice").resumed(kept, first.now + secs(5)));
    talk.bound(true).then(RegistrationState::AuthHeld).silent_for(secs(10_000)).bound(false).then(RegistrationState::AuthHeld);
}

#[test]
fn one_failed_digest_is_remembered_over_a_restart_and_its_pause_is_waited_out() {
    let mut first = talk(registration("alice"));
    fail(&mut first, "a");
    let mut talk = started_anew(&first, secs(5));
    talk.silent().between(secs(25), secs(25));
    fail(&mut talk, "b");
    talk.then(RegistrationState::AuthHeld);
    assert_eq!(talk.refused(), [(1, true, true, Code::CredentialsRejected)]);
}

#[test]
fn a_new_secret_is_not_held_for_what_the_old_one_failed_before_the_restart() {
    let first = held();
    let setup = registration("alice").credential(|active| *active = credential("alice", 2, "new"));
    let mut talk = talk(setup.resumed(first.saved("alice").clone(), first.now + secs(5)));
    talk.we_send("REGISTER").they_say(challenge("n"));
    talk.we_send("REGISTER").with(nonce("n").password("new")).they_say(ok()).then_bound();
}

#[test]
fn a_digest_that_fails_on_a_removal_counts_for_the_version() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n", 7200).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).they_say(challenge("a"));
    talk.we_send("REGISTER").with(removal()).they_say(challenge("b")).silent();
    // Wanted again: one more digest, not two.
    talk.assign(assignment("alice", 2));
    fail(&mut talk, "c");
    talk.silent_for(secs(600)).then(RegistrationState::AuthHeld);
}

/// Assigns so many trunks at once and challenges each; returns what they send then.
fn all_at_once(talk: &mut Talk, users: &[&str], change: impl Fn(&mut Credential)) -> Vec<Sent> {
    for &user in users {
        let mut assignment = assignment(user, 1);
        change(assignment.active.as_mut().expect("credentials"));
        talk.assign(assignment);
    }
    let asked: Vec<Sent> = talk.sent.drain(..).collect();
    assert_eq!(asked.len(), users.len(), "each asks once, unauthenticated");
    for (n, request) in asked.iter().enumerate() {
        talk.about(request.clone()).they_say(challenge(&format!("n{n}")));
    }
    talk.sent.drain(..).collect()
}

// covers: failed digests
#[test]
fn trunks_of_one_user_name_that_start_at_once_send_no_more_digests_than_the_budget_allows() {
    let setup = registration("idle");
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile.clone())));
    let first = all_at_once(&mut talk, &["a", "b", "c", "d", "e"], |credential| credential.username = "shared".into());
    assert_eq!(first.len(), 2, "one of three is a person's");
    // While these are out a person may still try.
    talk.verify(VerifyOrder { credential: Some(credential("shared", 2, "new")), ..order("v", "a", "new") });
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("v"));
    let persons = talk.we_send("REGISTER").with(nonce("v").password("new")).request().clone();
    for request in &first {
        talk.about(request.clone()).they_say(challenge("again")).silent();
    }
    for held in ["c", "d", "e"] {
        assert_eq!(talk.status(held).diagnosis.as_ref().expect("told").code, Code::BudgetSpent);
    }
    talk.about(persons).they_say(challenge("again")).silent();
}

// covers: failed digests
#[test]
fn trunks_of_one_user_name_follow_one_another_where_the_secret_is_right() {
    let setup = registration("idle");
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile.clone())));
    let users = ["a", "b", "c", "d", "e"];
    let mut out = all_at_once(&mut talk, &users, |credential| credential.username = "shared".into());
    assert_eq!(out.len(), 2);
    while let Some(request) = out.pop() {
        talk.about(request).they_say(ok());
        out.extend(talk.sent.drain(..));
        assert!(out.len() <= 2);
    }
    for user in users {
        assert!(talk.status(user).bound, "{user}");
    }
}

// covers: failed digests
#[test]
fn of_many_new_secrets_that_are_refused_no_more_than_five_go_out() {
    let setup = registration("idle");
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile.clone())));
    let users = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let first = all_at_once(&mut talk, &users, |_| ());
    assert_eq!(first.len(), 5);
    for (n, request) in first.into_iter().enumerate() {
        talk.about(request).they_say(challenge(&format!("no{n}"))).silent();
    }
    for held in &users[5..] {
        assert_eq!(talk.status(held).diagnosis.as_ref().expect("told").code, Code::BudgetSpent);
    }
}

// covers: failed digests
#[test]
fn new_secrets_that_are_accepted_let_more_and_more_go_out() {
    let setup = registration("idle");
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile.clone())));
    let names: Vec<String> = (0..200).map(|n| format!("u{n}")).collect();
    let users: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut out = all_at_once(&mut talk, &users, |_| ());
    let mut rounds = Vec::new();
    while !out.is_empty() {
        rounds.push(out.len());
        for request in std::mem::take(&mut out) {
            talk.about(request).they_say(ok());
        }
        out.extend(talk.sent.drain(..));
    }
    assert_eq!(rounds, [5, 10, 20, 40, 80, 45]);
    assert!(users.iter().all(|user| talk.status(user).bound));
}

// covers: failed digests
#[test]
fn digests_that_nobody_answers_make_room_for_others_in_the_end() {
    let setup = registration("idle");
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile.clone())));
    let first = all_at_once(&mut talk, &["a", "b", "c", "d", "e", "f"], |_| ());
    assert_eq!(first.len(), 5);
    talk.withdraw("a", Withdrawal::Forget);
    // Its digest is nobody's any more.
    talk.we_send("REGISTER").with(nonce("n5")).they_say(ok());
    assert!(talk.status("f").bound);
    talk.verify(order("v", "nobody", "secret"));
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("v"));
    talk.we_send("REGISTER").with(nonce("v").password("secret")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

// covers: failed digests
#[test]
fn a_verification_waits_for_its_turn_and_says_so_where_none_comes() {
    let setup = registration("idle");
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile.clone())));
    let first = all_at_once(&mut talk, &["a", "b", "c", "d", "e"], |_| ());
    assert_eq!(first.len(), 5);
    talk.verify(VerifyOrder { patience: secs(5), ..order("late", "nobody", "secret") });
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("v")).silent();
    talk.after(secs(6)).sent.clear();
    let refusal = talk.refusal();
    assert_eq!((refusal.code, refusal.evidence.credential_sent), (Code::BudgetSpent, Some(false)));
    talk.verify(order("next", "nobody", "secret"));
    talk.we_send("OPTIONS").they_say(status(200, "OK")).we_send("REGISTER").they_say(challenge("w")).silent();
    talk.about(first[0].clone()).they_say(ok());
    talk.we_send("REGISTER").with(nonce("w").password("secret")).they_say(ok());
    assert!(matches!(talk.verdict().outcome, Outcome::Proved));
}

// covers: failed digests
#[test]
fn what_others_guess_wrong_for_a_user_name_ends_no_binding_that_works() {
    let guess = |talk: &mut Talk, id: &str| {
        talk.verify(order(id, "alice", "guess")).we_send("OPTIONS").they_say(status(200, "OK"));
        talk.we_send("REGISTER").they_say(challenge(id));
        talk.we_send("REGISTER").they_say(challenge("no"));
        assert_eq!(talk.refusal().code, Code::CredentialsRejected);
    };
    // A version that was accepted, and one that a verification has proven: their digests ask nobody.
    let mut accepted = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    accepted.registers("n", 600).then_bound();
    ["v", "w", "x"].iter().for_each(|id| guess(&mut accepted, id));
    accepted.between(secs(300), secs(450)).registers("m", 600).then_bound();
    let setup = registration("alice").credential(|credential| credential.pinned = true);
    let mut proven = Talk::idle(&setup);
    proven.command(Command::Carrier(Box::new(setup.profile.clone())));
    ["v", "w", "x"].iter().for_each(|id| guess(&mut proven, id));
    proven.assign(setup.assignment).registers("n", 600).then_bound();
}

#[test]
fn a_standby_that_is_promoted_by_hand_is_used_at_once() {
    let mut talk = talk(registration("alice").assignment(|assignment| assignment.standby = Some(credential("alice", 2, "standby"))));
    talk.registers("n1", 3600);
    let mut promoted = assignment("alice", 2);
    promoted.previous = promoted.active.take();
    promoted.active = Some(credential("alice", 2, "standby"));
    talk.assign(promoted).we_send("REGISTER").with(no_digest()).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2").password("standby")).they_say(ok()).then_bound();
    assert_eq!(talk.accepted(), [1, 2]);
}

#[test]
fn a_standby_in_use_stays_in_use_until_a_new_secret_comes_which_is_used_at_once() {
    let with_standby = |assignment: &mut Assignment| assignment.standby = Some(credential("alice", 2, "standby"));
    let mut talk = talk(registration("alice").assignment(with_standby));
    fail(&mut talk, "a");
    talk.we_send("REGISTER").they_say(challenge("b"));
    talk.we_send("REGISTER").with(nonce("b").password("standby")).they_say(ok()).then_bound();
    let mut same = assignment("alice", 2);
    with_standby(&mut same);
    talk.assign(same).then_bound();
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("b").nc(2).password("standby")).they_say(ok()).then_bound();
    let mut renewed = assignment("alice", 3);
    renewed.active = Some(credential("alice", 3, "new"));
    with_standby(&mut renewed);
    talk.assign(renewed).we_send("REGISTER").with(no_digest()).they_say(challenge("c"));
    talk.we_send("REGISTER").with(nonce("c").password("new")).they_say(ok()).then_bound();
}

#[test]
fn a_standby_that_replaces_a_refused_one_is_tried() {
    let budget = FailureBudget { failures: 10, window: secs(600), per_version: 9 };
    let setup = registration("alice").profile(|profile| profile.failure_budget = budget);
    let mut talk = talk(setup.assignment(|assignment| assignment.standby = Some(credential("alice", 2, "standby"))));
    fail(&mut talk, "a");
    fail(&mut talk, "b");
    let mut other = assignment("alice", 2);
    other.standby = Some(credential("alice", 3, "third"));
    talk.assign(other).silent().between(secs(30), secs(30));
    fail(&mut talk, "c");
    talk.we_send("REGISTER").they_say(challenge("d"));
    talk.we_send("REGISTER").with(nonce("d").password("third")).they_say(ok()).then_bound();
}

#[test]
fn a_refresh_by_hand_does_not_move_a_held_version_though_more_failures_are_allowed_by_now() {
    let mut talk = held();
    let mut profile = profile("carrier");
    profile.failure_budget.per_version = 5;
    talk.after(secs(600)).command(Command::Carrier(Box::new(profile)));
    talk.act("alice", Action::Refresh).silent_for(secs(10_000)).then(RegistrationState::AuthHeld);
}

// covers: failed digests
#[test]
fn a_pause_that_is_over_when_the_edge_starts_anew_is_waited_no_longer() {
    let mut first = talk(registration("alice"));
    fail(&mut first, "a");
    for passed in [30, 40] {
        let mut talk = started_anew(&first, secs(passed));
        let waits = talk.take(|event| match event {
            Event::Status(status) => Some(status.state == RegistrationState::RetryWait),
            _ => None,
        });
        assert!(!waits.contains(&true), "{passed} s");
        fail(&mut talk, "b");
        talk.then(RegistrationState::AuthHeld);
    }
}

#[test]
fn a_standby_that_was_refused_is_tried_again_once_the_active_version_has_worked() {
    let budget = FailureBudget { failures: 20, window: secs(600), per_version: 9 };
    let setup = registration("alice").profile(|profile| profile.failure_budget = budget);
    let mut talk = talk(setup.assignment(|assignment| assignment.standby = Some(credential("alice", 2, "standby"))));
    fail(&mut talk, "a");
    fail(&mut talk, "b");
    talk.silent().between(secs(30), secs(30));
    talk.registers("c", 3600).then_bound();
    talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(nonce("c")).they_say(challenge("d"));
    talk.we_send("REGISTER").with(nonce("d")).they_say(challenge("e"));
    talk.we_send("REGISTER").they_say(challenge("f"));
    talk.we_send("REGISTER").with(nonce("f").password("standby")).they_say(ok()).then_bound();
}
