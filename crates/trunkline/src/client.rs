//! A client of a running server's API, for the commands that need one.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;
use zeroize::Zeroizing;

/// Longer than any answer of these calls takes.
const PATIENCE: Duration = Duration::from_secs(60);
/// Where a server is when nobody says so.
const SERVER: &str = "http://127.0.0.1:8080";

/// Which server, and as whom. The secret never stands on the command line, where every user of the machine could read it.
#[derive(Args)]
pub struct ServerArgs {
    /// The server's API [default: TRUNKLINE_SERVER, or http://127.0.0.1:8080].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The API client that asks [default: TRUNKLINE_CLIENT_ID].
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// File with its secret [default: the secret itself in TRUNKLINE_CLIENT_SECRET].
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
}

/// Why a call did not come to its end, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The server's address is none that can be called.
    #[error(
        "{url:?} is no address that this command can call: it speaks plain HTTP. Give --server http://ADDR:PORT, on the server's own machine."
    )]
    Url {
        /// As given.
        url: String,
    },
    /// Nobody says as whom.
    #[error("no API client is named. Give --client-id, or TRUNKLINE_CLIENT_ID.")]
    NoClient,
    /// Nobody says by which secret.
    #[error("there is no client secret. Give --client-secret-file, or TRUNKLINE_CLIENT_SECRET.")]
    NoSecret,
    /// The secret's file cannot be read.
    #[error("the client secret's file {} cannot be read: {error}.", path.display())]
    SecretFile {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// No answer.
    #[error("{server} does not answer: {error}. Is it the address that the server was started with?")]
    Silent {
        /// Which server.
        server: String,
        /// Why.
        error: Box<ureq::Error>,
    },
    /// An answer that says no.
    #[error("the server refuses ({status}): {message}")]
    Refused {
        /// The status.
        status: u16,
        /// Its words.
        message: String,
    },
    /// It says yes, and nothing that is understood.
    #[error("{server} answers something else than Trunkline does.")]
    Foreign {
        /// Which server.
        server: String,
    },
}

/// The API of a server, under a token.
pub struct Client {
    agent: Agent,
    base: String,
    token: SecretString,
}

impl Client {
    /// Takes a token by the client-credentials grant.
    ///
    /// # Errors
    /// [`ClientError`]
    pub fn log_in(args: &ServerArgs) -> Result<Client, ClientError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let server = args.server.clone().or_else(|| variable("TRUNKLINE_SERVER")).unwrap_or_else(|| SERVER.into());
        let base = server.trim_end_matches('/').to_owned();
        if !base.strip_prefix("http://").is_some_and(|host| !host.is_empty() && !host.contains(['/', '@', '?', '#', ' '])) {
            return Err(ClientError::Url { url: server });
        }
        let id = args.client_id.clone().or_else(|| variable("TRUNKLINE_CLIENT_ID")).ok_or(ClientError::NoClient)?;
        let secret: SecretString = match &args.client_secret_file {
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| ClientError::SecretFile { path: path.clone(), error })?;
                let text = Zeroizing::new(text);
                text.trim_end_matches(['\r', '\n']).into()
            }
            None => variable("TRUNKLINE_CLIENT_SECRET").ok_or(ClientError::NoSecret)?.into(),
        };
        let agent = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).proxy(None).build().new_agent();
        let client = Client { agent, base, token: SecretString::default() };
        let form = Zeroizing::new(format!(
            "grant_type=client_credentials&client_id={}&client_secret={}",
            *escaped(&id),
            *escaped(secret.expose_secret())
        ));
        let answer = client.call("POST", "/oauth/token", "application/x-www-form-urlencoded", &form)?;
        let token = answer["access_token"].as_str().ok_or_else(|| client.foreign())?.into();
        Ok(Client { token, ..client })
    }

    /// GET.
    ///
    /// # Errors
    /// [`ClientError`]
    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        self.call("GET", path, "", "")
    }

    /// POST of an empty object.
    ///
    /// # Errors
    /// [`ClientError`]
    pub fn post(&self, path: &str) -> Result<Value, ClientError> {
        self.call("POST", path, "application/json", "{}")
    }

    /// What a server says that is none of Trunkline's.
    pub fn foreign(&self) -> ClientError {
        ClientError::Foreign { server: self.base.clone() }
    }

    fn call(&self, method: &str, path: &str, content_type: &str, body: &str) -> Result<Value, ClientError> {
        let silent = |error: ureq::Error| ClientError::Silent { server: self.base.clone(), error: Box::new(error) };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base)).header("Accept", "application/json");
        if !self.token.expose_secret().is_empty() {
            request = request.header("Authorization", format!("Bearer {}", self.token.expose_secret()));
        }
        let answer = if body.is_empty() {
            self.agent.run(request.body(()).map_err(|error| silent(error.into()))?)
        } else {
            self.agent.run(request.header("Content-Type", content_type).body(body).map_err(|error| silent(error.into()))?)
        };
        let mut answer = answer.map_err(silent)?;
        let status = answer.status().as_u16();
        let body: Value = serde_json::from_str(&answer.body_mut().read_to_string().map_err(silent)?).unwrap_or_default();
        if answer.status().is_success() {
            return Ok(body);
        }
        // The token endpoint answers in OAuth's own words.
        let words = body["message"].as_str().or(body["error_description"].as_str()).or(body["error"].as_str());
        let mut message = words.ok_or_else(|| self.foreign())?.to_owned();
        let missing: Vec<&str> =
            body["details"].as_array().into_iter().flatten().filter_map(|detail| detail["fieldName"].as_str()).collect();
        if status == 403 && !missing.is_empty() && !missing.iter().all(|name| message.contains(name)) {
            message = format!("{message} ({})", missing.join(", "));
        }
        Err(ClientError::Refused { status, message })
    }
}

fn escaped(text: &str) -> Zeroizing<String> {
    let mut escaped = Zeroizing::new(String::with_capacity(3 * text.len()));
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}
