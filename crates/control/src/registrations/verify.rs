//! Asking a carrier about credentials without changing anything.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use diagnosis::{Code, Diagnosis};
use link::{Credential, Outcome, Secrets, Verdict, VerifyBy, VerifyMode, VerifyOrder};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::Registrations;
use super::assignment::{Settings, ad_hoc_account, ad_hoc_profile, credential, profile};
use super::fleet::{AttachedEdge, Loader};
use super::form::{self, Asked, Target, VerifyAdHoc, VerifyTrunk};
use super::object::{PATH, negotiated};
use super::policy;
use super::post::{EDIT, prefer_wait};
use super::refusal::{edge_offline, held, refusal};
use super::transition;
use super::verification::{self, GRACE, PATIENCE, Question, millis};
use super::version::{Version, VersionState};
use crate::access::Caller;
use crate::audit::{AuditEntry, Origin};
use crate::domain::{AddressOfRecord, Place, SipUri, id};
use crate::http::{App, JsonBody, OptionalJsonBody, answer, context};
use crate::problem::Problem;
use crate::store::{askers, credentials, reach, sites};

/// What one must be allowed to ask carriers.
pub const VERIFY: &str = "telephony:trunkRegistration:verify";

/// The version of credentials that are stored nowhere.
const NOWHERE: u32 = 0;

/// What is tried.
enum Tried {
    /// Only the challenge is asked for, about nothing in particular.
    Nothing,
    /// Credentials of the caller.
    Given(Asked),
    /// The trunk's own.
    Active(Box<Version>, Secrets),
}

/// POST /registrations/{trunkId}/verify.
pub(super) async fn trunk(
    State(app): State<App>,
    caller: Caller,
    Path(trunk): Path<String>,
    headers: HeaderMap,
    OptionalJsonBody(map): OptionalJsonBody,
) -> Result<Response, Problem> {
    let form = VerifyTrunk::read(map);
    // Whoever may try any secret may guess one.
    let guesses = form.as_ref().is_ok_and(|form| form.asked.is_some());
    caller.require_trunk(&app, if guesses { &[VERIFY, EDIT] } else { &[VERIFY] }, &trunk).await?;
    let form = form.map_err(form::problem)?;
    let wait = prefer_wait(&headers).unwrap_or(PATIENCE + GRACE);
    let said = app.registrations.verify_trunk(&caller.origin(), &trunk, form, wait).await?;
    Ok(said.answer(&trunk))
}

/// POST /registrations/verify.
pub(super) async fn ad_hoc(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    JsonBody(map): JsonBody,
) -> Result<Response, Problem> {
    caller.grants.require_somewhere(&[VERIFY, EDIT])?;
    let form = VerifyAdHoc::read(map).map_err(form::problem)?;
    let wait = prefer_wait(&headers).unwrap_or(PATIENCE + GRACE);
    Ok(app.registrations.verify_ad_hoc(&caller, form, wait).await?.answer("verify"))
}

/// What a caller hears.
enum Said {
    /// The verdict.
    Verdict(Value),
    /// It takes longer than the caller waits: the attempt of this id will tell.
    Later(String),
}

impl Said {
    /// Answers; `of` is where its attempts are listed.
    fn answer(self, of: &str) -> Response {
        match self {
            Said::Verdict(body) => answer(body),
            Said::Later(id) => {
                let location = format!("{PATH}/{of}/attempts/{id}");
                (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(json!({ "attemptId": id }))).into_response()
            }
        }
    }
}

/// Hears a verification out in a task of its own, and answers with what is known at a deadline. A caller that waits no longer neither cuts the
/// carrier's answer short, which would look like a wrong password or a dead network, nor leaves a digest off the record.
async fn until(
    deadline: Instant,
    id: String,
    verification: impl Future<Output = Result<Value, Problem>> + Send + 'static,
) -> Result<Said, Problem> {
    let correlation = context::correlation_id().unwrap_or_default();
    match timeout_at(deadline, tokio::spawn(context::with_correlation(correlation, verification))).await {
        Ok(heard) => heard.map_err(Problem::internal)?.map(Said::Verdict),
        Err(_) => Ok(Said::Later(id)),
    }
}

