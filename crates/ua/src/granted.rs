//! What a 2xx to REGISTER grants us, among whatever else it lists.

use std::time::Duration;

use sip::{Contact, Message, Name, Uri};

/// carriers.md B3a: what to assume where neither Contact nor Expires says.
const ASSUMED: u32 = 300;

/// What a 2xx grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// Our Contact is bound for that long.
    Bound {
        /// Zero is possible: nothing is bound then.
        time: Duration,
        /// As the carrier lists it, where that differs from what was sent.
        rewritten: Option<String>,
    },
    /// No Contact is listed; bound for that long, we assume.
    Unlisted {
        /// From Expires, else assumed.
        time: Duration,
    },
    /// Others are listed, we are not.
    Missing {
        /// The Contacts that are listed.
        listed: Vec<String>,
    },
}

/// Finds our Contact by URI equality (RFC 3261 19.1.4), else by a parameter of ours or by its user if that is unique, else as the sole one; never by place.
///
/// Where an instance (RFC 5626 4.1) went along, a Contact that carries it with our reg-id comes before all of these.
pub fn granted(answer: &Message<'_>, contact: &str, instance: Option<&str>, asked: u32) -> Granted {
    let seconds = |own: Option<u32>, otherwise: u32| {
        let seconds = own.or_else(|| answer.expires().ok().flatten()).unwrap_or(otherwise);
        Duration::from_secs(u64::from(seconds))
    };
    // Nearly always the only one, as it was sent, and with its time alone.
    if let (Some(granted), None) = (plainly(answer, contact), instance) {
        return Granted::Bound { time: seconds(Some(granted), asked), rewritten: None };
    }
    let mut all = answer.contacts();
    if let (Some(Ok(only)), None) = (all.next(), all.next())
        && only.uri() == contact
        && instance.is_none()
    {
        return Granted::Bound { time: seconds(only.expires(), asked), rewritten: None };
    }
    let listed: Vec<Contact<'_>> = answer.contacts().filter_map(Result::ok).filter(|contact| !contact.is_any()).collect();
    if listed.is_empty() {
        return Granted::Unlisted { time: seconds(None, ASSUMED) };
    }
    let by_instance = instance.and_then(|instance| listed.iter().find(|contact| is_instance(contact, instance)));
    let ours = Uri::parse(contact).ok().and_then(|ours| match by_instance {
        Some(found) => Some((found, found.parsed().is_ok_and(|uri| uri.equivalent(&ours)))),
        None => find(&listed, &ours),
    });
    match ours {
        Some((found, exact)) => {
            Granted::Bound { time: seconds(found.expires(), asked), rewritten: (!exact).then(|| crate::challenge::printable(found.uri())) }
        }
        None => Granted::Missing { listed: listed.iter().map(|contact| crate::challenge::printable(contact.uri())).collect() },
    }
}

/// Reads `<contact>;expires=seconds` where that is all there is of Contacts.
fn plainly(answer: &Message<'_>, contact: &str) -> Option<u32> {
    let mut lines = answer.headers(Name::Contact);
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    granted_plainly(line, contact)
}

/// Reads the value `<contact>;expires=seconds`.
pub fn granted_plainly(line: &[u8], contact: &str) -> Option<u32> {
    let rest = line.strip_prefix(b"<")?.strip_prefix(contact.as_bytes())?.strip_prefix(b">;expires=")?;
    // Longer ones are for who knows what is too long.
    let sound = (1..=9).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit);
    sound.then(|| rest.iter().fold(0, |seconds, digit| seconds * 10 + u32::from(digit - b'0')))
}

fn is_instance(contact: &Contact<'_>, instance: &str) -> bool {
    let carried = contact.param("+sip.instance").flatten().map(|value| value.trim_matches(['"', '<', '>']));
    carried.is_some_and(|carried| carried.eq_ignore_ascii_case(instance)) && contact.param("reg-id").flatten() == Some("1")
}

/// The listed Contacts that are not ours.
pub fn others(answer: &Message<'_>, contact: &str) -> Vec<String> {
    let ours = Uri::parse(contact).ok();
    let is_ours =
        |contact: &Contact<'_>| ours.as_ref().is_some_and(|ours| find(std::slice::from_ref(contact), ours).is_some_and(|(_, exact)| exact));
    let listed = answer.contacts().filter_map(Result::ok).filter(|contact| !contact.is_any() && !is_ours(contact));
    listed.map(|contact| crate::challenge::printable(contact.uri())).collect()
}

