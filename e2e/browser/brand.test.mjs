// The pages of signing in wear the account's brand: its name, its logo and the
// colour of its buttons, which can be read whatever it is. axe looks at each page
// in light and dark; SHOTS names a folder for pictures.

import assert from "node:assert/strict";
import test from "node:test";

import { caller, freePort, looker, people, start } from "./pages.mjs";

const account = "111122223333";
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 40"><rect width="120" height="40" rx="8" fill="#0a7d5a"/><circle cx="20" cy="20" r="10" fill="#fff"/></svg>`;

test("pages wear a brand", async (t) => {
  const port = await freePort(), url = `http://127.0.0.1:${port}`;
  await start(t, "-listen", `127.0.0.1:${port}`);
  const call = caller(url);
  await call("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const definition = (accent) => ({
    BrandName: "Acme Analytics",
    LogoConfiguration: { AltText: "Acme", LogoSet: { Primary: { Original: { Source: { PublicUrl: `data:image/svg+xml;base64,${Buffer.from(logo).toString("base64")}` } } } } },
    ApplicationTheme: { BrandColorPalette: { Accent: { Background: accent } } },
  });
  const { BrandDetail } = await call("POST", `/accounts/${account}/brands/acme`, { BrandDefinition: definition("#FFE600") });
  await call("PUT", `/accounts/${account}/brandassignments`, { BrandArn: BrandDetail.Arn });
  const person = await people(t);
  const look = looker();

  for (const [name, accent] of [["yellow", "#FFE600"], ["white", "#FFFFFF"], ["black", "#000000"], ["grey", "#777777"], ["green", "#0A7D5A"]]) {
    await t.test(`in ${name}`, async () => {
      const changed = await call("PUT", `/accounts/${account}/brands/acme`, { BrandDefinition: definition(accent) });
      await call("PUT", `/accounts/${account}/brands/acme/publishedversion`, { VersionId: changed.BrandDetail.VersionId });
      const page = await person();
      await page.goto(`${url}/signin?account=acme`);
      await look(page, "Sign in", `brand-${name}`);
      assert.match(await page.title(), /Acme Analytics$/);
      assert.equal(await page.locator("header").innerText(), "Acme Analytics");
      const image = page.locator("header img");
      assert.ok((await image.getAttribute("src")).includes(`/_onsight/brands/${account}/acme/`));
      assert.ok(await image.evaluate((i) => i.complete && i.naturalWidth > 0), "the logo is not shown");
      await page.getByRole("button", { name: "Sign in" }).click();
      await look(page, "Sign in", `brand-${name}-problems`);
      await page.getByRole("link", { name: "Forgotten your password?" }).or(page.getByRole("link", { name: "Forgot your password?" })).click();
      await page.getByRole("heading", { level: 1 }).waitFor();
      assert.equal(await page.locator("header").innerText(), "Acme Analytics");
    });
  }

  await t.test("without it, they are as before", async () => {
    await call("DELETE", `/accounts/${account}/brandassignments`);
    const page = await person();
    await page.goto(`${url}/signin?account=acme`);
    await look(page, "Sign in", "brand-none");
    assert.equal(await page.locator("header").innerText(), "Onsight");
  });
});
