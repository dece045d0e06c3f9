// People come from the portal of a SAML identity provider: the real one of
// e2e/saml, on another site than the server, in Chromium. axe looks at each page;
// SHOTS names a folder for pictures.

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
const provider = `arn:aws:iam::${account}:saml-provider/Portal`;
const role = (name) => `arn:aws:iam::${account}:role/${name}`;

/** Starts a program, and gives the address that it says it is ready on. */
async function start(t, command, args) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGKILL"); await over; });
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /ready on (http:\S+)$/.exec(line);
      if (ready) resolve(ready[1]);
    });
    over.then((code) => reject(new Error(`${command} did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
}

test("people come with SAML", async (t) => {
  const url = await start(t, binary, ["serve", "-dev", "-dev-subscribe=false", "-listen", "127.0.0.1:0"]);
  const idp = await start(t, path.join(root, "e2e/saml/start.sh"), []);
  const call = async (at, init) => {
    const res = await fetch(url + at, init), text = await res.text();
    assert.ok(res.ok, `${at}: ${res.status} ${text}`);
    return text;
  };
  const json = (method, at, body) => call(at, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });
  const iam = (fields) => call("/", { method: "POST", body: new URLSearchParams({ Version: "2010-05-08", ...fields }) });
  await json("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  await iam({ Action: "CreateSAMLProvider", Name: "Portal", SAMLMetadataDocument: await (await fetch(`${idp}/metadata`)).text() });
  const policy = (statement) => JSON.stringify({ Version: "2012-10-17", Statement: statement });
  for (const [name, action] of [["Readers", "CreateReader"], ["Authors", "CreateUser"], ["Nobody", ""]]) {
    await iam({ Action: "CreateRole", RoleName: name, AssumeRolePolicyDocument: policy({ Effect: "Allow", Principal: { Federated: provider }, Action: ["sts:AssumeRoleWithSAML", "sts:TagSession"] }) });
    if (action) {
      await iam({ Action: "PutRolePolicy", RoleName: name, PolicyName: "users", PolicyDocument: policy({ Effect: "Allow", Action: `quicksight:${action}`, Resource: `arn:aws:quicksight::${account}:user/\${aws:userid}` }) });
    }
  }

  const profile = await mkdtemp(path.join(tmpdir(), "onsight-chromium-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
    env: { ...process.env, HOME: profile },
  });
  t.after(async () => { await browser.close(); await rm(profile, { recursive: true, force: true }); });
  if (shots) await mkdir(shots, { recursive: true });
  const person = async (options = {}) => {
    const page = await (await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options })).newPage();
    page.on("console", (m) => { if (m.type() === "error" && !/status of (4|5)\d\d/.test(m.text())) assert.fail(`the console says: ${m.text()}`); });
    return page;
  };
  /** Looks at a page: its heading, its weight, axe, its width, and a picture in four ways. */
  const look = async (page, heading, name) => {
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor({ timeout: 5000 });
    const weight = await page.evaluate(() => new Blob([document.documentElement.outerHTML]).size +
      performance.getEntriesByType("resource").reduce((sum, r) => sum + (r.decodedBodySize || 0), 0));
    assert.ok(weight < 40_000, `${name} weighs ${weight} bytes`);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const width of [1280, 375]) {
        await page.setViewportSize({ width, height: width === 375 ? 740 : 800 });
        if (shots) await page.screenshot({ path: path.join(shots, `saml-${name}-${width}-${scheme}.png`), fullPage: true });
        assert.ok(!await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), `${name} is wider than ${width} pixels`);
      }
      await page.evaluate(await readFile(axe, "utf8")); // by the debugger: the policy keeps scripts out
      const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.help} ${v.nodes.map((n) => n.html)}`), [], `${name} (${scheme})`);
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  /** Goes to the portal, which is another site, and presses its button. */
  const arrive = async (page, user, roles, more = {}) => {
    const q = new URLSearchParams({ user, to: `${url}/saml`, ...more });
    for (const name of roles) q.append("role", `${role(name)},${provider}`);
    await page.goto(`${idp.replace("127.0.0.1", "localhost")}/portal?${q}`);
    await page.getByRole("button").click();
  };

  await t.test("straight in, with one role", async () => {
    const page = await person();
    await arrive(page, "ana@example.org", ["Authors"], { email: "ana@example.org", relay: `${url}/signin/you?from=portal` });
    await look(page, "Your account", "account");
    assert.equal(page.url(), `${url}/signin/you?from=portal`);
    assert.match(await page.locator("main").innerText(), /Authors\/ana@example\.org[\s\S]*Author/);
    const [cookie] = (await page.context().cookies(url)).filter((c) => c.name === "onsight-session");
    assert.ok(cookie.httpOnly && cookie.sameSite === "Lax", JSON.stringify(cookie));
    // The session goes on in the next visit, and a second arrival replaces it.
    await page.goto(`${url}/signin/you`);
    await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
    await arrive(page, "ana@example.org", ["Authors"], { response: "signed" });
    await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
  });

  await t.test("a choice of roles, by the keyboard alone, and an address that is asked for", async () => {
    const page = await person();
    await arrive(page, "bea@example.org", ["Readers", "Authors"], { relay: "https://quicksight.aws.amazon.com" });
    await look(page, "Choose a role", "roles");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("alert").waitFor();
    await look(page, "Choose a role", "roles-problem");
    await page.keyboard.press("Tab"); // to the link in the list of problems
    await page.keyboard.press("Enter");
    await page.getByRole("radio", { name: "Readers" }).focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
    await page.getByLabel(/mail/i).fill("bea@example.org");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
    assert.match(await page.locator("main").innerText(), /Readers\/bea@example\.org[\s\S]*Reader/);
    const users = JSON.parse(await call(`/accounts/${account}/namespaces/default/users`, {})).UserList;
    assert.deepEqual(users.map((u) => [u.UserName, u.Role, u.Email]).filter(([name]) => /ana|bea/.test(name)),
      [["Authors/ana@example.org", "AUTHOR", "ana@example.org"], ["Readers/bea@example.org", "READER", "bea@example.org"]]);
  });

  await t.test("refusals", async () => {
    const page = await person();
    await arrive(page, "cid", ["Nobody"]);
    await look(page, "You have no access yet", "no-access");
    await arrive(page, "cid", []);
    await look(page, "The sign-in did not work", "invalid");
    await arrive(page, "cid", ["Readers"], { audience: "https://other.example.org" });
    await page.getByText("Response does not contain the required audience").waitFor();
    const german = await person({ locale: "de-DE" });
    await german.goto(`${url}/saml`);
    await look(german, "Es gibt nichts zum Anmelden", "none-de");
    await fetch(`${idp}/rotate`, { method: "POST" });
    await arrive(page, "cid", ["Readers"]);
    await page.getByText("Response signature invalid").waitFor();
    assert.deepEqual((await page.context().cookies(url)).filter((c) => c.name === "onsight-session"), []);
  });
});
