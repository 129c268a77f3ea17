//! Nothing that is printed holds a password, an HA1, or a nonce beside its response.

use std::sync::Arc;

use sip::digest::{Hash, ha1};
use ua::*;

use crate::support::*;

const PASSWORD: &str = "correct-horse";

fn ha1_of() -> String {
    ha1(Hash::Md5, "alice", "carrier.test", PASSWORD.as_bytes()).as_str().to_owned()
}

#[test]
fn no_debug_output_holds_a_secret() {
    let by_ha1 = Credential { secret: Arc::new(Secret::Ha1(vec![(Hash::Md5, ha1_of().into())])), ..credential("alice", 2, "") };
    let setup = registration("alice").credential(|credential| *credential = crate::support::credential("alice", 1, PASSWORD)).assignment(
        |assignment| {
            assignment.standby = Some(by_ha1.clone());
        },
    );
    let assignment = setup.assignment.clone();
    let mut printed = vec![
        format!("{assignment:?}"),
        format!("{:?}", Input::Command(Command::Assign(Box::new(assignment), None))),
        format!("{:?}", Command::Verify(Box::new(order("v", "alice", PASSWORD)))),
        format!("{by_ha1:?}"),
    ];
    assert!(printed[0].contains("Password(redacted)") && printed[3].contains("Ha1(redacted)"), "{printed:?}");
    let mut talk = talk(setup);
    talk.we_send("REGISTER").they_say(challenge("nonce-in-view"));
    let challenge_bytes = challenge("nonce-in-view").write(talk.request(), "192.0.2.10:5060".parse().unwrap());
    printed.push(format!("{:?}", Input::Datagram { local: Local(0), source: talk.request().to, bytes: &challenge_bytes }));
    let register = talk.we_send("REGISTER").request().clone();
    let response = register.header(sip::Name::Authorization).unwrap();
    let response = response.split("response=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    printed.push(format!("{:?}", Output::Send { local: register.local, to: register.to, bytes: &register.bytes }));
    talk.they_say(ok());
    printed.push(format!("{:?}", talk.events));
    printed.push(format!("{:?}", talk.endpoint.snapshot()));
    let bytes_of = |text: &str| format!("{:?}", text.as_bytes()).trim_matches(['[', ']']).to_owned();
    for text in printed {
        for secret in [PASSWORD, &ha1_of(), "nonce-in-view", &response] {
            assert!(!text.contains(secret), "{secret} in {text}");
            assert!(!text.contains(&bytes_of(secret)), "the bytes of {secret} in {text}");
        }
    }
}

#[test]
fn no_diagnosis_holds_a_nonce() {
    for header in [
        "Digest realm=\"carrier.test\", nonce=\"s3cr3t\", nonce=\"s3cr3t\"",
        "Digest NONCE=s3cr3t, qop=\"auth\"",
        "Digest nonce = \"s3cr3t\"",
        "Digest nonce=\"s3cr3t",
        "Digest realm=\"x\" \"s3cr3t\"",
    ] {
        let mut talk = talk(registration("alice"));
        talk.we_send("REGISTER").they_say(status(401, "Unauthorized").header("WWW-Authenticate", header));
        let told = format!("{:?}", talk.status("alice").diagnosis);
        assert!(!told.contains("s3cr3t") || !header.to_lowercase().contains("nonce"), "{told}");
    }
}
