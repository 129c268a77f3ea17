//! Which exchanges are told as attempts, with what, and what of it is never told.

use diagnosis::Code;
use sip::Name;
use ua::*;

use crate::support::*;

/// What went and came: `>` and a method, `<` and a code.
fn course(attempt: &Attempt) -> String {
    let line = |message: &AttemptMessage| {
        let text = String::from_utf8_lossy(&message.bytes).into_owned();
        let mut words = text.split(' ');
        let (first, second) = (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned());
        if message.sent { format!(">{first}") } else { format!("<{second}") }
    };
    attempt.messages.iter().map(line).collect::<Vec<_>>().join(" ")
}

fn changes(attempt: &Attempt) -> Vec<(&'static str, &str, &str)> {
    attempt.changes.iter().map(|drift| (drift.what, &*drift.before, &*drift.after)).collect()
}

/// Bound for an hour against the nonce `n1`, and nothing left to tell.
fn bound() -> Talk {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 3600);
    talk.events.clear();
    talk
}

fn refresh(talk: &mut Talk) -> &mut Talk {
    talk.between(secs(1800), secs(2700)).we_send("REGISTER")
}

/// The places of attempts and of what must come after them.
fn order_of(events: &[Event]) -> Vec<&'static str> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::Attempt(_) => Some("attempt"),
            Event::Accepted { .. } => Some("accepted"),
            Event::Refused { .. } => Some("refused"),
            Event::Verdict(_) => Some("verdict"),
            Event::Status(_)
            | Event::Renewed(_)
            | Event::Save(_)
            | Event::Progress { .. }
            | Event::Forget { .. }
            | Event::CallUnrouted { .. }
            | Event::BindingContested { .. } => None,
        })
        .collect()
}

#[test]
fn a_first_registration_is_told_with_every_message_its_time_and_its_addresses() {
    let mut talk = talk(registration("alice"));
    let begun = talk.now;
    talk.we_send("REGISTER").after(ms(40)).they_say(challenge("n1"));
    talk.we_send("REGISTER").after(ms(20)).they_say(ok().expires(3600));
    assert_eq!(order_of(&talk.events), ["attempt", "accepted"]);
    let attempt = talk.attempt();
    assert_eq!((attempt.kind, attempt.accepted), (AttemptKind::FirstRegistration, true));
    assert_eq!((attempt.trunk.as_deref(), &*attempt.carrier, &*attempt.registrar), (Some("alice"), "carrier", "sip:carrier.test"));
    assert_eq!(course(&attempt), ">REGISTER <401 >REGISTER <200");
    let times: Vec<u64> = attempt.messages.iter().map(|message| begun.until(message.at).as_millis() as u64).collect();
    assert_eq!(times, [0, 40, 40, 60]);
    assert_eq!((begun, begun.until(attempt.ended_at)), (attempt.started_at, ms(60)));
    let (ours, theirs) = ("192.0.2.10:5060".parse().unwrap(), "198.51.100.1:5060".parse().unwrap());
    assert!(attempt.messages.iter().all(|message| message.local == ours && message.remote == theirs && message.retransmissions == 0));
    assert_eq!((attempt.targets, attempt.source, attempt.public), (vec![theirs], Some(ours), Some(ours)));
    assert_eq!(attempt.negotiated.unwrap().realm, "carrier.test");
    assert!(attempt.diagnosis.is_none() && attempt.changes.is_empty() && !attempt.id.is_empty());
}

#[test]
fn of_a_refresh_that_finds_all_as_before_nothing_is_told() {
    let mut talk = bound();
    for _ in 0..5 {
        refresh(&mut talk).they_say(ok().expires(3600));
    }
    // A new nonce is no change, nor is a grant that wavers, nor an answer that comes late.
    refresh(&mut talk).they_say(challenge("n2").stale());
    talk.we_send("REGISTER").they_say(ok().expires(3500));
    talk.between(secs(1750), secs(2625)).we_send("REGISTER").after(ms(600));
    talk.we_send("REGISTER").they_say(ok().expires(3600));
    assert_eq!(talk.attempts().len(), 0);
    talk.then_bound();
}

