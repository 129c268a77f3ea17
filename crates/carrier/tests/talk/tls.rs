use carrier::certificates::Authority;
use carrier::{CertificateKind, Transport};

use crate::client::{Came, Client, lab};

#[tokio::test]
async fn each_kind_of_certificate_is_wrong_in_its_own_way() {
    use CertificateKind as Kind;
    let lab = lab(&[]);
    for (kind, fault) in [
        (Kind::Good, None),
        (Kind::Wildcard, None),
        (Kind::Expired, Some("expired")),
        (Kind::NotYetValid, Some("not valid yet")),
        (Kind::WrongName, Some("not valid for name")),
        (Kind::CommonName, Some("not valid for name")),
        (Kind::SelfSigned, Some("UnknownIssuer")),
        (Kind::OtherAuthority, Some("UnknownIssuer")),
        (Kind::Incomplete, Some("UnknownIssuer")),
    ] {
        lab.carrier("lab").unwrap().temperament_mut().certificate = kind;
        for transport in [Transport::Tls, Transport::Wss] {
            let told = Client::dial(&lab, transport, None).await.err().map(|error| error.to_string());
            match (fault, told) {
                (None, None) => {}
                (Some(fault), Some(told)) => assert!(told.contains(fault), "{kind:?}: {told}"),
                (_, told) => panic!("{kind:?}: {told:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_demanded_and_checked() {
    let lab = lab(&["N8-client"]);
    let (own, foreign) = (lab.authority().client(&["edge.test"]).unwrap(), Authority::new("x").unwrap().client(&["edge.test"]).unwrap());
    for (identity, good) in [(None, false), (Some(&foreign), false), (Some(&own), true)] {
        let identity = identity.map(|identity| (identity.chain.as_str(), identity.key()));
        // TLS 1.3: the client has finished before it hears that its certificate is not taken.
        let answered = match Client::dial(&lab, Transport::Tls, identity).await {
            Ok(mut client) => {
                client.ask().await;
                client.next().await == Came::Code(200)
            }
            Err(_) => false,
        };
        assert_eq!(answered, good);
    }
    let carrier = lab.carrier("lab").unwrap();
    let greetings: Vec<_> = carrier.connections().map(|known| &known.greeting).collect();
    let [greeting] = greetings[..] else { panic!("{greetings:?}") };
    assert!(greeting.client_certificate && greeting.server_name.as_deref() == Some("sip.carrier.test"));
}

#[test]
fn files_are_written_for_other_programs_and_keys_are_not_shown() {
    use std::os::unix::fs::PermissionsExt;
    let directory = std::env::temp_dir().join(format!("carrier-certificates-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let authority = Authority::new("files").unwrap();
    let identity = authority.server(CertificateKind::Good, &["sip.carrier.test", "127.0.0.1", "sip:carrier.test"]).unwrap();
    let (chain, key) = identity.write(&directory, "server").unwrap();
    assert_eq!(std::fs::read_to_string(chain).unwrap(), identity.chain);
    assert_eq!(std::fs::metadata(key).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::remove_dir_all(directory).unwrap();
    assert!(!format!("{identity:?} {authority:?}").contains("PRIVATE KEY"));
    assert!(authority.server(CertificateKind::Good, &["m\u{fc}nchen"]).is_err());
}
