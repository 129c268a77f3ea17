use serde::{Deserialize, Serialize};

/// A reference to another entity: `{"id": "jakarta"}`. What else the API shows beside the id may be sent back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reference {
    /// The other entity's id.
    pub id: String,
    /// Shown by some answers, ignored in requests.
    #[serde(default, skip_serializing)]
    name: Option<String>,
    /// Shown by some answers, ignored in requests.
    #[serde(default, skip_serializing)]
    self_uri: Option<String>,
}

impl From<String> for Reference {
    fn from(id: String) -> Self {
        Reference { id, name: None, self_uri: None }
    }
}
