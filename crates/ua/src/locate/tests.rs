//! RFC 3263 as a table: a URI, a zone, and the places in order.

use std::collections::BTreeMap;
use std::time::Duration;

use super::located::{Server, Service};
use super::*;
use crate::Transport::{self, Tcp, Tls, Udp, Ws, Wss};
use crate::{Query, Resolution, ResolveFault};

const ALL: [Transport; 5] = [Udp, Tcp, Tls, Ws, Wss];

/// A zone in the words of a zone file: `name TYPE data`, one record a line. `name TYPE !words` is a look-up that fails.
fn answer(zone: &str, question: &Question) -> Result<Resolution, ResolveFault> {
    let (name, kinds): (&str, &[&str]) = match question {
        Question::Host { name, .. } => (name, &["A", "AAAA"]),
        Question::Srv { name } => (name, &["SRV"]),
        Question::Naptr { name } => (name, &["NAPTR"]),
    };
    let lines = zone.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let found: Vec<Vec<&str>> = lines.filter(|words| words.len() > 2 && words[0] == name && kinds.contains(&words[1])).collect();
    if let Question::Host { name, port } = question
        && let Ok(ip) = name.parse()
    {
        return Ok(Resolution { records: Records::Addresses(vec![std::net::SocketAddr::new(ip, *port)]), ttl: Duration::MAX });
    }
    let Some(first) = found.first() else { return Err(ResolveFault::Absent("no such record".into())) };
    if let Some(fault) = first[2].strip_prefix('!') {
        return Err(match fault.strip_prefix("gate") {
            Some(_) => ResolveFault::Forbidden("10.0.0.1".parse().unwrap()),
            None => ResolveFault::Failed(fault.into()),
        });
    }
    let number = |text: &str| text.parse::<u16>().unwrap();
    let records = match question {
        Question::Host { port, .. } => {
            Records::Addresses(found.iter().map(|words| std::net::SocketAddr::new(words[2].parse().unwrap(), *port)).collect())
        }
        Question::Srv { .. } => Records::Srv(
            found
                .iter()
                .map(|words| Srv { priority: number(words[2]), weight: number(words[3]), port: number(words[4]), target: words[5].into() })
                .collect(),
        ),
        Question::Naptr { .. } => Records::Naptr(
            found
                .iter()
                .map(|words| Naptr {
                    order: number(words[2]),
                    preference: number(words[3]),
                    flags: words[4].into(),
                    service: words[5].into(),
                    regexp: if words.len() > 7 { words[7].into() } else { "".into() },
                    replacement: words[6].into(),
                })
                .collect(),
        ),
    };
    Ok(Resolution { records, ttl: Duration::from_secs(300) })
}

/// Runs a search to its end; gives what was asked, in order, too.
fn search(uri: &str, wanted: &[Transport], zone: &str, before: Option<&Located>) -> (Ended, Vec<String>) {
    let mut search = Search::new(&Aim::read(uri, wanted, &ALL).unwrap());
    let (mut asked, mut number) = (Vec::new(), 0);
    while !search.is_over() {
        let question = search.unasked().next().expect("a question").clone();
        number += 1;
        assert!(number <= 22, "so many look-ups: {asked:?}");
        asked.push(question.to_string());
        search.asked(&question, Query(number));
        search.take(Query(number), answer(zone, &question));
    }
    (search.end(before), asked)
}

fn text(places: &[Place]) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("{} {}", place.transport, place.address)).collect();
    places.join(", ")
}

const ZONE: &str = "
carrier.test            NAPTR 20 10 s SIP+D2T _sip._tcp.carrier.test.
carrier.test            NAPTR 10 20 s SIP+D2U _sip._udp.carrier.test.
carrier.test            NAPTR 10 10 s SIPS+D2T _sips._tcp.carrier.test.
_sip._udp.carrier.test  SRV 20 0 5080 b.carrier.test.
_sip._udp.carrier.test  SRV 10 0 5070 a.carrier.test.
_sip._tcp.carrier.test  SRV 10 0 5070 a.carrier.test.
_sips._tcp.carrier.test SRV 10 0 5071 a.carrier.test.
a.carrier.test          A 192.0.2.1
a.carrier.test          AAAA 2001:db8::1
b.carrier.test          A 192.0.2.2
carrier.test            A 192.0.2.9
host.test               A 192.0.2.8
srv.test                A 192.0.2.7
_sip._tcp.srv.test      SRV 0 0 5060 host.test.
_sip._udp.none.test     SRV 0 0 0 .
none.test               A 192.0.2.6
";

