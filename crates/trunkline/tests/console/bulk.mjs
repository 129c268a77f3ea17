// A thousand trunks by the form, followed to the end; what is refused is shown with its line.
import assert from "node:assert/strict";
import { open, place, run, signIn } from "./browser.mjs";

await run(async () => {
  const { page, close } = await open();
  await signIn(page);
  await page.getByRole("link", { name: "Bulk import" }).click();
  const line = (n) => JSON.stringify({
    trunk: { id: `import_${n}`, name: `Import ${n}`, site: { id: "jakarta" }, carrier: { id: n === 500 ? "nobody" : "kam" }, inService: false, addressOfRecord: `sip:i${n}@${place.realm}` },
    credentials: { username: `i${n}`, password: `secret-of-${n}` },
  });
  await page.getByLabel("Lines", { exact: true }).fill(Array.from({ length: 1000 }, (_, n) => line(n + 1)).join("\n"));
  await page.getByRole("button", { name: "Bulk import" }).click();
  await page.getByRole("progressbar").waitFor();
  await page.getByText("COMPLETED").waitFor({ timeout: 120_000 });
  assert.match(await page.locator("#job").textContent(), /1000 lines, 999 applied, 1 refused/);
  await page.locator("td", { hasText: "import_500" }).waitFor();
  await page.getByRole("link", { name: "See the trunks" }).click();
  await page.locator(".count strong", { hasText: /^1,001$/ }).waitFor();
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("link", { name: "First page" }).waitFor();

  // An action on many at a pace: paused it stands still, resumed it goes on, stopped it ends; the report names each trunk.
  await page.goto(`${place.url}/trunks?carrier=kam`);
  for (const box of (await page.locator("input[name=trunk]").all()).slice(0, 40)) await box.check();
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.getByLabel("Trunks a second").fill("1");
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.getByText("RUNNING").waitFor();
  const done = async () => Number(/(\d+) \/ 40/.exec(await page.locator("#job").textContent())[1]);
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Resume" }).waitFor();
  const paused = await done();
  assert.ok(paused < 40);
  await page.reload();
  // One that was under way when the pause came may have ended since.
  assert.ok((await done()) - paused <= 1);
  await page.getByRole("button", { name: "Resume" }).click();
  // The page that the button leads to may not be whole yet: then there is no number.
  await page.waitForFunction((paused) => Number(/(\d+) \/ 40/.exec(document.getElementById("job")?.textContent)?.[1]) > paused + 1, paused);
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("CANCELLED").waitFor();
  const answer = await page.context().request.get(page.url() + "/report");
  assert.match(await answer.text(), /^refresh: \d+ \/ 40\n\nalice: done\n(.+\n){39}$/);
  await close();
});
