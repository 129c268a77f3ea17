//! A server, a site and carriers: the stage that most tests play on.

use serde_json::{Value, json};

use super::api::{Answer, Api};
use super::kamailio::Kamailio;
use super::server::{Launch, Server};
use super::wait::{self, secs};

/// The password that [`Scene::registered`] gives its users.
pub const PASSWORD: &str = "first-Secret-7";

/// A server with one site.
pub struct Scene {
    /// The server.
    pub server: Server,
    /// Its API, as administrator.
    pub api: Api,
}

impl Scene {
    /// A fresh server with site `jakarta`.
    pub fn new() -> Self {
        Self::on(Launch::default())
    }

    /// A server started in a way of one's own, with site `jakarta`.
    pub fn on(launch: Launch) -> Self {
        let server = launch.start();
        let api = server.api();
        api.post("/api/v2/sites", &json!({"id": "jakarta", "name": "Jakarta", "region": "ap-southeast-3", "timeZone": "Asia/Jakarta"}))
            .expect(201);
        Self { server, api }
    }

    /// A carrier with one registrar; `more` adds to its profile.
    pub fn carrier(&self, id: &str, registrar: &str, more: &Value) -> Answer {
        let mut body = json!({"id": id, "name": id, "registrars": [registrar], "expires": 600});
        merge(&mut body, more);
        self.api.post("/api/v2/carriers", &body).expect(201)
    }

    /// A trunk `id` of `user@realm` at a carrier; `more` adds to it.
    pub fn trunk(&self, id: &str, carrier: &str, user: &str, realm: &str, more: &Value) -> Answer {
        let mut body = json!({
            "id": id, "name": format!("Trunk {id}"), "site": {"id": "jakarta"}, "carrier": {"id": carrier}, "inService": true,
            "addressOfRecord": format!("sip:{user}@{realm}")
        });
        merge(&mut body, more);
        self.api.post("/api/v2/trunks/voice", &body).expect(201)
    }

    /// A carrier `lab` and a trunk `t1` at one registrar that is no Kamailio.
    pub fn trunk_at(&self, registrar: &str, realm: &str, more_of_carrier: &Value) {
        self.carrier("lab", registrar, more_of_carrier);
        self.trunk("t1", "lab", "alice", realm, &json!({}));
    }

    /// Carrier `kam` at a Kamailio and, for each name, a trunk of that user, with credentials set live and bound.
    pub fn registered(&self, kamailio: &Kamailio, users: &[&str]) {
        self.carrier("kam", &kamailio.uri(), &json!({}));
        for user in users {
            self.trunk(user, "kam", user, kamailio.realm(), &json!({}));
            kamailio.add_user(user, PASSWORD);
            self.api.set_credentials(&credentials(user, user, PASSWORD)).expect(201);
            self.wait_state(user, "REGISTERED");
            wait::until(&format!("Kamailio lists {user}"), secs(10), || kamailio.lookup(user));
        }
    }

    /// Waits until a registration is in a state, and gives it.
    pub fn wait_state(&self, trunk: &str, state: &str) -> Answer {
        self.wait_registration(trunk, state, |json| json["registrationState"] == state)
    }

    /// Waits until a registration looks as it should, and gives it.
    pub fn wait_registration(&self, trunk: &str, what: &str, looks: impl Fn(&Value) -> bool) -> Answer {
        let mut last = None;
        let give_up = std::time::Instant::now() + secs(45);
        loop {
            let answer = self.api.registration(trunk);
            if looks(&answer.json) {
                return answer;
            }
            assert!(std::time::Instant::now() < give_up, "{trunk} never became {what}: {last:?}");
            last = Some(answer.text);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// The body of the flagship call: realm and algorithm to be learned.
pub fn credentials(trunk: &str, username: &str, password: &str) -> Value {
    json!({"trunkId": trunk, "credentials": {"username": username, "password": password}})
}

/// The body of the flagship call with further credential fields.
pub fn credentials_with(trunk: &str, username: &str, password: &str, more: &Value) -> Value {
    let mut body = credentials(trunk, username, password);
    merge(&mut body["credentials"], more);
    body
}

/// Puts the fields of one object into another.
pub fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.iter().map(|(key, value)| (key.clone(), value.clone())));
    }
}
