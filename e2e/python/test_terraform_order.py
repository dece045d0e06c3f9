"""The calls of the Terraform provider's resources, in its order and with its waiters' rules."""

import time

import pytest

from server import ACCOUNT

NOT_FOUND_LIMIT = 20


def wait(client, pending, target, times=1, polls=600):
    """As the provider waits: an unknown status fails at once, a 404 or an
    account without a name may come a few times only, and the target must be
    seen so many times in a row."""
    missing = seen = 0
    for _ in range(polls):
        try:
            info = client.describe_account_subscription(AwsAccountId=ACCOUNT)["AccountInfo"]
        except client.exceptions.ResourceNotFoundException:
            info = {}
        if not info.get("AccountName"):
            missing += 1
            assert missing <= NOT_FOUND_LIMIT, "couldn't find resource"
        else:
            status = info["AccountSubscriptionStatus"]
            if status in target:
                seen += 1
                if seen == times:
                    return info
            else:
                seen = 0
                assert status in pending, f"unexpected state {status!r}, wanted target {target}"
        time.sleep(0.02)
    pytest.fail("timeout while waiting for state")


def test_account_subscription(bare):
    out = bare.create_account_subscription(
        AwsAccountId=ACCOUNT, AccountName="tf-acc-test", AuthenticationMethod="IAM_AND_QUICKSIGHT", Edition="ENTERPRISE", NotificationEmail="x@example.org")
    assert out.get("SignupResponse"), "empty output"
    info = wait(bare, {"SIGNUP_ATTEMPT_IN_PROGRESS"}, {"ACCOUNT_CREATED", "OK"}, times=2)
    assert (info["AccountName"], info["Edition"], info["NotificationEmail"]) == ("tf-acc-test", "ENTERPRISE", "x@example.org")
    # Plan again: nothing differs from what was asked for.
    assert wait(bare, set(), {"ACCOUNT_CREATED", "OK"}) == info

    # The settings resource, then destroy. The provider's SDK leaves a false out of the body.
    bare.update_account_settings(AwsAccountId=ACCOUNT, DefaultNamespace="default")
    settings = bare.describe_account_settings(AwsAccountId=ACCOUNT)["AccountSettings"]
    assert (settings["DefaultNamespace"], settings["TerminationProtectionEnabled"]) == ("default", False)
    bare.delete_account_subscription(AwsAccountId=ACCOUNT)
    wait(bare, {"ACCOUNT_CREATED", "OK", "UNSUBSCRIBE_IN_PROGRESS"}, {"UNSUBSCRIBED"})


@pytest.mark.parametrize("user", [
    {"IdentityType": "QUICKSIGHT", "UserName": "tf-acc-test"},
    {"IdentityType": "QUICKSIGHT", "UserName": "tf-acc-test/with/slashes"},
    {"IdentityType": "IAM", "IamArn": f"arn:aws:iam::{ACCOUNT}:user/tf-acc-test"},
    {"IdentityType": "IAM", "IamArn": f"arn:aws:iam::{ACCOUNT}:role/tf-acc-test", "SessionName": "tf@example.org"},
], ids=["native", "slashes", "iam-user", "iam-role"])
def test_user(qs, refused, user):
    here = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
    created = qs.register_user(**here, **user, Email="fakeemail@example.com", UserRole="READER")["User"]
    # Read at once, by the name of the answer, which becomes the last part of the id.
    identity = f"{ACCOUNT}/default/{created['UserName']}"
    account, namespace, name = identity.split("/", 2)
    read = qs.describe_user(AwsAccountId=account, Namespace=namespace, UserName=name)["User"]
    for member in ("Arn", "Email", "IdentityType", "PrincipalId", "Role", "UserName"):
        assert read[member] == created[member] and read[member]
    # Update sends e-mail and role, and nothing else.
    qs.update_user(**here, UserName=name, Email="nottarealemailbutworks", Role="READER")
    assert qs.describe_user(**here, UserName=name)["User"] == read | {"Email": "nottarealemailbutworks"}
    qs.delete_user(**here, UserName=name)
    refused(qs.describe_user, "ResourceNotFoundException", 404, **here, UserName=name)
    refused(qs.delete_user, "ResourceNotFoundException", 404, **here, UserName=name)
