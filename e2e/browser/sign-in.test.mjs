// People sign in: every page of the real server in Chromium, with letters read
// from a real SMTP server. axe looks at each page; SHOTS names a folder for
// pictures of all, wide and narrow, light and dark.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";
import { SMTPServer } from "smtp-server";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ONSIGHT_BIN ?? path.join(root, "bin/onsight");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.SHOTS;
const account = "111122223333";
const first = "Correct7horse-staple";
const second = "Battery+mountain-42";
const third = "Harbour,lantern!91";

/** A mail server that keeps what it is given, and hands letters out one by one. */
async function postOffice(t) {
  const letters = [], waiting = [];
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const parts = [];
      stream.on("data", (d) => parts.push(d));
      stream.on("end", () => {
        const text = Buffer.concat(parts).toString().replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, h) => String.fromCharCode(parseInt(h, 16)));
        const letter = { to: session.envelope.rcptTo.map((r) => r.address), text };
        const next = waiting.shift();
        next ? next(letter) : letters.push(letter);
        done();
      });
    },
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return {
    port: server.server.address().port,
    next: () => letters.length ? Promise.resolve(letters.shift()) : new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error("no letter within 10 seconds")), 10_000);
      waiting.push((letter) => { clearTimeout(late); resolve(letter); });
    }),
  };
}