#[test]
fn a_failed_refresh_is_told_before_the_refusal_and_both_name_it() {
    let mut talk = bound();
    refresh(&mut talk).they_say(challenge("n2"));
    talk.we_send("REGISTER").they_say(challenge("n3"));
    assert_eq!(order_of(&talk.events), ["attempt", "refused"]);
    let told = talk.take(|event| match event {
        Event::Refused { diagnosis, .. } => diagnosis.evidence.attempt_id.clone(),
        _ => None,
    });
    let attempt = talk.attempt();
    assert_eq!(course(&attempt), ">REGISTER <401 >REGISTER <401");
    assert_eq!((attempt.kind, attempt.accepted), (AttemptKind::Refresh, false));
    assert_eq!(attempt.negotiated.map(|terms| terms.realm).as_deref(), Some("carrier.test"), "what the refused digest was made for");
    let diagnosis = attempt.diagnosis.unwrap();
    assert_eq!(diagnosis.code, Code::CredentialsRejected);
    assert_eq!((diagnosis.evidence.attempt_id.as_deref(), told), (Some(&*attempt.id), vec![attempt.id.to_string()]));
    assert_eq!(talk.status("alice").diagnosis.as_ref().unwrap().evidence.attempt_id.as_deref(), Some(&*attempt.id));
}

#[test]
fn a_verdict_on_both_versions_stands_in_the_attempt_too() {
    let mut talk = bound();
    talk.assign(Assignment {
        active: Some(credential("alice", 2, "new")),
        previous: Some(credential("alice", 1, "secret of alice")),
        ..assignment("alice", 2)
    });
    talk.we_send("REGISTER").they_say(challenge("a"));
    talk.we_send("REGISTER").they_say(challenge("b"));
    talk.between(secs(30), secs(30)).we_send("REGISTER").they_say(challenge("c"));
    talk.we_send("REGISTER").they_say(challenge("d"));
    let codes: Vec<Code> = talk.attempts().into_iter().map(|attempt| attempt.diagnosis.unwrap().code).collect();
    assert_eq!(codes, [Code::CredentialsRejected, Code::BothRejected]);
}

#[test]
fn silence_is_told_with_the_retransmissions_and_each_target() {
    let mut talk = talk(registration("alice").registrars(&["sip:a.test", "sip:b.test"]));
    talk.after(secs(70));
    let attempt = talk.attempt();
    assert_eq!(course(&attempt), ">REGISTER >REGISTER");
    assert_eq!(attempt.messages.iter().map(|message| message.retransmissions).collect::<Vec<_>>(), [10, 10]);
    assert_eq!(attempt.targets.len(), 2);
    assert_ne!(attempt.messages[0].remote, attempt.messages[1].remote);
    assert_eq!(attempt.diagnosis.unwrap().code, Code::Timeout);
}

#[test]
fn a_name_that_leads_nowhere_is_told_without_a_message() {
    let mut talk = talk(registration("alice").host("carrier.test", Err(ResolveFault::Failed("no such name".into()))));
    let attempt = talk.attempt();
    assert!(attempt.messages.is_empty() && attempt.targets.is_empty() && attempt.source.is_none());
    assert_eq!(attempt.diagnosis.unwrap().evidence.attempt_id.as_deref(), Some(&*attempt.id));
    assert_eq!(talk.status("alice").diagnosis.as_ref().unwrap().evidence.attempt_id.as_deref(), Some(&*attempt.id));
}

#[test]
fn what_the_gate_forbids_was_not_sent() {
    let mut talk = talk(registration("alice"));
    let (local, to) = (talk.we_send("REGISTER").request().local, talk.request().to);
    talk.input(Input::SendFailed { local, to, fault: SendFault::Forbidden });
    let attempt = talk.attempt();
    assert!(attempt.messages.is_empty() && !attempt.accepted, "{attempt:?}");
}

#[test]
fn a_removal_is_told_where_it_fails() {
    let mut talk = bound();
    talk.act("alice", Action::Unregister);
    talk.we_send("REGISTER").they_say(status(500, "Server Error"));
    let attempt = talk.attempt();
    assert_eq!((attempt.kind, attempt.accepted), (AttemptKind::Removal, false));
    talk.between(secs(1), secs(900)).we_send("REGISTER").they_say(ok());
    assert_eq!(talk.attempts().len(), 0);
}

