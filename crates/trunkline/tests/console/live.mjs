// A change at the carrier shows without a reload: the mark that this script leaves in the page is still there.
import assert from "node:assert/strict";
import { ask, open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  await page.goto(`${place.url}/trunks`);
  await page.getByText("live", { exact: true }).waitFor();
  await page.evaluate(() => { window.stayed = true; });
  const row = page.locator("tr", { hasText: "Trunk bob" });
  await row.getByText("registered").waitFor();
  await row.getByRole("checkbox").check();
  await ask("password bob changed-by-the-carrier");
  await ask("refresh bob");
  await row.getByText(/waiting to retry|held/).waitFor();
  assert.equal(await page.evaluate(() => window.stayed), true);
  assert.equal(await row.getByRole("checkbox").isChecked(), true);
  await close();
});
