"""Who is let in: what a client sees when its signature does not hold."""

import datetime
import http.client
import json
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session
import botocore.signers
import pytest

from server import ACCOUNT, KEY_ID, SECRET

USERS = f"/accounts/{ACCOUNT}/namespaces/default/users"
HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


def raw(server, method, target, body=None, headers=None):
    """A request as a hand-written client sends it: nothing is added but Host."""
    host = urllib.parse.urlsplit(server.url).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, target, body=body, headers=headers or {})
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return answer, json.loads(text) if text else None


def signed(server, method="GET", target=USERS, body=b"", when=None, key=KEY_ID, secret=SECRET, token=None, region="us-east-1", service="quicksight",
           monkeypatch=None, **headers):
    """Headers of a request that botocore's own signer has signed."""
    request = botocore.awsrequest.AWSRequest(method, server.url + target, headers=headers, data=body)
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), service, region)
    if when is not None:
        now = datetime.datetime.now(datetime.timezone.utc) + when
        monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda **_: now.replace(tzinfo=None))
    signer.add_auth(request)
    return dict(request.headers)


def test_good(server, qs):
    answer, body = raw(server, "GET", USERS, headers=signed(server))
    assert answer.status == 200 and body["UserList"]
    assert answer.getheader("x-amzn-RequestId") == body["RequestId"]


def test_wrong_secret(server, qs, refused):
    r = refused(server.client(secret="x" * 40).list_users, "InvalidSignatureException", 403, **HOME)
    assert r.message == ("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
                         "signing method. Consult the service documentation for details.")


def test_unknown_key(server, qs, refused):
    r = refused(server.client(key="AKIANOBODYHERE000000").list_users, "UnrecognizedClientException", 403, **HOME)
    assert r.message == "The security token included in the request is invalid."


def test_token_that_is_not_ours(server, qs, refused):
    client = boto3.client("quicksight", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
                          aws_session_token="FwoGZXIvYXdzEXAMPLE", config=botocore.config.Config(retries={"total_max_attempts": 1}))
    refused(client.list_users, "UnrecognizedClientException", 403, **HOME)


def test_no_credentials(server, qs, refused):
    client = boto3.client("quicksight", endpoint_url=server.url, region_name="us-east-1",
                          config=botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))
    r = refused(client.list_users, "MissingAuthenticationTokenException", 403, **HOME)
    assert "Missing Authentication Token" in r.message or "missing Authentication Token" in r.message


@pytest.mark.parametrize("minutes,text", [(-6, "Signature expired: "), (6, "Signature not yet current: ")])
def test_skewed_clock(server, qs, monkeypatch, minutes, text):
    headers = signed(server, when=datetime.timedelta(minutes=minutes), monkeypatch=monkeypatch)
    answer, body = raw(server, "GET", USERS, headers=headers)
    assert (answer.status, answer.getheader("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
    assert body["message"].startswith(text) and body["message"].endswith("5 min.)")
    # SDKs mend their clock by this header.
    server_time = datetime.datetime.strptime(answer.getheader("Date"), "%a, %d %b %Y %H:%M:%S GMT")
    assert abs(server_time - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)) < datetime.timedelta(seconds=5)


@pytest.mark.parametrize("minutes", [-4, 4])
def test_slightly_skewed_clock(server, qs, monkeypatch, minutes):
    answer, _ = raw(server, "GET", USERS, headers=signed(server, when=datetime.timedelta(minutes=minutes), monkeypatch=monkeypatch))
    assert answer.status == 200


def test_scope(server, qs):
    answer, body = raw(server, "GET", USERS, headers=signed(server, service="s3"))
    assert (answer.status, body["message"]) == (403, "Credential should be scoped to correct service: 'quicksight'. ")
    answer, body = raw(server, "GET", USERS, headers=signed(server, region="nowhere at all"))
    assert (answer.status, body["message"]) == (403, "Credential should be scoped to a valid region, not 'nowhere at all'. ")


def test_stolen_headers(server, qs):
    """A signature holds for its own request only."""
    body = json.dumps({"IdentityType": "QUICKSIGHT", "UserName": "ana", "Email": "ana@example.org", "UserRole": "READER"}).encode()
    headers = signed(server, "POST", USERS, body, **{"Content-Type": "application/json"})
    for method, target, data in (
        ("POST", USERS, body.replace(b"READER", b"ADMIN ")), ("POST", USERS.replace("default", "other"), body), ("PUT", USERS, body),
        ("POST", USERS + "?a=b", body),
    ):
        answer, said = raw(server, method, target, data, headers)
        assert answer.status in (403, 404), said
        assert answer.getheader("x-amzn-ErrorType") in ("InvalidSignatureException", "UnknownOperationException")
    answer, _ = raw(server, "POST", USERS, body, headers)
    assert answer.status == 201
    # The same once more is a good signature still; what it asks for is there already.
    answer, _ = raw(server, "POST", USERS, body, headers)
    assert answer.status == 409


def test_presigned(server, qs):
    session = botocore.session.get_session()
    signer = botocore.signers.RequestSigner(
        qs.meta.service_model.service_id, "us-east-1", "quicksight", "v4", botocore.credentials.Credentials(KEY_ID, SECRET), session.get_component("event_emitter"))
    url = signer.generate_presigned_url(
        {"method": "GET", "url": server.url + USERS + "?max-results=1", "body": {}, "headers": {}, "context": {}}, operation_name="", expires_in=60)
    target = url.removeprefix(server.url)
    answer, body = raw(server, "GET", target)
    assert answer.status == 200 and len(body["UserList"]) == 1
    answer, body = raw(server, "GET", target.replace("max-results=1", "max-results=2"))
    assert (answer.status, answer.getheader("x-amzn-ErrorType")) == (403, "InvalidSignatureException")
    answer, body = raw(server, "GET", target.replace("X-Amz-Date=", "X-Amz-Later="))
    assert (answer.status, body["message"]) == (
        403, "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.")


@pytest.mark.parametrize("value,code", [
    ("Basic YW5hOnNlY3JldA==", "IncompleteSignatureException"), ("Bearer abc", "IncompleteSignatureException"),
    ("AWS4-HMAC-SHA256", "IncompleteSignatureException"), ("", "MissingAuthenticationTokenException"),
    ("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=c", "IncompleteSignatureException"),
])
def test_other_authorization(server, qs, value, code):
    answer, body = raw(server, "GET", USERS, headers={"Authorization": value, "X-Amz-Date": "20261120T000000Z"})
    assert (answer.status, answer.getheader("x-amzn-ErrorType")) == (403, code)
    assert "YW5hOnNlY3JldA" not in body["message"] and "secret" not in body["message"]


def test_nothing_is_told_to_strangers(server, qs):
    """Without a signature, all routes of the API look alike, whatever is there."""
    said = set()
    for target in (USERS, USERS + "/" + ACCOUNT, USERS + "/nobody", "/accounts/999999999999/namespaces/default/users", f"/account/{ACCOUNT}"):
        answer, body = raw(server, "GET", target)
        assert answer.status == 403
        said.add(json.dumps(body))
    assert len(said) == 1
