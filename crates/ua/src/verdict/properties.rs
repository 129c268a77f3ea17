//! What holds of every judgement, whatever was observed.

use std::net::SocketAddr;

use diagnosis::{Code, Initiator, Note, Place, Said, Stage};
use proptest::prelude::*;
use sip::digest::{Algorithm, Hash};

use super::{End, Final, Observation, judge};
use crate::challenge::Refusal;
use crate::{DigestPolicy, FlowFault, OnDowngrade, PolicySource, ResolveFault, SendFault, TlsFault, Transport};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9.\" :]{0,12}",
        Just("acme.test".to_owned()),
        Just("CSeq too low".to_owned()),
        Just("Too many contacts".to_owned()),
        "\\PC{0,20}"
    ]
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(text(), 0..4)
}

fn answer() -> impl Strategy<Value = Final> {
    (300u16..700, text(), any::<Option<u32>>(), any::<Option<u32>>(), proptest::option::of(text()), proptest::option::of(text())).prop_map(
        |(code, reason, retry_after, min_expires, redirect, demands)| Final {
            code,
            headers: vec![Said { place: Place::Warning, text: reason.clone() }],
            reason,
            retry_after,
            min_expires,
            redirect,
            demands,
        },
    )
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop_oneof![
        Just(Refusal::Missing),
        (text(), text()).prop_map(|(fault, header)| Refusal::Malformed { fault, header }),
        (text(), texts()).prop_map(|(expected, offered)| Refusal::Realm { expected, offered }),
        (proptest::option::of(text()), text()).prop_map(|(expected, offered)| Refusal::ProxyRealm { expected, offered }),
        texts().prop_map(|offered| Refusal::AlgorithmUnsupported { offered }),
        (texts(), texts()).prop_map(|(wanted, offered)| Refusal::AlgorithmNotOffered { wanted, offered }),
        (texts(), texts()).prop_map(|(held, offered)| Refusal::NoHa1 { held, offered }),
        texts().prop_map(|offered| Refusal::AlgorithmNotAllowed { offered }),
        (text(), texts()).prop_map(|(pinned, offered)| Refusal::Downgrade { pinned, offered }),
        text().prop_map(|algorithm| Refusal::QopGone { algorithm }),
        text().prop_map(|realm| Refusal::Qop { realm }),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => answer().prop_map(End::Final),
        3 => refusal().prop_map(End::Challenge),
        1 => text().prop_map(|why| End::Unresolved(ResolveFault::Failed(why))),
        1 => any::<[u8; 4]>().prop_map(|ip| End::Unresolved(ResolveFault::Forbidden(ip.into()))),
        1 => any::<u16>().prop_map(|port| End::Unresolved(ResolveFault::ForbiddenPort(port))),
        1 => any::<[u8; 16]>().prop_map(|ip| End::Unresolved(ResolveFault::NoSocket(ip.into()))),
        1 => prop::sample::select(vec![SendFault::Refused, SendFault::Unreachable, SendFault::TooLarge, SendFault::Forbidden]).prop_map(End::NotSent),
        2 => fault().prop_map(End::Disconnected),
        2 => Just(End::Silence),
        1 => Just(End::StaleLoop),
        1 => Just(End::Unproven),
        1 => texts().prop_map(|listed| End::BindingMissing { listed }),
        1 => Just(End::GrantedNothing),
        1 => any::<u32>().prop_map(|retry_after| End::BudgetSpent { retry_after }),
    ]
}

fn source() -> impl Strategy<Value = PolicySource> {
    prop_oneof![
        Just(PolicySource::Default),
        Just(PolicySource::Organization),
        Just(PolicySource::Carrier("acme".into())),
        Just(PolicySource::Trunk("t1".into()))
    ]
}

fn fault() -> impl Strategy<Value = FlowFault> {
    prop_oneof![
        prop::sample::select(vec![
            FlowFault::Refused,
            FlowFault::Unreachable,
            FlowFault::Timeout,
            FlowFault::Forbidden,
            FlowFault::Closed,
            FlowFault::Reset,
            FlowFault::Garbage,
            FlowFault::Stuck,
        ]),
        (texts(), any::<bool>()).prop_map(|(presented, wildcard)| FlowFault::Tls(TlsFault::Name { presented, wildcard })),
        text().prop_map(|words| FlowFault::Tls(TlsFault::Expired(words))),
        text().prop_map(|words| FlowFault::Tls(TlsFault::Untrusted(words))),
        text().prop_map(|words| FlowFault::Tls(TlsFault::ClientCertificate(words))),
        text().prop_map(|words| FlowFault::Tls(TlsFault::Handshake(words))),
        text().prop_map(FlowFault::WebSocket),
    ]
}

