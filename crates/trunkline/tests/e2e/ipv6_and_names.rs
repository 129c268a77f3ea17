//! The edge speaks IPv6, and finds registrars by name.

use std::net::SocketAddr;

use serde_json::json;

use crate::support::kamailio::{Kamailio, Options};
use crate::support::loopback;
use crate::support::scene::{PASSWORD, Scene, credentials};
use crate::support::server::Launch;
use crate::support::udp::{Peer, challenged_once};
use crate::support::wait::{self, secs};

#[test]
fn a_registrar_on_ipv6_is_registered_with_from_an_ipv6_contact() {
    let kamailio = Kamailio::start(Options { ipv6: true, ..Options::default() });
    let sip = loopback::next_v6();
    let launch = Launch::default().word("--sip").word(&format!("udp:{sip}")).word("--allow-target").word("::1/128");
    let scene = Scene::on(launch);
    scene.registered(&kamailio, &["alice"]);
    let binding = wait::until("Kamailio lists alice", secs(10), || kamailio.lookup("alice"));
    assert!(binding.contact.contains(&format!("[::1]:{}", sip.port())), "{}", binding.contact);
    scene.api.set_credentials(&credentials("alice", "alice", "wrong")).refused(422, "sip.credentials.rejected");
    assert_eq!(kamailio.digest_failures("alice"), 1);
}

#[test]
fn a_registrar_is_found_by_its_name() {
    let peer = Peer::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), challenged_once_and_options());
    let scene = Scene::new();
    scene.trunk_at(&format!("sip:localhost:{};transport=udp", peer.address().port()), "peer.test", &json!({}));
    scene.api.set_credentials(&credentials("t1", "alice", PASSWORD)).expect(201);
    scene.wait_state("t1", "REGISTERED");
}

fn challenged_once_and_options() -> impl FnMut(&str) -> Option<String> + Send + 'static {
    let mut register = challenged_once("peer.test");
    move |request| {
        if request.starts_with("OPTIONS ") {
            return Some(crate::support::udp::reply(request, 200, "OK", ""));
        }
        register(request)
    }
}
