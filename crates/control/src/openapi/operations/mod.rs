//! The table of operations. A route without a line here, or a line without a route, fails a test.

mod bulk;
mod events;
mod projection;

use serde_json::{Value, json};

use super::operation::{Answer, Operation};

const PLAIN: &[&str] = &["id", "name", "dateCreated", "dateModified", "version"];
const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";
const CREDENTIAL: &str = "telephony:trunkCredential:edit";
const VERIFY: &str = "telephony:trunkRegistration:verify";
const VIEW: &str = "telephony:trunkRegistration:view";
const TRUNK_VIEW: &str = "telephony:trunk:view";

/// Returns all operations, in the order of the page.
pub fn all() -> Vec<Operation> {
    let mut all = Vec::new();
    access(&mut all);
    plain(&mut all);
    registrations(&mut all);
    versions(&mut all);
    attempts(&mut all);
    bulk::bulk(&mut all);
    events::events(&mut all);
    events::webhooks(&mut all);
    knowledge(&mut all);
    sealing(&mut all);
    projection::projection(&mut all);
    upkeep(&mut all);
    all
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 128 })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn flag() -> Value {
    json!({ "type": "boolean" })
}

fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

/// A plain resource: what its five or six operations have in common.
struct Resource {
    path: &'static str,
    tag: &'static str,
    /// In the singular, as in a sentence.
    noun: &'static str,
    /// The schemas' common name.
    schema: &'static str,
    /// Permissions of view, add, edit and delete.
    may: [&'static str; 4],
    filters: &'static [(&'static str, &'static str)],
}

fn resource(all: &mut Vec<Operation>, of: &Resource) {
    let Resource { path, tag, noun, schema, may: [view, add, edit, delete], filters } = *of;
    let one = format!("{path}/{{id}}");
    let leak = |suffix: &str| -> &'static str {
        // A name of the table of schemas.
        FORMS.iter().copied().find(|form| *form == format!("{schema}{suffix}")).expect("a form of each resource")
    };
    let id = |verb: &str| format!("{verb}{schema}");
    // Whoever may choose where secrets go may read them.
    let retargeting =
        |operation: Operation| if ["Carrier", "Trunk"].contains(&schema) { operation.may_need(CREDENTIAL) } else { operation };
    let mut list = Operation::new("get", path, tag, id("list"), format!("Lists every {noun}, a page at a time.")).may(view).paged(PLAIN);
    for (name, about) in filters {
        list = list.query(name, text(), about);
    }
    all.push(list.answers(Answer::Listing(schema)));
    let made = match schema {
        "Client" => "NewClient",
        "Webhook" => "NewWebhook",
        other => other,
    };
    all.push(
        Operation::new("post", path, tag, id("create"), format!("Makes a {noun}."))
            .may(add)
            .makes(schema)
            .takes(leak("Form"))
            .answers(Answer::One(201, made))
            .refuses(409),
    );
    all.push(Operation::new("get", one.clone(), tag, id("get"), format!("Reads a {noun}.")).may(view).answers(Answer::One(200, schema)));
    let put = Operation::new("put", one.clone(), tag, id("replace"), format!("Replaces a {noun}; needs the version that it replaces."));
    all.push(
        retargeting(put.may(edit))
            .versioned()
            .takes(if ["Carrier", "Role", "Webhook"].contains(&schema) { leak("Put") } else { leak("Form") })
            .answers(Answer::One(200, schema)),
    );
    let patch = Operation::new("patch", one.clone(), tag, id("change"), format!("Changes a {noun}: what is left out stays, null removes."));
    all.push(retargeting(patch.may(edit)).versioned().takes(leak("Patch")).answers(Answer::One(200, schema)));
    all.push(
        Operation::new("delete", one, tag, id("delete"), format!("Deletes a {noun}.")).may(delete).versioned().answers(Answer::Nothing),
    );
}

