use std::ops::RangeInclusive;

use carrier::{Account, Refusal, Registrar, Which};
use diagnosis::Code;
use link::{Action, ContactReplacement, FromEdge, Outcome, RegistrationState, ToEdge, TrunkStatus, VerifyBy, Withdrawal};

use crate::stage::{PASSWORD, Stage, registrar, tuned, user};

/// Seconds for which the binding was granted, as far as the status tells: one less where a second began meanwhile.
fn granted(status: &TrunkStatus) -> i64 {
    (status.expires_at.expect("bound") - status.registered_at.expect("bound") + 500_000) / 1_000_000
}

/// When it is refreshed, in seconds from now on.
fn refreshes_in(status: &TrunkStatus) -> i64 {
    (status.next_action_at.expect("bound") - status.registered_at.expect("bound")) / 1_000_000
}

fn about(seconds: i64) -> RangeInclusive<i64> {
    seconds - 2..=seconds
}

// covers: B9, RFC 3608 6.1, RFC 3327 5.1; lab
#[test]
fn service_route_and_associated_uris_are_shown_and_the_latest_2xx_replaces_them() {
    let says = [
        "Service-Route: <sip:orig@scscf.example;lr>, <sip:second.example;lr>",
        "P-Associated-URI: <tel:+6221500004>",
        "Path: <sip:edge.example;lr>",
    ];
    let mut stage = Stage::new(vec![tuned(&["B9"], |t| t.ok_headers = says.map(str::to_owned).to_vec())]);
    stage.register("B9");
    let status = stage.bound("B9");
    assert_eq!(status.service_route, ["<sip:orig@scscf.example;lr>, <sip:second.example;lr>"]);
    assert_eq!(status.associated_uris, ["<tel:+6221500004>"]);
    stage.carrier("B9").temperament_mut().ok_headers = vec!["Service-Route: <sip:other.example;lr>".into()];
    let status = stage.refresh("B9");
    assert_eq!((status.service_route, status.associated_uris), (vec!["<sip:other.example;lr>".to_owned()], Vec::new()));
    stage.carrier("B9").temperament_mut().ok_headers.clear();
    assert!(stage.refresh("B9").service_route.is_empty(), "nothing replaces it too");
}

// covers: B1, B2, B3a, B4, B4a, RFC 3261 10.2.1, RFC 3261 10.2.4; lab
#[test]
fn what_is_granted_counts_wherever_it_is_said_and_ours_is_found_among_others() {
    let table: [(&str, i64, RangeInclusive<i64>, Option<Code>); 10] = [
        ("B1", 120, 47..=60, None),
        ("B1-expires", 120, 47..=60, None),
        ("B1-more", 7200, 3599..=5400, None),
        ("B2", 600, 299..=450, None),
        ("B2-natted", 600, 299..=450, None),
        ("B2-shouted", 600, 299..=450, None),
        ("B3a", 600, 299..=450, Some(Code::BindingUnlisted)),
        ("B4", 60, 23..=30, None),
        ("B4a", 15, 9..=10, Some(Code::IntervalUnsustainable)),
        ("B9", 600, 299..=450, None),
    ];
    let mut stage = Stage::new(table.iter().map(|(row, ..)| registrar(&[row])).collect());
    table.iter().for_each(|(row, ..)| stage.register(row));
    for (row, seconds, refresh, warning) in table {
        let status = stage.bound(row);
        assert!(about(seconds).contains(&granted(&status)), "{row}: {}", granted(&status));
        assert!(refresh.contains(&refreshes_in(&status)), "{row}: {}", refreshes_in(&status));
        let own: Vec<Code> = status.warnings.iter().copied().filter(|code| *code != Code::AlgorithmWeak).collect();
        assert_eq!(own, warning.into_iter().collect::<Vec<_>>(), "{row}");
    }
}

// covers: B2, N5; lab
#[test]
fn a_contact_that_is_rewritten_behind_nat_is_ours_and_told() {
    let mut stage = Stage::new(vec![registrar(&["B2-natted", "N5"])]);
    stage.register("B2-natted+N5");
    let status = stage.bound("B2-natted+N5");
    assert_eq!(status.public_address.as_deref(), Some("203.0.113.7:40000"));
    assert!(status.warnings.contains(&Code::ContactRewritten), "{:?}", status.warnings);
}

