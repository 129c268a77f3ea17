use std::net::IpAddr;

use diagnosis::{Code, Diagnosis, Evidence};
use link::{Attempt, Negotiated, Outcome, Verdict};

use super::ask::Ask;
use super::exit::Exit;
use super::why::Why;

/// What came out, and what it rests on.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The verdict in a word.
    pub word: Word,
    /// Why it was refused; the first decides.
    pub whys: Vec<Why>,
    /// What carrier and we agreed upon, or would have.
    pub negotiated: Option<Negotiated>,
    /// What was seen.
    pub evidence: Evidence,
    /// The exchange itself, its messages redacted.
    pub attempt: Option<Attempt>,
}

/// The verdict in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A challenge, one digest, a 2xx.
    Proved,
    /// Only the challenge was asked for, and it can be answered.
    Learned,
    /// Refused, or not to be decided.
    Refused,
}

impl Word {
    /// Returns the word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Word::Proved => "PROVED",
            Word::Learned => "LEARNED",
            Word::Refused => "REFUSED",
        }
    }
}

impl Finding {
    /// Refused before anything was sent, for reasons of form.
    pub fn unasked(whys: Vec<Why>) -> Finding {
        Finding { word: Word::Refused, whys, negotiated: None, evidence: Evidence::default(), attempt: None }
    }

    /// Refused before anything was sent, with a diagnosis.
    pub fn refused(diagnosis: Diagnosis) -> Finding {
        let evidence = diagnosis.evidence.clone();
        Finding { evidence, ..Finding::unasked(vec![diagnosis.into()]) }
    }

    /// What the edge has found.
    pub fn of(verdict: Verdict, attempt: Option<Attempt>, ask: &Ask) -> Finding {
        let (word, whys) = match verdict.outcome {
            // A profile of ours never accepts what is unproven, so that is not told apart here.
            Outcome::Proved | Outcome::AcceptedUnproven => (Word::Proved, Vec::new()),
            Outcome::Learned => match (&ask.realm, &verdict.negotiated) {
                (Some(wanted), Some(found)) if *wanted != found.realm => (Word::Refused, vec![another_realm(wanted, &found.realm)]),
                (_, _) => (Word::Learned, Vec::new()),
            },
            Outcome::Refused(diagnosis) => (Word::Refused, vec![by_flag((*diagnosis).into(), &verdict.evidence, ask)]),
        };
        Finding { word, whys, negotiated: verdict.negotiated, evidence: verdict.evidence, attempt }
    }

    /// How the command ends.
    pub fn exit(&self) -> Exit {
        self.whys.first().map_or(Exit::Good, |why| Exit::At(why.stage))
    }

    /// Says in the terms of this command what to do about it.
    pub fn hint(&self) -> Option<String> {
        let code: Code = self.whys.first()?.code.parse().ok()?;
        let offered = self.evidence.challenges.first();
        match code {
            Code::RealmMismatch => Some(format!("--realm {:?}, or leave --realm out to learn it", offered?.realm)),
            Code::AlgorithmNotOffered => Some(format!("--algorithm {}, or leave --algorithm out", offered?.algorithm)),
            Code::VerifyAmbiguous => Some("--by renew".to_owned()),
            Code::UserUnknown => {
                Some("--aor sip:USER@DOMAIN with the domain of the carrier's sheet, where it is not the registrar's host".to_owned())
            }
            Code::CredentialsRejected | Code::ForbiddenAfterAuth => {
                Some("--auth-user NAME, where the carrier's sheet has a digest user name of its own".to_owned())
            }
            Code::ProxyCredentialsRequired => {
                let realm = self.evidence.challenges.iter().find(|challenge| challenge.proxy).map(|challenge| &challenge.realm)?;
                Some(format!("--proxy-user NAME --proxy-realm {realm:?}, with what the carrier's sheet gives for its proxy"))
            }
            Code::TargetForbidden => {
                let address = self.evidence.checks.iter().find_map(|check| check.actual.as_ref()?.parse::<IpAddr>().ok());
                Some(format!("--allow-target {}, if that address is really meant", address.map_or("CIDR".to_owned(), |ip| ip.to_string())))
            }
            Code::TlsCertificateUntrusted => {
                Some("--tls-roots FILE with the carrier's own root, where it has a private authority".to_owned())
            }
            Code::TlsClientCertificateRequired => Some("--tls-identity CERT.pem,KEY.pem".to_owned()),
            // The check names what the certificate is for.
            Code::TlsNameMismatch if self.evidence.checks.iter().any(|check| check.actual.as_deref().is_some_and(has_wildcard)) => {
                Some("--tls-wildcard, if the carrier is known to use wildcard certificates".to_owned())
            }
            Code::BlockSuspected | Code::Timeout | Code::RegisterIgnored => {
                Some("--report prints what to send to the carrier's support".to_owned())
            }
            _ => None,
        }
    }
}

fn has_wildcard(names: &str) -> bool {
    names.split(", ").any(|name| name.starts_with("*."))
}

/// The policy of this command is a flag, and so is the way out.
fn by_flag(why: Why, evidence: &Evidence, ask: &Ask) -> Why {
    let Some(allowed) = ask.allowed.as_ref().filter(|_| why.code == Code::AlgorithmNotAllowed.as_str()) else { return why };
    let offered: Vec<&str> = evidence.challenges.iter().map(|challenge| challenge.algorithm.as_str()).collect();
    let (first, offered, allowed) = (offered.first().copied().unwrap_or("MD5"), offered.join(", "), allowed.join(", "));
    Why {
        summary: format!("The carrier offers {offered}; --allow-algorithm allows {allowed} only. No digest was sent."),
        remedy: format!("Add --allow-algorithm {}, or have the carrier offer {allowed}.", first.trim_end_matches("-sess")),
        ..why
    }
}

/// Without credentials no realm is compared on the way: a sheet's realm is compared here.
fn another_realm(wanted: &str, found: &str) -> Why {
    let diagnosis = Diagnosis::new(Code::RealmMismatch)
        .summary(format!("The carrier challenges realm {found:?}, --realm names {wanted:?}."))
        .remedy(format!("Use realm {found:?}."));
    diagnosis.into()
}
