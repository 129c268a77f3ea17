/// Splits at a character where it stands outside quotes.
pub fn split_outside_quotes(text: &str, at: char) -> Vec<&str> {
    let (mut parts, mut from, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (place, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if c == at && !quoted {
            parts.push(text.get(from..place).unwrap_or_default());
            from = place + c.len_utf8();
        }
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

/// Returns the value of a parameter among `name=value` parts, without its quotes; an empty one for a name alone.
pub fn value<'a>(parts: &[&'a str], name: &str) -> Option<&'a str> {
    parts.iter().find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim().eq_ignore_ascii_case(name).then(|| unquoted(value.trim()))
    })
}

/// Splits a header value into its challenges (or credentials): the scheme and its parameters.
pub fn challenges(header: &str) -> Vec<(&str, Vec<&str>)> {
    let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
    for part in split_outside_quotes(header, ',') {
        let part = part.trim();
        // A part of two tokens begins with a scheme; the blank of `realm = "a b"` stands beside its equals sign.
        let begins = part
            .split_once([' ', '\t'])
            .filter(|(first, rest)| !first.is_empty() && !first.contains(['=', '"']) && !rest.trim_start().starts_with('='));
        match (begins, all.last_mut()) {
            (Some((scheme, first)), _) => all.push((scheme, vec![first.trim()])),
            (None, Some((_, params))) => params.push(part),
            (None, None) => all.push((part, Vec::new())),
        }
    }
    all
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').map_or(value, |rest| rest.strip_suffix('"').unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_told_apart_and_quotes_hold_commas() {
        let header = r#"Digest realm="a, b", algorithm=SHA-256, qop="auth,auth-int", nonce="<32 chars>", Digest realm = "c d",algorithm=MD5 , Basic realm="x""#;
        let all = challenges(header);
        let seen: Vec<_> = all.iter().map(|(scheme, params)| (*scheme, value(params, "Realm"), value(params, "algorithm"))).collect();
        assert_eq!(seen, [("Digest", Some("a, b"), Some("SHA-256")), ("Digest", Some("c d"), Some("MD5")), ("Basic", Some("x"), None)]);
        assert_eq!(value(&all[0].1, "qop"), Some("auth,auth-int"));
    }

    #[test]
    fn anything_can_be_split() {
        for text in ["", ",", "\"", "\\\"", "Digest", "Digest realm=\"open", "=, =", "é, \"é"] {
            let _ = challenges(text);
        }
        assert_eq!(split_outside_quotes(r#"a;"b;\";c";d"#, ';'), ["a", r#""b;\";c""#, "d"]);
    }
}
