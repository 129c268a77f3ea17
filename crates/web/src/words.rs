//! Every text of the console, in English, in one place.

use crate::parts::number;

pub const ACCEPTED: &str = "accepted";
pub const ACCEPT_WHITESPACE: &str = "The white space or quotes are really part of the secret";
pub const ACCESS: &str = "Access";
pub const ACTION: &str = "Action";
pub const ACTIVITY: &str = "Events of the last hour";
pub const ADDRESS_OF_RECORD: &str = "Address-of-record";
pub const ADVERTISED: &str = "Advertised";
pub const AFTER: &str = "After";
pub const ALGORITHM: &str = "Algorithm";
pub const ALLOWED: &str = "May be answered";
pub const ALLOWED_HINT: &str = "None marked: what the organisation allows.";
pub const ALLOWS: &str = "allows";
pub const ALL_WELL: &str = "Nothing needs you: no trunk is held, refused, unreachable or lapsed.";
pub const AND_MORE: &str = "There are more: see the trunks by state.";
pub const ANY: &str = "any";
pub const ASCENDING: &str = "ascending";
pub const AS_TABLE: &str = "As a table";
pub const ATTEMPTS: &str = "Attempts";
pub const ATTENTION: &str = "Needs attention";
pub const AT_MOST: &str = "at most";
pub const AUDIT: &str = "Audit";
pub const BACK_HOME: &str = "Back to the overview";
pub const BACK_TO_TRUNKS: &str = "Back to the trunks";
pub const BEFORE: &str = "Before";
pub const BINDING: &str = "Binding";
pub const BINDING_LIMIT: &str = "Bindings of an account";
pub const BUDGET: &str = "Failure budget";
pub const BUDGET_FAILURES: &str = "Failed digests";
pub const BUDGET_PER_VERSION: &str = "Of one version";
pub const BUDGET_WINDOW: &str = "Within (s)";
pub const BUILT_IN: &str = "This role is part of the product and stays as it is.";
pub const BUSIEST: &str = "busiest minute";
pub const BY_DEFAULT: &str = "default";
pub const CANCEL: &str = "Cancel";
pub const CARRIER: &str = "Carrier";
pub const CARRIERS: &str = "Carriers";
pub const CARRIERS_BY_SHARE: &str = "Carriers by failures";
pub const CHAIN_BROKEN: &str = "The chain is broken.";
pub const CHAIN_INTACT: &str = "The chain is intact:";
pub const CHALLENGE: &str = "Challenge";
pub const CHANGED: &str = "Changed";
pub const CHANGES: &str = "Changes";
pub const CHOOSE: &str = "Choose";
pub const CLIENT: &str = "Client";
pub const CLIENTS: &str = "Clients";
pub const CLIENT_ID: &str = "Client id";
pub const CLIENT_SECRET: &str = "Client secret";
pub const CODE: &str = "Code";
pub const CONFIRM: &str = "Is this meant for all of these?";
pub const CORRELATION: &str = "Correlation id";
pub const CREDENTIALS: &str = "Credentials";
pub const DECIDED_BY: &str = "decided by";
pub const DELETE: &str = "Delete";
pub const DELETE_CARRIER: &str = "Delete the carrier";
pub const DELETE_CARRIER_NOTE: &str = "A carrier that trunks use is kept: the server refuses.";
pub const DELETE_CLIENT: &str = "Delete the client";
pub const DELETE_CLIENT_NOTE: &str = "Its tokens end at once.";
pub const DELETE_REALLY: &str = "Is this to be deleted for good?";
pub const DELETE_ROLE: &str = "Delete the role";
pub const DELETE_ROLE_NOTE: &str = "Clients that have it lose what it allows.";
pub const DESCENDING: &str = "descending";
pub const DESCRIPTION: &str = "Description";
pub const DIAGNOSES: &str = "Diagnoses";
pub const DIAGNOSES_HINT: &str = "Every cause that Trunkline tells, with its meaning and its remedy.";
pub const DIAGNOSIS: &str = "Diagnosis";
pub const DIGEST_SENT: &str = "Digest sent";
pub const DISABLED: &str = "Disabled";
pub const DISABLED_HINT: &str = "Disabled: gets no tokens, and those that it has are refused";
pub const DONE: &str = "done";
pub const DOWNGRADE_DEFAULT: &str = "as the product does: refuse";
pub const DOWNGRADE_REFUSE: &str = "refuse";
pub const DOWNGRADE_WARN: &str = "warn";
pub const DOWNLOAD_PCAPNG: &str = "Download pcapng";
pub const DRY_RUN: &str = "Only judge the lines, change nothing";
pub const EDGE: &str = "Edge";
pub const EDGES: &str = "Edges";
pub const EDIT: &str = "Edit";
pub const EDIT_CARRIER: &str = "Edit the carrier";
pub const EDIT_CLIENT: &str = "Client";
pub const EDIT_ROLE: &str = "Role";
pub const ENTITY: &str = "Entity";
pub const EVENTS: &str = "Events";
pub const EXPECTED: &str = "expected";
pub const EXPIRES: &str = "Expires (s)";
pub const FAILING: &str = "Failing at";
pub const FAILURE_SHARE: &str = "Stop beyond so many refused (%)";
pub const FILTER: &str = "Filter";
pub const FIRST_PAGE: &str = "First page";
pub const FORBIDDEN_RETRY: &str = "Retry a 403 after (s)";
pub const FOREIGN_FORM: &str = "This form cannot be taken";
pub const FOREIGN_FORM_TEXT: &str =
    "It comes from another site, or from a session that has ended. Go back, load the page again, and send it once more.";
