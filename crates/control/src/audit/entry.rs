use std::net::IpAddr;

use serde_json::Value;

/// Who asks for a change, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The OAuth client's id; `system:` and a part's name for what Trunkline does by itself.
    pub client: String,
    /// The caller's address.
    pub remote: Option<IpAddr>,
    /// The request's correlation id.
    pub correlation: Option<String>,
}

impl Origin {
    /// Names a part of Trunkline that acts by itself.
    pub fn system(part: &str) -> Self {
        Origin { client: format!("system:{part}"), remote: None, correlation: None }
    }
}

/// What is changed. `before` and `after` hold no secret: where one changed, its field says `"changed"`.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// `create`, `update`, `delete`, or what else was done, such as `promote`.
    pub action: &'static str,
    /// `trunk`, `carrier`, `credentials`, ...
    pub kind: &'static str,
    /// The entity's id.
    pub id: String,
    /// The entity before.
    pub before: Option<Value>,
    /// The entity after.
    pub after: Option<Value>,
}

impl AuditEntry {
    /// Records something that has no before and after.
    pub fn new(action: &'static str, kind: &'static str, id: impl Into<String>) -> Self {
        AuditEntry { action, kind, id: id.into(), before: None, after: None }
    }

    /// Adds what it was.
    #[must_use]
    pub fn before(mut self, before: Value) -> Self {
        self.before = Some(before);
        self
    }

    /// Adds what it is.
    #[must_use]
    pub fn after(mut self, after: Value) -> Self {
        self.after = Some(after);
        self
    }
}
