"""Texts and shapes that published programs read. Each expression is one that such a program matches with."""

import re

import pytest

from server import ACCOUNT, subscribe

HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
# How the identity region is found out: by calling elsewhere and reading the refusal.
WRONG_REGION = [
    r"Please use the (?P<region>.*) endpoint.",
    r"Operation is being called from endpoint us-west-2, but your identity region is (.*). Please use the (.*) endpoint.",
    r"identity region is ",
]


@pytest.fixture
def elsewhere(server):
    """An account that signed up in eu-west-1, called in us-west-2."""
    subscribe(server.client(region="eu-west-1"))
    return server.client(region="us-west-2")


@pytest.mark.parametrize("call,arguments", [
    ("list_users", HOME),
    ("describe_user", HOME | {"UserName": ACCOUNT}),
    ("register_user", HOME | {"IdentityType": "QUICKSIGHT", "UserName": "ana", "Email": "x", "UserRole": "READER"}),
    ("update_user", HOME | {"UserName": ACCOUNT, "Email": "x", "Role": "ADMIN"}),
    ("delete_user", HOME | {"UserName": ACCOUNT}),
    ("delete_user_by_principal_id", HOME | {"PrincipalId": f"federated/iam/{ACCOUNT}"}),
    ("describe_account_settings", {"AwsAccountId": ACCOUNT}),
    ("update_account_settings", {"AwsAccountId": ACCOUNT, "DefaultNamespace": "default"}),
    ("delete_account_subscription", {"AwsAccountId": ACCOUNT}),
])
def test_wrong_region(elsewhere, refused, call, arguments):
    r = refused(getattr(elsewhere, call), "AccessDeniedException", 401, **arguments)
    assert r.message == ("Operation is being called from endpoint us-west-2, but your identity region is eu-west-1. "
                         "Please use the eu-west-1 endpoint.")
    assert re.search(WRONG_REGION[0], r.message)["region"] == "eu-west-1"
    assert re.search(WRONG_REGION[1], r.message).groups() == ("eu-west-1", "eu-west-1")
    assert re.search(WRONG_REGION[2], r.message)
    assert isinstance(r.error, elsewhere.exceptions.AccessDeniedException)


def test_subscription_is_seen_from_everywhere(elsewhere):
    info = elsewhere.describe_account_subscription(AwsAccountId=ACCOUNT)["AccountInfo"]
    assert info["AccountSubscriptionStatus"] == "ACCOUNT_CREATED"


def test_assets_live_where_they_are_made(server, elsewhere):
    """Connectors are regional: made in one region, they are not in the other."""
    from test_connectors import NONE

    answer = elsewhere.create_action_connector(AwsAccountId=ACCOUNT, ActionConnectorId="c", Name="C", Type="GENERIC_HTTP", AuthenticationConfig=NONE)
    assert answer["Arn"] == f"arn:aws:quicksight:us-west-2:{ACCOUNT}:action-connector/c"
    at_home = server.client(region="eu-west-1")
    assert at_home.list_action_connectors(AwsAccountId=ACCOUNT)["ActionConnectorSummaries"] == []
    # A person keeps the region of the sign-up in every grant.
    user = at_home.register_user(**HOME, IdentityType="QUICKSIGHT", UserName="ana", Email="x", UserRole="AUTHOR")["User"]
    assert user["Arn"] == f"arn:aws:quicksight:eu-west-1:{ACCOUNT}:user/default/ana"
    elsewhere.update_action_connector_permissions(
        AwsAccountId=ACCOUNT, ActionConnectorId="c", GrantPermissions=[{"Principal": user["Arn"], "Actions": ["quicksight:DescribeActionConnector"]}])


def test_a_user_that_policy_tools_look_for(qs, refused):
    r = refused(qs.describe_user, **HOME, UserName="c7n-test")
    assert (r.code, r.response["ResourceType"]) == ("ResourceNotFoundException", "USER")
    assert re.match(r"AWS account id: \d{12}, Namespace: default, Username: c7n-test\. $", r.message)


def test_sweepers_skip_what_is_not_subscribed(bare, refused):
    r = refused(bare.list_users, **HOME)
    assert (r.code, r.status) == ("ResourceNotFoundException", 404)
    assert f"Account {ACCOUNT} is not signed up with QuickSight" in r.message


def test_scripts_that_look_for_words(qs, refused):
    user = HOME | {"IdentityType": "IAM", "IamArn": f"arn:aws:iam::{ACCOUNT}:role/r", "SessionName": "ss", "Email": "x", "UserRole": "READER"}
    qs.register_user(**user)
    assert "already exists" in refused(qs.register_user, **user).message
    r = refused(qs.register_user, **user, UserName="ana")
    assert r.message == f"The following parameters are not applicable to this identity type: User Name. AWS account ID: {ACCOUNT}, Namespace: default. "


def test_removers_by_principal(qs):
    """They list everybody, and remove each by the principal id, which everybody has."""
    for name in ("ana", "bob"):
        qs.register_user(**HOME, IdentityType="QUICKSIGHT", UserName=name, Email="x", UserRole="READER")
    for user in qs.list_users(**HOME)["UserList"]:
        qs.delete_user_by_principal_id(**HOME, PrincipalId=user["PrincipalId"])
    assert qs.list_users(**HOME)["UserList"] == []
