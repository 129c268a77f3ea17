//! What a datagram says, read by code of the simulator's own, so that an error in `sip` cannot hide itself.
//!
//! It reads what `ua` and the lab carrier write: one header to a line, no folds, long names.

/// What the checks look at in a datagram.
#[derive(Clone, Debug, Default)]
pub struct Seen<'a> {
    /// The status code; absent in a request.
    pub code: Option<u16>,
    /// The method of the CSeq.
    pub method: &'a str,
    /// The number of the CSeq.
    pub cseq: u32,
    /// The topmost Via's branch.
    pub branch: &'a str,
    /// The Call-ID.
    pub call_id: &'a str,
    /// The user of To.
    pub user: &'a str,
    /// The values of Contact lines.
    pub contacts: Vec<&'a str>,
    /// Expires.
    pub expires: Option<u32>,
    /// The values of Authorization and Proxy-Authorization.
    pub answers: Vec<&'a str>,
    /// The values of WWW-Authenticate and Proxy-Authenticate.
    pub challenges: Vec<&'a str>,
    /// The value of Authentication-Info.
    pub info: Option<&'a str>,
}

impl<'a> Seen<'a> {
    /// Reads a datagram; nothing where it is no SIP message with the headers that every one has.
    pub fn read(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        // One character is found much faster than two.
        let mut lines = text.split('\n');
        let start = lines.next()?;
        let mut seen = Seen { code: start.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok()), ..Seen::default() };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { break };
            let value = value.trim();
            match name {
                "Via" if seen.branch.is_empty() => seen.branch = value.split(';').find_map(|param| param.strip_prefix("branch="))?,
                "Call-ID" => seen.call_id = value,
                "CSeq" => {
                    let (number, method) = value.split_once(' ')?;
                    (seen.cseq, seen.method) = (number.parse().ok()?, method);
                }
                "To" => seen.user = value.split_once("sip:")?.1.split(['@', '>']).next()?,
                "Contact" => seen.contacts.push(value),
                "Expires" => seen.expires = value.parse().ok(),
                "Authorization" | "Proxy-Authorization" => seen.answers.push(value),
                "WWW-Authenticate" | "Proxy-Authenticate" => seen.challenges.push(value),
                "Authentication-Info" => seen.info = Some(value),
                _ => {}
            }
        }
        (!seen.branch.is_empty() && !seen.call_id.is_empty()).then_some(seen)
    }

    /// Returns the first Contact's URI.
    pub fn contact(&self) -> &'a str {
        let inside = self.contacts.first().and_then(|contact| contact.split_once('<')?.1.split('>').next());
        inside.unwrap_or_default()
    }

    /// Returns for how many seconds a 2xx binds a Contact; nothing where it lists others only.
    ///
    /// A carrier may change host and port, order and case, and add parameters; user and `line` tell the Contacts of a trunk apart.
    pub fn granted(&self, contact: &str, asked: u32) -> Option<u32> {
        if self.contacts.is_empty() {
            return Some(self.expires.unwrap_or(300));
        }
        let (user, line) = told_apart(contact);
        let ours: Vec<&str> = self.contacts.iter().copied().filter(|listed| told_apart(listed).0 == user).collect();
        let ours = ours.iter().find(|listed| told_apart(listed).1 == line).or(ours.first())?;
        let own = ours.rsplit_once('>').map_or("", |(_, params)| params);
        let own = own.split(';').find_map(|param| param.strip_prefix("expires=")).and_then(|seconds| seconds.parse().ok());
        Some(own.or(self.expires).unwrap_or(asked))
    }

    /// Tells whether a request removes the Contact that it names.
    pub fn removes(&self) -> bool {
        !self.contacts.is_empty() && self.expires == Some(0)
    }
}

/// Returns the user of a Contact, and its `line` parameter.
fn told_apart(contact: &str) -> (String, Option<String>) {
    let contact = contact.to_ascii_lowercase();
    let uri = contact.split('>').next().unwrap_or_default();
    let user = uri.split_once("sip:").and_then(|(_, rest)| rest.split('@').next());
    let line = uri.split(';').find_map(|param| param.strip_prefix("line="));
    (user.unwrap_or_default().to_owned(), line.map(str::to_owned))
}

/// Returns a parameter of a challenge or of its answer, without its quotes.
pub fn param<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = value;
    loop {
        let at = rest.find(name)?;
        let before = rest[..at].chars().next_back();
        let after = &rest[at + name.len()..];
        if let (None | Some(' ' | ','), Some(text)) = (before, after.strip_prefix('=')) {
            return match text.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next(),
                None => text.split([',', ' ']).next(),
            };
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_and_an_answer_are_read() {
        let text = "REGISTER sip:c0.sim SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKab\r\nTo: <sip:620000001@c0.sim>\r\nCall-ID: x\r\n\
                    CSeq: 7 REGISTER\r\nContact: <sip:620000001@10.0.0.1:5060>;expires=300\r\nExpires: 300\r\n\
                    Authorization: Digest username=\"u\", realm=\"r\", nonce=\"n\", cnonce=\"c\", nc=00000002, qop=auth\r\nContent-Length: 0\r\n\r\n";
        let seen = Seen::read(text.as_bytes()).unwrap();
        assert_eq!((seen.code, seen.method, seen.cseq, seen.branch, seen.user), (None, "REGISTER", 7, "z9hG4bKab", "620000001"));
        assert_eq!(
            ["realm", "nonce", "cnonce", "nc", "qop", "opaque"].map(|name| param(seen.answers[0], name)),
            [Some("r"), Some("n"), Some("c"), Some("00000002"), Some("auth"), None]
        );
        assert!(!seen.removes());
        let text = text.replacen("REGISTER sip:c0.sim SIP/2.0", "SIP/2.0 200 OK", 1);
        let seen = Seen::read(text.as_bytes()).unwrap();
        assert_eq!(
            (seen.code, seen.granted("sip:620000001@10.0.0.1:5060", 60), seen.granted("sip:620000002@10.0.0.1:5060", 60)),
            (Some(200), Some(300), None)
        );
    }
}
