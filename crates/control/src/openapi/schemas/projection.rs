//! The shapes of the projection for existing clients.

use serde_json::{Value, json};

use super::{count, entity, flag, form, object, reference, shown, text, texts, time, with_common};

/// Adds them.
pub fn projection(put: &mut impl FnMut(&str, Value)) {
    let state = json!({ "enum": ["active", "inactive", "deleted"] });
    let enabled = json!({ "enum": ["ENABLED", "DISABLED", "NOT_SUPPORTED"] });
    put(
        "ProjectedEdge",
        entity(
            json!({ "state": state, "onlineStatus": { "enum": ["ONLINE", "OFFLINE"] }, "statusCode": { "enum": ["ACTIVE"] }, "callDrainingState": { "enum": ["NONE", "WAIT"] }, "site": reference("Reference"), "softwareVersion": text(), "managed": flag(), "physicalEdge": flag() }),
        ),
    );
    put(
        "ProjectedSite",
        entity(
            json!({ "state": state, "description": text(), "managed": flag(), "mediaModel": { "enum": ["Premises", "Cloud"] }, "mediaRegions": texts() }),
        ),
    );
    let error = shown(
        &["text", "code"],
        json!({ "text": text(), "code": text(), "details": shown(&[], json!({ "code": text(), "message": text(), "hostname": text() })) }),
    );
    let options = shown(
        &["proxyAddress", "optionState"],
        json!({ "proxyAddress": text(), "optionState": flag(), "optionStateTime": time(), "errorInfo": error }),
    );
    let registers = shown(
        &["proxyAddress", "registerState"],
        json!({ "proxyAddress": text(), "registerState": flag(), "registerStateTime": time(), "errorInfo": error }),
    );
    put(
        "ProjectedTrunk",
        entity(json!({
            "state": state, "description": text(), "site": reference("Reference"), "registrationUri": text(), "trunkType": { "enum": ["EXTERNAL", "PHONE", "EDGE"] }, "inService": flag(), "enabled": flag(),
            "edge": reference("Reference"), "trunkBase": reference("Reference"), "connectedStatus": shown(&["connected"], json!({ "connected": flag(), "connectedStateTime": time() })),
            "optionsStatus": { "type": "array", "items": options }, "registersStatus": { "type": "array", "items": registers },
            "optionsEnabledStatus": enabled, "registersEnabledStatus": enabled, "proxyAddressList": { "type": "array", "items": text() },
        })),
    );
    put(
        "TrunkMetrics",
        shown(&["eventTime", "trunk"], json!({ "eventTime": time(), "trunk": reference("Reference"), "calls": object(), "qos": object() })),
    );
    put(
        "EdgeMetrics",
        shown(&["edge", "eventTime"], json!({ "edge": reference("Reference"), "eventTime": time(), "upTimeMsec": count() })),
    );
    put(
        "TrunkBase",
        entity(
            json!({ "state": state, "description": text(), "managed": flag(), "trunkType": { "enum": ["EXTERNAL"] }, "trunkMetabase": reference("Reference"), "properties": object(), "site": reference("Reference"), "inboundSite": reference("Reference"), "carrier": reference("Reference") }),
        ),
    );
    let instance = |schema: Value| {
        let value =
            json!({ "type": "object", "required": ["instance"], "properties": { "instance": schema }, "additionalProperties": true });
        json!({ "type": "object", "required": ["value"], "properties": { "value": value }, "additionalProperties": true })
    };
    let properties = json!({
        "type": "object",
        "properties": {
            "trunk_enabled": instance(flag()),
            "trunk_transport_serverProxyList": instance(json!({ "type": "array", "maxItems": 16, "items": { "type": "string" } })),
            "trunk_transport_protocolVariant": instance(json!({ "enum": ["udp", "tcp", "tls"] })),
            "trunk_sip_authentication_credentials_realm": instance(text()),
            "trunk_sip_authentication_credentials_username": instance(text()),
            "trunk_sip_authentication_credentials_password": instance(json!({ "type": "string", "description": "Write-only; ******** stands for as it is." })),
            "trunkline_addressOfRecord": instance(text()),
        },
        "additionalProperties": { "type": "object", "description": "Kept and given back; Trunkline does not act on it." },
    });
    let base = json!({ "trunkType": { "enum": ["EXTERNAL"] }, "description": text(), "trunkMetabase": reference("ReferenceForm"), "site": reference("ReferenceForm"), "inboundSite": reference("ReferenceForm"), "carrier": reference("ReferenceForm"), "properties": properties });
    let mut base = with_common(base);
    for ignored in ["division", "modifiedBy", "createdBy", "state", "modifiedByApp", "createdByApp", "managed", "kind"] {
        base[ignored] = json!({ "description": "The platform's own; what was read may be sent back." });
    }
    put("TrunkBaseForm", form(&["properties"], base));
}
