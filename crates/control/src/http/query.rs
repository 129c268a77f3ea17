use std::collections::BTreeMap;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::problem::Problem;

/// The query parameters of a request, each at most once. What is not taken is refused by [`Query::finish`], not ignored: a misspelt filter
/// would list everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    given: BTreeMap<String, String>,
    known: Vec<&'static str>,
}

impl Query {
    /// Reads the query part of a URI.
    ///
    /// # Errors
    /// 400 for a parameter that stands twice or is no percent-encoded UTF-8.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut given = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (unescape(name)?, unescape(value)?);
            // The platform's clients repeat this one, and it changes nothing here.
            let repeatable = name == "expand";
            if given.insert(name.clone(), value).is_some() && !repeatable {
                return Err(Problem::invalid(name.clone(), format!("The query parameter {name:?} stands twice.")));
            }
        }
        Ok(Query { given, known: Vec::new() })
    }

    /// Takes a parameter out. An empty one counts as absent.
    pub fn take(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.given.remove(name).filter(|value| !value.is_empty())
    }

    /// Takes a parameter out and tells an empty one from an absent one.
    pub fn take_even_empty(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.given.remove(name)
    }

    /// Takes a whole number out.
    ///
    /// # Errors
    /// 400 `invalid.value` that names the parameter.
    pub fn take_number(&mut self, name: &'static str) -> Result<Option<u32>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let number = text.parse().map_err(|_| Problem::invalid(name, format!("{name}: {text:?} is no whole number in range.")))?;
        Ok(Some(number))
    }

    /// Takes `true` or `false` out.
    ///
    /// # Errors
    /// 400 `invalid.value` that names the parameter.
    pub fn take_bool(&mut self, name: &'static str) -> Result<Option<bool>, Problem> {
        match self.take(name).as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(text) => Err(Problem::invalid(name, format!("{name}: {text:?} is neither true nor false."))),
        }
    }

    /// Takes a time out, RFC 3339.
    ///
    /// # Errors
    /// 400 `invalid.value` that names the parameter.
    pub fn take_time(&mut self, name: &'static str) -> Result<Option<link::UnixMicros>, Problem> {
        let Some(text) = self.take(name) else { return Ok(None) };
        let wrong = || Problem::invalid(name, format!("{name}: {text:?} is no time; write it like 2026-11-24T05:08:19Z."));
        crate::time::parse(&text).ok_or_else(wrong).map(Some)
    }

    /// Refuses what nobody took.
    ///
    /// # Errors
    /// 400 `invalid.value` that names the parameter and the nearest known one.
    pub fn finish(self) -> Result<(), Problem> {
        let Some(unknown) = self.given.keys().next() else { return Ok(()) };
        let scored = self.known.iter().map(|known| (strsim::jaro_winkler(&unknown.to_lowercase(), &known.to_lowercase()), *known));
        let near = scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0));
        let message = match near {
            Some((_, near)) => format!("There is no query parameter {unknown:?} here; the nearest known one is {near:?}."),
            None if self.known.is_empty() => format!("There is no query parameter {unknown:?}; this call takes none."),
            None => format!("There is no query parameter {unknown:?} here; known are {}.", self.known.join(", ")),
        };
        Err(Problem::invalid(unknown.clone(), message))
    }
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::parse(parts.uri.query().unwrap_or_default())
    }
}

/// Decodes `%XX` and `+` of a form (also that of a token request).
///
/// # Errors
/// 400 for what is no percent-encoded UTF-8.
pub fn unescape(text: &str) -> Result<String, Problem> {
    let malformed = || Problem::bad_request("The parameters are not percent-encoded UTF-8.");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
                let (high, low) = (digit().ok_or_else(malformed)?, digit().ok_or_else(malformed)?);
                high << 4 | low
            }
            byte => byte,
        });
    }
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(malformed()),
    }
}

/// Encodes what is not safe in a query.
pub fn escape(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}
