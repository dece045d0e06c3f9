"""Subscribing an account, its settings, and the way out."""

import itertools
import re

import pytest

from server import ACCOUNT, subscribe, wait_for_status

Q_CONTACT = {
    "FirstName": "Ana", "LastName": "Lima", "EmailAddress": "ana.lima@example.org", "ContactNumber": "5550100200",
}
METHODS = {
    "IAM_AND_QUICKSIGHT": {},
    "IAM_ONLY": {},
    "ACTIVE_DIRECTORY": {
        "ActiveDirectoryName": "corp.example.org", "Realm": "CORP.EXAMPLE.ORG", "DirectoryId": "d-90667776ef",
        "AdminGroup": ["bi-admins"], "AuthorGroup": ["bi-authors"], "ReaderGroup": ["bi-readers"],
    },
    "IAM_IDENTITY_CENTER": {
        "IAMIdentityCenterInstanceArn": "arn:aws:sso:::instance/ssoins-1234567890abcdef",
        "AdminProGroup": ["bi-admins"], "AuthorProGroup": ["bi-authors"], "ReaderProGroup": ["bi-readers"],
    },
}
EDITIONS = {"ENTERPRISE": {}, "ENTERPRISE_AND_Q": Q_CONTACT}


@pytest.mark.parametrize("edition,method", list(itertools.product(EDITIONS, METHODS)))
def test_every_edition_and_method(bare, edition, method):
    members = EDITIONS[edition] | METHODS[method]
    answer = bare.create_account_subscription(
        AwsAccountId=ACCOUNT, AccountName="our-house", Edition=edition, AuthenticationMethod=method,
        NotificationEmail="desk@example.org", **members,
    )
    assert answer["Status"] == 200 and answer["RequestId"]
    assert answer["SignupResponse"]["accountName"] == "our-house"

    statuses = wait_for_status(bare, "ACCOUNT_CREATED")
    assert set(statuses) <= {"SIGNUP_ATTEMPT_IN_PROGRESS", "ACCOUNT_CREATED"}
    info = bare.describe_account_subscription(AwsAccountId=ACCOUNT)["AccountInfo"]
    expected = {
        "AccountName": "our-house", "Edition": edition, "NotificationEmail": "desk@example.org",
        # The service has a name of its own for the first of the four.
        "AuthenticationType": "IDENTITY_POOL" if method == "IAM_AND_QUICKSIGHT" else method,
        "AccountSubscriptionStatus": "ACCOUNT_CREATED",
    }
    if method == "IAM_IDENTITY_CENTER":
        expected["IAMIdentityCenterInstanceArn"] = members["IAMIdentityCenterInstanceArn"]
    assert info == expected


@pytest.mark.parametrize("change,gone", [
    ({"Edition": "ENTERPRISE_AND_Q"} | {k: v for k, v in Q_CONTACT.items() if k != left_out}, left_out) for left_out in Q_CONTACT
] + [
    ({"AuthenticationMethod": "ACTIVE_DIRECTORY"} | {k: v for k, v in METHODS["ACTIVE_DIRECTORY"].items() if k != left_out}, left_out)
    for left_out in ("ActiveDirectoryName", "Realm", "AdminGroup")
])
def test_required_members(bare, refused, change, gone):
    r = refused(bare.create_account_subscription, "InvalidParameterValueException", 400, **{
        "AwsAccountId": ACCOUNT, "AccountName": "our-house", "AuthenticationMethod": "IAM_ONLY", "NotificationEmail": "desk@example.org",
    } | change)
    assert r.message
    refused(bare.describe_account_subscription, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT)


def test_identity_center_needs_an_admin_group(bare, refused):
    r = refused(
        bare.create_account_subscription, "InvalidParameterValueException", 400, AwsAccountId=ACCOUNT, AccountName="our-house",
        AuthenticationMethod="IAM_IDENTITY_CENTER", NotificationEmail="desk@example.org", AuthorGroup=["a"],
    )
    assert r.message == "One or more required attributes for identity center are missing: Admin or Admin Pro group."