#[test]
fn a_verification_is_told_before_its_verdict_under_its_id() {
    for (password, answer, accepted) in [("new", ok(), true), ("wrong", challenge("v2"), false)] {
        let mut talk = bound();
        talk.verify(order("v1", "alice", password));
        let options = talk.we_send("OPTIONS").request().clone();
        talk.we_send("REGISTER").after(ms(1)).answer(&options, status(200, "OK"), options.to).they_say(challenge("v"));
        talk.we_send("REGISTER").they_say(answer);
        assert_eq!(order_of(&talk.events), ["attempt", "verdict"]);
        let attempt = talk.attempt();
        assert_eq!((&*attempt.id, attempt.kind, attempt.accepted), ("v1", AttemptKind::Verification, accepted));
        assert!(course(&attempt).starts_with(">OPTIONS >REGISTER <200 <401 >REGISTER <"), "{}", course(&attempt));
        let verdict = talk.verdict();
        assert_eq!(verdict.evidence.attempt_id.as_deref(), Some("v1"));
        assert_eq!(attempt.diagnosis.is_none(), accepted);
    }
}

#[test]
fn a_verification_that_runs_out_of_time_is_told_with_what_was_sent() {
    let mut talk = bound();
    let mut order = order("v1", "alice", "new");
    order.patience = secs(3);
    talk.verify(order);
    let begun = talk.now;
    talk.we_send("OPTIONS").we_send("REGISTER").after(secs(4));
    let attempt = talk.attempt();
    assert_eq!(course(&attempt), ">OPTIONS >REGISTER");
    assert_eq!(attempt.messages[0].at, begun);
    assert!(attempt.messages.iter().all(|message| message.retransmissions > 0), "{attempt:?}");
    assert_eq!(attempt.diagnosis.unwrap().code, Code::Timeout);
}

#[test]
fn while_a_trace_is_on_every_exchange_is_told() {
    let mut talk = bound();
    talk.trace("alice", secs(4 * 3600));
    refresh(&mut talk).they_say(ok().expires(3600));
    let attempt = talk.attempt();
    assert_eq!((course(&attempt).as_str(), attempt.kind, attempt.accepted), (">REGISTER <200", AttemptKind::Refresh, true));
    assert_eq!(attempt.negotiated.unwrap().realm, "carrier.test");
    talk.after(secs(4 * 3600));
    // It ended by itself.
    let unanswered = talk.sent.len();
    assert!(unanswered > 0, "the refresh was due");
    let mut talk = bound();
    talk.trace("alice", secs(1700));
    refresh(&mut talk).they_say(ok().expires(3600));
    assert_eq!(talk.attempts().len(), 0, "it is over by then");
    talk.trace("alice", secs(7200)).trace("alice", secs(0));
    refresh(&mut talk).they_say(ok().expires(3600));
    assert_eq!(talk.attempts().len(), 0, "it was ended by hand");
    talk.trace("alice", secs(7200)).act("alice", Action::Unregister);
    talk.we_send("REGISTER").they_say(ok());
    assert_eq!(talk.attempt().kind, AttemptKind::Removal);
}

#[test]
fn an_exchange_that_began_under_a_trace_is_told_though_it_ends_after_it() {
    let mut talk = bound();
    talk.trace("alice", secs(5)).act("alice", Action::Refresh);
    let register = talk.we_send("REGISTER").request().clone();
    talk.after(secs(7)).answer(&register, ok().expires(3600), register.to);
    let attempt = talk.attempt();
    assert_eq!((attempt.kind, attempt.messages[0].retransmissions), (AttemptKind::Refresh, 3));
}

#[test]
fn a_trace_goes_on_where_the_address_of_record_changes() {
    let mut talk = bound();
    talk.trace("alice", secs(7200));
    let mut other = assignment("alice", 2);
    other.account.address_of_record = "sip:alice2@carrier.test".into();
    talk.assign(other);
    let removal = talk.we_send("REGISTER").request().clone();
    let binding = talk.we_send("REGISTER").request().clone();
    talk.about(removal).they_say(ok()).about(binding).they_say(ok().expires(3600));
    assert_eq!(talk.attempts().len(), 2);
    refresh(&mut talk).they_say(ok().expires(3600));
    assert_eq!(talk.attempt().kind, AttemptKind::Refresh);
}

