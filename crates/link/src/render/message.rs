use super::params::split_outside_quotes;
use super::text::clean;

/// A SIP message read as plain text: its start line, and header lines by name. Any bytes will do.
#[derive(Clone, Debug)]
pub struct Message {
    start_line: String,
    headers: Vec<(String, String)>,
}

/// RFC 3261 7.3.3: the compact forms of the headers that are looked at here.
const COMPACT: [(&str, &str); 5] = [("i", "call-id"), ("m", "contact"), ("f", "from"), ("t", "to"), ("v", "via")];

impl Message {
    /// Reads start line and headers.
    pub fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).skip_while(|line| line.is_empty());
        let start_line = clean(lines.next().unwrap_or_default().trim());
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.is_empty() {
                break;
            }
            // RFC 3261 7.3.1: a line that begins with white space goes on with the one before.
            match (line.strip_prefix([' ', '\t']), headers.last_mut(), line.split_once(':')) {
                (Some(more), Some((_, value)), _) => {
                    value.push(' ');
                    value.push_str(&clean(more.trim()));
                }
                (_, _, Some((name, value))) => headers.push((long(name.trim()), clean(value.trim()))),
                _ => {}
            }
        }
        Message { start_line, headers }
    }

    /// Returns the first line.
    pub fn start_line(&self) -> &str {
        &self.start_line
    }

    /// Returns the first value of a header, by its long name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Returns the values of all lines of a header.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(of, _)| of == name).map(|(_, value)| value.as_str())
    }

    /// Returns the values of a header whose lines may hold several with commas between.
    pub fn listed<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.all(name).flat_map(|line| split_outside_quotes(line, ',')).map(str::trim).filter(|value| !value.is_empty())
    }

    /// Returns code and reason phrase of a response.
    pub fn status(&self) -> Option<(u16, &str)> {
        let rest = self.start_line.strip_prefix("SIP/")?.split_once(' ')?.1;
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        Some((code.parse().ok()?, reason))
    }

    /// Returns the method: that of the request, or of what a response answers.
    pub fn method(&self) -> &str {
        match self.status() {
            Some(_) => self.header("cseq").and_then(|cseq| cseq.split_whitespace().nth(1)).unwrap_or_default(),
            None => self.start_line.split(' ').next().unwrap_or_default(),
        }
    }

    /// Returns the number of its CSeq.
    pub fn cseq(&self) -> Option<u32> {
        self.header("cseq")?.split_whitespace().next()?.parse().ok()
    }

    /// Tells which transaction of which dialog it belongs to.
    pub fn transaction(&self) -> (Option<&str>, Option<u32>, &str) {
        (self.header("call-id"), self.cseq(), self.method())
    }
}

/// Returns the Call-IDs of an exchange with the method that each was seen with first: those of REGISTER, which the registrar's log has, before
/// others.
pub fn call_ids(read: &[Message]) -> Vec<(&str, &str)> {
    let mut found: Vec<(&str, &str)> = Vec::new();
    let registers = read.iter().filter(|message| message.method() == "REGISTER");
    for message in registers.chain(read) {
        if let Some(call_id) = message.header("call-id")
            && !found.iter().any(|(known, _)| *known == call_id)
        {
            found.push((call_id, message.method()));
        }
    }
    found
}

fn long(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    COMPACT.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| (*long).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_whatever_its_line_ends_folds_and_compact_names() {
        let message = Message::read(
            b"\r\nSIP/2.0 401 Not\x1b today\r\ni: abc@x\nCSEQ : 7 REGISTER\r\nm: <sip:a>;expires=5,\r\n\t<sip:b>\r\n\r\nbody: no",
        );
        assert_eq!(message.start_line(), "SIP/2.0 401 Not? today");
        assert_eq!(message.status(), Some((401, "Not? today")));
        assert_eq!(message.transaction(), (Some("abc@x"), Some(7), "REGISTER"));
        assert_eq!(message.listed("contact").collect::<Vec<_>>(), ["<sip:a>;expires=5", "<sip:b>"]);
        assert_eq!(message.header("body"), None);
    }

    #[test]
    fn the_call_id_of_a_register_comes_first_and_each_once() {
        let read = [
            "OPTIONS sip:r SIP/2.0\r\nCall-ID: o\r\n",
            "REGISTER sip:r SIP/2.0\r\nCall-ID: r\r\n",
            "SIP/2.0 200 OK\r\nCall-ID: o\r\nCSeq: 1 OPTIONS\r\n",
        ]
        .map(|text| Message::read(text.as_bytes()));
        assert_eq!(call_ids(&read), [("r", "REGISTER"), ("o", "OPTIONS")]);
    }

    #[test]
    fn anything_can_be_read() {
        for bytes in [&b""[..], b"\r\n\r\n", b" fold\r\n", b"\xff\xfe", b"SIP/2.0", b"SIP/2.0 x", b"REGISTER\r\n:\r\n no name"] {
            let message = Message::read(bytes);
            let _ = (message.status(), message.method(), message.cseq());
        }
    }
}
