// What the suites share: where the server is, and how to ask the test that started it for something.

import fs from 'node:fs';

export const place = JSON.parse(process.env.TRUNKLINE_SDK_PLACE);

/** Asks the test for something, such as to give the registrar another password; returns its answer. */
export function ask(...words) {
	fs.writeSync(1, `@${words.join(' ')}\n`);
	const byte = Buffer.alloc(1);
	let answer = '';
	while (fs.readSync(0, byte, 0, 1) === 1 && byte[0] !== 10) answer += byte.toString();
	if (!answer) throw new Error('the test hung up');
	return answer;
}

/** Looks until it is true, and returns what was seen. */
export async function until(what, look, seconds = 45) {
	const giveUp = Date.now() + seconds * 1000;
	for (;;) {
		const seen = await look();
		if (seen) return seen;
		if (Date.now() > giveUp) throw new Error(`never: ${what}`);
		await new Promise((wake) => setTimeout(wake, 100));
	}
}
