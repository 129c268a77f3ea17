//! Trunk base settings: a trunk, its registrars and its credentials in one body.
//!
//! Credentials are set without asking the carrier first, as these clients expect: form and policy are checked, and where the carrier refuses
//! the first REGISTER, the version before comes back if it was accepted when last used.

use axum::Router;
use axum::extract::{OriginalUri, Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::properties::{self, Properties};
use super::{EXTERNAL, PATH, begin, nothing, takes_unmanaged};
use crate::access::Caller;
use crate::audit::AuditEntry;
use crate::changes::Change;
use crate::domain::{Carrier, CarrierSettings, Meta, Place, Reference, SipUri, Trunk, TrunkSettings, id};
use crate::http::decode::take;
use crate::http::precondition::IfMatch;
use crate::http::resources::form::{self, Common};
use crate::http::resources::{TrunkForm, may_change, may_put, show_trunk};
use crate::http::{App, JsonBody, Query, answer, created, listing};
use crate::problem::Problem;
use crate::registrations::load;
use crate::registrations::projected::Projected;
use crate::registrations::{EDIT as EDIT_CREDENTIALS, Turn};
use crate::store::trunk_bases::{self, Kept};
use crate::store::{Page, Tx, carriers, page, reach, trunks};

const KIND: &str = "trunk";
const VIEW: &str = "telephony:trunk:view";
const EDIT: &str = "telephony:trunk:edit";

/// The platform's template of a trunk to a carrier.
const METABASE: &str = "external_sip_pcv_byoc_carrier.json";

/// Fields that the platform's clients send back and the server decides.
const SERVERS_OWN: [&str; 8] = ["division", "modifiedBy", "createdBy", "state", "modifiedByApp", "createdByApp", "managed", "kind"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route(&format!("{PATH}/trunkbasesettings"), get(list).post(create))
        .route(&format!("{PATH}/trunkbasesettings/{{id}}"), get(read).put(replace).delete(delete))
}

fn show(of: &Projected, kept: &Kept) -> Value {
    let trunk = &of.trunk;
    let mut body = begin(&trunk.meta);
    if let Some(description) = &trunk.settings.description {
        body.insert("description".into(), description.clone().into());
    }
    let metabase = kept.metabase.as_deref().unwrap_or(METABASE);
    body.insert("trunkMetabase".into(), json!({ "id": metabase, "selfUri": format!("{PATH}/trunkbasesettings/availablemetabases") }));
    body.insert("properties".into(), properties::show(of, &kept.properties));
    body.insert("trunkType".into(), EXTERNAL.into());
    body.insert("managed".into(), false.into());
    body.insert("site".into(), super::reference("sites", &trunk.site));
    body.insert("inboundSite".into(), super::reference("sites", &trunk.site));
    // Beyond the platform's fields.
    body.insert("carrier".into(), json!({ "id": trunk.carrier, "selfUri": format!("/api/v2/carriers/{}", trunk.carrier) }));
    body.insert("selfUri".into(), format!("{PATH}/trunkbasesettings/{}", trunk.meta.id).into());
    body.into()
}

/// What a body needs: with a password in it, the right to set one.
fn needed(base: Option<&BaseForm>) -> &'static [&'static str] {
    if base.is_some_and(|base| base.properties.password.is_some()) { &[EDIT, EDIT_CREDENTIALS] } else { &[EDIT] }
}

/// A body of POST or PUT.
struct BaseForm {
    common: Common,
    description: Option<String>,
    site: Option<Reference>,
    carrier: Option<Reference>,
    metabase: Option<String>,
    properties: Properties,
}

