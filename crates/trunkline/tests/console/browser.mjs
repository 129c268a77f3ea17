// What the suites share: a Chromium that is as new as on the first day, ways to look at a page, and what is asked of the test's own program.
import { createRequire } from "node:module";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import assert from "node:assert/strict";

export const place = JSON.parse(process.env.TRUNKLINE_CONSOLE_PLACE);
const require = createRequire(join(process.env.TRUNKLINE_MODULES, "node_modules/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
/// No answer may be larger (issue 7).
const ANSWER_MAX = 200_000;
/// No more than a machine needs that builds beside the tests.
const PATIENCE = 60_000;

export const VIEWS = { desktop: { width: 1366, height: 860 }, phone: { width: 360, height: 740 } };

/// Starts a browser; a page of it fails the suite on script errors, on refusals of the policy and on answers that are too large.
export async function open(options = {}) {
  const directory = mkdtempSync(join(tmpdir(), "trunkline-chromium-"));
  const context = await chromium.launchPersistentContext(directory, {
    executablePath: "/usr/bin/chromium", headless: true, args: FLAGS, viewport: VIEWS.desktop, bypassCSP: false, ...options,
  });
  const faults = [];
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(PATIENCE);
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("dialog", async (dialog) => { faults.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) faults.push(message.text());
  });
  page.on("response", async (response) => {
    if (response.request().resourceType() === "eventsource") return;
    const body = await response.body().catch(() => Buffer.alloc(0));
    if (body.length > ANSWER_MAX) faults.push(`${response.url()} has ${body.length} bytes`);
  });
  return { page, context, faults, close: async () => { await context.close(); assert.deepEqual(faults, []); } };
}

export async function signIn(page, id = place.client, secret = place.secret) {
  await page.goto(`${place.url}/sign-in`);
  await page.getByLabel("Client id").fill(id);
  await page.getByLabel("Client secret").fill(secret);
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname !== "/sign-in");
}

/// No violation of the rules that axe knows, those of WCAG 2.2 AA among them. Run in a world of its own: the page's policy stands.
export async function accessible(page, name) {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send("Page.getFrameTree");
  const { executionContextId } = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  await client.send("Runtime.evaluate", { contextId: executionContextId, expression: axe });
  const run = "axe.run(document).then((found) => JSON.stringify(found.violations.map((v) => ({ id: v.id, help: v.help, at: v.nodes.slice(0, 4).map((n) => n.target.join(' ') + ': ' + n.failureSummary) }))))";
  const { result } = await client.send("Runtime.evaluate", { contextId: executionContextId, expression: run, awaitPromise: true });
  assert.deepEqual(JSON.parse(result.value), [], `axe on ${name}`);
}

export async function shoot(page, name) {
  await page.waitForLoadState();
  mkdirSync(place.pictures, { recursive: true });
  for (const [view, size] of Object.entries(VIEWS)) {
    await page.setViewportSize(size);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.equal(wide, false, `${name} is wider than a ${view}`);
      await page.screenshot({ path: join(place.pictures, `${name}-${view}-${scheme}.png`) });
      // Two of the four: the colours change with the one, the layout with the other.
      if ((view === "desktop") === (scheme === "light")) await accessible(page, `${name}, ${view}, ${scheme}`);
    }
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize(VIEWS.desktop);
}

/// Asks the test's own program for something, and returns what it answers.
let waiting = [];
let rest = "";
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text) => {
  rest += text;
  for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
    waiting.shift()?.(rest.slice(0, end));
    rest = rest.slice(end + 1);
  }
});
export function ask(words) {
  return new Promise((resolve) => { waiting.push(resolve); process.stdout.write(`@${words}\n`); });
}

/// Records a figure: printed, and kept beside the pictures.
export function figure(name, says) {
  mkdirSync(place.pictures, { recursive: true });
  writeFileSync(join(place.pictures, `${name}.txt`), `${says}\n`);
  console.log(says);
}

export async function run(story) {
  try { await story(); } catch (error) { console.error(error); process.exitCode = 1; }
  // A browser that is still open would keep the process.
  process.exit();
}
