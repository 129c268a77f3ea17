use sip::{Host, Scheme, Uri, UriError};

#[test]
fn parts_are_found() {
    let uri = Uri::parse("SIPS:alice%20x:se:cret@[2001:db8::1]:5061;transport=TCP;lr?subject=a%3Db&x=").unwrap_err();
    // A password cannot have a colon.
    assert_eq!(uri, UriError::Password { at: 17 });
    let text = "SIPS:alice%20x:se$cret@[2001:db8::1]:5061;Transport=TCP;lr?subject=a%3Db&x=";
    let uri = Uri::parse(text).unwrap();
    assert_eq!((uri.scheme, uri.user, uri.password), (Scheme::Sips, Some("alice%20x"), Some("se$cret")));
    assert_eq!((uri.host, uri.port), (Host::V6("2001:db8::1".parse().unwrap()), Some(5061)));
    assert_eq!((uri.params, uri.headers), ("Transport=TCP;lr", "subject=a%3Db&x="));
    assert_eq!((uri.transport(), uri.param("LR"), uri.param("maddr")), (Some("TCP"), Some(None), None));
    assert_eq!(uri.header_list().collect::<Vec<_>>(), [("subject", "a%3Db"), ("x", "")]);
    assert_eq!((uri.to_string(), uri.as_str()), (text.to_string(), text));
    assert!(!format!("{uri:?}").contains("se$cret"));
}

#[test]
fn hosts_are_names_or_addresses() {
    let table = [
        ("sip:carrier.co.id", Host::Name("carrier.co.id"), None),
        ("sip:carrier.co.id.:5060", Host::Name("carrier.co.id."), Some(5060)),
        ("sip:my_pbx", Host::Name("my_pbx"), None),
        ("sip:192.0.2.1:05060", Host::V4("192.0.2.1".parse().unwrap()), Some(5060)),
        ("sip:[::ffff:192.0.2.1]", Host::V6("::ffff:192.0.2.1".parse().unwrap()), None),
        ("sip:[2001:db8::10:5070]", Host::V6("2001:db8::10:5070".parse().unwrap()), None),
    ];
    for (text, host, port) in table {
        let uri = Uri::parse(text).expect(text);
        assert_eq!((uri.host, uri.port), (host, port), "{text}");
    }
    assert_eq!(Host::V6("2001:db8::1".parse().unwrap()).to_string(), "[2001:db8::1]");
}

#[test]
fn strange_but_sound_uris_are_read() {
    for text in [
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        "sip:user;par=u%40example.net@example.com",
        "sip:null-%00-null@example.com",
        "sip:+6221500004@carrier.co.id;user=phone",
        "sip:a:@b",
        "sip:vivekg@chair-dnrc.example.com;unknownparam",
        "sip:example.com;lr;unknownwith=value;maddr=[::1]",
        "sip:sip%3Auser%40example.com@company.com;other-param=summit",
    ] {
        assert_eq!(Uri::parse(text).map(|uri| uri.to_string()), Ok(text.to_string()), "{text}");
    }
}

#[test]
fn refusals_say_what_and_where() {
    let table = [
        ("tel:+6221500004", UriError::Tel),
        ("http://a", UriError::Scheme),
        ("carrier.co.id", UriError::Scheme),
        ("", UriError::Scheme),
        ("sip:", UriError::Host),
        ("sip:@b", UriError::User { at: 4 }),
        ("sip:a b@c", UriError::User { at: 5 }),
        ("sip:a%4@c", UriError::User { at: 5 }),
        ("sip:a@b@c", UriError::User { at: 5 }),
        ("sip:\u{fc}@c", UriError::User { at: 4 }),
        ("sip:a:p;w@c", UriError::Password { at: 7 }),
        ("sip:a@", UriError::Host),
        ("sip:a@b..c", UriError::Host),
        ("sip:a@-b", UriError::Host),
        ("sip:a@b c", UriError::Host),
        ("sip:a@300.1.1.1", UriError::Host),
        ("sip:a@1.2.3", UriError::Host),
        ("sip:a@[::1", UriError::Host),
        ("sip:a@[::1]x", UriError::Host),
        ("sip:a@[fe80::1%25eth0]", UriError::Host),
        ("sip:2001:db8::1", UriError::Port),
        ("sip:a@b:", UriError::Port),
        ("sip:a@b:0", UriError::Port),
        ("sip:a@b:65536", UriError::Port),
        ("sip:a@b:-1", UriError::Port),
        ("sip:a@b:50 60", UriError::Port),
        ("sip:a@b;", UriError::Parameter { at: 8 }),
        ("sip:a@b;lr;;x", UriError::Parameter { at: 11 }),
        ("sip:a@b;x=", UriError::Parameter { at: 8 }),
        ("sip:a@b;x=y z", UriError::Parameter { at: 11 }),
        ("sip:a@b;x=<y>", UriError::Parameter { at: 10 }),
        ("sip:a@b;lr;x=1;LR=2", UriError::RepeatedParameter { at: 15 }),
        // An escape is the same as its character (19.1.4), so this names one parameter twice.
        ("sip:a@b;%41s=1;as=2", UriError::RepeatedParameter { at: 15 }),
        ("sip:a@b?", UriError::Header { at: 8 }),
        ("sip:a@b?x", UriError::Header { at: 8 }),
        ("sip:a@b?x=y&z", UriError::Header { at: 12 }),
        ("<sip:a@b>", UriError::Scheme),
        ("sip:a@b>", UriError::Host),
    ];
    for (text, expected) in table {
        assert_eq!(Uri::parse(text).expect_err(text), expected, "{text}");
    }
}

#[test]
fn equivalence_follows_rfc_3261_19_1_4() {
    let same = [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        ("sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x"),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::0001]"),
    ];
    let different = [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:biloxi.com", "sip:bob@biloxi.com"),
        ("sip:bob@biloxi.com", "sip:bob:x@biloxi.com"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=192.0.2.1"),
        ("sip:bob@biloxi.com;user=phone", "sip:bob@biloxi.com"),
        ("sip:bob%3Bx@biloxi.com", "sip:bob;x@biloxi.com"),
    ];
    for (table, expected) in [(&same[..], true), (&different[..], false)] {
        for (a, b) in table {
            let (a, b) = (Uri::parse(a).expect(a), Uri::parse(b).expect(b));
            assert_eq!((a.equivalent(&b), b.equivalent(&a)), (expected, expected), "{a} {b}");
            assert!(a.equivalent(&a) && b.equivalent(&b));
        }
    }
}
