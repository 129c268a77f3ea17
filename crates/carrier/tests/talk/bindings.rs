use sip::Uri;

use crate::phone::{Got, Phone, phone};

fn query(phone: &mut Phone) -> Got {
    let contact = phone.contact.take();
    let (call_id, cseq) = (std::mem::replace(&mut phone.call_id, format!("query-{}", phone.cseq)), phone.cseq);
    let got = phone.register(0);
    (phone.contact, phone.call_id) = (contact, call_id);
    phone.cseq = cseq.max(phone.cseq);
    got
}

#[test]
fn a_query_is_authenticated_lists_and_changes_nothing() {
    let mut alice = phone(&[]);
    assert!(query(&mut alice).headers("Contact").is_empty());
    assert_eq!(alice.register(600).code, 200);
    let listed = query(alice.later(100)).headers("Contact");
    assert_eq!(listed, ["<sip:alice@192.0.2.1:5070;line=a>;expires=500"]);
    assert_eq!(alice.carrier.counters("alice").queries, 4);
    assert_eq!(alice.bound().len(), 1);
}

#[test]
fn a_binding_lapses_is_renewed_and_removed() {
    let mut alice = phone(&[]);
    assert_eq!(alice.register(600).code, 200);
    assert_eq!(alice.later(599).bound().len(), 1);
    assert_eq!(alice.register(600).code, 200);
    assert_eq!(alice.later(599).bound().len(), 1);
    assert_eq!(alice.later(1).bound().len(), 0);
    assert_eq!(alice.register(600).code, 200);
    let removed = alice.register(0);
    assert!(removed.code == 200 && removed.headers("Contact").is_empty());
    assert_eq!(alice.bound().len(), 0);
    assert_eq!(alice.carrier.counters("alice").removals, 2);
}

#[test]
fn contacts_are_the_same_by_uri_not_by_text() {
    let mut alice = phone(&[]);
    assert_eq!(alice.register(600).code, 200);
    alice.contact = Some("<SIP:alice@192.0.2.1:5070;LINE=A;extra=1>;q=0.5".into());
    assert_eq!(alice.register(600).code, 200);
    assert_eq!(alice.bound().len(), 1);
    alice.contact = Some("<sip:alice@192.0.2.1:5071;line=a>, <sip:alice@192.0.2.9>;expires=60".into());
    assert_eq!(alice.register(600).headers("Contact").len(), 3);
    assert_eq!(alice.later(60).bound().len(), 2);
}

#[test]
fn the_star_removes_all_and_only_alone_with_zero() {
    let mut alice = phone(&[]);
    assert_eq!(alice.register(600).code, 200);
    alice.contact = Some("*".into());
    assert_eq!(alice.register(600).code, 400);
    alice.contact = Some("*, <sip:a@b>".into());
    assert_eq!(alice.register(0).code, 400);
    alice.contact = Some("*".into());
    assert_eq!(alice.register(0).code, 200);
    assert!(alice.bound().is_empty());
}

#[test]
fn a_cseq_that_does_not_rise_changes_nothing() {
    let mut alice = phone(&[]);
    assert_eq!(alice.register(600).code, 200);
    alice.cseq = 0;
    assert_eq!(alice.register(0).code, 500);
    assert_eq!(alice.bound().len(), 1);
    // RFC 3261 10.3 step 7: another Call-ID renews whatever its CSeq.
    (alice.cseq, alice.call_id) = (0, "call-2".into());
    assert_eq!(alice.register(600).code, 200);
}

#[test]
fn a_strict_carrier_wants_cseq_to_rise_in_every_register() {
    for (row, code) in [("B8", 500), ("F15", 400)] {
        let mut alice = phone(&[row]);
        assert_eq!(alice.ask(600).code, 401, "{row}");
        alice.cseq = 0;
        let got = alice.ask(600);
        assert!(got.code == code && got.text().contains("CSeq"), "{row}");
        alice.call_id = "call-2".into();
        alice.cseq = 0;
        assert_eq!(alice.register(600).code, 200, "{row}");
    }
}

