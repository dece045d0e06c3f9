"""People: registering, reading, changing and removing them."""

import itertools
import re
import urllib.parse

import pytest

from server import ACCOUNT

HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
NATIVE = HOME | {"IdentityType": "QUICKSIGHT", "UserName": "ana", "Email": "ana@example.org", "UserRole": "READER"}
ARN = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/"
# Each stands for something that a path, a signature or a router can get wrong.
NAMES = [
    "ana", "ana@example.org", "a+b", "a b", " ", "José Ñandú", "ÿ", "..", ".", "...", "a/b", "/", "a//b", "/a/", "../..", "%2F", "%",
    "100% sure", "a?b=c&d", "a#b", "role/x/y", "~!*'()-_.", "a:b;c,d", "\"quoted\"", "<b>", "x" * 300,
]


def names_of(client, **more):
    return [u["UserName"] for page in client.get_paginator("list_users").paginate(**HOME, **more) for u in page["UserList"]]


@pytest.mark.parametrize("name", NAMES)
def test_names_come_back_as_they_went(qs, name):
    user = qs.register_user(**NATIVE | {"UserName": name})["User"]
    assert (user["UserName"], user["Arn"]) == (name, ARN + name)
    assert qs.describe_user(**HOME, UserName=name)["User"] == user
    assert name in names_of(qs)
    changed = qs.update_user(**HOME, UserName=name, Email="new@example.org", Role="AUTHOR")["User"]
    assert changed == user | {"Email": "new@example.org", "Role": "AUTHOR"}
    assert qs.delete_user(**HOME, UserName=name)["Status"] == 200
    assert name not in names_of(qs)


def test_native_user(qs):
    answer = qs.register_user(**NATIVE)
    assert answer["Status"] == 201 and answer["RequestId"]
    user = answer["User"]
    assert {k: user[k] for k in ("Arn", "UserName", "Email", "Role", "IdentityType", "Active")} == {
        "Arn": ARN + "ana", "UserName": "ana", "Email": "ana@example.org", "Role": "READER", "IdentityType": "QUICKSIGHT", "Active": False,
    }
    assert re.fullmatch(r"user/d-[0-9a-f]{10}/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", user["PrincipalId"])
    url = urllib.parse.urlsplit(answer["UserInvitationUrl"])
    assert url.path == "/inviteuser" and len(urllib.parse.parse_qs(url.query)["token"][0]) >= 32
    again = qs.register_user(**NATIVE | {"UserName": "bob"})
    assert again["UserInvitationUrl"] != answer["UserInvitationUrl"]
    assert set(user) == {"Arn", "UserName", "Email", "Role", "IdentityType", "Active", "PrincipalId"}, "members that are not set are left out"


@pytest.mark.parametrize("arn,session,name,principal", [
    ("user/ana", None, "ana", r"federated/iam/AIDA[A-Z0-9]{17}"),
    ("user/division/team/ana", None, "ana", r"federated/iam/AIDA[A-Z0-9]{17}"),
    ("role/analyst", "ana@example.org", "analyst/ana@example.org", r"federated/iam/AROA[A-Z0-9]{17}:ana@example\.org"),
    ("role/service-role/analyst", "s=1", "analyst/s=1", r"federated/iam/AROA[A-Z0-9]{17}:s=1"),
    ("role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_bi_0123456789abcdef", "ana",
     "AWSReservedSSO_bi_0123456789abcdef/ana", r"federated/iam/AROA[A-Z0-9]{17}:ana"),
])
def test_iam_identities(qs, arn, session, name, principal):
    more = {"SessionName": session} if session else {}
    answer = qs.register_user(
        **HOME, IdentityType="IAM", IamArn=f"arn:aws:iam::{ACCOUNT}:{arn}", Email="ana@example.org", UserRole="AUTHOR", **more)
    user = answer["User"]
    assert (user["UserName"], user["Arn"], user["IdentityType"]) == (name, ARN + name, "IAM")
    assert re.fullmatch(principal, user["PrincipalId"])
    assert "UserInvitationUrl" not in answer
    assert qs.describe_user(**HOME, UserName=name)["User"]["Active"] is True


def test_one_role_has_one_principal(qs):
    ids = [
        qs.register_user(**HOME, IdentityType="IAM", IamArn=f"arn:aws:iam::{ACCOUNT}:role/r", SessionName=s, Email="x@example.org",
                         UserRole="READER")["User"]["PrincipalId"]
        for s in ("one", "two")
    ]
    assert [i.split(":")[1] for i in ids] == ["one", "two"]
    assert len({i.split(":")[0] for i in ids}) == 1


