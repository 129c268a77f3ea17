use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use control::{MasterKeySource, RateLimit, Retention};
use edge::{Advertise, SipListen, TlsIdentity};
use ipnet::IpNet;
use secrecy::SecretString;

use crate::cli::{self, ServeArgs};
use crate::failure::Failure;
use crate::https::Certificate;
use crate::settings_file::{EdgeTable, RetentionTable, SettingsFile};

/// The id of the embedded edge where none is configured.
const EDGE_ID: &str = "edge_1";

/// What `trunkline serve` was told, by flags, file and environment.
#[derive(Debug)]
pub struct Settings {
    /// Where everything is kept; the default place where absent.
    pub data: Option<PathBuf>,
    /// Where the API listens.
    pub http: SocketAddr,
    /// The embedded edges.
    pub edges: Vec<EdgeSettings>,
    /// Ranges beyond the public Internet that may be sent to.
    pub allow_targets: Vec<IpNet>,
    /// Ranges that webhooks may be in besides the public Internet.
    pub webhook_targets: Vec<IpNet>,
    /// How much is kept, and for how long.
    pub retention: Retention,
    /// The name servers, in place of the system's.
    pub dns: Vec<SocketAddr>,
    /// The client certificates that every edge holds.
    pub tls_identities: Vec<TlsIdentity>,
    /// The master key, where it is not the file in the data directory.
    pub master_key: Option<MasterKeySource>,
    /// The master key that the present one takes the place of.
    pub previous_master_key: Option<MasterKeySource>,
    /// When the audit chain is signed, and how long it is kept.
    pub audit: control::AuditSettings,
    /// The identity provider whose tokens are taken.
    pub oidc: Option<control::OidcSettings>,
    /// The first administrator client of the environment.
    pub bootstrap: Option<(String, SecretString)>,
    /// The API's own certificate: HTTPS where there is one.
    pub tls: Option<Certificate>,
    /// Whether something in front terminates TLS.
    pub behind_proxy: bool,
    /// How many requests one caller may make.
    pub rate_limit: RateLimit,
}

/// One embedded edge.
#[derive(Debug)]
pub struct EdgeSettings {
    /// Its id.
    pub id: String,
    /// Which sites it serves.
    pub sites: link::Sites,
    /// Where it listens; the default address where empty.
    pub sip: Vec<SipListen>,
    /// What goes into Via and Contact.
    pub advertise: Option<Advertise>,
}

impl Settings {
    /// Merges flags, file and environment; the flag stands above the file.
    pub fn of(args: ServeArgs) -> Result<Settings, Failure> {
        let file = args.config.as_deref().map(SettingsFile::load).transpose()?.unwrap_or_default();
        Settings::merge(args, file, &|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    }

    fn merge(args: ServeArgs, file: SettingsFile, environment: &dyn Fn(&str) -> Option<String>) -> Result<Settings, Failure> {
        let http = args.http.or(file.http).unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)));
        let behind_proxy = args.behind_proxy || file.behind_proxy.unwrap_or(false);
        let tls = match (args.tls_cert.or(file.tls_cert), args.tls_key.or(file.tls_key)) {
            (Some(chain), Some(key)) => Some(Certificate { chain, key }),
            (None, None) => None,
            (Some(_), None) => return Err(Failure::Settings("--tls-cert is given and --tls-key is not. Give both, or neither.".into())),
            (None, Some(_)) => return Err(Failure::Settings("--tls-key is given and --tls-cert is not. Give both, or neither.".into())),
        };
        if !http.ip().is_loopback() && !behind_proxy && tls.is_none() {
            return Err(Failure::Settings(format!(
                "plain HTTP on {http} would show tokens and passwords to the network. Give --tls-cert and --tls-key, put a proxy with TLS in front and give --behind-proxy, or listen on 127.0.0.1."
            )));
        }
        let allow_targets = if args.allow_target.is_empty() {
            file.allow_target.iter().map(|text| read("allow-target", text, cli::range)).collect::<Result<_, _>>()?
        } else {
            args.allow_target
        };
        let webhook_targets = if args.allow_webhook_target.is_empty() {
            file.allow_webhook_target.iter().map(|text| read("allow-webhook-target", text, cli::range)).collect::<Result<_, _>>()?
        } else {
            args.allow_webhook_target
        };
        let dns = if args.dns.is_empty() {
            file.dns.iter().map(|text| read("dns", text, cli::name_server)).collect::<Result<_, _>>()?
        } else {
            args.dns
        };
        let tls_identities = if args.tls_identity.is_empty() {
            file.tls_identity.iter().map(|text| read("tls-identity", text, str::parse)).collect::<Result<_, _>>()?
        } else {
            args.tls_identity
        };
        let command = match args.master_key_command {
            Some(words) => words.split_whitespace().map(str::to_owned).collect(),
            None => file.master_key_command,
        };
        let rate_limit = match args.rate_limit {
            Some(given) => Some(given),
            None => file.rate_limit.map(|text| read("rate-limit", &text, cli::rate_limit)).transpose()?,
        };
        let master_key_file = args.master_key.or(file.master_key);
        let keep_days = args.audit_keep_days.or(file.audit_keep_days);
        if keep_days == Some(0) {
            return Err(Failure::Settings("audit-keep-days is at least 1; leave it out to keep every record.".into()));
        }
        let audit = control::AuditSettings {
            heads: args.audit_heads.or(file.audit_heads),
            keep: keep_days.map(|days| std::time::Duration::from_secs(u64::from(days) * 86_400)),
            ..control::AuditSettings::default()
        };
        let edges = edges(args.sip, args.advertise, args.site, file.sip, file.advertise, file.site, file.edge)?;
        Ok(Settings {
            data: args.data.or(file.data),
            http,
            edges,
            allow_targets,
            webhook_targets,
            retention: retention(&file.retention)?,
            dns,
            tls_identities,
            master_key: master_key(master_key_file, command, environment)?,
            previous_master_key: environment("TRUNKLINE_PREVIOUS_MASTER_KEY").map(|key| MasterKeySource::Env(key.into())),
            audit,
            oidc: file.oidc,
            bootstrap: bootstrap(environment)?,
            tls,
            behind_proxy,
            rate_limit: rate_limit.unwrap_or_default(),
        })
    }
}

