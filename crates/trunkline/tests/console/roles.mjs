// What a role may not do its console does not offer, and the server refuses; a form from elsewhere is refused too.
import assert from "node:assert/strict";
import { ask, open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, context, close } = await open();
  await page.goto(`${place.url}/sign-in`);
  await page.getByLabel("Client id").fill(place.client);
  await page.getByLabel("Client secret").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  const secret = await ask("client trunk-viewer");
  await signIn(page, "trunk-viewer", secret);
  await page.goto(`${place.url}/trunks/alice`);
  await page.getByText("registered").first().waitFor();
  for (const name of ["Set credentials", "Access", "Audit", "Bulk import"]) assert.equal(await page.getByRole("link", { name }).count(), 0, name);
  assert.equal(await page.getByRole("button", { name: "Refresh now" }).count(), 0);
  const cookie = (await context.cookies())[0];
  assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Lax"]);
  assert.equal(await page.evaluate(() => document.cookie), "");
  for (const path of ["/access", "/audit"]) {
    const answer = await page.goto(place.url + path);
    assert.equal(answer.status(), 403, path);
  }
  const csrf = await page.goto(`${place.url}/trunks`).then(() => page.locator("input[name=csrf]").first().inputValue());
  const post = (form, headers) => context.request.post(`${place.url}/trunks/alice/actions/refresh`, { form, headers, maxRedirects: 0 });
  const refused = await post({ csrf });
  assert.equal(refused.status(), 403);
  assert.match(await refused.text(), /ermission/);
  assert.match(await (await post({ csrf: "0".repeat(64) })).text(), /cannot be taken/);
  assert.match(await (await post({ csrf }, { origin: "http://elsewhere.example" })).text(), /cannot be taken/);
  // An operator refreshes; what ends a binding is neither offered nor taken.
  await page.goto(`${place.url}/trunks`);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await signIn(page, "trunk-operator", await ask("client trunk-operator"));
  await page.goto(`${place.url}/trunks`);
  await page.getByRole("button", { name: "Refresh now" }).waitFor();
  assert.equal(await page.getByRole("button", { name: "Unregister" }).count(), 0);
  for (const path of ["/carriers", `/carriers/${place.carrier}`]) {
    await page.goto(place.url + path);
    for (const name of ["New carrier", "Edit", "Delete"]) assert.equal(await page.getByRole("link", { name, exact: true }).count(), 0, name);
  }
  await page.goto(`${place.url}/trunks/alice`);
  assert.equal(await page.getByRole("button", { name: "Trace 30 min" }).count(), 0);
  await page.goto(`${place.url}/trunks`);
  const own = await page.locator("input[name=csrf]").first().inputValue();
  const begun = await context.request.post(`${place.url}/actions`, { form: { csrf: own, action: "unregister", confirmed: "yes", trunk: "alice" }, maxRedirects: 0 });
  await page.goto(place.url + begun.headers().location);
  await page.getByText(/ermission/).waitFor();
  const changed = await context.request.post(`${place.url}/carriers/${place.carrier}/edit`, { form: { csrf: own, registrars: "sip:192.0.2.9", version: "1" } });
  assert.match(await changed.text(), /ermission/);
  assert.equal(await ask("bindings alice"), "1");
  await close();
});
