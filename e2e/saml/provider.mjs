// A SAML identity provider on this machine, made of Auth0's samlp.
//
//   GET  /metadata                     its metadata
//   GET  /portal?user=…&to=…&role=…    a page with a button to the service `to`
//   GET  /response?…                   the same response, as text
//   POST /rotate                       a new key, without a word in the old metadata
//
// role may stand several times; email, relay, session and response=signed (which
// signs the response in place of the assertion) are up to the caller.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";

const samlp = createRequire(import.meta.url)("samlp");
const attributes = "https://aws.amazon.com/SAML/Attributes/";

function newKey() {
  const dir = mkdtempSync(path.join(tmpdir(), "onsight-saml-"));
  try {
    execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=idp.example.org",
      "-keyout", "key.pem", "-out", "cert.pem"], { cwd: dir, stdio: "ignore" });
    return { key: readFileSync(path.join(dir, "key.pem")), cert: readFileSync(path.join(dir, "cert.pem")) };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function respond(q) {
  const claims = { [`${attributes}Role`]: q.getAll("role"), [`${attributes}RoleSessionName`]: q.get("session") ?? q.get("user") };
  if (q.has("email")) claims[`${attributes}PrincipalTag:Email`] = q.get("email");
  const mapper = () => ({ getClaims: () => claims, getNameIdentifier: () => ({ nameIdentifier: q.get("user") }) });
  const signed = q.get("response") === "signed";
  return new Promise((resolve, reject) => samlp.getSamlResponse({
    ...key, issuer, audience: q.get("audience") ?? q.get("to"), recipient: q.get("to"), destination: q.get("to"), lifetimeInSeconds: 300,
    signatureAlgorithm: "rsa-sha256", digestAlgorithm: "sha256", signResponse: signed, signAssertion: !signed, profileMapper: mapper,
    nameIdentifierFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
  }, {}, (err, xml) => (err ? reject(err) : resolve(Buffer.from(xml).toString("base64")))));
}

const escaped = (s) => s.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

let key = newKey(), issuer;
const server = http.createServer(async (req, res) => {
  const url = new URL(req.url, issuer), q = url.searchParams;
  const say = (type, text) => { res.setHeader("Content-Type", type); res.end(text); };
  try {
    if (url.pathname === "/rotate") {
      key = newKey();
      res.end();
    } else if (url.pathname === "/metadata") {
      const none = Object.assign(() => {}, { prototype: { metadata: [] } });
      samlp.metadata({ issuer, cert: key.cert, profileMapper: none, redirectEndpointPath: "/sso", postEndpointPath: "/sso" })(
        Object.assign(req, { originalUrl: req.url, protocol: "http" }), { set: (n, v) => res.setHeader(n, v), send: (body) => res.end(body) });
    } else if (url.pathname === "/response") {
      say("text/plain", await respond(q));
    } else {
      say("text/html; charset=utf-8", `<!DOCTYPE html><html lang="en"><title>Portal</title><h1>Portal</h1>
<form method="post" action="${escaped(q.get("to"))}"><input type="hidden" name="SAMLResponse" value="${await respond(q)}">
<input type="hidden" name="RelayState" value="${escaped(q.get("relay") ?? "")}"><button>Business intelligence</button></form>`);
    }
  } catch (err) {
    res.statusCode = 500;
    say("text/plain", String(err.stack));
  }
});
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(`ready on ${issuer}`);
});
