use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, AAAA};
use hickory_resolver::proto::rr::{RData, Record};
use tokio::net::UdpSocket;

use super::*;
use crate::ResolverConfig;

/// What the name server says of one name.
#[derive(Clone, Copy)]
enum Zone {
    Has {
        addresses: &'static [&'static str],
        ttl: u32,
    },
    Says(ResponseCode),
    /// The first query of each is lost.
    Slow,
    Silent,
}

/// A name server on loopback: the first label is the key to the table.
async fn name_server(zones: &'static [(&'static str, Zone)]) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        let mut lost = std::collections::HashSet::new();
        while let Ok((length, source)) = socket.recv_from(&mut buffer).await {
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let question = query.queries[0].clone();
            let label = question.name().to_utf8().split('.').next().unwrap().to_owned();
            let zone = zones.iter().find(|(name, _)| *name == label).map_or(Zone::Says(ResponseCode::NXDomain), |(_, zone)| *zone);
            let (code, addresses, ttl): (_, &[&str], _) = match zone {
                Zone::Has { addresses, ttl } => (ResponseCode::NoError, addresses, ttl),
                Zone::Says(code) => (code, &[], 0),
                Zone::Slow if lost.insert((label, question.query_type())) => continue,
                Zone::Slow => (ResponseCode::NoError, &["192.0.2.1"], 60),
                Zone::Silent => continue,
            };
            let mut answer = Message::response(query.metadata.id, OpCode::Query);
            answer.metadata.response_code = code;
            answer.metadata.recursion_available = true;
            answer.add_query(question.clone());
            for ip in addresses.iter().map(|ip| ip.parse::<IpAddr>().unwrap()) {
                let data = match ip {
                    IpAddr::V4(ip) => RData::A(A(ip)),
                    IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
                };
                if data.record_type() == question.query_type() {
                    answer.add_answer(Record::from_rdata(question.name().clone(), ttl, data));
                }
            }
            let _ = socket.send_to(&answer.to_vec().unwrap(), source).await;
        }
    });
    address
}

async fn lookup(zones: &'static [(&'static str, Zone)]) -> Lookup {
    Lookup::new(&ResolverConfig::Servers(vec![name_server(zones).await]))
}

fn texts(found: &[IpAddr]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_name_leads_to_the_addresses_of_the_families_that_the_edge_has() {
    let lookup = lookup(&[("both", Zone::Has { addresses: &["192.0.2.1", "192.0.2.2", "2001:db8::1"], ttl: 60 })]).await;
    for (families, expected) in [
        (Families::V4, &["192.0.2.1", "192.0.2.2"][..]),
        (Families::V6, &["2001:db8::1"]),
        (Families::V4ThenV6, &["192.0.2.1", "192.0.2.2", "2001:db8::1"]),
        (Families::V6ThenV4, &["2001:db8::1", "192.0.2.1", "192.0.2.2"]),
    ] {
        let found = lookup.addresses("both.example", families).await.unwrap();
        assert_eq!(texts(&found.addresses), expected, "{families:?}");
        assert!((58..=60).contains(&found.ttl.as_secs()), "{:?}", found.ttl);
    }
}

#[tokio::test]
async fn an_address_of_the_other_family_is_found_so_that_it_can_be_told() {
    let lookup = lookup(&[("six", Zone::Has { addresses: &["2001:db8::1"], ttl: 0 })]).await;
    let found = lookup.addresses("six.example.", Families::V4).await.unwrap();
    assert_eq!(texts(&found.addresses), ["2001:db8::1"]);
    assert_eq!(found.ttl, Duration::ZERO);
}

#[tokio::test]
async fn what_is_not_found_is_told_in_words() {
    let lookup = lookup(&[
        ("empty", Zone::Has { addresses: &[], ttl: 0 }),
        ("broken", Zone::Says(ResponseCode::ServFail)),
        ("refused", Zone::Says(ResponseCode::Refused)),
    ])
    .await;
    for (name, words) in [
        ("gone.example", "does not exist (NXDOMAIN)"),
        ("empty.example", "neither an A nor an AAAA record"),
        ("broken.example", "SERVFAIL"),
        ("refused.example", "REFUSED"),
        ("a..b", "a..b"),
    ] {
        for families in [Families::V4, Families::V6ThenV4] {
            let why = lookup.addresses(name, families).await.unwrap_err();
            assert!(why.contains(words) && why.starts_with(name), "{why}");
        }
    }
}

#[tokio::test]
async fn a_lost_query_is_asked_again() {
    let lookup = lookup(&[("slow", Zone::Slow)]).await;
    let found = lookup.addresses("slow.example", Families::V4).await.unwrap();
    assert_eq!(texts(&found.addresses), ["192.0.2.1"]);
}

#[tokio::test]
async fn name_servers_that_are_silent_are_waited_for_within_reason() {
    let lookup = lookup(&[("silent", Zone::Silent)]).await;
    let begin = Instant::now();
    let why = lookup.addresses("silent.example", Families::V4ThenV6).await.unwrap_err();
    assert!(why.contains("did not answer"), "{why}");
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn shards_get_what_passes_the_gate() {
    let server = name_server(&[
        ("private", Zone::Has { addresses: &["10.0.0.1"], ttl: 60 }),
        ("mixed", Zone::Has { addresses: &["10.0.0.1", "8.8.8.8"], ttl: 0 }),
    ])
    .await;
    let lookup = Lookup::new(&ResolverConfig::Servers(vec![server]));
    let (asks, asked) = tokio::sync::mpsc::unbounded_channel();
    let (mailer, mut inbox) = crate::shard::inbox().unwrap();
    let tally = Arc::new(Tally::new(1));
    let answering = answer(asked, lookup, Arc::new(Gate::default()), Families::V4, vec![mailer], Arc::clone(&tally));
    tokio::spawn(answering);
    for (number, host) in ["private.example", "mixed.example", "gone.example"].into_iter().enumerate() {
        asks.send(Ask { shard: 0, query: Query(number as u32), host: host.into(), port: 5060 }).unwrap();
    }
    let mut outcomes = std::collections::BTreeMap::new();
    while outcomes.len() < 3 {
        match inbox.take() {
            Some(ToShard::Resolved { query, outcome }) => drop(outcomes.insert(query.0, outcome)),
            Some(ToShard::Command(command)) => panic!("{command:?}"),
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(outcomes[&0], Err(ua::ResolveFault::Forbidden("10.0.0.1".parse().unwrap())));
    let mixed = outcomes[&1].as_ref().unwrap();
    assert_eq!(mixed.addresses, ["8.8.8.8:5060".parse().unwrap()]);
    assert_eq!(mixed.ttl, Duration::from_secs(5), "a TTL of 0 would look it up for every registration");
    assert!(matches!(&outcomes[&2], Err(ua::ResolveFault::Failed(why)) if why.contains("NXDOMAIN")));
    assert_eq!(tally.sum().resolved, 1);
    assert_eq!(tally.sum().resolve_failed, 2);
}

#[tokio::test]
async fn the_systems_hosts_file_counts() {
    let found = Lookup::new(&ResolverConfig::System).addresses("localhost", Families::V4).await.unwrap();
    assert_eq!(texts(&found.addresses), ["127.0.0.1"]);
}
