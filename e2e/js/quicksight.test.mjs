import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import * as qs from "@aws-sdk/client-quicksight";

import { account, client, home, start, subscribe } from "./server.mjs";

const me = { AwsAccountId: account };
const native = { ...home, IdentityType: "QUICKSIGHT", UserName: "ana", Email: "ana@example.org", UserRole: "READER" };
const none = { AuthenticationType: "NONE", AuthenticationMetadata: { NoneConnectionMetadata: { BaseEndpoint: "https://api.example.org" } } };

async function house(t) {
  const server = await start(t);
  const c = client(t);
  await subscribe(c);
  return { server, c, send: (name, input) => c.send(new qs[`${name}Command`](input)) };
}

/** The error that a call must fail with. */
async function refused(promise, name, status) {
  const error = await promise.then(() => assert.fail(`no ${name}`), (e) => e);
  assert.equal(error.name, name, error.message);
  assert.equal(error.$metadata.httpStatusCode, status);
  assert.match(error.$metadata.requestId, /^[0-9a-f-]{36}$/);
  return error;
}

test("an account: subscribe, settings, unsubscribe", async (t) => {
  const { send } = await house(t);
  const { AccountInfo } = await send("DescribeAccountSubscription", me);
  assert.deepEqual(AccountInfo, {
    AccountName: "our-house", Edition: "ENTERPRISE", NotificationEmail: "desk@example.org", AuthenticationType: "IDENTITY_POOL",
    AccountSubscriptionStatus: "ACCOUNT_CREATED",
  });
  const { AccountSettings, Status } = await send("DescribeAccountSettings", me);
  assert.equal(Status, 200);
  assert.equal(AccountSettings.TerminationProtectionEnabled, true);
  const e = await refused(send("DeleteAccountSubscription", me), "PreconditionNotMetException", 400);
  assert.ok(e instanceof qs.PreconditionNotMetException);
  await send("UpdateAccountSettings", { ...me, DefaultNamespace: "default", TerminationProtectionEnabled: false });
  assert.equal((await send("DeleteAccountSubscription", me)).Status, 202);
  for (;;) {
    const status = (await send("DescribeAccountSubscription", me)).AccountInfo.AccountSubscriptionStatus;
    if (status === "UNSUBSCRIBED") break;
    assert.equal(status, "UNSUBSCRIBE_IN_PROGRESS");
    await sleep(25);
  }
  await refused(send("ListUsers", home), "ResourceNotFoundException", 404);
});

test("people of every kind", async (t) => {
  const { server, send } = await house(t);
  const answer = await send("RegisterUser", native);
  assert.equal(answer.Status, 201);
  assert.equal(answer.RequestId, answer.$metadata.requestId);
  assert.ok(answer.UserInvitationUrl.startsWith(`${server.url}/inviteuser?token=`));
  const iam = await send("RegisterUser", { ...home, IdentityType: "IAM", IamArn: `arn:aws:iam::${account}:user/team/ivan`, Email: "i", UserRole: "AUTHOR" });
  assert.equal(iam.User.UserName, "ivan");
  assert.equal(iam.UserInvitationUrl, undefined);
  const role = await send("RegisterUser", {
    ...home, IdentityType: "IAM", IamArn: `arn:aws:iam::${account}:role/bi`, SessionName: "mei@example.org", Email: "m", UserRole: "ADMIN_PRO",
  });
  assert.equal(role.User.UserName, "bi/mei@example.org");
  assert.match(role.User.PrincipalId, /^federated\/iam\/AROA[A-Z0-9]{17}:mei@example\.org$/);

  const changed = await send("UpdateUser", { ...home, UserName: "ana", Email: "new@example.org", Role: "AUTHOR" });
  assert.equal(changed.User.Role, "AUTHOR");
  await refused(send("UpdateUser", { ...home, UserName: "ana", Email: "x", Role: "READER" }), "InvalidParameterValueException", 400);
  await send("DeleteUser", { ...home, UserName: "ivan" });
  await send("DeleteUserByPrincipalId", { ...home, PrincipalId: role.User.PrincipalId });
  const { UserList, NextToken } = await send("ListUsers", home);
  assert.deepEqual(UserList.map((u) => u.UserName), [account, "ana"]);
  assert.equal(NextToken, undefined);
});

