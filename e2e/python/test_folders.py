"""Folders and what lies in them: the calls of Terraform's resources, in its order, and the AWS CLI."""

import json
import pathlib
import subprocess
import sys

import pytest

from server import ACCOUNT

AWS = str(pathlib.Path(sys.executable).with_name("aws"))
ARN = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:"
VIEWER = ["quicksight:DescribeFolder"]
OWNER = ["quicksight:" + name for name in (
    "CreateFolder", "DescribeFolder", "UpdateFolder", "DeleteFolder", "CreateFolderMembership", "DeleteFolderMembership",
    "DescribeFolderPermissions", "UpdateFolderPermissions")]


def author(qs, name):
    return qs.register_user(
        AwsAccountId=ACCOUNT, Namespace="default", IdentityType="QUICKSIGHT", UserName=name, Email="x@example.org", UserRole="AUTHOR")["User"]["Arn"]


def connector(qs, name):
    qs.create_action_connector(
        AwsAccountId=ACCOUNT, ActionConnectorId=name, Name=name, Type="GENERIC_HTTP", AuthenticationConfig={
            "AuthenticationType": "NONE", "AuthenticationMetadata": {"NoneConnectionMetadata": {"BaseEndpoint": "https://api.example.com"}}})


def read(qs, identity):
    """What the provider keeps of a folder after it has read it by its id."""
    account, folder = identity.split(",", 1)
    f = qs.describe_folder(AwsAccountId=account, FolderId=folder)["Folder"]
    permissions = qs.describe_folder_permissions(AwsAccountId=account, FolderId=folder)["Permissions"]
    path = f.get("FolderPath") or []
    return {
        "folder_id": f["FolderId"], "name": f["Name"], "folder_type": f["FolderType"], "folder_path": path,
        "parent_folder_arn": path[-1] if path else None,
        "permissions": {p["Principal"]: sorted(p["Actions"]) for p in permissions},
        "tags": qs.list_tags_for_resource(ResourceArn=f["Arn"])["Tags"],
    }


def test_terraform_folder(qs, refused):
    ana, bo = author(qs, "ana"), author(qs, "bo")
    one = {"AwsAccountId": ACCOUNT, "FolderId": "tf-acc-test"}
    identity = f"{ACCOUNT},tf-acc-test"
    made = qs.create_folder(**one, Name="tf-acc-test", FolderType="SHARED", Permissions=[{"Principal": ana, "Actions": VIEWER}],
                            Tags=[{"Key": "key1", "Value": "value1"}])
    assert (made["Arn"], made["Status"]) == (ARN + "folder/tf-acc-test", 201)
    want = {"folder_id": "tf-acc-test", "name": "tf-acc-test", "folder_type": "SHARED", "folder_path": [], "parent_folder_arn": None,
            "permissions": {ana: VIEWER}, "tags": [{"Key": "key1", "Value": "value1"}]}
    assert read(qs, identity) == want
    assert read(qs, identity) == want  # plan again, or import: no drift

    # Update: the provider sends the name with every change, then grants whole sets and revokes the difference.
    qs.update_folder(**one, Name="renamed")
    qs.update_folder_permissions(**one, GrantPermissions=[{"Principal": ana, "Actions": OWNER}, {"Principal": bo, "Actions": VIEWER}])
    want |= {"name": "renamed", "permissions": {ana: sorted(OWNER), bo: VIEWER}}
    assert read(qs, identity) == want
    qs.update_folder(**one, Name="renamed")
    qs.update_folder_permissions(
        **one, GrantPermissions=[{"Principal": ana, "Actions": VIEWER}],
        RevokePermissions=[{"Principal": ana, "Actions": [a for a in OWNER if a not in VIEWER]}, {"Principal": bo, "Actions": VIEWER}])
    want["permissions"] = {ana: VIEWER}
    assert read(qs, identity) == want
    r = refused(qs.update_folder_permissions, "InvalidParameterValueException", 400, **one,
                GrantPermissions=[{"Principal": ana, "Actions": [a for a in OWNER if a not in VIEWER]}])
    assert r.message.startswith("ResourcePermission list contains unsupported permission sets [quicksight:CreateFolder, quicksight:UpdateFolder, ")

    # A folder in it; both are destroyed, the inner one first.
    qs.create_folder(AwsAccountId=ACCOUNT, FolderId="inner", Name="inner", FolderType="SHARED", ParentFolderArn=made["Arn"])
    inner = read(qs, f"{ACCOUNT},inner")
    assert (inner["parent_folder_arn"], inner["folder_path"]) == (made["Arn"], [made["Arn"]])
    resolved = qs.describe_folder_resolved_permissions(AwsAccountId=ACCOUNT, FolderId="inner")["Permissions"]
    assert resolved == [{"Principal": ana, "Actions": VIEWER}]
    refused(qs.delete_folder, "PreconditionNotMetException", 400, **one)
    qs.delete_folder(AwsAccountId=ACCOUNT, FolderId="inner")
    qs.delete_folder(**one)
    refused(qs.describe_folder, "ResourceNotFoundException", 404, **one)
    refused(qs.delete_folder, "ResourceNotFoundException", 404, **one)


