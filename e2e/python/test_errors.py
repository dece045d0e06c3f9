"""What bad input gets: a clear error of the API's own kind, and nothing changed."""

import http.client
import json
import urllib.parse

import pytest

from server import ACCOUNT, wait_until
from test_signatures import USERS, raw, signed

HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
JSON = {"Content-Type": "application/json"}
ANA = {"IdentityType": "QUICKSIGHT", "UserName": "ana", "Email": "ana@example.org", "UserRole": "READER"}


def post(server, body, target=USERS, method="POST", **headers):
    headers = JSON | headers
    return raw(server, method, target, body, signed(server, method, target, body, **headers))


def fault(answer, body):
    assert answer.getheader("Content-Type") == "application/json"
    return answer.status, answer.getheader("x-amzn-ErrorType")


@pytest.fixture(autouse=True)
def nothing_changed(qs):
    """After whatever was refused, only the first administrator is there."""
    yield
    assert [u["UserName"] for u in qs.list_users(**HOME)["UserList"]] == [ACCOUNT]


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'"x"', b"{} {}", b"{}x", b"{'a':1}", b'{"a":1,}', b'{"UserName":1}', b'{"UserName":["ana"]}', b'{"UserName":NaN}',
    b'{"Tags":{}}', b'{"Tags":[null]}', b"// x\n{}", b'{"UserName":"\xff"}', b"\xef\xbb\xbf{}", b'{"UserName":"a\nb"}', b'{"UserName":"\\ud800"}',
    b'{"IdentityType":"QUICKSIGHT"', b'{"a":' * 100_000,
], ids=lambda b: repr(b[:24]))
def test_bodies_that_cannot_be_read(server, qs, body):
    answer, said = post(server, body)
    status, code = fault(answer, said)
    # No body at all is an empty object: then what is required is missing.
    assert (status, code) == (400, "ValidationException" if body == b"" else "SerializationException"), said
    assert said["message"]


def test_duplicate_keys_and_unknown_members(server, qs):
    answer, said = post(server, b'{"UserName":"ana","UserName":"bob","Email":"x","IdentityType":"QUICKSIGHT","UserRole":"READER"}')
    assert answer.status in (201, 400)
    if answer.status == 201:
        qs.delete_user(**HOME, UserName=said["User"]["UserName"])
    answer, said = post(server, json.dumps(ANA | {"Unheard": {"of": [1]}, "username": "not me"}).encode())
    assert answer.status == 201 and said["User"]["UserName"] == "ana"
    qs.delete_user(**HOME, UserName="ana")


def test_everything_that_is_wrong_is_told_at_once(server, qs):
    answer, said = post(server, json.dumps({"IdentityType": "LDAP", "UserRole": "OWNER"}).encode())
    assert fault(answer, said) == (400, "ValidationException")
    count, _, rest = said["message"].partition(" validation errors detected: ")
    assert count == "3" and len(rest.split("; ")) == 3
    assert "Value null at 'email' failed to satisfy constraint: Member must not be null" in rest
    assert "Value 'LDAP' at 'identityType' failed to satisfy constraint: Member must satisfy enum value set: [" in rest


def test_media_types(server, qs):
    answer, said = post(server, json.dumps(ANA).encode(), **{"Content-Type": "text/xml"})
    assert fault(answer, said) == (415, "UnsupportedMediaTypeException")
    answer, said = post(server, json.dumps(ANA).encode(), **{"Accept": "text/html"})
    assert fault(answer, said) == (406, "NotAcceptableException")
    answer, said = post(server, json.dumps(ANA).encode(), **{"Content-Type": "application/json; charset=utf-8", "Accept": "*/*"})
    assert answer.status == 201
    qs.delete_user(**HOME, UserName="ana")


def test_a_body_that_stops_early(server, qs):
    body = json.dumps(ANA).encode()
    headers = signed(server, "POST", USERS, body, **JSON)
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=10)
    connection.putrequest("POST", USERS)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:20])
    connection.close()
    assert qs.list_users(**HOME)["Status"] == 200


