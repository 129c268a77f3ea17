use sip::Name;

#[test]
fn every_name_is_known_in_its_long_form_and_in_any_case() {
    for &name in Name::KNOWN {
        for written in [name.as_str().to_string(), name.as_str().to_uppercase(), name.as_str().to_lowercase()] {
            assert_eq!(Name::of(written.as_bytes()), name, "{written}");
        }
        assert_eq!(name.to_string(), name.as_str());
    }
}

#[test]
fn compact_forms_are_the_same_names() {
    let table = [
        ("a", Name::AcceptContact),
        ("b", Name::ReferredBy),
        ("c", Name::ContentType),
        ("d", Name::RequestDisposition),
        ("e", Name::ContentEncoding),
        ("f", Name::From),
        ("i", Name::CallId),
        ("j", Name::RejectContact),
        ("k", Name::Supported),
        ("l", Name::ContentLength),
        ("m", Name::Contact),
        ("n", Name::IdentityInfo),
        ("o", Name::Event),
        ("r", Name::ReferTo),
        ("s", Name::Subject),
        ("t", Name::To),
        ("u", Name::AllowEvents),
        ("v", Name::Via),
        ("x", Name::SessionExpires),
        ("y", Name::Identity),
    ];
    for (letter, name) in table {
        assert_eq!(Name::of(letter.as_bytes()), name);
        assert_eq!(Name::of(letter.to_uppercase().as_bytes()), name);
    }
}

#[test]
fn other_names_are_other() {
    for written in ["", "q", "z", "Vio", "Call_ID", "X-Header", "Content-Lengthy", "WWW-Authenticat\u{e9}"] {
        assert_eq!(Name::of(written.as_bytes()), Name::Other, "{written}");
    }
}
