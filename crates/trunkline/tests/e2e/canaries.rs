//! The search that the proof of diagnosis rests on finds what it looks for.

use crate::support::api::base64;
use crate::support::canaries::{Canary, Searcher};
use crate::support::digest::Algorithm;

const REALMS: [&str; 2] = ["kamailio.test", "lab.test"];

fn searcher() -> (Canary, Searcher) {
    let canaries: Vec<Canary> = (0..50).map(|number| Canary::of(&format!("u{number}"))).collect();
    (canaries[7].clone(), Searcher::new(&canaries, &REALMS))
}

#[test]
fn a_planted_secret_is_found_in_every_form_and_named() {
    let (canary, searcher) = searcher();
    for (form, text) in canary.forms(&REALMS) {
        let planted = [b"noise \xff\0 \"x\": \"".as_slice(), &text, b"\" and more"].concat();
        let found = searcher.find(&planted);
        assert!(found.contains(&("u7", form)), "{form}: {found:?}");
        assert!(found.iter().all(|(username, _)| *username == "u7"), "{form}: {found:?}");
    }
}

#[test]
fn what_others_write_is_found_whatever_stands_before_it() {
    let (canary, searcher) = searcher();
    let password = &canary.password;
    for before in ["", "a", "ab", "abc", "u7:", "user:u7:"] {
        let text = base64(format!("{before}{password}tail").as_bytes());
        assert!(searcher.find(text.as_bytes()).iter().any(|(_, form)| form.starts_with("base64")), "{before}: {text}");
    }
    let json = serde_json::json!({ "password": password }).to_string();
    assert!(searcher.find(json.as_bytes()).contains(&("u7", "JSON")), "{json}");
    let nested = serde_json::json!({ "body": json }).to_string();
    assert!(!searcher.find(nested.as_bytes()).is_empty(), "escaped twice: {nested}");
    let told = format!("{:?} {:?}", canary.password, canary.password.as_bytes());
    let forms: Vec<&str> = searcher.find(told.as_bytes()).into_iter().map(|(_, form)| form).collect();
    assert!(forms.contains(&"debug") && forms.contains(&"numbers"), "{forms:?}");
    for (realm, algorithm) in [("lab.test", Algorithm::Sha512t256), ("kamailio.test", Algorithm::Md5)] {
        let ha1 = algorithm.ha1("u7", realm, password);
        assert!(searcher.find(ha1.as_bytes()).contains(&("u7", "HA1")));
    }
}

#[test]
fn what_is_not_a_secret_is_not_found() {
    let (canary, searcher) = searcher();
    let other = Canary::of("nobody");
    let innocent = format!("u7 {} {} Kn- {}", other.password, base64(other.password.as_bytes()), &canary.password[15..]);
    assert_eq!(searcher.find(innocent.as_bytes()), []);
    let elsewhere = Algorithm::Md5.ha1("u7", "another.realm", &canary.password);
    assert_eq!(searcher.find(elsewhere.as_bytes()), []);
}
