//! The bodies of the two verify calls.

use diagnosis::Code;
use serde_json::{Map, Value};
use sip::Uri;

use super::credentials::Asked;
use super::fault::Fault;
use super::fields::Fields;

/// So many registrars are tried at most.
pub const REGISTRARS_MAX: usize = 16;

/// Where and as whom a carrier is asked.
#[derive(Debug)]
pub struct Target {
    /// Next hops in order; empty where a carrier is named.
    pub registrars: Vec<String>,
    /// The carrier whose profile is used.
    pub carrier: Option<String>,
    /// Who asks.
    pub address_of_record: String,
    /// The Request-URI, where it is not the address-of-record's host.
    pub request_uri: Option<String>,
    /// Preloaded Route and first hop.
    pub outbound_proxy: Option<String>,
}

/// The body of POST .../registrations/verify: nothing of it is stored.
#[derive(Debug)]
pub struct VerifyAdHoc {
    /// Where and as whom.
    pub target: Target,
    /// The site whose edge asks; may be absent where there is one site.
    pub site: Option<String>,
    /// What is tried; may be absent where only the challenge is asked for.
    pub asked: Option<Asked>,
    /// Learns and sends no digest.
    pub challenge_only: bool,
}

/// The body of POST .../registrations/{trunkId}/verify.
#[derive(Debug)]
pub struct VerifyTrunk {
    /// What is tried; the active credentials where absent.
    pub asked: Option<Asked>,
    /// Learns and sends no digest.
    pub challenge_only: bool,
}

impl VerifyAdHoc {
    /// Reads the body.
    ///
    /// # Errors
    /// All faults of form.
    pub fn read(map: Map<String, Value>) -> Result<VerifyAdHoc, Vec<Fault>> {
        let (mut body, mut faults) = (Fields::new(map), Vec::new());
        let registrars = body.texts("registrars", &mut faults).unwrap_or_default();
        let carrier = body.reference("carrier", &mut faults);
        if faults.is_empty() && registrars.is_empty() == carrier.is_none() {
            faults.push(Fault::value("registrars", "Give registrars, or the carrier whose profile names them; one of the two."));
        }
        if registrars.len() > REGISTRARS_MAX {
            faults.push(Fault::value("registrars", format!("More than {REGISTRARS_MAX} registrars.")));
        }
        for (index, registrar) in registrars.iter().enumerate() {
            check_uri(registrar, &format!("registrars[{index}]"), &mut faults);
        }
        let address_of_record = uri(&mut body, "addressOfRecord", &mut faults);
        if address_of_record.is_none() && faults.iter().all(|fault| fault.field != "addressOfRecord") {
            faults.push(Fault::new(
                Code::RegistrarMalformed,
                "addressOfRecord",
                "addressOfRecord is missing: who registers, such as sip:6221500004@ims.carrier.co.id.",
            ));
        }
        let request_uri = uri(&mut body, "requestUri", &mut faults);
        let outbound_proxy = uri(&mut body, "outboundProxy", &mut faults);
        let site = body.reference("site", &mut faults);
        let (asked, challenge_only) = what(&mut body, &mut faults);
        if asked.is_none() && !challenge_only && faults.is_empty() {
            faults.push(Fault::new(
                Code::PasswordEmpty,
                "credentials",
                "No credentials were given; \"challengeOnly\": true asks without any.",
            ));
        }
        body.finish(&mut faults);
        match address_of_record {
            Some(address_of_record) if faults.is_empty() => {
                let target = Target { registrars, carrier, address_of_record, request_uri, outbound_proxy };
                Ok(VerifyAdHoc { target, site, asked, challenge_only })
            }
            _ => Err(faults),
        }
    }
}