#[test]
fn the_grant_is_said_where_the_row_says() {
    for (row, granted, in_contact, expires) in [
        ("C1", 600, true, Some("600")),
        ("B1", 120, true, None),
        ("B1-expires", 120, false, Some("120")),
        ("B1-more", 7200, true, Some("7200")),
        ("B4", 60, true, Some("60")),
        ("B4a", 15, true, Some("15")),
    ] {
        let mut alice = phone(&[row]);
        let got = alice.register(600);
        let contact = got.header("Contact").unwrap();
        assert_eq!(contact.contains(&format!(";expires={granted}")), in_contact, "{row}: {contact}");
        assert_eq!(got.header("Expires").as_deref(), expires, "{row}");
        assert_eq!(alice.later(granted - 1).bound().len(), 1, "{row}");
        assert_eq!(alice.later(1).bound().len(), 0, "{row}");
    }
    let mut alice = phone(&["B4a-zero"]);
    let got = alice.register(600);
    assert_eq!((got.code, got.header("Expires").as_deref()), (200, Some("0")));
    assert!(alice.bound().is_empty());
}

#[test]
fn listings_look_as_their_rows_say() {
    for (row, count) in [("B2", 3), ("B2-natted", 3), ("B2-shouted", 3), ("B3", 2), ("B3a", 0)] {
        let mut alice = phone(&[row]);
        alice.source = "198.51.100.7:40000".parse().unwrap();
        let listed = alice.register(600).headers("Contact");
        assert_eq!(listed.len(), count, "{row}");
        assert_eq!(alice.bound().len(), 1, "{row}");
        let Some(ours) = listed.get(2) else { continue };
        let uri = ours.split(['<', '>']).nth(1).unwrap();
        let same = Uri::parse(uri).unwrap().equivalent(&Uri::parse("sip:alice@192.0.2.1:5070;line=a").unwrap());
        assert_eq!(same, row != "B2-natted", "{row}: {ours}");
        assert!(row != "B2-natted" || uri == "sip:alice@198.51.100.7:40000;line=a", "{uri}");
    }
}

#[test]
fn header_parameters_of_a_contact_come_back() {
    let mut alice = phone(&[]);
    alice.contact = Some("<sip:alice@192.0.2.1>;+sip.instance=\"<urn:uuid:0>\";reg-id=1;q=0.7".into());
    let listed = alice.register(600).header("Contact").unwrap();
    assert_eq!(listed, "<sip:alice@192.0.2.1>;+sip.instance=\"<urn:uuid:0>\";reg-id=1;q=0.7;expires=600");
}

#[test]
fn one_binding_per_account_replaces_two_at_most_refuses() {
    let contact = |n: u32| Some(format!("<sip:alice@192.0.2.{n}>"));
    let mut alice = phone(&["B5"]);
    for n in 1..=3 {
        alice.contact = contact(n);
        assert_eq!(alice.register(600).code, 200);
        assert_eq!(alice.bound(), [format!("sip:alice@192.0.2.{n}")]);
    }
    let mut alice = phone(&["B6"]);
    for (n, code) in [(1, 200), (2, 200), (3, 403), (1, 200)] {
        alice.contact = contact(n);
        assert_eq!(alice.register(600).code, code, "{n}");
    }
    assert_eq!(alice.bound().len(), 2);
}

#[test]
fn the_un_register_is_challenged_too() {
    let mut alice = phone(&["B7"]);
    assert_eq!(alice.register(600).code, 200);
    assert_eq!(alice.ask(0).code, 401);
    assert_eq!(alice.bound().len(), 1);
    assert_eq!(alice.register(0).code, 200);
    assert!(alice.bound().is_empty());
}

#[test]
fn a_200_carries_service_route_where_the_row_says() {
    assert!(phone(&["B9"]).register(600).header("Service-Route").unwrap().contains("scscf"));
}
