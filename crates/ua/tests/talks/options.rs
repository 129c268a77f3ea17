//! OPTIONS keep-alive (carriers.md F12, design section 10).

use ua::*;

use crate::support::*;

fn state(talk: &Talk) -> OptionsState {
    talk.status("alice").options.state
}

#[test]
fn a_target_is_asked_once_however_many_trunks_it_has() {
    let mut talk = talk(registration("alice").pinged(30));
    for n in 0..5 {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    talk.after(secs(1));
    let mut branches: Vec<String> = talk.sent.iter().filter(|sent| sent.method() == "OPTIONS").map(Sent::branch).collect();
    branches.dedup();
    assert_eq!(branches.len(), 1);
}

#[test]
fn any_answer_but_408_and_503_is_up_and_a_challenge_is_not_answered() {
    for (code, wanted) in [
        (200, OptionsState::Up),
        (401, OptionsState::Up),
        (404, OptionsState::Up),
        (405, OptionsState::Up),
        (503, OptionsState::Unknown),
        (408, OptionsState::Unknown),
    ] {
        let mut talk = talk(registration("alice").pinged(30));
        talk.we_send("REGISTER").they_say(ok());
        talk.at_once().we_send("OPTIONS").with(no_digest()).they_say(status(code, "Whatever"));
        assert_eq!(state(&talk), wanted, "{code}");
        talk.silent();
    }
}

#[test]
fn down_takes_two_and_up_takes_one() {
    let mut talk = talk(registration("alice").pinged(30));
    talk.we_send("REGISTER").they_say(ok());
    talk.at_once().we_send("OPTIONS").after(ms(20)).they_say(status(200, "OK"));
    assert_eq!(talk.status("alice").options, OptionsStatus { state: OptionsState::Up, round_trip: Some(ms(20)), since: Some(talk.now) });
    talk.after(secs(31)).sent.clear();
    talk.after(secs(29));
    assert_eq!(state(&talk), OptionsState::Up, "one is lost");
    talk.after(secs(31)).sent.clear();
    assert_eq!(state(&talk), OptionsState::Down);
    talk.then(RegistrationState::Registered);
    talk.after(secs(29));
    let ping = talk.sent.drain(..).rev().find(|sent| sent.method() == "OPTIONS").unwrap();
    talk.about(ping).they_say(status(200, "OK"));
    assert_eq!(state(&talk), OptionsState::Up);
}

#[test]
fn without_the_profile_s_word_nobody_is_asked() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(ok());
    talk.silent_for(secs(1000));
    assert_eq!(state(&talk), OptionsState::Unknown);
}

#[test]
fn it_ends_with_the_last_trunk_and_begins_with_the_next() {
    let mut talk = talk(registration("alice").pinged(30));
    talk.we_send("REGISTER").they_say(ok());
    talk.at_once().we_send("OPTIONS").they_say(status(200, "OK"));
    talk.withdraw("alice", Withdrawal::Forget).silent_for(secs(1000));
    talk.assign(assignment("bob", 1)).we_send("REGISTER").they_say(ok());
    talk.at_once().we_send("OPTIONS");
}

#[test]
fn it_can_be_switched_on_and_off() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(ok());
    let on = registration("alice").pinged(30).profile;
    talk.command(Command::Carrier(Box::new(on))).at_once().we_send("OPTIONS").they_say(status(200, "OK"));
    talk.between(secs(29), secs(31)).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.command(Command::Carrier(Box::new(profile("carrier")))).silent_for(secs(300));
}

// covers: N3, F12
#[test]
fn a_register_that_is_ignored_while_options_is_answered_is_said_so() {
    let mut talk = talk(registration("alice").pinged(30));
    talk.we_send("REGISTER");
    talk.after(ms(5)).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.after(secs(33)).diagnosed(diagnosis::Code::RegisterIgnored);
}

