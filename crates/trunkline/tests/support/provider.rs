//! A real OpenID provider: oidc-provider, as it comes from npm.

use std::net::SocketAddr;

use serde_json::json;

use super::api::{Api, base64};
use super::loopback;
use super::script::{self, Script};

/// A provider that runs; ends with this value. What it knows stands in `tests/oidc/provider.mjs`.
pub struct Provider {
    script: Script,
    address: SocketAddr,
    console: SocketAddr,
}

/// A provider that has ended.
pub struct Away {
    address: SocketAddr,
    console: SocketAddr,
}

impl Away {
    /// Starts it where it was, with keys that nobody has seen.
    pub fn back(self) -> Provider {
        Provider::at(self.address, self.console)
    }
}

impl Provider {
    /// Starts one whose console client may come back to this server.
    pub fn start(console: SocketAddr) -> Self {
        Self::at(SocketAddr::from((loopback::next(), 8080)), console)
    }

    fn at(address: SocketAddr, console: SocketAddr) -> Self {
        let place = json!({"host": address.ip().to_string(), "port": address.port(), "console": format!("http://{console}")});
        let mut command = script::node("oidc/provider.mjs", "provider");
        command.env("OIDC_PROVIDER", place.to_string());
        let mut provider = Provider { script: Script::start(&command), address, console };
        provider.script.says("ready");
        provider
    }

    /// Ends it; nothing listens at its address then.
    pub fn away(self) -> Away {
        Away { address: self.address, console: self.console }
    }

    /// What its tokens have as `iss`.
    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has it do something; it says when that is done.
    pub fn order(&mut self, what: &str) {
        self.script.tell(what);
        self.script.says("done");
    }

    /// How many tokens it has renewed.
    pub fn renewals(&mut self) -> usize {
        self.script.tell("renewals");
        let said = self.script.line().expect("a line");
        said.parse().unwrap_or_else(|_| panic!("{said:?} is no number"))
    }

    /// An access token, as one of its clients takes it by client credentials.
    pub fn token(&self, client: &str) -> String {
        Self::token_at(self.address, client)
    }

    /// The same of another issuer in the same house, which signs with the same keys.
    pub fn token_of_other_issuer(&self, client: &str) -> String {
        Self::token_at(SocketAddr::new(self.address.ip(), self.address.port() + 1), client)
    }

    fn token_at(address: SocketAddr, client: &str) -> String {
        let basic = format!("Basic {}", base64(format!("{client}:secret-of-{client}").as_bytes()));
        let headers = [("Authorization", basic.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let given = Api::anonymous(address).send("POST", "/token", &headers, b"grant_type=client_credentials").expect("an answer");
        given.expect(200).at("/access_token").as_str().expect("a token").to_owned()
    }
}
