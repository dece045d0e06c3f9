// People come by a certified OpenID Connect provider, from the button of our
// page and back, in Chromium. axe looks at each page of ours; SHOTS names a
// folder for pictures.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ONSIGHT_BIN ?? path.join(root, "bin/onsight");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.SHOTS;
const account = "111122223333";

/** Starts a program, and gives the address that it says it is ready on. */
async function start(t, command, args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const over = new Promise((resolve) => child.on("exit", resolve));
  const stop = async () => { child.kill("SIGKILL"); await over; };
  t.after(stop);
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /ready on (http:\S+)$/.exec(line);
      if (ready) resolve(ready[1]);
    });
    over.then((code) => reject(new Error(`${command} did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
  return { url, stop };
}

test("people come with OpenID Connect", async (t) => {
  const { url } = await start(t, binary, ["serve", "-dev", "-dev-subscribe=false", "-listen", "127.0.0.1:0", "-identity-provider-loopback"]);
  const idp = await start(t, path.join(root, "e2e/oidc/start.sh"), []);
  const call = async (at, init) => {
    const res = await fetch(url + at, init), text = await res.text();
    assert.ok(res.ok, `${at}: ${res.status} ${text}`);
    return text;
  };
  const json = async (method, at, body) => JSON.parse(await call(at, { method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {} }));
  const iam = (fields) => call("/", { method: "POST", body: new URLSearchParams({ Version: "2010-05-08", ...fields }) });
  await json("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const issuer = `https://${idp.url.slice("http://".length)}`; // as IAM has it; the server was told that loopback will do
  await iam({ Action: "CreateOpenIDConnectProvider", Url: issuer, "ClientIDList.member.1": "onsight", "ClientIDList.member.2": "onsight-web" });
  const trusted = `arn:aws:iam::${account}:oidc-provider/${idp.url.slice("http://".length)}`;
  const policy = (statement) => JSON.stringify({ Version: "2012-10-17", Statement: statement });
  for (const [name, action] of [["Authors", "CreateUser"], ["Nobody", ""]]) {
    await iam({ Action: "CreateRole", RoleName: name, AssumeRolePolicyDocument: policy({ Effect: "Allow", Principal: { Federated: trusted }, Action: ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"] }) });
    if (action) {
      await iam({ Action: "PutRolePolicy", RoleName: name, PolicyName: "users", PolicyDocument: policy({ Effect: "Allow", Action: `quicksight:${action}`, Resource: `arn:aws:quicksight::${account}:user/\${aws:userid}` }) });
    }
  }
  const provider = (id, name, role, more = {}) => json("POST", `/_onsight/accounts/${account}/federation/providers`,
    { ProviderId: id, Name: name, Issuer: idp.url, ClientId: "onsight", RoleArn: `arn:aws:iam::${account}:role/${role}`, ...more });
  const made = await provider("example", "Example ID", "Authors", { Contact: "it-help@example.org" });
  assert.equal(made.Provider.RedirectUri, `${url}/signin/oidc/${account}/example/done`);
  await provider("sealed", "Sealed ID", "Nobody", { ClientId: "onsight-web", ClientSecret: "of-the-e2e-suites-alone", Contact: "it-help@example.org" });
  const users = async () => (await json("GET", `/accounts/${account}/namespaces/default/users`)).UserList.map((u) => `${u.UserName} ${u.Role} ${u.Email}`).sort();

  const profile = await mkdtemp(path.join(tmpdir(), "onsight-chromium-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
    env: { ...process.env, HOME: profile },
  });
  t.after(async () => { await browser.close(); await rm(profile, { recursive: true, force: true }); });
  if (shots) await mkdir(shots, { recursive: true });
  const axeSource = await readFile(axe, "utf8");

  const person = async () => (await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 } })).newPage();
  const seen = new Set();
  /** Looks at a page: its heading, axe, and a picture in four ways. */
  const look = async (page, heading, name) => {
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor({ timeout: 8000 });
    if (seen.has(name)) return;
    seen.add(name);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const width of [1280, 375]) {
        await page.setViewportSize({ width, height: width === 375 ? 740 : 800 });
        if (shots) await page.screenshot({ path: path.join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
        assert.ok(!await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), `${name} is wider than ${width} pixels`);
      }
      await page.evaluate(axeSource);
      const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => n.html + " " + n.failureSummary).join("\n    ")}`), [], `${name} (${scheme})`);
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  /** Goes from our page to the provider's, and signs in there. */
  const come = async (page, button, name) => {
    await page.goto(`${url}/signin?account=acme`);
    await look(page, "Sign in", "federation-sign-in");
    await page.getByRole("link", { name: `Sign in with ${button}` }).click();
    await page.locator('input[name="login"]').fill(name);
    await page.locator('input[name="password"]').fill("any");
    await page.locator('button[type="submit"]').click();
    await page.getByRole("button", { name: "Continue" }).click();
  };

  await t.test("somebody new becomes an author", async () => {
    const page = await person();
    await come(page, "Example ID", "ana");
    await look(page, "Your account", "federation-you");
    assert.match(await page.locator("main").innerText(), /Authors\/ana[^]*ana@example\.org[^]*Author/);
    assert.deepEqual((await users()).filter((u) => u.startsWith("Authors/")), ["Authors/ana AUTHOR ana@example.org"]);
    const done = page.url();
    await page.goBack().catch(() => {}); // whatever is there, it signs nobody out
    await page.goto(`${url}/signin/you`);
    await look(page, "Your account", "federation-you");
    assert.ok(done.endsWith("/signin/you"));
  });

  await t.test("the second time it is the same user", async () => {
    const page = await person();
    await come(page, "Example ID", "ana");
    await look(page, "Your account", "federation-you");
    assert.equal((await users()).filter((u) => u.startsWith("Authors/")).length, 1);
  });

  await t.test("somebody who is linked is that user", async () => {
    await json("POST", `/accounts/${account}/namespaces/default/users`,
      { IdentityType: "IAM", IamArn: `arn:aws:iam::${account}:role/Authors`, SessionName: "beatrice", Email: "bea@acme.example", UserRole: "ADMIN",
        ExternalLoginFederationProviderType: "CUSTOM_OIDC", CustomFederationProviderUrl: issuer, ExternalLoginId: "bea" });
    const page = await person();
    await come(page, "Example ID", "bea");
    await look(page, "Your account", "federation-you");
    assert.match(await page.locator("main").innerText(), /Authors\/beatrice[^]*bea@acme\.example[^]*Administrator/);
  });

  await t.test("who has no access is told whom to ask, with a sealed client secret", async () => {
    const page = await person();
    await come(page, "Sealed ID", "eve");
    await look(page, "You have no access yet", "federation-no-access");
    assert.match(await page.locator("main").innerText(), /acme[^]*it-help@example\.org/);
    assert.ok(!(await users()).some((u) => u.includes("eve")));
    await page.getByRole("link", { name: "Go to sign-in" }).click();
    await look(page, "Sign in", "federation-sign-in");
  });

  await t.test("who cancels, replays or comes back in another browser starts again", async () => {
    const page = await person();
    await page.goto(`${url}/signin?account=acme`);
    await page.getByRole("link", { name: "Sign in with Example ID" }).click();
    await page.locator('input[name="login"]').waitFor();
    await page.getByText("[ Cancel ]").click();
    await look(page, "You were not let through", "federation-denied");
    const answered = page.url();
    await page.goto(answered);
    await look(page, "Please sign in again", "federation-again");
    const other = await person();
    await other.goto(answered);
    await look(other, "Please sign in again", "federation-again");
  });

  await t.test("a new signing key is no hindrance", async () => {
    await fetch(`${idp.url}/rotate`, { method: "POST" });
    const page = await person();
    await come(page, "Example ID", "carl");
    await look(page, "Your account", "federation-you");
  });

  await t.test("a provider that is down is said to be", async () => {
    await json("POST", `/_onsight/accounts/${account}/federation/providers`,
      { ProviderId: "gone", Name: "Gone ID", Issuer: "http://127.0.0.1:9", ClientId: "onsight", RoleArn: `arn:aws:iam::${account}:role/Authors` });
    const page = await person();
    await page.goto(`${url}/signin?account=acme`);
    const began = Date.now();
    await page.getByRole("link", { name: "Sign in with Gone ID" }).click();
    await look(page, "Your identity provider does not answer", "federation-down");
    assert.ok(Date.now() - began < 8000);
  });
});
