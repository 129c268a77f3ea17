//! Another implementation reads the same datagrams: `sipx-sip`, which shares no code with ours. What both accept, both read alike; where one
//! accepts and the other does not is a list with reasons.

use bytes::Bytes;
use proptest::prelude::*;
use sip::{Message, Start, Uri};
use sipx_sip::{Limits, parse_datagram};

use crate::properties::{apply, edit, uri};
use crate::torture::TABLE;
use crate::{REGISTER, UNAUTHORIZED};

/// White space, folds included, as one space: how much of it there is means nothing.
fn plain(value: &[u8]) -> Vec<u8> {
    value.split(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(&b' ')
}

/// Whether the oracle and we accept it; if both do, they must read the same.
fn both(datagram: &[u8]) -> (bool, bool) {
    let ours = Message::parse(datagram);
    let theirs = parse_datagram(Bytes::copy_from_slice(datagram), &Limits::datagram());
    if let (Ok(ours), Ok(theirs)) = (&ours, &theirs) {
        assert_eq!(ours.body(), &theirs.body()[..]);
        let seen: Vec<_> = ours.all().map(|(_, value)| plain(value)).collect();
        let told: Vec<_> = theirs.headers().iter().map(|header| plain(header.raw_value())).collect();
        assert_eq!(seen, told, "{}", String::from_utf8_lossy(datagram));
        match (ours.start(), theirs.as_request()) {
            (Start::Request { method, .. }, Some(request)) => assert_eq!(method.as_bytes(), request.method.as_bytes()),
            (Start::Status { .. }, None) => {}
            (start, _) => panic!("{start:?} is of the other kind to the oracle"),
        }
    }
    (ours.is_ok(), theirs.is_ok())
}

#[test]
fn the_oracle_reads_the_torture_messages_as_we_do() {
    let differ: Vec<_> = TABLE
        .iter()
        .filter_map(|row| match both(row.datagram) {
            (ours, theirs) if ours == theirs => None,
            (ours, _) => Some((row.name, ours)),
        })
        .collect();
    assert_eq!(differ, DIFFER);
}

/// The messages that only one of both accepts, and whether it is we. The oracle reads a message of another version, to answer 505; we drop
/// it. It reads the Request-URI with the message; we read it when it is asked for.
const DIFFER: &[(&str, bool)] = &[("badvers", false), ("ipv6-bad", true)];

#[test]
fn the_oracle_reads_our_own_examples() {
    assert_eq!((both(REGISTER.as_bytes()), both(UNAUTHORIZED.as_bytes())), ((true, true), (true, true)));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_both_accept_both_read_alike(request in any::<bool>(), edits in prop::collection::vec(edit(), 1..4)) {
        let mut bytes = if request { REGISTER } else { UNAUTHORIZED }.as_bytes().to_vec();
        edits.iter().for_each(|edit| apply(&mut bytes, edit));
        both(&bytes);
    }

    #[test]
    fn uris_that_we_accept_the_oracle_accepts(text in uri()) {
        let ours = Uri::parse(&text).expect(&text);
        let theirs = sipx_sip::uri::Uri::parse(Bytes::copy_from_slice(text.as_bytes()));
        prop_assert!(theirs.is_ok(), "{ours} {:?}", theirs.err());
    }
}
