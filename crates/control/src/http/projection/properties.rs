//! The properties of a trunk's base settings: each `{"value": {"instance": X}}`, among other things that templates bring.

use secrecy::SecretString;
use serde_json::{Map, Value, json};

use crate::domain::{AddressOfRecord, SipUri};
use crate::problem::Problem;
use crate::registrations::projected::Projected;

const ENABLED: &str = "trunk_enabled";
const SERVERS: &str = "trunk_transport_serverProxyList";
const TRANSPORT: &str = "trunk_transport_protocolVariant";
const REALM: &str = "trunk_sip_authentication_credentials_realm";
const USERNAME: &str = "trunk_sip_authentication_credentials_username";
const PASSWORD: &str = "trunk_sip_authentication_credentials_password";
/// Our own: the address-of-record, where it is not the user name at the realm.
const ADDRESS: &str = "trunkline_addressOfRecord";

/// Stands where a password is set. Sent back, it means: as it is.
const MASK: &str = "********";

/// Most servers of a trunk.
const SERVERS_MAX: usize = 16;
/// So many bytes of properties that Trunkline does not act on are kept for a trunk.
const OTHERS_BYTES_MAX: usize = 64 * 1024;
/// Longest name of a property.
const NAME_CHARS_MAX: usize = 128;

/// What a client says in the properties.
#[derive(Debug, Default)]
pub struct Properties {
    /// Whether the trunk is to be registered.
    pub enabled: Option<bool>,
    /// The registrars, in order.
    pub servers: Option<Vec<SipUri>>,
    /// The digest realm.
    pub realm: Option<String>,
    /// The digest user name.
    pub username: Option<String>,
    /// The password; absent where the mask stood there.
    pub password: Option<SecretString>,
    /// The address-of-record.
    pub address_of_record: Option<AddressOfRecord>,
    /// What Trunkline does not act on, as it came.
    pub others: Map<String, Value>,
}

impl Properties {
    /// Reads them.
    ///
    /// # Errors
    /// 400 that names the property.
    pub fn parse(mut given: Map<String, Value>) -> Result<Self, Problem> {
        let enabled = match take(&mut given, ENABLED)? {
            None => None,
            Some(Value::Bool(enabled)) => Some(enabled),
            Some(_) => return Err(wrong(ENABLED, "is true or false")),
        };
        let transport = text(&mut given, TRANSPORT)?.unwrap_or_else(|| "udp".into());
        if !["udp", "tcp", "tls"].contains(&transport.as_str()) {
            return Err(wrong(TRANSPORT, "is udp, tcp or tls"));
        }
        let servers = take(&mut given, SERVERS)?.map(|value| servers(&value, &transport)).transpose()?.flatten();
        let password = text(&mut given, PASSWORD)?.filter(|password| password != MASK).map(SecretString::from);
        let (realm, username) = (text(&mut given, REALM)?, text(&mut given, USERNAME)?);
        let address = text(&mut given, ADDRESS)?.map(|text| AddressOfRecord::parse(&text));
        let address_of_record = address.transpose().map_err(|message| invalid(ADDRESS, &message))?;
        check_others(&given)?;
        Ok(Properties { enabled, servers, realm, username, password, address_of_record, others: given })
    }

    /// The address-of-record of a new trunk: as given, or the user name at the realm or the first server.
    ///
    /// # Errors
    /// 400 where there is nothing to make one of.
    pub fn address(&self) -> Result<AddressOfRecord, Problem> {
        if let Some(address) = &self.address_of_record {
            return Ok(address.clone());
        }
        let unclear = || wrong(USERNAME, &format!("is missing: the trunk's address-of-record is made of it, unless {ADDRESS} gives one"));
        let username = self.username.as_deref().ok_or_else(unclear)?;
        let named = self.realm.as_deref().filter(|realm| crate::domain::uri::is_host(realm));
        let first = || self.servers.as_deref().and_then(|servers| servers.first()).map(|server| host(server.as_str()));
        let text = match (username.rsplit_once('@'), named.or_else(first)) {
            (Some((user, host)), _) => format!("sip:{}@{host}", escape(user)),
            (None, Some(host)) => format!("sip:{}@{host}", escape(username)),
            (None, None) => return Err(wrong(ADDRESS, "is missing, and no realm or server says which host the user name is at")),
        };
        AddressOfRecord::parse(&text).map_err(|message| invalid(ADDRESS, &message))
    }
}

