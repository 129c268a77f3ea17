//! `trunkline serve --demo`: lab carriers, four sites with an edge each, sixteen trunks, and the story of `trunk_jkt_04`.
//!
//! Everything is on loopback addresses of this process alone, and in a temporary place that ends with it (or in `--data`). It is set up
//! through the API like any deployment: what the demo can do, an operator can.

mod address;
mod api;
mod cast;
mod error;
mod seed;
mod walk;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use carrier::sockets::Lab;
use edge::SipListen;
use link::Sites;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use crate::failure::Failure;
use crate::say::say;
use crate::serve::{runtime, stop, tell, until_ended};
use crate::server::Server;
use crate::settings::{EdgeSettings, Settings};
use crate::signals::Signals;
use address::Addresses;
use api::Api;
use cast::SITES;
use error::DemoError;

/// The administrator client of the demo, unless the environment chooses one.
const CLIENT_ID: &str = "demo";

/// So long may the sixteen trunks take to be registered.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the demo until a signal.
pub fn run(settings: Settings) -> Result<(), Failure> {
    runtime()?.block_on(demo(settings))
}

async fn demo(mut settings: Settings) -> Result<(), Failure> {
    if settings.tls.is_some() {
        return Err(Failure::Settings(
            "the demo is for this host alone and speaks plain HTTP there. Leave --tls-cert and --tls-key out.".into(),
        ));
    }
    let started = Instant::now();
    let mut signals = Signals::take()?;
    let place = Place::choose(settings.data.take())?;
    let mut addresses = Addresses::of_this_process();
    let lab = Lab::start(cast::lab(&mut addresses))?;
    settings.edges = edges(&mut addresses);
    settings.allow_targets.push(address::LOOPBACK);
    let (id, secret) = settings.bootstrap.take().map_or_else(draw_client, Ok)?;
    settings.bootstrap = Some((id.clone(), secret.clone()));
    let server = Server::start(settings, place.path(), |_, _| {}).await?;
    tell(&server);
    for name in lab.names() {
        let at: Vec<_> = lab.addresses(name).iter().map(|address| format!("udp:{address}")).collect();
        say(format!("  carrier {name} at {}", at.join(", ")));
    }
    let registrars: Vec<_> = lab.names().map(|name| (name.to_owned(), lab.addresses(name).to_vec())).collect();
    let base = format!("http://{}", server.http());
    let walk = walk::text(&base, &id, secret.expose_secret());
    let seeding = tokio::task::spawn_blocking(move || -> Result<(), DemoError> {
        let api = Api::log_in(&base, &id, secret.expose_secret())?;
        seed::all(&api, &registrars, Instant::now() + PATIENCE)
    });
    tokio::select! {
        seeded = seeding => match seeded.map_err(|error| error.to_string()).and_then(|seeded| seeded.map_err(|error| error.to_string())) {
            Ok(()) => {}
            Err(why) => {
                server.stop().await;
                return Err(Failure::Demo(why));
            }
        },
        () = signals.next() => {
            stop(server, signals).await;
            return Ok(());
        }
    }
    say(format!("Sixteen trunks are registered, {:.1} s after the start.", started.elapsed().as_secs_f64()));
    say(walk);
    let ended = until_ended(server, signals).await;
    // The carriers end after the edges, the temporary place last.
    drop(lab);
    drop(place);
    ended
}

fn edges(addresses: &mut Addresses) -> Vec<EdgeSettings> {
    let edge = |site: &cast::Site| EdgeSettings {
        id: site.edge.into(),
        sites: Sites::One(site.id.into()),
        sip: vec![SipListen(addresses.next(5060))],
        advertise: None,
    };
    SITES.iter().map(edge).collect()
}

fn draw_client() -> Result<(String, SecretString), Failure> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes).map_err(|error| Failure::Demo(format!("the system gives no randomness: {error}")))?;
    let secret: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((CLIENT_ID.into(), secret.into()))
}

/// Where the demo keeps its data.
enum Place {
    /// Removed at the end.
    Temporary(TempDir),
    /// Named by `--data`, and left there.
    Named(PathBuf),
}

impl Place {
    fn choose(data: Option<PathBuf>) -> Result<Place, Failure> {
        let Some(data) = data else {
            let owner_only = std::fs::Permissions::from_mode(0o700);
            let made = tempfile::Builder::new().prefix("trunkline-demo-").permissions(owner_only).tempdir();
            return made.map(Place::Temporary).map_err(|source| Failure::System { what: "a temporary directory", source });
        };
        // A story begins at its beginning: what is there already would contradict it.
        match std::fs::read_dir(&data).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(Failure::Demo(format!(
                "the data directory {} is not empty. Give --data an empty one, or leave it out.",
                data.display()
            ))),
            Ok(false) | Err(_) => Ok(Place::Named(data)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Place::Temporary(directory) => directory.path(),
            Place::Named(path) => path,
        }
    }
}
