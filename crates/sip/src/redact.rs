use crate::auth_params::{AuthParams, scheme};
use crate::challenge_list::ChallengeList;
use crate::digest::Hash;
use crate::{Name, lex};

/// Parameters of credentials and challenges that say nothing an attacker could use.
const SHOWN: [&str; 11] = ["username", "username*", "realm", "uri", "algorithm", "qop", "nc", "stale", "domain", "charset", "userhash"];

/// Parameters whose values are digests, or help to find what they were made from.
const HIDDEN: [&str; 5] = ["response", "cnonce", "rspauth", "password", "passwd"];

/// Parameters that are shown by their length.
const MEASURED: [&str; 3] = ["nonce", "nextnonce", "opaque"];

/// Makes a message fit for a log: digest responses, cnonces and passwords become `***`, nonces and unknown parameters
/// become their length, realm, algorithm, qop and the like stay.
///
/// Any bytes will do. What cannot be parsed where credentials belong is replaced whole, and what looks like
/// credentials elsewhere is treated as such.
pub fn redact(datagram: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(datagram.len());
    let mut rest = datagram;
    while !rest.is_empty() {
        let (line, ends, after) = logical_line(rest);
        write_line(line, &mut out);
        out.extend_from_slice(ends);
        rest = after;
    }
    out
}

enum Kind {
    Credentials,
    Challenges,
    Info,
}

/// The name of a header line, and what follows its colon.
fn header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, rest) = lex::token(line);
    let value = lex::after(lex::trim_start(rest), b':').filter(|_| !name.is_empty())?;
    Some((name, value))
}

fn kind(line: &[u8]) -> Option<Kind> {
    match Name::of(header(line)?.0) {
        Name::Authorization | Name::ProxyAuthorization => Some(Kind::Credentials),
        Name::WwwAuthenticate | Name::ProxyAuthenticate => Some(Kind::Challenges),
        Name::AuthenticationInfo | Name::ProxyAuthenticationInfo => Some(Kind::Info),
        _ => None,
    }
}

/// A line with its continuations, its line end, and the rest. Bare CR and LF end a line too. What follows a line of
/// authentication and is no header of its own belongs to it; credentials surely end only after a CRLF.
fn logical_line(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (first, mut ends, mut rest) = physical_line(bytes);
    let kind = kind(first);
    let mut length = first.len();
    loop {
        let (next, next_ends, next_rest) = physical_line(rest);
        let folded = matches!(next.first(), Some(b' ' | b'\t'));
        let blank = next.is_empty() && ends == next_ends;
        let ended = (blank || header(next).is_some()) && (ends == b"\r\n" || !matches!(kind, Some(Kind::Credentials)));
        let strayed = kind.is_some() && !ended;
        if rest.is_empty() || (!folded && !strayed) {
            return (bytes.get(..length).unwrap_or_default(), ends, rest);
        }
        length += ends.len() + next.len();
        (ends, rest) = (next_ends, next_rest);
    }
}

fn physical_line(bytes: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let end = memchr::memchr2(b'\r', b'\n', bytes).unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at_checked(end).unwrap_or_default();
    let ends = if rest.starts_with(b"\r\n") { 2 } else { rest.len().min(1) };
    let (ends, rest) = rest.split_at_checked(ends).unwrap_or_default();
    (line, ends, rest)
}

fn write_line(line: &[u8], out: &mut Vec<u8>) {
    let (Some(kind), Some((_, value))) = (kind(line), header(line)) else {
        // RFC 4568, RFC 4566 5.12: keys of a media session.
        return match [&b"a=crypto:"[..], b"k="].into_iter().find(|prefix| line.starts_with(prefix)) {
            Some(prefix) => out.extend([prefix, b"***"].concat()),
            None => sweep(line, out),
        };
    };
    let trimmed = lex::trim(value);
    let lead = line.len() - lex::trim_start(value).len();
    out.extend_from_slice(line.get(..lead).unwrap_or_default());
    match kind {
        Kind::Credentials => {
            let (scheme, list) = scheme(trimmed);
            if !(scheme.eq_ignore_ascii_case(b"Digest") && write_params(trimmed, list, out)) {
                out.extend_from_slice(b"***");
            }
        }
        Kind::Challenges => {
            for (index, challenge) in ChallengeList::new(trimmed).enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                if !write_params(challenge, scheme(challenge).1, out) {
                    out.extend_from_slice(b"***");
                }
            }
        }
        Kind::Info => {
            if !write_params(trimmed, trimmed, out) {
                out.extend_from_slice(b"***");
            }
        }
    }
}

