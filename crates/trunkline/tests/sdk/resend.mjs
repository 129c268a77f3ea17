// A 429 with Retry-After: this SDK tells its caller, who sends the POST again, and there is one registration.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { ask, place } from './conversation.mjs';

const platformClient = createRequire(`${process.env.TRUNKLINE_MODULES}/`)('purecloud-platform-client-v2');
const REGISTRATIONS = '/api/v2/trunks/voice/registrations';
const url = new URL(place.url);
const client = platformClient.ApiClient.instance;
client.setGateway({ host: url.hostname, protocol: 'http', port: Number(url.port) });
// With status and headers, in answers and in refusals.
client.setReturnExtendedResponses(true);

const generic = (path, method, body) =>
	client.callApi(path, method, {}, {}, {}, {}, body ?? null, ['PureCloud OAuth'], ['application/json'], ['application/json']);

/** Calls, and once more after each 429 when Retry-After has passed; returns the answer and how often it was refused. */
async function patiently(path, method, body) {
	for (let refusals = 0; ; refusals += 1) {
		try {
			return [(await generic(path, method, body)).body, refusals];
		} catch (error) {
			assert.equal(error.status, 429, JSON.stringify(error.body ?? error));
			const seconds = Number(error.headers['retry-after']);
			assert.ok(Number.isInteger(seconds) && seconds >= 1, 'whole seconds');
			await new Promise((wake) => setTimeout(wake, seconds * 1000));
		}
	}
}

test('a refused post is sent again', async () => {
	await client.loginClientCredentialsGrant(place.client, place.secret);
	const body = { trunkId: 'alice', credentials: { username: 'alice', password: place.password } };
	let [answer, refusals] = [undefined, 0];
	for (let round = 0; round < 20 && refusals === 0; round += 1) {
		// Spend the allowance, then post; where a new window began in between, once more.
		for (let spent = false; !spent; ) {
			spent = await generic('/api/v2/tokens/me', 'GET').then(() => false, (error) => error.status === 429);
		}
		[answer, refusals] = await patiently(REGISTRATIONS, 'POST', body);
	}
	assert.ok(refusals > 0, 'the server never said 429');
	assert.equal(answer.credentials.activeVersion, 1);
	const [versions] = await patiently(`${REGISTRATIONS}/alice/credentials`, 'GET');
	assert.equal(versions.total, 1);
	assert.equal(ask('bindings', 'alice'), '1');
});
