//! What is printed is read as what was meant, and printed again it is the same.

use proptest::prelude::*;
use sip::build::Builder;
use sip::digest::Algorithm;
use sip::{AlgorithmOffer, Challenge, Contact, Message, Name, NameAddr, QopOffer, Start, Via};

const TOKEN: &str = "[A-Za-z0-9.!%*_+`'~-]{1,12}";

fn quoted() -> impl Strategy<Value = String> {
    "([ !#-\\[\\]-~]|\\\\[\"\\\\a-z]){0,16}"
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9]{0,8}(\\.[a-z]{1,4}){0,2}", "192\\.0\\.2\\.[0-9]", "\\[2001:db8::[0-9a-f]{1,4}\\]"]
}

/// Names, and values where there are any.
type Params = Vec<(String, Option<String>)>;

/// Parameters with names of their own: `a0`, `b1`, ...
fn params() -> impl Strategy<Value = Params> {
    let param = ("[a-z]{1,6}", prop_oneof![Just(None), TOKEN.prop_map(Some)]);
    prop::collection::vec(param, 0..4)
        .prop_map(|list| list.into_iter().enumerate().map(|(n, (name, value))| (format!("{name}{n}"), value)).collect())
}

fn written(params: &[(String, Option<String>)]) -> String {
    params.iter().map(|(name, value)| format!(";{name}{}", value.as_ref().map(|v| format!("={v}")).unwrap_or_default())).collect()
}

fn address() -> impl Strategy<Value = (Option<String>, String, Params)> {
    let uri = ("(sip|sips)", "[a-z0-9+.;=]{1,10}", host(), proptest::option::of(1u16..)).prop_map(|(scheme, user, host, port)| {
        format!("{scheme}:{user}@{host}{}", port.map(|port| format!(":{port}")).unwrap_or_default())
    });
    (proptest::option::of(quoted()), uri, params())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_name_addr_is_read_as_it_was_written((display, uri, params) in address()) {
        let name = display.as_ref().map(|display| format!("\"{display}\" ")).unwrap_or_default();
        let text = format!("{name}<{uri}>{}", written(&params));
        let read = NameAddr::parse(Name::From, text.as_bytes()).expect(&text);
        prop_assert_eq!((read.display, read.uri), (display.as_deref().map(str::as_bytes), uri.as_str()));
        for (name, value) in &params {
            prop_assert_eq!(read.param(name), Some(value.as_deref()));
        }
        let contact = Contact::parse(text.as_bytes()).expect(&text);
        prop_assert_eq!(contact.parsed().expect(&uri).to_string(), uri);
    }

    #[test]
    fn a_via_is_read_as_it_was_written(
        transport in "(UDP|TCP|TLS|WS|WSS|X-1)", host in host(), port in proptest::option::of(any::<u16>()), params in params(), gap in "( |\r\n )?",
    ) {
        let port_text = port.map(|port| format!("{gap}:{gap}{port}")).unwrap_or_default();
        let text = format!("SIP{gap}/{gap}2.0{gap}/{gap}{transport} {host}{port_text}{gap}{}", written(&params));
        let via = Via::parse_first(text.as_bytes()).expect(&text);
        prop_assert_eq!((via.transport, via.host, via.port), (transport.as_str(), host.as_str(), port));
        let read: Vec<_> = via.params.iter().map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).collect();
        prop_assert_eq!(read, params);
    }

    #[test]
    fn a_challenge_is_read_as_it_was_written(
        realm in "[ !#-\\[\\]-~]{1,16}", nonce in "[A-Za-z0-9+/=]{1,24}", opaque in proptest::option::of("[A-Za-z0-9]{0,12}"),
        algorithm in proptest::option::of(prop::sample::select(Algorithm::ALL.to_vec())), (auth, auth_int) in any::<(bool, bool)>(),
        (stale, userhash, utf8) in any::<(bool, bool, bool)>(), order in any::<prop::sample::Index>(),
    ) {
        let mut list = vec![format!("realm=\"{realm}\""), format!("nonce=\"{nonce}\"")];
        list.extend(opaque.as_ref().map(|opaque| format!("opaque=\"{opaque}\"")));
        list.extend(algorithm.map(|algorithm| format!("algorithm={algorithm}")));
        match (auth, auth_int) {
            (true, true) => list.push("qop=\"auth,auth-int\"".into()),
            (true, false) => list.push("qop=\"auth\"".into()),
            (false, true) => list.push("qop=\"auth-int\"".into()),
            (false, false) => {}
        }
        list.extend(stale.then(|| "stale=true".to_owned()));
        list.extend(userhash.then(|| "userhash=true".to_owned()));
        list.extend(utf8.then(|| "charset=UTF-8".to_owned()));
        let at = order.index(list.len());
        list.rotate_left(at);
        let text = format!("Digest {}", list.join(", "));
        let read = Challenge::parse(text.as_bytes()).expect(&text);
        prop_assert_eq!((&*read.realm(), read.nonce(), read.opaque()), (realm.as_str(), nonce.as_bytes(), opaque.as_deref().map(str::as_bytes)));
        prop_assert_eq!(read.algorithm(), algorithm.map_or(AlgorithmOffer::Absent, AlgorithmOffer::Known));
        let offers = if auth || auth_int { QopOffer::Offers { auth, auth_int } } else { QopOffer::Absent };
        prop_assert_eq!((read.qop(), read.stale(), read.userhash(), read.utf8()), (offers, stale, userhash, utf8));
    }

    #[test]
    fn a_message_printed_read_and_printed_again_is_the_same(
        method in "[A-Z]{1,10}", uri in host(), headers in prop::collection::vec((TOKEN, "[!-~]([ -~\u{a1}-\u{17f}]{0,30}[!-~])?"), 0..20), body in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let headers: Vec<_> = headers.into_iter().filter(|(name, _)| Name::of(name.as_bytes()) != Name::ContentLength).collect();
        let print = |method: &str, uri: &str, headers: &[(String, Vec<u8>)], body: &[u8]| {
            let builder = headers.iter().fold(Builder::request(method, uri), |builder, (name, value)| builder.header_bytes(name, value));
            builder.body("application/x", body).finish()
        };
        let bytes = |headers: &[(String, String)]| headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect::<Vec<_>>();
        let printed = print(&method, &format!("sip:{uri}"), &bytes(&headers), &body);
        let read = Message::parse(&printed).expect("our own");
        let Start::Request { method: method_read, uri: uri_read } = read.start() else { panic!("a request was printed") };
        let kept = read.all().take(headers.len()).map(|(name, value)| (String::from_utf8(name.to_vec()).unwrap(), value.to_vec()));
        let again = print(method_read, uri_read, &kept.collect::<Vec<_>>(), read.body());
        prop_assert_eq!(again, printed);
    }
}
