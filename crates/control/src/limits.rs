//! What a caller can meet the end of, in one table. `docs/guide/limits.md` shows it; a test holds that page to it, and the API to both.

use crate::access::{clients, oauth, oidc, throttle};
use crate::domain::{carrier, id, scope};
use crate::events::streams;
use crate::http::{RateLimit, json, listing, plan, projection, resources};
use crate::registrations::{asking, bulk, form, post, rotation, trace};
use crate::webhooks;

/// A bound, and what comes beyond it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// By which a test finds it.
    pub id: &'static str,
    /// What is bounded.
    pub what: &'static str,
    /// So much is taken.
    pub bound: u64,
    /// Of these.
    pub unit: &'static str,
    /// The status of what is beyond; that of its line in an import.
    pub status: u16,
}

/// Returns all of them, in the order of the page.
pub fn limits() -> Vec<Limit> {
    let rate = RateLimit::default();
    let limit = |id, what, bound: usize, unit, status| Limit { id, what, bound: bound as u64, unit, status };
    vec![
        limit("body", "body of a request; an import streams", json::BODY_BYTES_MAX, "bytes", 413),
        limit("token-form", "body of a token request", oauth::FORM_BYTES_MAX, "bytes", 413),
        limit("line", "line of an import, row of a sheet", bulk::LINE_BYTES_MAX, "bytes", 413),
        limit("columns", "columns of a sheet", bulk::COLUMNS_MAX, "columns", 400),
        limit("page", "`pageSize`", listing::SIZE_MAX as usize, "entities", 400),
        limit("offset", "`pageNumber` times `pageSize`; beyond, `cursor`", listing::OFFSET_MAX as usize, "entities", 400),
        limit("filter", "each query parameter, `expand` excepted", 1, "time", 400),
        limit("ids", "`edgeIds`, `trunkIds` of the projection", projection::IDS_MAX, "ids", 400),
        limit("id", "an id", id::ID_CHARS_MAX, "characters", 400),
        limit("name", "a name", resources::form::NAME_CHARS_MAX, "characters", 400),
        limit("key", "`Idempotency-Key`", post::KEY_CHARS_MAX, "characters", 400),
        limit("registrars", "`registrars` of a carrier", carrier::checked::REGISTRARS_MAX, "SIP URIs", 400),
        limit("ad-hoc-registrars", "`registrars` of a verification without a trunk", form::REGISTRARS_MAX, "SIP URIs", 400),
        limit("grants", "`roleGrants` of a client", clients::GRANTS_MAX, "grants", 400),
        limit("scope", "trunks that a scope names", scope::TRUNKS_MAX, "trunks", 400),
        limit("trace", "`minutes` of a trace", trace::MINUTES_MAX as usize, "minutes", 400),
        limit("pace", "`perSecond` of a rotation", rotation::PER_SECOND_MAX as usize, "trunks a second", 400),
        limit("plan", "`trunks` of all carriers of a plan", plan::TRUNKS_MAX as usize, "trunks", 400),
        limit("webhooks", "webhooks", webhooks::WEBHOOKS_MAX, "webhooks", 409),
        limit(
            "requests",
            "requests of a client, or of a network without a good token; `--rate-limit`",
            rate.requests as usize,
            "a minute",
            429,
        ),
        limit("token-requests", "token requests of a network", throttle::REQUESTS_MAX as usize, "a minute", 429),
        limit("token-failures", "failures among them", throttle::FAILURES_MAX as usize, "a minute", 429),
        limit(
            "client-failures",
            "failed token requests for a client, from anywhere",
            throttle::CLIENT_FAILURES_MAX as usize,
            "in 15 minutes",
            429,
        ),
        limit("provider-token", "token of an identity provider", oidc::TOKEN_BYTES_MAX, "bytes", 401),
        limit("verifications", "verifications at a carrier that single requests ask for", asking::AT_A_CARRIER, "at a time", 429),
        limit("verification", "verifications of a trunk; the same one is joined", 1, "at a time", 409),
        limit("streams", "event streams of a client", streams::OF_ONE_MAX, "at a time", 429),
        limit("all-streams", "event streams", streams::ALL_MAX, "at a time", 429),
    ]
}
