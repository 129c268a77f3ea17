use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::UdpSocket;

use super::station::Station;
use crate::Reply;

/// The longest UDP datagram.
const DATAGRAM_BYTES_MAX: usize = 65_535;

/// Answers datagrams for ever.
pub(super) async fn serve(socket: UdpSocket, local: SocketAddr, station: Arc<Station>) {
    let socket = Arc::new(socket);
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        let (length, source) = match socket.recv_from(&mut buffer).await {
            Ok(received) => received,
            // ICMP errors of what was sent before come back here; they say nothing about the socket.
            Err(error) => {
                tracing::debug!(carrier = %station.name(), %error, "receive");
                continue;
            }
        };
        for reply in station.answer(source, |carrier, now| carrier.handle(now, source, local, &buffer[..length])) {
            if reply.delay.is_zero() {
                send(&socket, &reply).await;
            } else {
                let socket = socket.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(reply.delay).await;
                    send(&socket, &reply).await;
                });
            }
        }
    }
}

async fn send(socket: &UdpSocket, reply: &Reply) {
    if let Err(error) = socket.send_to(&reply.bytes, reply.to).await {
        tracing::debug!(to = %reply.to, %error, "send");
    }
}
