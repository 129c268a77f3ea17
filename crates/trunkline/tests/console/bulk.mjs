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
  await page.locator(".count strong", { hasText: /^1001$/ }).waitFor();
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("link", { name: "First page" }).waitFor();
  await close();
});
