// People connect themselves to a service behind a connector: the pages of the
// real server and a certified authorisation server in Chromium, both behind
// TLS; letters by a real SMTP server. axe looks at each page; SHOTS names a
// folder for pictures.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { SMTPServer } from "smtp-server";

import { caller, freePort, looker, people, start } from "./pages.mjs";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const account = "111122223333", password = "Correct7horse-staple";
const secret = "a secret/with+signs&all"; // of e2e/oidc/service.mjs

/** TLS in front of a port on loopback; gives its address. */
async function inFront(t, tls, port) {
  const server = https.createServer(tls, (req, res) => {
    const headers = { ...req.headers, "x-forwarded-proto": "https", "x-forwarded-host": req.headers.host };
    const on = http.request({ host: "127.0.0.1", port: port(), path: req.url, method: req.method, headers }, (from) => {
      res.writeHead(from.statusCode, from.headers);
      from.pipe(res);
    });
    on.on("error", () => res.destroy());
    req.pipe(on);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return `https://127.0.0.1:${server.address().port}`;
}

/** Starts the authorisation server, and gives its port. */
function startService(t, issuer, redirect) {
  const child = spawn("node", ["service.mjs", issuer, redirect], { cwd: path.join(root, "e2e/oidc"), stdio: ["ignore", "pipe", "inherit"] });
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => { child.kill("SIGKILL"); await over; });
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = /^ready on http:\/\/127\.0\.0\.1:(\d+)$/.exec(line);
      if (ready) resolve(Number(ready[1]));
    });
    over.then((code) => reject(new Error(`the authorisation server did not start: ${code}`)));
  });
}

/** A mail server that gives the next letter. */
async function postOffice(t) {
  let give;
  const next = new Promise((resolve) => { give = resolve; });
  const server = new SMTPServer({
    authOptional: true, disabledCommands: ["STARTTLS"],
    onData(stream, session, done) {
      const parts = [];
      stream.on("data", (d) => parts.push(d));
      stream.on("end", () => {
        const text = Buffer.concat(parts).toString().replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, h) => String.fromCharCode(parseInt(h, 16)));
        give({ to: session.envelope.rcptTo.map((r) => r.address), text });
        done();
      });
    },
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => new Promise((resolve) => server.close(resolve)));
  return { port: server.server.address().port, next };
}

