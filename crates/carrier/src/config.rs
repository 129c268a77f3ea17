use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::tls::TlsFile;
use crate::{Account, Listen, Password, Temperament, Tls};

/// So many accounts one `count` may make.
const ACCOUNTS_MAX: u32 = 2_000_000;

/// What a lab carrier file says: one or more registrars, each with its addresses, accounts and temperament.
///
/// The format is documented in `docs/guide/lab-carrier.md`. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Of chance: weather, tags, nonces. The same seed gives the same.
    pub seed: u64,
    /// The registrars, in the order of the file.
    pub registrars: Vec<Registrar>,
}

/// One registrar.
#[derive(Clone, Debug, PartialEq)]
pub struct Registrar {
    /// Its name, in logs and for [`crate::sockets::Lab`].
    pub name: String,
    /// Where it listens.
    pub listen: Vec<Listen>,
    /// What it shows and demands over TLS.
    pub tls: Tls,
    /// The hosts of an address-of-record that it serves; any where empty.
    pub domains: Vec<String>,
    /// The realm of its challenges.
    pub realm: String,
    /// Who may register.
    pub accounts: Vec<Account>,
    /// How it behaves.
    pub temperament: Temperament,
}

impl Registrar {
    /// A friendly registrar without accounts that listens nowhere: for use without sockets.
    pub fn new(name: impl Into<String>, realm: impl Into<String>) -> Self {
        Registrar {
            name: name.into(),
            listen: Vec::new(),
            tls: Tls::default(),
            domains: Vec::new(),
            realm: realm.into(),
            accounts: Vec::new(),
            temperament: Temperament::default(),
        }
    }

    /// The same, listening there too. A bare address means UDP.
    pub fn listen(mut self, at: impl Into<Listen>) -> Self {
        self.listen.push(at.into());
        self
    }

    /// The same, with that to show and to demand over TLS.
    pub fn tls(self, tls: Tls) -> Self {
        Registrar { tls, ..self }
    }

    /// The same, with an account more.
    pub fn account(mut self, account: Account) -> Self {
        self.accounts.push(account);
        self
    }

    /// The same, with these rows of `carriers.md` on top. Panics on a name that is none: a slip of the test's author.
    pub fn rows(mut self, names: &[&str]) -> Self {
        for name in names {
            self.temperament = self.temperament.with(name).unwrap_or_else(|| panic!("no temperament {name:?}"));
        }
        self
    }
}

/// Why a lab carrier file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the carrier file {path}: {source}. Give --config a file that is there")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no TOML, or a key is unknown or of the wrong kind.
    #[error("the carrier file is malformed: {0}")]
    Malformed(String),
    /// It is well-formed and says something impossible.
    #[error("registrar {registrar:?}: {problem}")]
    Impossible {
        /// Which registrar.
        registrar: String,
        /// What is wrong, and the way out.
        problem: String,
    },
}

