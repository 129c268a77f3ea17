//! A rotation as the API shows it, and its report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::rollout::{Rollout, Stage};
use super::{ItemState, RotationState, path};
use crate::problem::Problem;
use crate::registrations::Registrations;
use crate::store::rotations;
use crate::time::rfc3339;

/// So many results are shown at a time.
const RESULTS: i64 = 500;
/// So many trunks are named in a report.
const NAMED: usize = 1_000;

impl Registrations {
    /// Returns a rotation with the results behind a line; `None` where there is none of this id. Of this client where one is given: its
    /// results are about trunks of any scope.
    pub(in crate::registrations) async fn rotation(&self, id: &str, owner: Option<&str>, after: i64) -> Result<Option<Value>, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let rotation = rotations::find(&mut state, id).await?.filter(|found| owner.is_none_or(|owner| found.client == owner));
        let Some(rotation) = rotation else { return Ok(None) };
        let counts = rotations::counts(&mut state, id).await?;
        let (results, _) = rotations::results(&mut state, id, rotation.counted).await?;
        let shown = rotations::settled(&mut state, id, after, RESULTS).await?;
        let of = |state: ItemState| counts.iter().find(|(of, _)| *of == state).map_or(0, |(_, count)| *count);
        let mut progress = Map::new();
        progress.insert("lines".into(), counts.iter().map(|(_, count)| count).sum::<i64>().into());
        for state in ItemState::ALL {
            progress.insert(state.as_str().into(), of(state).into());
        }
        let mut body = json!({
            "id": rotation.id,
            "kind": "rotation",
            "state": rotation.state.as_str(),
            "dateCreated": rfc3339(rotation.created),
            "dateModified": rfc3339(rotation.modified),
            "perSecond": rotation.per_second,
            "maxFailureShare": f64::from(rotation.failure_share) / 1_000_000.0,
            "progress": progress,
            "selfUri": path(id),
        });
        if rotation.state == RotationState::Running {
            let total = usize::try_from(of(ItemState::Waiting)).unwrap_or(0) + results.len();
            body["stage"] = match Rollout::new(total, rotation.failure_share, &results).stage() {
                Stage::Canary => "canary",
                Stage::Hundredth => "hundredth",
                Stage::Rest => "rest",
            }
            .into();
        }
        if let Some(message) = rotation.message {
            body["message"] = message.into();
        }
        if shown.len() as i64 == RESULTS
            && let Some(last) = shown.last()
        {
            body["nextUri"] = format!("{}?after={}", path(id), last.line).into();
        }
        let results: Vec<Value> = shown.iter().filter_map(|item| serde_json::from_str(item.body.as_deref()?).ok()).collect();
        body["results"] = results.into();
        Ok(Some(body))
    }

    /// Writes what came of a rotation, for people.
    pub(super) async fn rotation_report(&self, id: &str, owner: Option<&str>) -> Result<String, Problem> {
        let mut state = self.inner.store.snapshot().await?;
        let rotation = rotations::find(&mut state, id).await?.filter(|found| owner.is_none_or(|owner| found.client == owner));
        let rotation = rotation.ok_or_else(|| Problem::not_found("rotation", id))?;
        let counts = rotations::counts(&mut state, id).await?;
        // Writing to a String cannot fail.
        let mut text = String::new();
        let _ = writeln!(text, "Rotation {id}: {}", rotation.state.as_str());
        let _ = writeln!(text, "begun {}, last change {}, by {}", rfc3339(rotation.created), rfc3339(rotation.modified), rotation.client);
        if let Some(message) = &rotation.message {
            let _ = writeln!(text, "{message}");
        }
        let _ = writeln!(text);
        for state in ItemState::ALL {
            if let Some((_, count)) = counts.iter().find(|(of, count)| *of == state && *count > 0) {
                let _ = writeln!(text, "{count:>8} {}", state.as_str());
            }
        }
        let mut by_code: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let (mut after, mut named) = (0, 0);
        loop {
            let page = rotations::settled(&mut state, id, after, RESULTS).await?;
            let Some(last) = page.last() else { break };
            after = last.line;
            for item in &page {
                let result: Value = item.body.as_deref().and_then(|body| serde_json::from_str(body).ok()).unwrap_or_default();
                if let Some(code) = result["error"]["code"].as_str().filter(|_| named < NAMED) {
                    by_code.entry(code.to_owned()).or_default().push(item.trunk.clone());
                    named += 1;
                }
            }
        }
        for (code, trunks) in by_code {
            let _ = writeln!(text, "\n{code} ({}):", trunks.len());
            for trunk in trunks {
                let _ = writeln!(text, "  {trunk}");
            }
        }
        Ok(text)
    }
}
