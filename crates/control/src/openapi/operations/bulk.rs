//! Bulk import, export and rotation.

use serde_json::{Value, json};

use super::{CREDENTIAL, REGISTRATIONS, TRUNK_VIEW, VIEW, flag, text, words};
use crate::openapi::operation::{Answer, Operation};

const NDJSON: &str = "application/x-ndjson";

/// The fields of a line that a column of a sheet may give.
const COLUMNS: [(&str, &str); 15] = [
    ("column.id", "value.id"),
    ("column.name", "value.name"),
    ("column.description", "value.description"),
    ("column.site", "value.site"),
    ("column.carrier", "value.carrier"),
    ("column.addressOfRecord", "value.addressOfRecord"),
    ("column.contactUser", "value.contactUser"),
    ("column.requestUri", "value.requestUri"),
    ("column.expires", "value.expires"),
    ("column.inService", "value.inService"),
    ("column.username", "value.username"),
    ("column.password", "value.password"),
    ("column.realm", "value.realm"),
    ("column.algorithm", "value.algorithm"),
    ("column.verify", "value.verify"),
];

/// Adds them.
pub fn bulk(all: &mut Vec<Operation>) {
    const TAG: &str = "Bulk";
    let path = format!("{REGISTRATIONS}/bulk");
    let about = "Imports trunks and credentials, a line each, or rotates credentials with rotate=true. With Accept: application/x-ndjson an import streams its result lines.";
    let import = Operation::new("post", path.clone(), TAG, "importBulk", about)
        .may_need("telephony:trunk:edit")
        .may(CREDENTIAL)
        .query("dryRun", flag(), "Judges the lines and changes nothing.")
        .query("rotate", flag(), "New credentials for trunks that are there, at a pace.")
        .query("perSecond", json!({ "type": "integer", "minimum": 1, "maximum": 1000 }), "Of a rotation: trunks a second; 10 where absent.")
        .query(
            "maxFailureShare",
            json!({ "type": "number", "minimum": 0, "maximum": 1 }),
            "Of a rotation: it stops beyond; 0.05 where absent.",
        )
        .query("separator", words(&["comma", "semicolon", "tab"]), "Of a sheet; found out where absent.");
    let import = COLUMNS.iter().fold(import, |import, (column, value)| {
        import.query(column, text(), "Of a sheet: the column that gives the field.").query(
            value,
            text(),
            "Of a sheet: the field of every row; may name columns in braces.",
        )
    });
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
    all.push(
        import
            .header("Idempotency-Key", key, "Goes on with the import under the same key.")
            .takes_as(NDJSON, "Lines", true)
            .takes_as("text/csv", "Sheet", true)
            .answers(Answer::Text(NDJSON))
            .answers(Answer::One(202, "Job"))
            .refuses(409),
    );
    let export = Operation::new("get", path.clone(), TAG, "exportBulk", "Exports trunks as lines that can be imported, without secrets.")
        .query("site.id", text(), "Of this site.")
        .query("carrier.id", text(), "With this carrier.");
    all.push(export.may(TRUNK_VIEW).may(VIEW).answers(Answer::Text(NDJSON)));
    let after: Value = json!({ "type": "integer", "minimum": 0, "maximum": 2_147_483_647_i64 });
    all.push(
        Operation::new("get", format!("{path}/{{jobId}}"), TAG, "getJob", "Reads an import or a rotation, and 500 of its results.")
            .may(VIEW)
            .query("after", after, "Results after this line.")
            .answers(Answer::One(200, "Job")),
    );
    all.push(
        Operation::new("get", format!("{path}/{{jobId}}/report"), TAG, "getJobReport", "Writes the report of a rotation.")
            .may(VIEW)
            .answers(Answer::Text("text/plain; charset=utf-8")),
    );
    let act = Operation::new("post", format!("{path}/{{jobId}}/{{step}}"), TAG, "actOnJob", "Pauses, resumes or cancels a rotation.");
    all.push(act.may(CREDENTIAL).may_take("Nothing").answers(Answer::One(202, "Job")).refuses(409));
}
