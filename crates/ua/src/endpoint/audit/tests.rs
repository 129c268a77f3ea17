//! The audit against endpoints that something was done to: a check that sees nothing would make every talk and every simulated night green.

use std::time::Duration;

use super::super::Endpoint;
use super::super::given::{self, account, credential, policy, profile};
use super::*;
use crate::budget::{Asker, Narrows};
use crate::carrier::Urgency;
use crate::wheel::TimerKey;
use crate::*;

const NOW: Instant = Instant::from_micros(1_000_000_000);
/// Takes out what there is; every name leads to the one registrar.
fn settle(endpoint: &mut Endpoint, now: Instant) {
    loop {
        let query = match endpoint.poll(now) {
            Output::Wake(_) => return,
            Output::Resolve { query, .. } => query,
            _ => continue,
        };
        let records = Records::Addresses(vec!["198.51.100.1:5060".parse().unwrap()]);
        endpoint.handle(now, Input::Resolved { query, outcome: Ok(Resolution { records, ttl: Duration::from_secs(3600) }) });
    }
}

/// An endpoint that asks for one registration, pings its carrier and verifies a credential; and the key of the registration.
fn endpoint() -> (Endpoint, Key) {
    let profile = || Profile {
        registrars: vec!["sip:198.51.100.1;transport=tcp".into()],
        options: Some(OptionsPing { interval: Duration::from_secs(30), failure_threshold: 2, success_threshold: 1 }),
        ..profile()
    };
    let mut endpoint = given::endpoint();
    let assignment = given::assignment(account());
    let order = VerifyOrder {
        id: "v".into(),
        trunk: None,
        profile: profile(),
        account: account(),
        policy: policy(),
        credential: Some(credential()),
        mode: VerifyMode::Digest,
        by: VerifyBy::Query,
        may_bind: true,
        by_person: true,
        patience: Duration::from_secs(32),
    };
    for command in [Command::Carrier(Box::new(profile())), Command::Assign(Box::new(assignment), None), Command::Verify(Box::new(order))] {
        endpoint.handle(NOW, Input::Command(command));
        settle(&mut endpoint, NOW);
    }
    // A timer may be a tick late.
    settle(&mut endpoint, NOW + Duration::from_millis(5));
    endpoint.audit().unwrap();
    let key = endpoint.trunks["alice"];
    assert!(matches!(endpoint.registrations.at(key).unwrap().phase, Phase::Asking(_)));
    assert_eq!(endpoint.probes.iter().filter(|(_, probe)| probe.register.is_some() && probe.options.is_some()).count(), 1);
    assert!(endpoint.carriers.iter().any(|(_, carrier)| carrier.pings[0].out.is_some()));
    (endpoint, key)
}

/// The registration rests in this phase, with nothing out and nothing armed.
fn rests(endpoint: &mut Endpoint, key: Key, phase: Phase) {
    endpoint.unseat(key);
    let registration = endpoint.registrations.at_mut(key).unwrap();
    registration.timer = None;
    if let Phase::Asking(exchange) = std::mem::replace(&mut registration.phase, phase) {
        let carrier = registration.carrier;
        endpoint.abandon(NOW, carrier, exchange);
    }
}

fn armed(endpoint: &mut Endpoint, key: Key) -> Option<TimerKey> {
    Some(endpoint.wire.wheel.arm(NOW + Duration::from_secs(60), crate::wire::Timer::Registration(key)))
}

fn bound(endpoint: &mut Endpoint, key: Key) {
    let granted = Duration::from_secs(3600);
    let registration = endpoint.registrations.at_mut(key).unwrap();
    registration.binding = Some(crate::registration::Binding {
        address_of_record: "sip:alice@carrier.test".into(),
        contact: "sip:alice@192.0.2.10".into(),
        registrar: Place { transport: Transport::Tcp, address: "198.51.100.1:5060".parse().unwrap() },
        granted,
        lapses_at: NOW + granted,
        registered_at: NOW,
        version: 1,
        authenticated: true,
    });
}

/// What the audit says after something was done.
fn after(change: impl FnOnce(&mut Endpoint, Key)) -> String {
    let (mut endpoint, key) = endpoint();
    change(&mut endpoint, key);
    endpoint.audit().err().unwrap_or_default()
}

fn carrier(endpoint: &mut Endpoint) -> &mut crate::carrier::Carrier {
    let key = endpoint.carrier_names["carrier"];
    endpoint.carriers.at_mut(key).unwrap()
}

