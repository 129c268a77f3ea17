//! Where the passwords come from; never from an argument.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::args::VerifyArgs;
use super::ask::Ask;
use crate::signals::Signals;

/// More than the longest password, so that a longer one is seen to be one.
const READ_MAX: u64 = 2048;

/// The passwords of a verification.
#[derive(Debug)]
pub struct Passwords {
    /// The account's.
    pub account: SecretString,
    /// That of a proxy on the way, where it has a realm of its own.
    pub proxy: Option<SecretString>,
}

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum NoPassword {
    /// Nobody can be asked.
    #[error(
        "no password: give --password-stdin or --password-file FILE, or --challenge-only to ask without one (there is no terminal to ask at)"
    )]
    NoTerminal,
    /// Nor for the proxy's.
    #[error("no password of the proxy: give --proxy-password-file FILE (there is no terminal to ask at)")]
    NoTerminalForProxy,
    /// A file cannot be read.
    #[error("the password file {path} cannot be read: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Standard input or the terminal cannot be read.
    #[error("the password cannot be read from {place}: {source}")]
    Read {
        /// Where.
        place: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A signal came.
    #[error("interrupted")]
    Interrupted,
}

/// Takes the passwords from where the flags say, else asks for them on the terminal, the account's first.
pub async fn take(args: &VerifyArgs, ask: &Ask, signals: &mut Signals) -> Result<Passwords, NoPassword> {
    let account = if args.password_stdin {
        waited_for(reading("standard input", Box::new(|| first_line(io::stdin().lock()))), signals).await?
    } else if let Some(path) = &args.password_file {
        from_file(path)?
    } else if io::stdin().is_terminal() {
        asked_for(format!("Password of {}: ", ask.username), signals).await?
    } else {
        return Err(NoPassword::NoTerminal);
    };
    let proxy = match (&ask.proxy, &args.proxy_password_file) {
        (None, _) => None,
        (Some(_), Some(path)) => Some(from_file(path)?),
        (Some(proxy), None) if io::stdin().is_terminal() => {
            Some(asked_for(format!("Password of {} at the proxy {}: ", proxy.username, proxy.realm), signals).await?)
        }
        (Some(_), None) => return Err(NoPassword::NoTerminalForProxy),
    };
    Ok(Passwords { account, proxy })
}

/// Asks on the terminal, without echo.
async fn asked_for(prompt: String, signals: &mut Signals) -> Result<SecretString, NoPassword> {
    waited_for(reading("the terminal", Box::new(move || rpassword::prompt_password(prompt).map(SecretString::from))), signals).await
}

async fn waited_for(
    answer: impl Future<Output = Result<SecretString, NoPassword>>,
    signals: &mut Signals,
) -> Result<SecretString, NoPassword> {
    let echoing = Echo::now();
    tokio::select! {
        password = answer => password,
        () = signals.next() => {
            echoing.restore();
            Err(NoPassword::Interrupted)
        }
    }
}

/// Reads in a thread that nobody waits for: a terminal cannot be told to give up.
async fn reading(place: &'static str, read: Box<dyn FnOnce() -> io::Result<SecretString> + Send>) -> Result<SecretString, NoPassword> {
    let (tell, told) = oneshot::channel();
    let failed = |source| NoPassword::Read { place, source };
    std::thread::Builder::new().name("password".into()).spawn(move || tell.send(read())).map_err(failed)?;
    match told.await {
        Ok(password) => password.map_err(failed),
        Err(_) => Err(failed(io::Error::other("the reader has failed"))),
    }
}

fn from_file(path: &Path) -> Result<SecretString, NoPassword> {
    let failed = |source| NoPassword::File { path: path.display().to_string(), source };
    first_line(BufReader::new(File::open(path).map_err(failed)?)).map_err(failed)
}

/// The first line without its end; every other character counts.
fn first_line(from: impl BufRead) -> io::Result<SecretString> {
    // With room for all of it, nothing is left behind by growing.
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(READ_MAX).unwrap_or(0)));
    from.take(READ_MAX).read_until(b'\n', &mut bytes)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))?;
    let line = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(line.to_owned().into())
}

/// What the terminal was like before it was told not to echo.
struct Echo(Option<Termios>);

impl Echo {
    fn now() -> Echo {
        Echo(tcgetattr(io::stdin()).ok())
    }

    fn restore(&self) {
        if let Some(before) = &self.0 {
            // Nothing else can be done for it.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_first_line_counts_without_its_end() {
        for (given, taken) in [
            ("s3cret\n", "s3cret"),
            ("s3cret\r\n", "s3cret"),
            ("s3cret", "s3cret"),
            (" a b \nmore", " a b "),
            ("", ""),
            ("\n", ""),
            ("a\r", "a\r"),
        ] {
            assert_eq!(first_line(given.as_bytes()).unwrap().expose_secret(), taken);
        }
        assert!(first_line(&b"\xff\n"[..]).is_err());
        assert_eq!(first_line("x".repeat(5000).as_bytes()).unwrap().expose_secret().len(), 2048);
    }
}
