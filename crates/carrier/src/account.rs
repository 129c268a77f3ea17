use serde::{Deserialize, Serialize};

use crate::Password;

/// One account of a registrar: who may register which address-of-record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// The user part of the address-of-record.
    pub user: String,
    /// The digest user name; the same as `user` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The password that the carrier's sheet names.
    pub password: Password,
    /// Further passwords that are accepted too: what a carrier does while a customer moves to a new one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub old_passwords: Vec<Password>,
    /// Whether the first use of `password` ends `old_passwords`.
    #[serde(default)]
    pub retire_old_on_use: bool,
}

impl Account {
    /// An account whose user name is the user part of its address-of-record.
    pub fn new(user: impl Into<String>, password: impl Into<Password>) -> Self {
        Account { user: user.into(), username: None, password: password.into(), old_passwords: Vec::new(), retire_old_on_use: false }
    }

    /// The digest user name.
    pub fn digest_username(&self) -> &str {
        self.username.as_deref().unwrap_or(&self.user)
    }
}
