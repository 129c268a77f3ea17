//! `cargo xtask setup`: the Debian packages that the tests need, and the SDKs that they run.
//!
//! Says nothing to apt when all are there. Daemons that come with the packages are not started: while apt runs, a
//! `policy-rc.d` answers 101 ("action forbidden by policy") to every maintainer script.

pub mod sdk;

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::{must, output};

/// What the tests need, and why.
const PACKAGES: &[(&str, &str)] = &[
    ("kamailio", "the real registrar, and kamcmd to ask it"),
    ("kamailio-tls-modules", "the real registrar over TLS"),
    ("kamailio-websocket-modules", "the real registrar over WebSocket"),
    ("sip-tester", "sipp: scripted carriers"),
    ("openssl", "SHA-512-256 by somebody else"),
    ("knot", "knotd: the real name server of the tests that find registrars"),
    ("tcpdump", "captures that prove what is on the wire"),
    ("tshark", "reads exported attempts back as SIP"),
    ("prometheus", "promtool, which judges what /metrics says"),
    ("g++", "compiles libFuzzer's runtime"),
    ("chromium", "the browser that the console is tested with"),
    ("curl", "walks through the lines that the demo prints"),
];

/// Programs that may be there without Debian's package of them: how to see that, the package, and why.
const PROGRAMS: &[(&[&str], &str, &str)] = &[
    // Debian has venv without ensurepip, which it cannot do without, in python3 itself.
    (&["python3", "-c", "import ensurepip, venv"], "python3-venv", "the official Python SDK, and schemathesis"),
    (&["node", "--version"], "nodejs", "the official JavaScript SDK"),
    (&["npm", "--version"], "npm", "installs the official JavaScript SDK"),
];

/// invoke-rc.d(8) and Debian's policy-rc.d interface ask this path before any daemon is started.
const POLICY: &str = "/usr/sbin/policy-rc.d";
const POLICY_KEPT: &str = "/usr/sbin/policy-rc.d.before-xtask";
const POLICY_TEXT: &str = "#!/bin/sh\n# cargo xtask setup: no daemon is started while the tests' packages are installed.\nexit 101\n";

/// Installs what is missing.
pub fn run() -> Result<()> {
    packages()?;
    sdk::run()
}

fn packages() -> Result<()> {
    let absent = PACKAGES.iter().copied().filter(|(name, _)| !is_installed(name));
    let programs = PROGRAMS.iter().filter(|(words, _, _)| !runs(words)).map(|(_, name, why)| (*name, *why));
    let missing: Vec<(&str, &str)> = absent.chain(programs).collect();
    if missing.is_empty() {
        println!("setup: all {} packages are there", PACKAGES.len() + PROGRAMS.len());
        return Ok(());
    }
    for (name, why) in &missing {
        println!("setup: {name} is missing ({why})");
    }
    let missing: Vec<&str> = missing.into_iter().map(|(name, _)| name).collect();
    let sudo = Sudo::find()?;
    let policy = Policy::hold(sudo)?;
    let installed = install(sudo, &missing);
    drop(policy);
    installed?;
    keep_from_starting(sudo, &missing);
    let came = |name: &str| PROGRAMS.iter().any(|(words, package, _)| *package == name && runs(words)) || is_installed(name);
    match missing.iter().find(|name| !came(name)) {
        Some(name) => bail!("apt-get ended well, but {name} is still not installed"),
        None => Ok(()),
    }
}

fn is_installed(package: &str) -> bool {
    output(Command::new("dpkg-query").args(["-W", "-f", "${db:Status-Status}", package])).is_ok_and(|status| status == "installed")
}

fn runs(words: &[&str]) -> bool {
    output(Command::new(words[0]).args(&words[1..])).is_ok()
}

fn install(sudo: Sudo, packages: &[&str]) -> Result<()> {
    let apt = |words: &[&str]| {
        let mut command = sudo.command("env");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"]);
        command.args(["-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3"]);
        command.args(words).stdin(Stdio::null());
        command
    };
    let mut words = vec!["install", "--no-install-recommends"];
    words.extend(packages);
    // A machine's package lists may be fresh, old or absent: fetch them only when the first try needs it.
    if must(&mut apt(&words)).is_ok() {
        return Ok(());
    }
    must(&mut apt(&["update"]))?;
    must(&mut apt(&words))
}

/// The packaged registrar, name server and Prometheus must not come up at the next boot either. Who had them before keeps them as they were.
fn keep_from_starting(sudo: Sudo, installed: &[&str]) {
    for daemon in ["kamailio", "knot", "prometheus"].into_iter().filter(|daemon| installed.contains(daemon)) {
        let disabled = sudo.command("systemctl").args(["disable", &format!("{daemon}.service")]).output();
        if !disabled.is_ok_and(|output| output.status.success()) {
            println!("setup: {daemon}.service is not disabled (no systemd?); the tests use loopback addresses of their own");
        }
    }
}

/// How to act as root.
#[derive(Clone, Copy)]
enum Sudo {
    AlreadyRoot,
    Sudo,
}

impl Sudo {
    fn find() -> Result<Self> {
        if output(Command::new("id").arg("-u"))?.trim() == "0" {
            return Ok(Self::AlreadyRoot);
        }
        let works = Command::new("sudo").args(["-n", "true"]).status();
        if works.is_ok_and(|status| status.success()) {
            return Ok(Self::Sudo);
        }
        let names: Vec<&str> = PACKAGES.iter().map(|(name, _)| *name).collect();
        bail!(
            "packages are missing, and this user is neither root nor may use sudo without a password: install {} by hand",
            names.join(" ")
        )
    }

    fn command(self, program: &str) -> Command {
        match self {
            Self::AlreadyRoot => Command::new(program),
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.args(["-n", program]);
                command
            }
        }
    }
}

/// While it lives, maintainer scripts start no daemon; then what was there before is back.
struct Policy {
    sudo: Sudo,
    had_one: bool,
}

impl Policy {
    fn hold(sudo: Sudo) -> Result<Self> {
        // A run that was killed left its own policy in place: what it had put aside is the true one.
        let had_one = Path::new(POLICY_KEPT).exists() || Path::new(POLICY).exists();
        if Path::new(POLICY).exists() && !Path::new(POLICY_KEPT).exists() {
            must(sudo.command("mv").args([POLICY, POLICY_KEPT]))?;
        }
        let policy = Self { sudo, had_one };
        let text = written_policy().context("cannot write the policy")?;
        must(sudo.command("install").args(["-m", "0755"]).arg(text.path()).arg(POLICY))?;
        Ok(policy)
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let restored = if self.had_one {
            must(self.sudo.command("mv").args([POLICY_KEPT, POLICY]))
        } else {
            must(self.sudo.command("rm").args(["-f", POLICY]))
        };
        if let Err(error) = restored {
            println!("setup: {POLICY} could not be put back: {error}");
        }
    }
}

struct Scratch(std::path::PathBuf);

impl Scratch {
    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn written_policy() -> io::Result<Scratch> {
    let scratch = Scratch(std::env::temp_dir().join(format!("xtask-policy-{}", std::process::id())));
    fs::write(scratch.path(), POLICY_TEXT)?;
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
    Ok(scratch)
}
