//! RFC 4475 and RFC 5118: a test for each message, and what the readers make of the details that the RFCs ask for.

mod table;

use std::fs;

use sip::digest::{Authorization, AuthorizationFault};
use sip::{FieldError, Host, Message, Name, ParseError, Start, Uri};

pub use table::TABLE;

/// What is made of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every header that a user agent needs can be read.
    Read,
    /// It is framed, and these headers cannot be used.
    Spoiled(&'static [FieldError]),
    /// It is no message.
    Refused(ParseError),
}

fn datagram(name: &str) -> &'static [u8] {
    TABLE.iter().find(|row| row.name == name).expect(name).datagram
}

fn holds(name: &str) {
    let row = TABLE.iter().find(|row| row.name == name).expect(name);
    let message = match Message::parse(row.datagram) {
        Ok(message) => message,
        Err(fault) => return assert_eq!(Outcome::Refused(fault), row.ours),
    };
    let seen = faults(&message);
    match row.ours {
        Outcome::Read => assert_eq!(seen, []),
        Outcome::Spoiled(expected) => assert_eq!(seen, expected),
        Outcome::Refused(fault) => panic!("{fault} was expected"),
    }
}

fn faults(message: &Message<'_>) -> Vec<FieldError> {
    let required = [message.via().err(), message.cseq().err(), message.call_id().err(), message.from().err(), message.to().err()];
    let seconds = [message.expires().err(), message.min_expires().err(), message.retry_after().err()];
    required.into_iter().chain(seconds).flatten().chain(message.contacts().filter_map(Result::err)).collect()
}

/// The message with another Content-Length.
fn mended(name: &str, printed: &str, length: usize) -> Vec<u8> {
    let text = datagram(name);
    let at = text.windows(printed.len()).position(|window| window == printed.as_bytes()).expect(printed);
    let digits = printed.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
    [&text[..at + printed.len() - digits], length.to_string().as_bytes(), &text[at + printed.len()..]].concat()
}

fn request_uri(name: &str) -> &'static str {
    match Message::parse(datagram(name)).expect(name).start() {
        Start::Request { uri, .. } => uri,
        Start::Status { .. } => panic!("{name} is a response"),
    }
}

#[test]
fn there_are_49_messages_of_rfc_4475_and_all_of_rfc_5118() {
    let of = |rfc: &str| TABLE.iter().filter(|row| row.section.starts_with(rfc)).count();
    assert_eq!((of("RFC 4475"), of("RFC 5118"), TABLE.len()), (49, 12, 61));
}

#[test]
fn lengths_that_are_wrong_in_print_hide_sound_messages() {
    let text = mended("ipv6-in-sdp", "Content-Length: 268", 251);
    assert_eq!(faults(&Message::parse(&text).unwrap()), []);
    let text = mended("multi01", "l: 154", 152);
    let twice = [Name::CSeq, Name::CallId, Name::From, Name::To].map(FieldError::Repeated);
    assert_eq!(faults(&Message::parse(&text).unwrap()), twice);
}

#[test]
fn bodies_are_as_long_as_declared() {
    for (name, length) in
        [("wsinv", 150), ("dblreq", 0), ("mpart01", 553), ("unreason", 154), ("invut", 40), ("mult-ip-in-sdp", 181), ("inv2543", 105)]
    {
        assert_eq!(Message::parse(datagram(name)).expect(name).body().len(), length, "{name}");
    }
}

