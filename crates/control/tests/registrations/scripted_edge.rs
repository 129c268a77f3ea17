//! An edge's end of the link that knows which passwords the carrier takes, and writes down what it is ordered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use diagnosis::{Challenge, Check, Code, Diagnosis, Evidence, SipStatus};
use link::{
    Assignment, Attempt, Credential, EdgeEnd, FromEdge, Generation, Hello, Negotiated, OptionsStatus, Outcome, RegistrationState, SealKey,
    Secret, Sites, ToEdge, TrunkStatus, Verdict, VerifyMode, VerifyOrder,
};
use secrecy::ExposeSecret;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::sample;

pub const REALM: &str = "lab.example";

/// How the carrier behind the edge behaves.
#[derive(Clone, Debug)]
pub struct Carrier {
    pub realm: String,
    pub algorithm: String,
    pub passwords: HashMap<String, String>,
    /// Verifications are not answered.
    pub silent: bool,
    /// Answers 200 to everybody without a challenge.
    pub open: bool,
    /// Refuses every REGISTER that binds, whatever the password.
    pub refuses_binding: bool,
    /// A refused digest of a registration holds the version.
    pub holds: bool,
    /// Assignments are taken and nothing is reported of them.
    pub mute: bool,
    /// Verifications end so, before a digest.
    pub fails: Option<Code>,
}

pub struct ScriptedEdge {
    key: SealKey,
    pub reports: mpsc::Sender<FromEdge>,
    state: Arc<Mutex<State>>,
    heard: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

struct State {
    carrier: Carrier,
    orders: Vec<ToEdge>,
    assigned: HashMap<String, Assignment>,
    held: Vec<VerifyOrder>,
}

impl ScriptedEdge {
    /// Joins the control plane as an edge for these sites.
    pub fn attach(control: &control::Control, id: &str, sites: Sites) -> Self {
        let hello = Hello {
            edge: id.into(),
            sites,
            version: "0".into(),
            local: vec!["udp:192.0.2.9:5060".into()],
            advertised: vec!["192.0.2.9:5060".into()],
        };
        let (near, far) = link::pair(hello);
        let EdgeEnd { key, mut orders, reports } = far;
        let carrier = Carrier {
            realm: REALM.into(),
            algorithm: "MD5".into(),
            passwords: HashMap::new(),
            silent: false,
            open: false,
            refuses_binding: false,
            holds: false,
            mute: false,
            fails: None,
        };
        let state = Arc::new(Mutex::new(State { carrier, orders: Vec::new(), assigned: HashMap::new(), held: Vec::new() }));
        let (hears, heard) = watch::channel(0);
        control.attach(near);
        let (own_key, own_reports, own_state) = (key.share(), reports.clone(), Arc::clone(&state));
        let task = tokio::spawn(async move {
            while let Some(order) = orders.recv().await {
                let answers = {
                    let mut state = state.lock().unwrap();
                    state.orders.push(order.clone());
                    state.answer(&key, order)
                };
                hears.send_modify(|count| *count += 1);
                for answer in answers {
                    if reports.send(answer).await.is_err() {
                        return;
                    }
                }
            }
        });
        ScriptedEdge { key: own_key, reports: own_reports, state: own_state, heard, task }
    }

