// An identity centre provisions people by SCIM, and they come by its
// application, a certified OpenID Connect provider, in Chromium. axe looks at
// each page; SHOTS names a folder for pictures.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { caller, freePort, looker, people, start } from "./pages.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const account = "111122223333";

/** Starts the provider, and gives its address. */
async function startProvider(t) {
  const child = spawn(path.join(root, "e2e/oidc/start.sh"), [], { stdio: ["ignore", "pipe", "inherit"] });
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGKILL"); await over; });
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^ready on (http:\S+)$/.exec(line);
      if (ready) resolve(ready[1]);
    });
    over.then((code) => reject(new Error(`the provider did not start: ${code}`)));
  });
}

test("people of an identity centre", async (t) => {
  const port = await freePort(), url = `http://127.0.0.1:${port}`;
  await start(t, "-listen", `127.0.0.1:${port}`, "-identity-provider-loopback");
  const issuer = await startProvider(t);
  const call = caller(url);
  await call("POST", `/account/${account}`, {
    AccountName: "acme", AuthenticationMethod: "IAM_IDENTITY_CENTER", NotificationEmail: "admin@example.org", AdminGroup: ["admins"], ReaderGroup: ["readers"],
  });
  const { Token, Endpoint } = await call("POST", `/_onsight/accounts/${account}/scim/tokens`, { Name: "acme-id" });
  /** Provisions, as the centre does. */
  const scim = async (method, at, body) => {
    const res = await fetch(Endpoint + at, { method, headers: { Authorization: `Bearer ${Token}`, "Content-Type": "application/scim+json" }, body: body && JSON.stringify(body) });
    const text = await res.text();
    assert.ok(res.ok, `${method} ${at}: ${res.status} ${text}`);
    return text ? JSON.parse(text) : undefined;
  };
  const addUser = async (name) => (await scim("POST", "/Users", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"], userName: `${name}@acme.example`, externalId: name, emails: [{ value: `${name}@acme.example`, primary: true }],
  })).id;
  const addGroup = async (name, ...ids) => (await scim("POST", "/Groups", {
    schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName: name, members: ids.map((value) => ({ value })),
  })).id;
  const patch = (at, op, attribute, value) => scim("PATCH", at, {
    schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations: [{ op, path: attribute, value }],
  });

  const person = await people(t);
  const look = looker();
  /** Goes by the account's name to the centre, and signs in there. */
  const come = async (page, name) => {
    await page.goto(`${url}/signin`);
    await page.getByLabel("Account name").fill("acme");
    await page.getByRole("button", { name: "Continue" }).click();
    await atCentre(page, name);
  };
  const atCentre = async (page, name) => {
    await page.locator('input[name="login"]').fill(name);
    await page.locator('input[name="password"]').fill("any");
    await page.locator('button[type="submit"]').click();
    await page.getByRole("button", { name: "Continue" }).click();
  };
  const main = (page) => page.locator("main").innerText();
  let ana, readers, signedIn;

  await t.test("before the application is set up, the page says so", async () => {
    const page = await person();
    await page.goto(`${url}/signin?account=acme`);
    await look(page, "Sign in", "centre-none");
    assert.match(await main(page), /nobody has set that up here yet/);
    assert.equal(await page.locator('input[type="password"]').count(), 0);
    const made = await call("POST", `/_onsight/accounts/${account}/federation/providers`,
      { ProviderId: "centre", Name: "Acme ID", Issuer: issuer, ClientId: "onsight", Contact: "it-help@acme.example" });
    assert.equal(made.Provider.RedirectUri, `${url}/signin/oidc/${account}/centre/done`);
  });

  await t.test("who was not provisioned is told whom to ask", async () => {
    const page = await person();
    await come(page, "ana");
    await look(page, "You are not a user here yet", "centre-unknown");
    assert.match(await main(page), /acme[^]*it-help@acme\.example/);
    await page.getByRole("link", { name: "Go to sign-in" }).click();
    await look(page, "Sign in", "centre-sign-in");
    assert.equal(await page.locator('input[type="password"]').count(), 0);
  });

  await t.test("who is in no group that has a role is told so", async () => {
    ana = await addUser("ana");
    const page = await person();
    await come(page, "ana");
    await look(page, "You have no access yet", "centre-roleless");
  });

  await t.test("in a group of readers, ana is one", async () => {
    readers = await addGroup("readers", ana);
    signedIn = await person();
    await come(signedIn, "ana");
    await look(signedIn, "Your account", "centre-you");
    assert.match(await main(signedIn), /ana@acme\.example[^]*Reader/);
  });

  await t.test("in another group, it is another role with the next page", async () => {
    const admins = await addGroup("admins", ana);
    await signedIn.reload();
    assert.match(await main(signedIn), /Administrator/);
    await patch(`/Groups/${admins}`, "replace", "members", []);
    await signedIn.reload();
    assert.match(await main(signedIn), /Reader/);
  });

  await t.test("put out of use at the centre, ana is signed out and does not come in", async () => {
    await patch(`/Users/${ana}`, "replace", "active", false);
    await signedIn.reload();
    await signedIn.getByLabel("Account name").waitFor();
    const page = await person();
    await come(page, "ana");
    await look(page, "Your user is out of use", "centre-inactive");
    await patch(`/Users/${ana}`, "replace", "active", true);
    await page.getByRole("link", { name: "Go to sign-in" }).click();
    await page.getByRole("link", { name: "Sign in with Acme ID" }).click();
    await page.getByRole("button", { name: "Continue" }).click(); // the centre knows ana still, and asks whether that is meant
    await look(page, "Your account", "centre-you");
  });

  await t.test("the centre's portal begins by itself", async () => {
    const page = await person();
    await page.goto(`${url}/signin/oidc/${account}/centre/initiate?iss=${encodeURIComponent(issuer)}`);
    await atCentre(page, "ana");
    await look(page, "Your account", "centre-you");
  });

  await t.test("somebody else at the centre is nobody here, whatever their address", async () => {
    const page = await person();
    await come(page, "ana@acme.example");
    await look(page, "You are not a user here yet", "centre-unknown");
  });

  await t.test("deleted at the centre, ana is gone", async () => {
    const page = await person();
    await come(page, "ana");
    await look(page, "Your account", "centre-you");
    await scim("DELETE", `/Users/${ana}`);
    await page.reload();
    await page.getByLabel("Account name").waitFor();
    assert.ok(readers);
  });

  await t.test("in German", async () => {
    const page = await person({ locale: "de-DE" });
    await page.goto(`${url}/signin?account=acme&here=1`);
    await look(page, "Anmelden", "centre-sign-in-de");
    assert.match(await main(page), /Mit Acme ID anmelden[^]*Identitätszentrum/);
  });
});
