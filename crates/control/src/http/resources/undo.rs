//! POST /api/v2/audits/{number}/undo: takes back an edit of a trunk or a carrier, from its audit record.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::post;
use serde_json::{Map, Value};

use super::form::COMMON;
use super::{carriers, trunks};
use crate::access::Caller;
use crate::http::{App, OptionalJsonBody};
use crate::problem::Problem;
use crate::store::audits;

/// Whose edits can be undone, and what an edit of it needs.
const EDITS: [(&str, &str); 2] = [("trunk", "telephony:trunk:edit"), ("carrier", "telephony:carrier:edit")];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/api/v2/audits/{number}/undo", post(undo))
}

async fn undo(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
    OptionalJsonBody(body): OptionalJsonBody,
) -> Result<Response, Problem> {
    // An edit is taken back by whoever may make it. Who may edit nothing learns nothing of what is on record.
    if EDITS.iter().all(|(_, edit)| caller.grants.reach(edit).is_nothing()) {
        return Err(Problem::missing_permissions(EDITS.map(|(_, edit)| edit)));
    }
    if !body.is_empty() {
        return Err(Problem::bad_request("This call takes no fields."));
    }
    let unknown = || Problem::not_found("audit record", &number);
    let found = audits::find(&mut *app.store.read().await?, number.parse().map_err(|_| unknown())?).await?;
    let record = found.ok_or_else(unknown)?;
    let reads = caller.grants.everywhere("audits:audit:view");
    let edits = EDITS.iter().find(|(kind, _)| *kind == record.entity_kind).is_some_and(|(_, edit)| !caller.grants.reach(edit).is_nothing());
    if !reads && !edits {
        return Err(unknown());
    }
    let object = |text: Option<&str>| match text.map(serde_json::from_str) {
        Some(Ok(Value::Object(fields))) => Some(fields),
        _ => None,
    };
    let edit = match (record.action.as_str(), object(record.before.as_deref()), object(record.after.as_deref())) {
        ("update" | "undo", Some(before), Some(after)) => Edit { before, after },
        _ => return Err(Problem::conflict("Only an edit can be undone: a record of action update, with before and after.")),
    };
    let undone = match record.entity_kind.as_str() {
        "trunk" => trunks::undo(&app, &caller, &record.entity_id, &edit).await,
        "carrier" => carriers::undo(&app, &caller, &record.entity_id, &edit).await,
        kind => Err(Problem::conflict(format!("Edits of trunks and carriers can be undone, not those of a {kind}."))),
    };
    // A record about what the caller may not know of is as if there were none.
    undone.map_err(|problem| if !reads && problem.status() == StatusCode::NOT_FOUND { unknown() } else { problem })
}

/// What an edit did.
pub(super) struct Edit {
    before: Map<String, Value>,
    after: Map<String, Value>,
}

impl Edit {
    /// Returns what a field was before.
    pub(super) fn before(&self, name: &str) -> Option<&Value> {
        self.before.get(name)
    }

    /// Makes the fields as they would be without the edit; what was changed since stays.
    ///
    /// # Errors
    /// 409 where a field of the edit was changed again since; it names them.
    pub(super) fn taken_back(&self, now: &Map<String, Value>) -> Result<Map<String, Value>, Problem> {
        let mut fields = now.clone();
        let mut again: Vec<&str> = Vec::new();
        for name in self.before.keys().chain(self.after.keys().filter(|name| !self.before.contains_key(*name))) {
            let servers = COMMON.contains(&name.as_str()) && name != "name";
            let (before, after) = (self.before.get(name), self.after.get(name));
            if servers || before == after {
                continue;
            }
            if now.get(name) != after {
                again.push(name);
            }
            match before {
                Some(before) => drop(fields.insert(name.clone(), before.clone())),
                None => drop(fields.remove(name)),
            }
        }
        if again.is_empty() {
            return Ok(fields);
        }
        let message = format!("Changed again since: {}. Undo the later edits first, or set what you want.", again.join(", "));
        Err(again.into_iter().fold(Problem::conflict(message), |problem, name| problem.field(name)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        let Value::Object(map) = value else { panic!("not an object") };
        map
    }

    #[test]
    fn an_edit_is_taken_back_and_what_came_after_stays() {
        let before = map(json!({"id": "t", "name": "A", "version": 1, "expires": 60, "policy": {"a": 1}}));
        let after = map(json!({"id": "t", "name": "A", "version": 2, "policy": {"a": 1, "b": 2}, "description": "new"}));
        let edit = Edit { before, after: after.clone() };
        let mut now = after;
        now.insert("version".into(), json!(5));
        now.insert("name".into(), json!("B"));
        let fields = edit.taken_back(&now).unwrap();
        assert_eq!(Value::from(fields), json!({"id": "t", "name": "B", "version": 5, "policy": {"a": 1}, "expires": 60}));
        now.insert("description".into(), json!("newer"));
        let problem = edit.taken_back(&now).unwrap_err();
        assert_eq!((problem.status().as_u16(), problem.body()["details"][0]["fieldName"].clone()), (409, json!("description")));
    }
}
