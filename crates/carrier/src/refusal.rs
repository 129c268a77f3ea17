use serde::{Deserialize, Serialize};

/// A final answer (or silence) in place of the registration that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Refusal {
    /// Before the digest is looked at, or only after a right one.
    pub when: When,
    /// Which REGISTER requests it meets.
    pub of: Which,
    /// The status code; silence where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// The reason phrase; the code's usual one where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Further header lines, as in `"Retry-After: 30 (maintenance);duration=60"`.
    pub headers: Vec<String>,
    /// Only these users of an address-of-record; all where empty.
    pub users: Vec<String>,
    /// So often, then never again; always where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
}

/// When a refusal is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Before a challenge: no password is looked at.
    #[default]
    BeforeDigest,
    /// After a right digest.
    AfterDigest,
}

/// Which REGISTER requests are met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Which {
    /// Every one.
    #[default]
    All,
    /// Without a Contact: a query of bindings (RFC 3261 10.2.3).
    Query,
    /// With a Contact that is to be bound.
    Binding,
    /// With a Contact that is not bound yet.
    NewBinding,
    /// With a Contact that is bound already.
    Renewal,
    /// With an expiry of zero.
    Removal,
}

impl Refusal {
    /// A refusal before a challenge.
    pub fn before_digest(code: u16) -> Self {
        Refusal { code: Some(code), ..Refusal::default() }
    }

    /// A refusal of what was authenticated.
    pub fn after_digest(code: u16) -> Self {
        Refusal { when: When::AfterDigest, ..Refusal::before_digest(code) }
    }

    /// The same, with this reason phrase.
    pub fn reason(self, reason: &str) -> Self {
        Refusal { reason: Some(reason.into()), ..self }
    }

    /// The same, with a further header line.
    pub fn header(mut self, line: &str) -> Self {
        self.headers.push(line.into());
        self
    }

    /// The same, for these requests only.
    pub fn of(self, of: Which) -> Self {
        Refusal { of, ..self }
    }

    /// The same, so often only.
    pub fn times(self, times: u32) -> Self {
        Refusal { times: Some(times), ..self }
    }
}

impl Which {
    /// Whether a request of kind `is` (never `All`) is met.
    pub(crate) fn meets(self, is: Which) -> bool {
        match self {
            Which::All => true,
            Which::Binding => matches!(is, Which::Binding | Which::NewBinding | Which::Renewal),
            Which::Query | Which::NewBinding | Which::Renewal | Which::Removal => self == is,
        }
    }
}
