use super::message::Message;
use super::params::{challenges, split_outside_quotes, value};
use crate::Attempt;

/// So many Contacts of a list are named; the rest is counted.
const CONTACTS: usize = 3;

/// Headers of an answer that say why, shown as they are: name in lower case, name as it is written.
const TELLING: [(&str, &str); 8] = [
    ("min-expires", "Min-Expires"),
    ("retry-after", "Retry-After"),
    ("warning", "Warning"),
    ("reason", "Reason"),
    ("require", "Require"),
    ("unsupported", "Unsupported"),
    ("security-server", "Security-Server"),
    ("error-info", "Error-Info"),
];

/// Returns what an attempt travelled over: `UDP`, `TCP`, `TLS 1.3 TLS13_AES_128_GCM_SHA256`, `WSS, TLS 1.3 ...`.
pub fn over(attempt: &Attempt) -> String {
    match (attempt.transport.as_str(), &attempt.secured) {
        ("tls", Some(secured)) => secured.clone(),
        (other, Some(secured)) => format!("{}, {secured}", other.to_uppercase()),
        (other, None) => other.to_uppercase(),
    }
}

/// Returns what decides about a message, a line each. Of credentials only harmless parameters are told, never a response.
pub fn facts(message: &Message) -> Vec<String> {
    match message.status() {
        None => of_request(message),
        Some((code, _)) => of_answer(message, code),
    }
}

fn of_request(message: &Message) -> Vec<String> {
    let mut facts = Vec::new();
    let mut first: Vec<String> = message.header("cseq").map(|cseq| format!("CSeq {cseq}")).into_iter().collect();
    if let Some(expires) = message.header("expires") {
        first.push(format!("Expires {expires}"));
    }
    if message.method() == "REGISTER" && message.header("contact").is_none() {
        first.push("no Contact: it asks and binds nothing".to_owned());
    }
    if !first.is_empty() {
        facts.push(first.join(", "));
    }
    facts.extend(contacts(message));
    for (header, shown) in [("authorization", "Authorization"), ("proxy-authorization", "Proxy-Authorization")] {
        for line in message.all(header) {
            facts.extend(challenges(line).iter().map(|(scheme, params)| credentials(shown, scheme, params)));
        }
    }
    facts
}

fn of_answer(message: &Message, code: u16) -> Vec<String> {
    let mut facts = Vec::new();
    for (header, shown) in [("www-authenticate", "WWW-Authenticate"), ("proxy-authenticate", "Proxy-Authenticate")] {
        for line in message.all(header) {
            facts.extend(challenges(line).iter().map(|(scheme, params)| challenge(shown, scheme, params)));
        }
    }
    if (200..300).contains(&code) || (300..400).contains(&code) {
        facts.extend(contacts(message));
        if let Some(expires) = message.header("expires") {
            facts.push(format!("Expires {expires}"));
        }
    }
    for (header, shown) in TELLING {
        facts.extend(message.all(header).map(|value| format!("{shown}: {value}")));
    }
    facts
}

/// Says how often a request was sent again (RFC 3261 17.1.2).
pub fn sent_again(times: u32) -> Option<String> {
    match times {
        0 => None,
        1 => Some("sent again once".to_owned()),
        times => Some(format!("sent again {times} times")),
    }
}

/// Says which address of ours an answer names, where that is not what the answer before named.
pub fn seen_anew(message: &Message, before: &mut Option<String>) -> Option<String> {
    let seen = seen_as(message).filter(|seen| Some(seen) != before.as_ref())?;
    let fact = format!("our address as seen there: {seen}");
    *before = Some(seen);
    Some(fact)
}

/// Returns our address as an answer's top Via has it (RFC 3261 18.2.1, RFC 3581).
pub fn seen_as(message: &Message) -> Option<String> {
    let via = message.listed("via").next()?;
    let parts: Vec<&str> = split_outside_quotes(via, ';');
    let (received, port) = (value(&parts, "received"), value(&parts, "rport").filter(|port| !port.is_empty()));
    match (received, port) {
        (Some(address), Some(port)) if address.contains(':') && !address.starts_with('[') => Some(format!("[{address}]:{port}")),
        (Some(address), Some(port)) => Some(format!("{address}:{port}")),
        (Some(address), None) => Some(address.to_owned()),
        (None, _) => None,
    }
}

