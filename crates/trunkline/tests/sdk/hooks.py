"""What schemathesis is told beyond its options: media types that it does not know, and what would end the run itself."""

import json
import os

import schemathesis
from hypothesis import strategies as st


@schemathesis.serializer("application/x-ndjson", "text/csv")
def as_it_is(context, value):
    """Lines and sheets are sent as the text that they are."""
    return {"data": value.encode() if isinstance(value, str) else value}


OWN = os.environ.get("TRUNKLINE_OWN_CLIENT", "")


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = case.operation.definition.raw.get("operationId")
    # Events as a listing: their stream has no end.
    if operation == "readEvents":
        case.headers["Accept"] = "application/json"
    # The client that asks is not changed, and keeps its tokens: all that came after would be 401.
    if operation in CHANGES_CLIENT and (case.path_parameters or {}).get("id") == OWN:
        case.path_parameters["id"] = "ci"
    # There is one edge, and one that drains asks no carrier.
    if operation == "changeEdge" and isinstance(case.body, dict) and case.body.get("drain") is True:
        case.body["drain"] = False


CHANGES_CLIENT = ["replaceClient", "changeClient", "deleteClient", "renewClientSecret", "revokeTokens"]

# Whom an edge is asked for.
ASKS = ["setCredentials", "verifyAdHoc", "verifyTrunk", "act", "createTrunkBase", "replaceTrunkBase"]


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """No 5xx is expected but one: that no edge of a site is online, where an edge is needed. Each is written down and counted."""
    if not isinstance(failure, schemathesis.core.failures.ServerError):
        return True
    operation = case.operation.definition.raw.get("operationId")
    try:
        code = response.json().get("code")
    except (json.JSONDecodeError, AttributeError):
        return True
    if response.status_code == 503 and code == "edge.offline" and operation in ASKS:
        with open(os.environ["TRUNKLINE_OFFLINE"], "a") as file:
            file.write(f"{operation}\n")
        return False
    return True


# Addresses that read well, so that more gets past the first look; others are made up all the same.
schemathesis.openapi.format(
    "sip-uri",
    st.builds(
        "sip:{}{}{}{}".format,
        st.sampled_from(["", "alice@", "6221500004@", "+62%20215@"]),
        st.sampled_from(["127.0.0.1", "127.0.0.9", "ims.carrier.co.id", "lab", "[::1]"]),
        st.sampled_from(["", ":9", ":5060"]),
        st.sampled_from(["", ";transport=udp", ";transport=tcp"]),
    ),
)
