// An OpenID provider as it comes from npm (oidc-provider): keys of its own, clients that take tokens by themselves, and people who sign in.
//
// OIDC_PROVIDER: {"host", "port", "console"}. Says `ready` when it listens. Takes orders, a line each, and says `done`:
//   add       a further key, which signs from now on, beside the old ones
//   withdraw  shows no key but the one that signs
//   clock N   its clock is N seconds off
//   life N    access tokens live for N seconds
//   renewals  says how many tokens it has renewed, in place of done
// On the next port is another issuer in the same house: the same keys, another name.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const { Provider } = await import(pathToFileURL(`${process.env.TRUNKLINE_MODULES}/node_modules/oidc-provider/lib/index.js`));
const { host, port, console: trunkline } = JSON.parse(process.env.OIDC_PROVIDER);

// Who they are, and the words that their tokens carry.
const PROGRAMS = { desk: ['jakarta-desk'], lobby: ['one-trunk', 'unknown-word'], nobody: [], elsewhere: ['jakarta-desk'] };
const PEOPLE = { ana: ['jakarta-desk'], newcomer: [] };
const AUDIENCES = { elsewhere: 'another-service' };

let life = 300;
let renewals = 0;
let off = 0;
const clock = Date.now.bind(Date);
Date.now = () => clock() + off * 1000;

let made = 0;
function key() {
	made += 1;
	const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
	return { ...privateKey.export({ format: 'jwk' }), kid: `key-${made}-${randomUUID()}`, use: 'sig', alg: 'RS256' };
}

function provider(issuer, keys) {
	const programs = Object.keys(PROGRAMS).map((id) => ({
		client_id: id, client_secret: `secret-of-${id}`, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
	}));
	const people = {
		client_id: 'console', token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'],
		redirect_uris: [`${trunkline}/sign-in/oidc/callback`], response_types: ['code'],
	};
	const made = new Provider(issuer, {
		jwks: { keys },
		clients: [...programs, people],
		cookies: { keys: ['only-for-tests'] },
		findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, name: `${id} of the desk` }) }),
		extraTokenClaims: (ctx, token) => ({ roles: PEOPLE[token.accountId] ?? PROGRAMS[token.clientId] ?? [] }),
		issueRefreshToken: async () => true,
		features: {
			devInteractions: { enabled: true },
			clientCredentials: { enabled: true },
			resourceIndicators: {
				enabled: true,
				defaultResource: () => 'urn:trunkline',
				useGrantedResource: () => true,
				getResourceServerInfo: (ctx, resource, client) => ({
					scope: '', audience: AUDIENCES[client.clientId] ?? 'trunkline', accessTokenTTL: life, accessTokenFormat: 'jwt',
					jwt: { sign: { alg: 'RS256' } },
				}),
			},
		},
	});
	made.on('grant.success', (ctx) => { renewals += ctx.oidc.params.grant_type === 'refresh_token' ? 1 : 0; });
	return made.callback();
}

const issuers = [port, port + 1].map((at) => ({ at, name: `http://${host}:${at}` }));
let keys = [key()];
function settle() {
	for (const issuer of issuers) {
		issuer.answer = provider(issuer.name, keys);
	}
}
settle();
for (const issuer of issuers) {
	const server = createServer((request, response) => issuer.answer(request, response));
	await new Promise((listening) => server.listen(issuer.at, host, listening));
}
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
	const [order, number] = line.split(' ');
	if (order === 'add') {
		keys = [key(), ...keys];
		settle();
	} else if (order === 'withdraw') {
		keys = keys.slice(0, 1);
		settle();
	} else if (order === 'clock') {
		off = Number(number);
	} else if (order === 'life') {
		life = Number(number);
	} else if (order === 'renewals') {
		console.log(renewals);
		continue;
	} else {
		throw new Error(`no such order: ${line}`);
	}
	console.log('done');
}
process.exit(0);
