//! Requests that come in. Carriers' are answered (carriers.md N13), strangers' are dropped.

use std::net::SocketAddr;

use sip::Message;
use sip::build::Builder;

use super::Endpoint;
use crate::Event;
use crate::wire::Way;

/// Of FNV-1a with 128 bits: 2^88 + 2^8 + 0x3b.
const FNV_PRIME: u128 = 0x0100_0000_0000_0000_0000_013b;

const ALLOW: &str = "INVITE, ACK, CANCEL, BYE, OPTIONS";

impl Endpoint {
    pub(super) fn requested(&mut self, way: Way, method: &str, message: &Message<'_>) {
        let Some(source) = self.wire.remote(way) else { return };
        let known = self.carriers.iter().any(|(_, carrier)| carrier.targets.places().any(|(_, place)| place.address.ip() == source.ip()));
        if !known {
            self.wire.counters.strangers += 1;
            return;
        }
        let in_dialog = message.to().is_ok_and(|to| to.tag().is_some());
        let (code, reason) = match method {
            // RFC 3261 17.1.1.3: nothing answers an ACK.
            "ACK" => return,
            "OPTIONS" => (200, "OK"),
            "INVITE" if !in_dialog => (480, "Temporarily Unavailable"),
            // The INVITE has its final answer at once, so there is never one to cancel.
            "CANCEL" | "BYE" => (481, "Call/Transaction Does Not Exist"),
            _ if in_dialog => (481, "Call/Transaction Does Not Exist"),
            _ => (405, "Method Not Allowed"),
        };
        let tag = self.tag_of(message);
        let mut response = Builder::response_to(code, reason, message, source).to_tag(&tag);
        if matches!(code, 200 | 405) {
            response = response.header("Allow", ALLOW);
        }
        if code == 200 {
            response = response.header("Accept", "application/sdp");
        }
        let bytes = response.header("Server", &self.wire.config.user_agent).finish();
        let to = match way {
            Way::Datagram(local, source) => Way::Datagram(local, answer_to(source, message)),
            // RFC 3261 18.2.2: where it came from.
            Way::Flow(flow) => Way::Flow(flow),
        };
        self.wire.respond(to, bytes);
        if method == "INVITE" && !in_dialog {
            self.wire.tell(Event::CallUnrouted { method: method.into(), source });
        }
    }

    /// The same request gets the same tag (RFC 3261 17.2.2), though nothing of it is kept.
    fn tag_of(&self, message: &Message<'_>) -> String {
        let parts = [
            message.call_id().unwrap_or_default(),
            message.header(sip::Name::CSeq).unwrap_or_default(),
            message.header(sip::Name::From).unwrap_or_default(),
        ];
        // FNV-1a from a secret start: a tag names, it protects nothing.
        let hash = parts.concat().iter().fold(self.tag_key, |hash, &byte| (hash ^ u128::from(byte)).wrapping_mul(FNV_PRIME));
        format!("{:016x}", hash >> 64)
    }
}

/// Where a response goes: RFC 3581 4 with rport, else RFC 3261 18.2.2.
fn answer_to(source: SocketAddr, message: &Message<'_>) -> SocketAddr {
    match message.via() {
        Ok(via) if via.rport().is_none() => SocketAddr::new(source.ip(), via.port.unwrap_or(5060)),
        Ok(_) | Err(_) => source,
    }
}
