"""Groups, role memberships and IAM policy assignments: boto3 as a person uses it, the calls of the Terraform provider's
resources in its order, and the AWS CLI."""

import json
import pathlib
import subprocess
import sys

import boto3
import pytest

import server as onsight
from server import ACCOUNT, KEY_ID, REGION, SECRET

HERE = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
ARN = f"arn:aws:quicksight:{REGION}:{ACCOUNT}:"
BUCKETS = json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}})


def register(qs, name):
    return qs.register_user(**HERE, IdentityType="QUICKSIGHT", UserName=name, Email="x@example.org", UserRole="READER")["User"]


@pytest.fixture
def policy(server):
    iam = boto3.client("iam", endpoint_url=server.url, region_name=REGION, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)
    return iam.create_policy(PolicyName="tf-acc-test", PolicyDocument=BUCKETS)["Policy"]["Arn"]


def member(qs, group, user):
    """The provider reads a membership by scanning the list."""
    for page in qs.get_paginator("list_group_memberships").paginate(**HERE, GroupName=group, PaginationConfig={"PageSize": 2}):
        for m in page["GroupMemberList"]:
            if m["MemberName"] == user:
                return m
    return None


def test_group(qs, refused):
    created = qs.create_group(**HERE, GroupName="tf-acc-test", Description="one")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    group = qs.describe_group(**HERE, GroupName="tf-acc-test")["Group"]
    assert group == created["Group"]
    assert group["Arn"] == ARN + "group/default/tf-acc-test"
    assert group["PrincipalId"].startswith("group/d-")
    qs.update_group(**HERE, GroupName="tf-acc-test", Description="two")
    assert qs.describe_group(**HERE, GroupName="tf-acc-test")["Group"] == group | {"Description": "two"}
    # The attribute is removed: the provider sends no description and wants to read none.
    qs.update_group(**HERE, GroupName="tf-acc-test")
    assert "Description" not in qs.describe_group(**HERE, GroupName="tf-acc-test")["Group"]
    qs.delete_group(**HERE, GroupName="tf-acc-test")
    refused(qs.describe_group, "ResourceNotFoundException", 404, **HERE, GroupName="tf-acc-test")
    gone = refused(qs.delete_group, "ResourceNotFoundException", 404, **HERE, GroupName="tf-acc-test")
    assert gone.message == f"AWS account id: {ACCOUNT}, Namespace: default, Group name: tf-acc-test. "
    assert gone.response["ResourceType"] == "GROUP"


@pytest.mark.parametrize("user", ["tf-acc-test", "Bi/ana@example.org"])
def test_group_membership(qs, refused, user):
    qs.create_group(**HERE, GroupName="tf-acc-test")
    for name in ("a", "b", "z", user):
        register(qs, name)
    for name in ("a", "b", "z"):
        qs.create_group_membership(**HERE, GroupName="tf-acc-test", MemberName=name)
    made = qs.create_group_membership(**HERE, GroupName="tf-acc-test", MemberName=user)["GroupMember"]
    # The id has four parts; user names may hold slashes.
    account, namespace, group, name = f"{ACCOUNT}/default/tf-acc-test/{user}".split("/", 3)
    assert made == {"Arn": f"{ARN}user/default/{user}", "MemberName": user}
    assert member(qs, group, name) == made
    assert qs.describe_group_membership(AwsAccountId=account, Namespace=namespace, GroupName=group, MemberName=name)["GroupMember"] == made
    assert [g["GroupName"] for g in qs.list_user_groups(**HERE, UserName=user)["GroupList"]] == ["tf-acc-test"]
    qs.delete_group_membership(**HERE, GroupName="tf-acc-test", MemberName=user)
    assert member(qs, group, name) is None
    refused(qs.delete_group_membership, "ResourceNotFoundException", 404, **HERE, GroupName="tf-acc-test", MemberName=user)
    qs.delete_group(**HERE, GroupName="tf-acc-test")
    refused(qs.list_group_memberships, "ResourceNotFoundException", 404, **HERE, GroupName="tf-acc-test")
    refused(qs.delete_group_membership, "ResourceNotFoundException", 404, **HERE, GroupName="tf-acc-test", MemberName="a")


def test_search(qs, refused):
    for name in ("Sales", "sales-eu", "other"):
        qs.create_group(**HERE, GroupName=name)
    search = [{"Operator": "StartsWith", "Name": "GROUP_NAME", "Value": "sALES"}]
    assert [g["GroupName"] for g in qs.search_groups(**HERE, Filters=search)["GroupList"]] == ["Sales", "sales-eu"]
    assert qs.search_groups(**HERE, Filters=[search[0] | {"Value": "none"}])["GroupList"] == []
    refused(qs.search_groups, "ValidationException", 400, **HERE, Filters=[search[0] | {"Operator": "StringEquals"}])


