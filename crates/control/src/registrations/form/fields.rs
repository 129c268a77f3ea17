//! A JSON object that is taken apart field by field, so that what is left over is unknown and no message quotes a value.

use diagnosis::Code;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::fault::Fault;

/// An unknown field that resembles a known one this much (Jaro-Winkler) is taken for a slip of the pen.
const RESEMBLES: f64 = 0.7;

/// A JSON object that is taken apart field by field. Faults are gathered, so that a caller sees them all at once.
pub struct Fields {
    map: Map<String, Value>,
    path: String,
    known: Vec<&'static str>,
}

impl Fields {
    /// Takes the members of a JSON object.
    pub fn new(map: Map<String, Value>) -> Self {
        Fields { map, path: String::new(), known: Vec::new() }
    }

    /// Returns the path of a field, for faults.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Takes a field as it is; `null` is the same as absent.
    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.map.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a text.
    pub fn text(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if text.contains('\0') => {
                faults.push(Fault::value(self.path(name), format!("{} holds a NUL character.", self.path(name))));
                None
            }
            Value::String(text) => Some(text),
            _ => self.wrong(name, "a text in quotes", faults),
        }
    }

    /// Takes a secret text; it is not copied.
    pub fn secret(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Option<SecretString> {
        match self.take(name)? {
            Value::String(text) => Some(SecretString::from(text)),
            _ => self.wrong(name, "a text in quotes", faults),
        }
    }

    /// Takes a truth value.
    pub fn truth(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(truth) => Some(truth),
            _ => self.wrong(name, "true or false", faults),
        }
    }

    /// Takes a list of texts.
    pub fn texts(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Option<Vec<String>> {
        let value = self.take(name)?;
        let texts: Option<Vec<String>> =
            value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        if texts.is_some() { texts } else { self.wrong(name, "a list of texts", faults) }
    }

    /// Takes an object within this one.
    pub fn object(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Option<Fields> {
        match self.take(name)? {
            Value::Object(map) => Some(Fields { map, path: self.path(name), known: Vec::new() }),
            _ => self.wrong(name, "an object", faults),
        }
    }

    /// Takes the id of a reference, `{"id": "..."}`.
    pub fn reference(&mut self, name: &'static str, faults: &mut Vec<Fault>) -> Option<String> {
        let mut fields = self.object(name, faults)?;
        let id = fields.text("id", faults);
        if id.is_none() {
            faults.push(Fault::value(fields.path("id"), format!("{} needs an id.", self.path(name))));
        }
        // Clients send back what they were given.
        for given in ["name", "selfUri"] {
            fields.take(given);
        }
        fields.finish(faults);
        id
    }

    /// Takes all members, whatever their names.
    pub fn drain(&mut self) -> Map<String, Value> {
        std::mem::take(&mut self.map)
    }

    /// Whatever was not taken is unknown; the nearest known field is named.
    pub fn finish(self, faults: &mut Vec<Fault>) {
        for name in self.map.keys() {
            // The name is the caller's, and may be a secret in the wrong place: control characters and length are bounded.
            let shown: String = name.chars().take(64).filter(|c| !c.is_control()).collect();
            let field = self.path(&shown);
            let nearest = self
                .known
                .iter()
                .map(|known| (strsim::jaro_winkler(&known.to_lowercase(), &shown.to_lowercase()), *known))
                .max_by(|a, b| a.0.total_cmp(&b.0));
            let fault = Fault::new(Code::FieldUnknown, &field, format!("This call knows no field {field}."));
            faults.push(match nearest {
                Some((likeness, known)) if likeness >= RESEMBLES => fault.remedy(format!("Did you mean {}?", self.path(known))),
                _ => fault.remedy(format!("Leave it out; known fields are {}.", self.known.join(", "))),
            });
        }
    }

    fn wrong<T>(&self, name: &str, wanted: &str, faults: &mut Vec<Fault>) -> Option<T> {
        let path = self.path(name);
        faults.push(Fault::value(&path, format!("{path} must be {wanted}.")));
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(value: Value) -> Fields {
        let Value::Object(map) = value else { panic!("not an object") };
        Fields::new(map)
    }

    #[test]
    fn an_unknown_field_names_the_nearest_known_one() {
        let mut faults = Vec::new();
        let mut given = fields(json!({"trunkID": "t1", "zzz": 1}));
        assert_eq!(given.text("trunkId", &mut faults), None);
        given.finish(&mut faults);
        assert_eq!(faults.iter().map(Fault::code).collect::<Vec<_>>(), ["registration.field.unknown"; 2]);
        assert_eq!(faults[0].remedy.as_deref(), Some("Did you mean trunkId?"));
        assert!(faults[1].remedy.as_deref().unwrap().contains("known fields are trunkId"));
    }

    #[test]
    fn a_value_of_the_wrong_kind_is_named_by_its_path_and_not_quoted() {
        let mut faults = Vec::new();
        let mut given = fields(json!({"credentials": {"password": 123456}}));
        let mut inner = given.object("credentials", &mut faults).unwrap();
        assert!(inner.secret("password", &mut faults).is_none());
        assert_eq!(faults[0].field, "credentials.password");
        assert!(!format!("{faults:?}").contains("123456"));
    }

    #[test]
    fn null_is_absent() {
        let mut faults = Vec::new();
        let mut given = fields(json!({"realm": null}));
        assert_eq!(given.text("realm", &mut faults), None);
        given.finish(&mut faults);
        assert!(faults.is_empty());
    }
}
