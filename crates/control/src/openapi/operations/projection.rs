//! The projection for existing clients.

use super::{CREDENTIAL, PLAIN, TRUNK_VIEW, flag, text, words};
use crate::openapi::operation::{Answer, Operation};

const EDGES: &str = "/api/v2/telephony/providers/edges";

/// Adds them.
pub fn projection(all: &mut Vec<Operation>) {
    const TAG: &str = "Existing clients";
    const EDGE: &str = "telephony:edge:view";
    let types = || words(&["EXTERNAL", "PHONE", "EDGE"]);
    let path = |rest: &str| format!("{EDGES}{rest}");
    let list =
        Operation::new("get", EDGES, TAG, "listProjectedEdge", "Lists edges as the platform's clients read them.").may(EDGE).paged(PLAIN);
    let list = list.query("name", text(), "With this name.").query("site.id", text(), "Of this site.").query(
        "edgeGroup.id",
        text(),
        "There are no groups here.",
    );
    all.push(
        list.query("managed", flag(), "Nothing here is managed.")
            .query("showCloudMedia", flag(), "Says nothing here.")
            .query("expand", text(), "Says nothing here.")
            .answers(Answer::Listing("ProjectedEdge")),
    );
    let expand = |operation: Operation| operation.query("expand", text(), "Says nothing here.");
    all.push(
        expand(Operation::new("get", path("/{edgeId}"), TAG, "getProjectedEdge", "Reads an edge.").may(EDGE))
            .answers(Answer::One(200, "ProjectedEdge")),
    );
    let of_edge =
        Operation::new("get", path("/{edgeId}/trunks"), TAG, "listTrunkOfEdge", "Lists the trunks that an edge keeps registered.")
            .may(TRUNK_VIEW)
            .paged(PLAIN);
    all.push(
        of_edge
            .query("trunkBase.id", text(), "Of this trunk.")
            .query("trunkType", types(), "Of this type.")
            .answers(Answer::Listing("ProjectedTrunk")),
    );
    all.push(
        Operation::new("get", path("/{edgeId}/metrics"), TAG, "getEdgeMetrics", "Reads an edge's metrics.")
            .may(EDGE)
            .answers(Answer::One(200, "EdgeMetrics")),
    );
    let metrics = Operation::new("get", path("/metrics"), TAG, "listEdgeMetrics", "Reads the metrics of some edges.").may(EDGE);
    all.push(metrics.query_required("edgeIds", text(), "Ids, with commas between.").answers(Answer::List("EdgeMetrics")).refuses(404));
    let list = Operation::new("get", path("/trunks"), TAG, "listProjectedTrunk", "Lists trunks as the platform's clients read them.")
        .may(TRUNK_VIEW)
        .paged(PLAIN);
    let list = list.query("edge.id", text(), "At this edge.").query("trunkBase.id", text(), "Of these base settings.");
    all.push(list.query("trunkType", types(), "Of this type.").answers(Answer::Listing("ProjectedTrunk")));
    all.push(
        Operation::new("get", path("/trunks/{trunkId}"), TAG, "getProjectedTrunk", "Reads a trunk with its live status.")
            .may(TRUNK_VIEW)
            .answers(Answer::One(200, "ProjectedTrunk")),
    );
    all.push(
        Operation::new("get", path("/trunks/{trunkId}/metrics"), TAG, "getTrunkMetrics", "Reads a trunk's metrics.")
            .may(TRUNK_VIEW)
            .answers(Answer::One(200, "TrunkMetrics")),
    );
    let metrics =
        Operation::new("get", path("/trunks/metrics"), TAG, "listTrunkMetrics", "Reads the metrics of some trunks.").may(TRUNK_VIEW);
    all.push(metrics.query_required("trunkIds", text(), "Ids, with commas between.").answers(Answer::List("TrunkMetrics")).refuses(404));
    let list = Operation::new("get", path("/sites"), TAG, "listProjectedSite", "Lists sites as the platform's clients read them.")
        .may("telephony:site:view")
        .paged(PLAIN);
    let list = list.query("name", text(), "With this name.").query("location.id", text(), "There are no locations here.").query(
        "managed",
        flag(),
        "Nothing here is managed.",
    );
    all.push(expand(list).answers(Answer::Listing("ProjectedSite")));
    all.push(
        Operation::new("get", path("/sites/{id}"), TAG, "getProjectedSite", "Reads a site.")
            .may("telephony:site:view")
            .answers(Answer::One(200, "ProjectedSite")),
    );
    let base = path("/trunkbasesettings");
    let one = path("/trunkbasesettings/{trunkId}");
    let list = Operation::new("get", base.clone(), TAG, "listTrunkBase", "Lists trunk base settings.").may(TRUNK_VIEW).paged(PLAIN);
    let list = list.query("name", text(), "With this name.").query("managed", flag(), "Nothing here is managed.").query(
        "recordingEnabled",
        flag(),
        "Nothing here is recorded.",
    );
    all.push(expand(list).query("ignoreHidden", flag(), "Says nothing here.").answers(Answer::Listing("TrunkBase")));
    let create = Operation::new(
        "post",
        base,
        TAG,
        "createTrunkBase",
        "Makes a trunk, its carrier where no carrier has these servers, and its credentials.",
    );
    all.push(
        create
            .may("telephony:trunk:edit")
            .may_need(CREDENTIAL)
            .may_need("telephony:carrier:add")
            .takes("TrunkBaseForm")
            .answers(Answer::One(201, "TrunkBase"))
            .refuses(409)
            .refuses(422),
    );
    let read =
        Operation::new("get", one.clone(), TAG, "getTrunkBase", "Reads trunk base settings; the password is a mask.").may(TRUNK_VIEW);
    all.push(read.query("ignoreHidden", flag(), "Says nothing here.").answers(Answer::One(200, "TrunkBase")));
    let replace =
        Operation::new("put", one.clone(), TAG, "replaceTrunkBase", "Replaces trunk base settings; a mask leaves the password as it is.");
    all.push(
        replace
            .may("telephony:trunk:edit")
            .may_need(CREDENTIAL)
            .may_need("telephony:carrier:add")
            .versioned()
            .takes("TrunkBaseForm")
            .answers(Answer::One(200, "TrunkBase"))
            .refuses(422),
    );
    all.push(
        Operation::new("delete", one, TAG, "deleteTrunkBase", "Deletes a trunk.")
            .may("telephony:trunk:edit")
            .versioned()
            .answers(Answer::Nothing),
    );
}
