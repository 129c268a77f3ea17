//! DELETE of a registration: the credentials are gone at once, the binding in the background.

use super::Registrations;
use super::object::entity_version;
use super::transition;
use crate::audit::Origin;
use crate::http::precondition::IfMatch;
use crate::problem::Problem;
use crate::store::{credentials, trunks};

impl Registrations {
    /// Retires a trunk's credentials; its edge removes the binding with what it still holds of them.
    ///
    /// # Errors
    /// 404 where there is no such trunk, 409 where another version of it was seen.
    pub(super) async fn remove(&self, origin: &Origin, trunk: &str, if_match: IfMatch) -> Result<(), Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        if trunks::find(tx.connection(), trunk).await?.is_none() {
            return Err(Problem::not_found("trunk", trunk));
        }
        let registration = credentials::registration(tx.connection(), trunk).await?;
        if_match.check(None, entity_version(registration.as_ref()))?;
        if transition::retire_all(&mut tx, trunk).await? {
            tx.commit().await?;
            self.inner.fleet.touch(trunk);
        }
        Ok(())
    }
}
