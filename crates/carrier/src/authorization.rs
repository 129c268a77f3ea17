/// An `Authorization: Digest ...` value, read by the carrier's own eyes: an error in `sip` must not cancel itself out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Authorization {
    pub(crate) username: String,
    pub(crate) realm: String,
    pub(crate) nonce: String,
    pub(crate) uri: String,
    pub(crate) response: String,
    pub(crate) algorithm: Option<String>,
    pub(crate) cnonce: Option<String>,
    pub(crate) opaque: Option<String>,
    pub(crate) qop: Option<String>,
    pub(crate) nc: Option<String>,
    pub(crate) userhash: bool,
}

/// Why an Authorization was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    NotDigest,
    Syntax,
    Duplicate,
    Missing(&'static str),
}

impl Authorization {
    /// Reads the value behind `Authorization:`. Strict: what a registrar in the field may refuse, this one refuses.
    pub(crate) fn parse(value: &str) -> Result<Authorization, Unreadable> {
        let value = value.trim();
        let (scheme, mut rest) = value.split_once(|c: char| c.is_ascii_whitespace()).ok_or(Unreadable::NotDigest)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(Unreadable::NotDigest);
        }
        let mut params: Vec<(String, String, bool)> = Vec::new();
        loop {
            let (name, after) = rest.split_once('=').ok_or(Unreadable::Syntax)?;
            let name = name.trim().to_ascii_lowercase();
            if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-*_.".contains(&b)) {
                return Err(Unreadable::Syntax);
            }
            if params.iter().any(|(known, ..)| *known == name) {
                return Err(Unreadable::Duplicate);
            }
            let after = after.trim_start();
            let (value, quoted, after) = match after.strip_prefix('"') {
                Some(body) => {
                    let (value, after) = quoted_string(body).ok_or(Unreadable::Syntax)?;
                    (value, true, after)
                }
                None => {
                    let end = after.find(',').unwrap_or(after.len());
                    let (value, after) = after.split_at(end);
                    let value = value.trim_end();
                    if value.is_empty() || value.contains(|c: char| c.is_ascii_whitespace() || c == '"') {
                        return Err(Unreadable::Syntax);
                    }
                    (value.to_owned(), false, after)
                }
            };
            params.push((name, value, quoted));
            let after = after.trim_start();
            if after.is_empty() {
                break;
            }
            rest = after.strip_prefix(',').ok_or(Unreadable::Syntax)?;
        }
        Authorization::of(&mut params)
    }

    fn of(params: &mut Vec<(String, String, bool)>) -> Result<Authorization, Unreadable> {
        let mut take = |wanted: &str, quoted: bool| -> Result<Option<String>, Unreadable> {
            match params.iter().position(|(name, ..)| name == wanted) {
                None => Ok(None),
                Some(at) => {
                    let (_, value, was_quoted) = params.swap_remove(at);
                    // RFC 7616 3.4: these are quoted strings, and those are not.
                    if was_quoted == quoted { Ok(Some(value)) } else { Err(Unreadable::Syntax) }
                }
            }
        };
        let username = match take("username*", false)? {
            Some(extended) => extended_value(&extended).ok_or(Unreadable::Syntax)?,
            None => take("username", true)?.ok_or(Unreadable::Missing("username"))?,
        };
        Ok(Authorization {
            username,
            realm: take("realm", true)?.ok_or(Unreadable::Missing("realm"))?,
            nonce: take("nonce", true)?.ok_or(Unreadable::Missing("nonce"))?,
            uri: take("uri", true)?.ok_or(Unreadable::Missing("uri"))?,
            response: take("response", true)?.ok_or(Unreadable::Missing("response"))?,
            cnonce: take("cnonce", true)?,
            opaque: take("opaque", true)?,
            qop: take("qop", false)?,
            nc: take("nc", false)?,
            userhash: take("userhash", false)?.is_some_and(|word| word.eq_ignore_ascii_case("true")),
            // An odd carrier quotes its algorithm (C5) and gets it back as it was sent: both forms are taken.
            algorithm: params.iter().find(|(name, ..)| name == "algorithm").map(|(_, value, _)| value.clone()),
        })
    }
}

/// The value of a quoted string whose opening quote is gone, and what follows the closing one.
fn quoted_string(body: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &body[at + 1..])),
            '\\' => value.push(chars.next()?.1),
            _ => value.push(c),
        }
    }
    None
}

/// RFC 5987: `UTF-8''J%C3%A4s%C3%B8n`.
fn extended_value(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '\'');
    let (charset, _language, encoded) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("UTF-8") {
        return None;
    }
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
            bytes.push(digit(rest.next())? << 4 | digit(rest.next())?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"Digest username="Mufasa", realm="a, b", nonce="n\"1", uri="sip:x;y=z", response="00", algorithm=MD5, cnonce="c", qop=auth, nc=00000001"#;

    #[test]
    fn a_whole_one_is_read() {
        let read = Authorization::parse(WHOLE).unwrap();
        assert_eq!((read.username.as_str(), read.realm.as_str(), read.nonce.as_str()), ("Mufasa", "a, b", "n\"1"));
        assert_eq!((read.qop.as_deref(), read.nc.as_deref(), read.algorithm.as_deref()), (Some("auth"), Some("00000001"), Some("MD5")));
    }

    #[test]
    fn broken_ones_are_refused_each_for_its_reason() {
        for (value, why) in [
            ("Basic abc=", Unreadable::NotDigest),
            ("Digest", Unreadable::NotDigest),
            (r#"Digest username="a", username="b""#, Unreadable::Duplicate),
            (r#"Digest username="a"#, Unreadable::Syntax),
            (r#"Digest username="a",, realm="b""#, Unreadable::Syntax),
            (r#"Digest username=a, realm="b""#, Unreadable::Syntax),
            (r#"Digest realm="b""#, Unreadable::Missing("username")),
            (r#"Digest username="a", realm="b""#, Unreadable::Missing("nonce")),
        ] {
            assert_eq!(Authorization::parse(value), Err(why), "{value}");
        }
        let quoted_nc = WHOLE.replace("nc=00000001", "nc=\"00000001\"");
        assert_eq!(Authorization::parse(&quoted_nc), Err(Unreadable::Syntax));
    }

    #[test]
    fn an_encoded_user_name_is_decoded() {
        let value = r#"Digest username*=UTF-8''J%C3%A4s, realm="r", nonce="n", uri="u", response="x""#;
        assert_eq!(Authorization::parse(value).unwrap().username, "Jäs");
        assert_eq!(Authorization::parse(&value.replace("%A4s", "%")), Err(Unreadable::Syntax));
    }
}
