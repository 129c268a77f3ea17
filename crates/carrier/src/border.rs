//! A proxy before the registrar that authenticates for itself (`carriers.md` C16).

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sip::Name;

use crate::algorithm::Algorithm;
use crate::answer::Answer;
use crate::authorization::Authorization;
use crate::digest::{self, Asked};
use crate::nonce::Freshness;
use crate::request::Request;
use crate::{Carrier, Challenge, DigestSeen, Password};

/// A proxy with a realm and one account of its own; it asks for MD5 with qop `auth`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Border {
    /// Its realm.
    pub realm: String,
    /// The digest user name that it lets pass.
    pub username: String,
    /// That one's password.
    pub password: Password,
    /// Its challenge stands beside the registrar's in one 401, rather than alone in a 407.
    pub beside: bool,
}

impl Default for Border {
    fn default() -> Self {
        Border { realm: "edge.proxy".into(), username: "border".into(), password: "b0rder".into(), beside: false }
    }
}

/// What the nonces of a proxy are issued for.
const PURPOSE: &str = "border";

impl Carrier {
    /// What the proxy on the way has against a request, if there is one.
    pub(crate) fn stopped_at_the_border(&mut self, now: Instant, request: &Request<'_>) -> Option<(Answer, DigestSeen)> {
        let border = self.config.temperament.border.clone()?;
        let given = request
            .values(Name::ProxyAuthorization)
            .filter_map(|value| Authorization::parse(value).ok())
            .find(|given| given.realm == border.realm);
        let Some(given) = given else {
            return Some((self.border_challenge(now, request, &border, false, border.beside), DigestSeen::None));
        };
        let asked =
            Asked { username: &border.username, password: border.password.reveal(), method: request.method, body: request.message.body() };
        let right = given.username == border.username && digest::response(Algorithm::MD5, &asked, &given) == given.response;
        if !right || given.qop.as_deref() != Some("auth") || given.uri != request.uri {
            return Some((self.border_challenge(now, request, &border, false, false), DigestSeen::Wrong));
        }
        let life = Duration::from_secs(self.config.temperament.nonce_life.into());
        let count = given.nc.as_deref().and_then(|nc| u32::from_str_radix(nc, 16).ok()).unwrap_or_default();
        let fresh = self.nonces.check(now, &given.nonce, PURPOSE, life) == Freshness::Fresh
            && self.nonces.count(now, &given.nonce, count, false, life);
        (!fresh).then(|| (self.border_challenge(now, request, &border, true, false), DigestSeen::Stale))
    }

    fn border_challenge(&mut self, now: Instant, request: &Request<'_>, border: &Border, stale: bool, beside: bool) -> Answer {
        let nonce = self.nonces.issue(now, PURPOSE);
        let own = Challenge { realm: Some(border.realm.clone()), ..Challenge::default() };
        let text = own.text(&border.realm, &nonce, stale);
        let answer = if beside { self.registrars_challenge(now, request) } else { Answer::of(407) };
        answer.header("Proxy-Authenticate", text)
    }
}