pub const FOREIGN_SIGN_IN: &str = "This sign-in was not begun in this browser, or too long ago. Begin again.";
pub const GRANTS: &str = "Roles and scopes";
pub const GRANTS_HINT: &str = "A role holds in the whole organisation, at a site, with a carrier, or for single trunks (ids with commas between). A line without a role is left out.";
pub const ID: &str = "Id";
pub const ID_HINT: &str = "Letters, digits, _ . -; made up where empty. It stays for good.";
pub const IMPORT: &str = "Bulk import";
pub const IMPORT_EXAMPLE: &str = r#"{"trunk": {"id": "t1", "site": {"id": "jakarta"}, "carrier": {"id": "nusantara"}, "addressOfRecord": "sip:u1@lab"}, "credentials": {"username": "u1", "password": "p1"}}"#;
pub const IMPORT_HINT: &str = "One trunk a line: JSON, or a sheet in CSV whose first line names the columns. Each line is applied as a whole or not at all; what is refused says why.";
pub const IN_FLIGHT: &str = "In flight";
pub const IN_SCOPE: &str = "in";
pub const ITS_TRUNKS: &str = "Its trunks";
pub const JOB_PACE: &str = "Trunks a second";
pub const JOB_REPORT: &str = "Report";
pub const KIND: &str = "Kind";
pub const LADDER: &str = "SIP ladder";
pub const LAPSES: &str = "Lapses";
pub const LAPSE_SOON: &str = "bindings lapse within 15 minutes, and their renewal fails.";
pub const LAST_ANSWER: &str = "Last answer";
pub const LAST_HOURS: &str = "Last";
pub const LEARN: &str = "Learn realm and algorithms";
pub const LEARNED: &str = "Learned from the carrier; no digest was sent.";
pub const LINE: &str = "Line";
pub const LINES: &str = "Lines";
pub const LINES_DONE: &str = "lines";
pub const LIVE_HINT: &str = "Whether this page follows what happens";
pub const LOCAL: &str = "Local";
pub const LONGEST_TRIP: &str = "Longest";
pub const LOOK_AGAIN: &str = "Look again";
pub const MAIN: &str = "Main";
pub const MAINTENANCE: &str = "Maintenance";
pub const MAINTENANCE_HINT: &str = "A daily window a line: 02:00-04:00 Asia/Jakarta. UTC without a zone.";
pub const MAINTENANCE_UNTIL: &str = "In maintenance until";
pub const MEANING: &str = "Meaning";
pub const MEAN_TRIP: &str = "Mean round trip";
pub const MESSAGES: &str = "Messages";
pub const METHOD: &str = "Method";
pub const MIN_REFRESH: &str = "Least time between refreshes (s)";
pub const MIN_REFRESH_SHORT: &str = "Between refreshes (s)";
pub const NAME: &str = "name";
pub const NAME_LABEL: &str = "Name";
pub const NEGOTIATED: &str = "Negotiated";
pub const NEW_CARRIER: &str = "New carrier";
pub const NEW_CLIENT: &str = "New client";
pub const NEW_ROLE: &str = "New role";
pub const NEXT_PAGE: &str = "Next page";
pub const NEXT_REFRESH: &str = "Next refresh";
pub const NO: &str = "no";
pub const NONE_CHOSEN: &str = "No trunk is chosen. Go back and mark some.";
pub const NOTE: &str = "Note";
pub const NOTE_MALFORMED: &str = "A note is written as pattern => note, one a line. This is not:";
pub const NOTHING_CHANGED: &str = "Nothing has changed.";
pub const NOT_ACCEPTED: &str = "refused";
pub const NOT_ALLOWED: &str = "Not allowed";
pub const NOT_A_NUMBER: &str = "is no whole number.";
pub const NOT_BOUND: &str = "not bound";
pub const NOT_DONE: &str = "not done";
pub const NOT_FOUND: &str = "Not found";
pub const NOT_PASSED: &str = "failed";
pub const NOW: &str = "now";
pub const NO_ATTEMPTS: &str =
    "No attempts are kept yet. Failures, first registrations and verifications are; trace keeps all for half an hour.";