fn observation() -> impl Strategy<Value = Observation> {
    let hashes = proptest::collection::vec(prop::sample::select(vec![Hash::Md5, Hash::Sha256, Hash::Sha512_256]), 0..3);
    let algorithm =
        prop::sample::select(vec!["MD5", "SHA-256", "SHA-512-256", "MD5-sess"]).prop_map(|name| Algorithm::from_token(name).unwrap());
    let address = any::<([u8; 4], u16)>().prop_map(|(ip, port)| SocketAddr::from((ip, port)));
    let place = (prop::sample::select(Transport::CAN.to_vec()), address.clone())
        .prop_map(|(transport, address)| crate::Place { transport, address });
    let flags = any::<[bool; 7]>();
    let words = (text(), text(), proptest::option::of(text()), proptest::option::of(text()));
    let addresses = (proptest::option::of(place), proptest::option::of(address.clone()), proptest::option::of(address));
    (hashes, source(), proptest::option::of(algorithm), addresses, any::<Option<bool>>(), words, flags).prop_map(
        |(allowed, source, answered, (target, from, public), options, (registrar, user, realm, trunk), flags)| Observation {
            trunk,
            carrier: "acme".into(),
            address_of_record: format!("sip:{user}@acme.test"),
            username: Some(user),
            registrar,
            target,
            source: from,
            public,
            options,
            realm,
            answered,
            verification: flags[0],
            query: flags[1],
            may_bind: flags[6],
            answered_before: flags[2],
            truncated_sha512: flags[3],
            accepted_before: flags[4],
            notes: if flags[5] {
                vec![Note { pattern: "x".into(), place: Place::Phrase, note: "call the desk".into() }]
            } else {
                Vec::new()
            },
            ..Observation::new(DigestPolicy { allowed, on_downgrade: OnDowngrade::Refuse, source })
        },
    )
}

/// Codes that say that a digest was judged, or may have been.
const OF_A_DIGEST: [Code; 6] = [
    Code::CredentialsRejected,
    Code::ForbiddenAfterAuth,
    Code::VerifyAmbiguous,
    Code::SuspectTruncatedSha512,
    Code::Indeterminate,
    Code::BothRejected,
];

proptest! {
    #[test]
    fn the_same_observation_gets_the_same_diagnosis(seen in observation(), end in end()) {
        // Another value with the same content: nothing but the content may count.
        prop_assert_eq!(judge(&seen, &end), judge(&seen.clone(), &end.clone()));
    }

    #[test]
    fn a_judgement_keeps_its_promises(seen in observation(), end in end()) {
        let told = judge(&seen, &end);
        prop_assert_eq!(told.stage, told.code.stage());
        prop_assert!(!told.summary.is_empty() && !told.remedy.is_empty());
        prop_assert!(told.stage != Stage::Warning && told.stage != Stage::Form, "{}", told.code);
        // No password is blamed that was never sent.
        prop_assert_eq!(told.evidence.credential_sent, Some(seen.answered.is_some()));
        prop_assert!(seen.answered.is_some() || !OF_A_DIGEST.contains(&told.code), "{}", told.code);
        // An answered OPTIONS is never taken for proof, and the text says so.
        let says = told.summary.contains("never proof of credentials");
        prop_assert_eq!(says, seen.options == Some(true), "{}", &told.summary);
        // What the operator has noted is told, in words and as evidence.
        prop_assert_eq!(told.summary.contains("call the desk"), !seen.notes.is_empty());
        prop_assert_eq!(&told.evidence.notes, &seen.notes);
        // Only what the carrier answered can be the carrier's refusal.
        if matches!(end, End::Final(_) | End::Challenge(_)) {
            prop_assert!(told.initiator != Initiator::Network, "{}", told.code);
        }
    }

    #[test]
    fn an_answered_options_changes_the_code_of_silence_only(seen in observation(), end in end()) {
        let with = |options| judge(&Observation { options, ..seen.clone() }, &end).code;
        let codes = [with(None), with(Some(false)), with(Some(true))];
        let one = codes.iter().all(|code| *code == codes[0]);
        prop_assert!(one || end == End::Silence, "{codes:?}");
    }
}
