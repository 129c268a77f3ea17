// What a browser waits for the console's pages: first contentful paint (the pages come whole from the server, so it is the meaningful one), the
// largest paint, and the size of the answers. A first load fetches script and style, later ones have them.
import { createRequire } from "node:module";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const place = JSON.parse(process.env.TRUNKLINE_BENCH_PLACE);
const require = createRequire(join(process.env.TRUNKLINE_BENCH_MODULES, "node_modules/"));
const { chromium } = require("playwright-core");

const context = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "trunkline-bench-")), {
  executablePath: "/usr/bin/chromium", headless: true, viewport: { width: 1366, height: 860 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
const page = context.pages()[0] ?? (await context.newPage());
let largest = ["", 0];
page.on("response", async (response) => {
  if (response.request().resourceType() === "eventsource") return;
  const body = await response.body().catch(() => Buffer.alloc(0));
  if (body.length > largest[1]) largest = [response.url(), body.length];
});
await page.goto(`${place.url}/sign-in`);
await page.getByLabel("Client id").fill(place.client);
await page.getByLabel("Client secret").fill(place.secret);
await page.keyboard.press("Enter");
await page.waitForURL((url) => url.pathname !== "/sign-in", { timeout: 120_000 });

/// Until the page's content was painted, in milliseconds since it was asked for.
const painted = () => page.evaluate(() => new Promise((resolve) => {
  new PerformanceObserver((list) => {
    const first = performance.getEntriesByName("first-contentful-paint")[0];
    if (first) resolve([first.startTime, list.getEntries().at(-1).startTime, performance.getEntriesByType("navigation")[0].responseStart]);
  }).observe({ type: "largest-contentful-paint", buffered: true });
}));
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(0);
console.log("\nms until painted: median, worst; first byte: median; page");
const next = async () => {
  await page.goto(`${place.url}/trunks`);
  return await page.getByRole("link", { name: "Next page" }).getAttribute("href");
};
for (const path of ["/trunks", await next(), "/trunks?site=s1", "/trunks?carrier=c0&sort=name", "/trunks?state=AUTH_HELD", "/trunks?q=nothing", "/", "/carriers", "/events", "/audit"]) {
  const first = [], byte = [];
  for (let time = 0; time < place.times; time += 1) {
    await page.goto(place.url + path, { timeout: 120_000 });
    const [paint, , response] = await painted();
    first.push(paint);
    byte.push(response);
  }
  for (const figures of [first, byte]) figures.sort((a, b) => a - b);
  console.log(`${at(first, 0.5).padStart(6)} ${at(first, 1).padStart(6)} ${at(byte, 0.5).padStart(6)}  ${path.slice(0, 60)}`);
}
console.log(`largest answer: ${largest[1]} bytes, ${largest[0].slice(0, 80)}`);
await context.close();
