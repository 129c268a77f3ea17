//! What the bodies of all plain resources have in common.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::domain::{Meta, id};
use crate::http::decode::{decode, take};
use crate::problem::Problem;

/// The fields that every entity has. The later four are the server's: a caller may send back what it has read, and they are ignored.
pub const COMMON: [&str; 6] = ["id", "name", "version", "dateCreated", "dateModified", "selfUri"];

/// Longest name.
pub const NAME_CHARS_MAX: usize = 128;

/// The common fields of a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Common {
    /// The id that the caller chose.
    pub id: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// The version that the caller has seen.
    pub version: Option<i64>,
}

impl Common {
    /// Takes the common fields out of a body.
    ///
    /// # Errors
    /// 400 `invalid.value` that names the field.
    pub fn take(fields: &mut Map<String, Value>) -> Result<Self, Problem> {
        let id: Option<String> = take(fields, "id")?;
        if let Some(id) = &id {
            id::check(id).map_err(|message| Problem::invalid("id", message))?;
        }
        let name: Option<String> = take(fields, "name")?;
        if let Some(name) = &name {
            check_name(name)?;
        }
        let version = take(fields, "version")?;
        for name in ["dateCreated", "dateModified", "selfUri"] {
            fields.remove(name);
        }
        Ok(Common { id, name, version })
    }

    /// As [`Common::take`], for the body of a change of `id`.
    ///
    /// # Errors
    /// 400 `invalid.value`, also where the body names another id.
    pub fn take_for(fields: &mut Map<String, Value>, id: &str) -> Result<Self, Problem> {
        let common = Common::take(fields)?;
        match &common.id {
            Some(other) if other != id => {
                Err(Problem::invalid("id", format!("The body is about {other:?}, the path about {id:?}; an id cannot change.")))
            }
            _ => Ok(common),
        }
    }

    /// Makes what a new entity begins with; the store adds version, times and revision.
    pub fn into_new(self) -> Meta {
        let id = self.id.unwrap_or_else(id::generate);
        let name = self.name.unwrap_or_else(|| id.clone());
        Meta { id, name, version: 1, created: 0, modified: 0, revision: 0 }
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    let sane = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control);
    if sane {
        return Ok(());
    }
    Err(Problem::invalid(
        "name",
        format!("A name has 1 to {NAME_CHARS_MAX} characters, no control characters, and is not all white space."),
    ))
}

/// Reads what is left of a body. `others` are fields that were taken out before and are known too.
///
/// # Errors
/// 400 that names the field, and the nearest known one where it is unknown.
pub fn settings<T: DeserializeOwned>(fields: Map<String, Value>, others: &[&str]) -> Result<T, Problem> {
    decode(&Value::Object(fields)).map_err(|fault| fault.also_known(&COMMON).also_known(others).into())
}

/// Applies a merge patch (RFC 7396): what the patch leaves out stays, a null removes.
pub fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(patch) => {
                let inner = target.entry(name).or_insert_with(|| Value::Object(Map::new()));
                if !inner.is_object() {
                    *inner = Value::Object(Map::new());
                }
                if let Value::Object(inner) = inner {
                    merge(inner, patch);
                }
            }
            value => {
                target.insert(name, value);
            }
        }
    }
}

/// Writes settings as the fields of an object.
pub fn fields<T: Serialize>(settings: &T) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        // Settings are structs with string keys.
        _ => Map::new(),
    }
}

/// Writes an entity: the common fields, its settings, its own address.
pub fn show<T: Serialize>(meta: &Meta, settings: &T, self_uri: String) -> Map<String, Value> {
    let mut body = meta.body();
    body.extend(fields(settings));
    body.insert("selfUri".into(), self_uri.into());
    body
}

/// Writes who still uses something, for the refusal to delete it.
pub fn in_use(kind: &str, id: &str, users: &str, total: u64, some: &[String]) -> Problem {
    let more = if total > some.len() as u64 { format!(" and {} more", total - some.len() as u64) } else { String::new() };
    Problem::conflict(format!("The {kind} {id:?} is used by {total} {users}: {}{more}. Move or delete them first.", some.join(", ")))
        .entity(id, None)
}

/// Refuses a second entity of the same id.
pub fn taken(kind: &str, id: &str) -> Problem {
    Problem::conflict(format!("There is already a {kind} with id {id:?}.")).entity(id, None).field("id")
}