impl BaseForm {
    fn parse(common: Common, mut fields: Map<String, Value>) -> Result<Self, Problem> {
        for name in SERVERS_OWN {
            fields.remove(name);
        }
        let site: Option<Reference> = take(&mut fields, "site")?;
        let inbound: Option<Reference> = take(&mut fields, "inboundSite")?;
        let carrier = take(&mut fields, "carrier")?;
        let metabase: Option<Reference> = take(&mut fields, "trunkMetabase")?;
        let description = take(&mut fields, "description")?;
        let kind: Option<String> = take(&mut fields, "trunkType")?;
        if kind.is_some_and(|kind| kind != EXTERNAL) {
            return Err(Problem::invalid("trunkType", "Trunks here lead to carriers; their trunkType is EXTERNAL."));
        }
        let properties: Option<Map<String, Value>> = take(&mut fields, "properties")?;
        if let Some(name) = fields.keys().next() {
            return Err(Problem::invalid(name.clone(), format!("There is no field {name:?} in trunk base settings.")));
        }
        let metabase = metabase.map(|metabase| metabase.id);
        if metabase.as_ref().is_some_and(|id| id.len() > id::ID_CHARS_MAX) {
            return Err(Problem::invalid("trunkMetabase.id", format!("An id is at most {} characters.", id::ID_CHARS_MAX)));
        }
        let properties = Properties::parse(properties.unwrap_or_default())?;
        Ok(BaseForm { common, description, site: site.or(inbound), carrier, metabase, properties })
    }

    fn kept(&self) -> Kept {
        Kept { metabase: self.metabase.clone(), properties: self.properties.others.clone() }
    }

    /// The body of the flagship call for the credentials in the form; nothing where they are as they are.
    fn credentials(&self, trunk: &str, before: Option<&Projected>) -> Result<Option<Map<String, Value>>, Problem> {
        let Properties { username, realm, password, .. } = &self.properties;
        let active = before.and_then(|before| before.active.as_ref());
        let own = active.map(|active| active.username.as_str());
        let pinned = active.and_then(|active| active.effective_realm());
        let Some(password) = password else {
            let moved = username.as_deref().is_some_and(|username| own != Some(username))
                || realm.as_deref().is_some_and(|realm| pinned != Some(realm));
            if moved {
                let message = "A user name or realm is set together with its password: a password belongs to both.";
                return Err(Problem::invalid("properties.trunk_sip_authentication_credentials_password", message));
            }
            return Ok(None);
        };
        let mut credentials = Map::new();
        if let Some(username) = username.as_deref().or(own) {
            credentials.insert("username".into(), username.into());
        }
        if let Some(realm) = realm {
            credentials.insert("realm".into(), realm.clone().into());
        }
        credentials.insert("password".into(), password.expose_secret().into());
        let mut body = Map::new();
        body.insert("trunkId".into(), trunk.into());
        body.insert("credentials".into(), credentials.into());
        body.insert("verify".into(), "static".into());
        Ok(Some(body))
    }
}

async fn list(State(app): State<App>, caller: Caller, OriginalUri(uri): OriginalUri, mut query: Query) -> Result<Response, Problem> {
    let seen = caller.require_somewhere(VIEW)?;
    let paging = listing::paging(&mut query, page::PLAIN)?;
    let name = query.take("name");
    query.take_bool("ignoreHidden")?;
    // Nothing is recorded here.
    let here = takes_unmanaged(&mut query)? & (query.take_bool("recordingEnabled")? != Some(true));
    query.finish()?;
    let page = if here { app.registrations.projected_named(&paging, name, seen).await? } else { nothing(&paging) };
    let ids: Vec<&str> = page.items.iter().map(|of| of.trunk.meta.id.as_str()).collect();
    let mut kept = trunk_bases::of_all(&mut *app.store.read().await?, &ids).await?;
    let items = page.items.iter().map(|of| show(of, &kept.remove(&of.trunk.meta.id).unwrap_or_default())).collect();
    let page = Page { items, total: page.total, next: page.next };
    Ok(answer(listing::listing(&uri, &paging, page, |body| body)))
}

async fn shown(app: &App, id: &str) -> Result<Value, Problem> {
    let of = app.registrations.projected(id).await?;
    let kept = trunk_bases::find(&mut *app.store.read().await?, id).await?;
    Ok(show(&of, &kept))
}

