use serde_json::{Map, Value, json};

use super::{examples, links};

/// What an operation answers when all is well.
#[derive(Clone, Debug)]
pub enum Answer {
    /// One object of a schema, under a status.
    One(u16, &'static str),
    /// A listing of a schema.
    Listing(&'static str),
    /// A list of a schema, without pages.
    List(&'static str),
    /// Nothing to show: 204.
    Nothing,
    /// Nothing to show, under a status.
    Empty(u16),
    /// Text of a media type.
    Text(&'static str),
    /// Bytes of a media type.
    Bytes(&'static str),
}

/// A parameter of the query or a header.
#[derive(Clone, Debug)]
pub struct Parameter {
    name: &'static str,
    place: &'static str,
    schema: Value,
    required: bool,
    about: &'static str,
}

/// One operation of the API.
#[derive(Clone, Debug)]
pub struct Operation {
    /// `get`, `post`, ...
    pub method: &'static str,
    /// With its parameters in braces.
    pub path: String,
    /// Which part of the API it belongs to.
    pub tag: &'static str,
    /// What it does, in a sentence.
    pub summary: String,
    /// What the caller must be allowed to do.
    pub permissions: Vec<&'static str>,
    id: String,
    conditional: Vec<&'static str>,
    any: Vec<&'static str>,
    open: bool,
    parameters: Vec<Parameter>,
    requests: Vec<(&'static str, &'static str, bool)>,
    answers: Vec<Answer>,
    refusals: Vec<u16>,
    makes: Option<&'static str>,
}

impl Operation {
    /// Begins one.
    pub fn new(
        method: &'static str,
        path: impl Into<String>,
        tag: &'static str,
        id: impl Into<String>,
        summary: impl Into<String>,
    ) -> Self {
        Operation {
            method,
            path: path.into(),
            tag,
            summary: summary.into(),
            permissions: Vec::new(),
            conditional: Vec::new(),
            any: Vec::new(),
            id: id.into(),
            open: false,
            parameters: Vec::new(),
            requests: Vec::new(),
            answers: Vec::new(),
            refusals: Vec::new(),
            makes: None,
        }
    }

    /// Needs this permission.
    #[must_use]
    pub fn may(mut self, permission: &'static str) -> Self {
        self.permissions.push(permission);
        self
    }

    /// Needs this permission too for some bodies, such as those that say where a secret goes.
    #[must_use]
    pub fn may_need(mut self, permission: &'static str) -> Self {
        self.conditional.push(permission);
        self
    }

    /// Needs this permission or another that is named so; shows what they are for.
    #[must_use]
    pub fn may_any(mut self, permission: &'static str) -> Self {
        if !self.any.contains(&permission) {
            self.any.push(permission);
        }
        self
    }

    /// Needs no token.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// Takes a query parameter.
    #[must_use]
    pub fn query(self, name: &'static str, schema: Value, about: &'static str) -> Self {
        self.parameter(name, "query", schema, false, about)
    }

    /// Needs a query parameter.
    #[must_use]
    pub fn query_required(self, name: &'static str, schema: Value, about: &'static str) -> Self {
        self.parameter(name, "query", schema, true, about)
    }

    /// Takes a header.
    #[must_use]
    pub fn header(self, name: &'static str, schema: Value, about: &'static str) -> Self {
        self.parameter(name, "header", schema, false, about)
    }

    fn parameter(mut self, name: &'static str, place: &'static str, schema: Value, required: bool, about: &'static str) -> Self {
        self.parameters.push(Parameter { name, place, schema, required, about });
        self
    }

    /// Takes the parameters of every listing; `orders` is what it is sorted by.
    #[must_use]
    pub fn paged(self, orders: &[&str]) -> Self {
        let number = |max: u32| json!({ "type": "integer", "minimum": 1, "maximum": max });
        self.query("pageSize", number(500), "Entities of a page; 25 where absent.")
            .query("pageNumber", number(10_000), "From 1. Pages end at 10,000 entities; walk with cursor beyond.")
            .query("sortBy", json!({ "type": "string", "enum": orders }), "What it is sorted by.")
            .query(
                "sortOrder",
                json!({ "type": "string", "enum": ["ascending", "descending"] }),
                "The direction; asc and desc are read too.",
            )
            .query(
                "cursor",
                json!({ "type": "string", "maxLength": 2048 }),
                "In place of pageNumber: empty at first, then as nextUri says.",
            )
            .refuses(400)
    }

    /// Takes a JSON body of a schema.
    #[must_use]
    pub fn takes(self, schema: &'static str) -> Self {
        self.takes_as("application/json", schema, true)
    }

    /// Takes a JSON body of a schema, or none.
    #[must_use]
    pub fn may_take(self, schema: &'static str) -> Self {
        self.takes_as("application/json", schema, false)
    }

    /// Takes a body of a media type.
    #[must_use]
    pub fn takes_as(mut self, media: &'static str, schema: &'static str, required: bool) -> Self {
        self.requests.push((media, schema, required));
        self.refuses(400).refuses(413).refuses(415)
    }

    /// Makes a plain resource of this schema, which is read, changed and deleted by the id that is answered.
    #[must_use]
    pub fn makes(mut self, schema: &'static str) -> Self {
        self.makes = Some(schema);
        self
    }

    /// Answers so.
    #[must_use]
    pub fn answers(mut self, answer: Answer) -> Self {
        self.answers.push(answer);
        self
    }

    /// Refuses with this status.
    #[must_use]
    pub fn refuses(mut self, status: u16) -> Self {
        if !self.refusals.contains(&status) {
            self.refusals.push(status);
        }
        self
    }

    /// Is tied to a version: If-Match, 409.
    #[must_use]
    pub fn versioned(self) -> Self {
        let pattern = json!({ "type": "string", "pattern": "^(\\*|(W/)?\"[0-9]{1,9}\"( *, *(W/)?\"[0-9]{1,9}\")*)$" });
        self.header(
            "If-Match",
            pattern,
            "The ETag that the change is based on, several with commas between, or *; a weak one matches nothing.",
        )
        .refuses(400)
        .refuses(409)
    }

    /// The names of the parameters in the path.
    fn in_path(&self) -> impl Iterator<Item = &str> {
        self.path.split('{').skip(1).filter_map(|rest| rest.split('}').next())
    }

    /// Tells what it needs besides, for a page.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.parameters.iter().map(|parameter| (parameter.name, parameter.place, parameter.about))
    }

    /// Tells whether anyone may call it.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The example of its body.
    pub fn request_example(&self) -> Option<Value> {
        self.requests.first().map(|(_, schema, _)| examples::of(schema))
    }

    /// All statuses that it refuses with, in order.
    pub fn refusals(&self) -> Vec<u16> {
        let mut all = self.refusals.clone();
        if !self.open {
            all.extend([401, 403]);
        }
        if self.in_path().next().is_some() {
            all.push(404);
        }
        // Every path of the API: counted, and apart from the rest if it breaks.
        all.extend([400, 429, 500, 503, 504]);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Writes the operation object.
    pub fn body(&self) -> Value {
        let mut body = Map::new();
        body.insert("tags".into(), json!([self.tag]));
        body.insert("operationId".into(), self.id.clone().into());
        body.insert("summary".into(), self.summary.clone().into());
        if self.open {
            body.insert("security".into(), json!([]));
        } else if !self.permissions.is_empty() {
            body.insert("description".into(), format!("Needs {}.", self.permissions.join(", ")).into());
            body.insert("x-required-permissions".into(), json!(self.permissions));
        }
        let mut parameters: Vec<Value> = self.in_path().map(|name| path_parameter(name, &self.path)).collect();
        parameters.extend(self.parameters.iter().map(|parameter| {
            json!({ "name": parameter.name, "in": parameter.place, "required": parameter.required, "description": parameter.about, "schema": parameter.schema })
        }));
        if !self.any.is_empty() {
            body.insert("x-any-permissions".into(), json!(self.any));
        }
        if !self.conditional.is_empty() {
            body.insert("x-conditional-permissions".into(), json!(self.conditional));
        }
        if !parameters.is_empty() {
            body.insert("parameters".into(), parameters.into());
        }
        if let Some((_, _, required)) = self.requests.first() {
            let content = self.requests.iter().map(|(media, schema, _)| {
                let content = json!({ "schema": { "$ref": format!("#/components/schemas/{schema}") }, "example": examples::of(schema) });
                ((*media).to_owned(), content)
            });
            body.insert("requestBody".into(), json!({ "required": required, "content": Value::Object(content.collect()) }));
        }
        let mut responses = Map::new();
        let links = links::of(&self.id, self.makes);
        for answer in &self.answers {
            let (status, mut response) = answer.body();
            if !links.is_empty() && response.pointer("/content/application~1json").is_some() {
                response["links"] = links.clone().into();
            }
            match responses.get_mut(&status.to_string()) {
                // The same status, of another media type.
                Some(Value::Object(told)) => {
                    let (Some(Value::Object(known)), Value::Object(more)) = (told.get_mut("content"), response["content"].clone()) else {
                        continue;
                    };
                    known.extend(more);
                }
                _ => drop(responses.insert(status.to_string(), response)),
            }
        }
        for status in self.refusals() {
            responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{status}") }));
        }
        body.insert("responses".into(), responses.into());
        Value::Object(body)
    }
}

/// Of which resource an `id` is, and the one of the examples.
const IDS: [(&str, &str); 8] = [
    ("/api/v2/carriers", "nusantara"),
    ("/api/v2/trunks/voice", "trunk_jkt_04"),
    ("/api/v2/edges", "edge_jkt_1"),
    ("/api/v2/oauth/clients", "ci"),
    ("/api/v2/authorization/roles", "rotator"),
    ("/api/v2/webhooks", "operations"),
    ("/api/v2/formrules", "realm"),
    ("/", "jakarta"),
];

fn path_parameter(name: &str, path: &str) -> Value {
    let (schema, example) = match name {
        "version" | "number" => (json!({ "type": "integer", "minimum": 1, "maximum": 1_000_000 }), json!(1)),
        "code" => (json!({ "type": "string", "pattern": "^[a-z0-9_.]{1,64}$" }), json!("sip.realm.mismatch")),
        "action" => {
            let actions = ["refresh", "unregister", "release-hold", "trace", "acknowledge-drift"];
            (json!({ "type": "string", "enum": actions }), json!("refresh"))
        }
        "step" => (json!({ "type": "string", "enum": ["pause", "resume", "cancel"] }), json!("pause")),
        "eventId" => (json!({ "type": "string", "pattern": "^[!-.0->@-~]{1,64}$" }), json!("1-7")),
        "trunkId" => (json!({ "$ref": "#/components/schemas/Id" }), json!("trunk_jkt_04")),
        "edgeId" => (json!({ "$ref": "#/components/schemas/Id" }), json!("edge_jkt_1")),
        _ => {
            let example = IDS.iter().find(|(of, _)| path.starts_with(of)).map_or("1", |(_, id)| id);
            (json!({ "$ref": "#/components/schemas/Id" }), json!(example))
        }
    };
    json!({ "name": name, "in": "path", "required": true, "schema": schema, "example": example })
}

impl Answer {
    fn body(&self) -> (u16, Value) {
        let json = |about: &str, schema: Value, example: Value| {
            let content = json!({ "application/json": { "schema": schema, "example": example } });
            json!({ "description": about, "headers": headers(), "content": content })
        };
        let reference = |schema: &str| json!({ "$ref": format!("#/components/schemas/{schema}") });
        match self {
            Answer::One(status, schema) => (*status, json("As asked.", reference(schema), examples::of(schema))),
            Answer::List(schema) => {
                let list = json!({ "type": "array", "items": reference(schema) });
                (200, json("A list.", list, json!([examples::of(schema)])))
            }
            Answer::Listing(schema) => {
                let entities = json!({ "type": "object", "properties": { "entities": { "type": "array", "items": reference(schema) } } });
                let listing = json!({ "allOf": [reference("Listing"), entities] });
                (200, json("A page.", listing, examples::listing(examples::of(schema))))
            }
            Answer::Nothing => (204, json!({ "description": "Done; nothing to show.", "headers": headers() })),
            Answer::Empty(200) => (200, json!({ "description": "As GET, without a body.", "headers": headers() })),
            Answer::Empty(status) => (*status, json!({ "description": "It is on its way; nothing to show.", "headers": headers() })),
            Answer::Text(media) => {
                let content = json!({ *media: { "schema": { "type": "string" }, "example": "..." } });
                (200, json!({ "description": "Text.", "headers": headers(), "content": content }))
            }
            Answer::Bytes(media) => {
                // JSON has no bytes; this is the section header that a capture begins with.
                let example = json!({ "summary": "The first bytes, in base64; the body is the bytes.", "value": "Cg0NChwAAABNPCsaAQAAAP//////////HAAAAA==" });
                let schema = json!({ "type": "string", "contentMediaType": media });
                let content = json!({ *media: { "schema": schema, "examples": { "begin": example } } });
                (200, json!({ "description": "Bytes.", "headers": headers(), "content": content }))
            }
        }
    }
}

/// The headers of every answer.
pub fn headers() -> Value {
    let names = ["ININ-Correlation-Id", "inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset"];
    let each = names.iter().map(|name| ((*name).to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })));
    Value::Object(each.collect())
}
