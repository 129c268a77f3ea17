//! A client of the API under test.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

/// Where the registrations are.
pub const REGISTRATIONS: &str = "/api/v2/trunks/voice/registrations";

/// Longer than any `Prefer: wait` plus a full Timer F.
const PATIENCE: Duration = Duration::from_secs(90);

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came: a capture is no text.
    pub bytes: Vec<u8>,
    /// The body, as far as it is text.
    pub text: String,
    /// The body as JSON; null if it is none.
    pub json: Value,
}

impl Answer {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The `code` of an error body.
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// Panics with the body unless the status is this one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    /// Panics with the body unless it is an error body of this status and code, complete in form.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.json["status"], status, "the body repeats its status: {}", self.text);
        assert!(self.json["message"].as_str().is_some_and(|text| !text.is_empty()), "a message: {}", self.text);
        assert!(self.json["contextId"].as_str().is_some_and(|text| !text.is_empty()), "a contextId: {}", self.text);
        assert!(!holds_null(&self.json), "absent values are left out: {}", self.text);
        self
    }

    /// The value at a JSON pointer; panics with the body if there is none.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.json.pointer(pointer).unwrap_or_else(|| panic!("nothing at {pointer}: {}", self.text))
    }

    /// The `ok` of a named check of the diagnosis.
    pub fn check(&self, name: &str) -> Option<bool> {
        let checks = self.json["diagnosis"]["checks"].as_array()?;
        checks.iter().find(|check| check["name"] == name)?["ok"].as_bool()
    }
}

/// Whether a JSON value holds a null anywhere.
pub fn holds_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(holds_null),
        Value::Object(fields) => fields.values().any(holds_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// The API, with or without a token.
#[derive(Clone)]
pub struct Api {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Api {
    /// Without a token.
    pub fn anonymous(address: SocketAddr) -> Self {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .allow_non_standard_methods(true)
            .build()
            .new_agent();
        Self { agent, base: format!("http://{address}"), token: None }
    }

    /// With a token that a client of the API is granted.
    pub fn authorized(address: SocketAddr, id: &str, secret: &str) -> Self {
        let anonymous = Self::anonymous(address);
        let granted = anonymous.grant(id, secret).expect(200);
        let token = granted.at("/access_token").as_str().expect("a token").to_owned();
        anonymous.with_token(&token)
    }

    /// Its token.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("a token")
    }

    /// With this token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The client-credentials grant.
    pub fn grant(&self, id: &str, secret: &str) -> Answer {
        let basic = format!("Basic {}", base64(format!("{id}:{secret}").as_bytes()));
        let headers = [("Authorization", basic.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        self.send("POST", "/oauth/token", &headers, b"grant_type=client_credentials").expect("an answer")
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, &[])
    }

    /// POST of a JSON body.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body), &[])
    }

    /// PUT of a JSON body.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, Some(body), &[])
    }

    /// PATCH with a JSON body.
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, Some(body), &[])
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, None, &[])
    }

    /// Any call with a JSON body and further headers.
    pub fn call(&self, method: &str, path: &str, body: Option<&Value>, headers: &[(&str, &str)]) -> Answer {
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut all = vec![("Accept", "application/json")];
        if body.is_some() {
            all.push(("Content-Type", "application/json"));
        }
        all.retain(|(name, _)| !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
        all.extend(headers);
        self.raw(method, path, &all, text.as_bytes())
    }

    /// Any call with any bytes as its body, under this token.
    pub fn raw(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut all = headers.to_vec();
        all.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        self.send(method, path, &all, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// As [`Api::raw`], for calls that may find nobody.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).expect("a request");
        let mut response = self.agent.run(request)?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        let headers = headers.collect();
        let status = response.status().as_u16();
        let bytes = response.body_mut().with_config().limit(64 * 1024 * 1024).read_to_vec()?;
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes, json })
    }

    /// The flagship call: sets the credentials of a trunk, with the longest wait.
    pub fn set_credentials(&self, body: &Value) -> Answer {
        self.call("POST", REGISTRATIONS, Some(body), &[("Prefer", "wait=40")])
    }

    /// One registration.
    pub fn registration(&self, trunk: &str) -> Answer {
        self.get(&format!("{REGISTRATIONS}/{trunk}")).expect(200)
    }
}

/// RFC 4648 4.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = usize::try_from(group >> (18 - 6 * digit) & 0x3f).expect("six bits");
            text.push(if digit <= chunk.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    text
}
