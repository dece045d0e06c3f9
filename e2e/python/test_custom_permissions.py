"""Custom permissions: the calls of the Terraform provider's resources in its
order, and what a profile takes away from an IAM user who is registered."""

import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT, wait_until
from test_connectors import NONE
from test_iam import key_of
from test_sts import allow, api, policy

HOME = {"AwsAccountId": ACCOUNT}
PLACE = HOME | {"Namespace": "default"}
NAME = "tf-acc-test"
ARN = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:custompermissions/{NAME}"


def profile(qs, **capabilities):
    qs.create_custom_permissions(**HOME, CustomPermissionsName=NAME, Capabilities=capabilities)


def gone(qs):
    with pytest.raises(qs.exceptions.ResourceNotFoundException):
        qs.describe_custom_permissions(**HOME, CustomPermissionsName=NAME)


def test_custom_permissions(qs):
    # Create, read, read the tags: nothing but what was set comes back.
    made = qs.create_custom_permissions(
        **HOME, CustomPermissionsName=NAME, Capabilities={"PrintReports": "DENY", "ShareDashboards": "DENY"}, Tags=[{"Key": "k", "Value": "v"}])
    assert (made["Arn"], made["Status"]) == (ARN, 201)
    read = qs.describe_custom_permissions(**HOME, CustomPermissionsName=NAME)["CustomPermissions"]
    assert read == {"Arn": ARN, "CustomPermissionsName": NAME, "Capabilities": {"PrintReports": "DENY", "ShareDashboards": "DENY"}}
    assert qs.list_tags_for_resource(ResourceArn=ARN)["Tags"] == [{"Key": "k", "Value": "v"}]

    # Update replaces all; then the tags.
    out = qs.update_custom_permissions(**HOME, CustomPermissionsName=NAME, Capabilities={"ShareDashboards": "DENY", "ExportToCsv": "DENY"})
    assert (out["Arn"], out["Status"]) == (ARN, 200)
    qs.tag_resource(ResourceArn=ARN, Tags=[{"Key": "k", "Value": "w"}])
    read = qs.describe_custom_permissions(**HOME, CustomPermissionsName=NAME)["CustomPermissions"]
    assert read["Capabilities"] == {"ShareDashboards": "DENY", "ExportToCsv": "DENY"}
    assert [p["CustomPermissionsName"] for p in qs.list_custom_permissions(**HOME)["CustomPermissionsList"]] == [NAME]

    assert qs.delete_custom_permissions(**HOME, CustomPermissionsName=NAME)["Status"] == 200
    gone(qs)


def test_every_capability_of_the_sdk(qs):
    shape = qs.meta.service_model.operation_model("CreateCustomPermissions").input_shape.members["Capabilities"]
    everything = dict.fromkeys(shape.members, "DENY")
    assert len(everything) > 500
    qs.create_custom_permissions(**HOME, CustomPermissionsName=NAME, Capabilities=everything)
    assert qs.describe_custom_permissions(**HOME, CustomPermissionsName=NAME)["CustomPermissions"]["Capabilities"] == everything


def test_role_custom_permission(qs):
    profile(qs, PrintReports="DENY")
    role = PLACE | {"Role": "READER"}
    assert "CustomPermissionsName" not in qs.describe_role_custom_permission(**role)
    for _ in range(2):  # create, then update to the same
        assert qs.update_role_custom_permission(**role, CustomPermissionsName=NAME)["Status"] == 200
        read = qs.describe_role_custom_permission(**role)
        assert (read["CustomPermissionsName"], read["Status"]) == (NAME, 200)
    with pytest.raises(qs.exceptions.ConflictException, match="applied to 1 role"):
        qs.delete_custom_permissions(**HOME, CustomPermissionsName=NAME)
    assert qs.delete_role_custom_permission(**role)["Status"] == 200
    assert not qs.describe_role_custom_permission(**role).get("CustomPermissionsName")
    qs.delete_custom_permissions(**HOME, CustomPermissionsName=NAME)


def test_user_custom_permission(qs):
    profile(qs, PrintReports="DENY")
    user = PLACE | {"UserName": NAME}
    qs.register_user(**PLACE, UserName=NAME, IdentityType="QUICKSIGHT", Email="x@example.org", UserRole="READER")
    assert qs.update_user_custom_permission(**user, CustomPermissionsName=NAME)["Status"] == 200
    assert qs.describe_user(**user)["User"]["CustomPermissionsName"] == NAME
    with pytest.raises(qs.exceptions.ResourceNotFoundException):
        qs.update_user_custom_permission(**user, CustomPermissionsName="absent")
    assert qs.describe_user(**user)["User"]["CustomPermissionsName"] == NAME
    assert qs.delete_user_custom_permission(**user)["Status"] == 200
    assert "CustomPermissionsName" not in qs.describe_user(**user)["User"]
    qs.delete_custom_permissions(**HOME, CustomPermissionsName=NAME)
    gone(qs)


