use std::path::Path;

use carrier::Config;
use carrier::sockets::Lab;

use crate::failure::Failure;
use crate::say::say;
use crate::serve::runtime;
use crate::signals::Signals;

/// Runs `trunkline carrier` until a signal.
pub fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::load(file)?;
    runtime()?.block_on(async {
        let mut signals = Signals::take()?;
        let lab = Lab::start(config)?;
        for name in lab.names() {
            let addresses: Vec<_> = lab.listens(name).iter().map(ToString::to_string).collect();
            say(format!("carrier {name} answers at {}", addresses.join(", ")));
        }
        signals.next().await;
        Ok(())
    })
}
