use crate::message::MESSAGE_BYTES_MAX;
use crate::{Name, framing, lex, start_line};

/// More header lines than an answer to REGISTER has.
const LINES_MAX: usize = 32;

/// A response without anything out of the ordinary, read in one pass over its lines: what a client that waits for thousands of them needs of
/// one.
///
/// It has one line each of Via, From, Call-ID, CSeq and Content-Length, at most one of Contact, none that is folded, and no body. Of whatever
/// is read so, [`Message`](crate::Message) says the same; what is not read so may be in order all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainReply<'a> {
    /// The status code, 100 to 699.
    pub code: u16,
    /// The reason phrase as sent.
    pub reason: &'a [u8],
    /// The host of Via's sent-by as written, an IPv6 address in its brackets.
    pub host: &'a [u8],
    /// The port of sent-by.
    pub port: Option<u16>,
    /// Via's `branch`.
    pub branch: Option<&'a [u8]>,
    /// Via's `received` as written.
    pub received: Option<&'a [u8]>,
    /// Via's `rport`, filled in.
    pub rport: Option<u16>,
    /// The value of From.
    pub from: &'a [u8],
    /// The Call-ID.
    pub call_id: &'a [u8],
    /// The number of CSeq.
    pub cseq: u32,
    /// The method of CSeq.
    pub method: &'a [u8],
    /// The value of Contact.
    pub contact: Option<&'a [u8]>,
    /// It says something that is for more than this transaction: Authentication-Info, Service-Route or P-Associated-URI.
    pub says_more: bool,
}

/// The lines that count once, as they are found.
#[derive(Default)]
struct Found<'a> {
    via: Option<&'a [u8]>,
    from: Option<&'a [u8]>,
    call_id: Option<&'a [u8]>,
    cseq: Option<&'a [u8]>,
    contact: Option<&'a [u8]>,
    length: Option<&'a [u8]>,
    says_more: bool,
}

impl<'a> PlainReply<'a> {
    /// Reads a datagram; nothing if it is anything else.
    pub fn read(datagram: &'a [u8]) -> Option<PlainReply<'a>> {
        // What begins otherwise is a request nearly always: it costs nothing here.
        if datagram.len() > MESSAGE_BYTES_MAX || !datagram.starts_with(b"SIP/2.0 ") {
            return None;
        }
        let (line, mut at) = framing::line(datagram, 0).ok()?;
        let (code, reason) = start_line::status(line).ok()?;
        let mut found = Found::default();
        for _ in 0..LINES_MAX {
            let (line, next) = framing::line(datagram, at).ok()?;
            at = next;
            if line.is_empty() {
                return if next == datagram.len() { found.reply(code, reason) } else { None };
            }
            found.take(line)?;
        }
        None
    }
}

impl<'a> Found<'a> {
    fn take(&mut self, line: &'a [u8]) -> Option<()> {
        let (name, value) = named(line)?;
        let value = lex::trim(value);
        let slot = match name {
            Name::Via => &mut self.via,
            Name::From => &mut self.from,
            Name::CallId => &mut self.call_id,
            Name::CSeq => &mut self.cseq,
            Name::Contact => &mut self.contact,
            Name::ContentLength => &mut self.length,
            Name::AuthenticationInfo | Name::ServiceRoute | Name::PAssociatedUri => {
                self.says_more = true;
                return Some(());
            }
            _ => return Some(()),
        };
        slot.replace(value).is_none().then_some(())
    }

