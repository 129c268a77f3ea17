//! An edge with many trunks at one registrar on loopback, for benchmarks: `load TARGET COUNT EXPIRES SECONDS [SHARDS] [never]`.
//!
//! Users are `u0000000`, `u0000001` and so on of `carrier.test`, their password is `secret`. It prints a line of JSON when all are bound,
//! one when all have been refreshed once, and one when it has kept them for so many seconds from then. With `never` no nonce is used again: every
//! refresh is challenged.

use std::error::Error;
use std::io::Write;
use std::time::{Duration, Instant};

use edge::{Config, Edge, SipListen};
use link::{FromEdge, ToEdge};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is over when all are bound and have been refreshed once is over after so long.
const REST: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [target, count, expires, seconds, more @ ..] = arguments.as_slice() else {
        return Err("load TARGET COUNT EXPIRES SECONDS [SHARDS] [never]".into());
    };
    let (count, expires, seconds): (u32, u32, u64) = (count.parse()?, expires.parse()?, seconds.parse()?);
    let shards = more.first().map_or(Ok(1), |shards| shards.parse())?;
    let reuse = if more.iter().any(|word| word == "never") { link::NonceReuse::Never } else { link::NonceReuse::Auto };
    let data = tempfile::tempdir()?;
    let mut config = Config::new("load", link::Sites::Unserved, data.path());
    config.sip = vec![SipListen("127.0.0.1:0".parse()?)];
    config.allow_targets = vec!["127.0.0.0/8".parse()?];
    config.shards = shards;
    let bound = Edge::bind(config)?;
    let (control, end) = link::pair(bound.hello());
    let edge = bound.start(end);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (orders, mut reports, key) = (control.orders, control.reports, control.key);
    let (begin, idle) = (Instant::now(), cpu()?);
    let mut ledger = Ledger::new(count, expires);
    runtime.block_on(async {
        let ordering = async {
            let _ = orders.send(ToEdge::Carrier(Box::new(carrier(target, reuse)))).await;
            for number in 0..count {
                let _ = orders.send(ToEdge::Assign(Box::new(assignment(number, expires, &key)))).await;
            }
        };
        let listening = async {
            while ledger.bound < count {
                match reports.recv().await {
                    Some(report) => ledger.take(report),
                    None => break,
                }
            }
        };
        tokio::join!(ordering, listening);
    });
    tell("cold", begin.elapsed(), cpu()? - idle, &edge, &Ledger::new(0, 0))?;
    let hear = |ledger: &mut Ledger, reports: &mut tokio::sync::mpsc::Receiver<FromEdge>, span: Duration| {
        runtime.block_on(async {
            let end = tokio::time::Instant::now() + span;
            while let Ok(Some(report)) = tokio::time::timeout_at(end, reports.recv()).await {
                ledger.take(report);
            }
        });
    };
    hear(&mut ledger, &mut reports, REST + Duration::from_secs(u64::from(expires)) * 3 / 4);
    ledger.late.clear();
    tell("rested", begin.elapsed(), cpu()? - idle, &edge, &Ledger::new(0, 0))?;
    let (begin, idle, before) = (Instant::now(), cpu()?, ledger.refreshes);
    hear(&mut ledger, &mut reports, Duration::from_secs(seconds));
    let spent = cpu()? - idle;
    ledger.refreshes -= before;
    tell("steady", begin.elapsed(), spent, &edge, &ledger)?;
    edge.stop();
    Ok(())
}

/// What the reports say of the trunks.
struct Ledger {
    bound: u32,
    refreshes: u64,
    expires: i64,
    /// When each is to be refreshed next, wall-clock microseconds; zero while it is not bound.
    planned: Vec<i64>,
    /// How much later than planned each refresh was sent, in microseconds.
    late: Vec<u32>,
}

impl Ledger {
    fn new(count: u32, expires: u32) -> Self {
        Ledger { bound: 0, refreshes: 0, expires: i64::from(expires) * 1_000_000, planned: vec![0; count as usize], late: Vec::new() }
    }

    fn take(&mut self, report: FromEdge) {
        match report {
            FromEdge::Status(batch) => batch.into_iter().filter(|status| status.bound).for_each(|status| {
                self.bound_until(&status.trunk, status.expires_at, status.next_action_at);
            }),
            FromEdge::Renewed(batch) => {
                batch.into_iter().for_each(|renewal| self.bound_until(&renewal.trunk, Some(renewal.expires_at), renewal.next_action_at));
            }
            _ => {}
        }
    }

    fn bound_until(&mut self, trunk: &str, expires_at: Option<i64>, next: Option<i64>) {
        let number = trunk.get(1..).and_then(|number| number.parse::<usize>().ok());
        let Some(planned) = number.and_then(|number| self.planned.get_mut(number)) else { return };
        let (Some(expires_at), Some(next)) = (expires_at, next) else { return };
        match std::mem::replace(planned, next) {
            0 => self.bound += 1,
            // Nothing was refreshed: something else was told of it.
            same if same == next => {}
            due => {
                self.refreshes += 1;
                // A binding counts from the sending of its REGISTER; of one that was challenged, from the second.
                self.late.push(u32::try_from(expires_at - self.expires - due).unwrap_or(0));
            }
        }
    }
}

fn tell(phase: &str, wall: Duration, spent: Duration, edge: &Edge, ledger: &Ledger) -> std::io::Result<()> {
    let counters = edge.counters();
    let mut late = ledger.late.clone();
    late.sort_unstable();
    let at = |part: f64| late.get(((late.len() as f64 * part) as usize).min(late.len().saturating_sub(1))).copied().unwrap_or(0);
    let line = format!(
        "{{\"phase\":\"{phase}\",\"wall_s\":{:.3},\"cpu_s\":{:.6},\"refreshes\":{},\"late_us\":{{\"p50\":{},\"p99\":{},\"p9999\":{},\"worst\":{}}},\"registers\":{},\"retransmissions\":{},\"overrun\":{},\"bound\":{}}}\n",
        wall.as_secs_f64(),
        spent.as_secs_f64(),
        ledger.refreshes,
        at(0.5),
        at(0.99),
        at(0.9999),
        at(1.0),
        counters.registers,
        counters.retransmissions,
        counters.overrun,
        counters.bound,
    );
    let mut out = std::io::stdout();
    out.write_all(line.as_bytes())?;
    out.flush()
}

fn cpu() -> nix::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

fn carrier(target: &str, nonce_reuse: link::NonceReuse) -> link::CarrierProfile {
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
        nonce_reuse,
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
