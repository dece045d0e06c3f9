// A person lets an AI agent act for them, in Chromium: sign-in on the way,
// consent, back to the agent with a code that it exchanges; what they have
// allowed, and personal tokens. axe looks at each page; SHOTS names a folder
// for pictures.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { createServer } from "node:http";
import test from "node:test";

import { caller, freePort, looker, people, start } from "./pages.mjs";

const account = "111122223333", password = "Correct7horse-staple";

/** An agent's own page on this computer; gives its address, and what it was sent next. */
async function callback(t) {
  let give;
  const server = createServer((req, res) => {
    const { pathname, searchParams } = new URL(req.url, "http://localhost");
    res.end("<!doctype html><title>agent</title>Back to the agent.");
    if (pathname === "/callback") give?.(searchParams);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { address: `http://127.0.0.1:${server.address().port}/callback`, next: () => new Promise((resolve) => { give = resolve; }) };
}

test("a person lets an agent act for them", async (t) => {
  const port = await freePort(), url = `http://127.0.0.1:${port}`;
  await start(t, "-listen", `127.0.0.1:${port}`);
  const call = caller(url), look = looker(), person = await people(t), back = await callback(t);
  await call("POST", `/account/${account}`, { AccountName: "acme", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "admin@example.org" });
  const { UserInvitationUrl } = await call("POST", `/accounts/${account}/namespaces/default/users`,
    { IdentityType: "QUICKSIGHT", Email: "ana@example.org", UserRole: "AUTHOR", UserName: "ana" });
  await call("POST", `/accounts/${account}/action-connectors`, {
    ActionConnectorId: "tickets", Name: "Tickets", Type: "GENERIC_HTTP",
    AuthenticationConfig: { AuthenticationType: "NONE", AuthenticationMetadata: { NoneConnectionMetadata: { BaseEndpoint: "https://tickets.invalid" } } },
    Permissions: [{ Principal: `arn:aws:quicksight:us-east-1:${account}:user/default/ana`, Actions: ["quicksight:DescribeActionConnector"] }],
  });

  const ana = await person();
  await ana.goto(UserInvitationUrl);
  await ana.getByLabel("New password", { exact: true }).fill(password);
  await ana.getByLabel("New password once more").fill(password);
  await ana.getByRole("button", { name: "Create account and sign in" }).click();
  await ana.getByRole("heading", { level: 1, name: "Your account" }).waitFor();
  await ana.getByRole("button", { name: "Sign out" }).first().click();
  await ana.getByRole("heading", { level: 1, name: "You are signed out" }).waitFor();

  // What an agent reads and does by itself.
  const challenged = await fetch(`${url}/mcp`, { method: "POST", body: "{}" });
  assert.equal(challenged.status, 401);
  const resource = await (await fetch(/resource_metadata="([^"]*)"/.exec(challenged.headers.get("www-authenticate"))[1])).json();
  const server = await (await fetch(`${resource.authorization_servers[0]}/.well-known/oauth-authorization-server`)).json();
  const registered = await (await fetch(server.registration_endpoint, {
    method: "POST", headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_name: "Desk <b>agent</b>", redirect_uris: [back.address], token_endpoint_auth_method: "none" }),
  })).json();
  const begin = () => {
    const verifier = randomBytes(32).toString("base64url");
    const challenge = createHash("sha256").update(verifier).digest("base64url");
    return { verifier, address: `${server.authorization_endpoint}?${new URLSearchParams({
      response_type: "code", client_id: registered.client_id, redirect_uri: back.address, state: "s1",
      code_challenge: challenge, code_challenge_method: "S256", resource: resource.resource, scope: "tools",
    })}` };
  };
  const exchange = (code, verifier) => fetch(server.token_endpoint, { method: "POST", body: new URLSearchParams({
    grant_type: "authorization_code", code, code_verifier: verifier, client_id: registered.client_id, redirect_uri: back.address, resource: resource.resource,
  }) });
  const ask = (token, method, params = {}) => fetch(resource.resource, {
    method: "POST", body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", Accept: "application/json, text/event-stream" },
  });

  let token;
  await t.test("allowed to look, after signing in on the way", async () => {
    const { verifier, address } = begin();
    await ana.goto(address);
    await ana.getByLabel("Account name").fill("acme");
    await ana.getByRole("button", { name: "Continue" }).click();
    await ana.getByLabel("User name").fill("ana");
    await ana.getByLabel("Password", { exact: true }).fill(password);
    await ana.getByRole("button", { name: "Sign in" }).click();
    await look(ana, "Let “Desk <b>agent</b>” act for you?", "agent-consent");
    assert.ok(await ana.getByText("127.0.0.1").first().isVisible(), "it is said where the answer goes");
    await ana.getByLabel("Let it look only, and change nothing").check();
    const told = back.next();
    await ana.getByRole("button", { name: "Allow", exact: true }).click();
    const answer = await told;
    assert.deepEqual([answer.get("state"), answer.get("iss"), answer.has("error")], ["s1", url, false]);
    const given = await (await exchange(answer.get("code"), verifier)).json();
    assert.equal(given.scope, "tools:read");
    token = given.access_token;
    assert.match(await (await ask(token, "tools/list")).text(), /"tickets_HttpGet"|"Tickets_HttpGet"/);
    assert.doesNotMatch(await (await ask(token, "tools/list")).text(), /HttpPost/);
  });

  await t.test("refused", async () => {
    await ana.goto(begin().address);
    const told = back.next();
    await ana.getByRole("button", { name: "Don't allow" }).click();
    assert.equal((await told).get("error"), "access_denied");
  });

  await t.test("an address that is not the agent's leads nowhere", async () => {
    await ana.goto(begin().address.replace(encodeURIComponent(back.address), encodeURIComponent("https://evil.example/callback")));
    await look(ana, "You can't be sent back there", "agent-redirect");
  });

  await t.test("taken back", async () => {
    await ana.goto(`${url}/signin/you`);
    await look(ana, "Your account", "agent-you");
    await ana.getByRole("link", { name: "Programs and tokens" }).click();
    await look(ana, "Programs and tokens", "agent-access");
    await ana.getByRole("button", { name: "Revoke: Desk <b>agent</b>" }).click();
    await ana.getByText("The program can't act for you any more.").waitFor();
    assert.equal((await ask(token, "tools/list")).status, 401);
  });

  await t.test("a personal token is shown once", async () => {
    await ana.getByLabel("Name", { exact: true }).fill("laptop");
    await ana.getByRole("button", { name: "Make a token" }).click();
    await look(ana, "Programs and tokens", "agent-token");
    const made = await ana.locator("code", { hasText: "onsight-pat_" }).textContent();
    assert.equal((await ask(made, "tools/list")).status, 200);
    await ana.goto(`${url}/mcp/access`);
    assert.ok(!(await ana.content()).includes(made));
    await ana.getByRole("button", { name: "Delete: laptop" }).click();
    await ana.getByText("The token is deleted.").waitFor();
    assert.equal((await ask(made, "tools/list")).status, 401);
  });
});
