// Signs somebody in as a browser does, by the authorisation code flow with
// PKCE, and gives the ID token.
//
//   node login.mjs ISSUER NAME    prints it

import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";

const redirect = "http://127.0.0.1/done";

/** The ID token of somebody at an issuer. */
export async function idToken(issuer, name) {
  const discovery = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const verifier = randomBytes(32).toString("base64url");
  const cookies = new Map();
  const go = async (url, form) => {
    const res = await fetch(url, {
      redirect: "manual", method: form ? "POST" : "GET", body: form && new URLSearchParams(form),
      headers: { cookie: [...cookies].map(([k, v]) => `${k}=${v}`).join("; ") },
    });
    for (const line of res.headers.getSetCookie()) {
      const [, key, value] = /^([^=]+)=([^;]*)/.exec(line);
      cookies.set(key, value);
    }
    const to = res.headers.get("location");
    if (res.status >= 400 || !to) throw new Error(`${url} answers ${res.status}: ${await res.text()}`);
    return new URL(to, url).href;
  };

  let at = await go(`${discovery.authorization_endpoint}?${new URLSearchParams({
    client_id: "onsight", response_type: "code", redirect_uri: redirect, scope: "openid email", nonce: randomBytes(8).toString("hex"),
    code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
  })}`);
  for (const form of [{ prompt: "login", login: name, password: "any" }, { prompt: "consent" }]) {
    at = await go(await go(at, form));
  }
  const code = new URL(at).searchParams.get("code");
  const res = await fetch(discovery.token_endpoint, {
    method: "POST", body: new URLSearchParams({ grant_type: "authorization_code", client_id: "onsight", code, redirect_uri: redirect, code_verifier: verifier }),
  });
  const { id_token: token, ...rest } = await res.json();
  if (!token) throw new Error(`no ID token: ${JSON.stringify(rest)}`);
  return token;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await idToken(...process.argv.slice(2)));
}