/// Writes `whole`, which ends in the parameters `list`, with their values judged; says whether it could be parsed.
fn write_params(whole: &[u8], list: &[u8], out: &mut Vec<u8>) -> bool {
    if !AuthParams::new(list).all(|param| param.is_ok()) {
        return false;
    }
    let mut written = 0;
    for param in AuthParams::new(list).flatten() {
        let at = param.value.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
        out.extend_from_slice(whole.get(written..at).unwrap_or_default());
        write_value(param.name, param.value, out);
        written = at + param.value.len();
    }
    out.extend_from_slice(whole.get(written..).unwrap_or_default());
    true
}

fn write_value(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    if is_one_of(name, &HIDDEN) {
        out.extend_from_slice(b"***");
    } else if is_one_of(name, &SHOWN) && !holds_digest(value) {
        sweep_uris(value, out);
    } else {
        out.extend_from_slice(format!("<{} chars>", value.len()).as_bytes());
    }
}

/// Whether a value has as many hexadecimal digits in a row as the shortest digest: a quote lost before `response` can
/// bring it into the value before.
fn holds_digest(value: &[u8]) -> bool {
    value.split(|b| !b.is_ascii_hexdigit()).any(|run| run.len() >= Hash::Md5.hex_len())
}

fn is_one_of(name: &[u8], names: &[&str]) -> bool {
    names.iter().any(|n| n.as_bytes().eq_ignore_ascii_case(name))
}

/// Writes a text that is not known to hold credentials, but may all the same.
fn sweep(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let (gap, after) = lex::span(rest, |b| !lex::is_token_byte(b));
        let (word, after) = lex::token(after);
        out.extend_from_slice(gap);
        out.extend_from_slice(word);
        rest = if is_one_of(word, &HIDDEN) || is_one_of(word, &MEASURED) {
            sweep_param(word, after, out)
        } else if word.eq_ignore_ascii_case(b"Digest") && after.windows(2).any(|pair| pair == b"=\"") {
            let (lws, list) = lex::span(after, lex::is_lws);
            out.extend_from_slice(lws);
            if !write_params(list, list, out) {
                out.extend_from_slice(b"***");
            }
            &[]
        } else {
            sweep_password(word, after, out)
        };
    }
}

fn sweep_uris(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while !rest.is_empty() {
        let (gap, after) = lex::span(rest, |b| !lex::is_token_byte(b));
        let (word, after) = lex::token(after);
        out.extend_from_slice(gap);
        out.extend_from_slice(word);
        rest = sweep_password(word, after, out);
    }
}

/// What follows `word`, whose value is secret if it has one.
fn sweep_param<'a>(word: &[u8], after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let Some(value) = lex::after(lex::trim_start(after), b'=').map(lex::trim_start) else { return after };
    let (lead, _) = after.split_at_checked(after.len() - value.len()).unwrap_or_default();
    out.extend_from_slice(lead);
    let quoted = value.first() == Some(&b'"');
    let (value, rest) = if quoted {
        // A quote that is not closed hides all that follows.
        lex::quoted(value).unwrap_or((value, &[]))
    } else {
        lex::span(value, |b| !lex::is_lws(b) && !matches!(b, b',' | b';' | b'&' | b'>'))
    };
    let quote: &[u8] = if quoted { b"\"" } else { b"" };
    out.extend_from_slice(quote);
    write_value(word, value, out);
    out.extend_from_slice(quote);
    rest
}

/// What follows `word`, with the password hidden if a SIP URI starts there.
fn sweep_password<'a>(word: &[u8], after: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let ends_in =
        |scheme: &[u8]| word.len().checked_sub(scheme.len()).and_then(|at| word.get(at..)).is_some_and(|w| w.eq_ignore_ascii_case(scheme));
    if !ends_in(b"sip") && !ends_in(b"sips") {
        return after;
    }
    let Some(uri) = lex::after(after, b':') else { return after };
    let (uri, _) = lex::span(uri, |b| !lex::is_lws(b) && !matches!(b, b'<' | b'>' | b'"'));
    let Some(at) = uri.iter().rposition(|&b| b == b'@') else { return after };
    let (userinfo, _) = uri.split_at_checked(at).unwrap_or_default();
    let Some(colon) = userinfo.iter().position(|&b| b == b':') else { return after };
    out.push(b':');
    out.extend_from_slice(userinfo.get(..colon).unwrap_or_default());
    out.extend_from_slice(b":***");
    after.get(1 + at..).unwrap_or_default()
}
