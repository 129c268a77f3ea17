//! Whatever comes, in whatever order: nothing panics, `poll` comes to an end, what `audit` checks holds, CSeq never falls; and when all is
//! well again, everything that is wanted is bound.

use std::net::SocketAddr;
use std::time::Duration;

use proptest::prelude::*;
use ua::*;

use crate::support::*;

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        6 => Just(Mutation::None),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(at, with)| Mutation::Flip(at, with)),
        1 => any::<usize>().prop_map(Mutation::Cut),
        1 => (any::<usize>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, more)| Mutation::Insert(at, more)),
        1 => Just(Mutation::Double),
    ]
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => prop_oneof![0u64..1_000, 0u64..60_000, 0u64..4_000_000].prop_map(Happening::Pass),
        14 => (0usize..6, 0usize..60, mutation()).prop_map(|(which, says, mutation)| Happening::Answer { which, says, mutation }),
        1 => (0usize..6, mutation()).prop_map(|(method, mutation)| Happening::Inbound { method, mutation }),
        1 => prop::collection::vec(any::<u8>(), 0..60).prop_map(Happening::Noise),
        1 => (0usize..6, 0usize..4).prop_map(|(which, fault)| Happening::SendFailed { which, fault }),
        3 => (0usize..3, 0u64..12, 1u32..5, any::<u8>()).prop_map(|(trunk, generation, version, variant)| Happening::Assign { trunk, generation, version, variant }),
        1 => (0usize..3, any::<bool>()).prop_map(|(trunk, forget)| Happening::Withdraw { trunk, forget }),
        2 => (0usize..3, 0usize..3).prop_map(|(trunk, action)| Happening::Act { trunk, action }),
        2 => (0usize..3, any::<u8>()).prop_map(|(trunk, variant)| Happening::Verify { trunk, variant }),
        1 => any::<u8>().prop_map(Happening::Carrier),
        1 => any::<u8>().prop_map(Happening::Names),
        3 => (0usize..3, 0usize..10).prop_map(|(which, what)| Happening::Connection { which, what }),
    ]
}

/// Answers everything as a good registrar would, for so long.
fn heal(talk: &mut Talk, span: Duration) {
    let end = talk.now + span;
    let mut count = 0;
    while talk.now < end {
        while let Some(sent) = talk.sent.pop_front() {
            if sent.method().parse::<u16>().is_ok() {
                continue;
            }
            count += 1;
            let says = match sent.method().as_str() {
                "REGISTER" if sent.credentials().is_empty() => challenge("good").algorithm("SHA-256"),
                "REGISTER" => ok(),
                _ => status(200, "OK"),
            };
            let to: SocketAddr = sent.to;
            talk.answer(&sent, says, to);
        }
        talk.after(ms(if count % 7 == 0 { 200 } else { 1_000 }));
    }
}

/// 64 cases, or as many as PROPTEST_CASES says.
fn config() -> ProptestConfig {
    let asked = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { 64 };
    ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..asked }
}

proptest! {
    #![proptest_config(config())]
    #[test]
    fn whatever_comes_nothing_panics_and_all_heals(happenings in prop::collection::vec(happening(), 1..120), seed in 0u64..1000) {
        let setup = registration("alice").pinged(30);
        let mut talk = Talk::idle(&Setup { seed, ..setup });
        talk.command(Command::Carrier(Box::new(registration("alice").profile)));
        talk.assign(assigned(0, 1, 1, 0xf0)).assign(assigned(1, 1, 1, 0xf0));
        let (mut recent, mut generation) = (Vec::new(), 1);
        for happening in happenings {
            happen(&mut talk, happening, &mut recent, &mut generation);
        }
        // All is well again: names resolve, the registrar is as it should be.
        talk.hosts = registration("alice").hosts;
        talk.command(Command::Carrier(Box::new(registration("alice").profile)));
        talk.events.clear();
        for (n, trunk) in TRUNKS.iter().enumerate() {
            talk.assign(assigned(n, generation + 10, 9, 0xf0)).act(trunk, Action::ReleaseHold);
        }
        heal(&mut talk, secs(3_700));
        for trunk in TRUNKS {
            let status = talk.status(trunk);
            prop_assert!(status.bound, "{status:?}");
        }
        prop_assert!(talk.endpoint.counters().bound <= 6);
        heal(&mut talk, secs(3_700));
        for trunk in TRUNKS {
            prop_assert!(talk.status(trunk).bound, "{:?}", talk.status(trunk));
        }
        prop_assert_eq!(talk.endpoint.counters().bound, 3);
    }
}
