use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, MutexGuard};

use tokio::task::JoinHandle;

use super::identity::Identities;
use super::open::{Opened, open_all};
use super::station::Station;
use super::{datagrams, streams};
use crate::certificates::{Authority, CertificateError};
use crate::{Carrier, Config, Listen, Registrar, Transport};

/// The registrars of one process, each at its addresses. They stop, and their connections end, when it is dropped.
#[derive(Debug)]
pub struct Lab {
    running: Vec<Running>,
    authority: Arc<Authority>,
}

#[derive(Debug)]
struct Running {
    station: Arc<Station>,
    listens: Vec<Listen>,
    addresses: Vec<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

/// Why the registrars did not start.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// An address could not be taken.
    #[error("registrar {registrar:?} cannot listen on {listen}: {source}. Stop what has it, or change listen in the carrier file")]
    Taken {
        /// Which registrar.
        registrar: String,
        /// Which address.
        listen: Listen,
        /// What the system says.
        source: io::Error,
    },
    /// No certificate could be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// What the registrar is to show or demand over TLS is of no use.
    #[error("registrar {registrar:?}: {problem}")]
    Tls {
        /// Which registrar.
        registrar: String,
        /// What is wrong, and the way out.
        problem: String,
    },
}

impl Lab {
    /// Opens every address and starts to answer. Needs a tokio runtime with time.
    pub fn start(config: Config) -> Result<Lab, ListenError> {
        let authority = Arc::new(Authority::new("trunkline lab carrier")?);
        let mut lab = Lab { running: Vec::new(), authority };
        for (seed, registrar) in (config.seed..).zip(config.registrars) {
            let running = Running::start(registrar, seed, &lab.authority)?;
            lab.running.push(running);
        }
        Ok(lab)
    }

    /// A registrar by name, to be asked or changed.
    pub fn carrier(&self, name: &str) -> Option<MutexGuard<'_, Carrier>> {
        self.running(name).map(|running| running.station.carrier())
    }

    /// Where a registrar listens, in the order of its configuration.
    pub fn addresses(&self, name: &str) -> &[SocketAddr] {
        self.running(name).map(|running| running.addresses.as_slice()).unwrap_or_default()
    }

    /// The same, with what comes there.
    pub fn listens(&self, name: &str) -> &[Listen] {
        self.running(name).map(|running| running.listens.as_slice()).unwrap_or_default()
    }

    /// The first address at which a registrar listens for a transport.
    pub fn address(&self, name: &str, transport: Transport) -> Option<SocketAddr> {
        self.listens(name).iter().find(|listen| listen.transport == transport).map(|listen| listen.address)
    }

    /// The names of its registrars.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.running.iter().map(|running| running.station.name())
    }

    /// Who signs the certificates of its registrars, and may sign a client's.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Closes all connections of a registrar at once (N7); new ones are taken.
    pub fn drop_connections(&self, name: &str) {
        if let Some(running) = self.running(name) {
            running.station.drop_connections();
        }
    }

    /// Has all connections of a registrar hang, those of now and those to come: nothing is read and nothing is said, not even a
    /// WebSocket pong; or lets them go on.
    pub fn hang(&self, name: &str, hang: bool) {
        if let Some(running) = self.running(name) {
            running.station.hang(hang);
        }
    }

    fn running(&self, name: &str) -> Option<&Running> {
        self.running.iter().find(|running| running.station.name() == name)
    }
}

impl Running {
    fn start(registrar: Registrar, seed: u64, authority: &Arc<Authority>) -> Result<Running, ListenError> {
        let name = registrar.name.clone();
        let opened =
            open_all(&registrar.listen).map_err(|(listen, source)| ListenError::Taken { registrar: name.clone(), listen, source })?;
        let listens: Vec<Listen> = opened.iter().map(|(listen, _)| *listen).collect();
        let addresses = listens.iter().map(|listen| listen.address).collect();
        let identities = Identities::new(&registrar, &listens, Arc::clone(authority));
        let identities = identities.map_err(|problem| ListenError::Tls { registrar: name, problem })?;
        let station = Arc::new(Station::new(registrar, seed, identities));
        let serve = |(listen, opened): (Listen, Opened)| match opened {
            Opened::Datagrams(socket) => tokio::spawn(datagrams::serve(socket, listen.address, Arc::clone(&station))),
            Opened::Streams(listener) => tokio::spawn(streams::serve(listener, listen.transport, Arc::clone(&station))),
        };
        let tasks = opened.into_iter().map(serve).collect();
        Ok(Running { station, listens, addresses, tasks })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
