use std::time::Instant;

use sip::{Host, Uri};

use crate::{Binding, GrantShown, Listing, Temperament};

/// The Contact values of a 200, in order.
pub(crate) fn contacts(temperament: &Temperament, bindings: &[Binding], now: Instant) -> Vec<String> {
    let ours = bindings.iter().map(|binding| {
        let uri = match temperament.lists {
            Listing::AsSent | Listing::OthersOnly | Listing::Nothing => binding.contact.clone(),
            Listing::Natted => natted(binding),
            Listing::Shouted => shouted(&binding.contact),
        };
        let mut text = format!("<{uri}>");
        for (name, value) in &binding.params {
            text.push(';');
            text.push_str(name);
            if let Some(value) = value {
                text.push_str(&parameter(value));
            }
        }
        match temperament.grant_shown {
            GrantShown::Contact | GrantShown::Both => text + &format!(";expires={}", binding.remaining(now)),
            GrantShown::Expires => text,
        }
    });
    match temperament.lists {
        Listing::Nothing => Vec::new(),
        Listing::OthersOnly => temperament.lists_also.clone(),
        Listing::AsSent | Listing::Natted | Listing::Shouted => temperament.lists_also.iter().cloned().chain(ours).collect(),
    }
}

/// `=value`, in quotes where it is no token. The quotes were taken off when it was read, its escapes were left.
fn parameter(value: &str) -> String {
    let token = value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b));
    if token && !value.is_empty() { format!("={value}") } else { format!("=\"{value}\"") }
}

/// With the host and port that the request came from.
fn natted(binding: &Binding) -> String {
    let Ok(uri) = Uri::parse(&binding.contact) else { return binding.contact.clone() };
    let user = uri.user.map_or(String::new(), |user| format!("{user}@"));
    let params = if uri.params.is_empty() { String::new() } else { format!(";{}", uri.params) };
    format!("sip:{user}{}{params}", binding.source)
}

/// The same URI by RFC 3261 19.1.4, as unlike as it can look.
fn shouted(contact: &str) -> String {
    let Ok(uri) = Uri::parse(contact) else { return contact.to_owned() };
    let user = uri.user.map_or(String::new(), |user| format!("{user}@"));
    let host = match uri.host {
        Host::Name(name) => name.to_ascii_uppercase(),
        Host::V4(_) | Host::V6(_) => uri.host.to_string(),
    };
    let port = uri.port.map_or(String::new(), |port| format!(":{port}"));
    let params: Vec<&str> = uri.params.split(';').filter(|param| !param.is_empty()).collect();
    let params: String = params.iter().rev().map(|param| format!(";{}", param.to_ascii_uppercase())).collect();
    format!("SIP:{user}{host}{port};x-sbc=1{params}")
}
