//! An example of every shape; the ones of `docs/guide`.

use serde_json::{Value, json};

const TIME: &str = "2026-11-24T05:08:19.000Z";

/// The example of a schema.
pub fn of(schema: &str) -> Value {
    match schema {
        "OrganizationPatch" => json!({ "digestPolicy": { "allowed": ["SHA-512-256", "SHA-256"] } }),
        "SiteForm" => json!({ "id": "jakarta", "name": "Jakarta", "region": "ap-southeast-3", "timeZone": "Asia/Jakarta" }),
        "SitePatch" => json!({ "name": "Jakarta", "version": 1 }),
        "CarrierForm" => carrier(),
        "CarrierPut" => {
            let mut body = carrier();
            body["version"] = json!(1);
            body
        }
        "CarrierPatch" => json!({ "expires": 600, "version": 1 }),
        "TrunkForm" => trunk(),
        "TrunkPatch" => json!({ "inService": false, "version": 1 }),
        "ClientForm" => client(),
        "ClientPatch" => json!({ "disabled": true, "version": 1 }),
        "RoleForm" => {
            json!({ "id": "rotator", "name": "Rotator", "permissions": ["telephony:trunk:view", "telephony:trunkCredential:edit"] })
        }
        "RolePut" => json!({ "name": "Rotator", "version": 1, "permissions": ["telephony:trunk:view"] }),
        "WebhookPut" => json!({ "name": "Operations", "version": 1, "url": "https://hooks.example.com/trunkline" }),
        "RolePatch" => json!({ "name": "Rotator", "version": 1 }),
        "EdgePatch" => json!({ "drain": true, "version": 1 }),
        "Organization" => entity(
            "organization",
            "Organization",
            "/api/v2/organization",
            json!({ "digestPolicy": { "allowed": ["SHA-512-256", "SHA-256", "MD5"] } }),
        ),
        "Site" => entity("jakarta", "Jakarta", "/api/v2/sites/jakarta", of("SiteForm")),
        "Carrier" => {
            let mut body = entity("nusantara", "Nusantara", "/api/v2/carriers/nusantara", carrier());
            body["load"] = json!({ "trunks": 9_000, "registersPerSecond": { "least": 4, "most": 8, "allowed": 47.5 } });
            body["warnings"] = json!([]);
            body
        }
        "Trunk" => entity("trunk_jkt_04", "Jakarta 04", "/api/v2/trunks/voice/trunk_jkt_04", trunk()),
        "Client" => entity("ci", "CI", "/api/v2/oauth/clients/ci", client()),
        "NewClient" => {
            let mut body = of("Client");
            body["secret"] = "shown-once".into();
            body
        }
        "Role" => entity("rotator", "Rotator", "/api/v2/authorization/roles/rotator", of("RoleForm")),
        "Edge" => entity(
            "edge_jkt_1",
            "edge_jkt_1",
            "/api/v2/edges/edge_jkt_1",
            json!({ "onlineStatus": "ONLINE", "drain": false, "site": { "id": "jakarta" } }),
        ),
        "TokenForm" => json!({ "grant_type": "client_credentials" }),
        "Token" => json!({ "access_token": "opaque", "token_type": "bearer", "expires_in": 86_400 }),
        "TokenOwner" => {
            json!({ "OAuthClient": { "id": "ci", "name": "CI" }, "organization": { "id": "organization", "name": "Organization" }, "permissions": ["telephony:trunk:view"] })
        }
        "RegistrationMetrics" => json!({
            "from": "2026-11-24T02:08:19.000Z", "to": TIME, "accepted": 2, "failed": 1,
            "minutes": [{ "at": "2026-11-24T05:08:00.000Z", "accepted": 2, "failed": 1, "roundTripMs": 41, "longestRoundTripMs": 57 }],
            "selfUri": "/api/v2/trunks/voice/registrations/metrics",
        }),
        "PlanForm" => json!({
            "edges": 2, "carriers": [{ "name": "nusantara", "trunks": 2000, "expires": 600, "registersPerSecond": 50 }], "event": { "kind": "outage", "seconds": 60 },
        }),
        "PlanOutlook" => outlook(),
        "Plan" => json!({
            "event": "all carriers silent for 60 s", "eventFrom": 300, "eventTo": 360, "stretchSeconds": 5, "edges": 2, "trunks": 2000,
            "edge": { "worstRegistersPerSecond": 50, "worstCores": 0.001, "meanCores": 0.0002, "memoryBytes": 3_700_000 },
            "all": outlook(), "carriers": [outlook()],
        }),
        "RegistrationSummary" => json!({
            "total": 15, "states": { "REGISTERED": 14, "AUTH_HELD": 1 },
            "carriers": [{ "carrier": { "id": "nusantara", "selfUri": "/api/v2/carriers/nusantara" }, "trunks": 15, "failing": 1 }],
            "selfUri": "/api/v2/trunks/voice/registrations/summary",
        }),
        "Status" => json!({ "status": "UP" }),
        "CredentialsForm" => json!({ "trunkId": "trunk_jkt_04", "credentials": credentials(), "verify": "live" }),
        "VerifyForm" => json!({ "challengeOnly": true }),
        "VerifyAdHocForm" => {
            json!({ "registrars": ["sip:sbc1.carrier.co.id;transport=udp"], "addressOfRecord": "sip:6221500004@ims.carrier.co.id", "site": { "id": "jakarta" }, "credentials": credentials() })
        }
        "VerificationUnderWay" => json!({ "attemptId": "01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11" }),
        "Verdict" => {
            json!({ "verdict": "PROVED", "negotiated": negotiated(), "challenges": [{ "realm": "ims.carrier.co.id", "algorithm": "MD5", "qop": ["auth"], "stale": false }], "attemptId": "01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11" })
        }
        "Registration" => registration(),
        "CredentialVersion" => {
            json!({ "id": "3", "version": 3, "passwordSet": true, "authenticated": true, "dateCreated": TIME, "dateModified": TIME, "state": "ACTIVE", "username": "6221500004", "realm": "ims.carrier.co.id", "algorithm": "MD5", "selfUri": "/api/v2/trunks/voice/registrations/trunk_jkt_04/credentials/3" })
        }
        "Attempt" => attempt(),
        "AttemptInWhole" => {
            let mut body = attempt();
            let uri = body["selfUri"].as_str().unwrap_or_default().to_owned();
            body["timings"] = json!({ "durationMs": 82, "exchanges": [{ "method": "REGISTER", "remote": "203.0.113.9:5060", "sentAt": TIME, "cSeq": 1, "status": 401, "roundTripMs": 41 }] });
            for (name, export) in [("ladderUri", "ladder"), ("reportUri", "report"), ("pcapngUri", "pcapng")] {
                body[name] = format!("{uri}/{export}").into();
            }
            body
        }
        "Job" => json!({
            "id": "01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11", "state": "COMPLETED", "dateCreated": TIME, "dateModified": TIME, "dryRun": false,
            "progress": { "lines": 1, "succeeded": 1, "failed": 0 }, "results": [{ "line": 1, "trunkId": "trunk_jkt_04", "status": 201 }],
            "selfUri": "/api/v2/trunks/voice/registrations/bulk/01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11",
        }),
        "Lines" => lines(),
        "Sheet" => json!(
            "id,carrier,addressOfRecord,username,password\ntrunk_jkt_04,nusantara,sip:6221500004@ims.carrier.co.id,6221500004,s3cret\n"
        ),
        "Event" => event(),
        "WebhookForm" => webhook(),
        "WebhookPatch" => json!({ "enabled": false, "version": 1 }),
        "Webhook" => {
            let mut body = entity("operations", "Operations", "/api/v2/webhooks/operations", webhook());
            body["secretSet"] = true.into();
            body
        }
        "NewWebhook" => {
            let mut body = of("Webhook");
            body["secret"] = "whsec_c2hvd24tb25jZS1hbmQtbm93aGVyZS1lbHNl".into();
            body
        }
        "WebhookSecretForm" => json!({}),
        "TestCall" => json!({ "delivered": true, "status": 204, "durationMs": 41 }),
        "Delivery" => json!({
            "id": event()["id"], "kind": "registration.state", "state": "PENDING", "tries": 1, "since": TIME, "nextTryAt": TIME,
            "lastTriedAt": TIME, "lastStatus": 503, "lastError": "The answer was 503.", "event": event(),
        }),
        "Undone" => of("Trunk"),
        "AuditHead" => {
            json!({ "kind": "head", "number": 7, "hash": "9f86d081", "date": TIME, "publicKey": "d75a9801", "signature": "e5564300" })
        }
        "Cause" => {
            json!({ "id": "sip.realm.mismatch", "code": "sip.realm.mismatch", "stage": "challenge", "initiator": "carrier", "status": 422, "retryable": false, "meaning": "...", "remedy": "...", "docs": "/docs/diagnoses/sip.realm.mismatch", "selfUri": "/api/v2/diagnoses/sip.realm.mismatch" })
        }
        "FormRules" => json!({
            "id": "realm", "name": "Realm", "fields": ["credentials.realm"], "docs": "/docs/form-rules", "selfUri": "/api/v2/formrules/realm",
            "rules": [{ "aspect": "Scheme", "rule": "No sip: before it.", "valid": ["ims.carrier.co.id"], "invalid": [{ "example": "sip:ims.carrier.co.id", "code": "registration.realm.malformed" }] }],
        }),
        "Audit" => {
            json!({ "number": 7, "date": TIME, "action": "update", "entityType": "trunk", "entityId": "trunk_jkt_04", "client": { "id": "ci" }, "previousHash": "...", "hash": "...", "revision": 9 })
        }
        "AuditVerdict" => json!({ "intact": true, "records": 7 }),
        "Sealing" => {
            json!({ "masterKey": { "source": "file" }, "dataKeys": [{ "id": 1, "dateCreated": TIME, "secrets": 12, "sealsNew": true }], "rotation": { "state": "COMPLETED", "remaining": 0 }, "selfUri": "/api/v2/sealing" })
        }
        "TraceForm" => json!({ "minutes": 30 }),
        "ProjectedEdge" => entity(
            "edge_jkt_1",
            "edge_jkt_1",
            "/api/v2/telephony/providers/edges/edge_jkt_1",
            json!({ "state": "active", "onlineStatus": "ONLINE", "statusCode": "ACTIVE" }),
        ),
        "ProjectedSite" => entity(
            "jakarta",
            "Jakarta",
            "/api/v2/telephony/providers/edges/sites/jakarta",
            json!({ "state": "active", "managed": false, "mediaModel": "Premises" }),
        ),
        "ProjectedTrunk" => projected_trunk(),
        "TrunkMetrics" => {
            json!({ "eventTime": TIME, "trunk": { "id": "trunk_jkt_04" }, "calls": { "inboundCallCount": 0, "outboundCallCount": 0 }, "qos": { "mismatchCount": 0 } })
        }
        "EdgeMetrics" => json!({ "edge": { "id": "edge_jkt_1" }, "eventTime": TIME, "upTimeMsec": 86_400_000 }),
        "TrunkBaseForm" => trunk_base(),
        "TrunkBase" => {
            entity("trunk_jkt_05", "Jakarta 05", "/api/v2/telephony/providers/edges/trunkbasesettings/trunk_jkt_05", trunk_base())
        }
        _ => json!({}),
    }
}

