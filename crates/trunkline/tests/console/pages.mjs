// Every page, light and dark, on a desktop and on a phone: a picture each, and no violation of axe's rules.
import assert from "node:assert/strict";
import { join } from "node:path";
import { open, place, run, shoot, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await page.goto(`${place.url}/sign-in`);
  await shoot(page, "sign-in");
  await signIn(page);
  const pages = {
    overview: "/", trunks: "/trunks", trunk: `/trunks/${place.trunk}`, credentials: `/trunks/${place.trunk}/credentials`, carriers: "/carriers",
    carrier: `/carriers/${place.carrier}`, edges: "/edges", plan: "/plan", events: "/events", bulk: "/bulk", access: "/access", audit: "/audit?verify=yes",
    diagnoses: "/diagnoses", diagnosis: "/diagnoses/sip.realm.mismatch", empty: "/trunks?state=EXPIRED", "not-found": "/trunks/nothing", "new-carrier": "/new/carrier", "edit-carrier": `/carriers/${place.carrier}/edit`,
    "delete-carrier": `/carriers/${place.carrier}/delete`, "new-client": "/new/client", client: `/access/clients/${place.client}`, role: "/access/roles/trunk-operator",
  };
  for (const [name, path] of Object.entries(pages)) {
    await page.goto(place.url + path);
    await shoot(page, name);
  }
  // A plan has an address of its own: what is asked, and what comes of it. What cannot be planned is said, and what was typed stays.
  await page.goto(`${place.url}/plan`);
  assert.equal(await page.locator("#trunks-0").inputValue(), "2");
  await page.locator("#trunks-0").fill("20000");
  await page.locator("#limit-0").fill("300");
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.locator("#outcome .plan svg").first().waitFor();
  await shoot(page, "plan-outcome");
  const asked = page.url();
  await page.goto(place.url);
  await page.goto(asked);
  await page.locator("#outcome").getByText("20,000 trunks").waitFor();
  await page.locator("#trunks-0").fill("0");
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.getByRole("alert").getByText("carriers[0].trunks").waitFor();
  assert.equal(await page.locator("#limit-0").inputValue(), "300");
  await page.goto(`${place.url}/trunks/${place.trunk}/credentials`);
  await page.getByLabel("Password").fill("a-slip-of-the-pen");
  await page.getByRole("button", { name: "Verify and replace" }).click();
  await page.getByText("Nothing has changed.").waitFor();
  await shoot(page, "refused");
  await page.getByRole("link", { name: "See the messages of this attempt" }).click();
  await page.getByRole("heading", { name: "SIP ladder" }).waitFor();
  await page.locator(".messages summary").last().click();
  await shoot(page, "attempt");
  // On paper: every message, no buttons.
  await page.goto(`${place.url}/trunks/${place.trunk}/report`);
  await shoot(page, "report");
  await page.emulateMedia({ media: "print" });
  await page.locator(".message pre").first().waitFor();
  assert.equal(await page.locator(".bar, button").filter({ visible: true }).count(), 0);
  assert.doesNotMatch(await page.locator("main").textContent(), /a-slip-of-the-pen|response="[0-9a-f]/);
  await page.screenshot({ path: join(place.pictures, "report-print.png"), fullPage: true });
  await page.emulateMedia({ media: "screen" });
  await page.goto(`${place.url}/trunks`);
  await page.locator("input[name=trunk]").first().check();
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.getByLabel("Trunks a second").waitFor();
  await shoot(page, "action-confirm");
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.getByText("COMPLETED").waitFor();
  await shoot(page, "action");
  await close();
});
