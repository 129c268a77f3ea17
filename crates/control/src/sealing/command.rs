use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use zeroize::Zeroizing;

/// So long may the command take: a vault answers in a second, or not at all.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest output; a key has 44 characters in base64.
const OUTPUT_BYTES_MAX: u64 = 1024;

/// Runs a command and returns what it prints, which is a secret. What it says on standard error goes to ours.
///
/// # Errors
/// What went wrong, in words; never what was printed.
pub(super) fn output(words: &[String]) -> Result<Zeroizing<String>, String> {
    let (program, arguments) = words.split_first().ok_or("it is empty")?;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("it does not start: {error}"))?;
    let stdout = child.stdout.take().ok_or("it has no output")?;
    let (sender, receiver) = mpsc::channel();
    // A thread, since a pipe has no time limit; it ends with the child.
    std::thread::spawn(move || {
        let mut text = Zeroizing::new(String::with_capacity(OUTPUT_BYTES_MAX as usize));
        let read = stdout.take(OUTPUT_BYTES_MAX).read_to_string(&mut text).map(|_| text);
        // Nobody waits for it any more after the time limit.
        let _ = sender.send(read);
    });
    let read = receiver.recv_timeout(PATIENCE);
    if read.is_err() {
        // It may have ended by itself just now.
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match read {
        Err(_) => Err(format!("it takes longer than {} s", PATIENCE.as_secs())),
        Ok(_) if !status.success() => Err(format!("it ended with {status}")),
        Ok(Err(_)) => Err("its output is no text".to_owned()),
        Ok(Ok(text)) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> Result<Zeroizing<String>, String> {
        output(&["/bin/sh".into(), "-c".into(), script.into()])
    }

    #[test]
    fn a_command_prints_the_key_or_is_told_by_what_went_wrong() {
        assert_eq!(run("echo abc").expect("it prints").trim(), "abc");
        let failed = run("echo s3cret; exit 3").expect_err("it fails");
        assert!(failed.contains('3') && !failed.contains("s3cret"), "{failed}");
        assert!(output(&["/nonexistent/vault".into()]).expect_err("it fails").contains("does not start"));
        assert!(output(&[]).is_err());
        assert_eq!(run("head -c 5000 /dev/zero | tr '\\0' x").map(|text| text.len()).unwrap_or(1024), 1024);
    }
}