impl Config {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Config, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        Config::parse(&text)
    }

    /// Reads the text of a file.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let file: ConfigFile = toml::from_str(text).map_err(|e| ConfigError::Malformed(e.to_string().trim_end().to_owned()))?;
        if file.registrar.is_empty() {
            return Err(ConfigError::Malformed("it names no [[registrar]]".into()));
        }
        let registrars = file.registrar.into_iter().map(registrar).collect::<Result<Vec<_>, _>>()?;
        let mut names = HashSet::new();
        for registrar in &registrars {
            if !names.insert(&registrar.name) {
                return Err(impossible(&registrar.name, "the name is used twice; give each registrar a name of its own"));
            }
        }
        Ok(Config { seed: file.seed, registrars })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    registrar: Vec<RegistrarFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistrarFile {
    name: String,
    listen: Vec<String>,
    #[serde(default)]
    tls: TlsFile,
    #[serde(default)]
    domains: Vec<String>,
    realm: String,
    #[serde(default)]
    account: Vec<AccountFile>,
    #[serde(default)]
    rows: Vec<String>,
    #[serde(default)]
    temperament: toml::Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountFile {
    user: String,
    username: Option<String>,
    password: Password,
    #[serde(default)]
    old_passwords: Vec<Password>,
    #[serde(default)]
    retire_old_on_use: bool,
    count: Option<u32>,
    first: Option<u32>,
}

fn registrar(file: RegistrarFile) -> Result<Registrar, ConfigError> {
    let name = file.name;
    let listen = file.listen.iter().map(|text| text.parse()).collect::<Result<Vec<Listen>, String>>();
    let listen = listen.map_err(|problem| impossible(&name, problem))?;
    if listen.is_empty() {
        return Err(impossible(&name, "it listens nowhere; write listen = [\"udp:127.0.0.1:5070\"]"));
    }
    let mut accounts = Vec::new();
    for account in file.account {
        expand(account, &mut accounts).map_err(|problem| impossible(&name, problem))?;
    }
    let temperament = temperament(&file.rows, file.temperament).map_err(|problem| impossible(&name, problem))?;
    let tls = file.tls.read().map_err(|problem| impossible(&name, problem))?;
    Ok(Registrar { name, listen, tls, domains: file.domains, realm: file.realm, accounts, temperament })
}

fn impossible(registrar: &str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Impossible { registrar: registrar.to_owned(), problem: problem.into() }
}

/// An account with `count` stands for that many, `{n}` replaced by their number.
fn expand(file: AccountFile, into: &mut Vec<Account>) -> Result<(), String> {
    let AccountFile { user, username, password, old_passwords, retire_old_on_use, count, first } = file;
    let Some(count) = count else {
        into.push(Account { user, username, password, old_passwords, retire_old_on_use });
        return Ok(());
    };
    if !user.contains("{n}") {
        return Err(format!("account {user:?} has a count, so its user must contain {{n}}"));
    }
    let first = first.unwrap_or(1);
    let Some(last) = first.checked_add(count).filter(|_| count <= ACCOUNTS_MAX) else {
        return Err(format!("account {user:?}: a count is at most {ACCOUNTS_MAX}"));
    };
    into.extend((first..last).map(|n| {
        let numbered = |text: &str| text.replace("{n}", &n.to_string());
        Account {
            user: numbered(&user),
            username: username.as_deref().map(numbered),
            password: numbered(password.reveal()).into(),
            old_passwords: old_passwords.iter().map(|old| numbered(old.reveal()).into()).collect(),
            retire_old_on_use,
        }
    }));
    Ok(())
}

/// The default, then the named rows, then what is set by hand.
fn temperament(rows: &[String], by_hand: toml::Table) -> Result<Temperament, String> {
    let mut whole = Temperament::default();
    for name in rows {
        whole = whole.with(name).ok_or_else(|| format!("there is no row {name:?}; docs/guide/lab-carrier.md lists them"))?;
    }
    let mut table = toml::Table::try_from(&whole).map_err(|e| e.to_string())?;
    table.extend(by_hand);
    let whole: Temperament = table.try_into().map_err(|e: toml::de::Error| format!("temperament: {}", e.message()))?;
    let chances = [("loss", whole.loss), ("duplicates", whole.duplicates)];
    match chances.iter().find(|(_, p)| !(0.0..=1.0).contains(p)) {
        Some((name, p)) => Err(format!("temperament: {name} is a probability, from 0 to 1, not {p}")),
        None if whole.delay_max < whole.delay_min => Err("temperament: delay_max is less than delay_min".into()),
        None => Ok(whole),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CertificateKind, Challenge, Listing};

    const WHOLE: &str = r#"
        seed = 7
        [[registrar]]
        name = "nusantara"
        listen = ["udp:127.0.0.1:5070", "udp:[::1]:5070", "wss:127.0.0.1:5071"]
        domains = ["ims.carrier.co.id"]
        realm = "ims.carrier.co.id"
        rows = ["C12", "b4"]
        [registrar.tls]
        names = ["sip.carrier.co.id", "sip:ims.carrier.co.id"]
        root_file = "root.pem"
        [registrar.temperament]
        certificate = "not-yet-valid"
        nonce_life = 30
        lists = "natted"
        challenges = [{ algorithm = "SHA-256" }, { algorithm = "MD5", qop = "" }]
        refusals = [{ of = "query", code = 403 }]
        [[registrar.account]]
        user = "6221500004"
        password = "s3cret"
        [[registrar.account]]
        user = "u{n}"
        username = "user-{n}"
        password = "p{n}"
        count = 3
    "#;

    #[test]
    fn a_whole_file_is_read_rows_first_then_what_is_set_by_hand() {
        let config = Config::parse(WHOLE).unwrap();
        let registrar = &config.registrars[0];
        assert_eq!((config.seed, registrar.listen.len(), registrar.accounts.len()), (7, 3, 4));
        assert_eq!(registrar.accounts[3], Account { username: Some("user-3".into()), ..Account::new("u3", "p3") });
        let t = &registrar.temperament;
        assert_eq!((registrar.tls.names.len(), t.certificate), (2, CertificateKind::NotYetValid));
        assert!(t.nonce_once && !t.tells_stale && t.lists == Listing::Natted);
        assert_eq!((t.grants, t.nonce_life, t.refusals.len()), (Some(60), 30, 1));
        assert_eq!(t.challenges[0], Challenge::of("SHA-256"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (from, to, expected) in [
            ("seed = 7", "sed = 7", "sed"),
            ("realm = ", "reallm = ", "reallm"),
            ("nonce_life", "nonce_live", "nonce_live"),
            ("of = \"query\"", "off = \"query\"", "off"),
            ("\"C12\"", "\"C99\"", "no row \"C99\""),
            ("udp:127.0.0.1:5070", "sctp:127.0.0.1:5070", "udp:127.0.0.1:5070"),
            ("root_file = ", "certificate = ", "private_key"),
            ("root_file = \"root.pem\"", "client_roots = \"/nowhere\"", "/nowhere"),
            ("not-yet-valid", "forged", "forged"),
            ("u{n}", "u", "must contain {n}"),
            ("count = 3", "count = 3000000", "at most"),
            ("nonce_life = 30", "loss = 1.5", "probability"),
            ("[[registrar.account]]", "[[registrar.acount]]", "acount"),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let error = Config::parse(&WHOLE.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
        assert!(Config::parse("").unwrap_err().to_string().contains("[[registrar]]"));
    }
}
