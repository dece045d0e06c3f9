// A host page on another site embeds the start page of the real server with the
// official embedding SDK, unmodified, in Chromium: over HTTPS, with third-party
// cookies as they are and refused. SHOTS names a folder for pictures.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import https from "node:https";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ONSIGHT_BIN ?? path.join(root, "bin/onsight");
const sdk = path.join(path.dirname(createRequire(import.meta.url).resolve("amazon-quicksight-embedding-sdk")), "quicksight-embedding-js-sdk.min.js");
const shots = process.env.SHOTS;
const account = "111122223333";
const deadline = 20_000;

const freePort = () => new Promise((resolve) => {
  const server = createServer();
  server.listen(0, "127.0.0.1", () => { const { port } = server.address(); server.close(() => resolve(port)); });
});

test("a page of another site embeds with the official SDK", async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), "onsight-embed-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test",
    "-addext", "subjectAltName=DNS:bi.onsight.test,DNS:portal.host.test,DNS:evil.other.test", "-keyout", `${dir}/key.pem`, "-out", `${dir}/cert.pem`], { stdio: "ignore" });
  const port = await freePort();
  const bi = `https://bi.onsight.test:${port}`;

  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const child = spawn(binary, ["serve", "-dev", "-dev-subscribe=false", "-listen", `127.0.0.1:${port}`, "-public-url", bi, "-tls-cert", `${dir}/cert.pem`, "-tls-key", `${dir}/key.pem`], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGKILL"); await over; });
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => { if (line.startsWith("onsight: ready on ")) resolve(); });
    over.then((code) => reject(new Error(`onsight did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
  const ca = await readFile(`${dir}/cert.pem`);
  const call = (method, at, body) => new Promise((resolve, reject) => {
    const req = https.request({ host: "127.0.0.1", port, servername: "bi.onsight.test", ca, method, path: at, headers: body ? { "Content-Type": "application/json" } : {} }, (res) => {
      const parts = [];
      res.on("data", (d) => parts.push(d)).on("end", () => {
        const answer = JSON.parse(Buffer.concat(parts).toString() || "{}");
        res.statusCode < 300 ? resolve(answer) : reject(new Error(`${method} ${at}: ${res.statusCode} ${JSON.stringify(answer)}`));
      });
    });
    req.on("error", reject).end(body && JSON.stringify(body));
  });
  await call("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const register = async (name) => (await call("POST", `/accounts/${account}/namespaces/default/users`, { IdentityType: "QUICKSIGHT", Email: `${name}@example.org`, UserRole: "READER", UserName: name })).User.Arn;
  const ana = await register("ana");
  const link = async (user, domains) => (await call("POST", `/accounts/${account}/embed-url/registered-user`, {
    UserArn: user, AllowedDomains: domains, SessionLifetimeInMinutes: 15, ExperienceConfiguration: { QuickSightConsole: { InitialPath: "/start" } },
  })).EmbedUrl;

  // One server is all host sites: what differs is the name that Chromium asks for.
  const page = `<!doctype html><html lang="en"><title>Portal</title><h1>Portal</h1><div id="bi" style="height:460px"></div><script src="/sdk.js"></script>
    <script>addEventListener("load", async () => {
      window.seen = []; window.changes = [];
      const context = await QuickSightEmbedding.createEmbeddingContext({ onChange: (e) => changes.push(e) });
      window.experience = await context.embedConsole(
        { url: new URLSearchParams(location.hash.slice(1)).get("url"), container: "#bi", height: "460px", width: "100%", onChange: (e) => changes.push(e) },
        { onMessage: async (e) => seen.push(e) });
    });</script>`;
  const host = https.createServer({ key: await readFile(`${dir}/key.pem`), cert: ca }, async (req, res) => {
    const script = req.url === "/sdk.js";
    res.setHeader("Content-Type", script ? "text/javascript" : "text/html");
    res.end(script ? await readFile(sdk) : page);
  });
  await new Promise((resolve) => host.listen(0, "127.0.0.1", resolve));
  t.after(() => { host.closeAllConnections(); return new Promise((resolve) => host.close(resolve)); });
  const portal = `https://portal.host.test:${host.address().port}`, evil = `https://evil.other.test:${host.address().port}`;
  if (shots) await mkdir(shots, { recursive: true });

  const open = async (t, ...more) => {
    const browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--ignore-certificate-errors", "--host-resolver-rules=MAP *.test 127.0.0.1", ...more],
      env: { ...process.env, HOME: dir },
    });
    t.after(() => browser.close());
    return (await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1100, height: 640 } })).newPage();
  };
  const embed = async (page, site, url) => {
    await page.goto("about:blank");
    await page.goto(`${site}/#url=${encodeURIComponent(url)}`);
    return page.frameLocator("#bi iframe");
  };
  const shot = async (page, name) => { if (shots) await page.screenshot({ path: path.join(shots, `embed-${name}.png`) }); };
  const told = async (page, name) => {
    await page.waitForFunction((name) => window.seen?.some((e) => e.eventName === name), name, { timeout: deadline });
    return page.evaluate((name) => { const e = window.seen.find((e) => e.eventName === name); return { message: e.message, data: e.data, target: e.eventTarget }; }, name);
  };
  const heading = (frame, name) => frame.getByRole("heading", { level: 1, name }).waitFor({ timeout: deadline });

  for (const [what, flags] of [["cookies", []], ["no-third-party-cookies", ["--test-third-party-cookie-phaseout"]]]) {
    await t.test(`signed in, ${what}`, async (t) => {
      const page = await open(t, ...flags);
      const url = await link(ana, [portal]);
      const frame = await embed(page, portal, url);
      await heading(frame, "Signed in as ana");
      const event = await told(page, "EXPERIENCE_INITIALIZED");
      assert.equal(event.target.experienceType, "CONSOLE");
      assert.equal((await told(page, "PAGE_NAVIGATION")).message.pageType, "START");
      await shot(page, `in-${what}`);
      // What the SDK asks of the frame is answered, though there is nothing to do yet.
      const answer = await page.evaluate(() => window.experience.openDataQnAPane());
      assert.equal(answer.errorCode, "NotSupported");
      // The frame's address has no code any more, and can be loaded again.
      const inner = page.frames().find((f) => f.url().includes("/embedding/"));
      assert.ok(!inner.url().includes("code="), inner.url());
      await inner.evaluate(() => location.reload());
      await inner.waitForLoadState();
      await heading(frame, "Signed in as ana");

      // Without the cookie, the page goes on by the token in its memory.
      await page.context().clearCookies();
      const looked = page.waitForResponse((res) => res.url().endsWith("/me"), { timeout: deadline });
      await page.frames().find((f) => f.url().includes("/embedding/")).evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
      assert.equal((await looked).status(), 200);

      const again = await embed(page, portal, url);
      await heading(again, "This address was used before");
      const refused = await told(page, "ERROR_OCCURRED");
      assert.deepEqual([refused.message.errorCode, refused.data.reason], ["Forbidden", "CODE_USED"]);
      await shot(page, `used-${what}`);
    });
  }

  await t.test("a site that may not", async (t) => {
    const page = await open(t);
    const url = await link(ana, [portal]);
    const frame = await embed(page, evil, url);
    await heading(frame, "This site may not show the page");
    await shot(page, "foreign");
    assert.deepEqual(await page.evaluate(() => window.seen), []);
    // One that says it is another site is held back by the browser.
    const lies = await link(ana, [portal]);
    await page.route(`${evil}/lie`, (route) => route.fulfill({ contentType: "text/html", body: `<iframe id="f" src="${lies}&punyCodeEmbedOrigin=${encodeURIComponent(portal + "/-")}"></iframe>` }));
    await page.goto(`${evil}/lie`);
    const end = Date.now() + deadline;
    while (!page.frames().some((f) => f.url().startsWith("chrome-error:"))) {
      assert.ok(Date.now() < end, `the frame is shown: ${page.frames().map((f) => f.url())}`);
      await page.waitForTimeout(50);
    }
    // The code was not used up by the honest one.
    await heading(await embed(page, portal, url), "Signed in as ana");
  });

  await t.test("in the web view of an app, as the page itself", async (t) => {
    const page = await open(t);
    await page.setViewportSize({ width: 375, height: 740 });
    const url = await link(ana, [portal]);
    await page.goto(url);
    await heading(page, "Signed in as ana");
    assert.ok(!page.url().includes("code="), page.url());
    assert.ok(!await page.evaluate(() => document.documentElement.scrollWidth > innerWidth), "the page is wider than a phone");
    await shot(page, "web-view");
    await page.reload();
    await heading(page, "Signed in as ana");
    const other = await open(t);
    await other.goto(url);
    await heading(other, "This address was used before");
  });

  await t.test("who is deactivated is out at once", async (t) => {
    const page = await open(t);
    const bea = await register("bea");
    const frame = await embed(page, portal, await link(bea, [portal]));
    await heading(frame, "Signed in as bea");
    await call("POST", `/_onsight/accounts/${account}/people/namespaces/default/users/bea/deactivate`, {});
    await page.frames().find((f) => f.url().includes("/embedding/")).evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await heading(frame, "Your session has ended");
    assert.equal((await told(page, "ERROR_OCCURRED")).message.errorCode, "Unauthorized");
    await shot(page, "ended");
  });
});
