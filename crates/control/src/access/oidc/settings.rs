use serde::Deserialize;

use crate::domain::Scope;
use crate::outward::{Gate, Target};

/// An OpenID Connect provider, and what its words are worth here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcSettings {
    /// What tokens have as `iss`, byte for byte; a URL.
    pub issuer: String,
    /// What tokens must have as `aud`, or among it.
    pub audience: String,
    /// Where its keys are; learnt from the issuer's discovery document where absent.
    pub jwks_uri: Option<String>,
    /// The claim with the words: a text, a list of texts, or texts with spaces between; `.` leads into objects.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// Which word gives which role where.
    #[serde(default)]
    pub grant: Vec<OidcGrant>,
}

/// What one word gives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OidcGrant {
    /// The word, as the claim has it.
    pub value: String,
    /// The role's id.
    pub role: String,
    /// Within this site.
    pub site: Option<String>,
    /// Within this carrier.
    pub carrier: Option<String>,
    /// For these trunks.
    #[serde(default)]
    pub trunks: Vec<String>,
}

impl OidcSettings {
    /// Looks for what contradicts itself; what the provider says is not asked for.
    pub(super) fn check(&self, gate: &Gate) -> Result<(), String> {
        for url in std::iter::once(&self.issuer).chain(&self.jwks_uri) {
            let judged = Target::parse(url).and_then(|target| target.judge_literal(gate));
            judged.map_err(|fault| format!("{url:?}: {fault}"))?;
        }
        if self.audience.is_empty() {
            return Err("the audience is empty: every token of the provider would be taken, whoever it is for".into());
        }
        match self.grant.iter().find(|grant| grant.scope().is_none()) {
            Some(grant) => Err(format!("the grant for {:?} names more than one of site, carrier and trunks", grant.value)),
            None => Ok(()),
        }
    }
}

impl OidcGrant {
    /// Returns where it holds: everywhere where no scope is given; none where several are.
    pub fn scope(&self) -> Option<Scope> {
        match (&self.site, &self.carrier, self.trunks.is_empty()) {
            (None, None, true) => Some(Scope::Organization),
            (Some(site), None, true) => Some(Scope::Site(site.clone())),
            (None, Some(carrier), true) => Some(Scope::Carrier(carrier.clone())),
            (None, None, false) => Some(Scope::Trunks(self.trunks.iter().cloned().collect())),
            _ => None,
        }
    }
}

fn roles_claim() -> String {
    "roles".into()
}