// covers: N5, B12, RFC 3581 3; lab
#[test]
fn behind_nat_the_public_address_is_registered_where_the_profile_says_so() {
    let mut stage = Stage::of_rows(&["N5"]);
    let mut profile = stage.profile("N5");
    profile.manners.nat_rewrite = true;
    stage.register_as(profile, stage.assignment("N5"));
    stage.until("the public Contact alone", "N5", |carrier| {
        let bindings = carrier.bindings(std::time::Instant::now(), "N5");
        matches!(bindings.as_slice(), [one] if one.contact == "sip:N5@203.0.113.7:40000")
    });
    let status = stage.status("N5", |status| status.bound && status.refreshes >= 1);
    assert_eq!(status.public_address.as_deref(), Some("203.0.113.7:40000"));
    let contacts: Vec<String> =
        stage.carrier("N5").log().filter(|seen| seen.answer == Some(200)).filter_map(|seen| seen.contact.clone()).collect();
    assert_eq!(contacts.len(), 3, "bound, bound anew, the old one removed: {contacts:?}");
}

// covers: N5; lab
#[test]
fn the_public_address_survives_a_restart_and_nothing_is_bound_anew_for_it() {
    let mut stage = Stage::of_rows(&["N5"]);
    let order = |stage: &Stage| {
        let mut profile = stage.profile("N5");
        profile.manners.nat_rewrite = true;
        stage.register_as(profile, stage.assignment("N5"));
    };
    order(&stage);
    stage.until("the public Contact alone", "N5", |carrier| {
        let bindings = carrier.bindings(std::time::Instant::now(), "N5");
        matches!(bindings.as_slice(), [one] if one.contact == "sip:N5@203.0.113.7:40000")
    });
    stage.status("N5", |status| status.bound && status.refreshes >= 1);
    let before = stage.counters("N5");
    let mut stage = stage.restarted();
    order(&stage);
    let status = stage.bound("N5");
    assert_eq!(status.public_address.as_deref(), Some("203.0.113.7:40000"), "known before anything is answered");
    // What is renewed is what is bound: no other Contact, and no un-REGISTER of one.
    stage.act("N5", Action::Refresh);
    stage.status("N5", |status| status.refreshes > 0);
    let after = stage.counters("N5");
    assert_eq!((after.removals, after.accepted), (before.removals, before.accepted + 1));
    let last = stage.carrier("N5").log().rev().find_map(|seen| seen.contact.clone()).expect("a REGISTER");
    assert!(last.starts_with("sip:N5@203.0.113.7:40000") || last.contains("<sip:N5@203.0.113.7:40000>"), "{last}");
}

// covers: B3, B4a, B5; lab
#[test]
fn a_200_that_binds_nothing_is_no_registration() {
    let mut stage = Stage::of_rows(&["B3", "B4a-zero"]);
    stage.register("B3");
    stage.register("B4a-zero");
    let diagnosis = stage.refused("B3", Code::BindingMissing).diagnosis.expect("refused");
    assert!(diagnosis.summary.contains("192.0.2.7"), "{}", diagnosis.summary);
    let status = stage.refused("B4a-zero", Code::BindingMissing);
    assert!(!status.bound && status.state == RegistrationState::RetryWait);
}

// covers: B5; lab
#[test]
fn a_binding_that_another_takes_is_contested() {
    let mut stage = Stage::new(vec![registrar(&["B5"]), registrar(&["B5", "C1"])]);
    stage.register("B5");
    let mut profile = stage.profile("B5+C1");
    profile.manners.binding_limit = Some(1);
    stage.register_as(profile, stage.assignment("B5+C1"));
    stage.bound("B5");
    stage.bound("B5+C1");
    // Gone: the registrar lists another's in its place. Beside: it lists another's too, where there is room for one.
    stage.carrier("B5").temperament_mut().lists = carrier::Listing::OthersOnly;
    for row in ["B5", "B5+C1"] {
        stage.carrier(row).temperament_mut().lists_also = vec!["<sip:pbx@192.0.2.77:5060>;expires=300".into()];
    }
    stage.act("B5", Action::Refresh);
    let gone = stage.refused("B5", Code::BindingMissing);
    assert!(!gone.bound && gone.warnings.contains(&Code::BindingContested), "{gone:?}");
    let beside = stage.refresh("B5+C1");
    assert!(beside.bound && beside.warnings.contains(&Code::BindingContested), "{beside:?}");
    stage.carrier("B5+C1").temperament_mut().lists_also.clear();
    assert!(!stage.refresh("B5+C1").warnings.contains(&Code::BindingContested), "over");
}

