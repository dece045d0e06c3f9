// An authorisation server on loopback for connectors: the certified
// oidc-provider, with clients of its own, refresh tokens that rotate, and
// access tokens that live for as long as it is told.
//
//   node service.mjs ISSUER [REDIRECT]    prints "ready on URL"; behind a proxy that is ISSUER. People
//                                         come back to REDIRECT, too

import { generateKeyPairSync, randomUUID } from "node:crypto";
import http from "node:http";

import Provider from "oidc-provider";

const [issuer, ...redirects] = process.argv.slice(2);
const secret = "a secret/with+signs&all";
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
let tokens = 0;

const provider = new Provider(issuer, {
  clients: [
    { client_id: "robot", client_secret: secret, grant_types: ["client_credentials"], redirect_uris: [], response_types: [], token_endpoint_auth_method: "client_secret_basic" },
    { client_id: "body", client_secret: secret, grant_types: ["client_credentials"], redirect_uris: [], response_types: [], token_endpoint_auth_method: "client_secret_post" },
    {
      client_id: "people", client_secret: secret, grant_types: ["authorization_code", "refresh_token"], redirect_uris: ["https://onsight.example.org/sn/oauthcallback", ...redirects],
      token_endpoint_auth_method: "client_secret_basic",
    },
  ],
  jwks: { keys: [{ ...key, kid: randomUUID(), use: "sig", alg: "RS256" }] },
  cookies: { keys: [randomUUID()] },
  features: { clientCredentials: { enabled: true }, revocation: { enabled: true }, introspection: { enabled: true } },
  issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: true,
  pkce: { required: () => true },
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  ttl: { AccessToken: 600, ClientCredentials: 600, RefreshToken: 86400, Session: 3600, Interaction: 600, Grant: 86400 },
});
provider.proxy = true;

const answer = provider.callback();
const server = http.createServer(async (req, res) => {
  if (req.url === "/count") { // how many tokens were asked for since the last time
    res.end(String(tokens));
    tokens = 0;
    return;
  }
  if (req.method === "POST" && req.url === "/token") tokens++;
  answer(req, res);
});
server.listen(0, "127.0.0.1", () => console.log(`ready on http://127.0.0.1:${server.address().port}`));
