//! The body of POST /api/v2/trunks/voice/registrations.

use diagnosis::Code;
use link::UnixMicros;
use serde_json::{Map, Value};

use super::credentials::Asked;
use super::fault::Fault;
use super::fields::Fields;

/// Whether the carrier is asked before anything changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is asked, from the trunk's own edge.
    Live,
    /// Form and policy only.
    Static,
}

impl Mode {
    /// Takes `verify`.
    pub fn take(body: &mut Fields, default: Mode, faults: &mut Vec<Fault>) -> Mode {
        match body.text("verify", faults).as_deref() {
            None => default,
            Some("live") => Mode::Live,
            Some("static") => Mode::Static,
            Some(_) => {
                faults.push(Fault::value("verify", "verify must be \"live\" or \"static\"."));
                default
            }
        }
    }
}

/// The credentials of a trunk as they are to be.
#[derive(Debug)]
pub struct Posted {
    /// The trunk's id.
    pub trunk: String,
    /// The credentials.
    pub asked: Asked,
    /// How they are verified.
    pub mode: Mode,
    /// They are kept beside the active ones.
    pub standby: bool,
    /// They wait for this time.
    pub activate_at: Option<UnixMicros>,
    /// A 2xx without a challenge is good enough; the carrier's profile decides where absent.
    pub accept_unproven: Option<bool>,
}

impl Posted {
    /// Reads the body.
    ///
    /// # Errors
    /// All faults of form.
    pub fn read(map: Map<String, Value>) -> Result<Posted, Vec<Fault>> {
        let (mut body, mut faults) = (Fields::new(map), Vec::new());
        let trunk = body.text("trunkId", &mut faults);
        if trunk.is_none() && faults.is_empty() {
            faults.push(Fault::value("trunkId", "trunkId is missing: the id of the trunk whose credentials are set."));
        }
        let accept = Asked::accept(&mut body, &mut faults);
        let before = faults.len();
        let asked = Asked::take(&mut body, &accept, &mut faults);
        if asked.is_none() && faults.len() == before {
            faults.push(Fault::new(Code::UsernameMalformed, "credentials.username", "No credentials were given."));
            faults.push(Fault::new(Code::PasswordEmpty, "credentials.password", "No credentials were given."));
        }
        let mode = Mode::take(&mut body, Mode::Live, &mut faults);
        let standby = body.truth("standby", &mut faults).unwrap_or(false);
        let accept_unproven = body.truth("acceptUnproven", &mut faults);
        let activate_at = activate_at(&mut body, &mut faults);
        if standby && activate_at.is_some() {
            faults.push(Fault::value(
                "activateAt",
                "activateAt and standby exclude each other: the one waits for a time, the other for the carrier.",
            ));
        }
        body.finish(&mut faults);
        // What the caller misspelt explains what is missing.
        faults.sort_by_key(|fault| fault.code() != Code::FieldUnknown.as_str());
        match (trunk, asked) {
            (Some(trunk), Some(asked)) if faults.is_empty() => Ok(Posted { trunk, asked, mode, standby, activate_at, accept_unproven }),
            _ => Err(faults),
        }
    }
}

/// Takes `activateAt`, RFC 3339 with any offset.
fn activate_at(body: &mut Fields, faults: &mut Vec<Fault>) -> Option<UnixMicros> {
    let text = body.text("activateAt", faults)?;
    let at = crate::time::parse(&text);
    if at.is_none() {
        faults.push(Fault::value("activateAt", "activateAt is a time; write it like 2026-11-24T19:00:00Z or 2026-11-25T02:00:00+07:00."));
    }
    at
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: Value) -> Result<Posted, Vec<Fault>> {
        let Value::Object(map) = body else { panic!("not an object") };
        Posted::read(map)
    }

    #[test]
    fn the_flagship_body_is_read() {
        let posted = read(json!({"trunkId": "trunk_jkt_04", "verify": "static", "standby": true, "acceptUnproven": true,
            "credentials": {"username": "6221500004", "password": "s3cret", "realm": "ims.carrier.co.id", "algorithm": "MD5"}}))
        .unwrap();
        assert_eq!(
            (posted.trunk.as_str(), posted.mode, posted.standby, posted.accept_unproven),
            ("trunk_jkt_04", Mode::Static, true, Some(true))
        );
    }

    #[test]
    fn live_is_the_default_and_other_words_are_refused() {
        let body = |verify: Value| json!({"trunkId": "t", "username": "u", "password": "p", "verify": verify});
        assert_eq!(read(body(Value::Null)).unwrap().mode, Mode::Live);
        for verify in [json!("none"), json!(true)] {
            assert_eq!(read(body(verify)).unwrap_err()[0].field, "verify");
        }
    }

    #[test]
    fn a_misspelt_field_is_told_before_what_it_leaves_missing() {
        let faults = read(json!({"trunkId": "t", "credentials": {"user": "u", "password": "p"}})).unwrap_err();
        assert_eq!(faults[0].code(), "registration.field.unknown");
        assert_eq!(faults[1].code(), "registration.username.malformed");
    }

    #[test]
    fn without_a_trunk_or_credentials_nothing_is_set() {
        assert_eq!(read(json!({"username": "u", "password": "p"})).unwrap_err()[0].field, "trunkId");
        let fields: Vec<String> = read(json!({"trunkId": "t"})).unwrap_err().into_iter().map(|fault| fault.field).collect();
        assert_eq!(fields, ["credentials.username", "credentials.password"]);
    }

    #[test]
    fn a_time_is_read_with_its_offset() {
        let body =
            |at: Value, standby: bool| json!({"trunkId": "t", "username": "u", "password": "p", "activateAt": at, "standby": standby});
        assert_eq!(read(body(json!("1970-01-01T07:00:01+07:00"), false)).unwrap().activate_at, Some(1_000_000));
        for (at, standby) in [(json!("02:00"), false), (json!(5), false), (json!("2030-01-01T00:00:00Z"), true)] {
            assert_eq!(read(body(at, standby)).unwrap_err()[0].field, "activateAt");
        }
    }
}
