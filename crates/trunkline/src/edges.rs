use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use control::Control;
use edge::{Edge, ResolverConfig, SipListen, TlsIdentity};
use ipnet::IpNet;

use crate::failure::Failure;
use crate::settings::EdgeSettings;

/// Design section 11: the process stops within 10 s; an edge promises five.
const STOP_PATIENCE: Duration = Duration::from_secs(6);

/// The edges that run in this process.
#[derive(Default)]
pub struct Edges {
    running: Vec<Edge>,
    places: Vec<Place>,
}

/// Where an edge is, for people.
pub struct Place {
    /// Its id.
    pub id: String,
    /// Which sites it serves.
    pub sites: link::Sites,
    /// Its sockets, each with what it advertises where that differs.
    pub sockets: Vec<String>,
}

/// What every edge of this process may reach, and whom it asks for names.
#[derive(Clone, Copy)]
pub struct Reach<'s> {
    /// Ranges beyond the public Internet.
    pub targets: &'s [IpNet],
    /// Name servers; the system's where empty.
    pub dns: &'s [SocketAddr],
    /// Client certificates.
    pub tls_identities: &'s [TlsIdentity],
}

impl Edges {
    /// Starts them all, each with a directory of its own below `data`, joined to the control plane.
    pub fn start(settings: &[EdgeSettings], data: &Path, reach: Reach<'_>, control: &Control) -> Result<Edges, Failure> {
        let mut edges = Edges::default();
        for one in settings {
            let failed = |source| Failure::Edge { edge: one.id.clone(), source };
            let directory = data.join("edges").join(&one.id);
            // What is kept there is sealed, and still nobody else's business.
            let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory);
            made.map_err(|source| failed(edge::StartError::Data { path: directory.clone(), source }))?;
            let mut config = edge::Config::new(&one.id, one.sites.clone(), directory);
            config.sip.clone_from(&one.sip);
            config.advertise = one.advertise;
            config.allow_targets = reach.targets.to_vec();
            config.tls_identities = reach.tls_identities.to_vec();
            if !reach.dns.is_empty() {
                config.resolver = ResolverConfig::Servers(reach.dns.to_vec());
            }
            let bound = Edge::bind(config).map_err(failed)?;
            let hello = bound.hello();
            edges.places.push(Place::of(&hello));
            let (control_end, edge_end) = link::pair(hello);
            control.attach(control_end);
            edges.running.push(bound.start(edge_end));
        }
        Ok(edges)
    }

    /// Where they are.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Returns the id of an edge that has failed, by a fault of ours: its registrations would lapse unless the process is started anew.
    pub fn failed(&self) -> Option<&str> {
        self.running.iter().zip(&self.places).find(|(edge, _)| edge.has_failed()).map(|(_, place)| place.id.as_str())
    }

    /// Stops them all at once, and waits as long as they may take.
    pub async fn stop(self) {
        let stops: Vec<_> = self.running.into_iter().map(|edge| tokio::task::spawn_blocking(|| edge.stop())).collect();
        let all = async {
            for stop in stops {
                if let Err(error) = stop.await {
                    tracing::error!(%error, "an edge did not stop in order");
                }
            }
        };
        if tokio::time::timeout(STOP_PATIENCE, all).await.is_err() {
            tracing::error!("an edge did not stop in time");
        }
    }
}

impl Place {
    fn of(hello: &link::Hello) -> Place {
        let shown = |(local, advertised): (&String, &String)| {
            let own = local.parse::<SipListen>().is_ok_and(|SipListen(address)| address.to_string() == *advertised);
            if own { local.clone() } else { format!("{local} (advertised as {advertised})") }
        };
        let sockets = hello.local.iter().zip(&hello.advertised).map(shown).collect();
        Place { id: hello.edge.clone(), sites: hello.sites.clone(), sockets }
    }
}