#[test]
fn a_changed_challenge_that_is_accepted_is_told_once() {
    let mut talk = bound();
    let other = |nonce: &str| challenge(nonce).algorithm("SHA-256").and(challenge(nonce)).qop("auth,auth-int");
    refresh(&mut talk).they_say(other("n2"));
    talk.we_send("REGISTER").they_say(ok().expires(3600));
    let attempt = talk.attempt();
    assert!(attempt.accepted);
    assert_eq!(changes(&attempt), [("algorithm", "MD5", "SHA-256"), ("offered", "MD5", "SHA-256, MD5")]);
    assert_eq!(course(&attempt), ">REGISTER <401 >REGISTER <200");
    refresh(&mut talk).they_say(other("n3"));
    talk.we_send("REGISTER").they_say(ok().expires(3600));
    assert_eq!(talk.attempts().len(), 0);
}

#[test]
fn a_changed_challenge_that_is_refused_is_a_change_once_and_a_failure_each_time() {
    let mut talk = bound();
    refresh(&mut talk).they_say(challenge("n2").realm("elsewhere"));
    let first = talk.attempt();
    assert_eq!(first.diagnosis.as_ref().unwrap().code, Code::RealmMismatch);
    assert_eq!(changes(&first), [("realm", "carrier.test", "elsewhere")]);
    talk.between(secs(1), secs(3600)).we_send("REGISTER").they_say(challenge("n3").realm("elsewhere"));
    let second = talk.attempt();
    assert!(!second.accepted && second.changes.is_empty());
    talk.act("alice", Action::Refresh);
    talk.we_send("REGISTER").they_say(challenge("n4").realm("nowhere"));
    assert_eq!(changes(&talk.attempt()), [("realm", "carrier.test", "nowhere")]);
}

#[test]
fn a_changed_grant_is_told_unless_it_was_asked_for() {
    let mut talk = bound();
    refresh(&mut talk).they_say(ok().expires(600));
    let attempt = talk.attempt();
    assert_eq!(changes(&attempt), [("expires", "3600", "600")]);
    assert_eq!(course(&attempt), ">REGISTER <200");
    talk.between(secs(300), secs(450)).we_send("REGISTER").they_say(ok().expires(600));
    assert_eq!(talk.attempts().len(), 0);
    let mut less = assignment("alice", 2);
    less.account.expires = 120;
    talk.assign(less);
    talk.we_send("REGISTER").they_say(ok().expires(120));
    assert_eq!(talk.attempts().len(), 0);
}

#[test]
fn credentials_set_anew_begin_without_a_change() {
    let mut talk = bound();
    talk.assign(Assignment {
        active: Some(Credential { realm: None, ..credential("alice", 2, "new") }),
        previous: Some(credential("alice", 1, "secret of alice")),
        ..assignment("alice", 2)
    });
    talk.we_send("REGISTER").they_say(challenge("n2").realm("elsewhere"));
    talk.we_send("REGISTER").they_say(ok().expires(3600));
    assert_eq!(talk.attempts().len(), 0);
}

#[test]
fn a_provisional_answer_and_where_answers_came_from_are_told() {
    let mut talk = talk(registration("alice"));
    let register = talk.we_send("REGISTER").request().clone();
    talk.after(ms(10)).answer(&register, status(100, "Trying"), register.to);
    talk.after(ms(10)).answer(&register, status(100, "Trying"), register.to);
    talk.after(ms(10)).answer(&register, status(404, "Not Found"), "198.51.100.9:5070".parse().unwrap());
    let attempt = talk.attempt();
    assert_eq!(course(&attempt), ">REGISTER <100 <404");
    assert_eq!(attempt.messages[2].remote, "198.51.100.9:5070".parse().unwrap());
}

#[test]
fn a_binding_that_a_late_answer_brings_is_told() {
    let mut talk = talk(registration("alice"));
    let register = talk.we_send("REGISTER").request().clone();
    talk.after(secs(33));
    assert_eq!(talk.attempt().diagnosis.unwrap().code, Code::Timeout);
    talk.answer(&register, ok().expires(3600), register.to);
    let attempt = talk.attempt();
    assert_eq!((course(&attempt).as_str(), attempt.accepted, attempt.kind), ("<200", true, AttemptKind::FirstRegistration));
}

#[test]
fn a_refresh_that_is_answered_too_late_is_told_under_a_trace_alone() {
    for traced in [false, true] {
        let mut talk = bound();
        if traced {
            talk.trace("alice", secs(10_000));
        }
        let late = refresh(&mut talk).request().clone();
        talk.after(secs(32) + ms(100)).sent.clear();
        talk.attempts();
        talk.answer(&late, ok().expires(3600), late.to).then_bound();
        assert_eq!(talk.attempts().len(), usize::from(traced));
    }
}