async fn read(State(app): State<App>, caller: Caller, Path(id): Path<String>, mut query: Query) -> Result<Response, Problem> {
    caller.require_trunk(&app, &[VIEW], &id).await?;
    query.take_bool("ignoreHidden")?;
    query.finish()?;
    Ok(answer(shown(&app, &id).await?))
}

async fn create(State(app): State<App>, caller: Caller, JsonBody(mut fields): JsonBody) -> Result<Response, Problem> {
    let base = Common::take(&mut fields).and_then(|common| BaseForm::parse(common, fields));
    caller.grants.require_somewhere(needed(base.as_ref().ok()))?;
    let mut base = base?;
    let id = base.common.id.clone().unwrap_or_else(id::generate);
    base.common.id = Some(id.clone());
    let credentials = base.credentials(&id, None)?;
    if let Some(body) = &credentials {
        app.registrations.check_form(body)?;
    }
    let settings = TrunkSettings { description: base.description.clone(), ..TrunkSettings::of(base.properties.address()?) };
    let _turn = turn(&app, &id, credentials.is_some()).await?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    if trunks::find(tx.connection(), &id).await?.is_some() {
        return Err(form::taken(KIND, &id));
    }
    let (carrier, made) = carrier(&mut tx, &caller, &base, None).await?;
    let trunk = TrunkForm {
        common: base.common.clone(),
        site: base.site.clone(),
        carrier: reference(&carrier)?,
        in_service: base.properties.enabled.unwrap_or(true),
        settings,
    };
    let trunk = trunk.resolve(&mut tx, &caller).await?;
    may_put(&caller, needed(Some(&base)), &trunk)?;
    let trunk = trunks::insert(&mut tx, &trunk).await?;
    load::judge_stored(&mut tx, None, &trunk).await?;
    trunk_bases::keep(&mut tx, &id, &base.kept()).await?;
    tx.audit(AuditEntry::new("create", KIND, &id).after(show_trunk(&trunk)));
    if let Some(body) = credentials {
        app.registrations.set_within(&mut tx, &trunk, body).await?;
    }
    tx.commit().await?;
    announce(&app, made, &trunk);
    Ok(created(shown(&app, &id).await?))
}

async fn replace(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    if_match: IfMatch,
    JsonBody(mut fields): JsonBody,
) -> Result<Response, Problem> {
    let base = Common::take_for(&mut fields, &id).and_then(|common| BaseForm::parse(common, fields));
    caller.require_trunk(&app, needed(base.as_ref().ok()), &id).await?;
    let base = base?;
    let before = app.registrations.projected(&id).await?;
    if_match.check_required(base.common.version, before.trunk.meta.version)?;
    let credentials = base.credentials(&id, Some(&before))?;
    if let Some(body) = &credentials {
        app.registrations.check_form(body)?;
    }
    let _turn = turn(&app, &id, credentials.is_some()).await?;
    let mut tx = app.store.begin(&caller.origin()).await?;
    let before = trunks::find(tx.connection(), &id).await?.ok_or_else(|| Problem::not_found(KIND, &id))?;
    if_match.check_required(base.common.version, before.meta.version)?;
    let current = carriers::find(tx.connection(), &before.carrier).await?;
    let (carrier, made) = carrier(&mut tx, &caller, &base, current).await?;
    let mut settings = before.settings.clone();
    settings.description = base.description.clone();
    if let Some(address) = &base.properties.address_of_record {
        settings.address_of_record = address.clone();
    }
    let mut common = base.common.clone();
    common.id = Some(id.clone());
    common.name = common.name.or_else(|| Some(before.meta.name.clone()));
    let in_service = base.properties.enabled.unwrap_or(before.in_service);
    let site = Some(base.site.clone().map_or_else(|| reference(&before.site), Ok)?);
    let after = TrunkForm { common, site, carrier: reference(&carrier)?, in_service, settings };
    let mut after = after.resolve(&mut tx, &caller).await?;
    may_change(&caller, &before, &after, needed(Some(&base)))?;
    after.target_revision = before.target_revision;
    let after = trunks::update(&mut tx, &before, &after).await?;
    load::judge_stored(&mut tx, Some(&before), &after).await?;
    trunk_bases::keep(&mut tx, &id, &base.kept()).await?;
    tx.audit(AuditEntry::new("update", KIND, &id).before(show_trunk(&before)).after(show_trunk(&after)));
    if let Some(body) = credentials {
        app.registrations.set_within(&mut tx, &after, body).await?;
    }
    tx.commit().await?;
    announce(&app, made, &after);
    Ok(answer(shown(&app, &id).await?))
}

