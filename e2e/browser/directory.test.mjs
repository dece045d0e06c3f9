// People of an Active Directory sign in with what they have there: the real
// server, Chromium, and OpenLDAP's slapd with entries as Active Directory has
// them. Who leaves the groups is signed out.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ONSIGHT_BIN ?? path.join(root, "bin/onsight");
const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const shots = process.env.SHOTS;
const account = "111122223333";
const base = "dc=corp,dc=example,dc=org";

const freePort = () => new Promise((resolve) => {
  const s = net.createServer();
  s.listen(0, "127.0.0.1", () => { const { port } = s.address(); s.close(() => resolve(port)); });
});

/** Runs a child until the test ends. */
function run(t, command, args, options) {
  const child = spawn(command, args, options);
  const over = new Promise((resolve) => child.on("exit", resolve));
  const stop = async () => { child.kill("SIGKILL"); await over; };
  t.after(stop);
  return { child, over, stop };
}

/** A directory with ana, who administers by way of two groups. */
async function directory(t) {
  const dir = await mkdtemp(path.join(tmpdir(), "onsight-slapd-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const from = path.join(root, "internal/directory/slapdtest");
  await mkdir(path.join(dir, "data"));
  await copyFile(path.join(from, "ad.schema"), path.join(dir, "ad.schema"));
  const conf = await readFile(path.join(from, "slapd.conf"), "utf8");
  await writeFile(path.join(dir, "slapd.conf"), conf.replaceAll("DIR", dir).replaceAll("MODULES", "/usr/lib/ldap").replaceAll("SCHEMA", "/etc/ldap/schema"));
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=dc1.corp.example.org", "-addext", "subjectAltName=IP:127.0.0.1",
    "-keyout", path.join(dir, "server.key"), "-out", path.join(dir, "server.pem")], { stdio: "ignore" });
  const [ldap, ldaps] = [await freePort(), await freePort()];
  const start = async () => {
    const server = run(t, "/usr/sbin/slapd", ["-d", "0", "-f", path.join(dir, "slapd.conf"), "-h", `ldap://127.0.0.1:${ldap}/ ldaps://127.0.0.1:${ldaps}/`], { stdio: "ignore" });
    for (let i = 0; i < 200; i++) {
      const up = await new Promise((resolve) => {
        const c = net.connect(ldaps, "127.0.0.1", () => { c.destroy(); resolve(true); });
        c.on("error", () => resolve(false));
      });
      if (up) return server;
      await pause(50);
    }
    throw new Error("slapd does not listen");
  };
  const server = await start();
  const modify = (text) => execFileSync("ldapmodify", ["-x", "-H", `ldap://127.0.0.1:${ldap}`, "-D", `cn=root,${base}`, "-w", "root-secret"], { input: text, stdio: ["pipe", "ignore", "inherit"] });
  modify(`dn: ${base}
changetype: add
objectClass: domainDNS
dc: corp

${["people", "groups", "services"].map((ou) => `dn: ou=${ou},${base}\nchangetype: add\nobjectClass: organizationalUnit\nou: ${ou}\n`).join("\n")}
dn: cn=onsight,ou=services,${base}
changetype: add
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: onsight
userPassword: service-secret

dn: cn=ana,ou=people,${base}
changetype: add
objectClass: user
cn: ana
sAMAccountName: ana
userPrincipalName: ana@corp.example.org
mail: ana@example.org
userAccountControl: 512
objectGUID:: ${Buffer.from("GUID-of-the-ana!").toString("base64")}
userPassword: Ana-secret-1

dn: cn=bi-core,ou=groups,${base}
changetype: add
objectClass: group
cn: bi-core
sAMAccountName: bi-core
member: cn=ana,ou=people,${base}

dn: cn=bi-admins,ou=groups,${base}
changetype: add
objectClass: group
cn: bi-admins
sAMAccountName: bi-admins
member: cn=bi-core,ou=groups,${base}
`);
  await writeFile(path.join(dir, "password"), "service-secret\n");
  await writeFile(path.join(dir, "networks.json"), JSON.stringify({ profiles: [{ name: "default", allow: ["127.0.0.0/8"] }] }));
  await writeFile(path.join(dir, "directories.json"), JSON.stringify({ directories: [{
    name: "corp.example.org", urls: [`ldaps://127.0.0.1:${ldaps}`], authorities: "server.pem", bindDN: `cn=onsight,ou=services,${base}`,
    bindPasswordFile: "password", base: [base], timeout: "3s",
  }] }));
  return { flags: ["-directories", path.join(dir, "directories.json"), "-network-profiles", path.join(dir, "networks.json")], modify, stop: server.stop };
}

