use std::io::{self, Write};
use std::process::ExitCode;

/// Why the process could not start or go on: one line that names the thing and the way out.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The settings contradict themselves or are not understood.
    #[error("{0}")]
    Settings(String),
    /// The API's address cannot be taken.
    #[error("HTTP address {address} {}", why(.source))]
    Http {
        /// Which address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The control plane does not open.
    #[error(transparent)]
    Control(#[from] control::StartError),
    /// A copy of the database is not made, or not put in place.
    #[error(transparent)]
    Backup(#[from] control::BackupError),
    /// Keys are not as asked for.
    #[error(transparent)]
    Keys(#[from] crate::keys::KeysError),
    /// An edge does not start.
    #[error("edge {edge}: {source}")]
    Edge {
        /// Which edge.
        edge: String,
        /// Why.
        source: edge::StartError,
    },
    /// An edge has failed while it ran.
    #[error(
        "edge {edge} has failed, by a fault of Trunkline's: its registrations would lapse, so the server ends and is to be started anew. The log above says where; please report it."
    )]
    EdgeFailed {
        /// Which edge.
        edge: String,
    },
    /// A lab carrier's file is not understood.
    #[error(transparent)]
    CarrierFile(#[from] carrier::ConfigError),
    /// A lab carrier's address cannot be taken.
    #[error(transparent)]
    CarrierListen(#[from] carrier::sockets::ListenError),
    /// The demo cannot be set up.
    #[error("the demo does not start: {0}")]
    Demo(String),
    /// The system refuses what every process needs.
    #[error("the system refuses {what}: {source}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        source: io::Error,
    },
}

impl Failure {
    /// Says it on standard error, and gives the exit code.
    pub fn tell(&self) -> ExitCode {
        let line = self.to_string().replace('\n', " ");
        // Nowhere else to say it.
        let _ = writeln!(io::stderr(), "trunkline: {line}");
        ExitCode::FAILURE
    }
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "is taken by another process. Stop that one, or give --http another address.".into(),
        io::ErrorKind::AddrNotAvailable => "is not an address of this host. Give --http one that is.".into(),
        io::ErrorKind::PermissionDenied => "may not be used by this user. Give --http a port from 1024 up.".into(),
        _ => format!("cannot be used: {error}."),
    }
}