impl VerifyTrunk {
    /// Fields that name a target: a trunk's secret goes to the trunk's own carrier and nowhere else.
    const TARGET_FIELDS: [&'static str; 9] =
        ["registrars", "addressOfRecord", "requestUri", "outboundProxy", "carrier", "site", "trunkId", "contact", "contactUser"];

    /// Reads the body.
    ///
    /// # Errors
    /// All faults of form.
    pub fn read(mut map: Map<String, Value>) -> Result<VerifyTrunk, Vec<Fault>> {
        let mut faults = Vec::new();
        for field in Self::TARGET_FIELDS {
            if map.remove(field).is_some() {
                let summary = format!("{field} cannot be given here: the trunk's own carrier is asked.");
                let fault = Fault::new(Code::FieldUnknown, field, summary);
                faults.push(fault.remedy("Leave it out, or ask another target with POST /api/v2/trunks/voice/registrations/verify, which needs credentials in its body."));
            }
        }
        let mut body = Fields::new(map);
        let (asked, challenge_only) = what(&mut body, &mut faults);
        body.finish(&mut faults);
        if faults.is_empty() { Ok(VerifyTrunk { asked, challenge_only }) } else { Err(faults) }
    }
}

fn what(body: &mut Fields, faults: &mut Vec<Fault>) -> (Option<Asked>, bool) {
    let accept = Asked::accept(body, faults);
    let challenge_only = body.truth("challengeOnly", faults).unwrap_or(false);
    (Asked::take(body, &accept, faults), challenge_only)
}

fn uri(body: &mut Fields, name: &'static str, faults: &mut Vec<Fault>) -> Option<String> {
    let text = body.text(name, faults)?;
    check_uri(&text, name, faults).then_some(text)
}

fn check_uri(text: &str, field: &str, faults: &mut Vec<Fault>) -> bool {
    match Uri::parse(text) {
        Ok(_) => true,
        Err(error) => {
            faults.push(Fault::new(Code::RegistrarMalformed, field, format!("{field} is not a SIP URI: {error}.")));
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(body: Value) -> Map<String, Value> {
        let Value::Object(map) = body else { panic!("not an object") };
        map
    }

    #[test]
    fn an_ad_hoc_target_is_read() {
        let body = json!({"registrars": ["sip:192.0.2.1:5060;transport=udp"], "addressOfRecord": "sip:u@carrier.example", "site": {"id": "jakarta"},
            "credentials": {"username": "u", "password": "p"}});
        let ad_hoc = VerifyAdHoc::read(map(body)).unwrap();
        assert_eq!(ad_hoc.site.as_deref(), Some("jakarta"));
        assert!(ad_hoc.asked.is_some() && !ad_hoc.challenge_only);
    }

    #[test]
    fn challenge_only_needs_no_credentials() {
        let body = json!({"carrier": {"id": "c"}, "addressOfRecord": "sip:u@carrier.example", "challengeOnly": true});
        let ad_hoc = VerifyAdHoc::read(map(body)).unwrap();
        assert!(ad_hoc.asked.is_none() && ad_hoc.challenge_only);
    }

    #[test]
    fn a_target_that_is_no_uri_is_named() {
        for (body, code, field) in [
            (
                json!({"registrars": ["192.0.2.1"], "addressOfRecord": "sip:u@c", "challengeOnly": true}),
                "registration.registrar.malformed",
                "registrars[0]",
            ),
            (
                json!({"registrars": ["sip:c"], "addressOfRecord": "u@c", "challengeOnly": true}),
                "registration.registrar.malformed",
                "addressOfRecord",
            ),
            (json!({"registrars": ["sip:c"], "challengeOnly": true}), "registration.registrar.malformed", "addressOfRecord"),
            (json!({"addressOfRecord": "sip:u@c", "challengeOnly": true}), "invalid.value", "registrars"),
            (json!({"registrars": ["sip:c"], "addressOfRecord": "sip:u@c"}), "registration.password.empty", "credentials"),
        ] {
            let faults = VerifyAdHoc::read(map(body)).unwrap_err();
            assert_eq!((faults[0].code(), faults[0].field.as_str()), (code, field));
        }
    }

    #[test]
    fn a_trunks_secret_goes_to_no_other_target() {
        for field in VerifyTrunk::TARGET_FIELDS {
            let faults = VerifyTrunk::read(map(json!({field: "sip:elsewhere"}))).unwrap_err();
            assert_eq!((faults[0].code(), faults[0].field.as_str()), ("registration.field.unknown", field));
        }
        assert!(VerifyTrunk::read(map(json!({"challengeOnly": true}))).unwrap().challenge_only);
        assert!(VerifyTrunk::read(map(json!({}))).unwrap().asked.is_none());
    }
}