def test_a_body_of_100_megabytes(server, qs):
    """Refused by its length, before it is taken."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc, timeout=30)
    connection.putrequest("POST", USERS)
    for name, value in (signed(server, "POST", USERS, b"x", **JSON)).items():
        connection.putheader(name, value)
    connection.putheader("Content-Length", str(100 << 20))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.getheader("x-amzn-ErrorType")) == (413, "RequestEntityTooLargeException")
    assert json.loads(answer.read())["message"]


def test_paths_that_nothing_has(server, qs):
    for method, target in (
        ("GET", "/"), ("GET", "/nothing"), ("GET", f"/accounts/{ACCOUNT}"), ("PATCH", USERS), ("GET", "/accounts//namespaces/default/users"),
    ):
        answer, said = raw(server, method, target, headers=signed(server, method, target))
        assert fault(answer, said) == (404, "UnknownOperationException"), (method, target)


def test_a_slash_at_the_end(server, qs):
    answer, said = raw(server, "GET", USERS + "/", headers=signed(server, "GET", USERS + "/"))
    assert answer.status == 200 and said["UserList"]


def test_not_implemented(server, qs, refused):
    for call, arguments, name in (
        (qs.list_dashboards, {"AwsAccountId": ACCOUNT}, "ListDashboards"),
        (qs.list_themes, {"AwsAccountId": ACCOUNT}, "ListThemes"),
        (qs.create_data_source, {"AwsAccountId": ACCOUNT, "DataSourceId": "x", "Name": "x", "Type": "ATHENA"}, "CreateDataSource"),
    ):
        r = refused(call, "NotImplementedException", 501, **arguments)
        assert name in r.message
    # Even those check what they are given, as they will when they are answered.
    refused(qs.list_dashboards, "ValidationException", 400, AwsAccountId="x" * 12)


def test_clients_do_not_repeat_what_is_not_implemented(server, qs, refused):
    refused(server.client(attempts=4).list_dashboards, "NotImplementedException", 501, AwsAccountId=ACCOUNT)
    wait_until(lambda: any("ListDashboards" in line for line in server.log), what="a log line")
    assert sum("ListDashboards" in line for line in server.log) == 1


def test_another_account(server, qs, refused):
    r = refused(qs.list_users, "AccessDeniedException", 403, AwsAccountId="999999999999", Namespace="default")
    assert "is not authorized to perform: quicksight:ListUsers on resource" in r.message
    refused(qs.describe_account_subscription, "AccessDeniedException", 403, AwsAccountId="999999999999")


def test_requests_are_named(server, qs):
    ids = {qs.list_users(**HOME)["RequestId"] for _ in range(5)}
    assert len(ids) == 5
    wait_until(lambda: all(any(i in line for line in server.log) for i in ids), what="a log line for each request")


def test_unions_hold_one_member(server, qs, refused):
    none = {"NoneConnectionMetadata": {"BaseEndpoint": "https://api.example.org"}}
    basic = {"BasicAuthConnectionMetadata": {"BaseEndpoint": "https://api.example.org", "Username": "u", "Password": "s3cret-password"}}
    target = f"/accounts/{ACCOUNT}/action-connectors"
    for metadata in (none | basic, {}, {"Unheard": {}}, {"NoneConnectionMetadata": None}):
        body = json.dumps({
            "ActionConnectorId": "c", "Name": "C", "Type": "GENERIC_HTTP",
            "AuthenticationConfig": {"AuthenticationType": "NONE", "AuthenticationMetadata": metadata},
        }).encode()
        answer, said = post(server, body, target)
        assert fault(answer, said) == (400, "SerializationException"), said
        assert "s3cret" not in json.dumps(said)
    assert qs.list_action_connectors(AwsAccountId=ACCOUNT)["ActionConnectorSummaries"] == []