    /// Ends the link, as an edge does that stops.
    pub async fn leave(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Changes the carrier.
    pub fn carrier(&self, change: impl FnOnce(&mut Carrier)) {
        change(&mut self.state().carrier);
    }

    /// The carrier takes this password for this user name, and no other.
    pub fn takes(&self, username: &str, password: &str) {
        self.carrier(|carrier| drop(carrier.passwords.insert(username.into(), password.into())));
    }

    /// The carrier answers what it was asked while it was silent.
    pub async fn speaks(&self) {
        let answers: Vec<FromEdge> = {
            let mut state = self.state();
            state.carrier.silent = false;
            let held = std::mem::take(&mut state.held);
            held.iter().flat_map(|order| state.verified(&self.key, order)).collect()
        };
        for answer in answers {
            self.reports.send(answer).await.expect("the control plane listens");
        }
    }

    /// All orders so far.
    pub fn orders(&self) -> Vec<ToEdge> {
        self.state().orders.clone()
    }

    /// The verifications that were ordered.
    pub fn verifications(&self) -> Vec<VerifyOrder> {
        let orders = self.orders().into_iter();
        orders.filter_map(|order| if let ToEdge::Verify(order) = order { Some(*order) } else { None }).collect()
    }

    /// The assignments of a trunk, in order.
    pub fn assignments(&self, trunk: &str) -> Vec<Assignment> {
        let orders = self.orders().into_iter();
        orders
            .filter_map(|order| if let ToEdge::Assign(order) = order { Some(*order) } else { None })
            .filter(|order| order.trunk == trunk)
            .collect()
    }

    /// The password of a version that was assigned.
    pub fn password(&self, trunk: &str, credential: &Credential) -> String {
        secret(&self.key, trunk, credential)
    }

    /// The password for the proxy that came along, if one did.
    pub fn proxys_password(&self, trunk: &str, credential: &Credential) -> Option<String> {
        let secrets = self.key.open(trunk, credential.version, &credential.secret).expect("sealed to this edge");
        match secrets.proxy? {
            Secret::Password(password) => Some(password.expose_secret().to_owned()),
            Secret::Ha1(_) => None,
        }
    }

    /// Waits until the orders are as wanted.
    pub async fn until(&self, what: &str, wanted: impl Fn(&[ToEdge]) -> bool) {
        let mut heard = self.heard.clone();
        let all = async {
            while !wanted(&self.orders()) {
                heard.changed().await.expect("the edge lives");
            }
        };
        tokio::time::timeout(Duration::from_secs(10), all).await.unwrap_or_else(|_| panic!("{what}: {:?}", self.orders()));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self, key: &SealKey, order: ToEdge) -> Vec<FromEdge> {
        match order {
            ToEdge::SnapshotBegin | ToEdge::SnapshotEnd | ToEdge::Carrier(_) | ToEdge::Trace { .. } => Vec::new(),
            ToEdge::Verify(order) if self.carrier.silent => {
                self.held.push(*order);
                Vec::new()
            }
            ToEdge::Verify(order) => self.verified(key, &order),
            ToEdge::Assign(assignment) => self.register(key, *assignment),
            ToEdge::Withdraw { trunk, .. } => {
                self.assigned.remove(&trunk);
                vec![FromEdge::Unregistered { trunk }]
            }
            ToEdge::Act { trunk, .. } => {
                let assigned = self.assigned.get(&trunk).cloned();
                assigned.map_or_else(Vec::new, |assignment| self.register(key, assignment))
            }
        }
    }

    /// The exchange, then what it means.
    fn verified(&self, key: &SealKey, order: &VerifyOrder) -> Vec<FromEdge> {
        let verdict = self.judge(key, order);
        let diagnosis = if let Outcome::Refused(diagnosis) = &verdict.outcome { Some(diagnosis.clone()) } else { None };
        let attempt = Attempt { accepted: diagnosis.is_none(), diagnosis, ..sample::attempt(&order.id, order.trunk.as_deref()) };
        vec![FromEdge::Attempt(Box::new(attempt)), FromEdge::Verdict(Box::new(verdict))]
    }

    fn judge(&self, key: &SealKey, order: &VerifyOrder) -> Verdict {
        let carrier = &self.carrier;
        let challenge = Challenge {
            realm: carrier.realm.clone(),
            algorithm: carrier.algorithm.clone(),
            qop: vec!["auth".into()],
            stale: false,
            proxy: false,
        };
        let mut evidence = Evidence {
            edge: Some("scripted".into()),
            registrar: order.carrier.registrars.first().cloned(),
            public_address: Some("198.51.100.7:5060".into()),
            sip: Some(SipStatus { code: 401, reason: "Unauthorized".into() }),
            challenges: vec![challenge],
            credential_sent: Some(false),
            attempt_id: Some(order.id.clone()),
            ..Evidence::default()
        };
        let refused = |code: Code, evidence: &Evidence| Outcome::Refused(Box::new(Diagnosis::new(code).evidence(evidence.clone())));
        let outcome = match (&order.credential, carrier.fails) {
            (_, Some(code)) => refused(code, &evidence),
            _ if carrier.open => {
                evidence.challenges.clear();
                if order.carrier.accept_unproven { Outcome::AcceptedUnproven } else { refused(Code::CredentialsUnproven, &evidence) }
            }
            _ if !order.policy.allowed.contains(&carrier.algorithm) => {
                evidence.checks.push(Check::compared("algorithm.allowed", false, order.policy.allowed.join(", "), &carrier.algorithm));
                refused(Code::AlgorithmNotAllowed, &evidence)
            }
            (Some(credential), _) if credential.realm.as_ref().is_some_and(|realm| *realm != carrier.realm) => {
                refused(Code::RealmMismatch, &evidence)
            }
            (Some(credential), _) if credential.algorithm.as_ref().is_some_and(|algorithm| *algorithm != carrier.algorithm) => {
                refused(Code::AlgorithmNotOffered, &evidence)
            }
            (None, _) => Outcome::Learned,
            (Some(_), _) if order.mode == VerifyMode::ChallengeOnly => Outcome::Learned,
            (Some(credential), _) => {
                evidence.credential_sent = Some(true);
                let right = self.is_right(&credential.username, &secret(key, order.trunk.as_deref().unwrap_or_default(), credential));
                if right { Outcome::Proved } else { refused(Code::CredentialsRejected, &evidence) }
            }
        };
        let negotiated = matches!(outcome, Outcome::Proved | Outcome::Learned).then(|| self.negotiated());
        Verdict { id: order.id.clone(), outcome, negotiated, evidence, at: 1 }
    }

    fn register(&mut self, key: &SealKey, assignment: Assignment) -> Vec<FromEdge> {
        self.assigned.insert(assignment.trunk.clone(), assignment.clone());
        let Some(active) = assignment.active.as_ref().filter(|_| !self.carrier.mute) else { return Vec::new() };
        let (trunk, generation, version) = (assignment.trunk.clone(), assignment.generation, active.version);
        let right = |credential: &Credential| self.is_right(&credential.username, &secret(key, &trunk, credential));
        if self.carrier.open {
            let status = TrunkStatus { authenticated: false, ..self.status(&trunk, generation, RegistrationState::Registered, version) };
            let accepted = FromEdge::Accepted { trunk, generation, version, authenticated: false, negotiated: None, at: 2 };
            return vec![accepted, FromEdge::Status(vec![status])];
        }
        if right(active) && !self.carrier.refuses_binding {
            return self.accepted(&trunk, generation, version);
        }
        let refused = |version: u32, held: bool| FromEdge::Refused {
            trunk: trunk.clone(),
            generation,
            version,
            digest_sent: true,
            held,
            diagnosis: Box::new(Diagnosis::new(Code::CredentialsRejected)),
            at: now(),
        };
        if let Some(standby) = assignment.standby.as_ref().filter(|standby| right(standby)) {
            let mut all = vec![refused(version, false)];
            all.extend(self.accepted(&trunk, generation, standby.version));
            return all;
        }
        let state = if self.carrier.holds { RegistrationState::AuthHeld } else { RegistrationState::RetryWait };
        let mut status = self.status(&trunk, generation, state, version);
        status.diagnosis = Some(Box::new(Diagnosis::new(Code::CredentialsRejected)));
        vec![refused(version, self.carrier.holds), FromEdge::Status(vec![status])]
    }

    fn accepted(&self, trunk: &str, generation: Generation, version: u32) -> Vec<FromEdge> {
        let negotiated = Some(self.negotiated());
        let accepted = FromEdge::Accepted { trunk: trunk.into(), generation, version, authenticated: true, negotiated, at: now() };
        vec![accepted, FromEdge::Status(vec![self.status(trunk, generation, RegistrationState::Registered, version)])]
    }

    fn is_right(&self, username: &str, password: &str) -> bool {
        self.carrier.passwords.get(username).is_some_and(|right| right == password)
    }

    fn negotiated(&self) -> Negotiated {
        let algorithm = self.carrier.algorithm.clone();
        Negotiated { realm: self.carrier.realm.clone(), algorithm: algorithm.clone(), qop: Some("auth".into()), offered: vec![algorithm] }
    }

    fn status(&self, trunk: &str, generation: Generation, state: RegistrationState, version: u32) -> TrunkStatus {
        let bound = state == RegistrationState::Registered;
        TrunkStatus {
            trunk: trunk.into(),
            generation,
            state,
            bound,
            authenticated: bound,
            since: now(),
            registrar: Some("192.0.2.1:5060".into()),
            transport: None,
            public_address: Some("198.51.100.7:5060".into()),
            registered_at: bound.then(now),
            expires_at: bound.then(|| now() + 3_600_000_000),
            next_action_at: None,
            round_trip_ms: Some(4),
            consecutive_failures: u32::from(!bound),
            last_response: None,
            negotiated: bound.then(|| self.negotiated()),
            service_route: Vec::new(),
            associated_uris: Vec::new(),
            options: OptionsStatus::default(),
            diagnosis: None,
            credential_version: Some(version),
            warnings: Vec::new(),
            refreshes: 0,
        }
    }
}

pub fn now() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("after 1970");
    i64::try_from(since.as_micros()).expect("before 294247")
}

fn secret(key: &SealKey, trunk: &str, credential: &Credential) -> String {
    match key.open(trunk, credential.version, &credential.secret).expect("sealed to this edge, for this trunk and version").account {
        Secret::Password(password) => password.expose_secret().to_owned(),
        Secret::Ha1(values) => values.iter().map(|(name, hex)| format!("{name}={}", hex.expose_secret())).collect::<Vec<_>>().join(","),
    }
}
