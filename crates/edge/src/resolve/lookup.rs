use std::fs;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig as Servers, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::{Resolver, TokioResolver};

use ua::{Naptr, ResolveFault, Srv};

use super::Families;
use crate::ResolverConfig;

/// A name server has so long to answer; a lost query is sent again meanwhile.
const PATIENCE: Duration = Duration::from_secs(6);

/// A look-up ends after so long whatever happens: a verification waits for it.
const LIMIT: Duration = Duration::from_secs(8);

/// So many records of an answer are handed on; who publishes more is not well-meaning.
const RECORDS_MAX: usize = 64;

/// The name is there, or nobody says that it is not.
const NO_RECORD: &str = "the name has no such record";

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

    /// Returns the addresses of a name with their TTL, of the families that the edge has; others only if there are none, so that this
    /// can be told.
    ///
    /// # Errors
    /// `Absent` or `Failed`, in words.
    pub(crate) async fn addresses(&self, host: &str, families: Families) -> Result<(Vec<IpAddr>, Duration), ResolveFault> {
        let resolver = self.resolver().map_err(ResolveFault::Failed)?;
        within(both(&resolver, &whole(host), families)).await
    }

    /// Returns the SRV records of a name with their TTL.
    ///
    /// # Errors
    /// `Absent` or `Failed`, in words.
    pub(crate) async fn srv(&self, name: &str) -> Result<(Vec<Srv>, Duration), ResolveFault> {
        let resolver = self.resolver().map_err(ResolveFault::Failed)?;
        let pick = |data: &RData| match data {
            RData::SRV(srv) => {
                let target = srv.target.to_ascii().into();
                Some(Srv { priority: srv.priority, weight: srv.weight, port: srv.port, target })
            }
            _ => None,
        };
        within(records(&resolver, &whole(name), RecordType::SRV, pick)).await
    }

    /// Returns the NAPTR records of a name with their TTL.
    ///
    /// # Errors
    /// `Absent` or `Failed`, in words.
    pub(crate) async fn naptr(&self, name: &str) -> Result<(Vec<Naptr>, Duration), ResolveFault> {
        let resolver = self.resolver().map_err(ResolveFault::Failed)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into();
        let pick = |data: &RData| match data {
            RData::NAPTR(naptr) => Some(Naptr {
                order: naptr.order,
                preference: naptr.preference,
                flags: text(&naptr.flags),
                service: text(&naptr.services),
                regexp: text(&naptr.regexp),
                replacement: naptr.replacement.to_ascii().into(),
            }),
            _ => None,
        };
        within(records(&resolver, &whole(name), RecordType::NAPTR, pick)).await
    }
}

/// RFC 3261 19.1: the host of a URI is whole; search domains are for people.
fn whole(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

async fn within<T>(asking: impl Future<Output = Result<T, ResolveFault>>) -> Result<T, ResolveFault> {
    let late = |_| Err(ResolveFault::Failed(format!("the name servers did not answer within {} s", LIMIT.as_secs())));
    tokio::time::timeout(LIMIT, asking).await.unwrap_or_else(late)
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

async fn both(resolver: &TokioResolver, name: &str, families: Families) -> Result<(Vec<IpAddr>, Duration), ResolveFault> {
    let (first, second) = match families {
        Families::V4 => return either(resolver, name, RecordType::A, RecordType::AAAA).await,
        Families::V6 => return either(resolver, name, RecordType::AAAA, RecordType::A).await,
        Families::V4ThenV6 => (RecordType::A, RecordType::AAAA),
        Families::V6ThenV4 => (RecordType::AAAA, RecordType::A),
    };
    match tokio::join!(ips(resolver, name, first), ips(resolver, name, second)) {
        (Ok((mut first, ttl)), Ok((second, other))) => {
            first.extend(second);
            Ok((first, ttl.min(other)))
        }
        (Ok(found), Err(_)) | (Err(_), Ok(found)) => Ok(found),
        // Of two reasons the one that leaves it open whether there are records.
        (Err(ResolveFault::Absent(_)), Err(fault)) | (Err(fault), Err(_)) => Err(fault),
    }
}

/// Asks for the second type only if there is nothing of the first.
async fn either(
    resolver: &TokioResolver,
    name: &str,
    first: RecordType,
    second: RecordType,
) -> Result<(Vec<IpAddr>, Duration), ResolveFault> {
    match ips(resolver, name, first).await {
        Err(ResolveFault::Absent(why)) if why == NO_RECORD => match ips(resolver, name, second).await {
            Err(ResolveFault::Absent(why)) if why == NO_RECORD => {
                Err(ResolveFault::Absent("the name has neither an A nor an AAAA record".to_owned()))
            }
            outcome => outcome,
        },
        outcome => outcome,
    }
}

async fn ips(resolver: &TokioResolver, name: &str, record: RecordType) -> Result<(Vec<IpAddr>, Duration), ResolveFault> {
    let pick = |data: &RData| match data {
        RData::A(a) => Some(IpAddr::V4(a.0)),
        RData::AAAA(aaaa) => Some(IpAddr::V6(aaaa.0)),
        _ => None,
    };
    records(resolver, name, record, pick).await
}

async fn records<T>(
    resolver: &TokioResolver,
    name: &str,
    record: RecordType,
    pick: impl Fn(&RData) -> Option<T>,
) -> Result<(Vec<T>, Duration), ResolveFault> {
    let lookup = resolver.lookup(name, record).await.map_err(missing)?;
    let found: Vec<T> = lookup.answers().iter().filter_map(|answer| pick(&answer.data)).take(RECORDS_MAX).collect();
    if found.is_empty() {
        return Err(ResolveFault::Absent(NO_RECORD.to_owned()));
    }
    Ok((found, lookup.valid_until().saturating_duration_since(Instant::now())))
}

fn missing(error: NetError) -> ResolveFault {
    let why = match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => return ResolveFault::Absent("the name does not exist (NXDOMAIN)".to_owned()),
            ResponseCode::NoError => return ResolveFault::Absent(NO_RECORD.to_owned()),
            code => refusal(code),
        },
        NetError::Dns(DnsError::ResponseCode(code)) => refusal(code),
        NetError::Timeout => "the name servers did not answer".to_owned(),
        NetError::NoConnections => "no name server can be reached".to_owned(),
        other => format!("the look-up failed: {other}"),
    };
    ResolveFault::Failed(why)
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