test("people connect themselves", async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), "onsight-connect-"));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [certificate, key] = [path.join(dir, "cert.pem"), path.join(dir, "key.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1", "-subj", "/CN=onsight e2e",
    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], { stdio: "ignore" });
  const tls = { cert: await readFile(certificate), key: await readFile(key) };
  await writeFile(path.join(dir, "profiles.json"), JSON.stringify({ profiles: [{ name: "default", allow: ["127.0.0.1"], authorities: "cert.pem" }] }));

  const port = await freePort();
  let servicePort;
  const url = await inFront(t, tls, () => port), service = await inFront(t, tls, () => servicePort);
  servicePort = await startService(t, service, `${url}/sn/oauthcallback`);
  const mail = await postOffice(t);
  await start(t, "-listen", `127.0.0.1:${port}`, "-public-url", url, "-network-profiles", path.join(dir, "profiles.json"),
    "-smtp-url", `smtp://127.0.0.1:${mail.port}`, "-smtp-from", "Onsight <onsight@example.org>");
  const call = caller(`http://127.0.0.1:${port}`);
  await call("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const invitations = {};
  for (const name of ["ana", "bo"]) {
    const made = await call("POST", `/accounts/${account}/namespaces/default/users`,
      { UserName: name, Email: `${name}@example.org`, IdentityType: "QUICKSIGHT", UserRole: "AUTHOR" });
    invitations[name] = made.UserInvitationUrl;
  }
  const oauth = (details) => ({ BaseEndpoint: service, ...details });
  const client = (id, of) => ({ ClientId: id, ClientSecret: of, TokenEndpoint: `${service}/token` });
  await call("POST", `/accounts/${account}/action-connectors`, {
    ActionConnectorId: "shop", Name: "Acme Shop", Type: "GENERIC_HTTP", AuthenticationConfig: {
      AuthenticationType: "OAUTH2_AUTHORIZATION_CODE", AuthenticationMetadata: { AuthorizationCodeGrantMetadata: oauth({
        RedirectUrl: `${url}/sn/oauthcallback`, AuthorizationCodeGrantCredentialsDetails: { AuthorizationCodeGrantDetails: {
          ...client("people", secret), AuthorizationEndpoint: `${service}/auth?scope=openid%20offline_access&prompt=consent`,
        } },
      }) },
    },
    Permissions: ["ana", "bo"].map((name) => ({
      Principal: `arn:aws:quicksight:us-east-1:${account}:user/default/${name}`, Actions: ["quicksight:DescribeActionConnector"],
    })),
  });

  const person = await people(t);
  const look = looker();
  const main = (page) => page.locator("main").innerText();
  const enter = async (name) => {
    const page = await person({ ignoreHTTPSErrors: true });
    await page.goto(invitations[name]);
    await page.getByLabel("New password", { exact: true }).fill(password);
    await page.getByLabel("New password once more").fill(password);
    await page.getByRole("button").last().click();
    await page.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
    return page;
  };
  const atService = async (page, name) => {
    await page.locator('input[name="login"]').fill(name);
    await page.locator('input[name="password"]').fill("any");
    await page.locator('button[type="submit"]').click();
    await page.getByRole("button", { name: "Continue" }).click();
  };
  let ana;

  await t.test("the account's page offers it", async () => {
    ana = await enter("ana");
    await look(ana, "Your account", "connect-none");
    assert.match(await main(ana), /Acme Shop[^]*You are not signed in there/);
  });

  await t.test("who refuses at the service is told so", async () => {
    await ana.getByRole("button", { name: "Sign in: Acme Shop" }).click();
    await look(ana, "Connect to Acme Shop", "connect-ask");
    assert.match(await main(ana), /for the user ana/);
    await ana.getByRole("button", { name: "Go on to the service" }).click();
    await ana.getByRole("link", { name: /Cancel/ }).click();
    await look(ana, "You are not connected", "connect-refused");
    assert.match(await main(ana), /You did not agree at the service[^]*access_denied/);
    assert.doesNotMatch(ana.url(), /state=|error=/);
    await ana.getByRole("link", { name: "Deutsch" }).click();
    await look(ana, "Sie sind nicht verbunden", "connect-refused-de");
    await ana.getByRole("link", { name: "English" }).click();
  });

  await t.test("who agrees is connected", async () => {
    await ana.goto(`${url}/signin/you`);
    await ana.getByRole("button", { name: "Sign in: Acme Shop" }).click();
    await ana.getByRole("button", { name: "Go on to the service" }).click();
    await atService(ana, "ana-there");
    await look(ana, "You are connected", "connect-done");
    assert.doesNotMatch(ana.url(), /code=|state=/);
    await ana.reload();
    await look(ana, "You are connected");
    await ana.getByRole("link", { name: "Go to your account" }).click();
    await look(ana, "Your account", "connect-you");
    assert.match(await main(ana), /Acme Shop\s+connected since/);
  });

  await t.test("a link that is used up, and one of somebody else", async () => {
    await ana.goto(`${url}/sn/oauthcallback?state=used-up&code=x`);
    await look(ana, "You are not connected", "connect-expired");
    assert.match(await main(ana), /took longer than ten minutes/);
    await ana.goto(`${url}/signin/you`);
    await ana.getByRole("button", { name: "Disconnect Acme Shop" }).click();
    await ana.getByText("The service is disconnected.").waitFor();
    await ana.getByRole("button", { name: "Sign in: Acme Shop" }).click();
    await look(ana, "Connect to Acme Shop");
    const link = ana.url();
    // Bo signs in with the same browser.
    await ana.goto(`${url}/signin/you`);
    await ana.getByRole("button", { name: "Sign out", exact: true }).first().click();
    await ana.goto(invitations.bo);
    await ana.getByLabel("New password", { exact: true }).fill(password);
    await ana.getByLabel("New password once more").fill(password);
    await ana.getByRole("button").last().click();
    await ana.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
    await ana.goto(link);
    await look(ana, "You are not connected", "connect-another");
    assert.match(await main(ana), /begun by ana, and somebody else is signed in/);
  });

  await t.test("whose client the service refuses is written to", async () => {
    await call("POST", `/accounts/${account}/action-connectors`, {
      ActionConnectorId: "robot", Name: "Acme Robot", Type: "GENERIC_HTTP", AuthenticationConfig: {
        AuthenticationType: "OAUTH2_CLIENT_CREDENTIALS", AuthenticationMetadata: { ClientCredentialsGrantMetadata: oauth({
          ClientCredentialsDetails: { ClientCredentialsGrantDetails: client("robot", "not the secret") },
        }) },
      },
    });
    const res = await fetch(`http://127.0.0.1:${port}/_onsight/accounts/${account}/action-connectors/robot/actions/HttpGet/invoke`,
      { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" });
    assert.equal(res.status, 424);
    const letter = await mail.next;
    assert.deepEqual(letter.to, ["admin@example.org"]);
    assert.match(letter.text, /Subject: The service refuses the connector Acme Robot[^]*invalid_client[^]*make a new secret/);
  });
});
