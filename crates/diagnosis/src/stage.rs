use std::fmt;

/// Where on its way from the form to the binding a credential was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub enum Stage {
    /// The request breaks a documented rule of form; no carrier was asked.
    Form,
    /// A rule of this platform's operator forbids it.
    Policy,
    /// The carrier was not reached, or did not answer.
    Network,
    /// The carrier answered before a digest was sent.
    Challenge,
    /// The carrier answered a digest.
    Digest,
    /// The credentials may be right, the binding was not granted as asked.
    Binding,
    /// The carrier is in trouble or declines altogether.
    Carrier,
    /// Nothing was refused; something wants attention.
    Warning,
}

impl Stage {
    /// Returns the word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Form => "form",
            Stage::Policy => "policy",
            Stage::Network => "network",
            Stage::Challenge => "challenge",
            Stage::Digest => "digest",
            Stage::Binding => "binding",
            Stage::Carrier => "carrier",
            Stage::Warning => "warning",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who decided that it ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "camelCase"))]
pub enum Initiator {
    /// Trunkline itself: form, policy, budget.
    Platform,
    /// Name resolution, routing, a firewall, TLS.
    Network,
    /// The carrier's registrar.
    Carrier,
}

impl Initiator {
    /// Returns the word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Initiator::Platform => "platform",
            Initiator::Network => "network",
            Initiator::Carrier => "carrier",
        }
    }
}

impl fmt::Display for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
