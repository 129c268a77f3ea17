//! What one line asks for.

use serde_json::{Map, Value};

use crate::http::json;
use crate::problem::Problem;
use crate::registrations::form::{self, Asked, Fault, Fields, Mode};
use crate::registrations::refusal::message;

/// What one line asks for: a trunk, its credentials, or both.
#[derive(Debug)]
pub struct Order {
    /// The trunk's id; drawn here where the line gives none.
    pub trunk: String,
    /// What is set for the trunk; absent where only credentials are.
    pub fields: Option<Map<String, Value>>,
    /// The credentials.
    pub asked: Option<Asked>,
    /// How they are verified.
    pub mode: Mode,
    /// A 2xx without a challenge is good enough; the carrier's profile decides where absent.
    pub accept_unproven: Option<bool>,
}

impl Order {
    /// Reads a line.
    ///
    /// # Errors
    /// The trunk's id, where it can be told, and 400 with all faults of form.
    pub fn read(text: &[u8]) -> Result<Order, (Option<String>, Problem)> {
        let map = match json::parse(text) {
            Ok(Value::Object(mut map)) => {
                without_exported(&mut map);
                map
            }
            Ok(_) => return Err((None, Problem::bad_request("The line is not a JSON object."))),
            Err(problem) => return Err((None, problem)),
        };
        let (mut body, mut faults) = (Fields::new(map), Vec::new());
        let fields = match body.take("trunk") {
            Some(Value::Object(fields)) => Some(fields),
            Some(_) => {
                faults.push(Fault::value("trunk", "trunk must be an object."));
                None
            }
            None => None,
        };
        let named = body.text("trunkId", &mut faults);
        let inner = fields.as_ref().and_then(|fields| fields.get("id")).and_then(Value::as_str).map(str::to_owned);
        if let (Some(named), Some(inner)) = (&named, &inner)
            && named != inner
        {
            faults.push(Fault::value("trunkId", "trunkId and trunk.id name different trunks."));
        }
        if named.is_none() && fields.is_none() && faults.is_empty() {
            faults.push(Fault::value("trunk", "The line names no trunk: give trunk, or trunkId of one that is there."));
        }
        let accept = Asked::accept(&mut body, &mut faults);
        let asked = Asked::take(&mut body, &accept, &mut faults);
        let mode = Mode::take(&mut body, Mode::Static, &mut faults);
        let accept_unproven = body.truth("acceptUnproven", &mut faults);
        body.finish(&mut faults);
        faults.sort_by_key(|fault| fault.code() != diagnosis::Code::FieldUnknown.as_str());
        let id = named.or(inner);
        if !faults.is_empty() {
            let problem = form::problem(faults);
            let problem = match &id {
                Some(id) if problem.diagnosis().is_some() => problem.message(message(id)).entity(id, None),
                Some(_) | None => problem,
            };
            return Err((id, problem));
        }
        let trunk = id.unwrap_or_else(crate::domain::id::generate);
        Ok(Order { trunk, fields, asked, mode, accept_unproven })
    }
}

/// A line of an export says `passwordSet` in place of the secret. Where no secret was put in, it asks for no credentials: those that are
/// there stay.
fn without_exported(line: &mut Map<String, Value>) {
    let Some(Value::Object(credentials)) = line.get_mut("credentials") else { return };
    let exported = credentials.remove("passwordSet").is_some();
    if exported && !credentials.contains_key("password") && !credentials.contains_key("ha1") {
        line.remove("credentials");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_a_trunk_and_credentials_and_is_static_by_default() {
        let order = Order::read(
            br#"{"trunk": {"id": "t1", "addressOfRecord": "sip:u1@lab"}, "credentials": {"username": "u1", "password": "p1"}}"#,
        )
        .unwrap();
        assert_eq!((order.trunk.as_str(), order.mode), ("t1", Mode::Static));
        assert!(order.fields.is_some() && order.asked.is_some());
        let rotation = Order::read(br#"{"trunkId": "t1", "credentials": {"username": "u1", "password": "p2"}, "verify": "live"}"#).unwrap();
        assert!(rotation.fields.is_none());
        assert_eq!(rotation.mode, Mode::Live);
    }

    #[test]
    fn an_exported_line_leaves_credentials_as_they_are_until_a_secret_is_put_in() {
        let exported = Order::read(br#"{"trunk": {"id": "t1"}, "credentials": {"username": "u1", "passwordSet": true}}"#).unwrap();
        assert!(exported.asked.is_none());
        let filled = Order::read(br#"{"trunkId": "t1", "credentials": {"username": "u1", "passwordSet": true, "password": "p"}}"#).unwrap();
        assert!(filled.asked.is_some());
    }

    #[test]
    fn a_bad_line_names_its_trunk_where_it_can() {
        let unknown = br#"{"trunk": {"id": "t2"}, "credentials": {"username": "u", "password": "p", "pasword": "x"}}"#;
        let (id, problem) = Order::read(unknown).unwrap_err();
        assert_eq!((id.as_deref(), problem.code_str()), (Some("t2"), "registration.field.unknown"));
        for (line, code) in
            [(&b"{not json"[..], "bad.request"), (b"[]", "bad.request"), (b"{}", "invalid.value"), (br#"{"trunk": 1}"#, "invalid.value")]
        {
            let (id, problem) = Order::read(line).unwrap_err();
            assert_eq!((id, problem.code_str(), problem.status().as_u16()), (None, code, 400));
        }
    }
}
