use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig as Servers, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

use super::Families;
use crate::ResolverConfig;

/// A name server has so long to answer; there is one more try.
const PATIENCE: Duration = Duration::from_secs(2);

/// A look-up ends after so long whatever happens: a verification waits for it.
const LIMIT: Duration = Duration::from_secs(8);

/// What the system's resolver is made from.
const SYSTEM_FILES: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Looks names up.
pub(crate) struct Lookup {
    config: ResolverConfig,
    current: Mutex<Current>,
}

/// A resolver, and when what it was made from was last changed.
struct Current {
    resolver: Result<TokioResolver, String>,
    changed: [Option<SystemTime>; 2],
}

/// What a name led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) ttl: Duration,
}

/// Why one type of record was not found.
enum Missing {
    /// The name is there, or nobody says that it is not, but has no such record.
    Record,
    /// In words.
    Because(String),
}

impl Lookup {
    /// Makes the resolver; within a runtime. Without name servers, every look-up fails in words and literal addresses still work.
    pub(crate) fn new(config: &ResolverConfig) -> Self {
        let resolver = build(config);
        if let Err(why) = &resolver {
            tracing::warn!("{why}; carriers given by name cannot be reached until that changes");
        }
        Lookup { config: config.clone(), current: Mutex::new(Current { resolver, changed: changed(config) }) }
    }

    /// Returns the resolver, made anew if the system's files have changed: an edge may be started before its network, and outlive it.
    fn resolver(&self) -> Result<TokioResolver, String> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = changed(&self.config);
        if current.changed != changed {
            tracing::info!("the system's name servers or hosts have changed");
            *current = Current { resolver: build(&self.config), changed };
        }
        current.resolver.clone()
    }

    /// Returns the addresses of a name, of the families that the edge has; others only if there are none, so that this can be told.
    ///
    /// # Errors
    /// In words.
    pub(crate) async fn addresses(&self, host: &str, families: Families) -> Result<Found, String> {
        let resolver = self.resolver().map_err(|why| format!("{host}: {why}"))?;
        // RFC 3261 19.1: the host of a URI is whole; search domains are for people.
        let name = format!("{}.", host.trim_end_matches('.'));
        match tokio::time::timeout(LIMIT, both(&resolver, &name, families)).await {
            Ok(Ok(found)) => Ok(found),
            Ok(Err(why)) => Err(format!("{host}: {why}")),
            Err(_) => Err(format!("{host}: the name servers did not answer within {} s", LIMIT.as_secs())),
        }
    }
}

fn build(config: &ResolverConfig) -> Result<TokioResolver, String> {
    let mut builder = match config {
        ResolverConfig::System => {
            Resolver::builder_tokio().map_err(|error| format!("the system's name servers cannot be read: {error}"))?
        }
        ResolverConfig::Servers(servers) => Resolver::builder_with_config(explicit(servers), TokioRuntimeProvider::default()),
    };
    adjust(builder.options_mut(), config);
    builder.build().map_err(|error| format!("the resolver does not start: {error}"))
}

fn changed(config: &ResolverConfig) -> [Option<SystemTime>; 2] {
    match config {
        ResolverConfig::System => SYSTEM_FILES.map(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok()),
        ResolverConfig::Servers(_) => [None; 2],
    }
}

async fn both(resolver: &TokioResolver, name: &str, families: Families) -> Result<Found, String> {
    let (first, second) = match families {
        Families::V4 => return either(resolver, name, RecordType::A, RecordType::AAAA).await,
        Families::V6 => return either(resolver, name, RecordType::AAAA, RecordType::A).await,
        Families::V4ThenV6 => (RecordType::A, RecordType::AAAA),
        Families::V6ThenV4 => (RecordType::AAAA, RecordType::A),
    };
    match tokio::join!(records(resolver, name, first), records(resolver, name, second)) {
        (Ok(mut first), Ok(second)) => {
            first.addresses.extend(second.addresses);
            first.ttl = first.ttl.min(second.ttl);
            Ok(first)
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        (Err(Missing::Record), Err(missing)) | (Err(missing), Err(Missing::Record)) | (Err(missing), Err(Missing::Because(_))) => {
            Err(words(missing))
        }
    }
}

/// Asks for the second type only if there is nothing of the first.
async fn either(resolver: &TokioResolver, name: &str, first: RecordType, second: RecordType) -> Result<Found, String> {
    match records(resolver, name, first).await {
        Ok(found) => Ok(found),
        Err(Missing::Because(why)) => Err(why),
        Err(Missing::Record) => records(resolver, name, second).await.map_err(words),
    }
}

fn words(missing: Missing) -> String {
    match missing {
        Missing::Record => "the name has neither an A nor an AAAA record".to_owned(),
        Missing::Because(why) => why,
    }
}

async fn records(resolver: &TokioResolver, name: &str, record: RecordType) -> Result<Found, Missing> {
    let lookup = resolver.lookup(name, record).await.map_err(missing)?;
    let addresses: Vec<IpAddr> = lookup
        .answers()
        .iter()
        .filter_map(|answer| match &answer.data {
            RData::A(a) => Some(IpAddr::V4(a.0)),
            RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
            _ => None,
        })
        .collect();
    if addresses.is_empty() {
        return Err(Missing::Record);
    }
    Ok(Found { addresses, ttl: lookup.valid_until().saturating_duration_since(Instant::now()) })
}

fn missing(error: NetError) -> Missing {
    let why = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => "the name does not exist (NXDOMAIN)".to_owned(),
            ResponseCode::NoError => return Missing::Record,
            code => refusal(code),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => refusal(code),
        NetError::Timeout => "the name servers did not answer".to_owned(),
        NetError::NoConnections => "no name server can be reached".to_owned(),
        other => format!("the look-up failed: {other}"),
    };
    Missing::Because(why)
}

fn refusal(code: ResponseCode) -> String {
    match code {
        ResponseCode::ServFail => "the name servers failed (SERVFAIL)".to_owned(),
        ResponseCode::Refused => "the name servers refused to answer (REFUSED)".to_owned(),
        code => format!("the name servers answered {code}"),
    }
}

fn explicit(servers: &[SocketAddr]) -> Servers {
    let servers = servers.iter().map(|server| {
        let mut connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()];
        connections.iter_mut().for_each(|connection| connection.port = server.port());
        NameServerConfig::new(server.ip(), true, connections.into())
    });
    Servers::from_name_servers(servers.collect())
}

fn adjust(options: &mut ResolverOpts, config: &ResolverConfig) {
    options.timeout = PATIENCE;
    options.attempts = 2;
    // The endpoint asks again when the TTL is over; remembering beyond would double it.
    options.cache_size = 0;
    options.use_hosts_file = match config {
        ResolverConfig::System => ResolveHosts::Always,
        ResolverConfig::Servers(_) => ResolveHosts::Never,
    };
}
