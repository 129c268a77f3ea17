//! Sets the stage, through the API like any operator.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::api::Api;
use super::cast::{self, ESTABLISHED, NUSANTARA, OLD_PASSWORD, REALM, SITES, TRUNK, TRUNKS_EACH, USER};
use super::error::DemoError;

const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// Between two looks at what is registered.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Sites, carriers and trunks; all registered; then the policy that the story is about.
///
/// The order matters. `trunk_jkt_04` gets its old credentials while MD5 is allowed, as it will have been; the organisation turns to
/// SHA-256 afterwards. A changed policy ends no binding, so the old credentials stay active, and the next ones are refused.
pub fn all(api: &Api, registrars: &[(String, Vec<SocketAddr>)], deadline: Instant) -> Result<(), DemoError> {
    let began = Instant::now();
    for site in &SITES {
        let body = json!({"id": site.id, "name": site.name, "region": site.region, "timeZone": site.time_zone});
        api.post("/api/v2/sites", &body, 201)?;
    }
    let names = ESTABLISHED.iter().map(|of| (of.carrier, of.name)).chain([(NUSANTARA, "Nusantara")]);
    for (id, name) in names {
        let at = registrars.iter().filter(|(carrier, _)| carrier == id).flat_map(|(_, addresses)| addresses);
        let registrars: Vec<_> = at.map(|address| format!("sip:{address};transport=udp")).collect();
        let options = json!({"interval": 30, "failureThreshold": 3, "successThreshold": 1});
        api.post("/api/v2/carriers", &json!({"id": id, "name": name, "registrars": registrars, "expires": 600, "options": options}), 201)?;
    }
    import(api)?;
    rotate_in(api, deadline)?;
    wait_bound(api, began, deadline)?;
    api.patch("/api/v2/organization", &json!({"digestPolicy": {"allowed": ["SHA-256"]}}))?;
    Ok(())
}

/// The fifteen trunks that have been running for long, by bulk import.
fn import(api: &Api) -> Result<(), DemoError> {
    let lines: Vec<Value> = ESTABLISHED.iter().flat_map(|of| (0..TRUNKS_EACH).map(move |place| line(of, place))).collect();
    let path = format!("{REGISTRATIONS}/bulk");
    let results = api.post_lines(&path, &lines)?;
    let refused = results.iter().find(|result| result["status"] != 201);
    if let Some(body) = refused.map(Value::to_string).or_else(|| (results.len() != lines.len()).then(|| format!("{} lines", results.len())))
    {
        return Err(DemoError::Refused { method: "POST", path, status: 200, body });
    }
    Ok(())
}

fn line(of: &cast::Established, place: u64) -> Value {
    let (id, number, password) = cast::trunk(of, place);
    json!({
        "trunk": {
            "id": id, "name": format!("{} {:02}", of.name, place + 1), "site": {"id": of.site}, "carrier": {"id": of.carrier},
            "inService": true, "addressOfRecord": format!("sip:{number}@{}", of.realm)
        },
        "credentials": {"username": number, "password": password}
    })
}

/// The trunk of the story, with its old credentials.
fn rotate_in(api: &Api, deadline: Instant) -> Result<(), DemoError> {
    let trunk = json!({
        "id": TRUNK, "name": "Jakarta 04", "site": {"id": "jakarta"}, "carrier": {"id": NUSANTARA}, "inService": true,
        "addressOfRecord": format!("sip:{USER}@{REALM}")
    });
    api.post("/api/v2/trunks/voice", &trunk, 201)?;
    let credentials =
        json!({"trunkId": TRUNK, "credentials": {"username": USER, "password": OLD_PASSWORD, "realm": REALM, "algorithm": "MD5"}});
    loop {
        let answer = api.call("POST", REGISTRATIONS, Some(&credentials))?;
        // The edge may not have introduced itself yet.
        if answer.status != 503 || Instant::now() >= deadline {
            answer.expecting(201, "POST", REGISTRATIONS)?;
            return Ok(());
        }
        thread::sleep(LOOK_AGAIN);
    }
}

fn wait_bound(api: &Api, began: Instant, deadline: Instant) -> Result<(), DemoError> {
    let wanted = usize::try_from(TRUNKS_EACH).unwrap_or(usize::MAX).saturating_mul(ESTABLISHED.len()).saturating_add(1);
    loop {
        let listed = api.get(&format!("{REGISTRATIONS}?bound=true&pageSize=1"))?;
        let bound = listed["total"].as_u64().unwrap_or_default();
        if usize::try_from(bound).is_ok_and(|bound| bound >= wanted) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(DemoError::Slow { bound, wanted, seconds: began.elapsed().as_secs() });
        }
        thread::sleep(LOOK_AGAIN);
    }
}