#[test]
fn uris_are_read_as_the_rfcs_say() {
    let user = |name| Uri::parse(request_uri(name)).expect(name).user;
    assert_eq!(user("semiuri"), Some("user;par=u%40example.net"));
    assert_eq!(user("intmeth"), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(user("esc01"), Some("sips%3Auser%40example.com"));
    assert_eq!(Uri::parse(request_uri("escruri")).unwrap().headers, "Route=%3Csip:example.com%3E");
    for name in ["unkscm", "novelsc", "ipv6-bad", "ipv6-bug-abnf-3-colons"] {
        assert!(Uri::parse(request_uri(name)).is_err(), "{name}");
    }
    let place = |name| Uri::parse(request_uri(name)).map(|uri| (uri.host, uri.port));
    let v6 = |text: &str| Host::V6(text.parse().unwrap());
    assert_eq!(place("ipv6-good"), Ok((v6("2001:db8::10"), None)));
    assert_eq!(place("port-ambiguous"), Ok((v6("2001:db8::10:5070"), None)));
    assert_eq!(place("port-unambiguous"), Ok((v6("2001:db8::10"), Some(5070))));
    assert_eq!(place("ipv6-correct-abnf-2-colons"), Ok((v6("2001:db8::192.0.2.1"), None)));
}

#[test]
fn headers_are_read_as_the_rfcs_say() {
    let message = |name: &str| Message::parse(datagram(name)).unwrap();
    let wsinv = message("wsinv");
    assert_eq!((wsinv.via().unwrap().transport, wsinv.via().unwrap().branch()), ("UDP", Some("390skdjuw")));
    assert_eq!(wsinv.cseq().unwrap().number, 9);
    assert_eq!((wsinv.from().unwrap().tag(), wsinv.to().unwrap().tag()), (Some("98asjd8"), Some("1918181833n")));
    let contact = wsinv.contacts().next().unwrap().unwrap();
    assert_eq!((contact.q(), contact.param("newparam"), contact.param("secondparam")), (Some(330), Some(Some("newvalue")), Some(None)));
    assert_eq!(wsinv.other("UnknownHeaderWithUnusualValue"), Some(&b";;,,;;,;"[..]));
    assert_eq!(message("esc02").contacts().count(), 2);
    assert_eq!(message("scalar02").expires(), Ok(Some(u32::MAX)));
    assert_eq!(message("scalar02").contacts().next().unwrap().unwrap().expires(), Some(u32::MAX));
    assert_eq!(message("scalarlg").retry_after(), Ok(Some(u32::MAX)));
    let of_contact = |name: &str| {
        let text = message(name);
        let contact = text.contacts().next().unwrap().unwrap();
        (contact.param("unknownparam").is_some(), contact.parsed().unwrap().param("unknownparam").is_some())
    };
    assert_eq!((of_contact("cparam01"), of_contact("cparam02")), ((true, false), (false, true)));
    let regescrt = message("regescrt");
    assert_eq!(regescrt.contacts().next().unwrap().unwrap().parsed().unwrap().headers, "Route=%3Csip:sip.example.com%3E");
    assert_eq!(message("unreason").start().code(), Some(200));
    assert_eq!(message("badbranch").via().unwrap().branch(), Some("z9hG4bK"));
    let credentials = Authorization::parse(message("regaut01").header(Name::Authorization).unwrap()).map(|_| ());
    assert_eq!(credentials, Err(AuthorizationFault::Scheme));
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let received = message(name).via().unwrap().received().unwrap().trim_matches(['[', ']']);
        assert_eq!(received, "2001:db8::9:255");
    }
    assert_eq!(message("ipv4-mapped-ipv6").via().unwrap().port, Some(19823));
}

/// `UPDATE=1` writes the page anew.
#[test]
fn the_page_is_the_table() {
    let mut page = String::from(concat!(
        "# The torture messages\n\nWhat `crates/sip` makes of the 49 messages of RFC 4475 and the 12 of RFC 5118. Written from `crates/sip/tests/suite/torture/table.rs` ",
        "by its test (`UPDATE=1 cargo nextest run -p sip torture`), which has a test of the message's name for each row; the messages lie in `crates/sip/tests/torture/`.\n\n",
        "*Read*: the message is framed and Via, CSeq, Call-ID, From, To, Contact and every count of seconds can be read. *Spoiled*: it is framed, and reading the named header gives that error. ",
        "*Refused*: it is no message; over UDP it is counted and dropped, over a stream the connection is given up where its framing is lost.\n\n",
        "Where the RFC lets an element choose between refusing and guessing, we refuse: Trunkline is a user agent that registers, its peers are registrars, and what they send in answer to our requests is either well-formed or not theirs.\n\n",
        "| message | section | the RFC | we | why |\n|---|---|---|---|---|\n",
    ));
    for row in TABLE {
        let ours = match row.ours {
            Outcome::Read => "read".to_owned(),
            Outcome::Spoiled(faults) => format!("spoiled: {}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
            Outcome::Refused(fault) => format!("refused: {fault}"),
        };
        page.push_str(&format!("| `{}` | {} | {} | {ours} | {} |\n", row.name, row.section, row.rfc, row.why));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/design/torture.md");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, &page).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap_or_default() == page, "docs/design/torture.md differs from the table: UPDATE=1 writes it");
}