def test_terraform_folder_membership(qs, refused):
    connector(qs, "crm")
    qs.create_folder(AwsAccountId=ACCOUNT, FolderId="f", Name="f")
    one = {"AwsAccountId": ACCOUNT, "FolderId": "f", "MemberType": "ACTION_CONNECTOR", "MemberId": "crm"}

    def listed():
        members = qs.list_folder_members(AwsAccountId=ACCOUNT, FolderId="f")["FolderMemberList"]
        return [m for m in members if m["MemberId"] == "crm"]

    assert qs.create_folder_membership(**one)["FolderMember"] == {"MemberId": "crm", "MemberType": "ACTION_CONNECTOR"}
    assert listed() == [{"MemberId": "crm", "MemberArn": ARN + "action-connector/crm"}]
    assert qs.list_folders_for_resource(AwsAccountId=ACCOUNT, ResourceArn=ARN + "action-connector/crm")["Folders"] == [ARN + "folder/f"]
    refused(qs.create_folder_membership, "ResourceExistsException", 409, **one)
    refused(qs.create_folder_membership, "ResourceNotFoundException", 404, **one | {"MemberType": "DASHBOARD"})
    qs.delete_folder_membership(**one)
    assert listed() == []
    refused(qs.delete_folder_membership, "ResourceNotFoundException", 404, **one)
    # Deleted outside of Terraform: the next read finds nothing, and destroy takes the 404.
    qs.create_folder_membership(**one)
    qs.delete_action_connector(AwsAccountId=ACCOUNT, ActionConnectorId="crm")
    assert listed() == []
    qs.delete_folder(AwsAccountId=ACCOUNT, FolderId="f")
    refused(qs.list_folder_members, "ResourceNotFoundException", 404, AwsAccountId=ACCOUNT, FolderId="f")


def test_paginators(qs):
    ana = author(qs, "ana")
    for i in range(12):
        qs.create_folder(AwsAccountId=ACCOUNT, FolderId=f"f{i:02}", Name=f"Folder {i}", Permissions=[{"Principal": ana, "Actions": OWNER}],
                         **({"ParentFolderArn": ARN + "folder/f00"} if i % 2 else {}))
    size = {"PageSize": 5}
    pages = list(qs.get_paginator("list_folders").paginate(AwsAccountId=ACCOUNT, PaginationConfig=size))
    assert [len(p["FolderSummaryList"]) for p in pages] == [5, 5, 2]
    found = qs.get_paginator("search_folders").paginate(AwsAccountId=ACCOUNT, PaginationConfig=size, Filters=[
        {"Name": "PARENT_FOLDER_ARN", "Operator": "StringEquals", "Value": ARN + "folder/f00"},
        {"Name": "QUICKSIGHT_OWNER", "Operator": "StringEquals", "Value": ana}]).build_full_result()
    assert [f["FolderId"] for f in found["FolderSummaryList"]] == [f"f{i:02}" for i in range(1, 12, 2)]
    resolved = qs.get_paginator("describe_folder_resolved_permissions").paginate(AwsAccountId=ACCOUNT, FolderId="f01", PaginationConfig=size)
    assert resolved.build_full_result()["Permissions"] == [{"Principal": ana, "Actions": sorted(OWNER)}]


@pytest.fixture
def aws(server, qs):
    def aws(*args, fails=False):
        done = subprocess.run([AWS, "quicksight", *args], env=server.shell(), capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode != 0) == fails, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr

    return aws


def test_cli(aws, qs):
    """The example of the user guide, a restricted folder with a contributor."""
    ana = author(qs, "ana")
    connector(qs, "crm")
    one = ("--aws-account-id", ACCOUNT, "--folder-id", "example-folder-name")
    aws("create-folder", *one, "--folder-type", "RESTRICTED", "--name", "Example Folder")
    contributor = ",".join("quicksight:" + a for a in (
        "CreateFolder", "DescribeFolder", "CreateFolderMembership", "DeleteFolderMembership", "DescribeFolderPermissions"))
    shown = aws("update-folder-permissions", *one, "--grant-permissions", f"Principal={ana},Actions={contributor}")
    assert shown["Permissions"][0]["Principal"] == ana
    member = (*one, "--member-type", "ACTION_CONNECTOR", "--member-id", "crm")
    aws("create-folder-membership", *member)
    assert aws("list-folder-members", *one)["FolderMemberList"][0]["MemberId"] == "crm"
    said = aws("delete-folder-membership", *member, fails=True)
    assert "(InvalidParameterValueException)" in said and "can't leave the restricted folder example-folder-name" in said
    assert aws("describe-folder", *one)["Folder"]["FolderType"] == "RESTRICTED"
    assert [f["FolderId"] for f in aws("search-folders", "--aws-account-id", ACCOUNT, "--filters",
                                      "Operator=StringLike,Name=FOLDER_NAME,Value=example*")["FolderSummaryList"]] == ["example-folder-name"]
    aws("delete-action-connector", "--aws-account-id", ACCOUNT, "--action-connector-id", "crm")
    aws("delete-folder", *one)
    assert aws("list-folders", "--aws-account-id", ACCOUNT)["FolderSummaryList"] == []