async fn delete(State(app): State<App>, caller: Caller, Path(id): Path<String>, if_match: IfMatch) -> Result<StatusCode, Problem> {
    crate::http::resources::delete_trunk(&app, &caller, id, if_match).await
}

/// Nobody else sets the trunk's credentials while they are set here.
async fn turn(app: &App, id: &str, sets: bool) -> Result<Option<Turn>, Problem> {
    if sets { app.registrations.turn_to_set(id).await.map(Some) } else { Ok(None) }
}

fn announce(app: &App, made: Option<String>, trunk: &Trunk) {
    if let Some(carrier) = made {
        app.changes.announce(Change::Carrier(carrier));
    }
    app.changes.announce(Change::Trunk(trunk.meta.id.clone()));
}

fn reference(id: &str) -> Result<Reference, Problem> {
    crate::http::decode::decode(&json!({ "id": id })).map_err(Problem::from)
}

/// Finds the carrier of these servers: the current one, any with the same registrars in the same order, or a new one. Returns its id, and
/// again where it was made.
async fn carrier(tx: &mut Tx, caller: &Caller, base: &BaseForm, current: Option<Carrier>) -> Result<(String, Option<String>), Problem> {
    let named = base.carrier.as_ref().map(|carrier| carrier.id.clone());
    let Some(servers) = &base.properties.servers else {
        let known = named.or_else(|| current.map(|carrier| carrier.meta.id));
        let missing =
            || Problem::invalid("properties.trunk_transport_serverProxyList", "The servers are missing: where the trunk registers.");
        return Ok((known.ok_or_else(missing)?, None));
    };
    let fits = |carrier: &Carrier| same(&carrier.settings.registrars, servers);
    if let Some(current) = current.as_ref().filter(|current| fits(current)) {
        return Ok((current.meta.id.clone(), None));
    }
    let all = carriers::all(tx.connection()).await?;
    let known = caller.grants.known();
    // The one that is named first, where it fits.
    let (first, others): (Vec<&Carrier>, Vec<&Carrier>) =
        all.iter().filter(|carrier| fits(carrier)).partition(|carrier| Some(&carrier.meta.id) == named.as_ref());
    for found in first.into_iter().chain(others) {
        if reach::sees(tx.connection(), &known, &Place::Carrier(&found.meta.id)).await? {
            return Ok((found.meta.id.clone(), None));
        }
    }
    caller.require("telephony:carrier:add")?;
    let settings = match current {
        Some(current) => CarrierSettings { registrars: servers.clone(), ..current.settings },
        None => CarrierSettings { registrars: servers.clone(), ..CarrierSettings::default() },
    };
    let wanted = base.common.id.clone().filter(|id| all.iter().all(|carrier| carrier.meta.id != *id));
    let id = wanted.unwrap_or_else(id::generate);
    let name = base.common.name.clone().unwrap_or_else(|| id.clone());
    let meta = Meta { id, name, version: 1, created: 0, modified: 0, revision: 0 };
    let carrier = carriers::insert(tx, &Carrier { meta, target_revision: 0, settings }).await?;
    let self_uri = format!("/api/v2/carriers/{}", carrier.meta.id);
    let shown = form::show(&carrier.meta, &carrier.settings, self_uri);
    tx.audit(AuditEntry::new("create", "carrier", &carrier.meta.id).after(shown.into()));
    Ok((carrier.meta.id.clone(), Some(carrier.meta.id)))
}

fn same(a: &[SipUri], b: &[SipUri]) -> bool {
    a.iter().map(SipUri::as_str).eq(b.iter().map(SipUri::as_str))
}
