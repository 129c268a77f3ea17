//! From JSON to a type, with the field named in every fault and never its value's text: it may be a secret.

use std::fmt::{self, Display};

use axum::http::StatusCode;
use diagnosis::{Code, Diagnosis};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, Expected, IntoDeserializer, MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Marks a diagnosis code at the head of a custom message.
const MARK: char = '\u{1f}';

/// What is wrong with which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field's path, such as `contact.port` or `registrars[1]`; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub kind: FaultKind,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Nobody knows it.
    Unknown {
        /// Its name.
        field: String,
        /// The names that are known in its place.
        known: Vec<String>,
    },
    /// It is needed and absent.
    Missing,
    /// Its value is refused.
    Value {
        /// The catalogue's code, where it has one.
        code: Option<Code>,
        /// Why, in a sentence or less.
        message: String,
    },
}

/// Writes a message that carries a code of the catalogue through serde's `custom`.
pub fn coded(code: Code, message: &str) -> String {
    format!("{}{MARK}{message}", code.as_str())
}

/// Reads a value as `T`; unknown fields are faults where `T` denies them.
///
/// # Errors
/// The first [`Fault`] that is found.
pub fn decode<T: DeserializeOwned>(value: &Value) -> Result<T, Fault> {
    T::deserialize(Node(value))
}

impl Fault {
    /// Names a refused value.
    pub fn value(path: impl Into<String>, message: impl Into<String>) -> Self {
        Fault { path: path.into(), kind: FaultKind::Value { code: None, message: message.into() } }
    }

    /// Puts the fault below a field.
    #[must_use]
    pub fn under(mut self, parent: &str) -> Self {
        self.path = match self.path.as_str() {
            "" => parent.to_owned(),
            path if path.starts_with('[') => format!("{parent}{path}"),
            path => format!("{parent}.{path}"),
        };
        self
    }

    /// Adds names to those that are known where the fault is an unknown field of the outermost object.
    #[must_use]
    pub fn also_known(mut self, names: &[&str]) -> Self {
        if let FaultKind::Unknown { field, known } = &mut self.kind
            && self.path == *field
        {
            known.extend(names.iter().map(|name| (*name).to_owned()));
        }
        self
    }

    /// Returns the known name that is nearest to an unknown one, if any is near.
    pub fn nearest(&self) -> Option<&str> {
        let FaultKind::Unknown { field, known } = &self.kind else { return None };
        let field = field.to_ascii_lowercase();
        let scored = known.iter().map(|name| (strsim::jaro_winkler(&field, &name.to_ascii_lowercase()), name.as_str()));
        scored.filter(|(score, _)| *score > 0.75).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, name)| name)
    }

    /// Says it in a sentence.
    pub fn message(&self) -> String {
        match &self.kind {
            FaultKind::Unknown { known, .. } => match self.nearest() {
                Some(near) => format!("There is no field {:?}; the nearest known one is {near:?}.", self.path),
                None if known.is_empty() => format!("There is no field {:?}; none is known here.", self.path),
                None => format!("There is no field {:?}; known are {}.", self.path, known.join(", ")),
            },
            FaultKind::Missing => format!("The field {:?} is missing.", self.path),
            FaultKind::Value { message, .. } if self.path.is_empty() => message.clone(),
            FaultKind::Value { message, .. } => format!("{}: {message}", self.path),
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let message = fault.message();
        let problem = match &fault.kind {
            FaultKind::Value { code: Some(code), .. } => Problem::from(Diagnosis::new(*code).summary(message)),
            FaultKind::Value { code: None, .. } | FaultKind::Unknown { .. } | FaultKind::Missing => {
                Problem::new(StatusCode::BAD_REQUEST, "invalid.value", message)
            }
        };
        if fault.path.is_empty() { problem } else { problem.field(fault.path) }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl std::error::Error for Fault {}

impl Error for Fault {
    fn custom<T: Display>(message: T) -> Self {
        let message = message.to_string();
        let (code, message) = match message.split_once(MARK) {
            Some((code, rest)) => (code.parse().ok(), rest.to_owned()),
            None => (None, message),
        };
        Fault { path: String::new(), kind: FaultKind::Value { code, message } }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = expected.iter().map(|name| (*name).to_owned()).collect();
        Fault { path: field.to_owned(), kind: FaultKind::Unknown { field: field.to_owned(), known } }
    }

    fn missing_field(field: &'static str) -> Self {
        Fault { path: field.to_owned(), kind: FaultKind::Missing }
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Fault::value("", format!("One of {} is expected.", expected.join(", ")))
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match unexpected {
            Unexpected::Bool(_) => "a boolean",
            Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
            Unexpected::Str(_) | Unexpected::Char(_) => "a string",
            Unexpected::Unit | Unexpected::Option => "null",
            Unexpected::Seq => "a list",
            Unexpected::Map => "an object",
            _ => "something else",
        };
        Fault::value("", format!("Expected is {}, not {found}.", plain(expected)))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Fault::value("", format!("Expected is {}.", plain(expected)))
    }
}

/// Puts serde's words for Rust types into those of JSON.
fn plain(expected: &dyn Expected) -> String {
    match expected.to_string().as_str() {
        "u8" | "u16" | "u32" | "u64" => "a whole number that is not negative and not too large".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        text if text.starts_with("struct ") => "an object".to_owned(),
        text if text.starts_with("enum ") || text.contains("enum") => "a string".to_owned(),
        text => text.to_owned(),
    }
}

/// A place in the document.
#[derive(Clone, Copy)]
struct Node<'de>(&'de Value);

impl<'de> IntoDeserializer<'de, Fault> for Node<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (None, Some(value), _) => visitor.visit_i64(value),
                (None, None, Some(value)) => visitor.visit_f64(value),
                (None, None, None) => Err(Fault::value("", "The number is too large.")),
            },
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Array(items) => SeqAccessDeserializer::new(Items { items, at: 0 }).deserialize_any(visitor),
            Value::Object(fields) => MapAccessDeserializer::new(Fields { fields: fields.iter(), at: None }).deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.0 {
            Value::String(text) => {
                let deserializer: serde::de::value::StrDeserializer<'_, Fault> = text.as_str().into_deserializer();
                deserializer.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Fault::value("", format!("One of {} is expected.", variants.join(", ")))),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'de> {
    items: &'de [Value],
    at: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.get(self.at) else { return Ok(None) };
        let index = self.at;
        self.at += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|fault| fault.under(&format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len() - self.at)
    }
}