fn contacts(message: &Message) -> Vec<String> {
    let all: Vec<&str> = message.listed("contact").collect();
    let mut facts: Vec<String> = all.iter().take(CONTACTS).map(|contact| format!("Contact {contact}")).collect();
    if all.len() > CONTACTS {
        facts.push(format!("and {} more Contacts", all.len() - CONTACTS));
    }
    facts
}

fn challenge(header: &str, scheme: &str, params: &[&str]) -> String {
    let mut told = vec![format!("{header}: {scheme} realm=\"{}\"", value(params, "realm").unwrap_or_default())];
    told.push(match value(params, "algorithm") {
        Some(algorithm) => format!("algorithm={algorithm}"),
        None => "no algorithm (so MD5)".to_owned(),
    });
    told.push(match value(params, "qop") {
        Some(qop) => format!("qop=\"{qop}\""),
        None => "no qop".to_owned(),
    });
    if let Some(stale) = value(params, "stale") {
        told.push(format!("stale={stale}"));
    }
    told.join(", ")
}

fn credentials(header: &str, scheme: &str, params: &[&str]) -> String {
    let mut told = format!("{header}: {scheme}");
    for (name, quoted) in [("username", true), ("realm", true), ("algorithm", false), ("qop", false), ("nc", false)] {
        if let Some(value) = value(params, name) {
            told += if told.ends_with(scheme) { " " } else { ", " };
            told += &if quoted { format!("{name}=\"{value}\"") } else { format!("{name}={value}") };
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_is_told_and_no_digest_is() {
        let cases: [(&str, &[&str]); 6] = [
            (
                "REGISTER sip:r SIP/2.0\r\nCSeq: 1 REGISTER\r\nExpires: 600\r\n",
                &["CSeq 1 REGISTER, Expires 600, no Contact: it asks and binds nothing"],
            ),
            (
                "REGISTER sip:r SIP/2.0\r\nCSeq: 2 REGISTER\r\nContact: <sip:u@h>\r\nAuthorization: Digest username=\"u\", realm=\"r\", nonce=\"n0nce\", response=\"5ecret\", cnonce=\"c0\", nc=00000001, qop=auth\r\n",
                &["CSeq 2 REGISTER", "Contact <sip:u@h>", "Authorization: Digest username=\"u\", realm=\"r\", qop=auth, nc=00000001"],
            ),
            (
                "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport=40000;received=198.51.100.7\r\nWWW-Authenticate: Digest realm=\"r\",nonce=\"x\"\r\n",
                &["WWW-Authenticate: Digest realm=\"r\", no algorithm (so MD5), no qop"],
            ),
            (
                "SIP/2.0 200 OK\r\nContact: <sip:a>;expires=9, <sip:b>, <sip:c>, <sip:d>\r\n",
                &["Contact <sip:a>;expires=9", "Contact <sip:b>", "Contact <sip:c>", "and 1 more Contacts"],
            ),
            ("SIP/2.0 423 Interval Too Brief\r\nMin-Expires: 7200\r\nContact: <sip:no>\r\n", &["Min-Expires: 7200"]),
            ("OPTIONS sip:r SIP/2.0\r\n", &[]),
        ];
        for (message, told) in cases {
            assert_eq!(facts(&Message::read(message.as_bytes())), told, "{message}");
        }
    }

    #[test]
    fn our_address_is_said_where_it_changes() {
        let answer =
            |port: u16| Message::read(format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;rport={port};received=198.51.100.7\r\n").as_bytes());
        let mut before = None;
        let told: Vec<bool> = [1, 1, 2].iter().map(|&port| seen_anew(&answer(port), &mut before).is_some()).collect();
        assert_eq!(told, [true, false, true]);
        assert_eq!(before.as_deref(), Some("198.51.100.7:2"));
    }

    #[test]
    fn an_ipv6_address_has_brackets_where_a_port_follows() {
        let via = |params: &str| Message::read(format!("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP [::1];branch=x{params}\r\n").as_bytes());
        assert_eq!(seen_as(&via(";received=2001:db8::7;rport=5060")).as_deref(), Some("[2001:db8::7]:5060"));
        assert_eq!(seen_as(&via(";rport")), None);
    }
}
