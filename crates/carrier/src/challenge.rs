use serde::{Deserialize, Serialize};

use crate::algorithm::Algorithm;
use crate::authorization::Authorization;

/// How one WWW-Authenticate (or Proxy-Authenticate) header of this carrier looks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Challenge {
    /// The `algorithm` parameter, sent literally (quotes and odd spellings included); no parameter where empty.
    pub algorithm: String,
    /// The `qop` options, comma-separated; no parameter where empty.
    pub qop: String,
    /// A realm of its own; the registrar's where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realm: Option<String>,
    /// A nonce of its own where several challenges stand side by side.
    pub own_nonce: bool,
    /// The `opaque` parameter; none where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opaque: Option<String>,
    /// `userhash=true` (RFC 7616 3.4.4).
    pub userhash: bool,
    /// `charset=UTF-8`.
    pub charset: bool,
    /// The whole header value, sent literally but for `{realm}` and `{nonce}`. The other fields then only say what is expected back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl Default for Challenge {
    fn default() -> Self {
        Challenge {
            algorithm: "MD5".into(),
            qop: "auth".into(),
            realm: None,
            own_nonce: false,
            opaque: None,
            userhash: false,
            charset: false,
            raw: None,
        }
    }
}

impl Challenge {
    /// A challenge of one algorithm, otherwise as usual.
    pub fn of(algorithm: &str) -> Self {
        Challenge { algorithm: algorithm.into(), ..Challenge::default() }
    }

    /// The header's value.
    pub(crate) fn text(&self, realm: &str, nonce: &str, stale: bool) -> String {
        let realm = self.realm.as_deref().unwrap_or(realm);
        if let Some(raw) = &self.raw {
            return raw.replace("{realm}", realm).replace("{nonce}", nonce);
        }
        let mut text = format!("Digest realm=\"{}\", nonce=\"{nonce}\"", escaped(realm));
        let mut param = |name: &str, value: &str| {
            text.push_str(", ");
            text.push_str(name);
            text.push('=');
            text.push_str(value);
        };
        if let Some(opaque) = &self.opaque {
            param("opaque", &format!("\"{}\"", escaped(opaque)));
        }
        if stale {
            param("stale", "true");
        }
        if !self.algorithm.is_empty() {
            param("algorithm", &self.algorithm);
        }
        if !self.qop.is_empty() {
            param("qop", &format!("\"{}\"", self.qop));
        }
        if self.charset {
            param("charset", "UTF-8");
        }
        if self.userhash {
            param("userhash", "true");
        }
        text
    }

    /// Whether `given` is an answer to this challenge, by realm and algorithm.
    pub(crate) fn is_answered_by(&self, realm: &str, given: &Authorization) -> bool {
        self.realm.as_deref().unwrap_or(realm) == given.realm && self.computes() == Challenge::of_answer(given)
    }

    /// What this carrier computes for it; nothing for an algorithm that nobody knows.
    pub(crate) fn computes(&self) -> Option<Algorithm> {
        if self.algorithm.is_empty() { Some(Algorithm::MD5) } else { Algorithm::meant_by(&self.algorithm) }
    }

    /// Whether `qop` is one of the options; the lack of one where none was offered.
    pub(crate) fn offers(&self, qop: Option<&str>) -> bool {
        match qop {
            None => self.qop.is_empty(),
            Some(qop) => self.qop.split(',').any(|offered| offered.trim().eq_ignore_ascii_case(qop)),
        }
    }

    fn of_answer(given: &Authorization) -> Option<Algorithm> {
        given.algorithm.as_deref().map_or(Some(Algorithm::MD5), Algorithm::meant_by)
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_shows_what_it_is_told_to_show() {
        for (challenge, expected) in [
            (Challenge::default(), r#"Digest realm="r", nonce="n", algorithm=MD5, qop="auth""#),
            (Challenge { qop: String::new(), ..Challenge::of("") }, r#"Digest realm="r", nonce="n""#),
            (
                Challenge { opaque: Some("o".into()), ..Challenge::of("\"sha256\"") },
                r#"Digest realm="r", nonce="n", opaque="o", algorithm="sha256", qop="auth""#,
            ),
            (Challenge { raw: Some("Digest realm=\"{realm}\",,".into()), ..Challenge::default() }, r#"Digest realm="r",,"#),
        ] {
            assert_eq!(challenge.text("r", "n", false), expected);
        }
        assert!(Challenge::default().text("r", "n", true).contains("stale=true"));
    }
}