const FORMS: &[&str] = &[
    "SiteForm",
    "SitePatch",
    "CarrierForm",
    "CarrierPut",
    "CarrierPatch",
    "TrunkForm",
    "TrunkPatch",
    "ClientForm",
    "ClientPatch",
    "RoleForm",
    "RolePut",
    "RolePatch",
    "WebhookForm",
    "WebhookPut",
    "WebhookPatch",
];

fn access(all: &mut Vec<Operation>) {
    const TAG: &str = "Access";
    let token = Operation::new(
        "post",
        "/oauth/token",
        TAG,
        "getToken",
        "Gives a bearer token for a client's id and secret, by HTTP Basic or in the form.",
    );
    all.push(token.open().takes_as("application/x-www-form-urlencoded", "TokenForm", true).answers(Answer::One(200, "Token")).refuses(401));
    all.push(
        Operation::new("get", "/api/v2/tokens/me", TAG, "getTokenOwner", "Says who the caller is and what it may do.")
            .answers(Answer::One(200, "TokenOwner")),
    );
    all.push(
        Operation::new("head", "/api/v2/tokens/me", TAG, "checkToken", "Says whether the token is valid.").answers(Answer::Empty(200)),
    );
    all.push(
        Operation::new("delete", "/api/v2/tokens/me", TAG, "deleteToken", "Revokes the token of the call.")
            .answers(Answer::Nothing)
            .refuses(409),
    );
    resource(
        all,
        &Resource {
            path: "/api/v2/oauth/clients",
            tag: TAG,
            noun: "client",
            schema: "Client",
            may: ["oauth:client:view", "oauth:client:add", "oauth:client:edit", "oauth:client:delete"],
            filters: &[("name", "With this name.")],
        },
    );
    let renew = Operation::new(
        "post",
        "/api/v2/oauth/clients/{id}/secret",
        TAG,
        "renewClientSecret",
        "Draws a new secret, shows it once, and ends the client's tokens.",
    );
    all.push(renew.may("oauth:client:edit").may_take("Nothing").answers(Answer::One(200, "NewClient")));
    let revoke = Operation::new("delete", "/api/v2/oauth/clients/{id}/tokens", TAG, "revokeTokens", "Ends all tokens of a client.");
    all.push(revoke.may("oauth:client:edit").answers(Answer::Nothing));
    resource(
        all,
        &Resource {
            path: "/api/v2/authorization/roles",
            tag: TAG,
            noun: "role",
            schema: "Role",
            may: ["authorization:role:view", "authorization:role:add", "authorization:role:edit", "authorization:role:delete"],
            filters: &[("name", "With this name.")],
        },
    );
}

fn plain(all: &mut Vec<Operation>) {
    let organization = "/api/v2/organization";
    all.push(
        Operation::new("get", organization, "Organisation", "getOrganization", "Reads the organisation.")
            .may("telephony:organization:view")
            .answers(Answer::One(200, "Organization")),
    );
    let change = Operation::new("patch", organization, "Organisation", "changeOrganization", "Changes digest policy and defaults.");
    all.push(change.may("telephony:organization:edit").versioned().takes("OrganizationPatch").answers(Answer::One(200, "Organization")));
    resource(
        all,
        &Resource {
            path: "/api/v2/sites",
            tag: "Sites",
            noun: "site",
            schema: "Site",
            may: ["telephony:site:view", "telephony:site:add", "telephony:site:edit", "telephony:site:delete"],
            filters: &[("name", "With this name.")],
        },
    );
    const EDGE: &str = "Edges";
    let list = Operation::new("get", "/api/v2/edges", EDGE, "listEdge", "Lists every edge, a page at a time.")
        .may("telephony:edge:view")
        .paged(PLAIN);
    all.push(list.query("site.id", text(), "Of this site.").query("name", text(), "With this name.").answers(Answer::Listing("Edge")));
    all.push(
        Operation::new("get", "/api/v2/edges/{id}", EDGE, "getEdge", "Reads an edge.")
            .may("telephony:edge:view")
            .answers(Answer::One(200, "Edge")),
    );
    let change = Operation::new("patch", "/api/v2/edges/{id}", EDGE, "changeEdge", "Names an edge, or lets it take no further trunks.");
    all.push(change.may("telephony:edge:edit").versioned().takes("EdgePatch").answers(Answer::One(200, "Edge")));
    let delete = Operation::new("delete", "/api/v2/edges/{id}", EDGE, "deleteEdge", "Forgets an edge that is gone for good.");
    all.push(delete.may("telephony:edge:delete").versioned().answers(Answer::Nothing));
    resource(
        all,
        &Resource {
            path: "/api/v2/carriers",
            tag: "Carriers",
            noun: "carrier",
            schema: "Carrier",
            may: ["telephony:carrier:view", "telephony:carrier:add", "telephony:carrier:edit", "telephony:carrier:delete"],
            filters: &[("name", "With this name.")],
        },
    );
    resource(
        all,
        &Resource {
            path: "/api/v2/trunks/voice",
            tag: "Trunks",
            noun: "trunk",
            schema: "Trunk",
            may: [TRUNK_VIEW, "telephony:trunk:edit", "telephony:trunk:edit", "telephony:trunk:edit"],
            filters: &[
                ("site.id", "Of this site."),
                ("carrier.id", "With this carrier."),
                ("name", "With this name."),
                ("inService", "true or false."),
            ],
        },
    );
}

