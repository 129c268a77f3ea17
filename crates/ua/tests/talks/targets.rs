//! Names and next hops (carriers.md F6, F7, N1, N2, N12).

use std::net::IpAddr;

use diagnosis::Code;
use ua::*;

use crate::support::*;

fn two() -> Setup {
    registration("alice").registrars(&["sip:a.test", "sip:b.test"])
}

// covers: F6, RFC 3263 4.3
#[test]
fn the_next_target_is_asked_at_once_with_a_higher_cseq() {
    for (says, _) in [(status(503, "Busy"), 0), (status(408, "Timeout"), 0)] {
        let mut talk = talk(two());
        talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(says);
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(next_cseq()).they_say(challenge("n"));
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
        assert_eq!(talk.status("alice").registrar, Some(udp("198.51.100.2:5060")));
    }
}

// covers: N1, F6
#[test]
fn silence_leads_to_the_next_target_within_the_attempt() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").after(secs(32) + ms(5));
    let last = talk.sent.pop_back().unwrap();
    talk.sent.clear();
    assert_eq!(last.to, "198.51.100.2:5060".parse().unwrap());
    talk.about(last).they_say(ok()).then_bound();
}

// covers: F6, RFC 3261 18.4
#[test]
fn an_unreachable_port_leads_to_the_next_target() {
    let mut talk = talk(two());
    talk.we_send("REGISTER");
    let to_first = talk.request().to;
    talk.input(Input::SendFailed { local: Local(0), to: to_first, fault: SendFault::Refused });
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
}

#[test]
fn no_other_target_is_asked_after_a_refusal_that_is_no_fault_of_its_own() {
    for code in [403, 404, 480, 500, 600, 603] {
        let mut talk = talk(two());
        talk.we_send("REGISTER").they_say(status(code, "No")).silent();
    }
}

#[test]
fn when_all_targets_fail_it_waits() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.silent().then(RegistrationState::RetryWait).diagnosed(Code::CarrierUnavailable).between(secs(30), secs(60)).we_send("REGISTER");
}

// covers: F7
#[test]
fn retry_after_keeps_a_target_last_and_the_others_are_tried() {
    let mut talk = talk(two());
    talk.we_send("REGISTER").they_say(status(503, "Busy").header("Retry-After", "1000"));
    talk.we_send("REGISTER").they_say(ok().expires(600)).then_bound();
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok().expires(600));
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok().expires(600));
    // Its time is over: back to the first.
    talk.between(secs(300), secs(450)).we_send("REGISTER").they_say(ok().expires(600));
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.1:5060"));
}