/// A page with one entity.
pub fn listing(of: Value) -> Value {
    json!({ "entities": [of], "pageSize": 25, "pageNumber": 1, "total": 1, "pageCount": 1, "firstUri": "?pageNumber=1", "lastUri": "?pageNumber=1", "selfUri": "" })
}

fn entity(id: &str, name: &str, uri: &str, mut body: Value) -> Value {
    body["id"] = id.into();
    body["name"] = name.into();
    body["version"] = 1.into();
    body["dateCreated"] = TIME.into();
    body["dateModified"] = TIME.into();
    body["selfUri"] = uri.into();
    body
}

fn carrier() -> Value {
    json!({
        "id": "nusantara", "name": "Nusantara", "registrars": ["sip:sbc1.carrier.co.id;transport=udp"], "expires": 3600,
        "digestPolicy": { "allowed": ["SHA-256", "MD5"] }, "pacing": { "registersPerSecond": 50, "inFlight": 20 },
        "options": { "interval": 30, "failureThreshold": 3, "successThreshold": 1 },
    })
}

fn trunk() -> Value {
    json!({
        "id": "trunk_jkt_04", "name": "Jakarta 04", "site": { "id": "jakarta" }, "carrier": { "id": "nusantara" }, "inService": true,
        "addressOfRecord": "sip:6221500004@ims.carrier.co.id", "contactUser": "6221500004", "expires": 600,
    })
}