#[test]
fn what_is_counted_otherwise_than_it_is_is_seen() {
    assert_eq!(after(|_, _| ()), "");
    assert!(after(|endpoint, _| carrier(endpoint).registrations += 1).contains("2 counted, 1 there"));
    assert!(after(|endpoint, _| carrier(endpoint).pace.ended()).contains("0 in flight, 1 ask"));
    assert!(after(|endpoint, _| carrier(endpoint).pace.goes_on()).contains("2 in flight, 1 ask"));
    let queued = after(|endpoint, key| {
        carrier(endpoint).pace.enqueue(Urgency::First, key);
    });
    assert!(queued.contains("1 in its queue, 0 wait"), "{queued}");
    let seats = after(|endpoint, _| {
        let (flow, _) = endpoint.wire.flows.iter().find(|(_, connection)| connection.seats == 1).unwrap();
        endpoint.wire.flows.at_mut(flow).unwrap().seats += 1;
    });
    assert!(seats.contains("connection"), "{seats}");
    let untimed = after(|endpoint, _| {
        let (flow, _) = endpoint.wire.flows.iter().find(|(_, connection)| connection.seats == 1).unwrap();
        endpoint.wire.flows.at_mut(flow).unwrap().timer = None;
    });
    assert!(untimed.contains("connection"), "{untimed}");
    let risks = after(|endpoint, _| {
        let limits = profile().failure_budget;
        drop(endpoint.budget.risk(NOW, &"carrier".into(), "alice", Asker::Person, &limits).unwrap());
    });
    assert!(risks.contains("1 digests are out that may fail, 0 are waited for"), "{risks}");
}

#[test]
fn what_waits_for_nothing_is_seen() {
    let gone = after(|endpoint, key| {
        let Phase::Asking(exchange) = &endpoint.registrations.at(key).unwrap().phase else { panic!("it asks") };
        let transaction = exchange.transaction;
        endpoint.wire.abandon(transaction);
    });
    assert!(gone.contains("asks by a transaction that is gone"), "{gone}");
    let parked = after(|endpoint, key| {
        let registration = endpoint.registrations.at_mut(key).unwrap();
        let Phase::Asking(exchange) = std::mem::replace(&mut registration.phase, Phase::Idle) else { panic!("it asks") };
        registration.phase = Phase::Parked { exchange, answer: Box::default() };
    });
    assert!(parked.contains("parked, and forgotten"), "{parked}");
    for phase in [Phase::Bound { refresh_at: NOW }, Phase::Waiting { retry_at: NOW, why: crate::registration::Wait::Network }] {
        let untimed = after(|endpoint, key| rests(endpoint, key, phase));
        assert!(untimed.contains("waits without a timer"), "{untimed}");
    }
    let lapse = after(|endpoint, key| {
        rests(endpoint, key, Phase::Held);
        bound(endpoint, key);
    });
    assert!(lapse.contains("nobody watches the binding lapse"), "{lapse}");
    let unwoken = after(|endpoint, key| {
        rests(endpoint, key, Phase::Held);
        let ticket = carrier(endpoint).pace.enqueue(Urgency::First, key);
        endpoint.registrations.at_mut(key).unwrap().phase = Phase::Queued(ticket);
    });
    assert!(unwoken.contains("1 wait and nothing wakes them"), "{unwoken}");
    let probe = after(|endpoint, _| {
        let (key, _) = endpoint.probes.iter().next().unwrap();
        endpoint.probes.at_mut(key).unwrap().timer = None;
    });
    assert!(probe.contains("has no timer"), "{probe}");
    for which in [0, 1] {
        let lost = after(|endpoint, _| {
            let (_, probe) = endpoint.probes.iter().next().unwrap();
            let out = [probe.register, probe.options][which].unwrap();
            endpoint.wire.abandon(out);
        });
        assert!(lost.contains("waits for a transaction that is gone"), "{lost}");
    }
}

#[test]
fn a_transaction_that_nobody_waits_for_is_seen_whoever_began_it() {
    let of_registration = after(|endpoint, key| {
        endpoint.registrations.at_mut(key).unwrap().phase = Phase::Held;
        carrier(endpoint).pace.ended();
    });
    let of_ping = after(|endpoint, _| carrier(endpoint).pings[0].out = None);
    let of_options = after(|endpoint, _| {
        let (key, _) = endpoint.probes.iter().next().unwrap();
        endpoint.probes.at_mut(key).unwrap().options = None;
    });
    let of_probe = after(|endpoint, _| {
        let (key, _) = endpoint.probes.iter().next().unwrap();
        endpoint.probes.at_mut(key).unwrap().register = None;
    });
    for (said, owner) in [(of_registration, "Registration"), (of_ping, "Ping"), (of_options, "ProbeOptions"), (of_probe, "Probe(")] {
        assert!(said.contains("a transaction that nobody waits for") && said.contains(owner), "{owner}: {said}");
    }
}