// covers: back-off
#[test]
fn when_a_target_that_was_down_answers_one_canary_goes_and_releases_the_others() {
    let mut talk = Talk::idle(&registration("alice"));
    talk.command(Command::Carrier(Box::new(registration("alice").pinged(30).profile)));
    for n in 0..6 {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    // Dark for long enough that all wait long.
    talk.after(secs(1800));
    talk.sent.clear();
    // It heals: OPTIONS is answered at its next ping.
    let mut registers = Vec::new();
    let healed = talk.now;
    while talk.endpoint.counters().bound < 6 && talk.now.since(healed) < secs(600) {
        talk.after(ms(50));
        while let Some(sent) = talk.sent.pop_front() {
            let source = sent.to;
            if sent.method() == "REGISTER" {
                registers.push(talk.now);
                talk.answer(&sent, ok(), source);
            } else {
                talk.answer(&sent, status(200, "OK"), source);
            }
        }
    }
    assert!(talk.now.since(healed) < secs(62), "{:?}", talk.now.since(healed));
}

// covers: back-off
#[test]
fn one_canary_goes_alone_and_who_was_told_to_wait_is_not_released() {
    let setup = registration("told").pinged(30);
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile)));
    for user in ["told", "a", "b", "c"] {
        talk.assign(assignment(user, 1));
    }
    let user = |sent: &Sent| sent.header(sip::Name::To).unwrap().trim_start_matches("<sip:").split('@').next().unwrap().to_owned();
    let refuse = |talk: &mut Talk, sent: &Sent| {
        let busy = status(503, "Busy");
        let says = if user(sent) == "told" { busy.header("Retry-After", "3600") } else { busy };
        talk.answer(sent, says, sent.to);
    };
    // REGISTER is refused until all wait long; nobody answers OPTIONS.
    let mut healed = None;
    let dark = talk.now + secs(1000);
    while healed.is_none() {
        talk.after(ms(500));
        for sent in std::mem::take(&mut talk.sent) {
            match sent.method().as_str() {
                "REGISTER" => refuse(&mut talk, &sent),
                _ if talk.now > dark => healed = Some(sent),
                _ => {}
            }
        }
    }
    assert_eq!(state_of(&talk, "a"), OptionsState::Down);
    let ping = healed.unwrap();
    talk.answer(&ping, status(200, "OK"), ping.to);
    let canary = talk.we_send("REGISTER").request().clone();
    talk.silent_for(ms(400));
    talk.about(canary.clone()).they_say(ok());
    let mut released: Vec<String> = talk.sent.drain(..).map(|sent| user(&sent)).collect();
    released.push(user(&canary));
    released.sort();
    assert_eq!(released, ["a", "b", "c"]);
}

fn state_of(talk: &Talk, trunk: &str) -> OptionsState {
    talk.status(trunk).options.state
}

#[test]
fn no_target_is_asked_more_often_than_each_second_and_never_before_the_last_one_has_ended() {
    let mut talk = talk(registration("alice").pinged(0));
    talk.we_send("REGISTER").they_say(ok());
    talk.at_once().we_send("OPTIONS").they_say(status(200, "OK"));
    talk.between(ms(998), ms(1002)).we_send("OPTIONS");
    let first = talk.request().branch();
    // Unanswered, it is given up half a second before the next.
    talk.after(ms(1100));
    let sent: Vec<String> = talk.sent.drain(..).map(|sent| sent.branch()).collect();
    assert!(sent.iter().filter(|branch| **branch == first).count() <= 1 && sent.last() != Some(&first), "{sent:?}");
}

#[test]
fn each_options_has_the_next_cseq_of_one_call_id() {
    let mut talk = talk(registration("alice").pinged(30));
    talk.we_send("REGISTER").they_say(ok());
    talk.at_once().we_send("OPTIONS").with(cseq(1)).they_say(status(200, "OK"));
    for _ in 0..3 {
        talk.between(secs(29), secs(31)).we_send("OPTIONS").with(next_cseq()).they_say(status(200, "OK"));
    }
}

// covers: back-off
#[test]
fn a_target_that_was_never_down_has_not_healed() {
    let mut talk = talk(registration("alice").pinged(30));
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.at_once().we_send("OPTIONS").they_say(status(200, "OK")).silent_for(secs(25));
    assert_eq!(state(&talk), OptionsState::Up);
}

/// Of a carrier with the registrars `a.test` and `b.test`, each asked every 30 s.
fn two() -> Setup {
    registration("alice").registrars(&["sip:a.test", "sip:b.test"]).pinged(30)
}

/// Answers the OPTIONS that are sent, each by its address.
fn answers(talk: &mut Talk, says: impl Fn(&str) -> Option<Says>) -> Vec<String> {
    let options: Vec<Sent> = talk.sent.drain(..).filter(|sent| sent.method() == "OPTIONS").collect();
    for sent in &options {
        if let Some(says) = says(&sent.to.to_string()) {
            talk.answer(sent, says, sent.to);
        }
    }
    options.iter().map(|sent| sent.to.to_string()).collect()
}

#[test]
fn each_place_is_asked_and_the_one_where_a_trunk_is_bound_is_shown() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(ok()).then_bound();
    talk.after(ms(3));
    let at_a = |place: &str| (place == "198.51.100.1:5060").then(|| status(200, "OK"));
    let mut asked = answers(&mut talk, at_a);
    asked.sort();
    assert_eq!(asked, ["198.51.100.1:5060", "198.51.100.2:5060"]);
    for _ in 0..30 {
        talk.after(secs(3));
        answers(&mut talk, at_a);
    }
    assert_eq!(state(&talk), OptionsState::Up);
    let bound_at_b = Resume { clean: true, ..talk.endpoint.snapshot().remove(0) };
    let mut binding = bound_at_b.binding.clone().expect("bound");
    (binding.registrar, binding.address_of_record) = (udp("198.51.100.2:5060"), "sip:bob@carrier.test".into());
    let bound_at_b = Resume { trunk: "bob".into(), binding: Some(binding), ..bound_at_b };
    talk.command(Command::Assign(Box::new(assignment("bob", 1)), Some(Box::new(bound_at_b))));
    assert_eq!((state_of(&talk, "alice"), state_of(&talk, "bob")), (OptionsState::Up, OptionsState::Down));
}

