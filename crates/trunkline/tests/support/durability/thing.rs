//! Something that the load makes, changes and removes: what the API must show of it.

use serde_json::{Value, json};

use crate::support::api::{Api, REGISTRATIONS};

/// Of which kind, and therefore where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Trunk,
    Carrier,
    Site,
    Role,
    Webhook,
    Client,
}

impl Kind {
    pub const PLAIN: [Kind; 5] = [Kind::Carrier, Kind::Site, Kind::Role, Kind::Webhook, Kind::Client];

    /// Where such things are.
    pub fn path(self) -> &'static str {
        match self {
            Kind::Trunk => "/api/v2/trunks/voice",
            Kind::Carrier => "/api/v2/carriers",
            Kind::Site => "/api/v2/sites",
            Kind::Role => "/api/v2/authorization/roles",
            Kind::Webhook => "/api/v2/webhooks",
            Kind::Client => "/api/v2/oauth/clients",
        }
    }

    /// The body that makes one.
    pub fn body(self, id: &str, name: &str) -> Value {
        match self {
            Kind::Trunk => json!({"id": id, "name": name, "site": {"id": "jakarta"}, "carrier": {"id": "lab"}, "inService": false,
                "addressOfRecord": format!("sip:{id}@lab")}),
            Kind::Carrier => json!({"id": id, "name": name, "registrars": ["sip:127.0.0.1:5999"]}),
            Kind::Site => json!({"id": id, "name": name}),
            Kind::Role => json!({"id": id, "name": name, "permissions": ["telephony:trunk:view"]}),
            Kind::Webhook => json!({"id": id, "name": name, "url": "http://127.0.0.1:9/nobody", "enabled": false}),
            Kind::Client => json!({"id": id, "name": name, "roleGrants": []}),
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Thing {
    pub kind: Kind,
    pub id: String,
    pub state: State,
    /// Number of the record of the last edit, as far as it was looked up.
    pub edit: Option<u64>,
}

/// What is stored of it. Two states that compare equal look the same through the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// `None` where it is not there.
    pub shown: Option<Shown>,
    /// How many audit records are about it.
    pub records: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    pub name: String,
    pub version: u64,
    /// Of a trunk: how many versions of credentials it has, the last of which is active.
    pub credentials: u64,
    /// Of a trunk: the user name of the active version.
    pub username: Option<String>,
}

impl State {
    /// Never made.
    pub const ABSENT: State = State { shown: None, records: 0 };

    /// After it was made.
    pub fn made(name: &str) -> State {
        State { shown: Some(Shown { name: name.to_owned(), version: 1, credentials: 0, username: None }), records: 1 }
    }

    /// After an edit that gave it another name.
    pub fn renamed(&self, name: &str) -> State {
        let mut next = self.clone();
        if let Some(shown) = &mut next.shown {
            name.clone_into(&mut shown.name);
            shown.version += 1;
        }
        next.records += 1;
        next
    }

    /// After its removal.
    pub fn removed(&self) -> State {
        State { shown: None, records: self.records + 1 }
    }

    /// After credentials were set: a record for the staging, one for the promotion.
    pub fn with_credentials(&self, username: &str) -> State {
        let mut next = self.clone();
        if let Some(shown) = &mut next.shown {
            shown.credentials += 1;
            shown.username = Some(username.to_owned());
        }
        next.records += 2;
        next
    }

    /// What the API shows.
    pub fn read(api: &Api, kind: Kind, id: &str) -> State {
        let answer = api.get(&format!("{}/{id}", kind.path()));
        let records = api.get(&format!("/api/v2/audits?entityId={id}&pageSize=1")).expect(200).at("/total").as_u64().expect("a number");
        if answer.status == 404 {
            return State { shown: None, records };
        }
        let answer = answer.expect(200);
        let text = |pointer: &str| answer.at(pointer).as_str().expect("a text").to_owned();
        let (credentials, username) = if kind == Kind::Trunk { credentials(api, id) } else { (0, None) };
        let version = answer.at("/version").as_u64().expect("a number");
        State { shown: Some(Shown { name: text("/name"), version, credentials, username }), records }
    }
}

/// How many versions a trunk has, and the user name of the last, which must be the active one.
fn credentials(api: &Api, trunk: &str) -> (u64, Option<String>) {
    let answer = api.get(&format!("{REGISTRATIONS}/{trunk}/credentials?pageSize=500"));
    if answer.status == 404 {
        return (0, None);
    }
    let answer = answer.expect(200);
    let versions = answer.at("/entities").as_array().expect("versions");
    let active: Vec<&Value> = versions.iter().filter(|version| version["state"] == "ACTIVE").collect();
    assert!(versions.is_empty() || active.len() == 1, "one active version of {trunk}: {}", answer.text);
    let last = versions.iter().filter_map(|version| version["version"].as_u64()).max().unwrap_or(0);
    assert!(active.iter().all(|version| version["version"] == last), "the last version of {trunk} is the active one: {}", answer.text);
    (last, active.first().and_then(|version| version["username"].as_str()).map(str::to_owned))
}
