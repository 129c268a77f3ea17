use proptest::prelude::*;
use sip::build::Builder;
use sip::digest::Authorization;
use sip::{Challenge, Message, Name, Uri, redact};

use crate::{REGISTER, UNAUTHORIZED};

const RESPONSE: &str = "6629fae49393a05397450978507c4ef1";

/// Reads all that can be read.
fn read_all(bytes: &[u8]) {
    let _ = sip::stream::frame(bytes);
    let _ = redact(bytes);
    let _ = Challenge::parse(bytes);
    let _ = Authorization::parse(bytes);
    let Ok(message) = Message::parse(bytes) else { return };
    let _ = (message.via(), message.cseq(), message.call_id(), message.from(), message.to());
    let _ = (message.expires(), message.min_expires(), message.retry_after(), message.flow_timer());
    let _ = message.authentication_info();
    for (source, challenge) in message.challenges() {
        let _ = source.answered_in();
        let _ = challenge.map(|c| (c.realm(), c.nonce().len(), c.algorithm(), c.qop())).map_err(|fault| fault.to_string());
    }
    for contact in message.contacts().flatten() {
        let _ = (contact.expires(), contact.q(), contact.param("x"));
        if let Ok(uri) = contact.parsed() {
            assert_eq!(uri.to_string(), contact.uri());
            assert!(uri.equivalent(&uri));
        }
    }
    for (_, value) in message.all() {
        let _ = Authorization::parse(value);
        assert!(value.len() <= bytes.len());
    }
    let response = Builder::response_to(200, "OK", &message, ([192, 0, 2, 1], 5060).into()).to_tag("t").finish();
    // A From of nearly 16 KiB may push the response over the limit; else it can be read.
    if bytes.len() < 8000 {
        assert_eq!(Message::parse(&response).expect("our own").header(Name::CSeq).is_some(), message.header(Name::CSeq).is_some());
    }
}

#[derive(Debug, Clone)]
pub enum Edit {
    Replace(usize, u8),
    Insert(usize, Vec<u8>),
    Remove(usize, usize),
}

pub fn edit() -> impl Strategy<Value = Edit> {
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\r\n \t\",;:=<>*\\%@?".to_vec())];
    prop_oneof![
        (any::<usize>(), byte.clone()).prop_map(|(at, byte)| Edit::Replace(at, byte)),
        (any::<usize>(), prop::collection::vec(byte, 1..4)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (any::<usize>(), 1usize..40).prop_map(|(at, length)| Edit::Remove(at, length)),
    ]
}

pub fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    let place = |at: usize| at % (bytes.len() + 1);
    match edit {
        Edit::Replace(at, byte) => {
            let at = place(*at);
            bytes.splice(at..(at + 1).min(bytes.len()), [*byte]);
        }
        Edit::Insert(at, inserted) => {
            let at = place(*at);
            bytes.splice(at..at, inserted.iter().copied());
        }
        Edit::Remove(at, length) => {
            let at = place(*at);
            bytes.drain(at..(at + length).min(bytes.len()));
        }
    }
}

pub fn uri() -> impl Strategy<Value = String> {
    let user = proptest::option::of("[a-z0-9+;?/&=$,._~!*'()-]{1,12}(%[0-9a-fA-F]{2}){0,2}(:[a-z&=+$,]{0,5})?");
    let host = prop_oneof!["[a-z][a-z0-9]{0,8}(\\.[a-z]{1,4}){0,3}", "192\\.0\\.2\\.[0-9]", "\\[2001:db8::[0-9a-f]{1,4}\\]"];
    let params = "(;a[a-z]{1,6}(=[a-zA-Z0-9:/$\\[\\]-]{1,6})?)?(;[b-z]{1,6}(=[a-zA-Z0-9]{1,6})?)?";
    let headers = "(\\?[a-z]{1,5}=[a-z0-9?/$]{0,5}(&[a-z]{1,5}=[a-z]{0,3}){0,2})?";
    ("(sip|sips|SIP)", user, host, proptest::option::of(1u16..), params, headers).prop_map(|(scheme, user, host, port, params, headers)| {
        let user = user.map(|user| format!("{user}@")).unwrap_or_default();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{scheme}:{user}{host}{port}{params}{headers}")
    })
}

