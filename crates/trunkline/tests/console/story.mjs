// Design section 1: each refusal stands beside the field that it concerns, nothing that worked stops, the right secret replaces, and a button goes back.
import assert from "node:assert/strict";
import { ask, open, place, run, signIn } from "./browser.mjs";

const NEW = "second-Secret-8";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  await page.getByRole("link", { name: "Trunks", exact: true }).click();
  await page.getByRole("link", { name: "Trunk alice" }).click();
  await page.getByText("registered").first().waitFor();

  async function set({ password = place.password, realm = "", algorithm = "" }) {
    await page.goto(`${place.url}/trunks/alice/credentials`);
    await page.getByLabel("Realm").fill(realm);
    await page.getByLabel("Algorithm").selectOption(algorithm);
    await page.getByLabel("Password").focus();
    await page.keyboard.type(password);
    await page.keyboard.press("Enter");
    await page.locator(".alert, .done").first().waitFor();
  }
  async function refused(field, code) {
    await page.locator(`#${field}-refusal`, { hasText: code }).waitFor();
    await page.getByText("Nothing has changed.").waitFor();
    assert.equal(await ask("bindings alice"), "1");
  }

  await page.getByRole("link", { name: "Set credentials" }).click();
  await page.getByLabel("User name").fill(" alice");
  await page.getByText("white space at the beginning").waitFor();
  await page.getByLabel("User name").fill("alice");

  await set({ realm: "carrier.co.id" });
  await refused("realm", "sip.realm.mismatch");
  await page.locator("li.failed[data-step=challenge]").waitFor();
  await ask("policy alice SHA-256");
  await set({ algorithm: "MD5" });
  await refused("algorithm", "sip.algorithm.not_allowed");
  await page.getByText("of the trunk").first().waitFor();
  await ask("policy alice MD5");
  await set({ password: "a-slip-of-the-pen" });
  await refused("password", "sip.credentials.rejected");
  await page.locator("li.failed[data-step=digest]").waitFor();
  await page.getByRole("link", { name: "See the messages of this attempt" }).click();
  await page.locator(".ladder svg").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download pcapng" }).click()]);
  assert.match(download.suggestedFilename(), /\.pcapng$/);

  await page.goto(`${place.url}/trunks/alice/credentials`);
  await page.getByRole("button", { name: "Learn realm and algorithms" }).click();
  await page.getByText("no digest was sent").waitFor();
  assert.equal(await page.getByLabel("Realm").inputValue(), place.realm);

  await ask(`password alice ${NEW}`);
  await set({ password: NEW });
  await page.getByText("Proved at the carrier and replaced.").waitFor();
  await page.locator(".steps .passed").nth(3).waitFor();
  assert.equal((await page.content()).includes(NEW), false);
  assert.equal(await ask("bindings alice"), "1");

  await ask(`password alice ${place.password}`);
  await page.getByRole("link", { name: "See the trunk" }).click();
  await page.getByRole("button", { name: "Roll back to version 1" }).click();
  await page.locator("tr", { hasText: "ACTIVE" }).locator("td").first().filter({ hasText: /^1$/ }).waitFor();
  assert.equal(await ask("bindings alice"), "1");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL("**/sign-in");
  await page.goto(`${place.url}/trunks/alice`);
  assert.equal(new URL(page.url()).pathname, "/sign-in");
  await close();
});
