use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use super::error::DemoError;

/// Longer than any answer of the demo's carriers takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The API of this very server, as a client sees it.
pub struct Api {
    agent: Agent,
    base: String,
    token: String,
}

/// An answer.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Api {
    /// Takes a token by the client-credentials grant.
    pub fn log_in(base: &str, id: &str, secret: &str) -> Result<Api, DemoError> {
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).proxy(None).build().new_agent();
        let mut api = Api { agent, base: base.to_owned(), token: String::new() };
        let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
        let path = "/oauth/token";
        let answer = api.send("POST", path, "application/x-www-form-urlencoded", form)?.expecting(200, "POST", path)?;
        api.token = answer["access_token"].as_str().unwrap_or_default().to_owned();
        Ok(api)
    }

    /// POST of JSON, expecting this status.
    pub fn post(&self, path: &str, body: &Value, status: u16) -> Result<Value, DemoError> {
        self.call("POST", path, Some(body))?.expecting(status, "POST", path)
    }

    /// PATCH with JSON, expecting 200.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, DemoError> {
        self.call("PATCH", path, Some(body))?.expecting(200, "PATCH", path)
    }

    /// GET, expecting 200.
    pub fn get(&self, path: &str) -> Result<Value, DemoError> {
        self.call("GET", path, None)?.expecting(200, "GET", path)
    }

    /// Any call with a JSON body or none.
    pub fn call(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Answer, DemoError> {
        self.send(method, path, "application/json", body.map(Value::to_string).unwrap_or_default())
    }

    /// POST of lines of JSON; the lines of the answer.
    pub fn post_lines(&self, path: &str, lines: &[Value]) -> Result<Vec<Value>, DemoError> {
        let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let answer = self.send("POST", path, "application/x-ndjson", body)?;
        if answer.status != 200 {
            return Err(answer.refused("POST", path));
        }
        Ok(answer.body.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }

    fn send(&self, method: &'static str, path: &str, content_type: &str, body: String) -> Result<Answer, DemoError> {
        let silent = |error: ureq::Error| DemoError::Silent { method, path: path.to_owned(), error: Box::new(error) };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header("Accept", if content_type.ends_with("ndjson") { content_type } else { "application/json" });
        if !self.token.is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token));
        }
        let answer = if body.is_empty() {
            self.agent.run(request.body(()).map_err(|error| silent(error.into()))?)
        } else {
            self.agent.run(request.header("Content-Type", content_type).body(body).map_err(|error| silent(error.into()))?)
        };
        let mut answer = answer.map_err(silent)?;
        let status = answer.status().as_u16();
        Ok(Answer { status, body: answer.body_mut().read_to_string().map_err(silent)? })
    }
}

impl Answer {
    /// The body as JSON, if the status is this one.
    pub fn expecting(self, status: u16, method: &'static str, path: &str) -> Result<Value, DemoError> {
        if self.status != status {
            return Err(self.refused(method, path));
        }
        Ok(serde_json::from_str(&self.body).unwrap_or_default())
    }

    fn refused(self, method: &'static str, path: &str) -> DemoError {
        DemoError::Refused { method, path: path.to_owned(), status: self.status, body: self.body }
    }
}