// covers: B6; lab
#[test]
fn a_limit_of_bindings_is_told_as_such() {
    let mut stage = Stage::new(vec![tuned(&["B6"], |t| t.binding_limit = Some(0))]);
    stage.register("B6");
    let status = stage.refused("B6", Code::BindingLimit);
    assert!(!status.bound);
}

// covers: B6; lab
#[test]
fn a_carrier_that_counts_by_source_port_is_met_from_several_and_a_trunk_stays_at_its_own() {
    let names: Vec<String> = (1..=8).map(|n| format!("b6-{n}")).collect();
    let crowd = |rows: &[&str]| {
        let mut registrar = registrar(rows);
        registrar.accounts = names.iter().map(|name| Account::new(name, PASSWORD)).collect();
        registrar
    };
    let mut stage = Stage::listening(&["udp:127.0.0.1:0"; 4], vec![crowd(&["B6-port"]), crowd(&["B6-port", "C1"])]);
    let mut spread = stage.profile("B6-port");
    spread.manners.source_ports = 4;
    stage.lab.order(ToEdge::Carrier(Box::new(spread)));
    names.iter().for_each(|name| stage.lab.assign(name, "B6-port", PASSWORD));
    let ports = |stage: &Stage| -> Vec<u16> {
        let carrier = stage.carrier("B6-port");
        let now = std::time::Instant::now();
        names.iter().map(|name| carrier.bindings(now, name).first().expect("bound").source.port()).collect()
    };
    for name in &names {
        stage.bound(name);
    }
    let first = ports(&stage);
    let mut distinct = first.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 2, "{first:?}");
    for name in &names {
        stage.refresh(name);
    }
    assert_eq!(ports(&stage), first, "a trunk stays where it is");
    // From one port there is room for four.
    let mut stage = Stage::new(vec![crowd(&["B6-port"])]);
    stage.lab.order(ToEdge::Carrier(Box::new(stage.profile("B6-port"))));
    for name in &names[..4] {
        stage.lab.assign(name, "B6-port", PASSWORD);
        stage.bound(name);
    }
    stage.lab.assign(&names[4], "B6-port", PASSWORD);
    let status = stage.refused(&names[4], Code::BindingLimit);
    assert!(!status.bound);
}

// covers: B7, RFC 3261 10.2.2; lab
#[test]
fn the_challenge_to_an_un_register_is_answered() {
    let mut stage = Stage::of_rows(&["B7"]);
    stage.register("B7");
    stage.bound("B7");
    stage.lab.order(ToEdge::Withdraw { trunk: user("B7"), how: Withdrawal::Unregister });
    stage.lab.report("unregistered", |report| matches!(report, FromEdge::Unregistered { .. }).then_some(()));
    assert_eq!(stage.carrier("B7").bindings_total(std::time::Instant::now()), 0);
    assert_eq!(stage.counters("B7").digests_wrong, 0);
}

// covers: B8, RFC 3261 10.2; lab
#[test]
fn call_id_and_tag_stay_and_cseq_rises() {
    let mut stage = Stage::of_rows(&["B8"]);
    stage.register("B8");
    stage.bound("B8");
    stage.refresh("B8");
    stage.refresh("B8");
    let carrier = stage.carrier("B8");
    let seen: Vec<_> = carrier.log().filter(|seen| seen.method == "REGISTER").collect();
    assert!(seen.windows(2).all(|pair| pair[0].call_id == pair[1].call_id && pair[1].cseq == pair[0].cseq + 1), "{seen:#?}");
}

// covers: B10, RFC 5626 4.1, RFC 5626 4.2, RFC 3327 5.1; lab
#[test]
fn outbound_goes_by_the_profile_with_an_instance_that_stays() {
    let mut stage = Stage::new(vec![registrar(&["B10"]), registrar(&["B10", "C1"])]);
    stage.register("B10+C1");
    stage.refused("B10+C1", Code::ExtensionRequired);
    let mut profile = stage.profile("B10");
    profile.manners.outbound = true;
    stage.register_as(profile, stage.assignment("B10"));
    stage.bound("B10");
    let named = |stage: &Stage| {
        let carrier = stage.carrier("B10");
        let bindings = carrier.bindings(std::time::Instant::now(), "B10");
        let [binding] = bindings.as_slice() else { panic!("one binding: {bindings:?}") };
        let param = |name: &str| binding.params.iter().find(|(n, _)| n == name).and_then(|(_, value)| value.clone()).unwrap_or_default();
        assert_eq!(param("reg-id"), "1");
        param("+sip.instance")
    };
    let instance = named(&stage);
    assert!(instance.contains("<urn:uuid:") && instance.len() >= 47, "{instance}");
    stage.refresh("B10");
    assert_eq!(named(&stage), instance);
}

