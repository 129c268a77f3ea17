use std::time::Duration;

use carrier::sockets::Lab;
use carrier::{Account, Config, Registrar};
use tokio::net::UdpSocket;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

fn options(port: u16) -> Vec<u8> {
    let via = format!("SIP/2.0/UDP x:{port};branch=z9hG4bK1;rport");
    let from = "<sip:a@b>;tag=t";
    sip::build::Builder::request("OPTIONS", "sip:b")
        .header("Via", via)
        .header("From", from)
        .header("To", "<sip:a@b>")
        .header("Call-ID", "c")
        .header("CSeq", "1 OPTIONS")
        .finish()
}

#[tokio::test]
async fn several_registrars_answer_on_several_addresses_of_both_families() {
    let any = |text: &str| text.parse::<std::net::SocketAddr>().unwrap();
    let registrars = vec![
        Registrar::new("one", "one").listen(any("127.0.0.1:0")).listen(any("[::1]:0")).account(Account::new("a", "p")),
        Registrar::new("two", "two").listen(any("127.0.0.2:0")),
    ];
    let lab = Lab::start(Config { seed: 1, registrars }).unwrap();
    assert_eq!(lab.names().collect::<Vec<_>>(), ["one", "two"]);
    for (name, at, from) in [("one", 0, "127.0.0.1:0"), ("one", 1, "[::1]:0"), ("two", 0, "127.0.0.1:0")] {
        let address = lab.addresses(name)[at];
        let socket = UdpSocket::bind(from).await.unwrap();
        socket.send_to(&options(socket.local_addr().unwrap().port()), address).await.unwrap();
        let mut buffer = [0; 2000];
        let (length, source) = timeout(PATIENCE, socket.recv_from(&mut buffer)).await.unwrap().unwrap();
        assert!(source == address && buffer[..length].starts_with(b"SIP/2.0 200 OK"), "{name} {at}");
    }
    assert_eq!((lab.carrier("one").unwrap().totals().options, lab.carrier("two").unwrap().totals().options), (2, 1));
    assert!(lab.carrier("three").is_none());
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let registrar = Registrar::new("one", "one").listen(taken.local_addr().unwrap());
    let error = Lab::start(Config { seed: 1, registrars: vec![registrar] }).unwrap_err().to_string();
    assert!(error.contains("one") && error.contains(&taken.local_addr().unwrap().to_string()), "{error}");
}
