// An OpenID Connect provider on loopback: the certified oidc-provider, with
// the accounts that tests ask for, and one thing of our own: POST /rotate
// gives it a new signing key and forgets the old one.
//
// It prints "ready on URL" when it is.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import http from "node:http";

import Provider from "oidc-provider";

// On loopback any port will do (RFC 8252, 7.3).
const client = {
  client_id: "onsight", token_endpoint_auth_method: "none", application_type: "native",
  redirect_uris: ["http://127.0.0.1/done", "http://127.0.0.1/signin/oidc/111122223333/example/done",
    "http://127.0.0.1/signin/oidc/111122223333/centre/done"],
};
const confidential = {
  client_id: "onsight-web", client_secret: "of-the-e2e-suites-alone", application_type: "native",
  redirect_uris: ["http://127.0.0.1/signin/oidc/111122223333/sealed/done"],
};
const tagsClaim = "https://aws.amazon.com/tags";
const identityClaim = "https://aws.amazon.com/source_identity";

/** What the provider knows of somebody: ana+blue is of the team blue. */
function claimsOf(id) {
  const [name, team] = id.split("+");
  const claims = { sub: id, email: `${name}@example.org`, groups: ["everyone", name] };
  if (team) {
    claims[tagsClaim] = { principal_tags: { Team: [team] }, transitive_tag_keys: ["Team"] };
    claims[identityClaim] = name;
  }
  return claims;
}

function newProvider(issuer) {
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  return new Provider(issuer, {
    clients: [client, confidential],
    jwks: { keys: [{ ...key, kid: randomUUID(), use: "sig", alg: "RS256" }] },
    cookies: { keys: [randomUUID()] },
    conformIdTokenClaims: false, // the claims are in the token, not only at the userinfo endpoint
    claims: { openid: ["sub", tagsClaim, identityClaim, "groups"], email: ["email"] },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => claimsOf(id) }),
    ttl: { IdToken: 3600, AccessToken: 3600, Session: 3600, Interaction: 600, Grant: 3600 },
  });
}

let answer;
const server = http.createServer((req, res) => {
  if (req.method === "POST" && req.url === "/rotate") {
    answer = newProvider(issuer).callback();
    res.end();
    return;
  }
  answer(req, res);
});
let issuer;
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  answer = newProvider(issuer).callback();
  console.log(`ready on ${issuer}`);
});