#[test]
fn uris_lead_where_rfc_3263_says() {
    for (uri, wanted, places, asked) in [
        // 4.1, 4.2: a numeric host, a port, a transport leave less and less to look up.
        ("sip:192.0.2.5", &[][..], "UDP 192.0.2.5:5060", "A, AAAA 192.0.2.5"),
        ("sips:192.0.2.5", &[], "TLS 192.0.2.5:5061", "A, AAAA 192.0.2.5"),
        ("sip:[2001:db8::5]:5099;transport=tcp", &[], "TCP [2001:db8::5]:5099", "A, AAAA 2001:db8::5"),
        ("sip:carrier.test:5099", &[], "UDP 192.0.2.9:5099", "A, AAAA carrier.test"),
        ("sips:carrier.test:5099", &[], "TLS 192.0.2.9:5099", "A, AAAA carrier.test"),
        ("sip:carrier.test:5099", &[Tls, Tcp], "TLS 192.0.2.9:5099", "A, AAAA carrier.test"),
        (
            "sip:carrier.test;transport=udp",
            &[],
            "UDP 192.0.2.1:5070, UDP [2001:db8::1]:5070, UDP 192.0.2.2:5080",
            "SRV _sip._udp.carrier.test; A, AAAA a.carrier.test; A, AAAA b.carrier.test",
        ),
        (
            "sips:carrier.test;transport=tcp",
            &[],
            "TLS 192.0.2.1:5071, TLS [2001:db8::1]:5071",
            "SRV _sips._tcp.carrier.test; A, AAAA a.carrier.test",
        ),
        ("sip:host.test;transport=ws", &[], "WS 192.0.2.8:80", "SRV _sip._ws.host.test; A, AAAA host.test"),
        ("sips:host.test;transport=ws", &[], "WSS 192.0.2.8:443", "SRV _sips._ws.host.test; A, AAAA host.test"),
        ("sip:x.test;maddr=192.0.2.5", &[], "UDP 192.0.2.5:5060", "A, AAAA 192.0.2.5"),
        // NAPTR: the lowest order with something usable, by preference; other orders are not looked at.
        (
            "sip:Carrier.TEST.",
            &[],
            "TLS 192.0.2.1:5071, TLS [2001:db8::1]:5071, UDP 192.0.2.1:5070, UDP [2001:db8::1]:5070, UDP 192.0.2.2:5080",
            "NAPTR carrier.test; SRV _sips._tcp.carrier.test; SRV _sip._udp.carrier.test; A, AAAA a.carrier.test; A, AAAA a.carrier.test; A, AAAA b.carrier.test",
        ),
        (
            "sip:carrier.test",
            &[Tcp],
            "TCP 192.0.2.1:5070, TCP [2001:db8::1]:5070",
            "NAPTR carrier.test; SRV _sip._tcp.carrier.test; A, AAAA a.carrier.test",
        ),
        (
            "sips:carrier.test",
            &[],
            "TLS 192.0.2.1:5071, TLS [2001:db8::1]:5071",
            "NAPTR carrier.test; SRV _sips._tcp.carrier.test; A, AAAA a.carrier.test",
        ),
        // No NAPTR: SRV of what may be used, in the profile's order.
        (
            "sip:srv.test",
            &[Udp, Tcp],
            "TCP 192.0.2.8:5060",
            "NAPTR srv.test; SRV _sip._udp.srv.test; SRV _sip._tcp.srv.test; A, AAAA host.test",
        ),
        // No SRV: the host, over UDP for sip and TLS for sips.
        (
            "sip:host.test",
            &[Tcp, Udp],
            "UDP 192.0.2.8:5060",
            "NAPTR host.test; SRV _sip._tcp.host.test; SRV _sip._udp.host.test; A, AAAA host.test",
        ),
        ("sips:host.test", &[Tls], "TLS 192.0.2.8:5061", "NAPTR host.test; SRV _sips._tcp.host.test; A, AAAA host.test"),
        // RFC 2782: a target of "." is a no.
        (
            "sip:none.test",
            &[Udp, Tcp],
            "TCP 192.0.2.6:5060",
            "NAPTR none.test; SRV _sip._udp.none.test; SRV _sip._tcp.none.test; A, AAAA none.test",
        ),
    ] {
        let (ended, all) = search(uri, wanted, ZONE, None);
        assert_eq!(text(ended.found.as_ref().unwrap_or_else(|| panic!("{uri}: {ended:?}")).places()), places, "{uri}");
        assert_eq!(all.join("; "), asked, "{uri}");
        assert_eq!(ended.trouble, None, "{uri}");
    }
}