fn registrations(all: &mut Vec<Operation>) {
    const TAG: &str = "Registrations";
    let wait = || json!({ "type": "string", "pattern": "^wait=[0-9]{1,2}$" });
    let one = format!("{REGISTRATIONS}/{{trunkId}}");
    let list =
        Operation::new("get", REGISTRATIONS, TAG, "listRegistration", "Lists registrations with their live status, a page at a time.")
            .may(VIEW)
            .paged(PLAIN);
    let list = [
        ("trunkId", "Of this trunk."),
        ("site.id", "Of this site."),
        ("carrier.id", "With this carrier."),
        ("edge.id", "At this edge."),
        ("state", "In this state."),
        ("diagnosis.code", "With this diagnosis."),
        ("name", "With this name."),
    ]
    .into_iter()
    .fold(list, |list, (name, about)| list.query(name, text(), about));
    let seconds = json!({ "type": "integer", "minimum": 1, "maximum": 86_400 });
    let list = list.query("bound", flag(), "Bound, or not.");
    let list = list.query("lapsesWithin", seconds, "Bound, lapses within so many seconds, and its renewal fails.");
    all.push(list.answers(Answer::Listing("Registration")));
    let metrics = Operation::new(
        "get",
        format!("{REGISTRATIONS}/metrics"),
        TAG,
        "getRegistrationMetrics",
        "Counts the REGISTERs that were accepted and those that failed, minute by minute; minutes without any are left out.",
    );
    let hours = json!({ "type": "integer", "minimum": 1, "maximum": 6 });
    all.push(
        metrics
            .may(VIEW)
            .query("hours", hours, "So many hours back: 3 where absent.")
            .query("carrier.id", text(), "Of this carrier's trunks.")
            .query("edge.id", text(), "From this edge.")
            .answers(Answer::One(200, "RegistrationMetrics")),
    );
    let summary = Operation::new(
        "get",
        format!("{REGISTRATIONS}/summary"),
        TAG,
        "getRegistrationSummary",
        "Counts the registrations in each state, and those of each carrier that fail; it costs the same with a million.",
    );
    all.push(summary.may(VIEW).answers(Answer::One(200, "RegistrationSummary")));
    let plan = Operation::new(
        "post",
        "/api/v2/plan",
        "Planning",
        "planFleet",
        "Plans what a fleet asks of its carriers, second by second, while something happens to it. Nothing is sent, and nothing is kept.",
    );
    all.push(plan.may(VIEW).takes("PlanForm").answers(Answer::One(200, "Plan")).refuses(404).refuses(429));
    let set = Operation::new(
        "post",
        REGISTRATIONS,
        TAG,
        "setCredentials",
        "Sets the credentials of a trunk: asks the carrier first, and changes nothing where it refuses.",
    );
    let key = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
    all.push(
        set.may(CREDENTIAL)
            .header("Prefer", wait(), "How many seconds to wait for the carrier: 10 where absent, at most 40.")
            .header("Idempotency-Key", key, "The same answer for 24 hours.")
            .takes("CredentialsForm")
            .answers(Answer::One(201, "Registration"))
            .answers(Answer::One(200, "Registration"))
            .answers(Answer::One(202, "CredentialVersion"))
            .refuses(404)
            .refuses(409)
            .refuses(422),
    );
    all.push(
        Operation::new("get", one.clone(), TAG, "getRegistration", "Reads a registration with its live status per edge.")
            .may(VIEW)
            .answers(Answer::One(200, "Registration")),
    );
    let remove =
        Operation::new("delete", one.clone(), TAG, "deleteRegistration", "Removes the credentials; the binding goes in the background.");
    all.push(remove.may(CREDENTIAL).versioned().answers(Answer::Nothing));
    let verify = Operation::new(
        "post",
        format!("{REGISTRATIONS}/verify"),
        TAG,
        "verifyAdHoc",
        "Asks a carrier about credentials that are stored nowhere.",
    );
    all.push(
        verify
            .may(VERIFY)
            .may(CREDENTIAL)
            .header("Prefer", wait(), "How many seconds to wait.")
            .takes("VerifyAdHocForm")
            .answers(Answer::One(200, "Verdict"))
            .answers(Answer::One(202, "VerificationUnderWay"))
            .refuses(404)
            .refuses(409)
            .refuses(422),
    );
    let verify = Operation::new(
        "post",
        format!("{one}/verify"),
        TAG,
        "verifyTrunk",
        "Asks a trunk's carrier about its active credentials, or given ones.",
    );
    all.push(
        verify
            .may(VERIFY)
            .header("Prefer", wait(), "How many seconds to wait.")
            .may_take("VerifyForm")
            .answers(Answer::One(200, "Verdict"))
            .answers(Answer::One(202, "VerificationUnderWay"))
            .refuses(409)
            .refuses(422),
    );
    let act = Operation::new(
        "post",
        format!("{one}/actions/{{action}}"),
        TAG,
        "act",
        "Does it now; the registration shows how it fares. trace takes minutes.",
    );
    all.push(
        act.may("telephony:trunkRegistration:edit")
            .may_need(CREDENTIAL)
            .may_need("telephony:trace:view")
            .may_take("TraceForm")
            .answers(Answer::One(202, "Registration"))
            .refuses(409)
            .refuses(422),
    );
}