struct Fields<'de> {
    fields: serde_json::map::Iter<'de>,
    at: Option<(&'de str, &'de Value)>,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        self.at = self.fields.next().map(|(name, value)| (name.as_str(), value));
        let Some((name, _)) = self.at else { return Ok(None) };
        let deserializer: serde::de::value::BorrowedStrDeserializer<'de, Fault> = serde::de::value::BorrowedStrDeserializer::new(name);
        seed.deserialize(deserializer).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fault> {
        let (name, value) = self.at.take().ok_or_else(|| Fault::value("", "A value without a name."))?;
        seed.deserialize(Node(value)).map_err(|fault| fault.under(name))
    }
}

/// Takes a field out of an object and reads it; a null counts as absent.
///
/// # Errors
/// A [`Fault`] that names the field.
pub fn take<T: DeserializeOwned>(object: &mut Map<String, Value>, name: &str) -> Result<Option<T>, Fault> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => decode(&value).map(Some).map_err(|fault: Fault| fault.under(name)),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Outer {
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default)]
        mode: Option<Mode>,
        #[serde(default)]
        small: Option<u8>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Inner {
        host_name: String,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    enum Mode {
        Fast,
        VerySlow,
    }

    fn fault(value: Value) -> Fault {
        decode::<Outer>(&value).expect_err("a fault")
    }

    #[test]
    fn a_value_becomes_a_type() {
        let outer: Outer = decode(&json!({ "list": [{ "hostName": "a" }], "mode": "verySlow", "small": null })).expect("it reads");
        assert_eq!(outer.list[0].host_name, "a");
        assert!(matches!(outer.mode, Some(Mode::VerySlow)));
        assert_eq!(outer.small, None);
        assert!(matches!(decode::<Outer>(&json!({ "mode": "fast" })).expect("it reads").mode, Some(Mode::Fast)));
    }

    #[test]
    fn a_fault_has_its_path_and_the_nearest_name() {
        let unknown = fault(json!({ "list": [{ "hostName": "a" }, { "hostname": "b" }] }));
        assert_eq!(unknown.path, "list[1].hostname");
        assert_eq!(unknown.nearest(), Some("hostName"));
        let unknown = fault(json!({ "nmae": 1 })).also_known(&["name"]);
        assert_eq!(unknown.nearest(), Some("name"));
        assert_eq!(fault(json!({ "zzz": 1 })).nearest(), None);
        let missing = fault(json!({ "list": [{}] }));
        assert_eq!((missing.path.as_str(), &missing.kind), ("list[0].hostName", &FaultKind::Missing));
    }

    #[test]
    fn a_fault_never_repeats_the_value() {
        for value in [
            json!({ "list": "s3cret" }),
            json!({ "list": ["s3cret"] }),
            json!({ "list": [{ "hostName": 53_637_265 }] }),
            json!({ "mode": "s3cret" }),
            json!({ "mode": { "s3cret": 1 } }),
            json!({ "small": 53_637_265 }),
            json!({ "small": "s3cret" }),
            json!("s3cret"),
        ] {
            let message = fault(value.clone()).message();
            assert!(!message.contains("s3cret") && !message.contains("53637265"), "{value}: {message}");
        }
    }

    #[test]
    fn a_code_travels_through_serde() {
        let fault = <Fault as Error>::custom(coded(Code::RegistrarMalformed, "no"));
        assert_eq!(fault.kind, FaultKind::Value { code: Some(Code::RegistrarMalformed), message: "no".into() });
        let problem = Problem::from(fault.under("a").under("b"));
        assert_eq!(problem.code_str(), "registration.registrar.malformed");
        assert_eq!(problem.body()["details"][0]["fieldName"], "b.a");
    }
}