#[test]
fn a_uri_that_asks_for_what_may_not_be_used_is_told_so() {
    for (uri, wanted, can, asked, usable) in [
        ("sip:a.test;transport=tcp", &[][..], &[Udp][..], "TCP", "UDP"),
        ("sip:a.test;transport=sctp", &[], &[Udp], "SCTP", "UDP"),
        ("sips:a.test", &[], &[Udp, Tcp], "TLS", "UDP, TCP"),
        ("sips:a.test;transport=udp", &[], &ALL, "UDP", "UDP, TCP, TLS, WS, WSS"),
        ("sip:a.test", &[Tls, Tcp], &[Udp], "TLS, TCP", "none"),
        ("sip:a.test;transport=udp", &[Tcp], &ALL, "UDP", "TCP"),
    ] {
        let fault = Aim::read(uri, wanted, can).unwrap_err();
        assert_eq!(fault, ResolveFault::NoTransport { asked: asked.into(), usable: usable.into() }, "{uri}");
    }
}

#[test]
fn the_path_shows_each_look_up() {
    let (ended, _) = search("sip:carrier.test", &[Udp], ZONE, None);
    let path: Vec<&str> = ended.path.iter().map(|line| &**line).collect();
    assert_eq!(
        path,
        [
            "NAPTR carrier.test: 10 20 SIP+D2U _sip._udp.carrier.test.",
            "SRV _sip._udp.carrier.test: 10 0 a.carrier.test:5070, 20 0 b.carrier.test:5080",
            "A, AAAA a.carrier.test: 192.0.2.1, 2001:db8::1",
            "A, AAAA b.carrier.test: 192.0.2.2",
        ]
    );
}

#[test]
fn what_is_not_for_sip_is_passed_over() {
    let zone = "
c.test         NAPTR 1 1 s E2U+sip _sip._udp.evil.test.
c.test         NAPTR 1 1 u SIP+D2U _sip._udp.evil.test.
c.test         NAPTR 1 1 s SIP+D2U _sip._udp.evil.test. !^.*$!sip:x@evil.test!
c.test         NAPTR 1 1 s SIP+D2S _sip._sctp.evil.test.
c.test         NAPTR 1 1 s SIP+D2U .
c.test         NAPTR 1 1 s SIP+D2U a\\032b.test.
c.test         NAPTR 9 1 S sip+d2u _sip._udp.c.test.
_sip._udp.c.test SRV 1 1 5060 a\\000b.test.
_sip._udp.c.test SRV 1 1 5060 good.test.
good.test      A 192.0.2.1";
    let (ended, _) = search("sip:c.test", &[Udp], zone, None);
    assert_eq!(text(ended.found.unwrap().places()), "UDP 192.0.2.1:5060");
}

