//! 3xx to a REGISTER: followed to hosts that the profile lists, and with no digest for a realm of theirs (carriers.md F8).

use diagnosis::Code;
use ua::*;

use crate::support::*;

/// A carrier whose registrar `a.test` may redirect to these.
fn listed(hosts: &[&str]) -> Setup {
    registration("alice")
        .registrars(&["sip:a.test"])
        .host("d.test", Ok(&["198.51.100.4:5060"]))
        .profile(|profile| profile.manners.redirect_hosts = hosts.iter().map(|&host| host.into()).collect())
}

fn moved(code: u16, contact: &str) -> Says {
    status(code, "Moved").header("Contact", contact)
}

// covers: F8
#[test]
fn a_listed_host_is_asked_at_once_by_the_same_registration() {
    for code in [301, 302, 305] {
        let mut talk = talk(listed(&["B.test."]));
        // The first is not listed, the second another scheme.
        let contacts = "<sip:c.test>, <sips:b.test>, <sip:b.test:5060>";
        talk.we_send("REGISTER").with(to("198.51.100.1:5060")).they_say(moved(code, contacts));
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(next_cseq()).with(no_digest());
        talk.with(contact("sip:alice@192.0.2.10:5060", 3600)).they_say(challenge("n"));
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(nonce("n")).they_say(ok()).then_bound();
        assert_eq!(talk.status("alice").registrar, Some(udp("198.51.100.2:5060")));
    }
}

// covers: F8
#[test]
fn what_was_answered_at_one_registrar_is_not_sent_to_the_next() {
    let mut talk = talk(listed(&["b.test"]));
    talk.we_send("REGISTER").they_say(challenge("n1"));
    talk.we_send("REGISTER").with(nonce("n1")).they_say(moved(302, "<sip:b.test>"));
    talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(no_digest()).they_say(challenge("n2"));
    talk.we_send("REGISTER").with(nonce("n2").nc(1)).they_say(ok()).then_bound();
}

// covers: F8
#[test]
fn a_realm_of_the_other_host_gets_no_digest_whatever_was_configured() {
    // Named, learnt before, or the domain's own.
    for (realm, learnt) in [(Some("carrier.test"), false), (None, true), (None, false)] {
        let setup = listed(&["b.test"]).credential(|credential| credential.realm = realm.map(Into::into));
        let mut talk = talk(setup.profile(|profile| profile.nonce_reuse = NonceReuse::Never));
        if learnt {
            talk.we_send("REGISTER").they_say(challenge("n0").realm("pbx"));
            talk.we_send("REGISTER").they_say(ok().expires(3600));
            talk.between(secs(1800), secs(2700));
        }
        let own = if learnt { "pbx" } else { "carrier.test" };
        talk.we_send("REGISTER").they_say(moved(302, "<sip:b.test>"));
        talk.we_send("REGISTER").they_say(challenge("n1").realm("b.test")).silent().diagnosed(Code::RealmMismatch);
        talk.act("alice", Action::Refresh).we_send("REGISTER").they_say(moved(302, "<sip:b.test>"));
        talk.we_send("REGISTER").they_say(challenge("n2").realm(own));
        talk.we_send("REGISTER").with(to("198.51.100.2:5060")).with(nonce("n2")).they_say(ok()).then_bound();
    }
}

// covers: F8
#[test]
fn two_redirections_are_followed_and_a_circle_is_not() {
    let hosts = ["a.test", "b.test", "c.test", "d.test"];
    let mut chain = talk(listed(&hosts));
    chain.we_send("REGISTER").they_say(moved(302, "<sip:b.test>"));
    chain.we_send("REGISTER").with(to("198.51.100.2:5060")).they_say(moved(302, "<sip:c.test>"));
    chain.we_send("REGISTER").with(to("198.51.100.3:5060")).they_say(moved(302, "<sip:d.test>"));
    chain.silent().diagnosed(Code::Redirected).then(RegistrationState::Rejected);
    assert!(chain.status("alice").diagnosis.as_ref().unwrap().summary.contains("sip:d.test"));
    let mut circle = talk(listed(&hosts));
    circle.we_send("REGISTER").they_say(moved(302, "<sip:b.test>"));
    circle.we_send("REGISTER").they_say(moved(302, "<sip:a.test>"));
    circle.silent().diagnosed(Code::Redirected).then(RegistrationState::Rejected);
}

// covers: F8
#[test]
fn a_removal_is_asked_of_who_holds_the_binding_and_of_nobody_else() {
    let mut talk = talk(listed(&["b.test"]));
    talk.registers("n1", 3600).withdraw("alice", Withdrawal::Unregister);
    talk.we_send("REGISTER").with(removal()).they_say(moved(302, "<sip:b.test>")).silent();
}

// covers: F8, N2, N12
#[test]
fn a_listed_host_that_leads_nowhere_or_where_nothing_may_go_is_said_so() {
    for (fault, code) in [
        (ResolveFault::Failed("NXDOMAIN".into()), Code::DnsFailed),
        (ResolveFault::Forbidden("10.0.0.1".parse().unwrap()), Code::TargetForbidden),
    ] {
        let mut talk = talk(listed(&["b.test"]).host("b.test", Err(fault)));
        talk.we_send("REGISTER").they_say(moved(302, "<sip:b.test>")).silent().diagnosed(code);
    }
    // Of several addresses the first that a socket leads to.
    let mut talk = talk(listed(&["b.test"]).host("b.test", Ok(&["[2001:db8::2]:5060", "198.51.100.9:5060"])));
    talk.we_send("REGISTER").they_say(moved(302, "<sip:b.test>"));
    talk.we_send("REGISTER").with(to("198.51.100.9:5060")).they_say(ok()).then_bound();
}

#[test]
fn a_trunk_that_is_forgotten_while_the_other_host_is_looked_up_asks_nobody() {
    let mut talk = talk(listed(&["b.test"]).host("b.test", Ok(&[])));
    talk.we_send("REGISTER").they_say(moved(302, "<sip:b.test>")).withdraw("alice", Withdrawal::Forget);
    talk.hosts.insert("b.test".into(), Ok(vec!["198.51.100.2:5060".parse().unwrap()]));
    talk.silent_for(secs(100));
}

// covers: F8
#[test]
fn a_host_that_is_found_after_the_attempt_was_taken_back_is_nothing_to_the_next_one() {
    let mut talk = talk(listed(&["b.test"]).host("b.test", Ok(&[])));
    talk.we_send("REGISTER").they_say(ok().expires(20)).then_bound();
    talk.between(secs(8), secs(10)).we_send("REGISTER").they_say(moved(302, "<sip:b.test>")).silent();
    // The binding lapses before the name server answers, and was to go.
    talk.act("alice", Action::Unregister).after(secs(12) + ms(5)).bound(false).silent();
    let asks = talk.act("alice", Action::Refresh).we_send("REGISTER").with(to("198.51.100.1:5060")).request().clone();
    talk.hosts.insert("b.test".into(), Ok(vec!["198.51.100.2:5060".parse().unwrap()]));
    talk.after(ms(100)).silent().about(asks).they_say(ok()).then_bound();
}
