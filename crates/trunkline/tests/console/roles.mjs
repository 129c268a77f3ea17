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
  await close();
});
