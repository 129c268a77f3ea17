use std::path::PathBuf;

use link::Sites;
use secrecy::ExposeSecret;

use crate::failure::Failure;
use crate::say::say;
use crate::server::Server;
use crate::settings::Settings;
use crate::signals::Signals;

/// Where data go when nobody says so.
pub const DATA: &str = "./data";

/// Runs `trunkline serve` until a signal.
pub fn run(settings: Settings) -> Result<(), Failure> {
    runtime()?.block_on(serve(settings))
}

/// The runtime of the API. Edges bring their own threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    built.map_err(|source| Failure::System { what: "the threads of the API", source })
}

async fn serve(settings: Settings) -> Result<(), Failure> {
    let mut signals = Signals::take()?;
    let data = settings.data.clone().unwrap_or_else(|| PathBuf::from(DATA));
    let start = Server::start(settings, &data, |id, secret| {
        say("The first administrator client, shown this once:");
        say(format!("  id      {id}"));
        say(format!("  secret  {}", secret.expose_secret()));
    });
    let server = tokio::select! {
        server = start => server?,
        () = signals.next() => return Ok(()),
    };
    tell(&server);
    until_ended(server, signals).await
}

/// Serves until a signal, or until something has failed; stops in order either way.
pub async fn until_ended(server: Server, mut signals: Signals) -> Result<(), Failure> {
    let ended = tokio::select! {
        () = signals.next() => Ok(()),
        failure = server.failed() => {
            tracing::error!("{failure}");
            Err(failure)
        }
    };
    stop(server, signals).await;
    ended
}

/// Says where it listens.
pub fn tell(server: &Server) {
    say(format!("Trunkline {} serves", env!("CARGO_PKG_VERSION")));
    say(format!("  API     {}://{}", server.scheme(), server.http()));
    say(format!("  console {}://{}/", server.scheme(), server.http()));
    for place in server.places() {
        let sites = match &place.sites {
            Sites::Unserved => "every site without an edge of its own".to_owned(),
            Sites::One(site) => format!("site {site}"),
        };
        say(format!("  SIP     {} by edge {} for {sites}", place.sockets.join(", "), place.id));
    }
    say(format!("  data    {}", server.data().display()));
}

/// Stops in order; a second signal ends it at once.
pub async fn stop(server: Server, mut signals: Signals) {
    tracing::info!("stopping; nothing is un-registered");
    tokio::select! {
        () = server.stop() => tracing::info!("stopped"),
        () = signals.next() => tracing::warn!("stopped at once by a second signal"),
    }
}
