// A change at the carrier shows without a reload: the mark that this script leaves in the page is still there.
import assert from "node:assert/strict";
import { ask, figure, open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  await page.goto(`${place.url}/trunks`);
  await page.getByText("live", { exact: true }).waitFor();
  await page.evaluate(() => { window.stayed = true; });
  const row = page.locator("tr", { hasText: "Trunk bob" });
  await row.getByText("registered").waitFor();
  await row.getByRole("checkbox").check();
  // From the carrier's answer, as the edge has stamped it, to the row that shows it: a figure, not a bound.
  await page.evaluate(() => {
    const seen = () => {
      const row = [...document.querySelectorAll("tr")].find((row) => row.textContent.includes("Trunk bob"));
      if (window.took === undefined && row && /waiting to retry|held/.test(row.textContent)) {
        window.took = Date.now() - Date.parse([...row.querySelectorAll("time")].pop().dateTime);
      }
    };
    new MutationObserver(seen).observe(document.body, { childList: true, subtree: true });
  });
  await ask("password bob changed-by-the-carrier");
  await ask("refresh bob");
  await row.getByText(/waiting to retry|held/).waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true);
  assert.equal(await row.getByRole("checkbox").isChecked(), true);
  const took = await page.evaluate(() => window.took);
  assert.ok(took >= 0, `shown ${took} ms after the carrier's answer`);
  figure("live-update", `a change at the carrier is shown after ${took} ms`);
  await close();
});