// covers: B10, RFC 6140 5.1; lab
#[test]
fn gin_registers_a_contact_without_a_user() {
    let mut stage = Stage::of_rows(&["B10-gin"]);
    let mut profile = stage.profile("B10-gin");
    profile.manners.gin = true;
    stage.register_as(profile, stage.assignment("B10-gin"));
    stage.bound("B10-gin");
    let bindings = stage.carrier("B10-gin").bindings(std::time::Instant::now(), "B10-gin");
    assert_eq!(bindings.iter().map(|binding| binding.contact.clone()).collect::<Vec<_>>(), [format!("sip:{};bnc", stage.lab.local[0])]);
}

// covers: F9, B10; lab
#[test]
fn an_extension_that_a_proxy_does_not_know_is_left_out() {
    let mut stage = Stage::new(vec![tuned(&["C1"], |t| {
        t.refusals = vec![Refusal { times: Some(1), ..Refusal::before_digest(439) }];
    })]);
    let mut profile = stage.profile("C1");
    profile.manners.outbound = true;
    stage.register_as(profile, stage.assignment("C1"));
    stage.bound("C1");
    let bindings = stage.carrier("C1").bindings(std::time::Instant::now(), "C1");
    assert!(bindings[0].params.iter().all(|(name, _)| name != "reg-id"), "{bindings:?}");
}

// covers: B11, RFC 3261 10.2.3; lab
#[test]
fn a_query_that_is_refused_before_a_digest_is_followed_by_a_renewal() {
    let rows = ["B11", "B11-400", "B11-405", "B11-420", "B11-501"];
    let mut stage = Stage::of_rows(&rows);
    for row in rows {
        let verdict = stage.verify(row, |_| ());
        assert_eq!(verdict.outcome, Outcome::Proved, "{row}");
        stage.until("what was bound for it is removed", row, |carrier| carrier.bindings_total(std::time::Instant::now()) == 0);
        let seen = stage.counters(row);
        assert_eq!((seen.queries, seen.digests_wrong, seen.removals > 0), (1, 0, true), "{row}");
    }
}

// covers: B5, B11; lab
#[test]
fn a_trunk_out_of_service_takes_no_binding_away_to_be_verified() {
    let mut stage = Stage::new(vec![registrar(&["B5", "B11"])]);
    let name = "B5+B11";
    // The other system, at the same account.
    let mut theirs = stage.assignment(name);
    theirs.account.contact.user = Some("theirs".into());
    stage.register_as(stage.profile(name), theirs);
    stage.bound(name);
    let before = stage.carrier(name).bindings(std::time::Instant::now(), &name.replace('+', "."));
    for by in [VerifyBy::Query, VerifyBy::Renew] {
        let outcome = stage.verify(name, |order| (order.by, order.may_bind, order.id) = (by, false, format!("v-{by:?}"))).outcome;
        let Outcome::Refused(diagnosis) = outcome else { panic!("{by:?}: {outcome:?}") };
        assert_eq!(diagnosis.code, Code::VerifyNeedsBinding, "{by:?}");
        assert!(diagnosis.remedy.contains("static") && diagnosis.remedy.contains("inService"), "{}", diagnosis.remedy);
    }
    let after = stage.carrier(name).bindings(std::time::Instant::now(), &name.replace('+', "."));
    assert_eq!(after.len(), 1);
    assert_eq!((&after[0].contact, after[0].cseq), (&before[0].contact, before[0].cseq), "the other's binding is untouched");
}