pub const NO_CARRIERS: &str = "There are no carriers yet. Make one: only its registrar must be known.";
pub const NO_CREDENTIALS: &str = "No credentials are set yet.";
pub const NO_EDGES: &str = "No edge has introduced itself yet.";
pub const NO_EVENTS: &str = "Nothing has happened that fits.";
pub const NO_HOST: &str =
    "The browser does not say which host it has called, so the identity provider could not lead back. Set url in [oidc.console].";
pub const NO_MESSAGES: &str = "No messages are kept, or you may not see them.";
pub const NO_PAGE: &str = "There is no such page.";
pub const NO_PHRASES: &str = "No notes to this carrier's words.";
pub const NO_RANDOMNESS: &str = "The system gives no randomness.";
pub const NO_RATES: &str = "Nothing has been registered in these hours. Counts begin with the server and are kept for six hours.";
pub const NO_RECORDS: &str = "No record fits.";
pub const NO_ROLE: &str = "has no role in Trunkline. Ask whoever looks after its access; the identity provider has done its part.";
pub const NO_SHARES: &str = "No carrier has trunks yet.";
pub const NO_TRUNKS: &str = "No trunk fits. Loosen the filters, or import trunks.";
pub const NO_WORDS: &str = "The server gave no reason.";
pub const NUMBER: &str = "No.";
pub const OF_CARRIER: &str = "of the carrier";
pub const OF_ORGANIZATION: &str = "of the organisation";
pub const OF_TRUNK: &str = "of the trunk";
pub const ON_DOWNGRADE: &str = "When weaker algorithms are offered than before";
pub const OPTIONS_ANSWERED: &str = "OPTIONS answered";
pub const OPTIONS_DOWN: &str = "Down after";
pub const OPTIONS_INTERVAL: &str = "Every (s)";
pub const OPTIONS_UP: &str = "Up after";
pub const ORDER: &str = "Order";
pub const OTHER_SITES: &str = "every site without an edge of its own";
pub const OUTBOUND_PROXY: &str = "Outbound proxy";
pub const OUTBOUND_PROXY_HINT: &str = "First hop and preloaded Route, where the carrier wants one.";
pub const OUTCOME: &str = "Outcome";
pub const OVERVIEW: &str = "Overview";
pub const PACE: &str = "REGISTER/s";
pub const PACING: &str = "Pacing";
pub const PACING_HINT: &str = "Ask the carrier for its limit and stay below. Empty: 500 REGISTER/s, 200 in flight.";
pub const PASSED: &str = "passed";
pub const PASSWORD: &str = "Password";
pub const PASSWORD_HINT: &str = "Sent once to the server, sealed there, and never shown again.";
pub const PATTERN: &str = "Pattern";
pub const PAUSE: &str = "Pause";
pub const PERMISSIONS: &str = "Permissions";
pub const PERMISSIONS_HINT: &str = "One a line; * as a part stands for any.";
pub const PERMISSIONS_KNOWN: &str = "Permissions that roles have";
pub const PHRASES: &str = "Notes to the carrier's words";
pub const PHRASES_HINT: &str = "pattern => note, one a line. * stands for any run of characters.";
pub const PLAN: &str = "Plan";
pub const PLAN_AFRESH: &str = "From the present fleet";
pub const PLAN_ALL_CARRIERS: &str = "all carriers";
pub const PLAN_ANOTHER: &str = "Another carrier";
pub const PLAN_ANOTHER_HINT: &str = "Left out where it has no name.";
pub const PLAN_CLEAN: &str = "all: they stopped in order";
pub const PLAN_CORES: &str = "cores then";
pub const PLAN_DO: &str = "Plan";
pub const PLAN_EDGE: &str = "An edge in its worst second: at most";
pub const PLAN_EVENT: &str = "What happens";
pub const PLAN_EXCEEDED: &str = "more than the carrier takes in a second; each edge paces by itself, so lower REGISTER/s of an edge.";
pub const PLAN_EXPIRY: &str = "carriers grant less from then on";
pub const PLAN_FROM: &str = "From";
pub const PLAN_GRANTED: &str = "Granted (s)";
pub const PLAN_GRANTED_HINT: &str = "Where carriers grant less.";
pub const PLAN_GREY: &str = "grey: what happens";
pub const PLAN_HINT: &str = "What trunks and edges ask of their carriers, second by second, while something happens to them. It is worked out by the arithmetic of the user agent; nothing is sent, and the fleet stays as it is.";
pub const PLAN_IN_FLIGHT: &str = "In flight, an edge";
pub const PLAN_LAPSES: &str = "bindings lapse";
pub const PLAN_LIMIT: &str = "Limit, all edges (/s)";
pub const PLAN_LOSS: &str = "datagrams are lost";
pub const PLAN_LOST: &str = "Lost (%)";
pub const PLAN_LOST_HINT: &str = "Each way, 0 to 95.";
pub const PLAN_MEMORY: &str = "Edges know afterwards";
pub const PLAN_MEMORY_HINT: &str = "After a restart.";
pub const PLAN_MOST_RATE: &str = "REGISTER/s at most";
pub const PLAN_MOST_UNBOUND: &str = "without a binding at most";
pub const PLAN_NEVER: &str = "never";
pub const PLAN_NONE: &str = "nothing: the state is lost";
pub const PLAN_NOTHING: &str = "nothing: the steady state";
pub const PLAN_OUTAGE: &str = "silence";
pub const PLAN_PACE: &str = "REGISTER/s, an edge";
pub const PLAN_RATE: &str = "REGISTER/s";
pub const PLAN_RECOVERY: &str = "until all are bound again";
pub const PLAN_RESTART: &str = "all edges restart";
pub const PLAN_REUSE: &str = "Nonce used again";
pub const PLAN_REUSE_ALWAYS: &str = "always";
pub const PLAN_REUSE_AUTO: &str = "where it works";
pub const PLAN_REUSE_NEVER: &str = "never";
pub const PLAN_ROUND_TRIP: &str = "Round trip (ms)";
pub const PLAN_SECONDS: &str = "For (s)";
pub const PLAN_SECONDS_HINT: &str = "Silence, loss, or down.";
pub const PLAN_STEADY: &str = "steady /s";
pub const PLAN_UNBOUND: &str = "Trunks without a binding";
pub const PLAN_UNCLEAN: &str = "bindings: they were killed";
pub const PLAN_UNRECOVERED: &str = "trunks are without a binding at the end; raise REGISTER/s, the number in flight, or the expiry.";
pub const PLAN_WHAT: &str = "Event";
pub const PLAN_WORST: &str = "worst second";
pub const POLICY: &str = "Digest policy";
pub const POLICY_DEFAULT: &str = "all algorithms are allowed; the strongest offered is taken";
pub const PRESENT_DIAGNOSIS: &str = "Present diagnosis";
pub const PRINT: &str = "Print";
pub const PROFILE: &str = "Profile";
pub const PROGRESS: &str = "Progress";
pub const PROVIDER_REFUSES: &str = "The identity provider refuses:";
pub const QUARTER_FROM: &str = "15 minutes from";
pub const RATE: &str = "Registrations";
pub const RATES: &str = "REGISTER rate and round trip";
pub const REALM: &str = "Realm";
pub const REALM_HINT: &str = "Leave it empty to learn it from the carrier.";
pub const RECEIVED: &str = "received";
pub const RECORDS: &str = "records";
pub const REFRESH: &str = "Refresh now";
pub const REFRESHES: &str = "Refreshes";
pub const REFUSED: &str = "The server refuses this";
pub const REFUSED_LINES: &str = "refused";
pub const REGISTRAR: &str = "Registrar";
pub const REGISTRARS: &str = "Registrars";
pub const REGISTRARS_HINT: &str = "One SIP URI a line, in order: sip:sbc1.carrier.example;transport=udp";
pub const RELEASE_HOLD: &str = "Release hold";
pub const REMEDY: &str = "What to do:";
pub const RENEW_SECRET: &str = "New secret";
pub const REPLACED: &str = "Proved at the carrier and replaced. What worked before stays ready for a rollback.";
pub const REPORT: &str = "Report for the carrier";
pub const REPORT_HINT: &str = "For the carrier's support: passwords, digests and nonces are left out. All times in UTC. Written at";
pub const REPORT_OF: &str = "Report of";
pub const REQUEST_URI: &str = "Request-URI";
pub const REQUEST_URI_HINT: &str = "Where it is not the host of the trunk's address-of-record.";
pub const REST: &str = "Further settings";
pub const REST_HINT: &str = "As the API writes them, in JSON: verifyBy, tls, nonceReuse and the like.";
pub const REST_MALFORMED: &str = "The further settings are no JSON object:";
pub const RESUME: &str = "Resume";
pub const RETRANSMITTED: &str = "sent again";
pub const RETRYABLE: &str = "Worth a retry";
pub const ROLE: &str = "Role";
pub const ROLES: &str = "Roles";
pub const ROLL_BACK: &str = "Roll back to version";
pub const ROTATE: &str = "Rotate: new credentials for trunks that are there";
pub const ROTATE_HINT: &str = "Rotate credentials instead, at a pace, each tried at the carrier first";
pub const ROTATION: &str = "Bulk rotation";
pub const ROUND_TRIP: &str = "Round trip";
pub const SAVE: &str = "Save";
pub const SCOPE: &str = "Scope";
pub const SCOPE_IDS: &str = "Id of the site or carrier, or trunks";
pub const SCOPE_ORGANIZATION: &str = "Organisation";
pub const SEARCH: &str = "Search";
pub const SEARCH_HINT: &str = "id, or the whole name";
pub const SECRET_KEPT: &str = "I have kept it";
pub const SECRET_OF: &str = "Secret of";
pub const SECRET_ONCE: &str = "Keep this secret now: it is shown once, and nobody can read it again.";
pub const SEEN_AS: &str = "Seen by the carrier as";
pub const SEE_LADDER: &str = "See the messages of this attempt";
pub const SEE_TRUNK: &str = "See the trunk";
pub const SEE_TRUNKS: &str = "See the trunks";
pub const SENT: &str = "sent";
pub const SESSION_ENDED: &str = "The session has ended.";
pub const SET_CREDENTIALS: &str = "Set credentials";
pub const SIGN_IN: &str = "Sign in";
pub const SIGN_IN_AT_PROVIDER: &str = "Sign in with your organisation’s account";
pub const SIGN_IN_HINT: &str = "With an API client's id and secret. The first start printed one.";
pub const SIGN_IN_REFUSED: &str = "The client id is not known, the client is disabled, or its secret is wrong.";
pub const SIGN_OUT: &str = "Sign out";
pub const SINCE: &str = "since";
pub const SITE: &str = "Site";
pub const SKIP: &str = "Skip to the content";
pub const SOFTWARE: &str = "Software";
pub const SORT: &str = "Sort by";
pub const SOURCE: &str = "Sent from";
pub const STAGE: &str = "stage";
pub const STATE: &str = "State";
pub const STATIC: &str = "not live";
pub const STEP_ASKING: &str = "under way";
pub const STEP_BINDING: &str = "Binding";
pub const STEP_BINDING_TEXT: &str = "The binding is renewed with the new secret.";
pub const STEP_CHALLENGE: &str = "Challenge";
pub const STEP_CHALLENGE_TEXT: &str = "Realm and algorithm are compared with the form and the policy.";
pub const STEP_DIGEST: &str = "Digest";
pub const STEP_DIGEST_TEXT: &str = "One digest is sent and accepted.";
pub const STEP_REACH: &str = "Reach";
pub const STEP_REACH_TEXT: &str = "The registrar answers.";
pub const STEP_RESOLVE: &str = "Resolve";
pub const STEP_RESOLVE_TEXT: &str = "The registrar's addresses are found and allowed.";
pub const STEP_WAITS: &str = "not reached";
pub const STILL_ASKING: &str = "The carrier has not answered yet; the trunk's page tells the outcome.";
pub const STOP: &str = "Stop";
pub const STRONGEST: &str = "the strongest offered and allowed";
pub const SUCCEEDED: &str = "applied";
pub const THOUSANDS: &str = ",";
pub const TIMELINE: &str = "Timeline";
pub const TIMELINE_DAY: &str = "Last 24 hours";
pub const TIMELINE_WEEK: &str = "Last 7 days";
pub const TIMINGS: &str = "Timings";
pub const TOKEN_LIFE: &str = "Life of a token (s)";
pub const TOKEN_LIFE_HINT: &str = "86,400 where empty.";
pub const TOOK: &str = "Took";
pub const TOO_MANY_JOBS: &str = "Too many actions on many trunks are under way. Wait for one to end.";
pub const TRACE: &str = "Trace 30 min";
pub const TRACED_UNTIL: &str = "Traced until";
pub const TRANSPORTS: &str = "Transports";
pub const TRUNK: &str = "Trunk";
pub const TRUNKS: &str = "Trunks";
pub const TRUNKS_FIT: &str = "trunks fit";
pub const TRUNKS_WITH: &str = "Trunks with it now";
pub const UNANSWERED: &str = "no answer";
pub const UNCHANGED: &str = "These credentials are active already; the carrier was not asked.";
pub const UNREGISTER: &str = "Unregister";
pub const USERNAME: &str = "User name";
pub const USER_AGENT: &str = "User-Agent";
pub const VERIFICATION: &str = "Verification";
pub const VERIFICATION_HINT: &str = "Tried at the carrier from the trunk's own edge. Only what is proved replaces what works.";
pub const VERIFY_AND_REPLACE: &str = "Verify and replace";
pub const VERIFY_CHAIN: &str = "Verify the chain";
pub const VERSION: &str = "version";
pub const WAS: &str = "was";
pub const WHAT_CHANGED: &str = "what changed";
pub const WHEN: &str = "When";
pub const WHERE_HINT: &str =
    "Changing where secrets are sent needs the permission to set credentials; the trunks' secrets then rest until they are verified again.";