def test_account_custom_permission(qs, refused):
    profile(qs, PrintReports="DENY")
    refused(qs.describe_account_custom_permission, "ResourceNotFoundException", 404, **HOME)
    assert qs.update_account_custom_permission(**HOME, CustomPermissionsName=NAME)["Status"] == 200
    read = qs.describe_account_custom_permission(**HOME)
    assert (read["CustomPermissionsName"], read["Status"]) == (NAME, 200)
    with pytest.raises(qs.exceptions.ConflictException, match="applied to the account"):
        qs.delete_custom_permissions(**HOME, CustomPermissionsName=NAME)
    assert qs.delete_account_custom_permission(**HOME)["Status"] == 200
    refused(qs.describe_account_custom_permission, "ResourceNotFoundException", 404, **HOME)
    qs.delete_custom_permissions(**HOME, CustomPermissionsName=NAME)


def test_a_profile_binds_an_iam_user(server, qs, refused):
    """Root makes everything; ana, an IAM user who is registered, works."""
    iam = api(server, "iam")
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=policy(allow("quicksight:*")))
    ana = api(server, "quicksight", **key_of(iam, "ana"))
    qs.register_user(**PLACE, IdentityType="IAM", IamArn=f"arn:aws:iam::{ACCOUNT}:user/ana", Email="ana@example.org", UserRole="AUTHOR")
    hook = HOME | {"Name": "Hook", "Type": "GENERIC_HTTP", "AuthenticationConfig": NONE}
    ana.create_action_connector(**hook, ActionConnectorId="first")

    profile(qs, CreateAndUpdateGenericHTTPAction="DENY")
    qs.update_role_custom_permission(**PLACE, Role="AUTHOR", CustomPermissionsName=NAME)
    error = refused(ana.create_action_connector, "AccessDeniedException", 401, **hook, ActionConnectorId="second")
    assert error.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/ana is not authorized to perform: quicksight:CreateActionConnector on resource: "
        f"arn:aws:quicksight:us-east-1:{ACCOUNT}:action-connector/second because the custom permissions profile {NAME}, which is applied to "
        "the role AUTHOR in namespace default, denies the capability CreateAndUpdateGenericHTTPAction")
    with pytest.raises(ClientError):
        qs.describe_action_connector(**HOME, ActionConnectorId="second")
    # The operator may know more: the header's message is opened by STS.
    encoded = error.response["ResponseMetadata"]["HTTPHeaders"]["x-onsight-authorization-message"]
    assert "CreateAndUpdateGenericHTTPAction" in api(server, "sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"]

    # The same call works once the profile says otherwise, and for who is not bound.
    qs.create_action_connector(**hook, ActionConnectorId="of-root")
    qs.update_custom_permissions(**HOME, CustomPermissionsName=NAME, Capabilities={"ShareGenericHTTPAction": "DENY"})
    ana.create_action_connector(**hook, ActionConnectorId="second")
    wait_until(lambda: ana.describe_action_connector(**HOME, ActionConnectorId="second")["ActionConnector"]["Status"] == "CREATION_SUCCESSFUL")
    refused(ana.update_action_connector_permissions, "AccessDeniedException", 401, **HOME, ActionConnectorId="second", GrantPermissions=[
        {"Principal": f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/ana", "Actions": ["quicksight:DescribeActionConnector"]}])

    # A category that is governed denies what is not allowed by name.
    governed = {"DefaultCategoryEffects": {"AI": "DENY_BY_DEFAULT"}}
    qs.update_custom_permissions(**HOME, CustomPermissionsName=NAME, Capabilities={}, Governance=governed)
    refused(ana.list_action_connectors, "AccessDeniedException", 401, **HOME)
    qs.update_custom_permissions(**HOME, CustomPermissionsName=NAME, Capabilities={"Action": "ALLOW"}, Governance=governed)
    assert len(ana.list_action_connectors(**HOME)["ActionConnectorSummaries"]) == 3
    refused(ana.describe_action_connector, "AccessDeniedException", 401, **HOME, ActionConnectorId="first")
