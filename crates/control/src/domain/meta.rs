use link::UnixMicros;
use serde_json::{Map, Value};

use crate::time::rfc3339;

/// What every stored entity has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meta {
    /// Unique among its kind.
    pub id: String,
    /// For people.
    pub name: String,
    /// Starts at 1, rises with every change.
    pub version: i64,
    /// When it was created.
    pub created: UnixMicros,
    /// When it was last changed.
    pub modified: UnixMicros,
    /// Which change of the store changed it last.
    pub revision: u64,
}

impl Meta {
    /// Writes id, name, version and times, as every entity of the API begins.
    pub fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        body.insert("id".into(), self.id.clone().into());
        body.insert("name".into(), self.name.clone().into());
        body.insert("version".into(), self.version.into());
        body.insert("dateCreated".into(), rfc3339(self.created).into());
        body.insert("dateModified".into(), rfc3339(self.modified).into());
        body
    }
}