fn client() -> Value {
    json!({ "id": "ci", "name": "CI", "roleGrants": [{ "roleId": "trunk-viewer" }] })
}

fn attempt() -> Value {
    json!({
        "id": "01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11", "kind": "verification", "trunk": { "id": "trunk_jkt_04" }, "carrier": { "id": "nusantara" },
        "edge": { "id": "edge_jkt_1" }, "startedAt": TIME, "endedAt": TIME, "durationMs": 82, "accepted": true,
        "registrar": "203.0.113.9:5060", "targets": ["203.0.113.9:5060"], "transport": "udp", "messageCount": 4,
        "selfUri": "/api/v2/trunks/voice/registrations/trunk_jkt_04/attempts/01936f2e-4d7a-7cc1-b3a5-2f7d1f0b9c11",
    })
}

fn webhook() -> Value {
    json!({ "id": "operations", "name": "Operations", "url": "https://hooks.example.com/trunkline", "kinds": ["registration", "edge"], "enabled": true })
}

fn event() -> Value {
    json!({
        "id": "1-7", "kind": "registration.state", "at": TIME, "trunk": { "id": "trunk_jkt_04" }, "site": { "id": "jakarta" },
        "carrier": { "id": "nusantara" }, "edge": { "id": "edge_jkt_1" }, "data": { "from": "REGISTERING", "to": "REGISTERED", "bound": true, "expiresAt": TIME },
    })
}

