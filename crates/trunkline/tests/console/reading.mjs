// Without script every page is read and forms work; by keyboard alone one gets everywhere; times are the viewer's, with UTC where one points; script and style stay small.
import assert from "node:assert/strict";
import { ask, open, place, run, signIn } from "./browser.mjs";

/// All script and style together (issue 7).
const WEIGHT_MAX = 100_000;

await run(async () => {
  // A link that leads deep in leads there after the sign-in, its question included.
  const plain = await open({ javaScriptEnabled: false });
  const deep = `${place.url}/trunks?state=REGISTERED&sort=name`;
  await plain.page.goto(deep);
  await plain.page.getByLabel("Client id").fill(place.client);
  await plain.page.getByLabel("Client secret").fill(place.secret);
  await plain.page.keyboard.press("Enter");
  await plain.page.waitForURL(deep);
  await plain.page.getByRole("link", { name: "Trunk alice" }).waitFor();
  const trunk = `/trunks/${place.trunk}`;
  const read = ["/", "/trunks", trunk, `${trunk}/credentials`, `${trunk}/report`, "/carriers", `/carriers/${place.carrier}`, "/edges", "/events", "/plan", "/bulk", "/access", "/audit?verify=yes", "/diagnoses", "/diagnoses/sip.realm.mismatch"];
  for (const path of read) {
    assert.equal((await plain.page.goto(place.url + path)).status(), 200, path);
    await plain.page.locator("h1").waitFor();
    for (const time of await plain.page.locator("main time").allTextContents()) assert.match(time, /UTC$/, `${path}: ${time}`);
    assert.equal(await plain.page.getByText("not live").filter({ visible: true }).count(), 0, path);
  }
  await plain.page.goto(`${place.url}/audit?verify=yes&action=promote`);
  await plain.page.getByText("The chain is intact").waitFor();
  const records = await plain.page.locator("tbody tr").allTextContents();
  assert.ok(records.length > 0 && records.every((record) => /promote/.test(record)), `${records}`);
  await plain.page.goto(`${place.url}/plan`);
  await plain.page.getByRole("button", { name: "Plan", exact: true }).click();
  await plain.page.locator("#outcome").waitFor();
  await plain.page.goto(`${place.url}${trunk}/credentials`);
  await plain.page.getByLabel("Password").fill("a-slip-of-the-pen");
  await plain.page.getByRole("button", { name: "Verify and replace" }).click();
  // The page of the version says what is under way; loaded again it tells the outcome.
  while (!(await plain.page.getByText("Nothing has changed.").count())) await plain.page.reload();
  await plain.page.locator("#password-refusal").waitFor();
  assert.equal(await ask(`bindings ${place.trunk}`), "1");
  await plain.page.getByRole("button", { name: "Sign out" }).click();
  await plain.page.waitForURL("**/sign-in");
  await plain.close();

  // By keyboard alone, from the sign-in to the refusal of a wrong password; what has the focus is seen to have it.
  const { page, close } = await open({ timezoneId: "Asia/Jakarta", locale: "en-GB" });
  const focused = () => page.evaluate(() => {
    const of = document.activeElement;
    const label = of.labels?.[0]?.textContent ?? of.textContent;
    return { name: label.trim(), seen: getComputedStyle(of).outlineStyle !== "none", on: of !== document.body };
  });
  async function tabTo(name) {
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press("Tab");
      const { name: is, seen, on } = await focused();
      assert.ok(seen || !on, `the focus on ${is} is not seen`);
      if (is === name || is.startsWith(`${name}\n`)) return;
    }
    assert.fail(`${name} is not reached by the keyboard`);
  }
  let size = 0;
  page.on("response", async (response) => {
    if (["script", "stylesheet"].includes(response.request().resourceType())) size += (await response.body().catch(() => Buffer.alloc(WEIGHT_MAX))).length;
  });
  await page.goto(`${place.url}/sign-in`, { waitUntil: "networkidle" });
  assert.ok(size > 0 && size < WEIGHT_MAX, `${size} bytes of script and style`);
  await tabTo("Client id");
  await page.keyboard.type(place.client);
  await tabTo("Client secret");
  await page.keyboard.type(place.secret);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal((await focused()).name, "Skip to the content");
  await page.goto(place.url);
  await tabTo("Trunks");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Trunks" }).waitFor();
  await tabTo("Trunk alice");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Trunk alice" }).first().waitFor();
  // The viewer's zone is seven hours ahead.
  const time = page.locator("main time:not([data-countdown])").first();
  await time.and(page.locator("[data-shown]")).waitFor();
  assert.match(await time.getAttribute("title"), /UTC$/);
  const [utc, shown] = [new Date(await time.getAttribute("datetime")), await time.textContent()];
  const hour = String((utc.getUTCHours() + 7) % 24).padStart(2, "0");
  assert.match(shown, new RegExp(`\\b${hour}:\\d\\d:\\d\\d`));
  await tabTo("Set credentials");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Set credentials" }).first().waitFor();
  await tabTo("Password");
  await page.keyboard.type("a-slip-of-the-pen");
  await tabTo("Verify and replace");
  await page.keyboard.press("Enter");
  await page.locator("#password-refusal").waitFor();
  assert.equal(await ask(`bindings ${place.trunk}`), "1");
  await close();
});
