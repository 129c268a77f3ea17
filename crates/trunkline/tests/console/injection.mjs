// Markup in names, and in what a carrier answers, is text. An alert, a script error or a refusal of the policy fails the suite.
import assert from "node:assert/strict";
import { open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  const clean = async (path) => {
    await page.goto(place.url + path);
    assert.equal(await page.locator("img[src=x]").count(), 0, path);
    assert.equal(await page.locator("body script").count(), 0, path);
  };
  await clean("/trunks");
  await page.locator("td", { hasText: place.markup }).first().waitFor();
  await clean("/trunks/t1/credentials");
  await page.getByLabel("User name").fill(place.markup);
  await page.getByLabel("Password").fill(place.markup);
  await page.getByLabel("Realm").fill("");
  await page.getByRole("button", { name: "Verify and replace" }).click();
  await page.locator(".alert").waitFor();
  await page.locator(".diagnosis dd", { hasText: place.markup }).waitFor();
  await page.getByRole("link", { name: "See the messages of this attempt" }).click();
  // Whole, so that all messages are there to be opened.
  await page.waitForURL("**/attempts/*");
  for (const summary of await page.locator(".messages summary").all()) await summary.click();
  const messages = await page.locator(".messages").textContent();
  for (const header of ["Server", "Warning"]) assert.match(messages, new RegExp(`${header}: .*<script>`));
  // The friendly trunk of the same carrier: Server and Warning of its 200, its realm.
  await clean("/trunks/t2");
  await page.locator("dd code", { hasText: place.markup }).first().waitFor();
  await page.locator("table a[href*='/attempts/']").first().click();
  await page.waitForURL("**/attempts/*");
  for (const summary of await page.locator(".messages summary").all()) await summary.click();
  assert.match(await page.locator(".messages").textContent(), /Server: .*<script>/);
  for (const path of ["/", "/trunks/t1", "/trunks/t1/report", "/trunks/t2/report", "/carriers/hostile/edit", "/carriers/hostile/delete", "/carriers", "/carriers/hostile", "/events", "/audit", "/access", "/plan", `/plan?edges=1&name-0=${encodeURIComponent(place.markup)}&trunks-0=9&kind=outage&seconds=${encodeURIComponent(place.markup)}`]) await clean(path);
  const odd = encodeURIComponent(place.markup);
  for (const name of ["q", "site", "carrier"]) await clean(`/trunks?${name}=${odd}`);
  await clean(`/sign-in?next=${odd}`);
  await close();
});
