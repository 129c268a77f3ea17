"""The official Python SDK against a Trunkline server: unchanged, as it comes from PyPI."""

import sys
import unittest

import PureCloudPlatformClientV2 as sdk
from PureCloudPlatformClientV2.rest import ApiException

from conversation import PLACE, ask, until

REGISTRATIONS = "/api/v2/trunks/voice/registrations"
REALM, USERNAME, PASSWORD = (f"trunk_sip_authentication_credentials_{part}" for part in ("realm", "username", "password"))
SERVERS = "trunk_transport_serverProxyList"


def client():
    return sdk.api_client.ApiClient(host=PLACE["url"])


def of(value):
    return {"value": {"instance": value}}


class Suite(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.client = client().get_client_credentials_token(PLACE["client"], PLACE["secret"])
        cls.api = sdk.TelephonyProvidersEdgeApi(cls.client)

    def refused(self, status, call, *arguments, **named):
        with self.assertRaises(ApiException) as caught:
            call(*arguments, **named)
        self.assertEqual(caught.exception.status, status, caught.exception.body)
        return caught.exception

    def generic(self, path, method, body=None):
        return self.client.call_api(path, method, body=body, response_type="object", auth_settings=["PureCloud OAuth"],
                                    header_params={"Accept": "application/json", "Content-Type": "application/json"})

    def base(self, name, username, password, **more):
        return {
            "name": name, "trunkType": "EXTERNAL", "trunkMetabase": {"id": "external_sip_pcv_byoc_carrier.json"},
            "properties": {SERVERS: of([PLACE["registrar"]]), REALM: of(PLACE["realm"]), USERNAME: of(username), PASSWORD: of(password),
                           "trunk_label": {"type": "string", "value": {"default": "Generic BYOC Carrier", "instance": name}}}, **more}

    def trunk(self, trunk_id):
        return self.api.get_telephony_providers_edges_trunk(trunk_id)

    def test_a_wrong_secret_gets_no_token(self):
        self.assertTrue(self.client.access_token)
        self.refused(401, client().get_client_credentials_token, PLACE["client"], "wrong")
        stranger = client()
        stranger.access_token = "made-up"
        self.refused(401, sdk.TelephonyProvidersEdgeApi(stranger).get_telephony_providers_edges)

    def test_who_am_i(self):
        me = sdk.TokensApi(self.client).get_tokens_me()
        self.assertEqual(me.o_auth_client.id, PLACE["client"])

    def test_edges_and_sites_are_typed(self):
        edges = self.api.get_telephony_providers_edges(page_size=5, page_number=1, sort_by="name")
        self.assertEqual((edges.total, edges.page_number, edges.page_count), (1, 1, 1))
        edge = self.api.get_telephony_providers_edge(edges.entities[0].id)
        self.assertEqual((edge.online_status, edge.state, edge.status_code), ("ONLINE", "active", "ACTIVE"))
        self.assertGreaterEqual(edge.version, 1)
        self.assertEqual(edge.date_created.utcoffset().total_seconds(), 0)
        metrics = self.api.get_telephony_providers_edges_metrics(edge.id)
        self.assertEqual((len(metrics), metrics[0].edge.id), (1, edge.id))
        self.assertGreaterEqual(self.api.get_telephony_providers_edge_metrics(edge.id).up_time_msec, 0)
        sites = self.api.get_telephony_providers_edges_sites(sort_by="name", sort_order="ASC")
        self.assertEqual([(site.id, site.name, site.state) for site in sites.entities], [("jakarta", "Jakarta", "active")])
        self.assertEqual(self.api.get_telephony_providers_edges_site("jakarta").media_model, "Premises")
        self.refused(404, self.api.get_telephony_providers_edge, "nowhere")

    def test_trunks_are_walked_page_by_page(self):
        wanted = set(PLACE["trunks"])
        seen, number = [], 1
        while True:
            page = self.api.get_telephony_providers_edges_trunks(page_size=2, page_number=number, sort_by="id", trunk_type="EXTERNAL")
            self.assertLessEqual(len(page.entities), 2)
            seen.extend(trunk.id for trunk in page.entities)
            if page.next_uri is None:
                break
            number += 1
        self.assertTrue(wanted <= set(seen), seen)
        self.assertEqual(len(seen), len(set(seen)))
        self.assertEqual(self.api.get_telephony_providers_edges_trunks(trunk_type="PHONE").total, 0)
        one = self.api.get_telephony_providers_edges_trunks(trunk_base_id="alice")
        self.assertEqual([trunk.id for trunk in one.entities], ["alice"])

    def test_a_registered_trunk_says_so(self):
        trunk = until("alice is registered", lambda: self.registered("alice"))
        self.assertEqual((trunk.trunk_type, trunk.state, trunk.in_service, trunk.registers_enabled_status),
                         ("EXTERNAL", "active", True, "ENABLED"))
        self.assertTrue(trunk.connected_status.connected)
        self.assertIsNone(trunk.registers_status[0].error_info)
        self.assertEqual(trunk.trunk_base.id, "alice")
        of_edge = self.api.get_telephony_providers_edge_trunks(trunk.edge.id, page_size=100)
        self.assertIn("alice", [trunk.id for trunk in of_edge.entities])
        until("OPTIONS are answered", lambda: any(status.option_state for status in self.trunk("alice").options_status))
        metrics = self.api.get_telephony_providers_edges_trunks_metrics("alice,bob")
        self.assertEqual([metric.trunk.id for metric in metrics], ["alice", "bob"])
        self.assertEqual(self.api.get_telephony_providers_edges_trunk_metrics("alice").calls.inbound_call_count, 0)

    def registered(self, trunk_id):
        trunk = self.trunk(trunk_id)
        return trunk if any(status.register_state for status in trunk.registers_status) else None

    def failing(self, trunk_id):
        trunk = self.trunk(trunk_id)
        return next((status for status in trunk.registers_status if not status.register_state and status.error_info), None)

    def test_the_state_flips_when_the_registrar_is_fixed(self):
        ask("user", "carol", "as-the-carrier-has-it")
        body = self.base("Carol", "carol", "as-we-were-told", id="carol")
        created = self.api.post_telephony_providers_edges_trunkbasesettings(body)
        self.assertEqual((created.id, created.version), ("carol", 1))
        failing = until("the carrier's refusal shows", lambda: self.failing("carol"))
        self.assertEqual(failing.error_info.details.code, "401")
        self.assertIn("sip.", failing.error_info.code)
        self.assertTrue(failing.error_info.text)
        self.assertTrue(failing.error_info.details.hostname)
        ask("password", "carol", "as-we-were-told")

        def released():
            state = self.generic(f"{REGISTRATIONS}/carol", "GET")["registrationState"]
            if state == "AUTH_HELD":
                self.generic(f"{REGISTRATIONS}/carol/actions/release-hold", "POST", {})
            return self.registered("carol")

        until("carol is registered", released)

    def test_trunk_base_settings_go_round(self):
        ask("user", "dave", "first-Secret-7")
        body = self.base("Dave", "dave", "first-Secret-7", id="dave")
        created = self.api.post_telephony_providers_edges_trunkbasesettings(body)
        self.assertEqual(created.properties[USERNAME]["value"]["instance"], "dave")
        self.assertNotIn("first-Secret-7", str(created))
        until("dave is registered", lambda: self.registered("dave"))

        # As clients do it: read all, change one thing, write all, the mask among it.
        base = self.api.get_telephony_providers_edges_trunkbasesetting("dave")
        self.assertEqual(base.properties[SERVERS]["value"]["instance"], [PLACE["registrar"]])
        self.assertEqual(base.properties[REALM]["value"]["instance"], PLACE["realm"])
        self.assertEqual(base.properties["trunk_label"]["value"]["instance"], "Dave")
        self.assertNotIn("first-Secret-7", str(base.properties))
        base.name = "Dave the second"
        changed = self.api.put_telephony_providers_edges_trunkbasesetting("dave", base)
        self.assertEqual((changed.name, changed.version), ("Dave the second", base.version + 1))
        stored = self.generic(f"{REGISTRATIONS}/dave", "GET")
        self.assertEqual(stored["credentials"]["activeVersion"], 1, "the mask is no new password")

        stale = self.refused(409, self.api.put_telephony_providers_edges_trunkbasesetting, "dave", base)
        self.assertIn("does not match the current version", stale.body)

        changed.properties[PASSWORD] = of("second-Secret-8")
        ask("password", "dave", "second-Secret-8")
        self.api.put_telephony_providers_edges_trunkbasesetting("dave", changed)
        until("version 2 registers", lambda: self.uses("dave", 2))
        self.assertTrue(self.registered("dave"))

        listed = self.api.get_telephony_providers_edges_trunkbasesettings(name="Dave the second")
        self.assertEqual([base.id for base in listed.entities], ["dave"])

        self.assertIsNone(self.api.delete_telephony_providers_edges_trunkbasesetting("dave"))
        self.refused(404, self.api.get_telephony_providers_edges_trunkbasesetting, "dave")
        self.refused(404, self.trunk, "dave")

    def uses(self, trunk_id, version):
        edges = self.generic(f"{REGISTRATIONS}/{trunk_id}", "GET")["edges"]
        return any(edge.get("credentialVersion") == version and edge["bound"] for edge in edges)

    def test_what_is_wrong_with_base_settings_is_named(self):
        body = self.base("Bad", "eve", "x")
        body["properties"]["trunk_transport_protocolVariant"] = of("carrier pigeon")
        refusal = self.refused(400, self.api.post_telephony_providers_edges_trunkbasesettings, body)
        self.assertIn("trunk_transport_protocolVariant", refusal.body)
        refusal = self.refused(400, self.api.post_telephony_providers_edges_trunkbasesettings, self.base("Bad", "eve", "x", trunkType="PHONE"))
        self.assertIn("EXTERNAL", refusal.body)

    def test_registrations_by_the_generic_call(self):
        listing = self.generic(REGISTRATIONS, "GET")
        self.assertIn("bob", [entity["id"] for entity in listing["entities"]])
        good = {"trunkId": "bob", "credentials": {"username": "bob", "password": PLACE["password"]}}
        answer = self.generic(REGISTRATIONS, "POST", good)
        self.assertEqual((answer["id"], answer["credentials"]["passwordSet"]), ("bob", True))
        bad = {"trunkId": "bob", "credentials": {"username": "bob", "password": "wrong"}}
        refusal = self.refused(422, self.generic, REGISTRATIONS, "POST", bad)
        self.assertIn("Invalid SIP credentials provided for trunk ID: bob", refusal.body)
        self.assertIn("sip.credentials.rejected", refusal.body)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], "-v"])
