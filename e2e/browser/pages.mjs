// What the suites of pages share: a server, people with browsers, and a look at
// each page. SHOTS names a folder for pictures, wide and narrow, light and dark.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ONSIGHT_BIN ?? path.join(root, "bin/onsight");
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.SHOTS;

/** A port that nobody has. */
export const freePort = () => new Promise((resolve) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

/** Starts a server that checks no signatures: the pages are what is tested here. */
export async function start(t, ...flags) {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const child = spawn(binary, ["serve", "-dev", "-dev-subscribe=false", ...flags], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGKILL"); await over; });
  await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => { if (line.startsWith("onsight: ready on ")) resolve(); });
    over.then((code) => reject(new Error(`onsight did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
}

/** Calls the API of the server at url. */
export const caller = (url) => async (method, at, body) => {
  const res = await fetch(url + at, { method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {} });
  const answer = await res.json();
  assert.ok(res.ok, `${method} ${at}: ${res.status} ${JSON.stringify(answer)}`);
  return answer;
};

/** A browser, which gives each person a context of their own. */
export async function people(t) {
  const profile = await mkdtemp(path.join(tmpdir(), "onsight-chromium-"));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
    env: { ...process.env, HOME: profile },
  });
  t.after(async () => { await browser.close(); await rm(profile, { recursive: true, force: true }); });
  if (shots) await mkdir(shots, { recursive: true });
  return async (options = {}) => {
    const context = await browser.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(8000);
    // What a provider's page loads from the internet is not ours.
    page.on("console", (m) => { if (m.type() === "error" && !/status of (4|5)\d\d|ERR_NAME_NOT_RESOLVED/.test(m.text())) assert.fail(`the console says: ${m.text()}`); });
    return page;
  };
}

/** Gives what looks at a page: its heading, its weight, axe, and a picture in four ways. */
export function looker() {
  const seen = new Set();
  return async (page, heading, name) => {
    await page.getByRole("heading", { level: 1, name: heading, exact: true }).waitFor({ timeout: 8000 });
    assert.equal(await page.locator("h1").count(), 1);
    const weight = await page.evaluate(() => new Blob([document.documentElement.outerHTML]).size +
      performance.getEntriesByType("resource").reduce((sum, r) => sum + (r.decodedBodySize || 0), 0));
    assert.ok(weight < 40_000, `${name} weighs ${weight} bytes`);
    if (!name || seen.has(name)) return;
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
      await page.evaluate(axe);
      const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      const faults = found.violations.map((v) => `${v.id}: ${v.help}\n    ${v.nodes.map((n) => n.html + " " + n.failureSummary).join("\n    ")}`);
      assert.deepEqual(faults, [], `${name} (${scheme})`);
    }
    await page.emulateMedia({ colorScheme: null });
    await page.setViewportSize({ width: 1280, height: 800 });
  };
}