impl Registrations {
    async fn verify_trunk(&self, origin: &Origin, trunk: &str, form: VerifyTrunk, wait: Duration) -> Result<Said, Problem> {
        let deadline = Instant::now() + wait;
        let settings = self.settings(trunk).await?;
        let mode = if form.challenge_only { VerifyMode::ChallengeOnly } else { VerifyMode::Digest };
        let tried = match form.asked {
            Some(asked) => Tried::Given(asked),
            None if form.challenge_only => Tried::Nothing,
            None => {
                let (version, secret) = self.active(&settings).await?;
                Tried::Active(version, secret)
            }
        };
        match &tried {
            Tried::Nothing => {}
            Tried::Given(asked) => {
                if let Some(algorithm) = asked.algorithm {
                    policy::check_asked(&settings.policy(), algorithm, Some(trunk))
                        .map_err(|diagnosis| refusal(&settings.trunk, *diagnosis))?;
                }
            }
            Tried::Active(..) if self.is_held(trunk) => return Err(held(&settings.trunk)),
            Tried::Active(..) => {}
        }
        // Never two at once for a trunk: a nonce of the one would be spent by the other.
        let turn = self.turn(trunk, deadline).await?;
        let edge = self.inner.fleet.serving(&settings.trunk.site).ok_or_else(|| edge_offline(&settings.trunk))?;
        let place = self.inner.asking.take(&settings.trunk.carrier)?;
        let sealed = match &tried {
            Tried::Nothing => None,
            Tried::Given(asked) => Some(seal(asked, &edge, trunk)),
            Tried::Active(version, secret) => Some(credential(version, secret, &edge.key, trunk)),
        };
        let question = Question { accept_unproven: Some(false), ..Question::new(mode, sealed) };
        let order = question.order(&settings);
        let (this, origin, id) = (self.clone(), origin.clone(), order.id.clone());
        let verification = async move {
            let verdict = verification::ask(&this.inner.fleet, &edge, order).await;
            drop(place);
            let trunk = settings.trunk.meta.id.as_str();
            if mode == VerifyMode::Digest {
                let recorded = this.record(&origin, &settings, &tried, &verdict).await;
                recorded.inspect_err(|problem| tracing::error!(trunk, %problem, "a verification could not be recorded"))?;
            }
            drop(turn);
            let policy = settings.policy();
            told(verdict).map_err(|diagnosis| refusal(&settings.trunk, policy::name_override(*diagnosis, &policy, Some(trunk))))
        };
        until(deadline, id, verification).await
    }

    async fn active(&self, settings: &Settings) -> Result<(Box<Version>, Secrets), Problem> {
        let trunk = &settings.trunk.meta.id;
        let mut reader = self.inner.store.read().await?;
        let usable = credentials::usable(&mut reader, trunk).await?;
        let active = usable.into_iter().find(|stored| stored.version.state == VersionState::Active);
        let none = || Problem::conflict(format!("Trunk {trunk} has no active credentials; give some in the body.")).entity(trunk, None);
        let active = active.ok_or_else(none)?;
        let secret = self.inner.keyring.open(trunk, active.version.version, &active.sealed).map_err(Problem::internal)?;
        Ok((Box::new(active.version), secret))
    }

    /// A digest that a person sent is on the record; a proof of a secret that rests wakes it.
    async fn record(&self, origin: &Origin, settings: &Settings, tried: &Tried, verdict: &Verdict) -> Result<(), Problem> {
        let trunk = &settings.trunk.meta.id;
        let outcome = match &verdict.outcome {
            Outcome::Proved => "PROVED",
            Outcome::Learned => "LEARNED",
            Outcome::AcceptedUnproven => Code::CredentialsUnproven.as_str(),
            Outcome::Refused(diagnosis) => diagnosis.code.as_str(),
        };
        let mut tx = self.inner.store.begin(origin).await?;
        let version = match tried {
            Tried::Active(version, _) => Some(version.version),
            Tried::Nothing | Tried::Given(_) => None,
        };
        let rests = match credentials::registration(tx.connection(), trunk).await? {
            Some(registration) => settings.target_revision() > registration.verified,
            None => false,
        };
        let wakes = version.is_some() && rests && verdict.outcome == Outcome::Proved;
        if wakes {
            transition::proved_again(&mut tx, trunk).await?;
        }
        let mut after = json!({ "outcome": outcome });
        if let Some(version) = version {
            after["version"] = version.into();
        }
        tx.audit(AuditEntry::new("verify", "registration", trunk).after(after));
        tx.commit().await?;
        if wakes {
            self.inner.fleet.touch(trunk);
        }
        Ok(())
    }