/// Writes the properties of a trunk. The password is a mask where one is set.
pub fn show(of: &Projected, others: &Map<String, Value>) -> Value {
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), json!({ "value": { "instance": value } }));
    };
    put(ENABLED, of.trunk.in_service.into());
    let registrars = &of.carrier.settings.registrars;
    let transport = common_transport(registrars);
    put(SERVERS, registrars.iter().map(|uri| shorten(uri.as_str(), transport)).collect::<Vec<_>>().into());
    put(TRANSPORT, transport.into());
    if let Some(active) = &of.active {
        if let Some(realm) = active.effective_realm() {
            put(REALM, realm.into());
        }
        put(USERNAME, active.username.clone().into());
        put(PASSWORD, MASK.into());
    }
    put(ADDRESS, of.trunk.settings.address_of_record.as_str().into());
    for (name, value) in others {
        body.entry(name.clone()).or_insert_with(|| value.clone());
    }
    body.into()
}

/// Takes out what stands in `value.instance`; null and absent are the same.
fn take(given: &mut Map<String, Value>, name: &str) -> Result<Option<Value>, Problem> {
    let Some(property) = given.remove(name) else { return Ok(None) };
    let instance = match property {
        Value::Object(mut property) => match property.remove("value") {
            Some(Value::Object(mut value)) => Some(value.remove("instance").unwrap_or_default()),
            _ => None,
        },
        _ => None,
    };
    match instance {
        Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(value)),
        None => Err(wrong(name, "is not {\"value\": {\"instance\": ...}}")),
    }
}

