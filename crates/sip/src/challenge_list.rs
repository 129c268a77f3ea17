//! Tells apart the challenges that stand in one header line (RFC 7235 4.1).

use crate::lex::{self, Elements};

/// The challenges of one header value, each as its own text.
pub(crate) struct ChallengeList<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> ChallengeList<'a> {
    pub(crate) fn new(value: &'a [u8]) -> ChallengeList<'a> {
        ChallengeList { rest: Some(value) }
    }
}

impl<'a> Iterator for ChallengeList<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.take()?;
        let mut elements = Elements::of_auth_params(rest);
        let mut end = elements.next().map_or(0, <[u8]>::len);
        for element in elements {
            if starts_challenge(element) {
                self.rest = rest.get(end + 1..);
                return rest.get(..end).map(lex::trim);
            }
            end += 1 + element.len();
        }
        Some(lex::trim(rest))
    }
}

/// A parameter is a token and an equals sign; a scheme is a token, white space, and something else.
fn starts_challenge(element: &[u8]) -> bool {
    let (scheme, rest) = lex::token(lex::trim_start(element));
    let next = lex::trim_start(rest);
    !scheme.is_empty() && next.len() < rest.len() && next.first().is_some_and(|&b| b != b'=')
}