    /// Notes who asks, so that they may read the attempt. Where it cannot be noted the carrier is asked nevertheless.
    async fn asks(&self, caller: &Caller, id: &str, carrier: Option<&str>) {
        let noted = async {
            let mut tx = self.inner.store.begin(&caller.origin()).await?;
            askers::note(&mut tx, id, &caller.client.meta.id, carrier).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(attempt = id, %error, "who asks could not be noted; the attempt is readable in the organisation only");
        }
    }

    async fn verify_ad_hoc(&self, caller: &Caller, form: VerifyAdHoc, wait: Duration) -> Result<Said, Problem> {
        let deadline = Instant::now() + wait;
        let VerifyAdHoc { target, site, asked, challenge_only } = form;
        let mut state = self.inner.store.snapshot().await?;
        let mut loader = Loader::new(&mut state).await?;
        let site = match site {
            Some(site) => site,
            None => {
                let unclear =
                    || Problem::invalid("site", "The site may be left out only where there is exactly one. GET /api/v2/sites lists them.");
                sites::only(&mut state).await?.ok_or_else(unclear)?
            }
        };
        let unknown = || Problem::invalid("site.id", format!("There is no site {site:?}. GET /api/v2/sites lists them."));
        let found = sites::find(&mut state, &site).await?.ok_or_else(unknown)?;
        if !reach::sees(&mut state, &caller.grants.known(), &Place::Site(&site)).await? {
            return Err(unknown());
        }
        let organization = loader.organization();
        let carrier = match &target.carrier {
            Some(id) => {
                let unknown = || Problem::invalid("carrier.id", format!("There is no carrier {id:?}. GET /api/v2/carriers lists them."));
                if !reach::sees(&mut state, &caller.grants.known(), &Place::Carrier(id)).await? {
                    return Err(unknown());
                }
                Some(loader.carrier(&mut state, id).await?.ok_or_else(unknown)?)
            }
            None => None,
        };
        drop(state);
        // The profile of a carrier says where secrets go: whoever has it in scope may ask there, from any site that is seen.
        let place = target.carrier.as_deref().map(Place::Carrier);
        let may = |permission: &str| [Some(Place::Site(&site)), place].iter().flatten().any(|place| caller.grants.on(permission, place));
        let missing: Vec<&str> = [VERIFY, EDIT].into_iter().filter(|permission| !may(permission)).collect();
        if !missing.is_empty() {
            return Err(Problem::missing_permissions(missing));
        }
        let policy = policy::effective(
            None,
            carrier.as_ref().and_then(|carrier| Some((carrier.meta.id.as_str(), carrier.settings.digest_policy.as_ref()?))),
            organization.settings.digest_policy.as_ref(),
        );
        if let Some(algorithm) = asked.as_ref().and_then(|asked| asked.algorithm) {
            policy::check_asked(&policy, algorithm, None).map_err(|diagnosis| plain(*diagnosis))?;
        }
        let Addresses { registrars, outbound_proxy, request_uri, address_of_record } = Addresses::read(&target)?;
        let asked_at = match (&carrier, registrars.first()) {
            (Some(carrier), _) => carrier.meta.id.clone(),
            (None, Some(registrar)) => registrar.to_string(),
            (None, None) => String::new(),
        };
        let mut carrier = match carrier {
            Some(carrier) => profile(&carrier, &organization),
            None => ad_hoc_profile(registrars, outbound_proxy, &organization),
        };
        carrier.accept_unproven = false;
        let edge = self.inner.fleet.serving(&site).ok_or_else(|| offline(&site))?;
        let place = self.inner.asking.take(&asked_at)?;
        let order = VerifyOrder {
            id: id::generate(),
            trunk: None,
            carrier,
            account: ad_hoc_account(&address_of_record, request_uri.as_ref(), &found),
            policy: policy.clone(),
            credential: asked.as_ref().map(|asked| seal(asked, &edge, "")),
            mode: if challenge_only { VerifyMode::ChallengeOnly } else { VerifyMode::Digest },
            by: VerifyBy::Query,
            may_bind: true,
            by_person: true,
            patience_ms: millis(PATIENCE),
        };
        self.asks(caller, &order.id, target.carrier.as_deref()).await;
        let (this, id) = (self.clone(), order.id.clone());
        let verification = async move {
            let verdict = verification::ask(&this.inner.fleet, &edge, order).await;
            drop(place);
            told(verdict).map_err(|diagnosis| plain(policy::name_override(*diagnosis, &policy, None)))
        };
        until(deadline, id, verification).await
    }
}

