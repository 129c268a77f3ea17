"""What the suites share: where the server is, and how to ask the test that started it for something."""

import json
import os
import sys
import time

PLACE = json.loads(os.environ["TRUNKLINE_SDK_PLACE"])


def ask(*words):
    """Asks the test for something, such as to give the registrar another password; returns its answer."""
    print("@" + " ".join(words), flush=True)
    answer = sys.stdin.readline().strip()
    assert answer, "the test hung up"
    return answer


def until(what, look, seconds=45):
    """Looks until it is true, and returns what was seen."""
    give_up = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < give_up, f"never: {what}"
        time.sleep(0.1)