#[test]
fn no_attempt_holds_a_nonce_a_digest_or_a_password_and_its_shape_stays() {
    const PASSWORD: &str = "Kanarienvogel-7";
    let mut talk = talk(registration("alice").credential(|credential| *credential = crate::support::credential("alice", 1, PASSWORD)));
    let canary = |nonce: &str| challenge(nonce).with_param("opaque=\"opaque-canary\"");
    talk.we_send("REGISTER").they_say(canary("nonce-canary-1"));
    let answered = talk.we_send("REGISTER").request().clone();
    talk.they_say(canary("nonce-canary-2"));
    talk.verify(VerifyOrder { trunk: None, ..order("v1", "bob", PASSWORD) });
    talk.we_send("OPTIONS").they_say(status(200, "OK"));
    talk.we_send("REGISTER").they_say(canary("nonce-canary-3"));
    let tried = talk.we_send("REGISTER").request().clone();
    talk.they_say(ok());
    let attempts = talk.attempts();
    assert_eq!(attempts.len(), 2);
    let param = |sent: &Sent, name: &str| {
        let header = sent.header(Name::Authorization).unwrap();
        header.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let secrets: Vec<String> = [&answered, &tried].iter().flat_map(|sent| [param(sent, "response"), param(sent, "cnonce")]).collect();
    for attempt in &attempts {
        let printed = format!("{attempt:?}");
        let whole: Vec<u8> = attempt.messages.iter().flat_map(|message| message.bytes.clone()).collect();
        let whole = String::from_utf8(whole).unwrap();
        for secret in secrets.iter().map(String::as_str).chain([PASSWORD, "nonce-canary", "opaque-canary"]) {
            assert!(!whole.contains(secret) && !printed.contains(secret), "{secret} in {whole}");
        }
        for shown in ["realm=\"carrier.test\"", "algorithm=MD5", "qop=\"auth\"", "response=\"***\"", "nonce=\"<14 chars>\""] {
            assert!(whole.contains(shown), "{shown} is not in {whole}");
        }
    }
}

#[test]
fn the_messages_of_an_attempt_are_bounded_in_number_and_length() {
    let names: Vec<String> = (0..60).map(|n| format!("sip:192.0.2.{}", 100 + n)).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut talk = talk(registration("alice").registrars(&names));
    for _ in 0..60 {
        talk.we_send("REGISTER").they_say(status(503, "Busy").header("X-Long", &"x".repeat(10_000)));
    }
    let attempt = talk.attempt();
    assert!(attempt.messages.len() <= 48, "{}", attempt.messages.len());
    assert!(attempt.messages.iter().all(|message| message.bytes.len() <= 8 * 1024));
    assert_eq!(attempt.messages.last().unwrap().remote, "192.0.2.159:5060".parse().unwrap());
    assert_eq!(attempt.messages[0].remote, "192.0.2.100:5060".parse().unwrap());
}

#[test]
fn where_very_many_fail_at_once_not_all_are_told_and_the_rest_is_counted() {
    const MANY: usize = 1_500;
    let setup = registration("u0").host("carrier.test", Err(ResolveFault::Failed("no such name".into())));
    let mut talk = talk(setup);
    for n in 1..MANY {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    let told = talk.attempts();
    let untold = talk.endpoint.counters().attempts_untold;
    assert!(told.len() >= 1_000 && untold > 0, "{} {untold}", told.len());
    assert_eq!(told.len() as u64 + untold, MANY as u64);
    let unnamed = (0..MANY).filter(|n| {
        let diagnosis = talk.status(&format!("u{n}")).diagnosis.as_ref().unwrap();
        diagnosis.evidence.attempt_id.is_none()
    });
    assert_eq!(unnamed.count() as u64, untold, "no diagnosis names an attempt that is not there");
    // What was asked for is told all the same.
    talk.verify(order("v1", "u0", "new"));
    talk.after(secs(33));
    assert!(talk.attempts().iter().any(|attempt| &*attempt.id == "v1"));
}

#[test]
fn a_grant_that_creeps_away_is_told_some_day() {
    let mut talk = bound();
    refresh(&mut talk).they_say(ok().expires(3300));
    assert_eq!(talk.attempts().len(), 0);
    talk.between(secs(1650), secs(2475)).we_send("REGISTER").they_say(ok().expires(3000));
    assert_eq!(changes(&talk.attempt()), [("expires", "3600", "3000")]);
}

#[test]
fn where_too_many_fail_a_trace_and_a_change_are_told_all_the_same() {
    let mut talk = bound();
    let dark = Profile { registrars: vec!["sip:dark.test".into()], ..profile("dark") };
    talk.command(Command::Carrier(Box::new(dark)));
    for n in 0..1_500 {
        let assignment = Assignment { carrier: "dark".into(), ..assignment(&format!("u{n}"), 1) };
        talk.endpoint.handle(talk.now, Input::Command(Command::Assign(Box::new(assignment), None)));
    }
    talk.after(ms(0));
    assert!(talk.endpoint.counters().attempts_untold > 0);
    talk.events.clear();
    let fails = |talk: &mut Talk, says: Says| {
        talk.act("alice", Action::Refresh).we_send("REGISTER").they_say(says);
        talk.attempts().len()
    };
    assert_eq!(fails(&mut talk, status(500, "Oops")), 0);
    talk.trace("alice", secs(60));
    assert_eq!(fails(&mut talk, status(500, "Oops")), 1);
    talk.trace("alice", secs(0));
    assert_eq!(fails(&mut talk, status(500, "Oops")), 0, "it was ended at this very instant");
    talk.act("alice", Action::Refresh).we_send("REGISTER").they_say(ok().expires(3600));
    assert_eq!((talk.attempts().len(), talk.status("alice").state), (0, RegistrationState::Registered));
    assert_eq!(fails(&mut talk, challenge("n2").realm("elsewhere")), 1);
}

#[test]
fn an_acceptance_without_a_digest_has_no_terms_whatever_was_agreed_before() {
    let mut talk = talk(registration("alice").profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n1", 3600).attempts();
    refresh(&mut talk).they_say(ok().expires(3600));
    let attempt = talk.attempt();
    assert_eq!(changes(&attempt), [("offered", "MD5", "(no challenge)")]);
    assert!(attempt.accepted && attempt.negotiated.is_none(), "{attempt:?}");
}

#[test]
fn the_terms_of_a_standby_are_not_compared_with_the_active_version_s() {
    let setup = registration("alice").assignment(|assignment| assignment.standby = Some(credential("alice", 2, "standby")));
    let mut talk = talk(setup.profile(|profile| profile.nonce_reuse = NonceReuse::Never));
    talk.registers("n1", 3600).attempts();
    refresh(&mut talk).they_say(challenge("a"));
    talk.we_send("REGISTER").they_say(challenge("b"));
    assert!(!talk.attempt().accepted);
    talk.we_send("REGISTER").they_say(challenge("c").algorithm("SHA-256"));
    talk.we_send("REGISTER").they_say(ok().expires(3600)).then_bound();
    assert_eq!(talk.attempts().len(), 0);
}

#[test]
fn a_verification_of_the_version_in_use_sees_what_has_changed_and_one_of_another_does_not() {
    for (version, password) in [(1, "secret of alice"), (2, "new")] {
        let mut talk = bound();
        talk.verify(VerifyOrder { credential: Some(credential("alice", version, password)), ..order("v1", "alice", password) });
        talk.we_send("OPTIONS").they_say(status(200, "OK"));
        talk.we_send("REGISTER").they_say(challenge("v").algorithm("SHA-256"));
        talk.we_send("REGISTER").they_say(ok());
        let attempt = talk.attempt();
        let seen: &[_] = if version == 1 { &[("algorithm", "MD5", "SHA-256"), ("offered", "MD5", "SHA-256")] } else { &[] };
        assert_eq!(changes(&attempt), seen);
    }
}

#[test]
fn what_a_connection_never_carried_was_not_sent() {
    let over_tcp = || registration("alice").registrars(&["sip:198.51.100.1;transport=tcp"]);
    let mut refused = talk(over_tcp());
    let flow = refused.dialled().flow;
    assert!(refused.ends(flow, FlowFault::Refused).attempt().messages.is_empty());
    let mut lost = talk(over_tcp());
    let flow = lost.opens().dialled().flow;
    assert_eq!(course(&lost.ends(flow, FlowFault::Closed).attempt()), ">REGISTER");
}
