use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::Common;
use super::http::Connection;
use crate::command::{cargo, must, root};

/// The administrator's.
pub const CLIENT: &str = "bench";
pub const SECRET: &str = "only-for-benchmarks-4b1f";
/// A start of a store of any size is done by then.
const READY: Duration = Duration::from_secs(120);

/// The release build of the server on data of its own; ends with this value.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    data: PathBuf,
    kept: bool,
    /// `Authorization` and its end of line.
    pub bearer: String,
    /// From the start of the process until it was ready.
    pub start: Duration,
}

impl Server {
    pub fn start(common: &Common) -> Result<Self> {
        must(cargo().args(["build", "--release", "--package", "trunkline"]))?;
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let data = common.data.clone().unwrap_or_else(|| env::temp_dir().join(format!("trunkline-bench-{}", std::process::id())));
        fs::create_dir_all(&data)?;
        let local = (Ipv4Addr::LOCALHOST, 0);
        let (http, sip) = (TcpListener::bind(local)?.local_addr()?, UdpSocket::bind(local)?.local_addr()?);
        let began = Instant::now();
        let mut command = Command::new(target.join("release/trunkline"));
        command.arg("serve").arg("--data").arg(&data).args(["--http", &http.to_string(), "--sip", &format!("udp:{sip}")]);
        command.args(["--allow-target", "127.0.0.0/8", "--rate-limit", "1000000/1"]).env("RUST_LOG", "warn").stdout(Stdio::null());
        command.env("TRUNKLINE_BOOTSTRAP_CLIENT_ID", CLIENT).env("TRUNKLINE_BOOTSTRAP_CLIENT_SECRET", SECRET);
        let child = command.spawn().context("cannot start the server")?;
        let kept = common.data.is_some();
        let mut server = Self { child, address: http, data, kept, bearer: String::new(), start: Duration::ZERO };
        while !server.is_ready() {
            if let Some(status) = server.child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if began.elapsed() > READY {
                bail!("the server did not get ready");
            }
            thread::sleep(Duration::from_millis(10));
        }
        server.start = began.elapsed();
        let form = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
        let answer = Connection::open(http)?.call("POST", "/oauth/token", "Content-Type: application/x-www-form-urlencoded\r\n", &form)?;
        let granted: Value = serde_json::from_slice(&answer.body)?;
        server.bearer = format!("Authorization: Bearer {}\r\n", granted["access_token"].as_str().context("no token")?);
        Ok(server)
    }

    fn is_ready(&self) -> bool {
        Connection::open(self.address)
            .and_then(|mut connection| connection.call("GET", "/health/ready", "", ""))
            .is_ok_and(|answer| answer.status == 200)
    }

    /// A call with JSON; any other status than 2xx is an error.
    pub fn call(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let headers = format!("{}Content-Type: application/json\r\n", self.bearer);
        let answer = Connection::open(self.address)?.call(method, path, &headers, body)?;
        if !(200..300).contains(&answer.status) {
            bail!("{method} {path}: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
        }
        Ok(if answer.body.is_empty() { Value::Null } else { serde_json::from_slice(&answer.body)? })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn data(&self) -> &Path {
        &self.data
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In order, as an operator would: what it has to say about its end is seen.
        Command::new("kill").arg(self.child.id().to_string()).status().ok();
        self.child.wait().ok();
        if !self.kept {
            fs::remove_dir_all(&self.data).ok();
        }
    }
}