fn credentials() -> Value {
    json!({ "username": "6221500004", "password": "s3cret", "realm": "ims.carrier.co.id", "algorithm": "MD5" })
}

fn negotiated() -> Value {
    json!({ "realm": "ims.carrier.co.id", "algorithm": "MD5", "qop": "auth", "offered": ["MD5"] })
}

fn lines() -> Value {
    let line = json!({ "trunk": trunk(), "credentials": { "username": "6221500004", "password": "s3cret" } });
    Value::String(format!("{line}\n"))
}

fn registration() -> Value {
    let body = json!({
        "trunk": { "id": "trunk_jkt_04" }, "site": { "id": "jakarta" }, "carrier": { "id": "nusantara" }, "addressOfRecord": "sip:6221500004@ims.carrier.co.id",
        "registrars": ["sip:sbc1.carrier.co.id;transport=udp"],
        "credentials": { "username": "6221500004", "realm": "ims.carrier.co.id", "algorithm": "MD5", "passwordSet": true, "activeVersion": 3 },
        "registrationState": "REGISTERED", "bound": true, "since": TIME,
        "edges": [{ "edge": { "id": "edge_jkt_1" }, "registrationState": "REGISTERED", "bound": true, "authenticated": true, "since": TIME, "negotiated": negotiated() }],
        "warnings": [{ "code": "sip.algorithm.weak", "text": "..." }],
    });
    entity("trunk_jkt_04", "Jakarta 04", "/api/v2/trunks/voice/registrations/trunk_jkt_04", body)
}

fn projected_trunk() -> Value {
    let body = json!({
        "state": "active", "trunkType": "EXTERNAL", "inService": true, "enabled": true, "edge": { "id": "edge_jkt_1" }, "trunkBase": { "id": "trunk_jkt_04" },
        "connectedStatus": { "connected": true, "connectedStateTime": TIME },
        "optionsStatus": [{ "proxyAddress": "203.0.113.9:5060", "optionState": true, "optionStateTime": TIME }],
        "registersStatus": [{ "proxyAddress": "203.0.113.9:5060", "registerState": true, "registerStateTime": TIME }],
        "optionsEnabledStatus": "ENABLED", "registersEnabledStatus": "ENABLED", "proxyAddressList": ["sip:sbc1.carrier.co.id;transport=udp"],
    });
    entity("trunk_jkt_04", "Jakarta 04", "/api/v2/telephony/providers/edges/trunks/trunk_jkt_04", body)
}

fn trunk_base() -> Value {
    let of = |value: Value| json!({ "value": { "instance": value } });
    json!({
        "id": "trunk_jkt_05", "name": "Jakarta 05", "trunkType": "EXTERNAL", "trunkMetabase": { "id": "external_sip_pcv_byoc_carrier.json" },
        "properties": {
            "trunk_transport_serverProxyList": of(json!(["sbc1.carrier.co.id:5060"])),
            "trunk_sip_authentication_credentials_realm": of(json!("ims.carrier.co.id")),
            "trunk_sip_authentication_credentials_username": of(json!("6221500005")),
            "trunk_sip_authentication_credentials_password": of(json!("s3cret")),
        },
    })
}

fn outlook() -> Value {
    json!({
        "name": "nusantara", "trunks": 2000, "steadyPerSecond": 5.3, "worstSecond": { "at": 362, "registers": 100 }, "retransmissions": 940,
        "refreshes": 5200, "challengedCycles": 2000, "lapses": 0, "mostUnbound": 0, "recovered": true, "recoverySeconds": 0, "limitExceeded": false,
        "registersPerSecond": [6, 7], "unbound": [0, 0],
    })
}
