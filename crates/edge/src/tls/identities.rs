use std::net::IpAddr;

use ua::TlsFault;
use x509_parser::prelude::{GeneralName, X509Certificate};

use super::words::clean;

/// More names than that are not told.
const TOLD_MAX: usize = 20;

/// The SIP domains that a certificate stands for (RFC 5922 7.1).
#[derive(Debug, Default)]
pub(super) struct Identities {
    /// Hosts of `sip:` URIs without a user part.
    uris: Vec<String>,
    dns: Vec<String>,
    ips: Vec<IpAddr>,
    /// The subject's common names, where there is no alternative name at all.
    common: Vec<String>,
}

/// What may be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Liberty {
    /// A wildcard may stand for one label.
    pub(super) wildcard: bool,
    /// A common name counts where there is no alternative name at all. RFC 5922 7.1 leaves it open; public authorities issue none such.
    pub(super) common_name: bool,
    /// Some issuer is confined to certain names: what that confinement does not see cannot count.
    pub(super) confined: bool,
}

impl Identities {
    pub(super) fn of(certificate: &X509Certificate<'_>) -> Self {
        let mut found = Identities::default();
        match certificate.subject_alternative_name() {
            Ok(Some(names)) => names.value.general_names.iter().for_each(|name| match name {
                GeneralName::URI(uri) => found.uris.extend(sip_domain(uri)),
                GeneralName::DNSName(name) => found.dns.push((*name).to_owned()),
                GeneralName::IPAddress(octets) => found.ips.extend(ip(octets)),
                _ => {}
            }),
            Ok(None) => {
                let names = certificate.subject().iter_common_name();
                found.common.extend(names.filter_map(|name| name.as_str().ok()).map(str::to_owned));
            }
            Err(_) => {}
        }
        found
    }

    /// Tells whether the certificate is good for a domain or an address (RFC 5922 7.2: names are compared whole).
    pub(super) fn judge(&self, domain: &str, liberty: Liberty) -> Result<(), TlsFault> {
        let uris = if liberty.confined { &[][..] } else { &self.uris };
        let common = if liberty.common_name && !liberty.confined { &self.common[..] } else { &[] };
        let exact = match domain.parse::<IpAddr>() {
            Ok(ip) => self.ips.contains(&ip) || uris.iter().chain(common).any(|name| unbracketed(name).parse() == Ok(ip)),
            Err(_) => uris.iter().chain(&self.dns).chain(common).any(|name| same(name, domain)),
        };
        if exact {
            return Ok(());
        }
        let wildcard = domain.parse::<IpAddr>().is_err() && self.dns.iter().any(|pattern| covers(pattern, domain));
        if wildcard && liberty.wildcard {
            return Ok(());
        }
        Err(TlsFault::Name { presented: self.told(), wildcard })
    }

    fn told(&self) -> Vec<String> {
        let uris = self.uris.iter().map(|host| format!("sip:{}", clean(host)));
        let names = uris.chain(self.dns.iter().map(|name| clean(name))).chain(self.ips.iter().map(ToString::to_string));
        names.chain(self.common.iter().map(|name| format!("CN={}", clean(name)))).take(TOLD_MAX).collect()
    }
}

/// Returns the domain that a URI stands for: that of a `sip:` URI without a user part, no other (RFC 5922 7.1).
fn sip_domain(uri: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    if !scheme.eq_ignore_ascii_case("sip") || rest.contains('@') {
        return None;
    }
    let host = rest.split([';', '?']).next()?;
    let host = match host.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?.0,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_owned())
}

fn ip(octets: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(octets).map(IpAddr::from).or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from)).ok()
}

fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host)
}

fn same(name: &str, domain: &str) -> bool {
    name.strip_suffix('.').unwrap_or(name).eq_ignore_ascii_case(domain.strip_suffix('.').unwrap_or(domain))
}

/// `*.carrier.example` covers `sbc.carrier.example`, not `carrier.example` and nothing deeper (RFC 9525 6.3); `*.example` covers nothing.
fn covers(pattern: &str, domain: &str) -> bool {
    let Some(parent) = pattern.strip_prefix("*.") else { return false };
    parent.trim_end_matches('.').contains('.')
        && domain.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && same(parent, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identities(uris: &[&str], dns: &[&str], common: &[&str]) -> Identities {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Identities {
            uris: uris.iter().filter_map(|uri| sip_domain(uri)).collect(),
            dns: owned(dns),
            ips: Vec::new(),
            common: owned(common),
        }
    }

    // covers: RFC 5922 7.1
    #[test]
    fn only_a_sip_uri_without_a_user_names_a_domain() {
        for (uri, domain) in [
            ("sip:carrier.example", Some("carrier.example")),
            ("SIP:carrier.example:5061;transport=tls", Some("carrier.example")),
            ("sip:[2001:db8::1]:5061", Some("2001:db8::1")),
            ("sips:carrier.example", None),
            ("sip:alice@carrier.example", None),
            ("https://carrier.example", None),
            ("sip:", None),
            ("carrier.example", None),
        ] {
            assert_eq!(sip_domain(uri).as_deref(), domain, "{uri}");
        }
    }

    // covers: RFC 5922 7.2, RFC 5922 7.3
    #[test]
    fn names_are_compared_whole() {
        let certificate = identities(&["sip:carrier.example"], &["sbc.carrier.example", "*.edge.example", "*.example"], &[]);
        for (domain, strict, lax) in [
            ("carrier.example", true, true),
            ("CARRIER.example.", true, true),
            ("sbc.carrier.example", true, true),
            ("other.carrier.example", false, false),
            ("1.sbc.carrier.example", false, false),
            ("1.edge.example", false, true),
            ("edge.example", false, false),
            ("2.1.edge.example", false, false),
            (".edge.example", false, false),
            ("whoever.example", false, false),
            ("*.edge.example", true, true),
            ("192.0.2.1", false, false),
        ] {
            let judge = |wildcard| certificate.judge(domain, Liberty { wildcard, ..Liberty::default() });
            assert_eq!(judge(false).is_ok(), strict, "{domain}");
            assert_eq!(judge(true).is_ok(), lax, "{domain} with wildcards");
            if let Err(TlsFault::Name { wildcard, .. }) = judge(false) {
                assert_eq!(wildcard, lax, "{domain}");
            }
        }
    }

    #[test]
    fn a_common_name_counts_only_for_those_who_say_so() {
        let certificate = identities(&[], &[], &["sbc.carrier.example"]);
        let judge = |common_name, confined| certificate.judge("sbc.carrier.example", Liberty { wildcard: false, common_name, confined });
        assert!(judge(true, false).is_ok());
        assert!(judge(true, true).is_err());
        let told = TlsFault::Name { presented: vec!["CN=sbc.carrier.example".to_owned()], wildcard: false };
        assert_eq!(judge(false, false), Err(told));
    }

    #[test]
    fn what_an_issuers_confinement_does_not_see_does_not_count() {
        let certificate = identities(&["sip:carrier.example"], &["sbc.carrier.example"], &[]);
        let judge = |domain| certificate.judge(domain, Liberty { confined: true, ..Liberty::default() }).is_ok();
        assert!(judge("sbc.carrier.example"));
        assert!(!judge("carrier.example"));
    }
}
