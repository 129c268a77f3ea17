use serde::{Deserialize, Serialize};

/// What is right or wrong with a server's certificate (N8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateKind {
    /// Nothing is wrong: for the names, from the lab's authority by way of an intermediate one, which is sent along.
    Good,
    /// Ran out in 2002.
    Expired,
    /// Runs from 2090 on.
    NotYetValid,
    /// For `wrong.invalid` alone.
    WrongName,
    /// `*.domain` in place of each name that is a host in a domain; addresses and URIs are left out.
    Wildcard,
    /// Signed with its own key.
    SelfSigned,
    /// From another authority than the lab's.
    OtherAuthority,
    /// Good, but the intermediate certificate is not sent.
    Incomplete,
    /// The first name stands in the subject's common name only, as before RFC 2818.
    CommonName,
}

impl CertificateKind {
    /// All of them.
    pub const ALL: [CertificateKind; 9] = [
        CertificateKind::Good,
        CertificateKind::Expired,
        CertificateKind::NotYetValid,
        CertificateKind::WrongName,
        CertificateKind::Wildcard,
        CertificateKind::SelfSigned,
        CertificateKind::OtherAuthority,
        CertificateKind::Incomplete,
        CertificateKind::CommonName,
    ];
}