#[test]
fn a_search_that_finds_nothing_names_each_look_up_and_the_gate_comes_first() {
    let words = |zone: &str| match search("sip:c.test", &[Udp], zone, None).0 {
        Ended { trouble: Some(ResolveFault::Failed(words) | ResolveFault::Absent(words)), found: None, .. } => words,
        ended => panic!("{ended:?}"),
    };
    assert_eq!(words(""), "NAPTR c.test: no such record; SRV _sip._udp.c.test: no such record; A, AAAA c.test: no such record");
    let failing = "_sip._udp.c.test SRV 1 1 5060 a.test.\na.test A !SERVFAIL";
    assert_eq!(words(failing), "NAPTR c.test: no such record; A, AAAA a.test: SERVFAIL");
    assert!(words("_sip._udp.c.test SRV 0 0 0 .").contains("declared not to be there"));
    let gated = "_sip._udp.c.test SRV 1 1 5060 a.test.\n_sip._udp.c.test SRV 1 1 5060 b.test.\na.test A !SERVFAIL\nb.test A !gate";
    let (ended, _) = search("sip:c.test", &[Udp], gated, None);
    assert_eq!((ended.trouble, ended.found), (Some(ResolveFault::Forbidden("10.0.0.1".parse().unwrap())), None));
}

#[test]
fn what_dns_cannot_tell_this_time_is_taken_from_what_it_said_before() {
    let good = "_sip._udp.c.test SRV 1 1 5060 a.test.\n_sip._udp.c.test SRV 2 1 5060 b.test.\na.test A 192.0.2.1\nb.test A 192.0.2.2";
    let before = search("sip:c.test", &[Udp], good, None).0.found.unwrap();
    for (zone, places, troubled) in [
        (good, "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060", false),
        // A look-up that fails leaves what was; a record that is gone is gone.
        (&good.replace("A 192.0.2.1", "A !SERVFAIL"), "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060", true),
        (&good.replace("a.test A 192.0.2.1", ""), "UDP 192.0.2.2:5060", false),
        ("_sip._udp.c.test SRV !SERVFAIL\nc.test A 192.0.2.9", "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060", true),
        ("c.test NAPTR !SERVFAIL\nc.test A 192.0.2.9", "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060", true),
        ("c.test A 192.0.2.9", "UDP 192.0.2.9:5060", false),
    ] {
        let (ended, _) = search("sip:c.test", &[Udp], zone, Some(&before));
        assert_eq!((text(ended.found.unwrap().places()).as_str(), ended.trouble.is_some()), (places, troubled), "{zone}");
    }
    // Name servers that never knew NAPTR do not freeze what was found without.
    let blind = search("sip:c.test", &[Udp], "c.test NAPTR !NOTIMP\nc.test A 192.0.2.8", None).0.found.unwrap();
    let (ended, _) = search("sip:c.test", &[Udp], "c.test NAPTR !NOTIMP\nc.test A 192.0.2.9", Some(&blind));
    assert_eq!(text(ended.found.unwrap().places()), "UDP 192.0.2.9:5060");
}

#[test]
fn an_answer_turned_round_moves_nobody() {
    let before = search("sip:c.test:5060", &[Udp], "c.test A 192.0.2.1\nc.test A 192.0.2.2", None).0.found.unwrap();
    let (ended, _) = search("sip:c.test:5060", &[Udp], "c.test A 192.0.2.2\nc.test A 192.0.2.1", Some(&before));
    assert_eq!(text(ended.found.unwrap().places()), "UDP 192.0.2.1:5060, UDP 192.0.2.2:5060");
}

#[test]
fn a_hostile_zone_is_used_in_part() {
    let mut zone: String = (0..1000).map(|n| format!("_sip._udp.c.test SRV {n} 1 5060 h{n}.test.\n")).collect();
    for n in 0..100 {
        zone.push_str(&(0..200).map(|last| format!("h{n}.test A 192.0.{n}.{last}\n")).collect::<String>());
    }
    let (ended, asked) = search("sip:c.test", &[Udp], &zone, None);
    assert_eq!(ended.found.unwrap().places().len(), 32);
    assert_eq!(asked.len(), 1 + 1 + 16);
}

