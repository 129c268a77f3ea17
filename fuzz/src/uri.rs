//! URIs: what can be read prints as it was written, is itself, and stays itself beside others.

use sip::{Contact, Name, NameAddr, Uri, Via};

/// Reads bytes as one URI, or as two with a line feed between; and as an address, a Contact and a Via.
pub fn run(data: &[u8]) {
    let _ = NameAddr::parse(Name::From, data).map(|address| (address.uri.len(), address.tag().map(str::len)));
    let _ = Contact::parse(data).map(|contact| (contact.parsed().is_ok(), contact.q(), contact.expires()));
    let _ = Via::parse_first(data).map(|via| (via.rport(), via.received().map(str::len), via.branch().map(str::len)));
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (one, other) = text.split_once('\n').unwrap_or((text, text));
    let one = Uri::parse(one).inspect(|uri| alone(uri, one));
    let other = Uri::parse(other).inspect(|uri| alone(uri, other));
    if let (Ok(one), Ok(other)) = (one, other) {
        assert_eq!(one.equivalent(&other), other.equivalent(&one), "{one} {other}");
    }
}

fn alone(uri: &Uri<'_>, text: &str) {
    assert_eq!(uri.to_string(), text);
    assert!(uri.equivalent(uri), "{uri}");
    assert_ne!(uri.port, Some(0));
    for (name, value) in uri.param_list() {
        assert_eq!(uri.param(name), Some(value), "{uri}");
    }
    let _ = (format!("{uri:?}"), uri.header_list().count(), uri.transport());
}
