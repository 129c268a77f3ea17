//! The table of the rules of form is what the checks do, and what the page says.

use std::path::Path;

use sip::form_rules::{Field, TABLE, page, password};

#[test]
fn every_example_that_passes_passes() {
    for of in TABLE {
        for rule in of.rules {
            for text in rule.valid {
                assert_eq!(of.field.judge("it", text), Ok(()), "{:?}, {}: {text:?}", of.field, rule.aspect);
            }
        }
    }
}

#[test]
fn every_example_that_is_refused_is_refused_with_its_code() {
    for of in TABLE {
        for rule in of.rules {
            for (text, code) in rule.invalid {
                let breach = of.field.judge("it", text).expect_err(&format!("{:?}, {}: {text:?}", of.field, rule.aspect));
                assert_eq!(breach.code, *code, "{:?}, {}: {text:?}: {breach}", of.field, rule.aspect);
                assert!(breach.summary.ends_with('.'), "{breach}");
            }
        }
    }
}

#[test]
fn every_field_has_a_place_in_the_table_and_every_rule_an_example() {
    assert_eq!(TABLE.iter().map(|of| of.field).collect::<Vec<_>>(), Field::ALL);
    for rule in TABLE.iter().flat_map(|of| of.rules) {
        assert!(!rule.valid.is_empty() || !rule.invalid.is_empty(), "{}", rule.says);
    }
}

#[test]
fn a_password_is_never_repeated() {
    for (text, _) in TABLE.iter().filter(|of| of.field == Field::Password).flat_map(|of| of.rules).flat_map(|rule| rule.invalid) {
        let told = Field::Password.judge("it", text).unwrap_err().to_string();
        assert!(!told.contains("cret") && !told.contains("xxx"), "{told}");
    }
    let told = Field::Uri.judge("it", "sip:alice:s3cret@lab").unwrap_err().to_string();
    assert!(!told.contains("s3cret"), "{told}");
}

#[test]
fn a_caller_may_insist_on_a_password_that_looks_like_a_slip() {
    for text in [" s3cret", "s3cret\u{a0}", "\u{2018}s3cret\u{2019}"] {
        assert!(password("it", text, false).is_err());
        assert_eq!(password("it", text, true), Ok(()));
    }
    assert!(password("it", "", true).is_err());
}

#[test]
fn the_page_of_the_guide_is_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/form-rules.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, page()).expect("the page is written");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == page(), "{} differs from the table: UPDATE_DOCS=1 cargo test -p sip form_rules writes it anew", path.display());
}
