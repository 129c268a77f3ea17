//! Where the password comes from; never from an argument.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::Path;

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::args::VerifyArgs;
use crate::signals::Signals;

/// More than the longest password, so that a longer one is seen to be one.
const READ_MAX: u64 = 2048;

/// Why there is no password.
#[derive(Debug, thiserror::Error)]
pub enum NoPassword {
    /// Nobody can be asked.
    #[error(
        "no password: give --password-stdin or --password-file FILE, or --challenge-only to ask without one (there is no terminal to ask at)"
    )]
    NoTerminal,
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

/// Takes the password from where the flags say, else asks for it on the terminal.
pub async fn take(args: &VerifyArgs, whose: &str, signals: &mut Signals) -> Result<SecretString, NoPassword> {
    let answer = if args.password_stdin {
        reading("standard input", Box::new(|| first_line(io::stdin().lock())))
    } else if let Some(path) = &args.password_file {
        return from_file(path);
    } else if io::stdin().is_terminal() {
        let prompt = format!("Password of {whose}: ");
        reading("the terminal", Box::new(move || rpassword::prompt_password(prompt).map(SecretString::from)))
    } else {
        return Err(NoPassword::NoTerminal);
    };
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
