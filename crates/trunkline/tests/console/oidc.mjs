// Sign-in at a real OpenID provider, in a browser: the way there and back, what it opens, how long it lasts, and each way that it can fail.
import assert from "node:assert/strict";
import { ask, open, place, run, shoot } from "./browser.mjs";

const BUTTON = { name: "Sign in with your organisation’s account" };

/// A browser of somebody. The provider's own pages ask for a font on the Internet.
async function browser() {
  const opened = await open();
  await opened.context.route(/fonts\.googleapis\.com/, (route) => route.abort());
  return opened;
}

/// Signs in at the provider, whose pages take any password.
async function enter(page, login) {
  await page.getByRole("link", BUTTON).click();
  await page.locator("input[name=login]").fill(login);
  await page.locator("input[name=password]").fill("any");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Continue" }).click();
}

const alert = (page, text) => page.getByRole("alert").filter({ hasText: text }).waitFor();

await run(async () => {
  const ana = await browser();
  const { page, context } = ana;
  // A link to a trunk leads through the provider and to the trunk.
  await page.goto(`${place.url}/trunks/t1`);
  assert.equal(new URL(page.url()).pathname, "/sign-in");
  await shoot(page, "sign-in-at-a-provider");
  await enter(page, "ana");
  await page.waitForURL(`${place.url}/trunks/t1`);
  await page.getByRole("heading", { name: "Trunk t1" }).first().waitFor();
  await page.locator(".who .name").getByText("ana", { exact: true }).waitFor();
  const cookies = await context.cookies(place.url);
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]), [["trunkline", true, "Lax"]]);
  // What its words open, and no more.
  assert.equal((await page.goto(`${place.url}/trunks/t2`)).status(), 404);
  assert.equal((await page.goto(`${place.url}/audit`)).status(), 403);
  await page.goto(`${place.url}/trunks`);
  assert.equal(await page.getByRole("link", { name: "Trunk t2" }).count(), 0);
  assert.equal(await page.getByRole("link", { name: "Access", exact: true }).count(), 0);

  // A token that lives for moments is renewed, without anybody's doing.
  await ask("life 2");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("link", BUTTON).click();
  await page.waitForURL(`${place.url}/`);
  for (let renewals = 0; renewals < 2; renewals = Number(await ask("renewals"))) assert.equal((await page.goto(`${place.url}/trunks`)).status(), 200);
  await ask("life 300");

  // Signed out is signed out; the provider still knows its own.
  const before = await context.cookies(place.url);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${place.url}/sign-in`);
  await context.addCookies(before);
  await page.goto(`${place.url}/trunks`);
  assert.equal(new URL(page.url()).pathname, "/sign-in");

  // What was not begun here leads nowhere, and shows none of its words.
  const forged = `${place.url}/sign-in/oidc/callback?state=a.b./trunks&error=x&error_description=Call+0900`;
  assert.equal((await page.goto(forged)).status(), 400);
  await alert(page, "not begun in this browser");
  assert.equal(await page.getByText("0900").count(), 0);
  // Nor does the good answer of another browser's sign-in.
  const mallory = await browser();
  const answered = mallory.page.waitForRequest(/\/sign-in\/oidc\/callback\?.*code=/);
  await mallory.page.goto(`${place.url}/sign-in`);
  await enter(mallory.page, "ana");
  const caught = (await answered).url();
  assert.equal((await page.goto(caught)).status(), 400);
  await alert(page, "not begun in this browser");
  await mallory.close();

  // Whoever changes their mind at the provider is told what it said.
  const other = await browser();
  await other.page.goto(`${place.url}/sign-in`);
  await other.page.getByRole("link", BUTTON).click();
  await other.page.getByRole("link", { name: "Cancel" }).click();
  await alert(other.page, "access_denied");
  // Who has no word of the settings is told who they are, and that they may do nothing.
  await enter(other.page, "newcomer");
  await alert(other.page, "newcomer has no role in Trunkline");
  await other.close();

  // A provider that is away is no reason to stop those who are in, and is told of where somebody wants in.
  await page.goto(`${place.url}/sign-in?next=/trunks`);
  await page.getByRole("link", BUTTON).click();
  await page.waitForURL(`${place.url}/trunks`);
  await ask("away");
  assert.equal((await page.goto(`${place.url}/trunks/t1`)).status(), 200);
  const state = await page.request.get(`${place.url}/sign-in/oidc`, { maxRedirects: 0 });
  const back = new URL(state.headers().location ?? place.url).searchParams.get("state");
  if (back) await page.goto(`${place.url}/sign-in/oidc/callback?state=${encodeURIComponent(back)}&code=x&iss=${encodeURIComponent(place.issuer)}`);
  else await page.goto(`${place.url}/sign-in/oidc`);
  await alert(page, "is not to be had");
  await ana.close();
});