#[test]
fn one_place_of_two_names_is_asked_once_and_of_many_places_sixty_four() {
    let mut twins = talk(registration("alice").registrars(&["sip:a.test", "sip:carrier.test"]).pinged(30));
    twins.after(ms(3));
    assert_eq!(answers(&mut twins, |_| None), ["198.51.100.1:5060"]);
    let hosts: Vec<String> = (0..9).map(|host| format!("sip:{host}.test")).collect();
    let mut setup = registration("alice").registrars(&hosts.iter().map(String::as_str).collect::<Vec<_>>()).pinged(30);
    for host in 0..9 {
        let places = (1..9).map(|last| format!("198.51.100.{}:5060", host * 10 + last).parse().unwrap()).collect();
        setup.hosts.insert(format!("{host}.test"), Ok(places));
    }
    let mut many = talk(setup);
    many.after(ms(3));
    assert_eq!(answers(&mut many, |_| None).len(), 64);
}

#[test]
fn where_no_trunk_is_nobody_is_looked_up_and_nobody_asked() {
    for setup in [registration("alice"), registration("alice").pinged(30)] {
        let mut talk = Talk::idle(&setup);
        for _ in 0..2 {
            talk.command(Command::Carrier(Box::new(setup.profile.clone()))).silent_for(secs(60));
        }
        assert!(talk.asked_of_dns.is_empty(), "{:?}", talk.asked_of_dns);
    }
}

#[test]
fn another_trunk_at_a_carrier_does_not_hurry_its_options() {
    let mut talk = talk(registration("alice").registrars(&["sip:a.test"]).pinged(30));
    talk.we_send("REGISTER").they_say(ok());
    let first = talk.at_once().we_send("OPTIONS").they_say(status(200, "OK")).request().clone();
    // Another trunk changes nothing: the next one goes when it is due.
    talk.after(secs(1)).assign(assignment("bob", 1)).we_send("REGISTER").they_say(ok());
    let second = talk.between(secs(28), secs(30)).we_send("OPTIONS").they_say(status(200, "OK")).request().clone();
    assert_eq!((second.call_id(), second.cseq()), (first.call_id(), first.cseq() + 1));
}

#[test]
fn a_place_more_is_asked_at_once_and_what_is_known_of_the_other_stays() {
    let mut setup = registration("alice").registrars(&["sip:a.test"]).pinged(30);
    setup.zone.ttl = secs(60);
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(ok().expires(150)).then_bound();
    talk.at_once().we_send("OPTIONS").they_say(status(200, "OK"));
    talk.between(secs(29), secs(31)).we_send("OPTIONS").they_say(status(200, "OK"));
    talk.hosts.insert("a.test".into(), Ok(["198.51.100.1:5060", "198.51.100.3:5060"].map(|place| place.parse().unwrap()).into()));
    // The first refresh finds the record old.
    while !answers(&mut talk, |_| None).contains(&"198.51.100.3:5060".to_owned()) {
        talk.after(ms(100));
        assert!(talk.now.since(Instant::default()) < secs(1000) + secs(200), "nobody asks there");
    }
    talk.assign(assignment("alice", 2));
    assert_eq!(state(&talk), OptionsState::Up);
}

#[test]
fn a_registrar_that_moves_is_asked_where_it_is_now() {
    let mut setup = registration("alice").registrars(&["sip:a.test"]).pinged(30);
    setup.zone.ttl = secs(60);
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(ok().expires(120)).then_bound();
    talk.hosts.insert("a.test".into(), Ok(vec!["198.51.100.3:5060".parse().unwrap()]));
    let mut asked = Vec::new();
    for _ in 0..200 {
        talk.after(secs(1));
        for sent in std::mem::take(&mut talk.sent) {
            asked.push((sent.method(), sent.to.to_string()));
            let says = if sent.method() == "REGISTER" { ok().expires(120) } else { status(200, "OK") };
            talk.answer(&sent, says, sent.to);
        }
    }
    assert_eq!(asked.last().expect("asked").1, "198.51.100.3:5060");
    assert!(asked.contains(&("OPTIONS".into(), "198.51.100.3:5060".into())), "{asked:?}");
}
