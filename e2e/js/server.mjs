// Starts the real binary, and makes unmodified clients for it: they find the
// server by the variables of the environment that it tells people to set.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { DescribeAccountSubscriptionCommand, CreateAccountSubscriptionCommand, QuickSightClient } from "@aws-sdk/client-quicksight";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const binary = process.env.ONSIGHT_BIN ?? path.join(root, "bin/onsight");

export const account = "111122223333";
export const home = Object.freeze({ AwsAccountId: account, Namespace: "default" });
const key = "AKIAONSIGHTE2EROOT00";
const secret = "e2e/Root+Secret/that-nobody-else-knows00";

/** Starts a server on a folder of its own; both are gone when the test is over. */
export async function start(t, ...flags) {
  const folder = await mkdtemp(path.join(tmpdir(), "onsight-e2e-"));
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(AWS|ONSIGHT)_/.test(name)));
  const child = spawn(binary, ["serve", "-listen", "127.0.0.1:0", "-data", path.join(folder, "data"), "-account", account, "-check-connectors=false", ...flags], {
    env: { ...env, ONSIGHT_ROOT_ACCESS_KEY_ID: key, ONSIGHT_ROOT_SECRET_ACCESS_KEY: secret },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log = [];
  createInterface({ input: child.stderr }).on("line", (line) => log.push(line));
  const over = new Promise((resolve) => child.on("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await over;
    await rm(folder, { recursive: true });
  });
  const url = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.startsWith("onsight: ready on ")) resolve(line.slice("onsight: ready on ".length));
    });
    over.then((code) => reject(new Error(`onsight did not start (exit status ${code}):\n${log.join("\n")}`)));
  });
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_QUICKSIGHT: url, AWS_ACCESS_KEY_ID: key, AWS_SECRET_ACCESS_KEY: secret, AWS_REGION: "us-east-1",
    AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
  });
  return { url, log };
}

/** A client as a program makes it. One attempt: a test wants to see the first answer. */
export function client(t, options = {}) {
  const c = new QuickSightClient({ maxAttempts: 1, ...options });
  t.after(() => c.destroy());
  return c;
}

/** Subscribes the account and waits until it is. */
export async function subscribe(c) {
  await c.send(new CreateAccountSubscriptionCommand({
    AwsAccountId: account, AccountName: "our-house", Edition: "ENTERPRISE", AuthenticationMethod: "IAM_AND_QUICKSIGHT",
    NotificationEmail: "desk@example.org",
  }));
  for (let i = 0; i < 400; i++) {
    const { AccountInfo } = await c.send(new DescribeAccountSubscriptionCommand({ AwsAccountId: account }));
    if (AccountInfo.AccountSubscriptionStatus === "ACCOUNT_CREATED") return;
    await sleep(25);
  }
  throw new Error("the account was not created");
}
