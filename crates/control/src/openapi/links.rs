//! Where an answer leads: what it shows is what the next call is about.

use serde_json::{Map, Value, json};

/// Of an operation: what its parameter is called, and where in the answer or the request its value stands.
type Step = (&'static str, &'static [(&'static str, &'static str)]);

const ID: &str = "$response.body#/id";
const FIRST: &str = "$response.body#/entities/0/id";
const TRUNK: &str = "$request.path.trunkId";

/// What a trunk's id is good for.
const OF_TRUNK: &[Step] = &[
    ("getRegistration", &[("trunkId", ID)]),
    ("verifyTrunk", &[("trunkId", ID)]),
    ("act", &[("trunkId", ID)]),
    ("listVersion", &[("trunkId", ID)]),
    ("listAttempt", &[("trunkId", ID)]),
    ("getProjectedTrunk", &[("trunkId", ID)]),
    ("getTrunkBase", &[("trunkId", ID)]),
];

/// What an attempt's id is good for.
const OF_ATTEMPTS: &[Step] = &[
    ("getAttempt", &[("trunkId", TRUNK), ("attemptId", FIRST)]),
    ("getLadder", &[("trunkId", TRUNK), ("attemptId", FIRST)]),
    ("getReport", &[("trunkId", TRUNK), ("attemptId", FIRST)]),
    ("getCapture", &[("trunkId", TRUNK), ("attemptId", FIRST)]),
];

/// From which operation's answer to which others.
const STEPS: &[(&str, &[Step])] = &[
    ("createClient", &[("renewClientSecret", &[("id", ID)]), ("revokeTokens", &[("id", ID)])]),
    ("createTrunk", OF_TRUNK),
    ("createTrunkBase", OF_TRUNK),
    ("createTrunkBase", &[("replaceTrunkBase", &[("trunkId", ID)]), ("deleteTrunkBase", &[("trunkId", ID)])]),
    ("createWebhook", &[("testWebhook", &[("id", ID)]), ("renewWebhookSecret", &[("id", ID)]), ("listDelivery", &[("id", ID)])]),
    ("setCredentials", OF_TRUNK),
    (
        "setCredentials",
        &[
            ("deleteRegistration", &[("trunkId", ID)]),
            ("rollBack", &[("trunkId", ID)]),
            ("getVersion", &[("trunkId", ID), ("version", "$response.body#/credentials/activeVersion")]),
        ],
    ),
    (
        "listVersion",
        &[
            ("getVersion", &[("trunkId", TRUNK), ("version", "$response.body#/entities/0/version")]),
            ("promoteVersion", &[("trunkId", TRUNK), ("version", "$response.body#/entities/0/version")]),
            ("rollBackVersion", &[("trunkId", TRUNK), ("version", "$response.body#/entities/0/version")]),
            ("withdrawVersion", &[("trunkId", TRUNK), ("version", "$response.body#/entities/0/version")]),
        ],
    ),
    ("listAttempt", OF_ATTEMPTS),
    (
        "listAdHocAttempt",
        &[
            ("getAdHocAttempt", &[("attemptId", FIRST)]),
            ("getAdHocLadder", &[("attemptId", FIRST)]),
            ("getAdHocReport", &[("attemptId", FIRST)]),
            ("getAdHocCapture", &[("attemptId", FIRST)]),
        ],
    ),
    ("verifyAdHoc", &[("getAdHocAttempt", &[("attemptId", "$response.body#/attemptId")])]),
    ("verifyTrunk", &[("getAttempt", &[("trunkId", TRUNK), ("attemptId", "$response.body#/attemptId")])]),
    ("importBulk", &[("getJob", &[("jobId", ID)]), ("getJobReport", &[("jobId", ID)]), ("actOnJob", &[("jobId", ID)])]),
    ("listDelivery", &[("redeliver", &[("id", "$request.path.id"), ("eventId", FIRST)])]),
    ("listAudit", &[("undoEdit", &[("number", "$response.body#/entities/0/number")])]),
    ("getAuditHead", &[("undoEdit", &[("number", "$response.body#/number")])]),
    ("listEdge", &[("getEdge", &[("id", FIRST)]), ("changeEdge", &[("id", FIRST)]), ("getProjectedEdge", &[("edgeId", FIRST)])]),
    ("listProjectedEdge", &[("listTrunkOfEdge", &[("edgeId", FIRST)]), ("getEdgeMetrics", &[("edgeId", FIRST)])]),
    ("listDiagnosis", &[("getDiagnosis", &[("code", FIRST)])]),
    ("listFormRule", &[("getFormRule", &[("id", FIRST)])]),
];

/// The links of an operation's answers; `plain` is the schema of a plain resource that it makes.
pub fn of(operation: &str, plain: Option<&str>) -> Map<String, Value> {
    let mut links = Map::new();
    if let Some(schema) = plain {
        for verb in ["get", "replace", "change", "delete"] {
            links.insert(format!("{verb}{schema}"), json!({ "operationId": format!("{verb}{schema}"), "parameters": { "id": ID } }));
        }
    }
    for (to, parameters) in STEPS.iter().filter(|(from, _)| *from == operation).flat_map(|(_, steps)| *steps) {
        let parameters: Map<String, Value> = parameters.iter().map(|(name, of)| ((*name).to_owned(), (*of).into())).collect();
        links.insert((*to).to_owned(), json!({ "operationId": to, "parameters": parameters }));
    }
    links
}