fn versions(all: &mut Vec<Operation>) {
    const TAG: &str = "Credential versions";
    let path = format!("{REGISTRATIONS}/{{trunkId}}/credentials");
    let one = format!("{path}/{{version}}");
    all.push(
        Operation::new("get", path.clone(), TAG, "listVersion", "Lists a trunk's credential versions.")
            .may(VIEW)
            .paged(&["version"])
            .answers(Answer::Listing("CredentialVersion")),
    );
    all.push(
        Operation::new("get", one.clone(), TAG, "getVersion", "Reads a credential version.")
            .may(VIEW)
            .answers(Answer::One(200, "CredentialVersion")),
    );
    for (suffix, id, summary) in [
        ("promote", "promoteVersion", "Makes a version the active one."),
        ("rollback", "rollBackVersion", "Goes back from this version to the one before."),
    ] {
        all.push(
            Operation::new("post", format!("{one}/{suffix}"), TAG, id, summary)
                .may(CREDENTIAL)
                .may_take("Nothing")
                .answers(Answer::One(200, "Registration"))
                .refuses(409)
                .refuses(422),
        );
    }
    all.push(
        Operation::new("delete", one.clone(), TAG, "withdrawVersion", "Withdraws a version that waits.")
            .may(CREDENTIAL)
            .answers(Answer::Nothing)
            .refuses(409),
    );
    let back = Operation::new("post", format!("{path}/rollback"), TAG, "rollBack", "Goes back from the active version to the one before.");
    all.push(back.may(CREDENTIAL).may_take("Nothing").answers(Answer::One(200, "Registration")).refuses(409).refuses(422));
}

