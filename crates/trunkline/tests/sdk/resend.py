"""A 429 with Retry-After: the SDK sends the POST again by itself, and there is one registration."""

import sys
import unittest

import PureCloudPlatformClientV2 as sdk

from conversation import PLACE, ask

REGISTRATIONS = "/api/v2/trunks/voice/registrations"


class Resend(unittest.TestCase):
    def test_a_refused_post_is_sent_again(self):
        client = sdk.api_client.ApiClient(host=PLACE["url"]).get_client_credentials_token(PLACE["client"], PLACE["secret"])

        def call(path, method, body=None):
            answer = client.call_api(path, method, body=body, response_type="object", auth_settings=["PureCloud OAuth"],
                                     header_params={"Accept": "application/json", "Content-Type": "application/json"})
            return answer, client.last_response

        body = {"trunkId": "alice", "credentials": {"username": "alice", "password": PLACE["password"]}}
        for _ in range(20):
            # Spend the allowance, then post; where a new window began in between, once more.
            while True:
                _, raw = call("/api/v2/tokens/me", "GET")
                if int(raw.getheader("inin-ratelimit-count")) == int(raw.getheader("inin-ratelimit-allowed")):
                    break
            answer, raw = call(REGISTRATIONS, "POST", body)
            statuses = [again.status for again in raw.urllib3_response.retries.history]
            if 429 in statuses:
                break
        self.assertIn(429, statuses, "the server never said 429")
        self.assertEqual(answer["credentials"]["activeVersion"], 1)
        versions, _ = call(f"{REGISTRATIONS}/alice/credentials", "GET")
        self.assertEqual(versions["total"], 1)
        self.assertEqual(ask("bindings", "alice"), "1")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