/** Starts a server that checks no signatures: the pages are what is tested here. */
async function start(t, ...flags) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const child = spawn(binary, ["serve", "-dev", "-dev-subscribe=false", "-listen", "127.0.0.1:0", ...flags], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGKILL"); await over; });
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("onsight: ready on ")) resolve(line.slice("onsight: ready on ".length));
    });
    over.then((code) => reject(new Error(`onsight did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
  return url;
}

test("people sign in", async (t) => {
  const mail = await postOffice(t);
  const url = await start(t, "-smtp-url", `smtp://127.0.0.1:${mail.port}`, "-smtp-from", "Onsight <onsight@example.org>");
  const call = async (method, at, body) => {
    const res = await fetch(url + at, { method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {} });
    const answer = await res.json();
    assert.ok(res.ok, `${method} ${at}: ${res.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  await call("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const people = `/accounts/${account}/namespaces/default/users`;
  const register = async (name) => (await call("POST", people, { IdentityType: "QUICKSIGHT", Email: `${name}@example.org`, UserRole: "AUTHOR", UserName: name })).UserInvitationUrl;

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
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.on("console", (m) => { if (m.type() === "error" && !/status of (4|5)\d\d/.test(m.text())) assert.fail(`the console says: ${m.text()}`); });
    return page;
  };
  const seen = new Set();
  /** Looks at a page: its heading, its weight, axe, and a picture in four ways. */
  const look = async (page, heading, name) => {
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor({ timeout: 5000 });
    assert.equal(await page.locator("h1").count(), 1);
    const weight = await page.evaluate(() => new Blob([document.documentElement.outerHTML]).size +
      performance.getEntriesByType("resource").reduce((sum, r) => sum + (r.decodedBodySize || 0), 0));
    assert.ok(weight < 40_000, `${name} weighs ${weight} bytes`);
    if (seen.has(name)) return;
    seen.add(name);
    for (const scheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme: scheme });
      for (const width of [1280, 375]) {
        await page.setViewportSize({ width, height: width === 375 ? 740 : 800 });
        if (shots) await page.screenshot({ path: path.join(shots, `${name}-${width}-${scheme}.png`), fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        assert.ok(!wide, `${name} is wider than ${width} pixels`);
      }
      // The policy keeps scripts out, so axe comes by the debugger.
      await page.evaluate(await axeSource());
      const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      const faults = found.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => n.html + " " + n.failureSummary).join("\n    ")}`);
      assert.deepEqual(faults, [], `${name} (${scheme})`);
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  let source;
  const axeSource = async () => (source ??= await (await import("node:fs/promises")).readFile(axe, "utf8"));
  const problem = (page) => page.getByRole("alert");
  const setPassword = async (page, password, button) => {
    await page.getByLabel("New password", { exact: true }).fill(password);
    await page.getByLabel("New password once more").fill(password);
    await page.getByRole("button", { name: button }).click();
  };
  const signIn = async (page, user, password) => {
    await page.goto(url + "/signin");
    await page.getByLabel("Account name").fill("acme");
    await page.getByRole("button", { name: "Continue" }).click();
    await page.getByLabel("User name").fill(user);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  };

  const invitation = await register("ana");
  const ana = await person();

  await t.test("an invitation is answered with a password", async () => {
    const res = await ana.goto(invitation);
    const csp = res.headers()["content-security-policy"];
    assert.match(csp, /default-src 'none'.*form-action 'self'.*frame-ancestors 'none'/);
    assert.doesNotMatch(csp, /unsafe/);
    assert.equal(res.headers()["cache-control"], "no-store");
    await look(ana, "Welcome", "invitation");
    await setPassword(ana, "password", "Create account and sign in");
    await problem(ana).waitFor();
    assert.ok(await problem(ana).evaluate((e) => e === document.activeElement), "the problem has the focus");
    await look(ana, "Welcome", "invitation-problem");
    await problem(ana).getByRole("link").click();
    assert.equal(await ana.evaluate(() => document.activeElement.id), "new-password");
    await setPassword(ana, first, "Create account and sign in");
    await look(ana, "Your account", "account");
  });

  await t.test("a link that was used is dead", async () => {
    const page = await person();
    await page.goto(invitation);
    await look(page, "This link doesn't work any more", "dead-link");
  });

  await t.test("out and in again, by the keyboard alone", async () => {
    await ana.getByRole("button", { name: "Sign out" }).first().click();
    await look(ana, "You are signed out", "signed-out");
    await ana.goto(url + "/signin/you");
    await look(ana, "Sign in", "account-name");
    await ana.keyboard.type("acme");
    await ana.keyboard.press("Enter");
    await look(ana, "Sign in", "sign-in");
    await ana.keyboard.type("ana");
    await ana.keyboard.press("Tab");
    await ana.keyboard.type("not " + first);
    await ana.keyboard.press("Enter");
    await problem(ana).waitFor();
    await look(ana, "Sign in", "sign-in-problem");
    assert.equal(await ana.getByLabel("User name").inputValue(), "ana");
    await ana.getByLabel("Password", { exact: true }).fill(first);
    await ana.keyboard.press("Enter");
    await look(ana, "Your account", "account");
  });

  const other = await person();
  await t.test("a change of the password ends other sessions", async () => {
    await signIn(other, "ana", first);
    await look(other, "Your account", "two-sessions");
    await ana.getByRole("link", { name: "Change password" }).click();
    await look(ana, "Change your password", "change-password");
    await ana.getByLabel("Current password", { exact: true }).fill(first);
    await setPassword(ana, second, "Change password");
    await look(ana, "Your account", "password-changed");
    await ana.getByText("Your password is changed").waitFor();
    await other.goto(url + "/signin/you");
    await look(other, "Sign in", "account-name");
  });

  await t.test("one session ends another", async () => {
    await signIn(other, "ana", second);
    await look(other, "Your account", "two-sessions");
    await ana.reload();
    await ana.getByRole("listitem").filter({ hasNotText: "This browser" }).getByRole("button", { name: /^Sign out:/ }).click();
    await look(ana, "Your account", "session-ended");
    await other.reload();
    await look(other, "Sign in", "account-name");
  });

  await t.test("a forgotten password is chosen anew by a letter", async () => {
    const ask = async () => {
      await other.goto(url + "/signin?account=acme");
      await other.getByRole("link", { name: "Forgot your password?" }).click();
      await look(other, "Forgotten password", "forgotten");
      await other.getByLabel("User name").fill("ana");
      await other.getByRole("button", { name: "Send the link" }).click();
      await look(other, "Look into your e-mail", "letter-sent");
      const letter = await mail.next();
      assert.deepEqual(letter.to, ["ana@example.org"]);
      assert.match(letter.text, /Subject: Choose a new password for acme/);
      return letter.text.match(/http:\/\/\S+?\/signin\/reset\?[^\s"<]+/)[0].replaceAll("&amp;", "&");
    };
    const before = await ask();
    const link = await ask();
    await other.goto(before);
    await look(other, "This link doesn't work any more", "dead-link");
    await other.goto(link);
    await look(other, "Choose a new password", "reset");
    await setPassword(other, third, "Save and sign in");
    await look(other, "Your account", "account");
    await ana.reload();
    await look(ana, "Sign in", "account-name");
    await other.goto(link);
    await look(other, "This link doesn't work any more", "dead-link");
  });

  await t.test("an invitation comes by mail, in German, and replaces the one before", async () => {
    const old = await register("bea");
    await call("POST", `/_onsight/accounts/${account}/namespaces/default/users/bea/invitation`, { SendMail: true, Language: "de" });
    const letter = await mail.next();
    assert.match(letter.text, /Subject: Ihre Einladung zu acme/);
    const bea = await person({ locale: "de-DE" });
    await bea.goto(old);
    await look(bea, "Dieser Link gilt nicht mehr", "dead-link-de");
    await bea.goto(letter.text.match(/http:\/\/\S+?\/inviteuser\?token=[\w-]+/)[0]);
    await look(bea, "Willkommen", "invitation-de");
    await bea.getByRole("link", { name: "English" }).click();
    await look(bea, "Welcome", "invitation");
    await setPassword(bea, first, "Create account and sign in");
    await look(bea, "Your account", "account");
    await bea.getByRole("link", { name: "Deutsch" }).click();
    await look(bea, "Ihr Konto", "account-de");
  });

  await t.test("too many attempts", async () => {
    const page = await person();
    for (let i = 0; i < 5; i++) {
      await signIn(page, "nobody", "Wrong-password-" + i);
      await problem(page).waitFor();
    }
    await signIn(page, "nobody", "Wrong-password-6");
    await look(page, "Too many attempts", "locked");
    await page.goto(url + "/signin/nowhere");
    await look(page, "There is no such page", "absent");
  });
});
