use super::Breach;
use crate::digest::Algorithm;
use crate::{Uri, form};

/// The longest password, in bytes; carriers give a few dozen, and a pasted file is not one.
pub const PASSWORD_BYTES_MAX: usize = 1024;

/// The longest URI, in bytes: it stands in several headers of one datagram.
pub const URI_BYTES_MAX: usize = 255;

/// A field that has rules of form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// The digest user name.
    Username,
    /// The password.
    Password,
    /// The realm to accept; `*` is to be learnt.
    Realm,
    /// The algorithm to ask for.
    Algorithm,
    /// An HA1 with its algorithm, written `ALGORITHM=HEX`.
    Ha1,
    /// An address-of-record, a registrar, an outbound proxy.
    Uri,
}

impl Field {
    /// Every field, in the order of the table.
    pub const ALL: [Field; 6] = [Field::Username, Field::Password, Field::Realm, Field::Algorithm, Field::Ha1, Field::Uri];

    /// The API's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Field::Username => "credentials.username",
            Field::Password => "credentials.password",
            Field::Realm => "credentials.realm",
            Field::Algorithm => "credentials.algorithm",
            Field::Ha1 => "credentials.ha1",
            Field::Uri => "addressOfRecord, registrars, requestUri, outboundProxy",
        }
    }

    /// Judges a value that the caller knows as `path`, such as `credentials.realm` or `--realm`.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn judge(self, path: &str, text: &str) -> Result<(), Breach> {
        match self {
            Field::Username => username(path, text),
            Field::Password => password(path, text, false),
            Field::Realm => realm(path, text),
            Field::Algorithm => algorithm(text),
            Field::Ha1 => ha1(text),
            Field::Uri => uri(path, text),
        }
    }
}

fn username(path: &str, text: &str) -> Result<(), Breach> {
    artifact_free(path, text, "Remove that character.")?;
    let malformed = |fault| Breach::new("registration.username.malformed", format!("The user name is malformed: {fault}."));
    form::username(text).map_err(malformed)
}

fn realm(path: &str, text: &str) -> Result<(), Breach> {
    if text == "*" {
        return Ok(());
    }
    artifact_free(path, text, "Remove that character.")?;
    let malformed = |fault| Breach::new("registration.realm.malformed", format!("The realm is malformed: {fault}."));
    form::realm(text).map_err(malformed)
}

/// Judges a password; `as_it_is` lets what looks like a slip of copying pass.
///
/// # Errors
/// The first rule that it breaks, without a word of the password itself.
pub fn password(path: &str, text: &str, as_it_is: bool) -> Result<(), Breach> {
    if text.is_empty() {
        return Err(Breach::new("registration.password.empty", "The password is empty."));
    }
    if text.len() > PASSWORD_BYTES_MAX {
        return Err(Breach::new("invalid.value", format!("The password is longer than {PASSWORD_BYTES_MAX} bytes."))
            .remedy("Give the password alone; this looks like a file."));
    }
    if as_it_is {
        return Ok(());
    }
    artifact_free(path, text, "Remove that character; if the password really has it, add \"accept\": [\"registration.whitespace\"].")?;
    match (1..).zip(text.chars()).find(|(_, c)| c.is_control()) {
        None => Ok(()),
        Some((position, c)) => Err(Breach::new(
            "registration.whitespace",
            format!("The password holds U+{:04X} control character at position {position}.", u32::from(c)),
        )),
    }
}

fn algorithm(text: &str) -> Result<(), Breach> {
    match Algorithm::from_spelling(text.trim()) {
        Some(_) => Ok(()),
        None => Err(Breach::new("registration.algorithm.unknown", format!("{:?} is no digest algorithm that SIP knows.", shown(text)))),
    }
}

fn ha1(text: &str) -> Result<(), Breach> {
    const CODE: &str = "registration.ha1.malformed";
    let (name, hex) = text.split_once('=').unwrap_or((text, ""));
    let Some(algorithm) = Algorithm::from_spelling(name).filter(|algorithm| !algorithm.session) else {
        return Err(Breach::new(CODE, format!("{:?} names no hash; MD5, SHA-256 and SHA-512-256 do.", shown(name))));
    };
    let digits = algorithm.hash.hex_len();
    if hex.len() != digits || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Breach::new(CODE, format!("An HA1 for {algorithm} is {digits} hexadecimal digits.")));
    }
    Ok(())
}

fn uri(path: &str, text: &str) -> Result<(), Breach> {
    const CODE: &str = "registration.registrar.malformed";
    if text.len() > URI_BYTES_MAX {
        return Err(Breach::new(CODE, format!("The URI is longer than {URI_BYTES_MAX} bytes.")));
    }
    let uri = Uri::parse(text).map_err(|error| {
        Breach::new(CODE, format!("{path} is not a SIP URI: {error}.")).remedy("Write it as sip:host[:port][;transport=udp].")
    })?;
    if uri.password.is_some() {
        // The text is not repeated: it holds a secret.
        return Err(Breach::new(
            CODE,
            "The URI has a password in it, which everyone who may view it would read. Leave it out; credentials are set by their own call.",
        ));
    }
    Ok(())
}

fn artifact_free(path: &str, text: &str, remedy: &'static str) -> Result<(), Breach> {
    match form::contains_copy_artifacts(text) {
        None => Ok(()),
        Some(artifact) => {
            let summary = format!("{path} holds {artifact}, as copying from a sheet leaves it.");
            Err(Breach::new("registration.whitespace", summary).remedy(remedy))
        }
    }
}

/// As much of a name as is fit to be repeated.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(32).collect()
}
