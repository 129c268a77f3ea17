//! Whatever can happen to an endpoint: for property tests, and for fuzzing, which draws it from bytes.

use sip::build::Builder;
use sip::digest::Hash;
use ua::*;

use super::*;

/// The trunks that it happens to.
pub const TRUNKS: [&str; 3] = ["alice", "bob", "carol"];

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Happening {
    Pass(u64),
    Answer { which: usize, says: usize, mutation: Mutation },
    Inbound { method: usize, mutation: Mutation },
    Noise(Vec<u8>),
    SendFailed { which: usize, fault: usize },
    Assign { trunk: usize, generation: u64, version: u32, variant: u8 },
    Withdraw { trunk: usize, forget: bool },
    Act { trunk: usize, action: usize },
    Verify { trunk: usize, variant: u8 },
    Carrier(u8),
    Names(u8),
    Connection { which: usize, what: usize },
}

/// What becomes of a datagram on its way.
#[derive(Clone, Debug)]
pub enum Mutation {
    None,
    Flip(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Double,
}

impl Mutation {
    fn of(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let length = bytes.len().max(1);
        match self {
            Mutation::None => {}
            Mutation::Flip(at, with) => bytes[at % length] ^= with,
            Mutation::Cut(at) => bytes.truncate(at % length),
            Mutation::Insert(at, more) => drop(bytes.splice(at % length..at % length, more.iter().copied())),
            Mutation::Double => bytes.extend(bytes.clone()),
        }
        bytes
    }
}

/// What a registrar may say; the common answers more often.
fn answer(which: usize) -> Says {
    match which {
        0..=13 => ok(),
        14..=27 => challenge("n"),
        28 => challenge("m").stale(),
        29 => challenge("o").proxy(),
        30 => challenge("p").proxy().and(challenge("q")),
        31 => challenge("r").realm("elsewhere"),
        32 => challenge("s").algorithm("SHA-256").and(challenge("t")),
        33 => challenge("u").algorithm("MD2"),
        34 => status(401, "Unauthorized"),
        35 => status(403, "Forbidden"),
        36 => status(404, "Not Found"),
        37 => status(423, "Interval Too Brief").header("Min-Expires", "7200"),
        38 => status(423, "Interval Too Brief"),
        39 => status(503, "Busy").header("Retry-After", "90"),
        40 => status(503, "Busy"),
        41 => status(500, "CSeq too low"),
        42 => status(302, "Moved").header("Contact", "<sip:b.test>"),
        43 => status(100, "Trying"),
        44 => ok().expires(0),
        45 => ok().expires(1),
        46 => ok().expires(25),
        47 => ok().expires(u32::MAX),
        48 => ok().listing_nothing(),
        49 => ok().listing_nothing().header("Contact", "<sip:desk@203.0.113.1>;expires=60"),
        50 => ok().header("Authentication-Info", "nextnonce=\"z\"").header("Flow-Timer", "60"),
        51 => ok().header("Contact", "<sip:alice@192.0.2.10:5060>;expires=60"),
        52 => ok().header("Contact", "*"),
        53 => status(603, "Decline"),
        54 => status(408, "Timeout"),
        55 => status(400, "Bad Request"),
        56 => status(699, "Odd"),
        57 => status(200, ""),
        58 => challenge("v").algorithm("SHA-512-256-sess").qop("auth-int"),
        _ => status(405, "Method Not Allowed"),
    }
}

pub fn assigned(trunk: usize, generation: u64, version: u32, variant: u8) -> Assignment {
    let name = TRUNKS[trunk];
    let mut assignment = assignment(name, generation);
    assignment.active = Some(credential(name, version, "secret"));
    if variant & 1 == 1 {
        assignment.previous = Some(credential(name, version.saturating_sub(1), "old"));
    }
    if variant & 6 == 6 {
        assignment.standby = Some(credential(name, version + 1, "standby"));
    }
    match variant >> 4 {
        0 => assignment.active = None,
        1 => assignment.account.address_of_record = format!("sip:{name}2@carrier.test").into(),
        2 => assignment.account.contact.user = Some("line".into()),
        3 => assignment.account.expires = 60,
        4 => assignment.policy = policy(&[Hash::Sha256]),
        _ => {}
    }
    assignment
}

fn carrier(variant: u8) -> Profile {
    let mut setup = registration("alice");
    if variant & 1 == 1 {
        setup = setup.pinged(30);
    }
    if variant & 2 == 2 {
        setup.profile.pacing = Pacing { registers_per_second: 5, in_flight: 2 };
    }
    setup.profile.registrars = match variant >> 5 {
        0 => vec!["sip:b.test".into()],
        1 => vec!["sip:a.test".into(), "sip:b.test".into()],
        2 => vec!["sip:nowhere.test".into(), "sip:c.test".into()],
        3 => vec!["sip:[2001:db8::1]".into(), "sip:b.test".into()],
        4 => vec!["not a uri".into()],
        _ => vec!["sip:carrier.test".into()],
    };
    if variant & 16 == 16 {
        setup.profile.transports = vec![Transport::Tcp];
        setup.profile.manners.outbound = variant & 1 == 1;
    }
    setup.profile.outbound_proxy = (variant & 12 == 12).then(|| "sip:c.test".into());
    setup.profile
}

/// Lets it happen; `recent` is what was sent lately and may still be answered.
pub fn happen(talk: &mut Talk, happening: Happening, recent: &mut Vec<Sent>, generation: &mut u64) {
    recent.extend(talk.sent.drain(..));
    let start = recent.len().saturating_sub(6);
    recent.drain(..start);
    match happening {
        Happening::Pass(milliseconds) => drop(talk.after(ms(milliseconds))),
        Happening::Answer { which, says, mutation } => {
            // The newest first: that is what is still waited for.
            let Some(request) = recent.iter().rev().nth(which).filter(|sent| sent.method().parse::<u16>().is_err()).cloned() else {
                return;
            };
            let bytes = mutation.of(answer(says).write(&request, "192.0.2.10:5060".parse().unwrap()));
            match request.flow {
                Some(flow) => talk.input(Input::Message { flow, bytes: &bytes }),
                None => talk.receive(request.local, request.to, &bytes),
            };
        }
        Happening::Inbound { method, mutation } => {
            let method = ["INVITE", "OPTIONS", "ACK", "CANCEL", "BYE", "MESSAGE"][method];
            let bytes = Builder::request(method, "sip:alice@192.0.2.10")
                .header("Via", "SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKx")
                .header("From", "<sip:x@y>;tag=1")
                .header("To", "<sip:alice@192.0.2.10>")
                .header("Call-ID", "c")
                .header("CSeq", format_args!("1 {method}"))
                .finish();
            talk.receive(Local(0), "198.51.100.1:5060".parse().unwrap(), &mutation.of(bytes));
        }
        Happening::Noise(bytes) => drop(talk.receive(Local(0), "198.51.100.1:5060".parse().unwrap(), &bytes)),
        Happening::SendFailed { which, fault } => {
            let Some(request) = recent.iter().rev().nth(which).cloned() else { return };
            let fault = [SendFault::Refused, SendFault::Unreachable, SendFault::TooLarge, SendFault::Forbidden][fault];
            talk.input(Input::SendFailed { local: request.local, to: request.to, fault });
        }
        Happening::Assign { trunk, generation: step, version, variant } => {
            *generation += step.saturating_sub(2);
            talk.assign(assigned(trunk, *generation, version, variant));
        }
        Happening::Withdraw { trunk, forget } => {
            let how = if forget { Withdrawal::Forget } else { Withdrawal::Unregister };
            talk.withdraw(TRUNKS[trunk], how);
        }
        Happening::Act { trunk, action } => {
            talk.act(TRUNKS[trunk], [Action::Refresh, Action::Unregister, Action::ReleaseHold][action]);
        }
        Happening::Verify { trunk, variant } => {
            let mut order = order("v", TRUNKS[trunk], "secret");
            order.by = if variant & 1 == 1 { VerifyBy::Renew } else { VerifyBy::Query };
            order.mode = if variant & 6 == 6 { VerifyMode::ChallengeOnly } else { VerifyMode::Digest };
            order.patience = [secs(1), secs(8), secs(32), secs(90)][usize::from(variant >> 6)];
            order.profile = carrier(variant);
            order.by_person = variant & 8 == 8;
            order.may_bind = variant & 16 == 0;
            talk.verify(order);
        }
        Happening::Carrier(variant) => drop(talk.command(Command::Carrier(Box::new(carrier(variant))))),
        Happening::Connection { which, what } => {
            let Some(Dial { flow, .. }) = talk.dials.iter().rev().nth(which).cloned() else { return };
            let local = "192.0.2.10:40000".parse().unwrap();
            let fault = match what {
                0..=3 => {
                    talk.input(Input::Opened { flow, opening: Opening { local, secured: None } });
                    return;
                }
                4 => {
                    talk.input(Input::Pong { flow });
                    return;
                }
                5 => FlowFault::Refused,
                6 => FlowFault::Closed,
                7 => FlowFault::Timeout,
                8 => FlowFault::Tls(TlsFault::Name { presented: vec!["other.test".into()], wildcard: false }),
                _ => FlowFault::Garbage,
            };
            talk.input(Input::Closed { flow, fault });
        }
        Happening::Names(variant) => {
            let found = match variant & 3 {
                0 => Ok(vec![]),
                1 => Err(ResolveFault::Failed("SERVFAIL".into())),
                2 => Err(ResolveFault::Forbidden("10.0.0.1".parse().unwrap())),
                _ => Ok(vec!["198.51.100.9:5060".parse().unwrap(), "198.51.100.8:5060".parse().unwrap()]),
            };
            talk.hosts.insert(["carrier.test", "a.test", "b.test"][usize::from(variant >> 2) % 3].into(), found);
        }
    }
}