#[test]
fn a_registration_that_is_idle_though_it_has_something_to_do_is_seen() {
    let idle = |change: fn(&mut Registration)| {
        after(|endpoint, key| {
            rests(endpoint, key, Phase::Idle);
            change(endpoint.registrations.at_mut(key).unwrap());
        })
    };
    assert!(idle(|_| ()).contains("idle, and forgotten"));
    assert_eq!(idle(|registration| registration.assignment.active = None), "", "without credentials there is nothing to do");
    let removed = idle(|registration| {
        registration.assignment.active = None;
        registration.intent = Intent::Away;
    });
    assert!(removed.contains("idle, and forgotten"), "{removed}");
    // Ridden, it goes on when that ends: if somebody rides, and if it is to.
    let ridden = |again: bool| {
        after(|endpoint, key| {
            rests(endpoint, key, Phase::Idle);
            let (probe, _) = endpoint.probes.iter().next().unwrap();
            endpoint.probes.at_mut(probe).unwrap().asks = Asks::Renewal(key);
            let registration = endpoint.registrations.at_mut(key).unwrap();
            (registration.ridden, registration.again) = (Some(probe), again);
        })
    };
    assert_eq!(ridden(true), "");
    assert!(ridden(false).contains("idle, and forgotten"));
    let by_nobody = after(|endpoint, key| {
        let (probe, _) = endpoint.probes.iter().next().unwrap();
        endpoint.registrations.at_mut(key).unwrap().ridden = Some(probe);
    });
    assert!(by_nobody.contains("ridden by nobody"), "{by_nobody}");
}

#[test]
fn a_name_that_leads_elsewhere_is_seen() {
    let unseen = after(|endpoint, key| endpoint.registrations.at_mut(key).unwrap().intent = Intent::LeaveUnseen);
    assert!(unseen.contains("named as it should not be"), "{unseen}");
    let nameless = after(|endpoint, _| {
        endpoint.trunks.remove("alice");
    });
    assert!(nameless.contains("named as it should not be"), "{nameless}");
    let other = after(|endpoint, key| {
        endpoint.trunks.insert("bob".into(), key);
    });
    assert!(other.contains("trunk bob names no registration"), "{other}");
}

#[test]
fn what_is_as_it_should_be_is_not_complained_of() {
    let waiting = after(|endpoint, key| {
        rests(endpoint, key, Phase::Bound { refresh_at: NOW + Duration::from_secs(60) });
        bound(endpoint, key);
        endpoint.registrations.at_mut(key).unwrap().timer = armed(endpoint, key);
    });
    assert_eq!(waiting, "");
    let held = after(|endpoint, key| rests(endpoint, key, Phase::Held));
    assert_eq!(held, "");
    // Parked, and the digest that it waits for is out at somebody else's.
    let parked = after(|endpoint, key| {
        let limits = profile().failure_budget;
        let risk = endpoint.budget.risk(NOW, &"carrier".into(), "alice", Asker::Person, &limits).unwrap();
        let (probe, _) = endpoint.probes.iter().next().unwrap();
        endpoint.probes.at_mut(probe).unwrap().risks.push(risk);
        endpoint.budget.wait(Narrows::Carrier("carrier".into()), Waiter::Registration(key));
        let registration = endpoint.registrations.at_mut(key).unwrap();
        let Phase::Asking(exchange) = std::mem::replace(&mut registration.phase, Phase::Idle) else { panic!("it asks") };
        let transaction = exchange.transaction;
        registration.phase = Phase::Parked { exchange, answer: Box::default() };
        endpoint.wire.abandon(transaction);
        carrier(endpoint).pace.ended();
    });
    assert_eq!(parked, "");
}

#[test]
fn a_refresh_watches_the_lapse_itself_only_if_it_is_plain_and_ends_before() {
    let lapse = |marked: bool, later: u64| {
        after(|endpoint, key| {
            bound(endpoint, key);
            let registration = endpoint.registrations.at_mut(key).unwrap();
            registration.timer = None;
            let Phase::Asking(exchange) = &mut registration.phase else { panic!("it asks") };
            exchange.marked = marked;
            let ends_at = endpoint.wire.gives_up_at(exchange.transaction).unwrap();
            registration.binding.as_mut().unwrap().lapses_at = ends_at + Duration::from_micros(later);
        })
    };
    assert_eq!(lapse(true, 1), "");
    for (marked, later) in [(true, 0), (false, 1), (false, 0)] {
        assert!(lapse(marked, later).contains("nobody watches the binding lapse"), "{marked} {later}");
    }
}