fn attempts(all: &mut Vec<Operation>) {
    const TAG: &str = "Attempts";
    for (place, id, whose) in [
        (format!("{REGISTRATIONS}/{{trunkId}}/attempts"), "", "a trunk"),
        (format!("{REGISTRATIONS}/verify/attempts"), "AdHoc", "no trunk"),
    ] {
        let list = Operation::new(
            "get",
            place.clone(),
            TAG,
            format!("list{id}Attempt"),
            format!("Lists the exchanges of {whose}, the newest first."),
        )
        .may(TRUNK_VIEW)
        .paged(&["startedAt", "number"]);
        let kinds = words(&["firstRegistration", "refresh", "removal", "verification"]);
        let list = list.query("kind", kinds, "Of this kind.").query("code", text(), "With this diagnosis.").query(
            "accepted",
            flag(),
            "Accepted, or not.",
        );
        all.push(list.query("from", time(), "From then on.").query("to", time(), "Until then.").answers(Answer::Listing("Attempt")));
        let one = format!("{place}/{{attemptId}}");
        all.push(
            Operation::new(
                "get",
                one.clone(),
                TAG,
                format!("get{id}Attempt"),
                "Reads an exchange; its messages only for who may see traces.",
            )
            .may(TRUNK_VIEW)
            .answers(Answer::One(200, "AttemptInWhole")),
        );
        for (export, name, media, about) in [
            ("ladder", "Ladder", "text/plain; charset=utf-8", "Draws an exchange as a ladder."),
            ("report", "Report", "text/plain; charset=utf-8", "Writes a text for the carrier's support, without secrets."),
        ] {
            let mut read = Operation::new("get", format!("{one}/{export}"), TAG, format!("get{id}{name}"), about);
            if export == "ladder" {
                let width = json!({ "type": "integer", "minimum": 48, "maximum": 400 });
                read = read.query("width", width, "So many columns at most.").query("ascii", flag(), "Without lines beyond ASCII.");
            }
            all.push(read.may("telephony:trace:view").answers(Answer::Text(media)));
        }
        all.push(
            Operation::new("get", format!("{one}/pcapng"), TAG, format!("get{id}Capture"), "Writes an exchange as a capture.")
                .may("telephony:trace:view")
                .answers(Answer::Bytes("application/x-pcapng")),
        );
    }
}

