// A carrier that thinks long about a digest: the steps before it are seen as passed meanwhile, the refused field and the rest wait for the outcome.
import assert from "node:assert/strict";
import { ask, open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  await page.goto(`${place.url}/trunks/t1/credentials`);
  await page.evaluate(() => { window.stayed = true; });
  await page.getByLabel("User name").fill("alice");
  await page.getByLabel("Password").fill("a-good-secret");
  await page.getByRole("button", { name: "Verify and replace" }).click();
  const step = (name, state) => page.locator(`li.${state}[data-step=${name}]`).waitFor();
  for (const name of ["resolve", "reach", "challenge"]) await step(name, "passed");
  await step("digest", "asking");
  await step("binding", "waits");
  assert.equal(await page.locator(".done, .alert").count(), 0);
  // From here on the page changes without a reload.
  await page.evaluate(() => { window.stayed = true; });
  await ask("own answer the digest");
  await step("digest", "passed");
  await step("binding", "passed");
  await page.getByText("Proved at the carrier and replaced.").waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true);
  assert.equal((await page.content()).includes("a-good-secret"), false);
  // What has ended is not asked for again: the form is the reader's.
  assert.equal(await page.locator("[data-poll], [data-live]").count(), 0);
  await page.getByRole("link", { name: "See the trunk" }).click();
  await page.getByText("registered").first().waitFor();
  await close();
});