def test_role_membership(bare, refused):
    onsight.subscribe(bare, AuthenticationMethod="IAM_IDENTITY_CENTER", AdminGroup=["admins"])
    bare.create_role_membership(**HERE, Role="READER", MemberName="tf-acc-test")
    # Read is a scan of the list; ids are comma separated, so slashes and blanks are free.
    members = [m for p in bare.get_paginator("list_role_memberships").paginate(**HERE, Role="READER") for m in p["MembersList"]]
    assert members == ["tf-acc-test"]
    assert bare.list_role_memberships(**HERE, Role="ADMIN")["MembersList"] == ["admins"]
    bare.delete_role_membership(**HERE, Role="READER", MemberName="tf-acc-test")
    assert bare.list_role_memberships(**HERE, Role="READER")["MembersList"] == []
    refused(bare.delete_role_membership, "ResourceNotFoundException", 404, **HERE, Role="READER", MemberName="tf-acc-test")
    denied = refused(bare.create_group, "AccessDeniedException", 401, **HERE, GroupName="g")
    assert denied.message == "Operation is disabled for identities managed by IAM Identity Center"


def test_role_membership_needs_a_directory(qs, refused):
    refused(qs.create_role_membership, "PreconditionNotMetException", 400, **HERE, Role="READER", MemberName="g")


def test_iam_policy_assignment(qs, refused, policy):
    one = HERE | {"AssignmentName": "tf-acc-test"}
    # The provider's basic test: ENABLED, with nobody and no policy.
    created = qs.create_iam_policy_assignment(**one, AssignmentStatus="ENABLED")
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    read = qs.describe_iam_policy_assignment(**one)["IAMPolicyAssignment"]
    assert read == {"AwsAccountId": ACCOUNT, "AssignmentId": created["AssignmentId"], "AssignmentName": "tf-acc-test", "AssignmentStatus": "ENABLED"}
    register(qs, "tf-user")
    qs.create_group(**HERE, GroupName="tf-group")
    qs.update_iam_policy_assignment(**one, AssignmentStatus="DRAFT", PolicyArn=policy, Identities={"user": ["tf-user"], "group": ["tf-group"]})
    read |= {"AssignmentStatus": "DRAFT", "PolicyArn": policy, "Identities": {"user": ["tf-user"], "group": ["tf-group"]}}
    assert qs.describe_iam_policy_assignment(**one)["IAMPolicyAssignment"] == read
    assert qs.list_iam_policy_assignments_for_user(**HERE, UserName="tf-user")["ActiveAssignments"] == []
    qs.update_iam_policy_assignment(**one, AssignmentStatus="ENABLED")
    assert qs.list_iam_policy_assignments_for_user(**HERE, UserName="tf-user")["ActiveAssignments"] == [
        {"AssignmentName": "tf-acc-test", "PolicyArn": policy}]
    assert qs.list_iam_policy_assignments(**HERE, AssignmentStatus="ENABLED")["IAMPolicyAssignments"] == [
        {"AssignmentName": "tf-acc-test", "AssignmentStatus": "ENABLED"}]
    assert qs.list_iam_policy_assignments(**HERE, AssignmentStatus="DISABLED")["IAMPolicyAssignments"] == []
    refused(qs.create_iam_policy_assignment, "ResourceExistsException", 409, **one, AssignmentStatus="ENABLED")
    # Destroy the user first: it leaves the assignment.
    qs.delete_user(**HERE, UserName="tf-user")
    assert qs.describe_iam_policy_assignment(**one)["IAMPolicyAssignment"]["Identities"] == {"group": ["tf-group"]}
    assert qs.delete_iam_policy_assignment(**one)["AssignmentName"] == "tf-acc-test"
    refused(qs.describe_iam_policy_assignment, "ResourceNotFoundException", 404, **one)
    refused(qs.delete_iam_policy_assignment, "ResourceNotFoundException", 404, **one)


def test_groups_on_the_command_line(qs, server):
    def aws(*args):
        command = [str(pathlib.Path(sys.executable).with_name("aws")), "quicksight", *args, "--aws-account-id", ACCOUNT, "--namespace", "default"]
        done = subprocess.run(command, env=server.shell(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    register(qs, "c+d é")
    assert aws("create-group", "--group-name", "a/b c", "--description", "Both")["Group"]["Description"] == "Both"
    aws("create-group-membership", "--group-name", "a/b c", "--member-name", "c+d é")
    assert aws("list-group-memberships", "--group-name", "a/b c")["GroupMemberList"][0]["MemberName"] == "c+d é"
    assert aws("list-user-groups", "--user-name", "c+d é")["GroupList"][0]["GroupName"] == "a/b c"
    found = aws("search-groups", "--filters", "Operator=StartsWith,Name=GROUP_NAME,Value=A/B")["GroupList"]
    assert [g["GroupName"] for g in found] == ["a/b c"]
    answer = aws("create-iam-policy-assignment", "--assignment-name", "team.a", "--assignment-status", "ENABLED", "--identities", "group=a/b c")
    assert answer["Identities"] == {"group": ["a/b c"]}
    assert aws("list-iam-policy-assignments-for-user", "--user-name", "c+d é")["ActiveAssignments"] == [{"AssignmentName": "team.a"}]
    aws("delete-group-membership", "--group-name", "a/b c", "--member-name", "c+d é")
    aws("delete-group", "--group-name", "a/b c")
    assert "Identities" not in aws("describe-iam-policy-assignment", "--assignment-name", "team.a")["IAMPolicyAssignment"]
    aws("delete-iam-policy-assignment", "--assignment-name", "team.a")
    assert aws("list-groups")["GroupList"] == []