fn edges(
    sip: Vec<SipListen>,
    advertise: Option<Advertise>,
    site: Option<String>,
    file_sip: Vec<String>,
    file_advertise: Option<String>,
    file_site: Option<String>,
    tables: Vec<EdgeTable>,
) -> Result<Vec<EdgeSettings>, Failure> {
    let file_sip = file_sip.iter().map(|text| read("sip", text, str::parse)).collect::<Result<Vec<_>, _>>()?;
    let file_advertise = file_advertise.map(|text| read("advertise", &text, str::parse)).transpose()?;
    let sip = if sip.is_empty() { file_sip } else { sip };
    let (advertise, site) = (advertise.or(file_advertise), site.or(file_site));
    if tables.is_empty() {
        let sites = site.map_or(link::Sites::Unserved, link::Sites::One);
        return Ok(vec![EdgeSettings { id: EDGE_ID.into(), sites, sip, advertise }]);
    }
    if !sip.is_empty() || advertise.is_some() || site.is_some() {
        return Err(Failure::Settings(
            "the configuration file has [[edge]] tables, so sip, advertise and site belong into those. Leave them out elsewhere.".into(),
        ));
    }
    let mut edges: Vec<EdgeSettings> = Vec::new();
    for table in tables {
        if !plain_name(&table.id) {
            return Err(Failure::Settings(format!(
                "[[edge]] id {:?} is malformed: letters, digits, and _ - in between, at most 64.",
                table.id
            )));
        }
        if edges.iter().any(|edge| edge.id == table.id) {
            return Err(Failure::Settings(format!("[[edge]] id {:?} stands twice. Give each edge an id of its own.", table.id)));
        }
        edges.push(EdgeSettings {
            id: table.id,
            sites: table.site.map_or(link::Sites::Unserved, link::Sites::One),
            sip: table.sip.iter().map(|text| read("sip", text, str::parse)).collect::<Result<_, _>>()?,
            advertise: table.advertise.map(|text| read("advertise", &text, str::parse)).transpose()?,
        });
    }
    Ok(edges)
}

fn retention(table: &RetentionTable) -> Result<Retention, Failure> {
    let usual = Retention::default();
    let or = |given: Option<u32>, name: &str, usual: u32| match given {
        Some(0) => {
            Err(Failure::Settings(format!("[retention] {name} is 0: nothing would be kept. Leave it out, or give a number from 1 up.")))
        }
        given => Ok(given.unwrap_or(usual)),
    };
    Ok(Retention {
        events: or(table.events, "events", usual.events)?,
        event_days: or(table.event_days, "event-days", usual.event_days)?,
        attempts: or(table.attempts, "attempts", usual.attempts)?,
        attempts_per_trunk: or(table.attempts_per_trunk, "attempts-per-trunk", usual.attempts_per_trunk)?,
        attempt_days: or(table.attempt_days, "attempt-days", usual.attempt_days)?,
        dead_letters: or(table.dead_letters, "dead-letters", usual.dead_letters)?,
        dead_letter_days: or(table.dead_letter_days, "dead-letter-days", usual.dead_letter_days)?,
    })
}