    fn reply(self, code: u16, reason: &'a [u8]) -> Option<PlainReply<'a>> {
        let Found { via, from, call_id, cseq, contact, length, says_more } = self;
        if length? != b"0" {
            return None;
        }
        let call_id = call_id.filter(|value| !value.is_empty() && !value.iter().any(|&b| lex::is_lws(b)))?;
        let (number, method) = sequence(cseq?)?;
        let mut reply = PlainReply {
            code,
            reason,
            host: b"",
            port: None,
            branch: None,
            received: None,
            rport: None,
            from: from?,
            call_id,
            cseq: number,
            method,
            contact,
            says_more,
        };
        reply.take_via(via?)?;
        Some(reply)
    }
}

impl<'a> PlainReply<'a> {
    /// Reads `SIP/2.0/UDP host:port;parameters` without any white space or quotes.
    fn take_via(&mut self, via: &'a [u8]) -> Option<()> {
        let rest = via.strip_prefix(b"SIP/2.0/UDP ")?;
        let (host, mut rest) = if rest.first() == Some(&b'[') {
            rest.split_at_checked(memchr::memchr(b']', rest)? + 1)?
        } else {
            lex::span(rest, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        };
        if host.is_empty() {
            return None;
        }
        self.host = host;
        if let Some(after) = lex::after(rest, b':') {
            let digits;
            (digits, rest) = lex::span(after, |b| b.is_ascii_digit());
            self.port = Some(port(digits)?);
        }
        let mut asks_rport = false;
        while let Some(after) = lex::after(rest, b';') {
            let (param, following) = lex::span(after, |b| PARAM[usize::from(b)]);
            rest = following;
            if let Some(value) = param.strip_prefix(b"branch=") {
                set(&mut self.branch, value)?;
            } else if let Some(value) = param.strip_prefix(b"received=") {
                set(&mut self.received, value)?;
            } else {
                let (name, value) = lex::span(param, lex::is_token_byte);
                if name == b"rport" && !asks_rport {
                    asks_rport = true;
                    self.rport = lex::after(value, b'=').and_then(port);
                } else if name.is_empty()
                    || [b"branch" as &[u8], b"received", b"rport"].iter().any(|known| name.eq_ignore_ascii_case(known))
                {
                    // A second one, or one that is written in an unusual way.
                    return None;
                }
                match value {
                    [] => {}
                    [b'=', value @ ..] if is_value(value) => {}
                    _ => return None,
                }
            }
        }
        rest.is_empty().then_some(())
    }
}

/// What a parameter without white space and quotes is written with: tokens, `=`, and what an IPv6 address has.
const PARAM: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = lex::is_token_byte(byte as u8) || matches!(byte as u8, b'=' | b':' | b'[' | b']');
        byte += 1;
    }
    table
};

fn set<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) -> Option<()> {
    (is_value(value) && slot.replace(value).is_none()).then_some(())
}

/// Of what [`PARAM`] lets pass.
fn is_value(value: &[u8]) -> bool {
    !value.is_empty()
}

/// What a line is called, and its value. The usual spellings are compared whole.
fn named(line: &[u8]) -> Option<(Name, &[u8])> {
    let usual = match line {
        [b'V', ..] => line.strip_prefix(b"Via:").map(|value| (Name::Via, value)),
        [b'F', ..] => line.strip_prefix(b"From:").map(|value| (Name::From, value)),
        [b'T', ..] => line.strip_prefix(b"To:").map(|value| (Name::To, value)),
        [b'C', b'a', ..] => line.strip_prefix(b"Call-ID:").map(|value| (Name::CallId, value)),
        [b'C', b'S', ..] => line.strip_prefix(b"CSeq:").map(|value| (Name::CSeq, value)),
        [b'C', _, _, b't', b'a', ..] => line.strip_prefix(b"Contact:").map(|value| (Name::Contact, value)),
        [b'C', _, _, b't', b'e', ..] => line.strip_prefix(b"Content-Length:").map(|value| (Name::ContentLength, value)),
        [b'E', ..] => line.strip_prefix(b"Expires:").map(|value| (Name::Expires, value)),
        [b'S', ..] => line.strip_prefix(b"Server:").map(|value| (Name::Server, value)),
        _ => None,
    };
    // A line that goes on begins with white space, and has no name then.
    usual.or_else(|| {
        let (written, rest) = lex::token(line);
        let value = lex::after(lex::trim_start(rest), b':').filter(|_| !written.is_empty())?;
        Some((Name::of(written), value))
    })
}

/// Reads `number method` with one space between.
fn sequence(value: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = lex::span(value, |b| b.is_ascii_digit());
    let method = lex::after(rest, b' ').filter(|method| lex::is_token(method))?;
    // RFC 3261 8.1.1.5.
    let number = lex::decimal(digits).ok().filter(|&number| number < 1 << 31)?;
    Some((number, method))
}

fn port(digits: &[u8]) -> Option<u16> {
    lex::decimal(digits).ok().and_then(|port| u16::try_from(port).ok())
}