/// The target of a call, parsed.
struct Addresses {
    registrars: Vec<SipUri>,
    outbound_proxy: Option<SipUri>,
    request_uri: Option<SipUri>,
    address_of_record: AddressOfRecord,
}

impl Addresses {
    fn read(target: &Target) -> Result<Self, Problem> {
        let uri = |text: &str, field: &str| {
            SipUri::parse(text).map_err(|message| plain(Diagnosis::new(Code::RegistrarMalformed).summary(message)).field(field))
        };
        Ok(Addresses {
            registrars: target.registrars.iter().map(|text| uri(text, "registrars")).collect::<Result<_, _>>()?,
            outbound_proxy: target.outbound_proxy.as_deref().map(|text| uri(text, "outboundProxy")).transpose()?,
            request_uri: target.request_uri.as_deref().map(|text| uri(text, "requestUri")).transpose()?,
            address_of_record: AddressOfRecord::parse(&target.address_of_record)
                .map_err(|message| plain(Diagnosis::new(Code::RegistrarMalformed).summary(message)).field("addressOfRecord"))?,
        })
    }
}

/// Seals what a caller gave to an edge; it is stored nowhere.
pub(super) fn seal(asked: &Asked, edge: &Arc<AttachedEdge>, trunk: &str) -> Credential {
    Credential {
        version: NOWHERE,
        username: asked.username.clone(),
        realm: asked.realm.clone(),
        algorithm: asked.algorithm.map(str::to_owned),
        pinned: false,
        qop: false,
        proxy: asked.proxy.clone(),
        secret: edge.key.seal(trunk, NOWHERE, &asked.secrets),
    }
}

/// Writes a verdict, or gives the diagnosis of a refusal.
fn told(verdict: Verdict) -> Result<Value, Box<Diagnosis>> {
    let word = match verdict.outcome {
        Outcome::Proved => "PROVED",
        Outcome::Learned => "LEARNED",
        Outcome::AcceptedUnproven => return Err(Box::new(Diagnosis::new(Code::CredentialsUnproven).evidence(verdict.evidence))),
        Outcome::Refused(diagnosis) => return Err(diagnosis),
    };
    let mut body = serde_json::to_value(&verdict.evidence).unwrap_or_default();
    body["verdict"] = word.into();
    if let Some(agreed) = &verdict.negotiated {
        body["negotiated"] = negotiated(agreed);
    }
    if body.get("challenges").is_none() {
        body["challenges"] = json!([]);
    }
    Ok(body)
}

/// A refusal about no trunk.
fn plain(diagnosis: Diagnosis) -> Problem {
    let code = diagnosis.code;
    let problem = Problem::from(diagnosis);
    if code == Code::RegistrarMalformed { problem } else { problem.detail(code.as_str(), None) }
}

fn offline(site: &str) -> Problem {
    let diagnosis = Diagnosis::new(Code::EdgeOffline)
        .summary(format!("No edge of site {site} is online, so the carrier could not be asked."))
        .remedy(format!("Bring an edge of site {site} up."));
    Problem::from(diagnosis).retry_after(5)
}

#[cfg(test)]
mod tests {
    use diagnosis::{Challenge, Evidence};
    use link::Negotiated;

    use super::*;

    #[test]
    fn a_verdict_is_told_with_what_the_carrier_offered() {
        let challenge = Challenge { realm: "lab".into(), algorithm: "MD5".into(), qop: vec!["auth".into()], stale: false, proxy: false };
        let verdict = Verdict {
            id: "v1".into(),
            outcome: Outcome::Learned,
            negotiated: Some(Negotiated { realm: "lab".into(), algorithm: "MD5".into(), qop: None, offered: vec!["MD5".into()] }),
            evidence: Evidence { challenges: vec![challenge], attempt_id: Some("v1".into()), ..Evidence::default() },
            at: 0,
        };
        let body = told(verdict).unwrap();
        assert_eq!((&body["verdict"], &body["attemptId"]), (&json!("LEARNED"), &json!("v1")));
        assert_eq!((&body["challenges"][0]["realm"], &body["negotiated"]["algorithm"]), (&json!("lab"), &json!("MD5")));
    }

    #[test]
    fn a_2xx_without_a_challenge_proves_nothing() {
        let verdict =
            Verdict { id: "v1".into(), outcome: Outcome::AcceptedUnproven, negotiated: None, evidence: Evidence::default(), at: 0 };
        assert_eq!(told(verdict).unwrap_err().code, Code::CredentialsUnproven);
    }
}