def test_standard_is_no_longer_sold(bare, refused):
    refused(
        bare.create_account_subscription, "InvalidParameterValueException", 400, AwsAccountId=ACCOUNT, AccountName="our-house",
        Edition="STANDARD", AuthenticationMethod="IAM_ONLY", NotificationEmail="desk@example.org",
    )


@pytest.mark.parametrize("name", ["D-1234567890", "d-x", "-x", "x-", "a_b", "ä", "x" * 63])
def test_account_name_rules(bare, refused, name):
    r = refused(
        bare.create_account_subscription, "ValidationException", 400, AwsAccountId=ACCOUNT, AccountName=name,
        AuthenticationMethod="IAM_ONLY", NotificationEmail="desk@example.org",
    )
    assert re.match(r"1 validation error detected: Value '.*' at 'accountName' failed to satisfy constraint: Member must ", r.message)


def test_only_once(qs, refused):
    r = refused(subscribe, "ResourceExistsException", 409, client=qs, AccountName="another-name")
    assert isinstance(r.error, qs.exceptions.ResourceExistsException)


def test_account_names_are_unique_on_a_server(server, qs, refused):
    other = "444455556666"
    key, secret = server.credentials_of(other)
    client = server.client(key=key, secret=secret)
    refused(subscribe, "ResourceExistsException", 409, client=client, account=other, AccountName=f"house-{ACCOUNT}")
    subscribe(client, account=other, AccountName="house-of-its-own")
    # Each account is its own world, and closed to the other.
    client.register_user(
        AwsAccountId=other, Namespace="default", IdentityType="QUICKSIGHT", UserName="only-there",
        Email="x@example.org", UserRole="READER",
    )
    names = [u["UserName"] for u in qs.list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]]
    assert "only-there" not in names
    r = refused(client.list_users, "AccessDeniedException", 403, AwsAccountId=ACCOUNT, Namespace="default")
    assert "is not authorized to perform: quicksight:ListUsers on resource" in r.message


def test_first_administrator(qs):
    users = qs.list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]
    assert [(u["UserName"], u["IdentityType"], u["Role"], u["Active"]) for u in users] == [(ACCOUNT, "IAM", "ADMIN", True)]
    assert users[0]["PrincipalId"] == f"federated/iam/{ACCOUNT}"


def test_settings(qs, refused):
    before = qs.describe_account_settings(AwsAccountId=ACCOUNT)
    assert before["Status"] == 200
    assert before["AccountSettings"] == {
        "AccountName": f"house-{ACCOUNT}", "Edition": "ENTERPRISE", "DefaultNamespace": "default",
        "NotificationEmail": "desk@example.org", "PublicSharingEnabled": False, "TerminationProtectionEnabled": True,
    }
    qs.update_account_settings(
        AwsAccountId=ACCOUNT, DefaultNamespace="default", NotificationEmail="new@example.org", TerminationProtectionEnabled=True)
    after = qs.describe_account_settings(AwsAccountId=ACCOUNT)["AccountSettings"]
    assert after == before["AccountSettings"] | {"NotificationEmail": "new@example.org"}
    # The address stays where it is not sent; the protection does not: the Go SDK, and Terraform with it, cannot send false.
    qs.update_account_settings(AwsAccountId=ACCOUNT, DefaultNamespace="default")
    after = qs.describe_account_settings(AwsAccountId=ACCOUNT)["AccountSettings"]
    assert (after["NotificationEmail"], after["TerminationProtectionEnabled"]) == ("new@example.org", False)
    qs.update_account_settings(AwsAccountId=ACCOUNT, DefaultNamespace="default", TerminationProtectionEnabled=True)
    assert qs.describe_account_settings(AwsAccountId=ACCOUNT)["AccountSettings"]["TerminationProtectionEnabled"] is True
    refused(qs.update_account_settings, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT, DefaultNamespace="nowhere")