test("names come back as they went", async (t) => {
  const { send } = await house(t);
  for (const name of [
    "ana@example.org", "a+b", "a b", "José Ñandú", "..", ".", "a/b", "/", "a//b", "../..", "%2F", "100% sure", "a?b=c&d#e", "~!*'()-_.", "a:b;c,d", "<b>",
  ]) {
    const { User } = await send("RegisterUser", { ...native, UserName: name });
    assert.equal(User.UserName, name);
    assert.equal(User.Arn, `arn:aws:quicksight:us-east-1:${account}:user/default/${name}`);
    assert.deepEqual((await send("DescribeUser", { ...home, UserName: name })).User, User);
    assert.equal((await send("DeleteUser", { ...home, UserName: name })).Status, 200);
    const e = await refused(send("DescribeUser", { ...home, UserName: name }), "ResourceNotFoundException", 404);
    assert.equal(e.message, `AWS account id: ${account}, Namespace: default, Username: ${name}. `);
  }
});

test("pages", async (t) => {
  const { c, send } = await house(t);
  for (let i = 0; i < 15; i++) await send("RegisterUser", { ...native, UserName: `user-${String(i).padStart(2, "0")}` });
  const pages = [];
  // The paginator writes into the input that it is given.
  for await (const page of qs.paginateListUsers({ client: c, pageSize: 6 }, { ...home })) pages.push(page.UserList.map((u) => u.UserName));
  assert.deepEqual(pages.map((p) => p.length), [6, 6, 4]);
  assert.deepEqual(pages.flat(), pages.flat().toSorted());
  // A published program sends an empty token with its first call.
  assert.equal((await send("ListUsers", { ...home, NextToken: "" })).UserList.length, 16);
  const { NextToken } = await send("ListUsers", { ...home, MaxResults: 1 });
  const e = await refused(send("ListActionConnectors", { ...me, NextToken }), "InvalidNextTokenException", 400);
  assert.ok(e instanceof qs.InvalidNextTokenException);
});

test("action connectors", async (t) => {
  const { send } = await house(t);
  const before = new Date();
  const one = { ...me, ActionConnectorId: "tickets" };
  const auth = {
    AuthenticationType: "API_KEY",
    AuthenticationMetadata: { ApiKeyConnectionMetadata: { BaseEndpoint: "https://example.atlassian.net", ApiKey: "s3cret", Email: "robot@example.org" } },
  };
  const created = await send("CreateActionConnector", { ...one, Name: "Tickets", Type: "JIRA_CLOUD", AuthenticationConfig: auth });
  assert.equal(created.CreationStatus, "CREATION_IN_PROGRESS");
  let shown;
  for (;;) {
    shown = (await send("DescribeActionConnector", one)).ActionConnector;
    if (shown.Status !== "CREATION_IN_PROGRESS") break;
    await sleep(25);
  }
  assert.equal(shown.Status, "CREATION_SUCCESSFUL");
  assert.deepEqual(shown.AuthenticationConfig.AuthenticationMetadata, {
    ApiKeyConnectionMetadata: { BaseEndpoint: "https://example.atlassian.net", Email: "robot@example.org" },
  });
  // Times are dates, to the millisecond.
  assert.ok(shown.CreatedTime instanceof Date && shown.LastUpdatedTime instanceof Date);
  assert.ok(shown.CreatedTime >= new Date(before.getTime() - 1000) && shown.CreatedTime <= new Date(Date.now() + 1000), shown.CreatedTime.toISOString());
  assert.ok(shown.LastUpdatedTime >= shown.CreatedTime);

  assert.equal((await send("UpdateActionConnector", { ...one, Name: "Tasks", AuthenticationConfig: auth })).UpdateStatus, "UPDATE_IN_PROGRESS");
  const { User } = await send("RegisterUser", native);
  const grant = [{ Principal: User.Arn, Actions: ["quicksight:DescribeActionConnector"] }];
  await send("UpdateActionConnectorPermissions", { ...one, GrantPermissions: grant });
  assert.deepEqual((await send("DescribeActionConnectorPermissions", one)).Permissions.find((p) => p.Principal === User.Arn), grant[0]);
  await send("UpdateActionConnectorPermissions", { ...one, RevokePermissions: grant });
  const found = await send("SearchActionConnectors", { ...me, Filters: [{ Name: "ACTION_CONNECTOR_NAME", Operator: "StringEquals", Value: "Tasks" }] });
  assert.deepEqual(found.ActionConnectorSummaries.map((s) => s.ActionConnectorId), ["tickets"]);
  assert.equal((await send("ListActionConnectors", me)).ActionConnectorSummaries.length, 1);
  assert.equal((await send("TagResource", { ResourceArn: created.Arn, Tags: [{ Key: "größe", Value: "1" }, { Key: "a", Value: "2" }] })).Status, 202);
  await send("UntagResource", { ResourceArn: created.Arn, TagKeys: ["größe", "b"] });
  assert.deepEqual((await send("ListTagsForResource", { ResourceArn: created.Arn })).Tags, [{ Key: "a", Value: "2" }]);
  for (let tries = 0; ; tries++) {
    // What is still being worked on cannot be deleted.
    const done = await send("DeleteActionConnector", one).catch((e) => assert.equal(e.name, "ConflictException"));
    if (done) break;
    assert.ok(tries < 200);
    await sleep(25);
  }
  await refused(send("DescribeActionConnector", one), "ResourceNotFoundException", 404);
  // This SDK checks nothing itself, so the server sees all of it.
  const e = await refused(send("CreateActionConnector", { ...me, ActionConnectorId: "x", Name: "X", Type: "GENERIC_HTTP" }), "ValidationException", 400);
  assert.equal(e.message, "1 validation error detected: Value null at 'authenticationConfig' failed to satisfy constraint: Member must not be null");
  await refused(send("CreateActionConnector", { ...me, ActionConnectorId: "quicksuite-x", Name: "X", Type: "GENERIC_HTTP", AuthenticationConfig: none }),
    "InvalidParameterValueException", 400);
});

