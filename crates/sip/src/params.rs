use std::str;

use crate::lex;

/// Header parameters, `;name` or `;name=value`, as they follow an address (RFC 3261 25.1 generic-param).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a> {
    raw: &'a [u8],
}

impl<'a> Params<'a> {
    /// Takes everything behind an address, if it is well-formed to the end and UTF-8.
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Params<'a>> {
        let params = Params { raw: lex::trim(raw) };
        let mut rest = params.raw;
        while !rest.is_empty() {
            rest = next(rest)?.1;
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
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            let (param, after) = next(rest)?;
            rest = after;
            Some(param)
        })
    }
}

type Param<'a> = (&'a str, Option<&'a str>);

fn next(rest: &[u8]) -> Option<(Param<'_>, &[u8])> {
    let rest = lex::trim_start(lex::after(rest, b';')?);
    let (name, rest) = lex::token(rest);
    if name.is_empty() {
        return None;
    }
    let name = str::from_utf8(name).ok()?;
    let rest = lex::trim_start(rest);
    let Some(rest) = lex::after(rest, b'=') else { return Some(((name, None), rest)) };
    let rest = lex::trim_start(rest);
    let (value, rest) = match rest.first() {
        Some(b'"') => lex::quoted(rest)?,
        _ => lex::span(rest, |b| !lex::is_lws(b) && !matches!(b, b';' | b',' | b'"' | b'<' | b'>')),
    };
    Some(((name, Some(str::from_utf8(value).ok()?)), lex::trim_start(rest)))
}
