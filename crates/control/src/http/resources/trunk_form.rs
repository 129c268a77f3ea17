use std::collections::HashSet;

use serde_json::{Map, Value};

use super::form::{self, Common};
use crate::access::Caller;
use crate::domain::{Place, Reference, Trunk, TrunkSettings};
use crate::http::decode::take;
use crate::problem::Problem;
use crate::store::{Tx, carriers, reach, sites};

/// Fields of a trunk that are no settings of its own.
const OTHERS: [&str; 3] = ["site", "carrier", "inService"];

/// A trunk as a caller describes it: in a POST or PUT of its own, or in a line of a bulk import.
#[derive(Clone, Debug, PartialEq)]
pub struct TrunkForm {
    /// Id, name, version.
    pub common: Common,
    /// May be left out where there is one site.
    pub site: Option<Reference>,
    /// The carrier.
    pub carrier: Reference,
    /// In service where it is left out.
    pub in_service: bool,
    /// The rest.
    pub settings: TrunkSettings,
}

impl TrunkForm {
    /// Tells whether a field of a trunk as it is shown is one that a caller gives, and not the server's.
    pub fn is_given(name: &str) -> bool {
        !form::COMMON.contains(&name) || matches!(name, "id" | "name")
    }

    /// Reads a body.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn parse(mut fields: Map<String, Value>) -> Result<Self, Problem> {
        let common = Common::take(&mut fields)?;
        Self::parse_rest(common, fields)
    }

    /// Reads a body whose common fields were taken out before.
    ///
    /// # Errors
    /// 400 that names the field.
    pub fn parse_rest(common: Common, mut fields: Map<String, Value>) -> Result<Self, Problem> {
        let site = take(&mut fields, "site")?;
        let carrier: Option<Reference> = take(&mut fields, "carrier")?;
        let in_service = take(&mut fields, "inService")?.unwrap_or(true);
        let settings: TrunkSettings = form::settings(fields, &OTHERS)?;
        let carrier = carrier.ok_or_else(|| Problem::invalid("carrier", "The field \"carrier\" is missing; it is {\"id\": \"...\"}."))?;
        let twice = settings.contact_user.is_some() && settings.contact.as_ref().is_some_and(|contact| contact.user.is_some());
        if twice {
            return Err(Problem::invalid("contactUser", "contactUser and contact.user say the same thing; give one of them."));
        }
        Ok(TrunkForm { common, site, carrier, in_service, settings })
    }

    /// Makes the trunk of a form: finds its site and carrier among those that the caller sees. Nothing is written yet.
    ///
    /// # Errors
    /// 400 `invalid.value` where one of them does not exist, or the site is left out and not clear.
    pub async fn resolve(self, tx: &mut Tx, caller: &Caller) -> Result<Trunk, Problem> {
        self.resolve_among(tx, caller, &mut Places::default()).await
    }

    /// As [`TrunkForm::resolve`], for one of many of the same caller in one change.
    ///
    /// # Errors
    /// As there.
    pub async fn resolve_among(self, tx: &mut Tx, caller: &Caller, places: &mut Places) -> Result<Trunk, Problem> {
        let site = match self.site {
            Some(site) => {
                places.site(tx, caller, &site.id).await?;
                site.id
            }
            None => {
                let unclear =
                    || Problem::invalid("site", "The site may be left out only where there is exactly one. GET /api/v2/sites lists them.");
                places.only(tx).await?.ok_or_else(unclear)?
            }
        };
        let carrier = self.carrier.id;
        places.carrier(tx, caller, &carrier).await?;
        let meta = self.common.into_new();
        Ok(Trunk { meta, site, carrier, in_service: self.in_service, target_revision: 0, settings: self.settings })
    }
}

/// Sites and carriers that a caller was found to see, each looked up once in a change.
#[derive(Debug, Default)]
pub struct Places {
    sites: HashSet<String>,
    carriers: HashSet<String>,
    only: Option<String>,
}

impl Places {
    async fn site(&mut self, tx: &mut Tx, caller: &Caller, site: &str) -> Result<(), Problem> {
        if self.sites.contains(site) {
            return Ok(());
        }
        let there = sites::find(tx.connection(), site).await?.is_some();
        if !there || !reach::sees(tx.connection(), &caller.grants.known(), &Place::Site(site)).await? {
            return Err(Problem::invalid("site.id", format!("There is no site {site:?}. GET /api/v2/sites lists them.")));
        }
        self.sites.insert(site.to_owned());
        Ok(())
    }

    async fn carrier(&mut self, tx: &mut Tx, caller: &Caller, carrier: &str) -> Result<(), Problem> {
        if self.carriers.contains(carrier) {
            return Ok(());
        }
        let there = carriers::find(tx.connection(), carrier).await?.is_some();
        if !there || !reach::sees(tx.connection(), &caller.grants.known(), &Place::Carrier(carrier)).await? {
            return Err(Problem::invalid("carrier.id", format!("There is no carrier {carrier:?}. GET /api/v2/carriers lists them.")));
        }
        self.carriers.insert(carrier.to_owned());
        Ok(())
    }

    async fn only(&mut self, tx: &mut Tx) -> Result<Option<String>, Problem> {
        if self.only.is_none() {
            self.only = sites::only(tx.connection()).await?;
        }
        Ok(self.only.clone())
    }
}

/// Writes a trunk as the form that would make it, to be patched.
pub(super) fn fields(trunk: &Trunk) -> Map<String, Value> {
    let mut fields = form::fields(&trunk.settings);
    fields.insert("site".into(), serde_json::json!({ "id": trunk.site }));
    fields.insert("carrier".into(), serde_json::json!({ "id": trunk.carrier }));
    fields.insert("inService".into(), trunk.in_service.into());
    fields
}