test("errors have their classes", async (t) => {
  const { send } = await house(t);
  await send("RegisterUser", native);
  const exists = await refused(send("RegisterUser", native), "ResourceExistsException", 409);
  assert.ok(exists instanceof qs.ResourceExistsException);
  assert.equal(exists.ResourceType, "USER");
  const missing = await refused(send("DescribeUser", { ...home, UserName: "bob" }), "ResourceNotFoundException", 404);
  assert.ok(missing instanceof qs.ResourceNotFoundException);
  await refused(send("ListUsers", { ...home, AwsAccountId: "999999999999" }), "AccessDeniedException", 403);
  const much = await refused(send("ListUsers", { ...home, MaxResults: 101 }), "ValidationException", 400);
  assert.match(much.message, /^1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: /);
});

test("what is not implemented yet says so, once", async (t) => {
  const { server } = await house(t);
  const patient = client(t, { maxAttempts: 3 });
  const e = await refused(patient.send(new qs.ListDashboardsCommand(me)), "NotImplementedException", 501);
  assert.match(e.message, /ListDashboards/);
  assert.equal(e.$metadata.attempts, 1);
  const asked = () => server.log.filter((line) => line.includes("ListDashboards")).length;
  for (let i = 0; i < 200 && asked() === 0; i++) await sleep(25); // the log may lag behind the answer
  assert.equal(asked(), 1);
});

test("the wrong region is named", async (t) => {
  await house(t);
  const there = client(t, { region: "ap-northeast-1" });
  const e = await refused(there.send(new qs.ListUsersCommand(home)), "AccessDeniedException", 401);
  assert.equal(e.message,
    "Operation is being called from endpoint ap-northeast-1, but your identity region is us-east-1. Please use the us-east-1 endpoint.");
});

test("signatures", async (t) => {
  await house(t);
  const wrong = client(t, { credentials: { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: "wrong" } });
  await refused(wrong.send(new qs.ListUsersCommand(home)), "InvalidSignatureException", 403);
  const stranger = client(t, { credentials: { accessKeyId: "AKIANOBODY", secretAccessKey: "wrong" } });
  await refused(stranger.send(new qs.ListUsersCommand(home)), "UnrecognizedClientException", 403);
});

test("a clock that is wrong is mended by the SDK", async (t) => {
  await house(t);
  for (const minutes of [-30, 30]) {
    t.mock.timers.enable({ apis: ["Date"], now: Date.now() + minutes * 60_000 });
    const hasty = client(t);
    const e = await refused(hasty.send(new qs.ListUsersCommand(home)), "InvalidSignatureException", 403);
    assert.match(e.message, minutes < 0 ? /^Signature expired: / : /^Signature not yet current: /);
    // It takes the right time from the Date header of the refusal.
    const patient = client(t, { maxAttempts: 2 });
    const answer = await patient.send(new qs.ListUsersCommand(home));
    assert.equal(answer.$metadata.attempts, 2);
    t.mock.timers.reset();
  }
});

test("many calls at once over few connections", async (t) => {
  const { send } = await house(t);
  await Promise.all(Array.from({ length: 100 }, (_, i) => send("RegisterUser", { ...native, UserName: `u${i}` })));
  const users = await Promise.all(Array.from({ length: 100 }, (_, i) => send("DescribeUser", { ...home, UserName: `u${i}` })));
  assert.deepEqual(users.map((u) => u.User.UserName), Array.from({ length: 100 }, (_, i) => `u${i}`));
});
