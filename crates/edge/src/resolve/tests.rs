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

/// A fault leaves open whether there are records, or not; in these words.
fn told(fault: ua::ResolveFault, absent: bool, words: &str) {
    match &fault {
        ua::ResolveFault::Absent(why) if absent && why.contains(words) => {}
        ua::ResolveFault::Failed(why) if !absent && why.contains(words) => {}
        _ => panic!("{fault:?}, not {words}"),
    }
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
        let (found, ttl) = lookup.addresses("both.example", families).await.unwrap();
        assert_eq!(texts(&found), expected, "{families:?}");
        assert!((58..=60).contains(&ttl.as_secs()), "{ttl:?}");
    }
}

#[tokio::test]
async fn an_address_of_the_other_family_is_found_so_that_it_can_be_told() {
    let lookup = lookup(&[("six", Zone::Has { addresses: &["2001:db8::1"], ttl: 0 })]).await;
    let (found, ttl) = lookup.addresses("six.example.", Families::V4).await.unwrap();
    assert_eq!(texts(&found), ["2001:db8::1"]);
    assert_eq!(ttl, Duration::ZERO);
}

#[tokio::test]
async fn what_is_not_found_is_told_in_words() {
    let lookup = lookup(&[
        ("empty", Zone::Has { addresses: &[], ttl: 0 }),
        ("broken", Zone::Says(ResponseCode::ServFail)),
        ("refused", Zone::Says(ResponseCode::Refused)),
    ])
    .await;
    for (name, absent, words) in [
        ("gone.example", true, "does not exist (NXDOMAIN)"),
        ("empty.example", true, "record"),
        ("broken.example", false, "SERVFAIL"),
        ("refused.example", false, "REFUSED"),
        ("a..b", false, "look-up failed"),
    ] {
        for families in [Families::V4, Families::V6ThenV4] {
            let why = lookup.addresses(name, families).await.unwrap_err();
            told(why, absent, words);
        }
        told(lookup.srv(name).await.unwrap_err(), absent, words);
        told(lookup.naptr(name).await.unwrap_err(), absent, words);
    }
}

#[tokio::test]
async fn a_lost_query_is_asked_again() {
    let lookup = lookup(&[("slow", Zone::Slow)]).await;
    let (found, _) = lookup.addresses("slow.example", Families::V4).await.unwrap();
    assert_eq!(texts(&found), ["192.0.2.1"]);
}

#[tokio::test]
async fn name_servers_that_are_silent_are_waited_for_within_reason() {
    let lookup = lookup(&[("silent", Zone::Silent)]).await;
    let begin = Instant::now();
    let why = lookup.addresses("silent.example", Families::V4ThenV6).await.unwrap_err();
    told(why, false, "did not answer");
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
        let question = Question::Host { name: host.into(), port: 5060 };
        asks.send(Ask { shard: 0, query: Query(number as u32), question }).unwrap();
    }
    let mut outcomes = std::collections::BTreeMap::new();
    while outcomes.len() < 3 {
        match inbox.take() {
            Some(ToShard::Resolved { query, outcome }) => drop(outcomes.insert(query.0, outcome)),
            Some(other) => panic!("{other:?}"),
            None => tokio::task::yield_now().await,
        }
    }
    assert_eq!(outcomes[&0], Err(ua::ResolveFault::Forbidden("10.0.0.1".parse().unwrap())));
    let mixed = outcomes[&1].as_ref().unwrap();
    assert_eq!(mixed.records, Records::Addresses(vec!["8.8.8.8:5060".parse().unwrap()]));
    assert_eq!(mixed.ttl, Duration::ZERO);
    assert!(matches!(&outcomes[&2], Err(ua::ResolveFault::Absent(why)) if why.contains("NXDOMAIN")));
    assert_eq!(tally.sum().resolved, 1);
    assert_eq!(tally.sum().resolve_failed, 2);
}

#[tokio::test]
async fn the_systems_hosts_file_counts() {
    let (found, _) = Lookup::new(&ResolverConfig::System).addresses("localhost", Families::V4).await.unwrap();
    assert_eq!(texts(&found), ["127.0.0.1"]);
}
