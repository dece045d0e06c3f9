"""IAM as administrators use it: boto3 and the AWS CLI make users, groups,
policies and keys; the calls that follow are decided by them."""

import json
import pathlib
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT, BINARY, subscribe
from test_sts import allow, api, policy

AWS = str(pathlib.Path(sys.executable).with_name("aws"))
HERE = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


@pytest.fixture
def iam(server):
    subscribe(server.client())
    return api(server, "iam")


def key_of(iam, name):
    k = iam.create_access_key(UserName=name)["AccessKey"]
    return {"aws_access_key_id": k["AccessKeyId"], "aws_secret_access_key": k["SecretAccessKey"]}


def denied(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403, error
    return error


def test_a_group_with_a_managed_policy(server, iam):
    iam.create_user(UserName="ana", Path="/bi/", Tags=[{"Key": "team", "Value": "bi"}])
    iam.create_group(GroupName="readers")
    arn = iam.create_policy(PolicyName="look", PolicyDocument=policy(allow("quicksight:List*")))["Policy"]["Arn"]
    ana = api(server, "quicksight", **key_of(iam, "ana"))

    error = denied(ana.list_users, **HERE)
    assert error["Error"]["Code"] == "AccessDeniedException"
    assert error["Error"]["Message"] == (
        f"User: arn:aws:iam::{ACCOUNT}:user/bi/ana is not authorized to perform: quicksight:ListUsers on resource: "
        f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/* because no identity-based policy allows the quicksight:ListUsers action")

    iam.attach_group_policy(GroupName="readers", PolicyArn=arn)
    iam.add_user_to_group(GroupName="readers", UserName="ana")
    assert len(ana.list_users(**HERE)["UserList"]) == 1

    iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy(allow("quicksight:Describe*")), SetAsDefault=True)
    denied(ana.list_users, **HERE)
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    ana.list_users(**HERE)
    iam.attach_user_policy(UserName="ana", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    ana.register_user(**HERE, IdentityType="QUICKSIGHT", UserName="bob", Email="b@example.org", UserRole="READER")

    # As in the console: everything goes before the user can.
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="ana")
    for page in iam.get_paginator("list_access_keys").paginate(UserName="ana"):
        for k in page["AccessKeyMetadata"]:
            iam.delete_access_key(UserName="ana", AccessKeyId=k["AccessKeyId"])
    iam.detach_user_policy(UserName="ana", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    iam.remove_user_from_group(GroupName="readers", UserName="ana")
    iam.delete_user(UserName="ana")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName="ana")
    with pytest.raises(ClientError) as caught:
        ana.list_users(**HERE)
    assert caught.value.response["Error"]["Code"] == "UnrecognizedClientException"


def test_who_may_change_policies_of_others_only(server, iam):
    iam.create_user(UserName="keeper")
    iam.create_user(UserName="intern", Path="/interns/")
    iam.put_user_policy(UserName="keeper", PolicyName="keep",
                        PolicyDocument=policy(allow("iam:PutUserPolicy", resource=f"arn:aws:iam::{ACCOUNT}:user/interns/*")))
    keeper = api(server, "iam", **key_of(iam, "keeper"))
    everything = policy(allow("*"))
    keeper.put_user_policy(UserName="intern", PolicyName="p", PolicyDocument=everything)
    error = denied(keeper.put_user_policy, UserName="keeper", PolicyName="p", PolicyDocument=everything)
    assert error["Error"]["Code"] == "AccessDenied"
    with pytest.raises(ClientError) as caught:
        iam.put_user_policy(UserName="intern", PolicyName="q", PolicyDocument='{"Version":"2012-10-17","Statement":[{"Effect":"Perhaps"}]}')
    assert caught.value.response["Error"]["Code"] == "MalformedPolicyDocument"


def test_why(server, iam):
    iam.create_user(UserName="ana")
    iam.put_user_policy(UserName="ana", PolicyName="p", PolicyDocument=policy(
        allow("quicksight:*"), {"Sid": "NotAway", "Effect": "Deny", "Action": "quicksight:DeleteUser", "Resource": "*"}))
    result = iam.simulate_principal_policy(PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:user/ana", ActionNames=["quicksight:ListUsers", "quicksight:DeleteUser"])
    assert [r["EvalDecision"] for r in result["EvaluationResults"]] == ["allowed", "explicitDeny"]

    ana = api(server, "quicksight", **key_of(iam, "ana"))
    error = denied(ana.delete_user, **HERE, UserName="bob")
    assert error["Error"]["Message"].endswith("with an explicit deny in an identity-based policy")
    encoded = error["ResponseMetadata"]["HTTPHeaders"]["x-onsight-authorization-message"]
    decoded = json.loads(api(server, "sts").decode_authorization_message(EncodedMessage=encoded)["DecodedMessage"])
    assert (decoded["allowed"], decoded["explicitDeny"]) == (False, True)
    assert decoded["context"]["action"] == "quicksight:DeleteUser"
    assert [s["statementId"] for s in decoded["matchedStatements"]["items"]] == ["NotAway"]

    done = subprocess.run([BINARY, "access", "explain", "-account", ACCOUNT, "-principal", "user/ana", "-action", "quicksight:DeleteUser"],
                          env=server.shell(), capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.startswith("DENIED (explicitDeny)") and "NotAway of p" in done.stdout


def test_the_cli_makes_a_user(server, iam):
    def aws(*args):
        env = server.shell() | {"AWS_ENDPOINT_URL": server.url}
        done = subprocess.run([AWS, *args, "--output", "json"], env=env, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    assert aws("iam", "create-user", "--user-name", "ci")["User"]["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/ci"
    document = policy(allow("quicksight:*"))
    aws("iam", "put-user-policy", "--user-name", "ci", "--policy-name", "p", "--policy-document", document)
    assert aws("iam", "get-user-policy", "--user-name", "ci", "--policy-name", "p")["PolicyDocument"] == json.loads(document)
    assert aws("iam", "list-user-policies", "--user-name", "ci")["PolicyNames"] == ["p"]
    assert aws("sts", "get-caller-identity")["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"


def test_changes_are_in_the_trail(server, iam):
    iam.create_user(UserName="ana")
    ana = api(server, "quicksight", **key_of(iam, "ana"))
    denied(ana.list_users, **HERE)
    trail = api(server, "cloudtrail")
    made = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}])["Events"]
    assert [json.loads(e["CloudTrailEvent"])["requestParameters"]["userName"] for e in made] == ["ana"]
    secret = key_of(iam, "ana")["aws_secret_access_key"]
    everything = trail.lookup_events(MaxResults=50)["Events"]
    assert not [e for e in everything if secret in e["CloudTrailEvent"]]
