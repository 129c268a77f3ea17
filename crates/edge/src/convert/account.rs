use diagnosis::{Code, Diagnosis};
use sip::{Scheme, Uri};
use ua::{Account, ContactSpec, DigestPolicy, OnDowngrade, PolicySource};

use super::credential::hash;

/// Takes over who registers; the Request-URI is completed by RFC 3261 10.2.
pub(super) fn account(from: &link::Account) -> Result<Account, Box<Diagnosis>> {
    let address_of_record = uri("address-of-record", &from.address_of_record)?;
    let request_uri = match &from.request_uri {
        Some(text) => uri("Request-URI", text)?.as_str().into(),
        None => domain(&address_of_record),
    };
    if let Some(text) = &from.from_uri {
        uri("From URI", text)?;
    }
    Ok(Account {
        address_of_record: from.address_of_record.as_str().into(),
        request_uri,
        from_uri: from.from_uri.as_deref().map(Into::into),
        contact: contact(&from.contact)?,
        expires: from.expires,
        user_agent: from.user_agent.as_deref().filter(|text| is_line(text)).map(Into::into),
        extra_headers: from
            .extra_headers
            .iter()
            .filter(|(name, value)| is_header(name, value))
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
            .collect(),
    })
}

/// Takes over which algorithms may be answered; names that nobody knows allow nothing.
pub(super) fn policy(from: &link::DigestPolicy) -> DigestPolicy {
    DigestPolicy {
        allowed: from.allowed.iter().filter_map(|name| hash(name)).collect(),
        on_downgrade: match from.on_downgrade {
            link::OnDowngrade::Refuse => OnDowngrade::Refuse,
            link::OnDowngrade::Warn => OnDowngrade::Warn,
        },
        source: match &from.source {
            link::PolicySource::Default => PolicySource::Default,
            link::PolicySource::Organization => PolicySource::Organization,
            link::PolicySource::Carrier(id) => PolicySource::Carrier(id.as_str().into()),
            link::PolicySource::Trunk(id) => PolicySource::Trunk(id.as_str().into()),
        },
    }
}

/// Parses a URI, or says which one cannot be.
pub(super) fn uri<'a>(what: &str, text: &'a str) -> Result<Uri<'a>, Box<Diagnosis>> {
    Uri::parse(text).map_err(|error| {
        let diagnosis = Diagnosis::new(Code::RegistrarMalformed);
        Box::new(diagnosis.summary(format!("The {what} {text:?} is not a SIP URI: {error}.")))
    })
}

fn domain(address_of_record: &Uri<'_>) -> Box<str> {
    match address_of_record.scheme {
        Scheme::Sip => format!("sip:{}", address_of_record.host).into(),
        Scheme::Sips => format!("sips:{}", address_of_record.host).into(),
    }
}

/// The parts are checked by parsing the URI that they make.
fn contact(from: &link::Contact) -> Result<ContactSpec, Box<Diagnosis>> {
    let user = from.user.as_deref().map(|user| format!("{user}@")).unwrap_or_default();
    let host = from.host.as_deref().unwrap_or("contact.invalid");
    let transport = from.transport.as_deref().map(|transport| format!(";transport={transport}")).unwrap_or_default();
    let params = from.params.as_deref().map(|params| format!(";{params}")).unwrap_or_default();
    uri("contact", &format!("sip:{user}{host}{transport}{params}"))?;
    Ok(ContactSpec {
        user: from.user.as_deref().map(Into::into),
        host: from.host.as_deref().map(Into::into),
        port: from.port,
        transport: from.transport.as_deref().map(Into::into),
        params: from.params.as_deref().map(Into::into),
    })
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_control() && c != '\t')
}

/// RFC 3261 25.1 token.
fn is_header(name: &str, value: &str) -> bool {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b);
    let sound = !name.is_empty() && name.bytes().all(token) && (value.is_empty() || is_line(value));
    if !sound {
        tracing::warn!(?name, "an extra header is malformed; it is left out");
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link_account(address_of_record: &str) -> link::Account {
        link::Account {
            address_of_record: address_of_record.into(),
            request_uri: None,
            from_uri: None,
            contact: link::Contact::default(),
            expires: 600,
            user_agent: None,
            extra_headers: vec![
                ("X-Site".into(), "jakarta".into()),
                ("X-Bad".into(), "a\r\nVia: x".into()),
                ("No Token".into(), "a".into()),
            ],
        }
    }

    #[test]
    fn the_request_uri_is_the_host_of_the_address_of_record() {
        for (aor, uri) in [
            ("sip:+6221500004;phone-context=id@ims.carrier.co.id", "sip:ims.carrier.co.id"),
            ("sip:alice@[2001:db8::1]:5070;user=phone", "sip:[2001:db8::1]"),
            ("sips:alice@Carrier.Example", "sips:Carrier.Example"),
        ] {
            let account = account(&link_account(aor)).unwrap();
            assert_eq!(&*account.request_uri, uri);
            assert_eq!(&*account.address_of_record, aor, "kept byte for byte");
        }
    }

    #[test]
    fn headers_that_would_split_a_message_are_left_out() {
        let account = account(&link_account("sip:a@b")).unwrap();
        assert_eq!(account.extra_headers, [("X-Site".into(), "jakarta".into())]);
    }

    #[test]
    fn what_is_no_uri_is_named() {
        let fault = account(&link_account("tel:+62215")).unwrap_err();
        assert_eq!(fault.code, Code::RegistrarMalformed);
        assert!(fault.summary.contains("address-of-record") && fault.summary.contains("tel:+62215"), "{}", fault.summary);
        for contact in [
            link::Contact { user: Some("a b".into()), ..Default::default() },
            link::Contact { host: Some("a\r\nb".into()), ..Default::default() },
            link::Contact { params: Some("x=\"y\"".into()), ..Default::default() },
        ] {
            let fault = account(&link::Account { contact, ..link_account("sip:a@b") }).unwrap_err();
            assert!(fault.summary.contains("contact"), "{}", fault.summary);
        }
    }

    #[test]
    fn an_unknown_algorithm_name_allows_nothing() {
        let policy = policy(&link::DigestPolicy {
            allowed: vec!["SHA-256".into(), "SHA-3".into()],
            on_downgrade: link::OnDowngrade::Warn,
            source: link::PolicySource::Carrier("c".into()),
        });
        assert_eq!(policy.allowed, [sip::digest::Hash::Sha256]);
        assert_eq!(policy.source, PolicySource::Carrier("c".into()));
    }
}
