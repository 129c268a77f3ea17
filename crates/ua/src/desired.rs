//! What is desired of a trunk, as it is kept: what the trunks of a carrier have in common is kept once.

use std::ops::Deref;
use std::sync::Arc;

use crate::{Account, Assignment, Credential, DigestPolicy, Generation};

/// So many different accounts of a carrier are looked at for one to share.
const SHARED_MAX: usize = 8;

/// An [`Assignment`] that is kept.
pub struct Desired {
    /// The trunk's id.
    pub trunk: Arc<str>,
    /// Which desired state this is.
    pub generation: Generation,
    /// The carrier's id.
    pub carrier: Arc<str>,
    /// Who registers, and what may be answered.
    pub account: Subscriber,
    /// The credentials to register with.
    pub active: Option<Credential>,
    /// The version before.
    pub previous: Option<Box<Credential>>,
    /// Tried once when the active version is refused.
    pub standby: Option<Box<Credential>>,
}

/// An account whose address-of-record is its own and whose other parts are shared.
pub struct Subscriber {
    /// To, and From unless there is another; kept byte for byte.
    pub address_of_record: Arc<str>,
    common: Arc<Common>,
}

/// What trunks of a carrier have in common.
#[derive(PartialEq, Eq)]
struct Common {
    /// Its address-of-record is empty.
    account: Account,
    policy: DigestPolicy,
}

/// What the trunks of a carrier have in common, as far as it was seen lately.
#[derive(Default)]
pub struct InCommon(Vec<Arc<Common>>);

impl InCommon {
    /// Takes an assignment to be kept.
    pub fn keep(&mut self, assignment: Assignment) -> Desired {
        let Assignment { trunk, generation, carrier, mut account, policy, active, previous, standby } = assignment;
        let address_of_record = std::mem::take(&mut account.address_of_record);
        let common = self.share(Common { account, policy });
        let account = Subscriber { address_of_record, common };
        Desired { trunk, generation, carrier, account, active, previous: previous.map(Box::new), standby: standby.map(Box::new) }
    }

    fn share(&mut self, common: Common) -> Arc<Common> {
        if let Some(shared) = self.0.iter().find(|shared| ***shared == common) {
            return Arc::clone(shared);
        }
        if self.0.len() >= SHARED_MAX {
            self.0.remove(0);
        }
        let shared = Arc::new(common);
        self.0.push(Arc::clone(&shared));
        shared
    }
}

impl Desired {
    /// What may be answered.
    pub fn policy(&self) -> &DigestPolicy {
        &self.account.common.policy
    }

    /// Returns a version, if it is still at hand.
    pub fn credential_of(&self, version: u32) -> Option<&Credential> {
        let spare = [&self.previous, &self.standby].into_iter().flatten().map(|spare| &**spare);
        self.active.iter().chain(spare).find(|credential| credential.version == version)
    }
}

impl Subscriber {
    /// Tells whether accounts are the same, whatever may be answered.
    pub fn is_as(&self, other: &Subscriber) -> bool {
        self.address_of_record == other.address_of_record && self.common.account == other.common.account
    }
}

/// The parts that are shared.
impl Deref for Subscriber {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.common.account
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hash, OnDowngrade, PolicySource};

    fn assignment(user: &str, expires: u32) -> Assignment {
        Assignment {
            trunk: user.into(),
            generation: Generation::default(),
            carrier: "c".into(),
            account: Account {
                address_of_record: format!("sip:{user}@c.test").into(),
                request_uri: "sip:c.test".into(),
                from_uri: None,
                contact: Default::default(),
                expires,
                user_agent: None,
                extra_headers: Vec::new(),
            },
            policy: DigestPolicy { allowed: vec![Hash::Md5], on_downgrade: OnDowngrade::Refuse, source: PolicySource::Default },
            active: None,
            previous: None,
            standby: None,
        }
    }

    #[test]
    fn what_trunks_have_in_common_is_kept_once_and_their_own_apart() {
        let mut common = InCommon::default();
        let (a, b, c) = (common.keep(assignment("a", 60)), common.keep(assignment("b", 60)), common.keep(assignment("c", 90)));
        assert!(Arc::ptr_eq(&a.account.common, &b.account.common));
        assert!(!Arc::ptr_eq(&a.account.common, &c.account.common));
        assert_eq!((&*b.account.address_of_record, b.account.expires, c.account.expires), ("sip:b@c.test", 60, 90));
        assert!(!a.account.is_as(&b.account) && a.account.is_as(&common.keep(assignment("a", 60)).account));
    }

    #[test]
    fn of_many_accounts_that_differ_the_latest_are_shared() {
        let mut common = InCommon::default();
        (0..100).for_each(|expires| drop(common.keep(assignment("a", expires))));
        assert_eq!(common.0.len(), SHARED_MAX);
        let again = common.keep(assignment("b", 99));
        assert!(Arc::ptr_eq(&again.account.common, &common.0[SHARED_MAX - 1]));
    }
}