/// The id becomes the name of a directory.
fn plain_name(id: &str) -> bool {
    id.len() <= 64
        && id.starts_with(|c: char| c.is_ascii_alphanumeric())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

fn read<T>(setting: &str, text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, Failure> {
    parse(text).map_err(|what| Failure::Settings(format!("the configuration file's {setting}: {what}")))
}

fn master_key(
    file: Option<PathBuf>,
    command: Vec<String>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<MasterKeySource>, Failure> {
    match (file, command.is_empty(), environment("TRUNKLINE_MASTER_KEY")) {
        (None, true, None) => Ok(None),
        (Some(file), true, None) => Ok(Some(MasterKeySource::File(file))),
        (None, true, Some(key)) => Ok(Some(MasterKeySource::Env(key.into()))),
        (None, false, None) => Ok(Some(MasterKeySource::Command(command))),
        _ => Err(Failure::Settings(
            "the master key is given twice: by --master-key, by --master-key-command or by TRUNKLINE_MASTER_KEY. Leave all but one out."
                .into(),
        )),
    }
}

fn bootstrap(environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<(String, SecretString)>, Failure> {
    const ID: &str = "TRUNKLINE_BOOTSTRAP_CLIENT_ID";
    const SECRET: &str = "TRUNKLINE_BOOTSTRAP_CLIENT_SECRET";
    match (environment(ID), environment(SECRET)) {
        (Some(id), Some(secret)) => Ok(Some((id, secret.into()))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(Failure::Settings(format!("{ID} is set and {SECRET} is not. Set both, or neither."))),
        (None, Some(_)) => Err(Failure::Settings(format!("{SECRET} is set and {ID} is not. Set both, or neither."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(args: ServeArgs, file: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let file = toml::from_str(file).map_err(|error| error.to_string())?;
        let find = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Settings::merge(args, file, &find).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_flag_stands_above_the_file_and_the_file_above_the_default() {
        let file = "data = 'from-file'\nhttp = '127.0.0.1:1'\nsip = ['udp:127.0.0.1:5']\nallow-target = ['10.0.0.0/8']\ndns = ['127.0.0.1', '[::1]:5353']\nbehind-proxy = true\nrate-limit = '9/3'";
        let args = ServeArgs { http: Some("127.0.0.1:2".parse().unwrap()), ..ServeArgs::default() };
        let settings = settled(args, file, &[]).unwrap();
        assert_eq!((settings.data, settings.http.port()), (Some("from-file".into()), 2));
        assert_eq!((settings.edges[0].sip.len(), settings.allow_targets.len(), settings.behind_proxy), (1, 1, true));
        assert_eq!(settings.rate_limit, RateLimit { requests: 9, seconds: 3 });
        assert_eq!(settings.dns, ["127.0.0.1:53".parse().unwrap(), "[::1]:5353".parse().unwrap()]);
        let settings = settled(ServeArgs::default(), "", &[]).unwrap();
        assert_eq!((settings.data, settings.http.to_string().as_str()), (None, "127.0.0.1:8080"));
        assert_eq!((settings.edges[0].id.as_str(), &settings.edges[0].sites), ("edge_1", &link::Sites::Unserved));
    }

    #[test]
    fn several_edges_come_from_tables() {
        let file =
            "[[edge]]\nid = 'a'\nsite = 'jakarta'\nsip = ['udp:127.0.0.1:5']\n[[edge]]\nid = 'b'\nsip = []\nadvertise = '198.51.100.7'";
        let settings = settled(ServeArgs::default(), file, &[]).unwrap();
        assert_eq!(settings.edges.len(), 2);
        assert_eq!(settings.edges[0].sites, link::Sites::One("jakarta".into()));
    }

    #[test]
    fn what_is_wrong_is_named_with_the_way_out() {
        const EDGE: &str = "[[edge]]\nid = 'a'\nsip = []\n";
        let twice = EDGE.repeat(2);
        let with_site = format!("site = 'x'\n{EDGE}");
        for (file, environment, expected) in [
            ("http = '0.0.0.0:8080'", &[][..], "--behind-proxy"),
            ("http = '0.0.0.0:8080'", &[], "--tls-cert"),
            ("tls-cert = 'c.pem'", &[], "Give both"),
            ("tls-key = 'k.pem'", &[], "Give both"),
            ("htpp = '127.0.0.1:1'", &[], "htpp"),
            ("[retention]\nevents = 0", &[], "from 1 up"),
            ("allow-webhook-target = ['hooks']", &[], "10.0.0.0/8"),
            ("sip = ['tcp:127.0.0.1:5060']", &[], "udp:ADDR:PORT"),
            ("allow-target = ['carrier']", &[], "10.0.0.0/8"),
            ("dns = ['ns.example']", &[], "192.0.2.53"),
            ("master-key = 'f'", &[("TRUNKLINE_MASTER_KEY", "k")], "Leave all but one out"),
            ("master-key-command = ['vault']", &[("TRUNKLINE_MASTER_KEY", "k")], "Leave all but one out"),
            ("audit-keep-days = 0", &[], "at least 1"),
            ("", &[("TRUNKLINE_BOOTSTRAP_CLIENT_ID", "k")], "Set both"),
            ("", &[("TRUNKLINE_BOOTSTRAP_CLIENT_SECRET", "k")], "Set both"),
            (&twice, &[], "twice"),
            (&with_site, &[], "[[edge]]"),
            ("[[edge]]\nid = '../x'\nsip = []", &[], "malformed"),
        ] {
            let error = settled(ServeArgs::default(), file, environment).unwrap_err();
            assert!(error.contains(expected), "{file}: {error}");
        }
    }
}
