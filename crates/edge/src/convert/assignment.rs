use std::sync::Arc;

use diagnosis::Diagnosis;
use link::SealKey;
use ua::{Assignment, Credential, Generation};

use super::account::{account, policy};
use super::credential::credential;

/// Takes over a trunk's desired state. Spare credentials that cannot be used are left out; the active ones must be usable.
pub(crate) fn assignment(from: &link::Assignment, trunk: Arc<str>, carrier: Arc<str>, key: &SealKey) -> Result<Assignment, Box<Diagnosis>> {
    let spare = |which: &str, spare: &Option<link::Credential>| -> Option<Credential> {
        match credential(spare.as_ref()?, &trunk, key) {
            Ok(credential) => Some(credential),
            Err(fault) => {
                tracing::warn!(%trunk, why = %fault.summary, "the {which} credentials cannot be used; they are left out");
                None
            }
        }
    };
    Ok(Assignment {
        generation: Generation { incarnation: from.generation.incarnation, number: from.generation.number },
        carrier,
        account: account(&from.account)?,
        policy: policy(&from.policy),
        active: from.active.as_ref().map(|active| credential(active, &trunk, key)).transpose()?,
        previous: spare("previous", &from.previous),
        standby: spare("standby", &from.standby),
        trunk,
    })
}
