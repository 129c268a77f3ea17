use serde::{Deserialize, Deserializer, Serialize};

/// Headers that the user agent writes itself (RFC 3261 10.2, 20); another value of theirs would break the registration.
const OWN: [&str; 24] = [
    "via",
    "v",
    "from",
    "f",
    "to",
    "t",
    "call-id",
    "i",
    "cseq",
    "contact",
    "m",
    "max-forwards",
    "content-length",
    "l",
    "content-type",
    "c",
    "authorization",
    "proxy-authorization",
    "expires",
    "route",
    "require",
    "supported",
    "k",
    "user-agent",
];

/// A further header of every REGISTER.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExtraHeader {
    /// A token, none of the user agent's own headers.
    pub name: String,
    /// One line.
    pub value: String,
}

impl<'de> Deserialize<'de> for ExtraHeader {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Form {
            name: String,
            value: String,
        }

        let Form { name, value } = Form::deserialize(from)?;
        // RFC 3261 25.1 token.
        if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&b)) {
            return Err(D::Error::custom(format!("{name:?} is no header name.")));
        }
        if OWN.iter().any(|own| own.eq_ignore_ascii_case(&name)) {
            return Err(D::Error::custom(format!("The header {name} is written by the user agent itself.")));
        }
        if value.len() > 512 || value.chars().any(char::is_control) {
            return Err(D::Error::custom("A header's value is one line of at most 512 bytes without control characters."));
        }
        Ok(ExtraHeader { name, value })
    }
}