def test_the_way_out_and_back(qs, refused):
    qs.register_user(AwsAccountId=ACCOUNT, Namespace="default", IdentityType="QUICKSIGHT", UserName="ana",
                     Email="ana@example.org", UserRole="AUTHOR")
    r = refused(qs.delete_account_subscription, "PreconditionNotMetException", 400, AwsAccountId=ACCOUNT)
    assert "termination protection" in r.message.lower()
    assert qs.describe_user(AwsAccountId=ACCOUNT, Namespace="default", UserName="ana")

    qs.update_account_settings(AwsAccountId=ACCOUNT, DefaultNamespace="default", TerminationProtectionEnabled=False)
    assert qs.delete_account_subscription(AwsAccountId=ACCOUNT)["Status"] == 202
    statuses = wait_for_status(qs, "UNSUBSCRIBED")
    assert set(statuses) <= {"UNSUBSCRIBE_IN_PROGRESS", "UNSUBSCRIBED"}
    info = qs.describe_account_subscription(AwsAccountId=ACCOUNT)["AccountInfo"]
    assert info["AccountName"] == f"house-{ACCOUNT}"

    r = refused(qs.describe_user, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT, Namespace="default", UserName="ana")
    assert "is not signed up with QuickSight" in r.message
    refused(qs.delete_account_subscription, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT)

    subscribe(qs, AccountName="second-try", AuthenticationMethod="IAM_ONLY")
    names = [u["UserName"] for u in qs.list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]]
    assert names == [ACCOUNT], "nobody of the old subscription is left"


def test_upgrade_to_q(qs):
    subscribe(qs, Edition="ENTERPRISE_AND_Q", **Q_CONTACT)
    assert qs.describe_account_settings(AwsAccountId=ACCOUNT)["AccountSettings"]["Edition"] == "ENTERPRISE_AND_Q"


def test_iam_only_takes_no_passwords(bare, refused):
    subscribe(bare, AuthenticationMethod="IAM_ONLY")
    user = {"AwsAccountId": ACCOUNT, "Namespace": "default", "Email": "x@example.org", "UserRole": "READER"}
    refused(bare.register_user, "InvalidParameterValueException", 400, IdentityType="QUICKSIGHT", UserName="ana", **user)
    bare.register_user(IdentityType="IAM", IamArn=f"arn:aws:iam::{ACCOUNT}:user/ana", **user)


def test_identity_center_registers_nobody(bare, refused):
    subscribe(bare, AuthenticationMethod="IAM_IDENTITY_CENTER", **METHODS["IAM_IDENTITY_CENTER"])
    r = refused(
        bare.register_user, "AccessDeniedException", 401, AwsAccountId=ACCOUNT, Namespace="default", IdentityType="QUICKSIGHT",
        UserName="ana", Email="x@example.org", UserRole="READER",
    )
    assert r.message == "Operation is disabled for identities managed by IAM Identity Center"


def test_standard_edition_where_the_operator_sells_it(start, refused):
    client = start("-standard-edition").client()
    subscribe(client, Edition="STANDARD")
    r = refused(client.describe_account_settings, "AccessDeniedException", 401, AwsAccountId=ACCOUNT)
    assert r.message == "Operation is disabled for STANDARD Edition. "
    assert client.describe_account_subscription(AwsAccountId=ACCOUNT)["AccountInfo"]["Edition"] == "STANDARD"


def test_not_signed_up(bare, refused):
    home = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
    ana = {"IdentityType": "QUICKSIGHT", "UserName": "ana", "Email": "ana@example.org", "UserRole": "READER"}
    text = f"Account {ACCOUNT} is not signed up with QuickSight with namespace default. AWS account ID: {ACCOUNT}, Namespace: default."
    for call, more in ((bare.list_users, {}), (bare.describe_user, {"UserName": "ana"}), (bare.register_user, ana), (bare.delete_user, {"UserName": "ana"})):
        r = refused(call, "ResourceNotFoundException", 404, **home, **more)
        assert r.message.strip() == text
        assert "ResourceType" not in r.response
    for call in (bare.describe_account_subscription, bare.describe_account_settings, bare.delete_account_subscription):
        refused(call, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT)
