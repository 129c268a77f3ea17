use serde::{Deserialize, Serialize};

/// Who answers the carrier's calls: the parts of a Contact that differ from the edge's advertised address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ContactSettings {
    /// A name or an address; IPv6 in brackets.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::host")]
    pub host: Option<String>,
    /// The port beside `host`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::port")]
    pub port: Option<u16>,
    /// `udp`, `tcp` or `tls`.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::transport")]
    pub transport: Option<String>,
    /// Further URI parameters, without the leading semicolon.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::params")]
    pub params: Option<String>,
    /// The user part.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "checked::user")]
    pub user: Option<String>,
}

/// Checks a Contact's user part (RFC 3261 25.1 `user`): no character that would end it.
pub fn is_user(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/%#".contains(&b))
}

mod checked {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer};

    pub(super) fn host<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        text(from, super::super::uri::is_host, "a host name or an address, IPv6 in brackets")
    }

    pub(super) fn transport<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        let known = |text: &str| matches!(text, "udp" | "tcp" | "tls" | "ws" | "wss");
        text(from, known, "one of udp, tcp, tls, ws and wss")
    }

    pub(super) fn params<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        let sane = |text: &str| {
            !text.starts_with(';')
                && text.len() <= 255
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.!~*'()[]/:&+$%;=".contains(&b))
        };
        text(from, sane, "URI parameters such as ob;x=1, without the leading semicolon")
    }

    pub(super) fn user<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
        text(from, super::is_user, "the user part of a SIP URI, other characters escaped as %XX")
    }

    pub(super) fn port<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
        match Option::<u16>::deserialize(from)? {
            Some(0) => Err(D::Error::custom("A port is 1 to 65535.")),
            port => Ok(port),
        }
    }

    fn text<'de, D: Deserializer<'de>>(from: D, good: fn(&str) -> bool, expected: &str) -> Result<Option<String>, D::Error> {
        match Option::<String>::deserialize(from)? {
            Some(text) if !good(&text) => Err(D::Error::custom(format!("{text:?} is not {expected}."))),
            text => Ok(text),
        }
    }
}
