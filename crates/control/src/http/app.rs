use std::sync::Arc;

use super::metrics::Requests;
use super::plan::Planning;
use super::throttle::Rates;
use crate::access::oidc::Oidc;
use crate::access::throttle::Throttle;
use crate::changes::Changes;
use crate::events::{EventSettings, Streams};
use crate::registrations::Registrations;
use crate::sealing::Keyring;
use crate::store::Store;
use crate::webhooks::Webhooks;

/// What the routes share; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// What is configured.
    pub store: Store,
    /// What seals secrets.
    pub keyring: Keyring,
    /// Told of every committed change.
    pub changes: Changes,
    /// The registrations and the edges that keep them.
    pub registrations: Registrations,
    /// When events are told, and how long a reader is waited for.
    pub(crate) event_settings: Arc<EventSettings>,
    /// The open streams of events.
    pub(crate) streams: Streams,
    /// Delivers events.
    pub(crate) webhooks: Webhooks,
    /// Slows those down who guess client secrets.
    pub(crate) throttle: Arc<Throttle>,
    /// The identity provider whose tokens are taken, if one is.
    pub(crate) oidc: Option<Arc<Oidc>>,
    /// Counts the requests of each route.
    pub(crate) requests: Requests,
    /// Counts the requests of each caller.
    pub(crate) rates: Arc<Rates>,
    /// Plans fleets.
    pub(crate) planning: Arc<Planning>,
    /// Whether X-Forwarded-For is believed.
    pub(crate) behind_proxy: bool,
}
