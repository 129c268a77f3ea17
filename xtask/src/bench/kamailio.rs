//! Debian's Kamailio as a client: module uac, registrations from a text database, at its best (`-x fm -X fm`, spread at the start).

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::measured::Measured;
use super::process::Tree;
use super::registrations::Carrier;

/// It is given up if not all are bound by then.
const COLD_MAX: Duration = Duration::from_secs(600);

pub fn run(count: u32, expires: u32, seconds: u32, carrier: &mut Carrier) -> Result<Measured> {
    let dir = std::env::temp_dir().join(format!("trunkline-bench-{}", std::process::id()));
    let measured = measure(&dir, count, expires, seconds, carrier);
    let _ = fs::remove_dir_all(&dir);
    measured
}

fn measure(dir: &Path, count: u32, expires: u32, seconds: u32, carrier: &mut Carrier) -> Result<Measured> {
    fs::create_dir_all(dir.join("db"))?;
    fs::write(dir.join("db/version"), "table_name(string) table_version(int)\nuacreg:5\n")?;
    fs::write(dir.join("db/uacreg"), table(count, expires, &carrier.address))?;
    // Spread over three quarters of an expiry, the first refreshes do not come at once.
    fs::write(dir.join("kamailio.cfg"), configuration(dir, expires * 3 / 4)?)?;
    let shared = (count / 25 + 256).max(256);
    let log = fs::File::create(dir.join("log"))?;
    let begin = Instant::now();
    let child = Command::new("kamailio")
        .args(["-DD", "-E", "-f"])
        .arg(dir.join("kamailio.cfg"))
        .args(["-m", &shared.to_string(), "-M", "512", "-x", "fm", "-X", "fm", "-P"])
        .arg(dir.join("pid"))
        .arg("-Y")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("cannot start kamailio; `cargo xtask setup` installs it")?;
    let mut tree = Tree(child);
    let start = carrier.counts()?;
    // What it takes to read its table is not counted.
    let mut loaded = None;
    let bound = loop {
        std::thread::sleep(Duration::from_millis(100));
        let counts = carrier.counts()?;
        if loaded.is_none() && counts["challenged"].as_u64() > Some(0) {
            loaded = Some(tree.cpu());
        }
        if counts["bound_first"].as_u64() >= Some(u64::from(count)) {
            break counts;
        }
        if tree.0.try_wait()?.is_some() || begin.elapsed() > COLD_MAX {
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(5).collect();
            bail!("kamailio has bound {} of {count}: {tail:?}", counts["bound_first"]);
        }
    };
    let (cold, fresh, spent) = (begin.elapsed(), tree.memory(), tree.cpu());
    let begin = Instant::now();
    std::thread::sleep(Duration::from_secs(u64::from(seconds)));
    let end = carrier.counts()?;
    let steady = ((tree.cpu() - spent).as_secs_f64(), begin.elapsed().as_secs_f64());
    Ok(Measured {
        name: "kamailio".to_owned(),
        count,
        cold: ((spent - loaded.unwrap_or_default()).as_secs_f64(), cold.as_secs_f64()),
        steady,
        counts: [start, bound.clone(), bound, end],
        memory: (fresh, tree.memory()),
        late: Value::Null,
    })
}

fn table(count: u32, expires: u32, address: &str) -> String {
    let mut table = String::from(
        "id(int,auto) l_uuid(string) l_username(string) l_domain(string) r_username(string) r_domain(string) realm(string) auth_username(string) auth_password(string) auth_ha1(string,null) auth_proxy(string) expires(int) flags(int) reg_delay(int) contact_addr(string,null) socket(string,null)\n",
    );
    let proxy = format!("sip:{address}").replace(':', "\\:");
    for number in 0..count {
        let _ = writeln!(
            table,
            "{}:l{number:07}:u{number:07}:local.test:u{number:07}:carrier.test:carrier.test:u{number:07}:secret::{proxy}:{expires}:0:0::",
            number + 1
        );
    }
    table
}

fn configuration(dir: &Path, delay: u32) -> Result<String> {
    let dir = dir.to_str().context("a directory with another name than UTF-8")?;
    let modules: String = ["ctl", "kex", "tm", "sl", "pv", "rr", "corex", "db_text", "uac"]
        .iter()
        .map(|name| format!("loadmodule \"{name}.so\"\n"))
        .collect();
    Ok(format!(
        "#!KAMAILIO\ndebug=-1\nlog_stderror=yes\nfork=yes\nchildren=1\ndisable_tcp=yes\nlisten=udp:127.0.0.1:5080\nauto_aliases=no\ndns=no\nrev_dns=no\nmaxbuffer=16777216\n{modules}modparam(\"ctl\", \"binrpc\", \"unix:{dir}/ctl.sock\")\nmodparam(\"tm\", \"wt_timer\", 5000)\nmodparam(\"uac\", \"restore_mode\", \"none\")\nmodparam(\"uac\", \"reg_db_url\", \"text://{dir}/db\")\nmodparam(\"uac\", \"reg_contact_addr\", \"127.0.0.1:5080\")\nmodparam(\"uac\", \"reg_timer_interval\", 1)\nmodparam(\"uac\", \"reg_retry_interval\", 10)\nmodparam(\"uac\", \"reg_hash_size\", 14)\nmodparam(\"uac\", \"reg_random_delay\", {delay})\nrequest_route {{ sl_send_reply(\"200\",\"OK\"); }}\n"
    ))
}