#[test]
fn a_ttl_is_kept_within_reason() {
    for (ttl, used) in [(0, 5), (5, 5), (300, 300), (1 << 31, 3600)] {
        let mut search = Search::new(&Aim::read("sip:c.test:5060", &[], &[Udp]).unwrap());
        let question = search.unasked().next().unwrap().clone();
        search.asked(&question, Query(1));
        let records = Records::Addresses(vec!["192.0.2.1:5060".parse().unwrap()]);
        search.take(Query(1), Ok(Resolution { records, ttl: Duration::from_secs(ttl) }));
        assert_eq!(search.end(None).found.unwrap().ttl.as_secs(), used);
    }
}

#[test]
fn an_answer_of_another_kind_and_one_that_nobody_awaits_do_no_harm() {
    let mut search = Search::new(&Aim::read("sip:c.test:5060", &[], &[Udp]).unwrap());
    let question = search.unasked().next().unwrap().clone();
    search.asked(&question, Query(1));
    search.take(Query(2), Ok(Resolution { records: Records::Srv(Vec::new()), ttl: Duration::ZERO }));
    assert!(!search.is_over());
    search.take(Query(1), Ok(Resolution { records: Records::Srv(Vec::new()), ttl: Duration::ZERO }));
    assert!(matches!(search.end(None).trouble, Some(ResolveFault::Failed(_))));
}

/// Servers of weights in one priority, and one in the next.
fn weighted(weights: &[u16]) -> Located {
    let server = |priority, at: usize, weight| Server {
        priority,
        weight,
        host: format!("h{at}.test").into(),
        port: 5060,
        addresses: vec![std::net::SocketAddr::from(([192, 0, 2, u8::try_from(at).unwrap()], 5060))],
    };
    let mut servers: Vec<Server> = weights.iter().enumerate().map(|(at, &weight)| server(10, at, weight)).collect();
    servers.push(server(20, 99, 1));
    let service = Service { transport: Udp, srv: None, servers };
    Located::new(vec![service], Duration::from_secs(60), false)
}

/// How many of so many lots begin with each server.
fn firsts(located: &Located, lots: u64) -> BTreeMap<u8, u64> {
    let mut firsts = BTreeMap::new();
    for lot in 0..lots {
        let places = located.order(crate::chance::lot(&format!("trunk_{lot}")));
        let std::net::SocketAddr::V4(first) = places[0].address else { panic!("{places:?}") };
        *firsts.entry(first.ip().octets()[3]).or_default() += 1;
        assert_eq!(places.last().unwrap().address.to_string(), "192.0.2.99:5060", "the next priority is last");
    }
    firsts
}

#[test]
fn lots_share_servers_by_their_weights() {
    const LOTS: u64 = 20_000;
    for weights in [&[10, 30, 60][..], &[1, 1], &[0, 0, 0, 0], &[0, 100], &[65535, 65535], &[0, 0, 50, 50]] {
        let sum: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
        let firsts = firsts(&weighted(weights), LOTS);
        for (at, &weight) in weights.iter().enumerate() {
            let share = if sum == 0.0 { 1.0 / weights.len() as f64 } else { f64::from(weight) / sum };
            let seen = firsts.get(&u8::try_from(at).unwrap()).copied().unwrap_or(0) as f64 / LOTS as f64;
            // Five standard deviations at most, and what RFC 2782 gives weight 0 by drawing from 0 to the sum.
            let slack = 5.0 * (share * (1.0 - share) / LOTS as f64).sqrt() + 1.0 / (sum + 1.0).max(weights.len() as f64 * 10.0);
            assert!((seen - share).abs() <= slack, "{weights:?}: {at} is first for {seen}, not {share} +- {slack}");
        }
    }
}

#[test]
fn a_lot_stays_with_its_order_and_two_lots_may_differ() {
    let located = weighted(&[1, 1, 1, 1, 1]);
    for lot in 0..100 {
        assert_eq!(located.order(lot), located.order(lot));
        let mut sorted = located.order(lot).to_vec();
        sorted.sort_by_key(|place| place.address);
        sorted.dedup();
        assert_eq!(sorted.len(), 6, "everybody is in it, once");
    }
    assert!((0..100).any(|lot| located.order(lot) != located.order(lot + 1)));
}
