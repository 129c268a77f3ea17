//! Events as a stream or a listing, and webhooks.

use serde_json::json;

use super::{Resource, resource, text, words};
use crate::events::Kind;
use crate::openapi::operation::{Answer, Operation};

/// Adds the operations of events.
pub fn events(all: &mut Vec<Operation>) {
    let about = "Tells what happens as server-sent events; with Accept: application/json lists what has happened, the newest first.";
    let read = Operation::new("get", "/api/v2/events", "Events", "readEvents", about).paged(&["id", "at"]);
    let read = Kind::ALL.iter().fold(read, |read, (_, _, permission)| read.may_any(permission));
    let read = [
        ("kind", "Words of kinds, or of groups of kinds such as credentials, with commas between."),
        ("trunkId", "About this trunk."),
        ("site.id", "About this site."),
        ("carrier.id", "About this carrier."),
        ("edge.id", "Seen by this edge."),
        ("lastEventId", "As the header Last-Event-ID, for readers that cannot set one."),
    ]
    .into_iter()
    .fold(read, |read, (name, about)| read.query(name, text(), about));
    let id = json!({ "type": "string", "maxLength": 128, "pattern": "^[!-~]+$" });
    all.push(
        read.header("Last-Event-ID", id, "Goes on after this event.")
            .answers(Answer::Listing("Event"))
            .answers(Answer::Text("text/event-stream")),
    );
}

/// Adds the operations of webhooks.
pub fn webhooks(all: &mut Vec<Operation>) {
    const TAG: &str = "Webhooks";
    const PATH: &str = "/api/v2/webhooks";
    const EDIT: &str = "telephony:webhook:edit";
    resource(
        all,
        &Resource {
            path: PATH,
            tag: TAG,
            noun: "webhook",
            schema: "Webhook",
            may: ["telephony:webhook:view", "telephony:webhook:add", EDIT, "telephony:webhook:delete"],
            filters: &[("name", "With this name.")],
        },
    );
    let one = format!("{PATH}/{{id}}");
    let renew = Operation::new("post", format!("{one}/secret"), TAG, "renewWebhookSecret", "Sets or draws a new secret and shows it once.");
    all.push(renew.may(EDIT).may_take("WebhookSecretForm").answers(Answer::One(200, "NewWebhook")));
    let test = Operation::new(
        "post",
        format!("{one}/test"),
        TAG,
        "testWebhook",
        "Sends an event of kind webhook.test now, and tells how it went.",
    );
    all.push(test.may(EDIT).may_take("Nothing").answers(Answer::One(200, "TestCall")));
    let list = Operation::new("get", format!("{one}/deliveries"), TAG, "listDelivery", "Lists what waits, and what is given up.")
        .may("telephony:webhook:view")
        .paged(&["event", "due"]);
    all.push(list.query("state", words(&["PENDING", "DEAD"]), "Of this state.").answers(Answer::Listing("Delivery")));
    let path = format!("{one}/deliveries/{{eventId}}/redeliver");
    let again = Operation::new("post", path, TAG, "redeliver", "Tries a delivery again, now and for as long as a new one.");
    all.push(again.may(EDIT).answers(Answer::Empty(202)));
}
