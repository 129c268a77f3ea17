//! N8: whom the edge believes under TLS, and whom it does not.

use carrier::{Tls, Transport};
use diagnosis::Code;
use link::{CarrierProfile, Outcome, Verdict};

use crate::stage::{Stage, everywhere, registrar};
use crate::support::dns::Names;

/// The name by which the carriers are reached.
const HOST: &str = "sip.carrier.test";

/// A registrar with that row whose certificates are for names.
fn secured(row: &str, names: &[&str]) -> carrier::Registrar {
    everywhere(registrar(&[row])).tls(Tls::named(names))
}

/// A stage whose carriers are reached by name.
fn stage(names: &Names, registrars: Vec<carrier::Registrar>) -> Stage {
    Stage::with(registrars, |config, _, _| config.resolver = edge::ResolverConfig::Servers(vec![names.address]))
}

/// The profile of a registrar reached by a host's name.
fn by_name(stage: &Stage, name: &str, transport: Transport, host: &str) -> CarrierProfile {
    let mut profile = stage.profile_over(name, transport);
    let registrar = profile.registrars[0].replace("127.0.0.1", host);
    profile.registrars = vec![registrar];
    profile
}

fn verdict(stage: &mut Stage, name: &str, what: &str, profile: &CarrierProfile) -> Verdict {
    stage.verify(name, |order| {
        order.id = format!("{name} {what}");
        order.carrier = profile.clone();
    })
}

#[track_caller]
fn refused(verdict: Verdict) -> (Code, String) {
    let Outcome::Refused(diagnosis) = verdict.outcome else { panic!("{verdict:?}") };
    (diagnosis.code, format!("{diagnosis:?}"))
}

// covers: N8, RFC 5922 7.2, RFC 5922 7.3; lab
#[test]
fn each_wrong_certificate_has_its_code_and_gets_no_request() {
    let names = Names::start();
    let wrong = [
        ("N8-expired", Code::TlsCertificateExpired),
        ("N8-early", Code::TlsCertificateExpired),
        ("N8-name", Code::TlsNameMismatch),
        ("N8-wildcard", Code::TlsNameMismatch),
        ("N8-self", Code::TlsCertificateUntrusted),
        ("N8-other", Code::TlsCertificateUntrusted),
        ("N8-chain", Code::TlsCertificateUntrusted),
        ("N8-client", Code::TlsClientCertificateRequired),
    ];
    let mut stage = stage(&names, wrong.iter().map(|(row, _)| secured(row, &[HOST])).collect());
    for (row, code) in wrong {
        for transport in [Transport::Tls, Transport::Wss] {
            let profile = by_name(&stage, row, transport, HOST);
            let (told, whole) = refused(verdict(&mut stage, row, transport.name(), &profile));
            assert_eq!(told, code, "{row} {transport}: {whole}");
        }
        let seen = stage.counters(row);
        assert_eq!(seen.registers + seen.queries + seen.options, 0, "{row}");
        // A registration sees the same.
        stage.register_as(by_name(&stage, row, Transport::Tls, HOST), stage.assignment(row));
        stage.refused(row, code);
    }
}

// covers: N8; lab
#[test]
fn a_private_authority_is_believed_where_the_profile_names_it_and_not_otherwise() {
    let names = Names::start();
    let mut stage = stage(&names, vec![secured("N8", &[HOST]), secured("N8-wildcard", &[HOST])]);
    let mut profile = by_name(&stage, "N8", Transport::Tls, HOST);
    assert_eq!(verdict(&mut stage, "N8", "named", &profile).outcome, Outcome::Proved);
    assert_eq!(connection_of(&stage, "N8").greeting.server_name.as_deref(), Some(HOST));
    profile.tls.roots = None;
    assert_eq!(refused(verdict(&mut stage, "N8", "public roots", &profile)).0, Code::TlsCertificateUntrusted);
    let mut wild = by_name(&stage, "N8-wildcard", Transport::Tls, HOST);
    wild.tls.wildcard = true;
    assert_eq!(verdict(&mut stage, "N8-wildcard", "allowed", &wild).outcome, Outcome::Proved);
}

// covers: RFC 5922 7.1, RFC 5922 7.3; lab
#[test]
fn a_certificate_speaks_for_the_domain_in_its_sip_uri_and_for_no_other() {
    let names = Names::start();
    let mut stage = stage(&names, vec![secured("C1", &["sip:carrier.test"])]);
    let own = by_name(&stage, "C1", Transport::Tls, "carrier.test");
    assert_eq!(verdict(&mut stage, "C1", "own", &own).outcome, Outcome::Proved);
    for other in ["sip.carrier.test", "other.test"] {
        let profile = by_name(&stage, "C1", Transport::Tls, other);
        let (code, whole) = refused(verdict(&mut stage, "C1", other, &profile));
        assert!(code == Code::TlsNameMismatch && whole.contains("carrier.test"), "{whole}");
    }
}

// covers: N8; lab
#[test]
fn a_client_certificate_is_shown_where_the_profile_names_it() {
    let mut stage = Stage::with(vec![everywhere(registrar(&["N8-client"]))], |config, carriers, directory| {
        let identity = carriers.authority().client(&["edge.test"]).expect("a certificate");
        let (chain, key) = identity.write(directory, "client").expect("written");
        config.tls_identities = vec![format!("edge={},{}", chain.display(), key.display()).parse().expect("an identity")];
    });
    let mut profile = stage.profile_over("N8-client", Transport::Tls);
    profile.tls.client_certificate = Some("edge".into());
    stage.register_as(profile, stage.assignment("N8-client"));
    stage.bound("N8-client");
    assert!(connection_of(&stage, "N8-client").greeting.client_certificate);
}

fn connection_of(stage: &Stage, name: &str) -> carrier::Connection {
    stage.carrier(name).connections().next_back().cloned().expect("a connection")
}
