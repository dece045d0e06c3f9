"""An agent uses connectors as tools: the official Python client of the Model
Context Protocol, with its own OAuth client, unmodified; and a person with a
browser of plain forms."""

import asyncio
import html
import http.server
import json
import re
import ssl
import subprocess
import threading
import urllib.parse

import httpx2
import mcp
import pytest
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

from server import ACCOUNT

BACK = "http://127.0.0.1:41999/callback"
PASSWORD = "Correct7horse-staple"


class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"id": 42, "name": "a < b"} if self.path == "/items/42" else {"message": "no such thing"}).encode()
        self.send_response(200 if self.path == "/items/42" else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def shop(tmp_path):
    """A service by https; gives its address and the file with its certificate."""
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1", "-subj", "/CN=shop",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "ca.pem")]
    subprocess.run(made, check=True, capture_output=True, timeout=30)
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "ca.pem", tmp_path / "key.pem")
    service.socket = tls.wrap_socket(service.socket, server_side=True)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    (tmp_path / "profiles.json").write_text(json.dumps({"profiles": [{"name": "default", "allow": ["127.0.0.1"], "authorities": "ca.pem"}]}))
    yield f"https://127.0.0.1:{service.server_port}", str(tmp_path / "profiles.json")
    service.shutdown()


class Person:
    """A person with a browser: it keeps cookies and fills in forms."""

    def __init__(self, server, qs, name, role="AUTHOR"):
        self.http = httpx2.Client(base_url=server.url, timeout=30, follow_redirects=False)
        self.url = server.url
        answer = qs.register_user(AwsAccountId=ACCOUNT, Namespace="default", UserName=name, Email=f"{name}@example.org", IdentityType="QUICKSIGHT", UserRole=role)
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(answer["UserInvitationUrl"]).query)["token"][0]
        page = self.send("/inviteuser", {"token": token, "new-password": PASSWORD, "repeat-password": PASSWORD})
        assert "Your account" in page.text, page.text

    def follow(self, answer):
        """Goes where it is sent, on this server."""
        while answer.status_code == 303:
            to = urllib.parse.urljoin(str(answer.request.url), answer.headers["Location"])
            if not to.startswith(self.url):
                return answer
            answer = self.http.get(to)
        return answer

    def send(self, path, fields):
        return self.follow(self.http.post(path, data=fields, headers={"Origin": self.url}))

    def consent(self, address, decision="allow", **fields):
        """Says yes or no, and gives the address that the agent is told by."""
        page = self.follow(self.http.get(address))
        assert "Let “e2e agent” act for you?" in html.unescape(page.text), page.text
        request = re.search(r'name="request" value="([^"]*)"', page.text).group(1)
        return self.send("/mcp/consent", {"request": request, "decision": decision, **fields}).headers["Location"]

    def personal_token(self):
        page = self.send("/mcp/access", {"do": "create-token", "name": "e2e", "days": "30"})
        return re.search(r"onsight-pat_[0-9a-f]{16}_[\w-]{43}", page.text).group(0)


class Memory(TokenStorage):
    def __init__(self):
        self.tokens = self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


@pytest.fixture
def house(start, shop):
    base, profiles = shop
    server = start("-network-profiles", profiles)
    import server as onsight

    qs = server.client()
    onsight.subscribe(qs)
    ana = Person(server, qs, "ana")
    arn = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/ana"
    qs.create_action_connector(
        AwsAccountId=ACCOUNT, ActionConnectorId="shop", Name="Shop", Type="GENERIC_HTTP",
        AuthenticationConfig={"AuthenticationType": "NONE", "AuthenticationMetadata": {"NoneConnectionMetadata": {"BaseEndpoint": base}}},
        Permissions=[{"Principal": arn, "Actions": ["quicksight:DescribeActionConnector"]}],
    )
    return server, qs, ana


def oauth(server, ana, decision="allow", **fields):
    """The client's own OAuth, with a person at the browser."""
    told, storage = {}, Memory()

    async def go(address):
        told.update(urllib.parse.parse_qsl(urllib.parse.urlsplit(ana.consent(address, decision, **fields)).query))

    async def back():
        return AuthorizationCodeResult(code=told.get("code", ""), state=told.get("state"), iss=told.get("iss"))

    metadata = OAuthClientMetadata(client_name="e2e agent", redirect_uris=[BACK], grant_types=["authorization_code", "refresh_token"], response_types=["code"])
    return OAuthClientProvider(f"{server.url}/mcp", metadata, storage, redirect_handler=go, callback_handler=back), storage


def run(server, auth=None, headers=None, work=None):
    async def with_client():
        async with httpx2.AsyncClient(auth=auth, headers=headers, timeout=30, follow_redirects=True) as web:
            async with mcp.Client(streamable_http_client(f"{server.url}/mcp", http_client=web)) as client:
                return await work(client)

    return asyncio.run(asyncio.wait_for(with_client(), 60))


async def shopping(client):
    tools = (await client.list_tools()).tools
    item = await client.call_tool("shop_HttpGet", {"path": "items/42"})
    gone = await client.call_tool("shop_HttpGet", {"path": "items/43"})
    return {t.name: t for t in tools}, item, gone


def structured(result):
    return getattr(result, "structured_content", None) or getattr(result, "structuredContent", None)


def is_error(result):
    return bool(getattr(result, "is_error", getattr(result, "isError", None)))


def test_oauth(house):
    server, _, ana = house
    auth, storage = oauth(server, ana)
    tools, item, gone = run(server, auth=auth, work=shopping)
    assert sorted(tools) == ["shop_HttpDelete", "shop_HttpGet", "shop_HttpPatch", "shop_HttpPost", "shop_HttpPut"]
    assert structured(item)["output"]["body"] == {"id": 42, "name": "a < b"}
    assert not is_error(item)
    assert is_error(gone) and "no such thing" in gone.content[0].text
    assert storage.tokens.access_token.startswith("onsight-agent_") and storage.tokens.refresh_token
    # A second run with what was kept asks nobody.
    again = OAuthClientProvider(f"{server.url}/mcp", auth.context.client_metadata, storage)
    assert run(server, auth=again, work=shopping)[1].content
    # The person takes it back.
    page = ana.http.get("/mcp/access")
    assert "e2e agent" in page.text
    grant = re.search(r'value="revoke"><input type="hidden" name="id" value="([0-9a-f]+)"', page.text).group(1)
    ana.send("/mcp/access", {"do": "revoke", "id": grant})
    assert httpx2.post(f"{server.url}/mcp", headers={"Authorization": f"Bearer {storage.tokens.access_token}"}).status_code == 401


def test_look_only(house):
    server, _, ana = house
    auth, storage = oauth(server, ana, **{"read-only": "yes"})
    tools, item, _ = run(server, auth=auth, work=shopping)
    assert sorted(tools) == ["shop_HttpGet"] and not is_error(item)
    assert storage.tokens.scope == "tools:read"


def test_no(house):
    server, _, ana = house
    auth, _ = oauth(server, ana, decision="deny")
    with pytest.raises(BaseException):
        run(server, auth=auth, work=shopping)


def test_personal_token(house):
    server, qs, ana = house
    headers = {"Authorization": f"Bearer {ana.personal_token()}"}
    tools, item, gone = run(server, headers=headers, work=shopping)
    assert tools["shop_HttpGet"].annotations is not None
    assert json.loads(item.content[0].text)["body"]["id"] == 42
    assert is_error(gone)
    qs.delete_user(AwsAccountId=ACCOUNT, Namespace="default", UserName="ana")
    assert httpx2.post(f"{server.url}/mcp", headers=headers).status_code == 401
