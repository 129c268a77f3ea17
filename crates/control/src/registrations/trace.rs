//! POST /registrations/{trunkId}/actions/trace: keeps every exchange of a trunk for a while.

use link::UnixMicros;
use serde_json::{Map, Value, json};

use super::Registrations;
use crate::audit::{AuditEntry, Origin};
use crate::problem::Problem;
use crate::store::{traces, trunks};
use crate::time::rfc3339;

/// Where the caller does not say.
const MINUTES: u32 = 30;
/// A day: whoever needs it longer has forgotten it.
pub const MINUTES_MAX: u32 = 1_440;

/// Reads `{"minutes": 30}`.
///
/// # Errors
/// 400 that names the field.
pub fn minutes(map: &Map<String, Value>) -> Result<u32, Problem> {
    if let Some(unknown) = map.keys().find(|name| *name != "minutes") {
        return Err(Problem::invalid(unknown.clone(), format!("There is no field {unknown:?}; known is minutes.")));
    }
    let Some(given) = map.get("minutes") else { return Ok(MINUTES) };
    let minutes = given.as_u64().and_then(|minutes| u32::try_from(minutes).ok()).filter(|minutes| *minutes <= MINUTES_MAX);
    minutes.ok_or_else(|| Problem::invalid("minutes", format!("minutes is 1 to {MINUTES_MAX}; 0 ends the trace.")))
}

impl Registrations {
    /// Switches a trunk's trace on for so long, or off.
    ///
    /// # Errors
    /// 404 where there is no such trunk.
    pub(super) async fn trace(&self, origin: &Origin, trunk: &str, minutes: u32) -> Result<(), Problem> {
        let mut tx = self.inner.store.begin(origin).await?;
        let Some(found) = trunks::find(tx.connection(), trunk).await? else { return Err(Problem::not_found("trunk", trunk)) };
        let now = tx.now();
        let until: UnixMicros = now + i64::from(minutes) * 60_000_000;
        let after = if minutes > 0 {
            traces::save(tx.connection(), trunk, until, now).await?;
            json!({ "minutes": minutes, "until": rfc3339(until) })
        } else {
            traces::end(tx.connection(), trunk).await?;
            json!({ "minutes": 0 })
        };
        tx.audit(AuditEntry::new("trace", "registration", trunk).after(after));
        tx.commit().await?;
        let traces = self.inner.fleet.traces();
        if minutes > 0 {
            traces.begin(trunk, until, now);
        } else {
            traces.end(trunk);
        }
        // An edge that comes later hears of it with the trunk's assignment.
        if let Some(edge) = self.inner.fleet.serving(&found.site) {
            self.inner.fleet.trace(&edge, trunk, minutes * 60);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_have_a_default_and_bounds() {
        let read = |value: Value| minutes(value.as_object().unwrap());
        assert_eq!(read(json!({})).unwrap(), MINUTES);
        assert_eq!(read(json!({ "minutes": 0 })).unwrap(), 0);
        assert_eq!(read(json!({ "minutes": 1440 })).unwrap(), MINUTES_MAX);
        for bad in [
            json!({ "minutes": 1441 }),
            json!({ "minutes": -1 }),
            json!({ "minutes": "30" }),
            json!({ "minutes": 1.5 }),
            json!({ "seconds": 3 }),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