fn text(given: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Problem> {
    match take(given, name)? {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(wrong(name, "is not a text")),
    }
}

/// Reads servers: `HOST`, `HOST:PORT`, or a SIP URI. An empty list counts as absent: templates bring one.
fn servers(value: &Value, transport: &str) -> Result<Option<Vec<SipUri>>, Problem> {
    let items = value.as_array().filter(|items| items.len() <= SERVERS_MAX);
    let items = items.ok_or_else(|| wrong(SERVERS, &format!("is a list of at most {SERVERS_MAX} servers")))?;
    let mut servers = Vec::with_capacity(items.len());
    for item in items {
        let text = item.as_str().ok_or_else(|| wrong(SERVERS, "holds something that is not a text"))?;
        servers.push(SipUri::parse(&lengthen(text.trim(), transport)).map_err(|message| invalid(SERVERS, &message))?);
    }
    Ok(Some(servers).filter(|servers| !servers.is_empty()))
}

fn is_uri(text: &str) -> bool {
    ["sip:", "sips:"].iter().any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn lengthen(text: &str, transport: &str) -> String {
    if is_uri(text) {
        text.to_owned()
    } else if transport == "udp" {
        format!("sip:{text}")
    } else {
        format!("sip:{text};transport={transport}")
    }
}

/// Writes a registrar as short as [`lengthen`] makes the same of it again.
fn shorten(uri: &str, transport: &str) -> String {
    let bare = uri.strip_prefix("sip:").unwrap_or(uri);
    let bare = bare.strip_suffix(&format!(";transport={transport}")).unwrap_or(bare);
    if lengthen(bare, transport) == uri { bare.to_owned() } else { uri.to_owned() }
}

/// The transport that all registrars name; UDP where they do not agree, or name none.
fn common_transport(registrars: &[SipUri]) -> &'static str {
    let all = |transport: &&&str| registrars.iter().all(|uri| uri.as_str().ends_with(&format!(";transport={transport}")));
    ["tcp", "tls"].iter().find(all).filter(|_| !registrars.is_empty()).unwrap_or(&"udp")
}

fn host(uri: &str) -> &str {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let rest = rest.split([';', '?']).next().unwrap_or(rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    match rest.strip_prefix('[').and_then(|v6| v6.find(']')) {
        Some(end) => &rest[..end + 2],
        None => rest.split(':').next().unwrap_or(rest),
    }
}

/// Escapes what may not stand in the user part of a SIP URI (RFC 3261 25.1).
fn escape(user: &str) -> String {
    use std::fmt::Write as _;
    user.bytes().fold(String::with_capacity(user.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// What is only kept must stay small, and must be no secret: it is given back to whoever may look at the trunk.
fn check_others(others: &Map<String, Value>) -> Result<(), Problem> {
    for (name, value) in others {
        let sane = name.len() <= NAME_CHARS_MAX && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if !sane || name.is_empty() {
            return Err(Problem::invalid(
                "properties",
                format!("A property's name is 1 to {NAME_CHARS_MAX} letters, digits, '_', '.' and '-'."),
            ));
        }
        let lower = name.to_ascii_lowercase();
        if ["password", "secret", "credential"].iter().any(|word| lower.contains(word)) {
            return Err(wrong(name, "sounds like a secret that Trunkline does not use, and is not kept"));
        }
        if !value.is_object() {
            return Err(wrong(name, "is not {\"value\": {\"instance\": ...}}"));
        }
    }
    let bytes = serde_json::to_string(others).map_or(usize::MAX, |text| text.len());
    if bytes > OTHERS_BYTES_MAX {
        return Err(Problem::invalid("properties", format!("The properties that are only kept are longer than {OTHERS_BYTES_MAX} bytes.")));
    }
    Ok(())
}

fn invalid(name: &str, message: &str) -> Problem {
    Problem::invalid(format!("properties.{name}"), message)
}

fn wrong(name: &str, what: &str) -> Problem {
    invalid(name, &format!("The property {name:?} {what}."))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(properties: Value) -> Result<Properties, Problem> {
        let Value::Object(map) = properties else { panic!("not an object") };
        Properties::parse(map)
    }

    fn of(value: Value) -> Value {
        json!({ "value": { "instance": value } })
    }

    #[test]
    fn servers_become_registrars_and_are_shown_as_they_came() {
        for (transport, given, uri) in [
            ("udp", "192.0.2.1:5060", "sip:192.0.2.1:5060"),
            ("tcp", "sbc.carrier.example", "sip:sbc.carrier.example;transport=tcp"),
            ("tls", "[2001:db8::1]:5061", "sip:[2001:db8::1]:5061;transport=tls"),
            ("udp", "sip:sbc1.carrier.example;transport=tcp", "sip:sbc1.carrier.example;transport=tcp"),
            ("udp", "sips:sbc1.carrier.example", "sips:sbc1.carrier.example"),
        ] {
            let properties = read(json!({ SERVERS: of(json!([given])), TRANSPORT: of(json!(transport)) })).expect("it reads");
            let servers = properties.servers.expect("servers");
            assert_eq!(servers[0].as_str(), uri);
            let shown = shorten(uri, common_transport(&servers));
            assert_eq!(lengthen(&shown, common_transport(&servers)), uri);
            assert!(is_uri(given) || shown == given, "{shown}");
        }
        assert!(read(json!({ SERVERS: of(json!([])) })).expect("it reads").servers.is_none());
    }

    #[test]
    fn the_address_of_record_is_the_user_at_the_realm_unless_given() {
        let address =
            |properties: Value| read(properties).and_then(|properties| properties.address()).map(|address| address.as_str().to_owned());
        let servers = of(json!(["192.0.2.1:5060"]));
        assert_eq!(address(json!({ USERNAME: of(json!("u 1")), REALM: of(json!("lab")) })).expect("one"), "sip:u%201@lab");
        assert_eq!(address(json!({ USERNAME: of(json!("u@lab")), SERVERS: servers.clone() })).expect("one"), "sip:u@lab");
        assert_eq!(
            address(json!({ USERNAME: of(json!("u")), REALM: of(json!("a b")), SERVERS: servers })).expect("one"),
            "sip:u@192.0.2.1"
        );
        assert_eq!(address(json!({ ADDRESS: of(json!("sip:x@y")), USERNAME: of(json!("u")) })).expect("one"), "sip:x@y");
        assert!(address(json!({ USERNAME: of(json!("u")) })).is_err());
        assert!(address(json!({ REALM: of(json!("lab")) })).is_err());
    }

    #[test]
    fn a_mask_is_no_password_and_others_are_kept_unless_they_are_secrets() {
        let properties = read(json!({ PASSWORD: of(json!(MASK)), "trunk_label": of(json!("A")) })).expect("it reads");
        assert!(properties.password.is_none());
        assert_eq!(properties.others["trunk_label"]["value"]["instance"], "A");
        let properties =
            read(json!({ PASSWORD: { "type": "string", "value": { "default": "", "instance": "s3cret" } } })).expect("it reads");
        assert_eq!(properties.password.expect("one").expose_secret(), "s3cret");
        for bad in [
            json!({ "trunk_other_password": of(json!("s3cret")) }),
            json!({ PASSWORD: of(json!(["s3cret"])) }),
            json!({ PASSWORD: "s3cret" }),
            json!({ "trunk_label": "s3cret" }),
            json!({ SERVERS: of(json!(["s3cret s3cret"])) }),
            json!({ SERVERS: of(json!("s3cret")) }),
            json!({ TRANSPORT: of(json!("s3cret")) }),
            json!({ ENABLED: of(json!("s3cret")) }),
            json!({ "trunk_long": of(json!("x".repeat(OTHERS_BYTES_MAX))) }),
        ] {
            let problem = read(bad).expect_err("a fault");
            assert_eq!(problem.status().as_u16(), 400);
            assert!(!problem.body().to_string().contains("s3cret"));
        }
    }
}