pub const WHERE_TO_SEND: &str = "Where to send";
pub const WHOLE_PAGE: &str = "The whole page";
pub const WINDOW_MALFORMED: &str = "A window is written as 02:00-04:00, with a time zone behind it. This is not:";
pub const WITH_CHOSEN: &str = "With the chosen";
pub const WORDS_AND_TIMES: &str = "Words and times";
pub const YES: &str = "yes";

/// The states of registrations, the worst first, with their names.
pub const STATES: &[(&str, &str)] = &[
    ("AUTH_HELD", "held"),
    ("REJECTED", "rejected"),
    ("UNREACHABLE", "unreachable"),
    ("EXPIRED", "lapsed"),
    ("DEGRADED", "degraded"),
    ("RETRY_WAIT", "waiting to retry"),
    ("PENDING", "pending"),
    ("REGISTERING", "registering"),
    ("REGISTERED", "registered"),
    ("REFRESHING", "refreshing"),
    ("UNREGISTERING", "unregistering"),
    ("DISABLED", "disabled"),
];

/// The states of other things: edges, versions, OPTIONS, jobs.
const OTHER_STATES: &[(&str, &str)] = &[
    ("ONLINE", "online"),
    ("OFFLINE", "offline"),
    ("UP", "up"),
    ("DOWN", "down"),
    ("UNKNOWN", "unknown"),
    ("LOADING", "being read"),
    ("RUNNING", "running"),
    ("PAUSED", "paused"),
    ("STOPPED", "stopped by itself"),
    ("CANCELLED", "cancelled"),
    ("COMPLETED", "completed"),
    ("FAILED", "failed"),
    ("STAGED", "staged"),
    ("VERIFYING", "being verified"),
    ("ACTIVE", "active"),
    ("STANDBY", "standby"),
    ("PREVIOUS", "previous"),
    ("RETIRED", "retired"),
    ("PROVED", "proved"),
    ("ACCEPTED", "accepted"),
    ("REFUSED", "refused"),
    ("INDETERMINATE", "undecided"),
];

