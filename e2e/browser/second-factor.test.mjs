// Second factors: authenticator app, passkeys, recovery codes, in Chromium with
// its virtual authenticator.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import test from "node:test";

import { caller, freePort, looker, people, start } from "./pages.mjs";

const account = "111122223333";
const password = "Correct7horse-staple";

/** The code of an authenticator app, some steps of 30 seconds from now. */
function code(secret, steps = 0) {
  const bits = [...secret.replaceAll(" ", "")].map((c) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac("sha1", key).update(counter).digest();
  return String((mac.readUInt32BE(mac[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

/** An authenticator in a page's browser: a phone that has made sure of its user. */
async function authenticator(page) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("WebAuthn.enable");
  const { authenticatorId } = await cdp.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  return {
    // While nobody is there, what the page asks for waits.
    present: (enabled) => cdp.send("WebAuthn.setAutomaticPresenceSimulation", { authenticatorId, enabled }),
    keys: async () => (await cdp.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
  };
}

test("second factors", async (t) => {
  const port = await freePort();
  const url = `http://localhost:${port}`; // passkeys need a name
  await start(t, "-listen", `127.0.0.1:${port}`, "-public-url", url);
  const call = caller(url);
  await call("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const factors = `/_onsight/accounts/${account}/namespaces/default/users/ana/sign-in/factors`;
  const policy = (p) => call("PUT", `/_onsight/accounts/${account}/sign-in/second-factor`, { Policy: p });
  const register = async (name) => (await call("POST", `/accounts/${account}/namespaces/default/users`,
    { IdentityType: "QUICKSIGHT", Email: `${name}@example.org`, UserRole: "ADMIN", UserName: name })).UserInvitationUrl;
  const person = await people(t);
  const look = looker();
  const ana = await person();
  const problem = (page) => page.getByRole("alert").filter({ hasText: /\S/ });
  const accept = async (page, link) => {
    await page.goto(link);
    await page.getByLabel("New password", { exact: true }).fill(password);
    await page.getByLabel("New password once more").fill(password);
    await page.getByRole("button", { name: "Create account and sign in" }).click();
  };
  const signIn = async (page, user) => {
    await page.goto(url + "/signin?account=acme");
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
  };
  const signOut = async (page) => {
    await page.goto(url + "/signin/you");
    await page.getByRole("button", { name: "Sign out", exact: true }).first().click();
    await look(page, "You are signed out");
  };
  let secret, codes;

  await t.test("an invitation leads through a required factor: an app", async () => {
    await policy("REQUIRED_FOR_ADMINISTRATORS");
    await accept(ana, await register("ana"));
    await look(ana, "Add a second factor", "set-up");
    await ana.goto(url + "/signin/you");
    await look(ana, "Sign in");
    await ana.goto(url + "/signin/factor");
    await ana.getByRole("link", { name: "An authenticator app" }).click();
    await look(ana, "Add an authenticator app", "app");
    await ana.getByText("I can't scan it").click();
    secret = await ana.locator("#secret").innerText();
    await look(ana, "Add an authenticator app", "app-by-hand");
    await ana.getByLabel("Code from the app").fill("12 34 56");
    await ana.getByRole("button", { name: "Confirm" }).click();
    await problem(ana).waitFor();
    await look(ana, "Add an authenticator app", "app-problem");
    assert.equal(await ana.locator("#secret").textContent(), secret, "the picture stays the same");
    await ana.getByLabel("Code from the app").fill(code(secret, -1));
    await ana.keyboard.press("Enter");
    await look(ana, "Keep your recovery codes", "codes");
    codes = await ana.locator("main code").allInnerTexts();
    assert.equal(codes.length, 10);
    await ana.getByRole("link", { name: "I have kept them" }).click();
    await look(ana, "Your account", "you");
  });

  await t.test("the password alone lets nobody in", async () => {
    await signOut(ana);
    await signIn(ana, "ana");
    await look(ana, "One more step", "factor-app");
    await ana.getByLabel("Code from the app").fill(code(secret, -1));
    await ana.keyboard.press("Enter");
    await problem(ana).waitFor();
    await look(ana, "One more step", "factor-problem");
    await ana.getByLabel("Code from the app").fill(code(secret));
    await ana.keyboard.press("Enter");
    await look(ana, "Your account");
  });

  const phone = await authenticator(ana);
  await t.test("a passkey is added", async () => {
    await ana.getByRole("link", { name: "Manage" }).click();
    await look(ana, "Second factor", "factors");
    await ana.getByRole("link", { name: "Add passkey" }).click();
    await look(ana, "Add a passkey", "passkey");
    await ana.getByLabel("Name", { exact: true }).fill("My phone");
    await ana.getByRole("button", { name: "Add passkey" }).click();
    await look(ana, "Second factor", "factors-two");
    await ana.getByText("My phone").waitFor();
    assert.equal((await phone.keys()).length, 1);
    await ana.getByText("Rename", { exact: true }).click();
    await look(ana, "Second factor", "factors-rename");
    await ana.getByLabel("Name", { exact: true }).fill("Telephone");
    await ana.getByRole("button", { name: "Save name" }).click();
    await ana.getByText("The name is saved.").waitFor();
    await ana.getByRole("link", { name: "Add passkey" }).click();
    await ana.getByRole("button", { name: "Add passkey" }).click();
    await problem(ana).filter({ hasText: "There is a passkey for you already" }).waitFor();
    await look(ana, "Add a passkey", "passkey-there");
    await ana.goto(url + "/signin/again");
    await look(ana, "Please confirm that it is you", "again");
  });

  await t.test("a passkey alone signs in", async () => {
    await signOut(ana);
    await ana.goto(url + "/signin");
    await look(ana, "Sign in", "account-name");
    await ana.getByRole("button", { name: "Sign in with a passkey" }).click();
    await look(ana, "Your account");
    await signOut(ana);
    // … and is offered in the field of the user name.
    await ana.goto(url + "/signin?account=acme");
    await look(ana, "Your account");
    await signOut(ana);
  });

  await t.test("a passkey is the second factor", async () => {
    await phone.present(false);
    await signIn(ana, "ana");
    await look(ana, "One more step", "factor-both");
    await phone.present(true);
    await ana.getByRole("button", { name: "Use a passkey" }).click();
    await look(ana, "Your account");
  });

  await t.test("without script there is a hint", async () => {
    const page = await person({ javaScriptEnabled: false });
    await page.goto(url + "/signin?account=acme");
    assert.equal(await page.getByRole("button", { name: "Sign in with a passkey" }).count(), 0);
    await page.getByLabel("User name").fill("ana");
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await page.getByText("Passkeys need JavaScript").waitFor();
    await page.getByLabel("Code from the app").fill(code(secret, 1));
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Your account" }).waitFor();
  });

  await t.test("recovery codes, until few are left", async () => {
    const page = await person();
    const enter = async (c) => {
      await signIn(page, "ana");
      await page.getByRole("link", { name: "Use a recovery code instead" }).click();
      await look(page, "One more step", "recovery");
      await page.getByLabel("Recovery code").fill(c);
      await page.keyboard.press("Enter");
    };
    for (const c of codes.slice(0, 6)) {
      await enter(c);
      await look(page, "Your account");
    }
    await enter(codes[0]);
    await problem(page).waitFor();
    await look(page, "One more step", "recovery-problem");
    await enter(codes[6]);
    await look(page, "Few recovery codes are left", "few");
    await page.getByRole("link", { name: "Later, continue" }).click();
    await look(page, "Your account", "you-few");
    await page.getByRole("link", { name: "Manage" }).click();
    await page.getByRole("button", { name: "Make new codes" }).click();
    await look(page, "Keep your recovery codes", "codes");
  });

  await t.test("a factor is removed, but not the last", async () => {
    await ana.goto(url + "/signin/you/factors");
    await ana.getByRole("button", { name: "Remove: Telephone" }).click();
    await look(ana, "Second factor", "removed");
    await ana.getByText("It is removed").waitFor();
    assert.equal(await ana.getByRole("button", { name: /^Remove/ }).count(), 0, "the last one stays");
    await signOut(ana);
    await ana.goto(url + "/signin");
    await ana.getByRole("button", { name: "Sign in with a passkey" }).click();
    await problem(ana).waitFor();
    await look(ana, "Sign in", "passkey-refused");
  });

  await t.test("an administrator resets, and the person begins anew with a passkey", async () => {
    const other = await person();
    await signIn(other, "ana");
    await other.getByLabel("Code from the app").fill(code(secret, 1));
    await other.getByRole("link", { name: "Use a recovery code" }).waitFor();
    assert.equal((await call("DELETE", factors)).Removed, 1);
    await other.keyboard.press("Enter");
    await look(other, "Please start again", "late");
    await authenticator(other);
    await signIn(other, "ana");
    await look(other, "Add a second factor");
    await other.getByRole("link", { name: "A passkey" }).click();
    await other.getByRole("button", { name: "Add passkey" }).click();
    await look(other, "Keep your recovery codes");
    await other.getByRole("link", { name: "I have kept them" }).click();
    await look(other, "Your account");
    const list = await call("GET", factors);
    assert.deepEqual(list.Factors.map((f) => f.Type), ["PASSKEY"]);
  });

  await t.test("in German, too", async () => {
    await policy("REQUIRED");
    const page = await person({ locale: "de-DE" });
    await page.goto(await register("bea"));
    await page.getByLabel("Neues Passwort", { exact: true }).fill(password);
    await page.getByLabel("Neues Passwort noch einmal").fill(password);
    await page.locator("form button").click();
    await look(page, "Zweiten Faktor hinzufügen", "set-up-de");
    await page.getByRole("link", { name: "Authenticator-App" }).click();
    await look(page, "Authenticator-App hinzufügen", "app-de");
  });
});
