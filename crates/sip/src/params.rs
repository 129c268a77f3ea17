use std::str;

use crate::lex;

/// Header parameters, `;name` or `;name=value`, as they follow an address (RFC 3261 25.1 generic-param).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a> {
    raw: &'a str,
}

/// The bytes of a value without quotes.
const VALUE: [bool; 256] = {
    let mut table = [true; 256];
    let ends = *b" \t\r\n;,\"<>";
    let mut at = 0;
    while at < ends.len() {
        table[ends[at] as usize] = false;
        at += 1;
    }
    table
};

impl<'a> Params<'a> {
    /// Takes everything behind an address, if it is well-formed to the end and UTF-8.
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Params<'a>> {
        // Names and values end at ASCII: all are UTF-8 if the whole is.
        let params = Params { raw: str::from_utf8(lex::trim(raw)).ok()? };
        let mut at = 0;
        while at < params.raw.len() {
            at = next(params.raw, at)?.1;
        }
        Some(params)
    }

    /// The parameter of this name in any case: absent, without a value, or with one. A quoted value comes without its
    /// quotes, its escapes in place.
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        let (raw, mut at) = (self.raw, 0);
        std::iter::from_fn(move || {
            let (param, after) = next(raw, at)?;
            at = after;
            Some(param)
        })
    }
}

type Param<'a> = (&'a str, Option<&'a str>);

/// Reads the parameter that starts at `at`, and tells where what follows it does.
fn next(text: &str, at: usize) -> Option<(Param<'_>, usize)> {
    let bytes = text.as_bytes();
    if *bytes.get(at)? != b';' {
        return None;
    }
    let name_at = skip(bytes, at + 1, lex::is_lws);
    let name_end = skip(bytes, name_at, lex::is_token_byte);
    if name_end == name_at {
        return None;
    }
    let name = text.get(name_at..name_end)?;
    let at = skip(bytes, name_end, lex::is_lws);
    if bytes.get(at) != Some(&b'=') {
        return Some(((name, None), at));
    }
    let at = skip(bytes, at + 1, lex::is_lws);
    let (value, end) = if bytes.get(at) == Some(&b'"') {
        let (inner, _) = lex::quoted(bytes.get(at..)?)?;
        (text.get(at + 1..at + 1 + inner.len())?, at + inner.len() + 2)
    } else {
        let end = skip(bytes, at, |byte| VALUE[usize::from(byte)]);
        (text.get(at..end)?, end)
    };
    Some(((name, Some(value)), skip(bytes, end, lex::is_lws)))
}

/// The first place from `at` on whose byte is no such one.
fn skip(bytes: &[u8], mut at: usize, part: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|&byte| part(byte)) {
        at += 1;
    }
    at
}
