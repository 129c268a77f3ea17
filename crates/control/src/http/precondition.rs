//! Optimistic locking: the `version` of a body, and If-Match (RFC 9110 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use crate::problem::Problem;

/// What the caller says in If-Match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum IfMatch {
    /// Nothing.
    #[default]
    Absent,
    /// `*`: whatever is there.
    Any,
    /// Entity tags, each as it stands between its quotes; those of weak ones, which match nothing (RFC 9110 8.8.3.2), are absent.
    Tags(Vec<Option<String>>),
}

impl IfMatch {
    /// Refuses a change of another version than the caller has seen, in If-Match or in the body.
    ///
    /// # Errors
    /// 409 `version.mismatch`.
    pub fn check(&self, in_body: Option<i64>, current: i64) -> Result<(), Problem> {
        if let IfMatch::Tags(tags) = self {
            let own = current.to_string();
            if tags.iter().flatten().all(|tag| *tag != own) {
                return Err(match tags.iter().flatten().next() {
                    Some(given) => Problem::version_mismatch(given, current),
                    None => Problem::weak_version(current),
                });
            }
        }
        match in_body.filter(|given| *given != current) {
            Some(given) => Err(Problem::version_mismatch(&given.to_string(), current)),
            None => Ok(()),
        }
    }

    /// As [`IfMatch::check`], where a version is needed in one of the two.
    ///
    /// # Errors
    /// 400 `invalid.value` without either, 409 `version.mismatch`.
    pub fn check_required(&self, in_body: Option<i64>, current: i64) -> Result<(), Problem> {
        if !matches!(self, IfMatch::Tags(_)) && in_body.is_none() {
            let message = format!("PUT needs the version that it replaces; the current version is {current}.");
            return Err(Problem::invalid("version", message));
        }
        self.check(in_body, current)
    }

    /// Reads the lines of the header, which are one list; nothing where they are none.
    fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut tags = Vec::new();
        let mut any = false;
        for line in lines {
            let mut rest = line;
            loop {
                // Empty members of a list are passed over (RFC 9110 5.6.1.2).
                rest = rest.trim_start_matches([' ', '\t', ',']);
                if rest.is_empty() {
                    break;
                }
                let after = if let Some(after) = rest.strip_prefix('*') {
                    any = true;
                    after
                } else {
                    let strong = rest.strip_prefix("W/");
                    let (tag, after) = strong.unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
                    tags.push(strong.is_none().then(|| tag.to_owned()));
                    after
                };
                rest = after.trim_start_matches([' ', '\t']);
                if !rest.is_empty() && !rest.starts_with(',') {
                    return None;
                }
            }
        }
        match (any, tags.is_empty()) {
            (true, true) => Some(IfMatch::Any),
            (false, false) => Some(IfMatch::Tags(tags)),
            (true, false) | (false, true) => None,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::IF_MATCH) {
            return Ok(IfMatch::Absent);
        }
        let lines = parts.headers.get_all(header::IF_MATCH).iter().map(|line| line.to_str().unwrap_or("unreadable"));
        let wrong = || {
            Problem::bad_request("If-Match is the ETag of an answer, with its quotes, such as \"7\"; several with commas between; or *.")
        };
        IfMatch::read(lines).ok_or_else(wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_matches_with_any_of_its_tags_and_a_weak_one_with_none() {
        for (lines, outcome) in [
            (&["\"3\""][..], Some(true)),
            (&["\"3\", \"4\""], Some(true)),
            (&["\"4\" ,\"3\""], Some(true)),
            (&["\"4\"", "\"3\""], Some(true)),
            (&[", \"3\",,"], Some(true)),
            (&["*"], Some(true)),
            (&["\"4\", \"5\""], Some(false)),
            (&["W/\"3\""], Some(false)),
            (&["W/\"3\", \"3\""], Some(true)),
            // Character by character: it is no number.
            (&["\"03\""], Some(false)),
            (&["\"a,b\""], Some(false)),
            (&["3"], None),
            (&["\"3"], None),
            (&["\"3\" \"4\""], None),
            (&["w/\"3\""], None),
            (&["*, \"3\""], None),
            (&[""], None),
            (&["nine"], None),
        ] {
            let read = IfMatch::read(lines.iter().copied());
            assert_eq!(read.map(|if_match| if_match.check(None, 3).is_ok()), outcome, "{lines:?}");
        }
        assert_eq!(IfMatch::Any.check_required(None, 3).unwrap_err().status().as_u16(), 400);
        assert_eq!(IfMatch::Any.check(Some(2), 3).unwrap_err().status().as_u16(), 409);
        let weak = IfMatch::read(["W/\"3\""].into_iter()).expect("a list").check(None, 3).unwrap_err();
        assert_eq!(weak.status().as_u16(), 409);
        assert!(weak.to_string().contains("does not match the current version"));
    }
}
