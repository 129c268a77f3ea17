//! The server under test: the real binary, on addresses of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tempfile::TempDir;

use super::api::Api;
use super::loopback;
use super::process::Process;
use super::wait::{self, secs};

/// The administrator client that the tests choose at the first start.
pub const ADMIN_ID: &str = "test-admin";
/// Its secret.
pub const ADMIN_SECRET: &str = "only-for-tests-9f2c51";

/// How a server is started.
pub struct Launch {
    folder: TempDir,
    data: PathBuf,
    http: SocketAddr,
    sip: SocketAddr,
    allow_targets: bool,
    log_level: String,
    words: Vec<String>,
    environment: Vec<(String, String)>,
    disk: Option<String>,
}

impl Default for Launch {
    fn default() -> Self {
        let folder = tempfile::Builder::new().prefix("trk").tempdir().expect("temporary folder");
        let data = folder.path().join("data");
        let ip = loopback::next();
        Self {
            folder,
            data,
            http: SocketAddr::from((ip, 8080)),
            sip: SocketAddr::from((ip, 5060)),
            allow_targets: true,
            log_level: "info".to_owned(),
            words: Vec::new(),
            environment: Vec::new(),
            disk: None,
        }
    }
}

impl Launch {
    /// Without `--allow-target`: loopback carriers are refused.
    pub fn forbidding_targets(mut self) -> Self {
        self.allow_targets = false;
        self
    }

    /// With `RUST_LOG` set to this.
    pub fn logging(mut self, level: &str) -> Self {
        level.clone_into(&mut self.log_level);
        self
    }

    /// With a further word on the command line.
    pub fn word(mut self, word: &str) -> Self {
        self.words.push(word.to_owned());
        self
    }

    /// With a further environment variable.
    pub fn env(mut self, key: &str, value: &str) -> Self {
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// On data that are not its own.
    pub fn on_data(mut self, data: &Path) -> Self {
        data.clone_into(&mut self.data);
        self
    }

    /// With HTTP at this address.
    pub fn http_at(mut self, address: SocketAddr) -> Self {
        self.http = address;
        self
    }

    /// With SIP at this address.
    pub fn sip_at(mut self, address: SocketAddr) -> Self {
        self.sip = address;
        self
    }

    /// With its data on a file system of this size in memory, which only it sees and which goes with it.
    pub fn on_disk_of(mut self, size: &str) -> Self {
        self.disk = Some(size.to_owned());
        self
    }

    /// Where the data go.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Where HTTP listens.
    pub fn http(&self) -> SocketAddr {
        self.http
    }

    /// Where SIP listens.
    pub fn sip(&self) -> SocketAddr {
        self.sip
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The whole command line.
    pub fn command(&self) -> Command {
        let mut command = match &self.disk {
            None => Command::new(env!("CARGO_BIN_EXE_trunkline")),
            Some(size) => {
                std::fs::create_dir_all(&self.data).expect("a place to mount at");
                let mut command = Command::new("unshare");
                command.args(["--mount", "--map-root-user", "sh", "-c"]);
                command.arg("mount -t tmpfs -o size=\"$1\" tmpfs \"$2\" && shift 2 && exec \"$@\"");
                command.args(["sh", size]).arg(&self.data).arg(env!("CARGO_BIN_EXE_trunkline"));
                command
            }
        };
        command.arg("serve").arg("--data").arg(&self.data);
        command.args(["--http", &self.http.to_string(), "--sip", &format!("udp:{}", self.sip)]);
        if self.allow_targets {
            command.args(["--allow-target", "127.0.0.0/8"]);
        }
        command.args(&self.words).current_dir(self.folder.path());
        command.env("RUST_LOG", &self.log_level).env("RUST_BACKTRACE", "1");
        command.env("TRUNKLINE_BOOTSTRAP_CLIENT_ID", ADMIN_ID).env("TRUNKLINE_BOOTSTRAP_CLIENT_SECRET", ADMIN_SECRET);
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    /// Starts it and waits until it says that it is ready.
    pub fn start(self) -> Server {
        let process = self.spawn();
        let mut server = Server { launch: self, process };
        server.wait_ready();
        server
    }

    /// Starts it, expecting that it gives up: its status and what it said.
    pub fn fails(&self) -> (ExitStatus, String) {
        let mut process = self.spawn();
        let status = process.wait_ended(secs(30));
        (status, process.log())
    }

    fn spawn(&self) -> Process {
        Process::start(&self.command(), &self.log_file())
    }
}

/// A running server; ends with this value.
pub struct Server {
    launch: Launch,
    process: Process,
}

impl Server {
    /// With the defaults of the tests.
    pub fn start() -> Self {
        Launch::default().start()
    }

    /// The API, as its administrator.
    pub fn api(&self) -> Api {
        Api::authorized(self.launch.http, ADMIN_ID, ADMIN_SECRET)
    }

    /// The API without a token.
    pub fn anonymous(&self) -> Api {
        Api::anonymous(self.launch.http)
    }

    /// How it was started.
    pub fn launch(&self) -> &Launch {
        &self.launch
    }

    /// What it has logged, over all its starts.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// SIGKILL.
    pub fn kill9(&mut self) {
        self.process.kill();
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.terminate();
        // Design section 11: SIGTERM stops in order, within 10 s.
        self.process.wait_ended(secs(12))
    }

    /// Starts it again on the same data and addresses, after [`Server::kill9`] or [`Server::stop`].
    pub fn restart(&mut self) {
        self.process = self.launch.spawn();
        self.wait_ready();
    }

    /// Starts it as [`Server::restart`] does, and ends it by SIGKILL after so long, wherever it is by then.
    pub fn restart_and_kill(&mut self, after: Duration) {
        self.process = self.launch.spawn();
        std::thread::sleep(after);
        self.process.kill();
    }

    fn wait_ready(&mut self) {
        let api = Api::anonymous(self.launch.http);
        let process = &mut self.process;
        wait::until_true("the server is ready", secs(30), || {
            process.must_run();
            api.send("GET", "/health/ready", &[], b"").is_ok_and(|answer| answer.status == 200)
        });
    }
}