fn quoted() -> impl Strategy<Value = String> {
    "([ !#-\\[\\]-~]|\\\\[ -~]){1,16}"
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }

    #[test]
    fn no_text_of_sip_characters_panics(text in "(SIP/2.0 200 OK\r\n)?([A-Za-z-]{1,20}: ?[ -~\r\n]{0,40}\r\n){0,8}(\r\n)?") {
        read_all(text.as_bytes());
    }

    #[test]
    fn no_edit_of_a_message_panics(request in any::<bool>(), edits in prop::collection::vec(edit(), 1..6)) {
        let mut bytes = if request { REGISTER } else { UNAUTHORIZED }.as_bytes().to_vec();
        edits.iter().for_each(|edit| apply(&mut bytes, edit));
        read_all(&bytes);
    }

    #[test]
    fn redaction_never_shows_the_response(edit in edit()) {
        let mut bytes = REGISTER.as_bytes().to_vec();
        apply(&mut bytes, &edit);
        let text = String::from_utf8_lossy(&redact(&bytes)).into_owned();
        prop_assert!(!text.contains(RESPONSE), "{text}");
    }

    #[test]
    fn redaction_hides_any_password(password in "[a-zA-Z0-9&=+$,]{4,12}") {
        let text = format!("REGISTER sip:u:{password}@h SIP/2.0\r\nTo: \"{{}}\" <sip:u:{password}@h>;tag=x\r\n\r\n");
        let expected = "REGISTER sip:u:***@h SIP/2.0\r\nTo: \"{}\" <sip:u:***@h>;tag=x\r\n\r\n";
        prop_assert_eq!(String::from_utf8(redact(text.as_bytes())).unwrap(), expected);
    }

    #[test]
    fn a_uri_prints_as_it_was_written(text in uri()) {
        let uri = Uri::parse(&text).expect(&text);
        prop_assert_eq!(uri.to_string(), text.clone());
        prop_assert_eq!(uri.as_str(), &text);
        prop_assert!(uri.equivalent(&uri));
        let upper = text.replacen("sip", "SIP", 1);
        prop_assert!(Uri::parse(&upper).expect(&upper).equivalent(&uri));
    }

    #[test]
    fn no_text_panics_a_uri(text in "(sip:)?\\PC{0,40}") {
        if let Ok(uri) = Uri::parse(&text) {
            prop_assert_eq!(uri.to_string(), text);
        }
    }

    #[test]
    fn challenges_are_split_as_they_were_joined(
        parts in prop::collection::vec((quoted(), quoted(), any::<bool>()), 1..5),
        gap in "[ \t]{0,2},(\r\n)?[ \t]{1,2}",
    ) {
        let texts: Vec<_> = parts
            .iter()
            .map(|(realm, nonce, basic)| match basic {
                true => format!("Basic realm=\"{realm}\""),
                false => format!("Digest realm=\"{realm}\"{gap}nonce=\"{nonce}\""),
            })
            .collect();
        let message = format!("SIP/2.0 401 x\r\nWWW-Authenticate: {}\r\n\r\n", texts.join(&gap));
        let message = Message::parse(message.as_bytes()).unwrap();
        let raws: Vec<_> = message
            .challenges()
            .map(|(_, challenge)| challenge.map_or_else(|fault| fault.raw(), |challenge| challenge.raw()))
            .map(|raw| String::from_utf8_lossy(raw).into_owned())
            .collect();
        prop_assert_eq!(raws, texts);
        for ((_, challenge), (_, nonce, _)) in message.challenges().zip(&parts).filter(|((_, c), _)| c.is_ok()) {
            prop_assert_eq!(challenge.unwrap().nonce(), nonce.as_bytes());
        }
    }
}