// covers: N2
#[test]
fn a_name_that_leads_nowhere_is_said_and_looked_up_again() {
    let mut talk = talk(registration("alice").host("carrier.test", Err(ResolveFault::Failed("NXDOMAIN".into()))));
    talk.silent().diagnosed(Code::DnsFailed).then(RegistrationState::Unreachable);
    assert!(talk.status("alice").diagnosis.as_ref().unwrap().summary.contains("NXDOMAIN"));
    talk.hosts.insert("carrier.test".into(), Ok(vec!["198.51.100.1:5060".parse().unwrap()]));
    talk.between(secs(30), secs(60)).we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: N12
#[test]
fn a_forbidden_address_a_forbidden_port_and_a_missing_family_have_their_codes() {
    let private: IpAddr = "10.0.0.1".parse().unwrap();
    for (fault, code) in [
        (ResolveFault::Forbidden(private), Code::TargetForbidden),
        (ResolveFault::ForbiddenPort(22), Code::PortForbidden),
        (ResolveFault::NoSocket("2001:db8::1".parse().unwrap()), Code::FamilyUnsupported),
    ] {
        let mut talk = talk(registration("alice").host("carrier.test", Err(fault)));
        talk.silent().diagnosed(code);
    }
    let mut talk = talk(registration("alice").host("carrier.test", Ok(&["[2001:db8::1]:5060"])));
    talk.silent().diagnosed(Code::FamilyUnsupported);
}

#[test]
fn an_address_of_a_family_without_a_socket_is_passed_over() {
    let mut talk = talk(registration("alice").host("carrier.test", Ok(&["[2001:db8::1]:5060", "198.51.100.1:5060"])));
    talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(ok()).then_bound();
}

// covers: N2
#[test]
fn the_last_good_address_is_kept_while_its_name_does_not_resolve() {
    let mut talk = talk(registration("alice"));
    talk.registers("n1", 7200);
    talk.hosts.insert("carrier.test".into(), Err(ResolveFault::Failed("SERVFAIL".into())));
    talk.between(secs(3600), secs(5400)).we_send("REGISTER").they_say(ok()).then_bound();
    talk.between(secs(1800), secs(5400)).we_send("REGISTER").they_say(ok()).then_bound();
}

#[test]
fn an_ipv6_registrar_is_asked_from_the_ipv6_socket() {
    let mut setup = registration("alice").registrars(&["sip:[2001:db8::1]:5070"]);
    setup.sockets.push(socket("[2001:db8::10]:5060"));
    let mut talk = talk(setup);
    talk.we_send("REGISTER").with(to("[2001:db8::1]:5070")).with(contact("sip:alice@[2001:db8::10]:5060", 3600)).they_say(ok());
    talk.then_bound();
}

#[test]
fn an_outbound_proxy_is_the_first_hop_and_a_preloaded_route() {
    let mut talk = talk(registration("alice").profile(|profile| profile.outbound_proxy = Some("sip:b.test".into())));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(|sent: &Sent| {
        assert_eq!(sent.header(sip::Name::Route).as_deref(), Some("<sip:b.test;lr>"));
        assert_eq!(sent.uri(), "sip:carrier.test");
    });
}

// covers: N2
#[test]
fn a_look_up_that_is_never_answered_is_waited_for_within_reason_and_made_again() {
    let mut talk = talk(registration("alice").host("carrier.test", Ok(&[])));
    talk.silent_for(secs(19)).then(RegistrationState::Pending);
    talk.silent_for(secs(2)).then(RegistrationState::Unreachable).diagnosed(Code::DnsFailed);
    let summary = talk.status("alice").diagnosis.as_ref().unwrap().summary.clone();
    assert!(summary.contains("A, AAAA carrier.test: no answer within 20 s"), "{summary}");
    talk.hosts.insert("carrier.test".into(), Ok(vec!["198.51.100.1:5060".parse().unwrap()]));
    talk.between(secs(0), secs(60)).we_send("REGISTER").they_say(ok()).then_bound();
}

// covers: N2
#[test]
fn an_answer_that_comes_after_its_time_is_dropped() {
    let mut setup = registration("alice");
    setup.zone.silent.push("carrier.test".into());
    let mut talk = Talk::idle(&setup);
    talk.command(Command::Carrier(Box::new(setup.profile)));
    talk.command(Command::Assign(Box::new(setup.assignment), None));
    // The search went on without NAPTR.
    talk.after(secs(20) + ms(5)).we_send("REGISTER").they_say(ok()).then_bound();
    let late = Resolution { records: Records::Naptr(Vec::new()), ttl: secs(1) };
    talk.input(Input::Resolved { query: Query(1), outcome: Ok(late) }).then_bound();
}

/// Three servers behind SRV records: a before b, and c alone in the next priority.
fn served() -> Setup {
    registration("alice").zone(|zone| {
        zone.add_srv("_sip._udp.carrier.test", 10, 0, 5070, "a.test");
        zone.add_srv("_sip._udp.carrier.test", 20, 0, 5060, "b.test");
        zone.add_srv("_sip._udp.carrier.test", 30, 0, 5060, "c.test");
        zone.ttl = secs(300);
    })
}

/// `a.test` with the port of its SRV record: hosts of a talk have theirs from the table, so the table has to name it.
fn at_its_port(setup: Setup) -> Setup {
    setup.host("a.test", Ok(&["198.51.100.1:5070"]))
}

// covers: N1, RFC 3263 4.1, RFC 3263 4.2
#[test]
fn naptr_leads_to_srv_leads_to_an_address_and_the_evidence_shows_the_way() {
    let mut setup = at_its_port(served());
    setup.zone.add_naptr("carrier.test", 10, 10, "SIP+D2T", "_sip._tcp.carrier.test.");
    setup.zone.add_naptr("carrier.test", 10, 20, "SIP+D2U", "_sip._udp.carrier.test.");
    // TCP is not for this carrier.
    setup.profile.transports = vec![Transport::Udp];
    let mut talk = talk(setup);
    assert_eq!(talk.asked_of_dns[..2], ["NAPTR carrier.test", "SRV _sip._udp.carrier.test"]);
    talk.we_send("REGISTER").with(to("198.51.100.1:5070")).they_say(status(403, "No"));
    let evidence = talk.status("alice").diagnosis.as_ref().unwrap().evidence.clone();
    assert_eq!(
        evidence.resolution,
        [
            "NAPTR carrier.test: 10 20 SIP+D2U _sip._udp.carrier.test.",
            "SRV _sip._udp.carrier.test: 10 0 a.test:5070, 20 0 b.test:5060, 30 0 c.test:5060",
            "A, AAAA c.test: 198.51.100.3",
            "A, AAAA b.test: 198.51.100.2",
            "A, AAAA a.test: 198.51.100.1",
        ]
    );
    assert_eq!(evidence.registrar.as_deref(), Some("sip:198.51.100.1:5070;transport=udp"));
}

// covers: N1, F6, RFC 3263 4.3
#[test]
fn a_dead_server_is_passed_over_within_the_attempt_and_returned_to_when_it_heals() {
    let mut talk = talk(at_its_port(served()));
    talk.we_send("REGISTER").with(to("198.51.100.1:5070")).they_say(status(503, "Busy"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok().expires(600)).then_bound();
    talk.between(secs(300), secs(450)).we_send("REGISTER").with(to("198.51.100.1:5070")).they_say(ok().expires(600)).then_bound();
    assert_eq!(talk.status("alice").registrar, Some(udp("198.51.100.1:5070")));
}

// covers: N1
#[test]
fn a_server_that_stays_dead_is_tried_less_and_less_often() {
    let mut talk = talk(at_its_port(served()));
    talk.we_send("REGISTER").they_say(status(503, "Busy"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok().expires(60)).then_bound();
    let mut dead = 0;
    for _ in 0..40 {
        talk.between(secs(24), secs(30)).we_send("REGISTER");
        if talk.request().to == "198.51.100.1:5070".parse().unwrap() {
            dead += 1;
            talk.they_say(status(503, "Busy")).we_send("REGISTER");
        }
        talk.they_say(ok().expires(60)).then_bound();
    }
    // 40 refreshes in 16 to 20 minutes: after 30 s, then 60, 120, 240, 480, 600 s.
    assert!((2..=6).contains(&dead), "{dead} of 40");
}

// covers: N2
#[test]
fn the_last_good_server_is_kept_while_dns_is_broken_in_any_way_and_that_is_shown() {
    let fail = |words: &str| ResolveFault::Failed(words.into());
    for (name, broken) in [
        ("NAPTR", fail("SERVFAIL")),
        ("SRV", fail("SERVFAIL")),
        ("A", fail("SERVFAIL")),
        ("A", ResolveFault::Absent("NXDOMAIN".into())),
        ("A of all", ResolveFault::Absent("NXDOMAIN".into())),
    ] {
        let mut talk = talk(at_its_port(served()));
        talk.we_send("REGISTER").with(to("198.51.100.1:5070")).they_say(ok().expires(3600)).then_bound();
        let before = talk.hosts.clone();
        let zone = talk.zone.clone();
        match name {
            "NAPTR" => drop(talk.zone.naptr.insert("carrier.test".into(), Err(broken.clone()))),
            "SRV" => drop(talk.zone.srv.insert("_sip._udp.carrier.test".into(), Err(broken.clone()))),
            _ => {
                for host in ["a.test", "b.test", "c.test", "carrier.test"] {
                    talk.hosts.insert(host.into(), Err(broken.clone()));
                }
            }
        }
        // The first refresh finds the records old, and asks.
        for _ in 0..3 {
            talk.between(secs(1800), secs(2700))
                .we_send("REGISTER")
                .with(to("198.51.100.1:5070"))
                .they_say(ok().expires(3600))
                .then_bound();
        }
        assert!(talk.status("alice").warnings.contains(&Code::DnsFailed), "{name} {broken:?}");
        talk.hosts = before;
        talk.zone = zone;
        talk.between(secs(1800), secs(2700)).we_send("REGISTER").with(to("198.51.100.1:5070")).they_say(ok().expires(3600)).then_bound();
        assert!(!talk.status("alice").warnings.contains(&Code::DnsFailed), "{name} {broken:?} has healed");
    }
}

// covers: N2
#[test]
fn what_was_found_is_not_kept_for_ever_where_nobody_answers_there_either() {
    let mut talk = talk(registration("alice"));
    talk.we_send("REGISTER").they_say(ok().expires(60)).then_bound();
    talk.hosts.insert("carrier.test".into(), Err(ResolveFault::Absent("NXDOMAIN".into())));
    // Nobody answers any more; a day later the address belongs to somebody else.
    talk.after(secs(26 * 3600));
    talk.sent.clear();
    talk.after(secs(3600)).silent().diagnosed(Code::DnsFailed);
}

// covers: N2
#[test]
fn an_srv_target_without_an_address_leads_to_the_next() {
    let mut talk = talk(served().host("a.test", Err(ResolveFault::Absent("no address".into()))));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
}

// covers: N2
#[test]
fn dns_that_leads_nowhere_says_which_record_failed_and_how() {
    let mut talk = talk(
        served()
            .host("a.test", Err(ResolveFault::Absent("NXDOMAIN".into())))
            .zone(|zone| {
                zone.srv.insert("_sip._udp.carrier.test".into(), Err(ResolveFault::Failed("SERVFAIL".into())));
            })
            .host("carrier.test", Err(ResolveFault::Absent("NXDOMAIN".into()))),
    );
    talk.silent().diagnosed(Code::DnsFailed);
    let diagnosis = talk.status("alice").diagnosis.as_ref().unwrap().clone();
    assert!(diagnosis.summary.contains("SRV _sip._udp.carrier.test: SERVFAIL"), "{}", diagnosis.summary);
    assert!(diagnosis.summary.contains("A, AAAA carrier.test: NXDOMAIN"), "{}", diagnosis.summary);
    // Of UDP, TCP and TLS the SRV records were asked for, of the domain NAPTR and addresses.
    assert_eq!(diagnosis.evidence.resolution.len(), 5);
}

// covers: N2
#[test]
fn a_ttl_of_zero_makes_no_look_up_per_registration() {
    let mut setup = at_its_port(served());
    setup.zone.ttl = secs(0);
    let mut talk = talk(setup);
    for n in 0..100 {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    assert_eq!(talk.asked_of_dns.len(), 7, "{:?}", talk.asked_of_dns);
}

// covers: N12
#[test]
fn servers_that_the_gate_forbids_are_told_and_the_rest_is_used() {
    let forbidden = || Err(ResolveFault::Forbidden("10.0.0.1".parse().unwrap()));
    let mut partly = talk(served().host("a.test", forbidden()));
    partly.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(ok()).then_bound();
    let mut wholly = talk(served().host("a.test", forbidden()).host("b.test", forbidden()).host("c.test", forbidden()));
    wholly.silent().diagnosed(Code::TargetForbidden);
}

// covers: N1
#[test]
fn trunks_share_servers_of_one_priority_by_their_weights_and_stay_where_they_are() {
    let mut setup = registration("u0").zone(|zone| {
        zone.add_srv("_sip._udp.carrier.test", 10, 75, 5060, "a.test");
        zone.add_srv("_sip._udp.carrier.test", 10, 25, 5060, "b.test");
        zone.ttl = secs(60);
    });
    setup.seed = 7;
    let mut talk = talk(setup);
    for n in 1..200 {
        talk.assign(assignment(&format!("u{n}"), 1));
    }
    let mut homes = std::collections::HashMap::new();
    for _ in 0..200 {
        talk.we_send("REGISTER").they_say(ok().expires(600));
        homes.insert(talk.request().call_id(), talk.request().to);
    }
    let at_a = homes.values().filter(|to| to.ip().to_string() == "198.51.100.1").count();
    // 150 is the mean, 6 the standard deviation.
    assert!((125..=175).contains(&at_a), "{at_a} of 200 at the server of weight 75");
    for _ in 0..200 {
        if talk.sent.is_empty() {
            talk.between(secs(0), secs(450));
        }
        talk.we_send("REGISTER").they_say(ok().expires(600));
        let request = talk.request();
        assert_eq!(homes[&request.call_id()], request.to, "nobody moves though the records were looked up again");
    }
}

#[test]
fn a_transport_that_cannot_be_used_is_said_and_nothing_is_looked_up() {
    let mut talk = talk(registration("alice").registrars(&["sip:carrier.test;transport=sctp"]));
    talk.silent().diagnosed(Code::TransportUnavailable);
    assert_eq!(talk.asked_of_dns, Vec::<String>::new());
}

// covers: N2
#[test]
fn that_dns_is_broken_or_has_healed_is_told_of_every_trunk_at_once_and_what_is_found_again_of_none() {
    let mut setup = registration("alice").account(|account| account.expires = 86_400);
    setup.zone.ttl = secs(60);
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(ok()).then_bound();
    let mut bob = assignment("bob", 1);
    bob.account.expires = 120;
    talk.assign(bob).we_send("REGISTER").they_say(ok().expires(120));
    // Alice rests; bob's refreshes find the record old.
    let told = |talk: &mut Talk, refreshes: usize| {
        talk.events.clear();
        for _ in 0..refreshes {
            talk.between(secs(48), secs(61)).we_send("REGISTER").they_say(ok().expires(120));
        }
        talk.take(|event| match event {
            Event::Status(status) if &*status.trunk == "alice" => Some(status.warnings.contains(&Code::DnsFailed)),
            _ => None,
        })
    };
    assert_eq!(told(&mut talk, 4), []);
    let good = talk.hosts.insert("carrier.test".into(), Err(ResolveFault::Failed("SERVFAIL".into()))).expect("known");
    assert_eq!(told(&mut talk, 4), [true]);
    talk.hosts.insert("carrier.test".into(), good);
    assert_eq!(told(&mut talk, 4), [false]);
}
