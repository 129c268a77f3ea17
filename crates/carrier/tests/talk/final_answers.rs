use crate::phone::{phone, phone_at, registrar};

#[test]
fn a_refusal_before_the_digest_looks_at_none() {
    for (row, code) in [
        ("F1", 403),
        ("F3-all", 404),
        ("F6", 503),
        ("F6-500", 500),
        ("F7", 503),
        ("F8", 301),
        ("F9", 420),
        ("F9-421", 421),
        ("F9-494", 494),
        ("F11", 403),
        ("F12", 503),
        ("F13", 603),
        ("F14", 480),
        ("F14-400", 400),
    ] {
        let mut alice = phone(&[row]);
        assert_eq!(alice.ask(600).code, code, "{row}");
        let counters = alice.carrier.counters("alice");
        assert_eq!((counters.challenged, counters.refused), (0, 1), "{row}");
        let options = alice.plain("OPTIONS");
        assert_eq!(alice.send(&options).code, 200, "{row}");
    }
}

#[test]
fn a_refusal_after_the_digest_needs_a_right_one() {
    for (row, code) in [("F2-right", 403), ("F14-481", 481)] {
        let mut alice = phone(&[row]);
        assert_eq!(alice.register(600).code, code, "{row}");
        assert!(alice.bound().is_empty(), "{row}");
        alice.password = "guess".into();
        assert_eq!(alice.register(600).code, 401, "{row}");
    }
}

#[test]
fn a_wrong_digest_may_be_forbidden() {
    let mut mallory = phone(&["F2"]);
    mallory.password = "guess".into();
    assert_eq!(mallory.register(600).code, 403);
    assert_eq!(mallory.carrier.totals().digests_wrong, 1);
}

#[test]
fn an_unknown_user_is_challenged_or_refused() {
    let mut nobody = phone(&[]);
    nobody.user = "nobody".into();
    assert_eq!(nobody.ask(600).code, 401);
    let mut nobody = phone(&["F3"]);
    nobody.user = "nobody".into();
    assert_eq!(nobody.ask(600).code, 404);
    assert_eq!(phone(&["F3"]).register(600).code, 200);
}

#[test]
fn another_domain_is_not_found() {
    let mut registrar = registrar(&[]);
    registrar.domains = vec!["elsewhere.example".into()];
    assert_eq!(phone_at(registrar).ask(600).code, 404);
}

#[test]
fn a_brief_interval_is_refused_with_what_the_row_says() {
    for (row, says) in
        [("F4", Some("1800")), ("F5", None), ("F5-zero", Some("0")), ("F5-smaller", Some("10")), ("F5-huge", Some("4294967296"))]
    {
        let mut alice = phone(&[row]);
        let got = alice.register(600);
        assert_eq!((got.code, got.header("Min-Expires").as_deref()), (423, says), "{row}");
        assert_eq!(alice.register(1800).code, 200, "{row}");
        assert_eq!(alice.register(0).code, 200, "{row}: an expiry of zero is never too brief");
    }
}

#[test]
fn headers_and_phrases_go_out_as_written() {
    for (row, header, value) in [
        ("F6", "Retry-After", "30"),
        ("F7", "Retry-After", "120 (in maintenance);duration=3600"),
        ("F8", "Contact", "<sip:other.example:5060>"),
    ] {
        assert_eq!(phone(&[row]).ask(600).header(header).as_deref(), Some(value), "{row}");
    }
    assert!(phone(&["F11"]).ask(600).text().starts_with("SIP/2.0 403 Registration limit exceeded [E-1107] \u{2014} Nomor diblokir\r\n"));
}

#[test]
fn a_refusal_may_pass() {
    let mut registrar = registrar(&[]);
    registrar.temperament.refusals = vec![carrier::Refusal::before_digest(503).times(2)];
    let mut alice = phone_at(registrar);
    assert_eq!([0; 3].map(|_| alice.register(600).code), [503, 503, 200]);
}

#[test]
fn queries_are_refused_before_or_after_the_digest_and_bindings_are_not() {
    for (row, code, right) in [
        ("B11", 403, 0),
        ("B11-400", 400, 0),
        ("B11-405", 405, 0),
        ("B11-420", 420, 0),
        ("B11-501", 501, 0),
        ("B11-after", 403, 1),
        ("B11-400-after", 400, 1),
        ("B11-405-after", 405, 1),
        ("B11-silent", 0, 0),
    ] {
        let mut alice = phone(&[row]);
        let contact = alice.contact.take();
        assert_eq!(alice.register(0).code, code, "{row}");
        assert_eq!(alice.carrier.counters("alice").digests_right, right, "{row}");
        alice.contact = contact;
        assert_eq!(alice.register(600).code, 200, "{row}");
    }
}
