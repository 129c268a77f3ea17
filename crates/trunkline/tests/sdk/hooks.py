"""What schemathesis is told beyond its options: newline-delimited JSON is sent as the text that it is."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def ndjson(context, value):
    return value.encode() if isinstance(value, str) else value
