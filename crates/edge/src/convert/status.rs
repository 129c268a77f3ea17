use std::time::Duration;

use diagnosis::Diagnosis;
use link::{Generation, TrunkStatus};

use crate::clock::Clock;

/// Says an observed state in the link's terms.
pub(crate) fn status(from: ua::Status, edge: &str, clock: &Clock) -> TrunkStatus {
    let unix = |at: ua::Instant| clock.unix(at);
    TrunkStatus {
        trunk: (*from.trunk).to_owned(),
        generation: generation(from.generation),
        state: state(from.state),
        bound: from.bound,
        authenticated: from.authenticated,
        since: unix(from.since),
        registrar: from.registrar.map(|place| place.address.to_string()),
        transport: from.registrar.map(|place| place.transport.as_str().to_owned()),
        public_address: from.public_address.map(|address| address.to_string()),
        registered_at: from.registered_at.map(unix),
        expires_at: from.expires_at.map(unix),
        next_action_at: from.next_action_at.map(unix),
        round_trip_ms: from.round_trip.map(milliseconds),
        consecutive_failures: from.consecutive_failures,
        last_response: from.last_response,
        negotiated: from.negotiated.map(negotiated),
        service_route: from.routes.as_ref().map(|routes| routes.service.clone()).unwrap_or_default(),
        associated_uris: from.routes.map(|routes| routes.associated).unwrap_or_default(),
        options: options(from.options, clock),
        diagnosis: from.diagnosis.map(|diagnosis| with_edge(diagnosis, edge)),
        credential_version: from.credential_version,
        warnings: from.warnings,
        refreshes: from.refreshes,
    }
}

/// Says in the link's terms that a binding was renewed.
pub(crate) fn renewal(from: &ua::Renewal, clock: &Clock) -> link::Renewal {
    link::Renewal {
        trunk: (*from.trunk).to_owned(),
        expires_at: clock.unix(from.lapses_at),
        next_action_at: from.next_action_at.map(|at| clock.unix(at)),
        round_trip_ms: from.round_trip.map(milliseconds),
        options: options(from.options, clock),
        refreshes: from.refreshes,
    }
}

fn options(from: ua::OptionsStatus, clock: &Clock) -> link::OptionsStatus {
    link::OptionsStatus {
        state: match from.state {
            ua::OptionsState::Unknown => link::OptionsState::Unknown,
            ua::OptionsState::Up => link::OptionsState::Up,
            ua::OptionsState::Down => link::OptionsState::Down,
        },
        round_trip_ms: from.round_trip.map(milliseconds),
        since: from.since.map(|at| clock.unix(at)),
    }
}

/// Says who has seen what is diagnosed.
pub(crate) fn with_edge(mut diagnosis: Box<Diagnosis>, edge: &str) -> Box<Diagnosis> {
    diagnosis.evidence.edge = Some(edge.to_owned());
    diagnosis
}

pub(crate) fn negotiated(from: ua::Negotiated) -> link::Negotiated {
    let ua::Negotiated { realm, algorithm, qop, offered } = from;
    link::Negotiated { realm, algorithm, qop, offered }
}

pub(crate) fn generation(from: ua::Generation) -> Generation {
    Generation { incarnation: from.incarnation, number: from.number }
}

fn state(from: ua::RegistrationState) -> link::RegistrationState {
    match from {
        ua::RegistrationState::Pending => link::RegistrationState::Pending,
        ua::RegistrationState::Registering => link::RegistrationState::Registering,
        ua::RegistrationState::Registered => link::RegistrationState::Registered,
        ua::RegistrationState::Refreshing => link::RegistrationState::Refreshing,
        ua::RegistrationState::RetryWait => link::RegistrationState::RetryWait,
        ua::RegistrationState::Unreachable => link::RegistrationState::Unreachable,
        ua::RegistrationState::AuthHeld => link::RegistrationState::AuthHeld,
        ua::RegistrationState::Rejected => link::RegistrationState::Rejected,
        ua::RegistrationState::Expired => link::RegistrationState::Expired,
        ua::RegistrationState::Unregistering => link::RegistrationState::Unregistering,
    }
}

/// A round trip below a millisecond is told as one: zero would look unmeasured.
fn milliseconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis().max(1)).unwrap_or(u32::MAX)
}
