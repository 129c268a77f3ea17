use std::collections::HashSet;

use carrier::sockets::Lab;
use carrier::{Config, Listen, Registrar, Transport};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::{Came, Client, PATIENCE, STREAMS, lab, websocket};

/// Waits until the carrier has seen it.
async fn until(lab: &Lab, what: &str, seen: impl Fn(&carrier::Carrier) -> bool) {
    let wait = async {
        while !seen(&lab.carrier("lab").unwrap()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{what}: {:?}", lab.carrier("lab").unwrap().totals()));
}

#[tokio::test]
async fn every_transport_answers_and_is_told_apart() {
    let lab = lab(&[]);
    for transport in STREAMS {
        let mut client = Client::open(&lab, transport).await;
        client.ask().await;
        assert_eq!(client.next().await, Came::Code(200), "{transport}");
        client.send(b"\r\n\r\n").await;
        assert_eq!(client.next().await, Came::LineEnds(1), "{transport}");
    }
    until(&lab, "all are closed", |carrier| carrier.connections().all(|known| known.closed_at.is_some())).await;
    let carrier = lab.carrier("lab").unwrap();
    let known: Vec<_> = carrier.connections().map(|c| (c.id, c.transport, c.requests, c.pings)).collect();
    let expected: Vec<_> = (1..).zip(STREAMS).map(|(id, transport)| (id, transport, 1, 1)).collect();
    assert_eq!(known, expected);
    assert!(carrier.connections().all(|c| c.greeting.path.as_deref() == (c.transport >= Transport::Ws).then_some("/sip?a=b")));
    assert_eq!(carrier.log().map(|seen| seen.transport).collect::<HashSet<_>>().len(), 4);
}

#[tokio::test]
async fn requests_come_split_and_merged_and_pings_between_them() {
    let lab = lab(&[]);
    let mut client = Client::open(&lab, Transport::Tcp).await;
    let mut bytes = b"\r\n\r\n".to_vec();
    for _ in 0..3 {
        bytes.extend(client.options());
        bytes.extend(b"\r\n\r\n");
    }
    for piece in bytes.chunks(11) {
        client.send(piece).await;
        tokio::task::yield_now().await;
    }
    let mut came = Vec::new();
    let mut pongs = 0;
    while came.len() < 3 || pongs < 4 {
        match client.next().await {
            Came::LineEnds(count) => pongs += count,
            other => came.push(other),
        }
    }
    assert_eq!((came, pongs), ([200; 3].map(Came::Code).into(), 4));
}

#[tokio::test]
async fn what_is_no_sip_ends_the_connection() {
    let lab = lab(&[]);
    for noise in [&b"GET / HTTP/1.1\nHost: x\n\n"[..], b"OPTIONS sip:x SIP/2.0\r\n\r\n", &[b'x'; 70_000]] {
        let mut client = Client::open(&lab, Transport::Tcp).await;
        client.send(noise).await;
        assert_eq!(client.next().await, Came::End);
    }
}

#[tokio::test]
async fn answers_are_split_merged_and_glued() {
    for rows in [&["N7-split"][..], &["N7-merged"], &["N7-glued"], &["N7"], &["N7-split", "N7-merged", "N7-glued"]] {
        let lab = lab(rows);
        for transport in STREAMS {
            let mut client = Client::open(&lab, transport).await;
            for _ in 0..3 {
                client.ask().await;
            }
            let mut came = Vec::new();
            let mut ends = 0;
            while came.len() < 3 {
                match client.next().await {
                    Came::LineEnds(count) => ends += count,
                    other => came.push(other),
                }
            }
            assert_eq!(came, [200; 3].map(Came::Code), "{rows:?} {transport}");
            let glued = rows.iter().any(|row| matches!(*row, "N7" | "N7-glued")) && transport < Transport::Ws;
            // The last one comes after the last answer.
            assert_eq!(ends >= 8, glued, "{rows:?} {transport} {ends}");
        }
    }
}

#[tokio::test]
async fn pieces_are_read_apart() {
    let lab = lab(&["N7-split"]);
    let mut stream = TcpStream::connect(lab.address("lab", Transport::Tcp).unwrap()).await.unwrap();
    let mut client = Client::open(&lab, Transport::Udp).await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, &client.options()).await.unwrap();
    let mut buffer = [0; 4096];
    let count = timeout(PATIENCE, stream.read(&mut buffer)).await.unwrap().unwrap();
    assert!(count > 0 && count % 7 == 0, "{count}");
}

#[tokio::test]
async fn an_answer_is_cut_and_the_next_connection_gets_a_whole_one() {
    for transport in STREAMS {
        let lab = lab(&["N7-cut"]);
        for expected in [Came::End, Came::Code(200)] {
            let mut client = Client::open(&lab, transport).await;
            client.ask().await;
            if transport < Transport::Ws {
                assert_eq!(client.next().await, expected, "{transport}");
            }
        }
        until(&lab, "one was cut", |carrier| carrier.totals().cut == 1).await;
    }
}

#[tokio::test]
async fn all_connections_are_dropped_on_command_and_by_age() {
    let lab = lab(&[]);
    let mut clients = Vec::new();
    for transport in STREAMS {
        clients.push(Client::open(&lab, transport).await);
    }
    until(&lab, "all are open", |carrier| carrier.totals().connections == 4).await;
    lab.drop_connections("lab");
    for client in &mut clients {
        assert_eq!(client.next().await, Came::End);
    }
    let mut fresh = Client::open(&lab, Transport::Tcp).await;
    fresh.ask().await;
    assert_eq!(fresh.next().await, Came::Code(200));
    lab.carrier("lab").unwrap().temperament_mut().closes_after = Some(0);
    let mut brief = Client::open(&lab, Transport::Tls).await;
    assert_eq!(brief.next().await, Came::End);
    lab.carrier("lab").unwrap().temperament_mut().closes_after = None;
    lab.carrier("lab").unwrap().temperament_mut().closes_idle = 0;
    let mut idle = Client::open(&lab, Transport::Tcp).await;
    assert_eq!(idle.next().await, Came::End);
}

#[tokio::test]
async fn a_connection_may_be_refused_and_may_hang() {
    let lab = lab(&["N6-refused"]);
    let mut refused = Client::open(&lab, Transport::Tcp).await;
    assert_eq!(refused.next().await, Came::End);
    assert!(lab.carrier("lab").unwrap().totals().turned_away >= 1);
    lab.carrier("lab").unwrap().temperament_mut().refuses_connections = false;
    let mut client = Client::open(&lab, Transport::Tcp).await;
    client.ask().await;
    assert_eq!(client.next().await, Came::Code(200));
    lab.hang("lab", true);
    client.ask().await;
    client.send(b"\r\n\r\n").await;
    assert!(timeout(std::time::Duration::from_millis(100), client.next()).await.is_err(), "nothing is said");
    assert_eq!(lab.carrier("lab").unwrap().totals().pings, 0);
    lab.hang("lab", false);
    assert_eq!(client.next().await, Came::Code(200));
}

#[tokio::test]
async fn udp_and_tcp_share_a_port_that_nobody_chose() {
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    let registrar = Registrar::new("lab", "r").listen(any).listen(Listen::new(Transport::Tcp, any)).listen(Listen::new(Transport::Ws, any));
    let lab = Lab::start(Config { seed: 1, registrars: vec![registrar] }).unwrap();
    let [udp, tcp, ws] = lab.addresses("lab") else { panic!("{:?}", lab.addresses("lab")) };
    assert!(udp == tcp && ws != udp, "{udp} {tcp} {ws}");
}

// covers: RFC 7118 4.1; script
#[tokio::test]
async fn a_websocket_without_the_subprotocol_is_turned_away() {
    let lab = lab(&[]);
    let address = lab.address("lab", Transport::Ws).unwrap();
    let dial = async |protocol| websocket(TcpStream::connect(address).await.unwrap(), protocol).await.is_ok();
    assert_eq!([dial(None).await, dial(Some("chat")).await, dial(Some("sip")).await], [false, false, true]);
    until(&lab, "two were turned away", |carrier| carrier.totals().turned_away == 2).await;
    lab.carrier("lab").unwrap().temperament_mut().websocket = carrier::WebSocketManner::Refuses;
    assert!(!dial(Some("sip")).await);
    lab.carrier("lab").unwrap().temperament_mut().websocket = carrier::WebSocketManner::NoProtocol;
    assert!(!dial(Some("sip")).await, "the client wants what it asked for");
}

#[tokio::test]
async fn connections_end_with_the_lab() {
    let lab = lab(&[]);
    let mut client = Client::open(&lab, Transport::Wss).await;
    drop(lab);
    assert_eq!(client.next().await, Came::End);
}