// covers: B11; lab
#[test]
fn a_query_that_is_refused_after_the_digest_is_not_tried_otherwise() {
    let mut stage = Stage::of_rows(&["B11-after", "B11-400-after", "B11-405-after", "B11-silent"]);
    for (row, code) in
        [("B11-after", Code::ForbiddenAfterAuth), ("B11-400-after", Code::VerifyAmbiguous), ("B11-405-after", Code::VerifyAmbiguous)]
    {
        let outcome = stage.verify(row, |_| ()).outcome;
        let Outcome::Refused(diagnosis) = outcome else { panic!("{row}: {outcome:?}") };
        assert_eq!(diagnosis.code, code, "{row}");
        assert_eq!(stage.counters(row).registers, 0, "{row}: no renewal by itself");
    }
    let outcome = stage.verify("B11-silent", |order| order.patience_ms = 4_000).outcome;
    let Outcome::Refused(diagnosis) = outcome else { panic!("{outcome:?}") };
    assert_eq!(diagnosis.code, Code::RegisterIgnored);
    assert!(diagnosis.remedy.contains("verifyBy"), "{}", diagnosis.remedy);
    let verdict = stage.verify("B11-silent", |order| {
        order.id = "v-renew".into();
        order.by = VerifyBy::Renew;
    });
    assert_eq!(verdict.outcome, Outcome::Proved);
}

/// Registers, then gives the trunk another Contact.
fn moved(stage: &mut Stage, name: &str, replacement: ContactReplacement) {
    let mut profile = stage.profile(name);
    profile.manners.contact_replacement = replacement;
    profile.manners.outbound = replacement == ContactReplacement::Instance;
    stage.register_as(profile, stage.assignment(name));
    stage.bound(name);
    let mut assignment = stage.assignment(name);
    assignment.generation.number = 2;
    assignment.account.contact.user = Some("moved".into());
    stage.lab.order(ToEdge::Assign(Box::new(assignment)));
}

// covers: B12, RFC 3261 10.2.2; lab
#[test]
fn a_new_contact_replaces_the_old_one_as_the_profile_says() {
    let limited = |name: &str| -> Registrar { registrar(&["B12", name]) };
    let mut stage = Stage::new(vec![registrar(&["C1"]), limited("C1"), limited("C2"), limited("C4"), registrar(&["C2"])]);
    let table = [("C1", ContactReplacement::After), ("B12+C2", ContactReplacement::SameRequest), ("B12+C4", ContactReplacement::Before)];
    for (name, replacement) in table {
        moved(&mut stage, name, replacement);
    }
    for (name, _) in table {
        stage.until("the new Contact alone", name, |carrier| {
            let bindings = carrier.bindings(std::time::Instant::now(), &user(name));
            matches!(bindings.as_slice(), [one] if one.contact.starts_with("sip:moved@"))
        });
        let status =
            stage.status(name, |status| status.generation.number == 2 && status.bound && status.state == RegistrationState::Registered);
        assert!(status.diagnosis.is_none(), "{name}: {status:?}");
    }
    let kinds = |name: &str| -> Vec<Which> {
        stage.carrier(name).log().filter(|seen| seen.answer == Some(200)).filter_map(|seen| seen.kind).collect()
    };
    assert_eq!(kinds("C1"), [Which::NewBinding, Which::NewBinding, Which::Removal]);
    assert_eq!(kinds("B12+C4"), [Which::NewBinding, Which::Removal, Which::NewBinding]);
    assert_eq!(kinds("B12+C2").len(), 2, "both in one request");
    // With the default the carrier that has room for one refuses, and says so.
    moved(&mut stage, "B12+C1", ContactReplacement::After);
    stage.refused("B12+C1", Code::BindingLimit);
    // RFC 5626: the registrar replaces by instance; nothing is removed by us.
    moved(&mut stage, "C2", ContactReplacement::Instance);
    stage.status("C2", |status| status.generation.number == 2 && status.refreshes >= 1 && status.state == RegistrationState::Registered);
    assert_eq!(stage.counters("C2").removals, 0);
}

// covers: B4, RFC 3261 10.2.4; lab
#[test]
fn a_carrier_that_wants_few_refreshes_gets_them_as_late_as_is_safe() {
    let mut stage = Stage::new(vec![registrar(&["C1"]), registrar(&["B4"])]);
    for (row, least) in [("C1", 440), ("B4", 59)] {
        let mut profile = stage.profile(row);
        profile.manners.min_refresh = least;
        stage.register_as(profile, stage.assignment(row));
    }
    let (long, short) = (refreshes_in(&stage.bound("C1")), refreshes_in(&stage.bound("B4")));
    assert!((439..=450).contains(&long), "{long}");
    assert!((44..=45).contains(&short), "three quarters of 60 s and not 59: {short}");
}
