use std::net::{IpAddr, SocketAddr};

use ua::locate::{Aim, Search};
use ua::{Query, Question, Records, Resolution, ResolveFault, Transport};

use super::lookup::Lookup;
use super::settle::Families;
use crate::ResolverConfig;
use crate::convert;

/// Finds where a registrar's URI leads (RFC 3263), as an edge with sockets of both families and no gate would; over which transport it
/// is to be asked, all of `transports` where some are given, does not matter here. Nowhere where it cannot be found.
///
/// It asks name servers, within the edge's own limits. Within a runtime.
pub async fn locate(uri: &str, transports: &[link::Transport], resolver: &ResolverConfig) -> Vec<SocketAddr> {
    let wanted: Vec<Transport> = transports.iter().map(|&transport| convert::transport(transport)).collect();
    let Ok(aim) = Aim::read(uri, &wanted, &Transport::CAN) else { return Vec::new() };
    let lookup = Lookup::new(resolver);
    let mut search = Search::new(&aim);
    // A search is bounded (22 look-ups), so the numbers are too.
    let mut number = 0;
    loop {
        let Some(question) = search.unasked().next().cloned() else { break };
        number += 1;
        search.asked(&question, Query(number));
        search.take(Query(number), look_up(&lookup, &question).await);
    }
    let found = search.end(None).found;
    found.map(|located| located.places().iter().map(|place| place.address).collect()).unwrap_or_default()
}

async fn look_up(lookup: &Lookup, question: &Question) -> Result<Resolution, ResolveFault> {
    match question {
        Question::Host { name, port } => {
            let (found, ttl) = match name.parse::<IpAddr>() {
                Ok(ip) => (vec![ip], std::time::Duration::MAX),
                Err(_) => lookup.addresses(name, Families::V4ThenV6).await?,
            };
            Ok(Resolution { records: Records::Addresses(found.into_iter().map(|ip| SocketAddr::new(ip, *port)).collect()), ttl })
        }
        Question::Srv { name } => lookup.srv(name).await.map(|(found, ttl)| Resolution { records: Records::Srv(found), ttl }),
        Question::Naptr { name } => lookup.naptr(name).await.map(|(found, ttl)| Resolution { records: Records::Naptr(found), ttl }),
    }
}
