// The official JavaScript SDK against a Trunkline server: unchanged, as it comes from npm.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { before, test } from 'node:test';

import { ask, place, until } from './conversation.mjs';

const platformClient = createRequire(`${process.env.TRUNKLINE_MODULES}/`)('purecloud-platform-client-v2');

const REGISTRATIONS = '/api/v2/trunks/voice/registrations';
const [REALM, USERNAME, PASSWORD] = ['realm', 'username', 'password'].map((part) => `trunk_sip_authentication_credentials_${part}`);
const SERVERS = 'trunk_transport_serverProxyList';

const url = new URL(place.url);
const client = platformClient.ApiClient.instance;
client.setGateway({ host: url.hostname, protocol: 'http', port: Number(url.port) });
const api = new platformClient.TelephonyProvidersEdgeApi();

const of = (value) => ({ value: { instance: value } });
const generic = (path, method, body) =>
	client.callApi(path, method, {}, {}, {}, {}, body ?? null, ['PureCloud OAuth'], ['application/json'], ['application/json']);

async function refused(status, call) {
	const error = await call().then(() => assert.fail('it was not refused'), (error) => error);
	assert.equal(error.status, status, JSON.stringify(error.body ?? error));
	return error;
}

function base(name, username, password, more) {
	return {
		name,
		trunkType: 'EXTERNAL',
		trunkMetabase: { id: 'external_sip_pcv_byoc_carrier.json' },
		properties: {
			[SERVERS]: of([place.registrar]), [REALM]: of(place.realm), [USERNAME]: of(username), [PASSWORD]: of(password),
			trunk_label: { type: 'string', value: { default: 'Generic BYOC Carrier', instance: name } },
		},
		...more,
	};
}

const trunk = (id) => api.getTelephonyProvidersEdgesTrunk(id);
const registered = async (id) => {
	const seen = await trunk(id);
	return seen.registersStatus.some((status) => status.registerState) ? seen : undefined;
};

before(() => client.loginClientCredentialsGrant(place.client, place.secret));

test('a wrong secret gets no token', async () => {
	await refused(401, () => client.loginClientCredentialsGrant(place.client, 'wrong'));
	await client.loginClientCredentialsGrant(place.client, place.secret);
	const me = await new platformClient.TokensApi().getTokensMe();
	assert.equal(me.OAuthClient.id, place.client);
});

test('edges, sites and their metrics are read', async () => {
	const edges = await api.getTelephonyProvidersEdges({ pageSize: 5, pageNumber: 1, sortBy: 'name', showCloudMedia: false });
	assert.deepEqual([edges.total, edges.pageNumber, edges.pageCount], [1, 1, 1]);
	const edge = await api.getTelephonyProvidersEdge(edges.entities[0].id);
	assert.deepEqual([edge.onlineStatus, edge.state], ['ONLINE', 'active']);
	const metrics = await api.getTelephonyProvidersEdgesMetrics(edge.id);
	assert.equal(metrics[0].edge.id, edge.id);
	const sites = await api.getTelephonyProvidersEdgesSites({ sortBy: 'name', expand: ['edges', 'location'] });
	assert.deepEqual(sites.entities.map((site) => site.id), ['jakarta']);
	await refused(404, () => api.getTelephonyProvidersEdge('nowhere'));
});

test('trunks are walked page by page', async () => {
	const seen = [];
	for (let pageNumber = 1; ; pageNumber += 1) {
		const page = await api.getTelephonyProvidersEdgesTrunks({ pageSize: 2, pageNumber, sortBy: 'id', trunkType: 'EXTERNAL' });
		seen.push(...page.entities.map((entity) => entity.id));
		if (!page.nextUri) break;
	}
	for (const id of place.trunks) assert.ok(seen.includes(id), id);
	const metrics = await api.getTelephonyProvidersEdgesTrunksMetrics('alice,bob');
	assert.deepEqual(metrics.map((metric) => metric.trunk.id), ['alice', 'bob']);
	assert.equal((await api.getTelephonyProvidersEdgesTrunkMetrics('alice')).calls.outboundCallCount, 0);
});

test('a registered trunk says so', async () => {
	const alice = await until('alice is registered', () => registered('alice'));
	assert.equal(alice.connectedStatus.connected, true);
	assert.equal(alice.registersEnabledStatus, 'ENABLED');
	const ofEdge = await api.getTelephonyProvidersEdgeTrunks(alice.edge.id, { pageSize: 100 });
	assert.ok(ofEdge.entities.some((entity) => entity.id === 'alice'));
});

test('the state flips when the registrar is fixed', async () => {
	ask('user', 'carol', 'as-the-carrier-has-it');
	const created = await api.postTelephonyProvidersEdgesTrunkbasesettings(base('Carol', 'carol', 'as-we-were-told', { id: 'carol' }));
	assert.deepEqual([created.id, created.version], ['carol', 1]);
	const failing = await until('the refusal shows', async () =>
		(await trunk('carol')).registersStatus.find((status) => !status.registerState && status.errorInfo));
	assert.equal(failing.errorInfo.details.code, '401');
	assert.ok(failing.errorInfo.code.startsWith('sip.') && failing.errorInfo.text);
	ask('password', 'carol', 'as-we-were-told');
	await until('carol is registered', async () => {
		const { registrationState } = await generic(`${REGISTRATIONS}/carol`, 'GET');
		if (registrationState === 'AUTH_HELD') await generic(`${REGISTRATIONS}/carol/actions/release-hold`, 'POST', {});
		return registered('carol');
	});
});

test('trunk base settings go round', async () => {
	ask('user', 'dave', 'first-Secret-7');
	await api.postTelephonyProvidersEdgesTrunkbasesettings(base('Dave', 'dave', 'first-Secret-7', { id: 'dave' }));
	await until('dave is registered', () => registered('dave'));
	const read = await api.getTelephonyProvidersEdgesTrunkbasesetting('dave');
	assert.deepEqual(read.properties[SERVERS].value.instance, [place.registrar]);
	assert.equal(read.properties.trunk_label.value.instance, 'Dave');
	assert.ok(!JSON.stringify(read).includes('first-Secret-7'));
	const changed = await api.putTelephonyProvidersEdgesTrunkbasesetting('dave', { ...read, name: 'Dave the second' });
	assert.deepEqual([changed.name, changed.version], ['Dave the second', read.version + 1]);
	assert.equal((await generic(`${REGISTRATIONS}/dave`, 'GET')).credentials.activeVersion, 1);
	const stale = await refused(409, () => api.putTelephonyProvidersEdgesTrunkbasesetting('dave', read));
	assert.match(JSON.stringify(stale.body ?? stale), /does not match the current version/);
	await api.deleteTelephonyProvidersEdgesTrunkbasesetting('dave');
	await refused(404, () => api.getTelephonyProvidersEdgesTrunkbasesetting('dave'));
	await refused(404, () => trunk('dave'));
});

test('registrations by the generic call', async () => {
	const body = (password) => ({ trunkId: 'bob', credentials: { username: 'bob', password } });
	const answer = await generic(REGISTRATIONS, 'POST', body(place.password));
	assert.deepEqual([answer.id, answer.credentials.passwordSet], ['bob', true]);
	const listing = await generic(REGISTRATIONS, 'GET');
	assert.ok(listing.entities.some((entity) => entity.id === 'bob'));
	const refusal = await refused(422, () => generic(REGISTRATIONS, 'POST', body('wrong')));
	assert.match(JSON.stringify(refusal.body ?? refusal), /Invalid SIP credentials provided for trunk ID: bob/);
});
