// An agent of the official TypeScript SDK, with its own OAuth client, unmodified;
// a person at the browser posts the forms.
import assert from "node:assert/strict";
import test from "node:test";

import * as qs from "@aws-sdk/client-quicksight";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

import { account, client, home, start, subscribe } from "./server.mjs";

const back = "http://localhost:41777/callback";
const password = "Correct7horse-staple";

/** Registers someone, and gives their browser: it sends forms with its cookie. */
async function join(server, c, name) {
  const answer = await c.send(new qs.RegisterUserCommand({ ...home, UserName: name, Email: `${name}@example.org`, IdentityType: "QUICKSIGHT", UserRole: "AUTHOR" }));
  const token = new URL(answer.UserInvitationUrl).searchParams.get("token");
  let cookie = "";
  const visit = async (at, form) => {
    const r = await fetch(new URL(at, server.url), {
      method: form ? "POST" : "GET", redirect: "manual", body: form && new URLSearchParams(form), headers: { cookie, ...(form && { origin: server.url }) },
    });
    cookie = r.headers.getSetCookie().find((one) => one.startsWith("onsight-session="))?.split(";")[0] ?? cookie;
    return r;
  };
  await visit("/inviteuser", { token, "new-password": password, "repeat-password": password });
  return visit;
}

/** What the SDK asks of whoever uses it. */
class Provider {
  redirectUrl = back;
  clientMetadata = { client_name: "ts agent", redirect_uris: [back], grant_types: ["authorization_code", "refresh_token"], response_types: ["code"], token_endpoint_auth_method: "none" };
  constructor(visit) {
    this.visit = visit;
  }
  clientInformation = () => this.information;
  saveClientInformation = (information) => void (this.information = information);
  tokens = () => this.kept;
  saveTokens = (tokens) => void (this.kept = tokens);
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;
  async redirectToAuthorization(address) {
    const asked = await this.visit(address);
    const page = await (await this.visit(asked.headers.get("location"))).text();
    assert.match(page, /Let “ts agent” act for you\?/);
    const request = page.match(/name="request" value="([^"]*)"/)[1];
    this.told = new URL((await this.visit("/mcp/consent", { request, decision: "allow" })).headers.get("location")).searchParams;
  }
}

test("an agent: authorised, lists, calls, refreshes", async (t) => {
  const server = await start(t);
  const c = client(t);
  await subscribe(c);
  const visit = await join(server, c, "ana");
  await c.send(new qs.CreateActionConnectorCommand({
    AwsAccountId: account, ActionConnectorId: "shop", Name: "Shop", Type: "GENERIC_HTTP",
    AuthenticationConfig: { AuthenticationType: "NONE", AuthenticationMetadata: { NoneConnectionMetadata: { BaseEndpoint: "https://shop.invalid" } } },
    Permissions: [{ Principal: `arn:aws:quicksight:us-east-1:${account}:user/default/ana`, Actions: ["quicksight:DescribeActionConnector"] }],
  }));
  const provider = new Provider(visit);
  const connect = async () => {
    const transport = new StreamableHTTPClientTransport(new URL("/mcp", server.url), { authProvider: provider });
    const agent = new Client({ name: "ts", version: "1" }, { capabilities: { elicitation: { url: {} } } });
    await agent.connect(transport);
    return { agent, transport };
  };
  await assert.rejects(connect, UnauthorizedError);
  assert.equal(provider.told.get("iss"), server.url);
  await new StreamableHTTPClientTransport(new URL("/mcp", server.url), { authProvider: provider }).finishAuth(provider.told.get("code"));

  const { agent, transport } = await connect();
  const { tools } = await agent.listTools();
  assert.deepEqual(tools.map((tool) => tool.name), ["shop_HttpDelete", "shop_HttpGet", "shop_HttpPatch", "shop_HttpPost", "shop_HttpPut"]);
  const progress = [];
  const result = await agent.callTool({ name: "shop_HttpGet", arguments: { path: 7 } }, undefined, { onprogress: (p) => progress.push(p.message) });
  assert.ok(result.isError);
  assert.match(result.content[0].text, /\/path: is of type number, and must be string/);
  assert.deepEqual(progress, ["Asking the service."]);

  // A token that is no good any more is renewed by the SDK itself.
  provider.kept = { ...provider.kept, access_token: `onsight-agent_${"A".repeat(43)}` };
  assert.equal((await agent.listTools()).tools.length, 5);
  assert.equal(provider.kept.scope, "tools");
  await transport.terminateSession();
  await agent.close();
});