/// The name of a state; a state without a name here is its own.
pub fn state(state: &str) -> &str {
    STATES.iter().chain(OTHER_STATES).find(|(word, _)| *word == state).map_or(state, |(_, name)| name)
}

/// So many trunks.
pub fn so_many_trunks(count: u64) -> String {
    format!("{} {}", number(count), if count == 1 { "trunk" } else { "trunks" })
}

/// So many edges.
pub fn so_many_edges(count: u64) -> String {
    format!("{} {}", number(count), if count == 1 { "edge" } else { "edges" })
}

/// The name of a kind of attempt.
pub fn kind(kind: &str) -> &str {
    match kind {
        "firstRegistration" => "First registration",
        "refresh" => "Refresh",
        "removal" => "Removal",
        "verification" => "Verification",
        other => other,
    }
}

/// The name of a field of the API: its words apart.
pub fn field(name: &str) -> String {
    let mut shown = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            shown.push(' ');
        }
        shown.extend(letter.to_lowercase());
    }
    shown
}

/// What the script says, by the names that it knows them by; `{}` stands for what it puts in.
const OF_SCRIPT: &[(&str, &str)] = &[
    ("ago", "{} ago"),
    ("file", "Or a file"),
    ("in", "in {}"),
    ("live", "live"),
    ("markBegin", "white space at the beginning"),
    ("markEnd", "white space at the end"),
    ("markOdd", "an invisible or non-breaking character"),
    ("markQuotes", "quotes around it"),
    ("markScheme", "a scheme; a realm has none"),
    ("markTypographic", "typographic quotes"),
    ("marks", "There is {}."),
    ("reconnecting", "reconnecting"),
];

/// The script's texts, as JSON.
pub fn of_script() -> String {
    serde_json::Value::Object(OF_SCRIPT.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect()).to_string()
}