/// Tells whether two Contacts are one binding to a registrar (RFC 3261 10.3, 19.1.4).
pub fn equivalent(a: &str, b: &str) -> bool {
    a == b || matches!((Uri::parse(a), Uri::parse(b)), (Ok(a), Ok(b)) if a.equivalent(&b))
}

/// Tells whether a Contact is listed.
pub fn lists(answer: &Message<'_>, contact: &str) -> bool {
    let Ok(wanted) = Uri::parse(contact) else { return false };
    answer.contacts().filter_map(Result::ok).any(|contact| contact.parsed().is_ok_and(|uri| uri.equivalent(&wanted)))
}

fn find<'l, 'a>(listed: &'l [Contact<'a>], ours: &Uri<'_>) -> Option<(&'l Contact<'a>, bool)> {
    let parsed: Vec<(&Contact<'a>, Uri<'a>)> = listed.iter().filter_map(|contact| Some((contact, contact.parsed().ok()?))).collect();
    if let Some((contact, _)) = parsed.iter().find(|(_, uri)| uri.equivalent(ours)) {
        return Some((contact, true));
    }
    let place = |uri: &Uri<'_>| uri.port.unwrap_or(5060);
    // Some registrars upper-case or add parameters: the same user at the same place is ours.
    let same_user = |uri: &Uri<'_>| match (uri.user, ours.user) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(b),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let same_place = |uri: &Uri<'_>| uri.host.equivalent(&ours.host) && place(uri) == place(ours);
    if let Some((contact, _)) = parsed.iter().find(|(_, uri)| same_user(uri) && same_place(uri)) {
        return Some((contact, true));
    }
    // What carriers copy though they rewrite all else: a parameter that we gave.
    let carries_ours = |uri: &Uri<'_>| {
        ours.param_list().any(|(name, value)| value.is_some() && !name.eq_ignore_ascii_case("transport") && uri.param(name) == Some(value))
    };
    let mut with_our_parameter = parsed.iter().filter(|(_, uri)| carries_ours(uri));
    if let (Some((contact, _)), None) = (with_our_parameter.next(), with_our_parameter.next()) {
        return Some((contact, false));
    }
    let mut of_our_user = parsed.iter().filter(|(_, uri)| ours.user.is_some() && same_user(uri));
    if let (Some((contact, _)), None) = (of_our_user.next(), of_our_user.next()) {
        return Some((contact, false));
    }
    match parsed.as_slice() {
        [(contact, uri)] if same_place(uri) || ours.user.is_none() => Some((contact, false)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(headers: &str) -> Granted {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.1\r\nFrom: <sip:a@b>\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n{headers}Content-Length: 0\r\n\r\n"
        );
        granted(&Message::parse(text.as_bytes()).unwrap(), "sip:alice@10.0.0.1:5060", None, 600)
    }

    fn bound(seconds: u64, rewritten: Option<&str>) -> Granted {
        Granted::Bound { time: Duration::from_secs(seconds), rewritten: rewritten.map(str::to_owned) }
    }

    #[test]
    fn our_contact_is_found_among_others_and_its_time_rules() {
        let table = [
            ("Contact: <sip:alice@10.0.0.1:5060>;expires=300\r\nExpires: 900\r\n", bound(300, None)),
            ("Contact: <sip:alice@10.0.0.1:5060>\r\nExpires: 900\r\n", bound(900, None)),
            ("Contact: <sip:alice@10.0.0.1:5060>\r\n", bound(600, None)),
            ("Contact: <sip:bob@10.0.0.9>;expires=9, <sip:alice@10.0.0.1:5060>;expires=300\r\n", bound(300, None)),
            ("Contact: <sip:ALICE@10.0.0.1:5060;ob>;expires=60\r\n", bound(60, None)),
            (
                "Contact: <sip:bob@10.0.0.9>;expires=9\r\nContact: <sip:alice@198.51.100.7:1024>;expires=60\r\n",
                bound(60, Some("sip:alice@198.51.100.7:1024")),
            ),
            ("Contact: <sip:alice@10.0.0.1:5060>;expires=0\r\n", bound(0, None)),
            ("Expires: 120\r\n", Granted::Unlisted { time: Duration::from_secs(120) }),
            ("", Granted::Unlisted { time: Duration::from_secs(300) }),
            ("Contact: <sip:bob@10.0.0.9>;expires=9\r\n", Granted::Missing { listed: vec!["sip:bob@10.0.0.9".into()] }),
        ];
        for (headers, wanted) in table {
            assert_eq!(answer(headers), wanted, "{headers}");
        }
    }
}
