// Sessions: the credential chains of the JavaScript SDK, as they come. The
// identity provider is the certified oidc-provider, started by e2e/oidc.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";

import { CreateAccessKeyCommand, CreateOpenIDConnectProviderCommand, CreateRoleCommand, CreateUserCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { ListUsersCommand } from "@aws-sdk/client-quicksight";
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient, STSServiceException } from "@aws-sdk/client-sts";
import { fromTemporaryCredentials, fromTokenFile } from "@aws-sdk/credential-providers";

import { idToken } from "../oidc/login.mjs";
import { account, client, home, start, subscribe } from "./server.mjs";

const oidc = fileURLToPath(new URL("../oidc/start.sh", import.meta.url));
const document = (...statements) => JSON.stringify({ Version: "2012-10-17", Statement: statements });

/** Starts the identity provider; it is gone when the test is over. */
async function provider(t) {
  const child = spawn(oidc, { stdio: ["ignore", "pipe", "ignore"] });
  t.after(() => child.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  assert.match(line, /^ready on /);
  return line.slice("ready on ".length);
}

/** A subscribed account with a role that trusts a principal and may list users. */
async function house(t, trusted, ...flags) {
  const { url } = await start(t, ...flags);
  const iam = new IAMClient({ endpoint: url, maxAttempts: 1 });
  t.after(() => iam.destroy());
  await subscribe(client(t));
  const send = (command) => iam.send(command);
  const { principal, action, setUp } = trusted;
  await setUp?.(send);
  const { Role } = await send(new CreateRoleCommand({
    RoleName: "Reader", AssumeRolePolicyDocument: document({ Effect: "Allow", Principal: principal, Action: action }),
  }));
  await send(new PutRolePolicyCommand({
    RoleName: "Reader", PolicyName: "may", PolicyDocument: document({ Effect: "Allow", Action: "quicksight:ListUsers", Resource: "*" }),
  }));
  return { url, send, role: Role.Arn };
}

/** Sets variables of the environment until the test is over. */
function environment(t, variables) {
  for (const [name, value] of Object.entries(variables)) {
    const before = process.env[name];
    t.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

async function listsAs(t, options, arn) {
  const c = client(t, options);
  const { UserList } = await c.send(new ListUsersCommand(home));
  assert.equal(UserList.length, 1);
  const sts = new STSClient({ maxAttempts: 1, ...options });
  t.after(() => sts.destroy());
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Arn, arn);
}

test("a token in a file", async (t) => {
  const issuer = await provider(t);
  const host = issuer.slice("http://".length);
  const arn = `arn:aws:iam::${account}:oidc-provider/${host}`;
  const { url, role } = await house(t, {
    principal: { Federated: arn }, action: "sts:AssumeRoleWithWebIdentity",
    setUp: (send) => send(new CreateOpenIDConnectProviderCommand({ Url: `https://${host}`, ClientIDList: ["onsight"] })),
  }, "-identity-provider-loopback");
  const folder = await mkdtemp(path.join(tmpdir(), "onsight-e2e-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "token");
  const token = await idToken(issuer, "ana");
  await writeFile(file, token);
  const me = `arn:aws:sts::${account}:assumed-role/Reader/pod`;
  // The default chain: a pod has these variables, and nothing else.
  environment(t, {
    AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined, AWS_ENDPOINT_URL: url,
    AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role, AWS_ROLE_SESSION_NAME: "pod",
  });
  await listsAs(t, {}, me);
  await listsAs(t, { credentials: fromTokenFile() }, me);
  // Typed errors.
  const sts = new STSClient({ maxAttempts: 1 });
  t.after(() => sts.destroy());
  const [head, body] = token.split(".");
  const error = await sts.send(new AssumeRoleWithWebIdentityCommand({ RoleArn: role, RoleSessionName: "test", WebIdentityToken: `${head}.${body}.AAAA` }))
    .then(() => assert.fail("a broken token is taken"), (e) => e);
  assert.ok(error instanceof STSServiceException);
  assert.equal(error.name, "InvalidIdentityTokenException");
  assert.equal(error.$metadata.httpStatusCode, 400);
});

test("a role that a user assumes", async (t) => {
  let ana;
  const { url, role } = await house(t, {
    principal: { AWS: `arn:aws:iam::${account}:user/ana` }, action: "sts:AssumeRole",
    setUp: async (send) => {
      await send(new CreateUserCommand({ UserName: "ana" }));
      const { AccessKey } = await send(new CreateAccessKeyCommand({ UserName: "ana" }));
      ana = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
    },
  });
  environment(t, { AWS_ENDPOINT_URL: url });
  await listsAs(t, { credentials: fromTemporaryCredentials({ masterCredentials: ana, params: { RoleArn: role, RoleSessionName: "by-sdk", DurationSeconds: 900 } }) },
    `arn:aws:sts::${account}:assumed-role/Reader/by-sdk`);
});
