//! Registers many trunks at a registrar and tells what that cost: `load TARGET COUNT [SHARDS] [EXPIRES] [SECONDS OF STEADY STATE]`.
//!
//! Users are `u0000000`, `u0000001` and so on of `carrier.test`, their password is `secret`; the target is on loopback.

use std::error::Error;
use std::time::{Duration, Instant};

use edge::{Config, Edge, SipListen};
use link::{FromEdge, ToEdge};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().ok_or("load TARGET COUNT [SHARDS] [EXPIRES] [SECONDS]")?;
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    let (count, shards, expires, steady) = (number(10_000)?, number(1)?, number(600)?, number(0)?);
    let data = tempfile::tempdir()?;
    let mut config = Config::new("load", link::Sites::Unserved, data.path());
    config.sip = vec![SipListen("127.0.0.1:0".parse()?)];
    config.allow_targets = vec!["127.0.0.0/8".parse()?];
    config.shards = usize::try_from(shards)?;
    let bound = Edge::bind(config)?;
    let (control, end) = link::pair(bound.hello());
    let edge = bound.start(end);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (orders, mut reports, key) = (control.orders, control.reports, control.key);
    let begin = Instant::now();
    let idle = cpu()?;
    runtime.block_on(async {
        let ordering = async {
            let _ = orders.send(ToEdge::Carrier(Box::new(carrier(&target)))).await;
            for number in 0..count {
                let _ = orders.send(ToEdge::Assign(Box::new(assignment(number, expires, &key)))).await;
            }
        };
        let listening = async {
            let mut bound = std::collections::HashSet::new();
            while bound.len() < count as usize {
                if let Some(FromEdge::Status(batch)) = reports.recv().await {
                    bound.extend(batch.into_iter().filter(|status| status.bound).map(|status| status.trunk));
                }
            }
        };
        tokio::join!(ordering, listening);
    });
    let (wall, spent) = (begin.elapsed(), cpu()? - idle);
    report("all bound", wall, spent, u64::from(count), &edge);
    if steady > 0 {
        let (before, idle, begin) = (edge.counters(), cpu()?, Instant::now());
        runtime.block_on(async {
            let end = tokio::time::Instant::now() + Duration::from_secs(u64::from(steady));
            while let Ok(Some(_)) = tokio::time::timeout_at(end, reports.recv()).await {}
        });
        let refreshes = edge.counters().registers - before.registers;
        report("steady state", begin.elapsed(), cpu()? - idle, refreshes, &edge);
    }
    edge.stop();
    Ok(())
}

fn report(what: &str, wall: Duration, spent: Duration, done: u64, edge: &Edge) {
    let per_second = done as f64 / spent.as_secs_f64();
    let resident = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = resident.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    let text =
        format!("{what}: {done} in {wall:.2?}, {spent:.2?} of CPU, {per_second:.0} per CPU-second; {resident}\n{:#?}\n", edge.counters());
    let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
}

fn cpu() -> nix::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

fn carrier(target: &str) -> link::CarrierProfile {
    link::CarrierProfile {
        id: "load".into(),
        revision: 1,
        registrars: vec![format!("sip:{target}")],
        transports: Vec::new(),
        tls: Default::default(),
        outbound_proxy: None,
        route: false,
        verify_by: link::VerifyBy::Query,
        accept_unproven: false,
        nonce_reuse: link::NonceReuse::Auto,
        algorithm_aliases: Default::default(),
        truncated_sha512: false,
        response_source_exact: false,
        pacing: link::Pacing { registers_per_second: 1_000_000, in_flight: 2_000 },
        options: None,
        failure_budget: link::FailureBudget::default(),
        forbidden_retry: 3600,
        phrase_notes: Default::default(),
        manners: Box::default(),
    }
}

fn assignment(number: u32, expires: u32, key: &link::SealKey) -> link::Assignment {
    let user = format!("u{number:07}");
    link::Assignment {
        trunk: user.clone(),
        generation: link::Generation { incarnation: 1, number: 1 },
        carrier: "load".into(),
        account: link::Account {
            address_of_record: format!("sip:{user}@carrier.test"),
            request_uri: None,
            from_uri: None,
            contact: link::Contact::default(),
            expires,
            user_agent: None,
            extra_headers: Vec::new(),
        },
        policy: link::DigestPolicy {
            allowed: vec!["SHA-512-256".into(), "SHA-256".into(), "MD5".into()],
            on_downgrade: link::OnDowngrade::Refuse,
            source: link::PolicySource::Default,
        },
        active: Some(link::Credential {
            version: 1,
            username: user.clone(),
            realm: None,
            algorithm: None,
            pinned: false,
            qop: false,
            proxy: None,
            secret: key.seal(&user, 1, &link::Secret::Password("secret".into()).into()),
        }),
        previous: None,
        standby: None,
    }
}