fn knowledge(all: &mut Vec<Operation>) {
    const TAG: &str = "Knowledge";
    let stages = words(&["form", "policy", "network", "challenge", "digest", "binding", "carrier", "warning"]);
    let list = Operation::new("get", "/api/v2/diagnoses", TAG, "listDiagnosis", "Lists the catalogue of causes.").paged(&["code", "stage"]);
    all.push(list.query("stage", stages, "Of this stage.").answers(Answer::Listing("Cause")));
    all.push(Operation::new("get", "/api/v2/diagnoses/{code}", TAG, "getDiagnosis", "Reads a cause.").answers(Answer::One(200, "Cause")));
    all.push(
        Operation::new("get", "/api/v2/formrules", TAG, "listFormRule", "Lists the rules of form.")
            .paged(&["position", "id"])
            .answers(Answer::Listing("FormRules")),
    );
    all.push(
        Operation::new("get", "/api/v2/formrules/{id}", TAG, "getFormRule", "Reads the rules of a field.")
            .answers(Answer::One(200, "FormRules")),
    );
    let list = Operation::new("get", "/api/v2/audits", TAG, "listAudit", "Lists who changed what.")
        .may("audits:audit:view")
        .paged(&["number", "date"]);
    let list = [
        ("entityId", "About this."),
        ("entityType", "About this kind."),
        ("action", "With this action."),
        ("clientId", "By this client."),
        ("remoteAddress", "From this address."),
        ("correlationId", "In this request."),
    ]
    .into_iter()
    .fold(list, |list, (name, about)| list.query(name, text(), about));
    all.push(list.query("from", time(), "From then on.").query("to", time(), "Until then.").answers(Answer::Listing("Audit")));
    let verify =
        Operation::new("get", "/api/v2/audits/verify", TAG, "verifyAudits", "Re-checks the chain of audits.").may("audits:audit:view");
    let line = json!({ "type": "string", "minLength": 1, "maxLength": 4096 });
    all.push(verify.query("head", line, "A line of the exported heads, to be held against.").answers(Answer::One(200, "AuditVerdict")));
    let head =
        Operation::new("get", "/api/v2/audits/head", TAG, "getAuditHead", "Reads the signed head of the chain.").may("audits:audit:view");
    all.push(head.answers(Answer::One(200, "AuditHead")).refuses(409));
    let undo = Operation::new(
        "post",
        "/api/v2/audits/{number}/undo",
        TAG,
        "undoEdit",
        "Takes back an edit of a trunk or a carrier, from its audit record; what was changed since stays.",
    );
    all.push(
        undo.may_any("telephony:trunk:edit")
            .may_any("telephony:carrier:edit")
            .may_need(CREDENTIAL)
            .may_take("Nothing")
            .answers(Answer::One(200, "Undone"))
            .refuses(409),
    );
    let export =
        Operation::new("get", "/api/v2/audits/export", TAG, "exportAudits", "Exports the chain as lines, for trunkline audit verify.");
    all.push(export.may("audits:audit:view").answers(Answer::Text("application/x-ndjson")).refuses(409));
}

fn sealing(all: &mut Vec<Operation>) {
    const TAG: &str = "Keys";
    let path = "/api/v2/sealing";
    all.push(
        Operation::new("get", path, TAG, "getSealing", "Says which keys seal what.")
            .may("sealing:key:view")
            .answers(Answer::One(200, "Sealing")),
    );
    for (rest, id, status, summary) in [
        ("data-keys", "rotateDataKey", 202, "Draws a data key; what it seals follows in the background."),
        ("master-key", "rotateMasterKey", 200, "Wraps the data keys by a new master key."),
    ] {
        let rotate = Operation::new("post", format!("{path}/{rest}/rotate"), TAG, id, summary).may("sealing:key:edit");
        all.push(rotate.may_take("Nothing").answers(Answer::One(status, "Sealing")).refuses(409));
    }
}

fn upkeep(all: &mut Vec<Operation>) {
    const TAG: &str = "Upkeep";
    all.push(Operation::new("get", "/health/live", TAG, "isLive", "The process answers.").open().answers(Answer::One(200, "Status")));
    all.push(Operation::new("get", "/health/ready", TAG, "isReady", "The store answers too.").open().answers(Answer::One(200, "Status")));
    all.push(
        Operation::new("get", "/metrics", TAG, "getMetrics", "Counts for a Prometheus server, in its text format.")
            .may(VIEW)
            .answers(Answer::Text("text/plain; version=0.0.4")),
    );
    all.push(Operation::new("get", "/openapi.json", TAG, "getDocument", "This document.").open().answers(Answer::One(200, "Document")));
    for (path, id, about) in [
        ("/docs", "getDocs", "The index of the pages, as HTML or, by Accept, as Markdown."),
        ("/docs/api", "getApiPage", "This document as a page."),
        ("/docs/diagnoses", "getDiagnosesPage", "The index of the causes."),
        ("/docs/diagnoses/{code}", "getDiagnosisPage", "The page of a cause."),
        ("/docs/form-rules", "getFormRulesPage", "The rules of form as a page."),
    ] {
        all.push(
            Operation::new("get", path, TAG, id, about)
                .open()
                .answers(Answer::Text("text/html; charset=utf-8"))
                .answers(Answer::Text("text/markdown; charset=utf-8")),
        );
    }
}