test("people of an Active Directory sign in", async (t) => {
  const dir = await directory(t);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const { child, over } = run(t, binary, ["serve", "-dev", "-dev-subscribe=false", "-listen", "127.0.0.1:0", ...dir.flags], { env, stdio: ["ignore", "pipe", "pipe"] });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => { if (line.startsWith("onsight: ready on ")) resolve(line.slice("onsight: ready on ".length)); });
    over.then((code) => reject(new Error(`onsight did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
  const call = async (method, at, body) => {
    const res = await fetch(url + at, { method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {} });
    const answer = await res.json();
    assert.ok(res.ok, `${method} ${at}: ${res.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  await call("POST", `/account/${account}`, {
    AccountName: "corp", AuthenticationMethod: "ACTIVE_DIRECTORY", NotificationEmail: "admin@example.org", Edition: "ENTERPRISE",
    ActiveDirectoryName: "corp.example.org", Realm: "CORP.EXAMPLE.ORG", AdminGroup: ["bi-admins"],
  });

  const profile = await mkdtemp(path.join(tmpdir(), "onsight-chromium-"));
  t.after(() => rm(profile, { recursive: true, force: true }));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    env: { ...process.env, HOME: profile },
  });
  t.after(() => browser.close());
  const page = await (await browser.newContext({ locale: "en-GB", bypassCSP: true })).newPage();
  page.setDefaultTimeout(15_000);
  const heading = () => page.locator("h1").innerText();
  const look = async (name) => {
    await page.addScriptTag({ path: axe });
    const { violations } = await page.evaluate(() => axe.run());
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" ")}`), [], `${name}: accessibility`);
    if (!shots) return;
    await mkdir(shots, { recursive: true });
    for (const [size, width] of [["wide", 1280], ["narrow", 360]]) {
      for (const colorScheme of ["light", "dark"]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        await page.screenshot({ path: path.join(shots, `directory-${name}-${size}-${colorScheme}.png`), fullPage: true });
      }
    }
  };
  const enter = async (name, password) => {
    await page.goto(`${url}/signin`);
    if (await page.getByLabel("Account name").count()) {
      await page.getByLabel("Account name").fill("corp");
      await page.getByRole("button").first().click();
    }
    await page.getByLabel("User name").fill(name);
    await page.getByLabel("Password", { exact: true }).fill(password);
    await page.getByRole("button", { name: "Sign in" }).click();
  };

  await enter("ana", "Wrong-secret-1");
  assert.match(await page.locator("main").innerText(), /is not right/);
  await look("wrong");
  await enter("ana", "Ana-secret-1");
  assert.equal(await heading(), "Your account");
  assert.match(await page.locator("main").innerText(), /ana@example\.org[\s\S]*Administrator/);
  await look("you");

  dir.modify(`dn: cn=bi-core,ou=groups,${base}\nchangetype: modify\ndelete: member\nmember: cn=ana,ou=people,${base}\n`);
  const done = await call("POST", `/_onsight/accounts/${account}/directory/refresh`);
  assert.equal(done.Left, 1);
  await page.goto(`${url}/signin/you`);
  assert.equal(await heading(), "Sign in");
  await enter("ana", "Ana-secret-1");
  assert.equal(await heading(), "You can't sign in to this account");
  await look("no-group");

  await dir.stop();
  await enter("ana", "Ana-secret-1");
  assert.equal(await heading(), "Your company's directory does not answer");
  await look("down");
});
