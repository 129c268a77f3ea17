// Profiles, clients and roles by forms: what is wrong is said and what was typed stays, a secret is shown once, what is to be deleted is asked twice.
import assert from "node:assert/strict";
import { open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  const button = (name) => page.getByRole("button", { name, exact: true });
  const field = (name) => page.getByLabel(name, { exact: true });

  await page.getByRole("link", { name: "Carriers" }).click();
  await page.getByRole("link", { name: "New carrier" }).click();
  await field("Id").fill("nusantara");
  await field("Name").fill("Nusantara");
  await field("Registrars").fill("not a uri");
  await field("Notes to the carrier's words").fill("limit*exceeded => Five devices per account.");
  await button("Save").click();
  await page.locator("#registrars-refusal").waitFor();
  assert.match(await field("Notes to the carrier's words").inputValue(), /Five devices/);
  await field("Registrars").fill("sip:192.0.2.1;transport=udp");
  await page.getByLabel("SHA-256", { exact: true }).check();
  await field("Maintenance").fill("02:00-04:00 Asia/Jakarta");
  await button("Save").click();
  await page.waitForURL("**/carriers/nusantara");
  await page.getByText("Five devices per account.").waitFor();
  await page.getByRole("link", { name: "Edit" }).click();
  assert.equal(await field("Maintenance").inputValue(), "02:00-04:00 Asia/Jakarta");
  assert.equal(await page.getByLabel("SHA-256", { exact: true }).isChecked(), true);
  await field("Expires (s)").fill("600");
  await field("Notes to the carrier's words").fill("");
  await button("Save").click();
  await page.waitForURL("**/carriers/nusantara");
  assert.equal(await page.getByText("Five devices per account.").count(), 0);
  await page.getByRole("link", { name: "Delete" }).click();
  await button("Delete the carrier").click();
  await page.waitForURL("**/carriers");
  assert.equal(await page.getByRole("link", { name: "Nusantara" }).count(), 0);
  // One that trunks use stays.
  await page.goto(`${place.url}/carriers/${place.carrier}/delete`);
  await button("Delete the carrier").click();
  await page.locator(".alert").waitFor();

  await page.goto(`${place.url}/access`);
  await page.getByRole("link", { name: "New role" }).click();
  await field("Id").fill("night-shift");
  await field("Permissions").fill("telephony:trunk:view\ntelephony:trunkRegistration:view");
  await button("Save").click();
  await page.getByRole("link", { name: "night-shift" }).waitFor();
  await page.getByRole("link", { name: "New client" }).click();
  await field("Id").fill("night");
  await page.getByLabel("Role 1").selectOption("night-shift");
  await page.getByLabel("Scope 1").selectOption("trunks");
  await page.getByLabel("Id of the site or carrier, or trunks 1").fill("alice");
  const made = page.waitForResponse((answer) => answer.request().method() === "POST");
  await button("Save").click();
  // The way back shows it no more: the browser keeps nothing of the page.
  assert.equal((await made).headers()["cache-control"], "no-store");
  const secret = await page.locator("code.secret").textContent();
  assert.ok(secret.length >= 32);
  await page.getByRole("link", { name: "I have kept it" }).click();
  await page.waitForURL("**/access");
  assert.equal((await page.content()).includes(secret), false);
  await page.goto(`${place.url}/access/clients/night`);
  assert.equal((await page.content()).includes(secret), false, "a secret is shown once");

  // What it may it sees, and no more.
  const night = await open();
  await signIn(night.page, "night", secret);
  await night.page.goto(`${place.url}/trunks`);
  await night.page.locator(".count strong", { hasText: /^1$/ }).waitFor();
  for (const path of ["/", "/events", "/trunks/alice"]) assert.equal((await night.page.goto(place.url + path)).status(), 200, path);
  for (const name of ["Carriers", "Access", "Bulk import"]) assert.equal(await night.page.getByRole("link", { name }).count(), 0, name);
  assert.equal((await night.page.goto(`${place.url}/new/client`)).status(), 200);
  assert.equal(await night.page.getByRole("button", { name: "Save" }).count(), 0);
  await night.close();

  await page.goto(`${place.url}/access/clients/night`);
  await button("New secret").click();
  const renewed = await page.locator("code.secret").textContent();
  assert.notEqual(renewed, secret);
  await page.goto(`${place.url}/access/clients/night`);
  await page.getByLabel("Disabled").check();
  await button("Save").click();
  await page.waitForURL("**/access");
  assert.match(await page.locator("tr", { hasText: "night-shift" }).first().textContent(), /yes/);
  await page.goto(`${place.url}/access/clients/night/delete`);
  await button("Delete the client").click();
  await page.waitForURL("**/access");
  await page.goto(`${place.url}/access/roles/night-shift/delete`);
  await button("Delete the role").click();
  await page.waitForURL("**/access");
  assert.equal(await page.getByRole("link", { name: "night-shift" }).count(), 0);
  await page.goto(`${place.url}/access/roles/trunk-viewer`);
  assert.equal(await button("Save").count(), 0);
  await close();
});
