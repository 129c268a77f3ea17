use sip::form::{self, ArtifactKind, FormFault};

#[test]
fn user_names_have_a_form() {
    for good in ["6221500004", "+6221500004@ims.carrier.co.id", "J\u{e4}s\u{f8}n Doe", "a:b", "o\"hara"] {
        assert_eq!(form::username(good), Ok(()), "{good}");
    }
    let long = "x".repeat(256);
    let table = [
        ("", FormFault::Empty),
        ("a\nb", FormFault::Control { code_point: '\n', position: 2 }),
        ("\u{e4}\0", FormFault::Control { code_point: '\0', position: 2 }),
        ("\u{85}", FormFault::Control { code_point: '\u{85}', position: 1 }),
        (&long, FormFault::TooLong { bytes: 256, max: 255 }),
    ];
    for (text, expected) in table {
        assert_eq!(form::username(text), Err(expected));
    }
    assert_eq!(form::username("a\rb").unwrap_err().to_string(), "U+000D control character at position 2");
}

#[test]
fn realms_have_a_form() {
    for good in ["ims.carrier.co.id", "sip-1.pb", "the realm", "sip.carrier", "Jakarta's"] {
        assert_eq!(form::realm(good), Ok(()), "{good}");
    }
    let table = [
        ("", FormFault::Empty),
        ("sip:carrier.co.id", FormFault::SchemePrefix("sip:")),
        ("SIPS:carrier.co.id", FormFault::SchemePrefix("sips:")),
        ("\"carrier\"", FormFault::Quote { position: 1 }),
        ("carrier\u{201d}", FormFault::Quote { position: 8 }),
        ("a\tb", FormFault::Control { code_point: '\t', position: 2 }),
    ];
    for (text, expected) in table {
        assert_eq!(form::realm(text), Err(expected), "{text}");
    }
}

#[test]
fn what_copying_leaves_is_found() {
    let table = [
        (" a", ArtifactKind::LeadingSpace, "U+0020 leading white space at position 1"),
        ("a\n", ArtifactKind::TrailingSpace, "U+000A trailing white space at position 2"),
        ("a b ", ArtifactKind::TrailingSpace, "U+0020 trailing white space at position 4"),
        ("s3\u{a0}cret", ArtifactKind::OddSpace, "U+00A0 no-break space at position 3"),
        ("\u{202f}a", ArtifactKind::OddSpace, "U+202F narrow no-break space at position 1"),
        ("a\u{200b}", ArtifactKind::ZeroWidth, "U+200B zero-width space at position 2"),
        ("a\u{200c}", ArtifactKind::ZeroWidth, "U+200C zero-width non-joiner at position 2"),
        ("a\u{200d}", ArtifactKind::ZeroWidth, "U+200D zero-width joiner at position 2"),
        ("a\u{2060}", ArtifactKind::ZeroWidth, "U+2060 word joiner at position 2"),
        ("\u{feff}a", ArtifactKind::ByteOrderMark, "U+FEFF byte order mark at position 1"),
        ("\u{e4}\u{201c}x", ArtifactKind::SmartQuote, "U+201C typographic quotation mark at position 2"),
        (" ", ArtifactKind::LeadingSpace, "U+0020 leading white space at position 1"),
    ];
    for (text, kind, message) in table {
        let artifact = form::contains_copy_artifacts(text).expect(text);
        assert_eq!((artifact.kind, artifact.to_string().as_str()), (kind, message));
    }
    for clean in ["", "a", "a b", "J\u{e4}s\u{f8}n Doe", "it's", "\"quoted\""] {
        assert_eq!(form::contains_copy_artifacts(clean), None, "{clean}");
    }
}