@pytest.mark.parametrize("change,text", [
    ({"IdentityType": "IAM", "IamArn": f"arn:aws:iam::{ACCOUNT}:user/ana"},
     f"The following parameters are not applicable to this identity type: User Name. AWS account ID: {ACCOUNT}, Namespace: default. "),
    ({"IdentityType": "IAM", "UserName": None}, "Invalid resource identifiers provided. Please check the documentation. "),
    ({"IdentityType": "IAM", "UserName": None, "IamArn": "arn:aws:iam::x:user/ana"}, "Invalid resource identifiers provided. Please check the documentation. "),
    ({"IdentityType": "IAM", "UserName": None, "IamArn": "ana"}, "Invalid resource identifiers provided. Please check the documentation. "),
    ({"IdentityType": "IAM", "UserName": None, "IamArn": f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s"}, None),
    ({"IdentityType": "IAM", "UserName": None, "IamArn": f"arn:aws:iam::{ACCOUNT}:role/r"}, None),
    ({"IdentityType": "IAM", "UserName": None, "IamArn": f"arn:aws:iam::{ACCOUNT}:user/u", "SessionName": "ana"}, None),
    ({"UserName": None}, "Invalid resource identifiers provided. Please check the documentation. "),
    ({"IamArn": f"arn:aws:iam::{ACCOUNT}:user/ana"}, None),
    ({"SessionName": "ana"}, None),
    ({"UserRole": "RESTRICTED_READER"}, None),
    ({"UserRole": "RESTRICTED_AUTHOR"}, None),
    ({"ExternalLoginFederationProviderType": "COGNITO", "ExternalLoginId": "x"}, None),
])
def test_what_does_not_fit_the_identity_type(qs, refused, change, text):
    request = {k: v for k, v in (NATIVE | change).items() if v is not None}
    r = refused(qs.register_user, "InvalidParameterValueException", 400, **request)
    assert r.message == text if text else r.message
    assert names_of(qs) == [ACCOUNT]


@pytest.mark.parametrize("change,at", [
    ({"UserRole": "OWNER"}, "userRole"),
    ({"IdentityType": "LDAP"}, "identityType"),
    ({"UserName": "snow ☃"}, "userName"),
    ({"UserName": "tab\t"}, "userName"),
    ({"SessionName": "a,b"}, "sessionName"),
    ({"Namespace": "a b"}, "namespace"),
    ({"AwsAccountId": "12345678901x"}, "awsAccountId"),
])
def test_what_breaks_the_model(qs, refused, change, at):
    r = refused(qs.register_user, "ValidationException", 400, **NATIVE | change)
    assert re.match(rf"\d validation errors? detected: Value '.*' at '{at}' failed to satisfy constraint: Member must ", r.message)


@pytest.mark.parametrize("role", ["READER", "AUTHOR", "ADMIN", "READER_PRO", "AUTHOR_PRO", "ADMIN_PRO"])
def test_every_role(qs, role):
    assert qs.register_user(**NATIVE | {"UserRole": role})["User"]["Role"] == role
    assert qs.describe_user(**HOME, UserName="ana")["User"]["Role"] == role


READERS = {"READER", "READER_PRO"}
ROLES = ["READER", "READER_PRO", "AUTHOR", "AUTHOR_PRO", "ADMIN", "ADMIN_PRO"]


def test_role_changes(qs, refused):
    for old, new in itertools.permutations(ROLES, 2):
        name = f"{old}-{new}"
        qs.register_user(**NATIVE | {"UserName": name, "UserRole": old})
        change = HOME | {"UserName": name, "Email": "ana@example.org", "Role": new}
        if new in READERS and old not in READERS:
            refused(qs.update_user, "InvalidParameterValueException", 400, **change)
            assert qs.describe_user(**HOME, UserName=name)["User"]["Role"] == old
        else:
            assert qs.update_user(**change)["User"]["Role"] == new
    refused(qs.update_user, "InvalidParameterValueException", 400, **HOME, UserName="READER-AUTHOR", Email="x", Role="RESTRICTED_AUTHOR")


def test_email_is_free_text_and_shared(qs):
    for name, email in (("one", "nottarealemailbutworks"), ("two", "nottarealemailbutworks")):
        assert qs.register_user(**NATIVE | {"UserName": name, "Email": email})["User"]["Email"] == email


def test_twice(qs, refused):
    qs.register_user(**NATIVE)
    r = refused(qs.register_user, "ResourceExistsException", 409, **NATIVE | {"Email": "other@example.org"})
    assert isinstance(r.error, qs.exceptions.ResourceExistsException)
    assert r.response["ResourceType"] == "USER" and "already exists" in r.message
    assert qs.describe_user(**HOME, UserName="ana")["User"]["Email"] == "ana@example.org"
    # Names are told apart by case.
    qs.register_user(**NATIVE | {"UserName": "Ana"})


def test_nobody_there(qs, refused):
    for call, more in (
        (qs.describe_user, {}), (qs.delete_user, {}), (qs.update_user, {"Email": "x@example.org", "Role": "READER"}),
    ):
        r = refused(call, "ResourceNotFoundException", 404, **HOME, UserName="c7n-test", **more)
        assert r.message == f"AWS account id: {ACCOUNT}, Namespace: default, Username: c7n-test. "
        assert r.response["ResourceType"] == "USER"
        assert isinstance(r.error, qs.exceptions.ResourceNotFoundException)


def test_no_such_namespace(qs, refused):
    for call, more in (
        (qs.register_user, {k: v for k, v in NATIVE.items() if k not in HOME}), (qs.list_users, {}), (qs.describe_user, {"UserName": "x"}),
    ):
        r = refused(call, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT, Namespace="nowhere", **more)
        assert r.message.startswith(f"Account {ACCOUNT} is not signed up with QuickSight with namespace nowhere. AWS account ID: {ACCOUNT}, Namespace: nowhere.")


def test_delete_by_principal_id(qs, refused):
    native = qs.register_user(**NATIVE)["User"]
    role = qs.register_user(**HOME, IdentityType="IAM", IamArn=f"arn:aws:iam::{ACCOUNT}:role/r", SessionName="s@x", Email="x", UserRole="READER")["User"]
    for user in (native, role):
        assert qs.delete_user_by_principal_id(**HOME, PrincipalId=user["PrincipalId"])["Status"] == 200
        refused(qs.describe_user, "ResourceNotFoundException", 404, **HOME, UserName=user["UserName"])
        refused(qs.delete_user_by_principal_id, "ResourceNotFoundException", 404, **HOME, PrincipalId=user["PrincipalId"])
    again = qs.register_user(**NATIVE)["User"]
    assert again["PrincipalId"] != native["PrincipalId"], "who comes back is somebody new"


def test_pages(qs):
    expected = {ACCOUNT} | {f"user-{i:03}" for i in range(25)}
    for name in expected - {ACCOUNT}:
        qs.register_user(**NATIVE | {"UserName": name})
    pages = list(qs.get_paginator("list_users").paginate(**HOME, PaginationConfig={"PageSize": 7}))
    assert [len(p["UserList"]) for p in pages] == [7, 7, 7, 5]
    assert "NextToken" not in pages[-1]
    names = [u["UserName"] for p in pages for u in p["UserList"]]
    assert names == sorted(expected)
    assert names_of(qs) == names
    # All that the list shows of a user is what describing it shows.
    for page in pages:
        for user in page["UserList"]:
            assert qs.describe_user(**HOME, UserName=user["UserName"])["User"] == user


def test_pages_hold_while_people_come_and_go(qs):
    stay = [f"stay-{i:02}" for i in range(20)]
    for name in stay + [f"go-{i:02}" for i in range(20)]:
        qs.register_user(**NATIVE | {"UserName": name})
    seen = []
    for i, page in enumerate(qs.get_paginator("list_users").paginate(**HOME, PaginationConfig={"PageSize": 5})):
        seen += [u["UserName"] for u in page["UserList"]]
        if i < 20:
            qs.delete_user(**HOME, UserName=f"go-{i:02}")
            qs.register_user(**NATIVE | {"UserName": f"come-{i:02}"})
            qs.register_user(**NATIVE | {"UserName": f"zzz-{i:02}"})
    assert len(seen) == len(set(seen)), "nobody twice"
    assert set(stay) <= set(seen), "nobody lost"


def test_page_limits(qs, refused):
    for limit, text in ((0, "greater than or equal to 1"), (101, "less than or equal to 100")):
        if limit == 0:
            continue  # boto3 refuses it before it is sent
        r = refused(qs.list_users, "ValidationException", 400, **HOME, MaxResults=limit)
        assert r.message == f"1 validation error detected: Value '{limit}' at 'maxResults' failed to satisfy constraint: Member must have value {text}"


def test_tokens_belong_to_their_list(qs, refused):
    for i in range(3):
        qs.register_user(**NATIVE | {"UserName": f"u{i}"})
    token = qs.list_users(**HOME, MaxResults=1)["NextToken"]
    assert qs.list_users(**HOME, MaxResults=2, NextToken=token)["UserList"]
    for call, arguments in (
        (qs.list_action_connectors, {"AwsAccountId": ACCOUNT, "NextToken": token}),
        (qs.list_users, HOME | {"NextToken": token[:-2] + ("AA" if not token.endswith("AA") else "BB")}),
        (qs.list_users, HOME | {"NextToken": "1"}),
        (qs.list_users, HOME | {"NextToken": token + "="}),
    ):
        r = refused(call, "InvalidNextTokenException", 400, **arguments)
        assert r.message == "The NextToken value isn't valid."
        assert isinstance(r.error, qs.exceptions.InvalidNextTokenException)
    assert qs.list_users(**HOME, NextToken="")["UserList"], "an empty token asks for the first page"


def test_external_login(qs, refused):
    user = HOME | {"IdentityType": "IAM", "IamArn": f"arn:aws:iam::{ACCOUNT}:role/web", "Email": "x@example.org", "UserRole": "READER"}
    a = qs.register_user(**user, SessionName="aa", ExternalLoginFederationProviderType="COGNITO", ExternalLoginId="eu-west-1:1")["User"]
    assert (a["ExternalLoginFederationProviderType"], a["ExternalLoginFederationProviderUrl"], a["ExternalLoginId"]) == (
        "COGNITO", "cognito-identity.amazonaws.com", "eu-west-1:1")
    b = qs.register_user(**user, SessionName="bb", ExternalLoginFederationProviderType="CUSTOM_OIDC",
                         CustomFederationProviderUrl="https://id.example.org", ExternalLoginId="ana")["User"]
    assert b["ExternalLoginFederationProviderUrl"] == "https://id.example.org"
    for wrong in (
        {"ExternalLoginFederationProviderType": "CUSTOM_OIDC", "ExternalLoginId": "x"},
        {"ExternalLoginFederationProviderType": "COGNITO", "CustomFederationProviderUrl": "https://id.example.org", "ExternalLoginId": "x"},
        {"CustomFederationProviderUrl": "https://id.example.org"},
    ):
        refused(qs.register_user, "InvalidParameterValueException", 400, **user, SessionName="cc", **wrong)
    update = HOME | {"UserName": "web/bb", "Email": "x@example.org", "Role": "READER"}
    assert qs.update_user(**update)["User"] == b | {"Active": True}, "what is not sent stays"
    gone = qs.update_user(**update, ExternalLoginFederationProviderType="NONE")["User"]
    assert not [k for k in gone if k.startswith("ExternalLogin")]


def test_custom_permissions(qs, refused):
    refused(qs.register_user, "ResourceNotFoundException", 404, **NATIVE, CustomPermissionsName="none")
    created = qs.create_custom_permissions(AwsAccountId=ACCOUNT, CustomPermissionsName="no-export", Capabilities={"ExportToCsv": "DENY"})
    assert created["Arn"].endswith(":custompermissions/no-export")
    qs.register_user(**NATIVE, CustomPermissionsName="no-export")
    assert qs.describe_user(**HOME, UserName="ana")["User"]["CustomPermissionsName"] == "no-export"
    update = HOME | {"UserName": "ana", "Email": "ana@example.org", "Role": "READER"}
    assert qs.update_user(**update)["User"]["CustomPermissionsName"] == "no-export"
    assert "CustomPermissionsName" not in qs.update_user(**update, UnapplyCustomPermissions=True)["User"]
    assert qs.update_user(**update, CustomPermissionsName="no-export")["User"]["CustomPermissionsName"] == "no-export"
    refused(qs.update_user, "InvalidParameterValueException", 400, **update, CustomPermissionsName="no-export", UnapplyCustomPermissions=True)


def test_tags_with_the_user(qs):
    arn = qs.register_user(**NATIVE, Tags=[{"Key": "team", "Value": "blue"}, {"Key": "Größe", "Value": "öffentlich"}])["User"]["Arn"]
    tags = qs.list_tags_for_resource(ResourceArn=arn)["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == {"team": "blue", "Größe": "öffentlich"}
