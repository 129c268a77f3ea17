//! A lab carrier on every transport, in the test's own process, so that certificates and connections can be asked about.

use std::net::SocketAddr;
use std::path::PathBuf;

use carrier::sockets::Lab;
use carrier::{Account, Config, Listen, Registrar, Tls, Transport};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::scene::PASSWORD;

/// The registrar's name.
const NAME: &str = "lab";

/// A registrar of realm `carrier.example` on loopback, with an account `alice`.
pub struct Streams {
    lab: Lab,
    folder: TempDir,
    _runtime: Runtime,
}

impl Streams {
    /// With a temperament, and a certificate for these names.
    pub fn start(rows: &[&str], names: &[&str]) -> Self {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let registrar = Registrar::new(NAME, "carrier.example").account(Account::new("alice", PASSWORD)).rows(rows).tls(Tls::named(names));
        let registrar = Transport::ALL.into_iter().fold(registrar, |registrar, transport| registrar.listen(Listen::new(transport, any)));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let lab = runtime.block_on(async { Lab::start(Config { seed: 7, registrars: vec![registrar] }) }).expect("it listens");
        let folder = tempfile::Builder::new().prefix("streams").tempdir().expect("temporary folder");
        std::fs::write(folder.path().join("root.pem"), lab.authority().root()).expect("root.pem");
        Self { lab, folder, _runtime: runtime }
    }

    /// Where it listens for a transport.
    pub fn address(&self, transport: Transport) -> SocketAddr {
        self.lab.address(NAME, transport).expect("it listens for all")
    }

    /// A file with the root of its certificates.
    pub fn root_file(&self) -> String {
        self.folder.path().join("root.pem").display().to_string()
    }

    /// The same as text.
    pub fn root(&self) -> String {
        self.lab.authority().root()
    }

    /// Files with a client certificate that it takes, and its key: `CERT,KEY`.
    pub fn client(&self) -> String {
        let identity = self.lab.authority().client(&["edge.example"]).expect("a certificate");
        let (certificate, key): (PathBuf, PathBuf) = identity.write(self.folder.path(), "client").expect("files");
        format!("{},{}", certificate.display(), key.display())
    }

    /// The registrar, to be asked.
    pub fn carrier(&self) -> std::sync::MutexGuard<'_, carrier::Carrier> {
        self.lab.carrier(NAME).expect("it is there")
    }
}
