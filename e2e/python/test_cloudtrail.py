"""The audit trail as existing scripts read it: boto3's LookupEvents with its
paginator, the AWS CLI, and the pruning of people who have not come for long."""

import datetime
import json
import pathlib
import subprocess
import sys

from server import ACCOUNT, BINARY, subscribe
from test_sts import allow, api, policy, trust

AWS = str(pathlib.Path(sys.executable).with_name("aws"))
HERE = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


def register(qs, name):
    qs.register_user(**HERE, IdentityType="IAM", UserRole="READER", Email=f"{name}@example.org",
                     IamArn=f"arn:aws:iam::{ACCOUNT}:role/Bi", SessionName=name)


def test_who_has_not_signed_in_is_pruned(server):
    qs, iam, trail = server.client(), api(server, "iam"), api(server, "cloudtrail")
    subscribe(qs)
    iam.create_user(UserName="gate")
    iam.create_role(RoleName="Bi", AssumeRolePolicyDocument=trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/gate"}, "sts:AssumeRole"))
    iam.put_user_policy(UserName="gate", PolicyName="all", PolicyDocument=policy(allow("sts:AssumeRole")))
    k = iam.create_access_key(UserName="gate")["AccessKey"]
    sts = api(server, "sts", aws_access_key_id=k["AccessKeyId"], aws_secret_access_key=k["SecretAccessKey"])
    for name in ["ana", "bob", "eve"]:
        register(qs, name)
    for name in ["ana", "eve", "ana"]:
        sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Bi", RoleSessionName=name)

    since = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=90)
    seen = {}
    pages = trail.get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "AssumeRole"}], StartTime=since, PaginationConfig={"PageSize": 2})
    for page in pages:
        for event in page["Events"]:
            record = json.loads(event["CloudTrailEvent"])
            assert event["Username"] == "gate" and event["ReadOnly"] == "true" and event["EventSource"] == "sts.amazonaws.com"
            assert record["responseElements"]["credentials"]["sessionToken"] == "HIDDEN_DUE_TO_SECURITY_REASONS"
            name = record["requestParameters"]["roleSessionName"]
            seen[name] = max(seen.get(name, since), event["EventTime"])
    assert set(seen) == {"ana", "eve"}
    for user in qs.list_users(**HERE)["UserList"]:
        if user["UserName"].startswith("Bi/") and user["UserName"].removeprefix("Bi/") not in seen:
            qs.delete_user(**HERE, UserName=user["UserName"])
    names = [e["Resources"] for e in trail.lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "DeleteUser"}])["Events"]]
    assert [r[0]["ResourceName"] for r in names] == [f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/Bi/bob"]
    assert [r[0]["ResourceType"] for r in names] == ["AWS::QuickSight::User"]


def test_refusals_and_errors_of_the_api(server, refused):
    qs, iam, trail = server.client(), api(server, "iam"), api(server, "cloudtrail")
    subscribe(qs)
    iam.create_user(UserName="eve")
    k = iam.create_access_key(UserName="eve")["AccessKey"]
    mine = {"aws_access_key_id": k["AccessKeyId"], "aws_secret_access_key": k["SecretAccessKey"]}
    refused(api(server, "cloudtrail", **mine).lookup_events, "AccessDeniedException", 400)
    refused(api(server, "quicksight", **mine).list_users, "AccessDeniedException", 403, **HERE)
    events = []
    for _ in range(100):
        events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "AccessKeyId", "AttributeValue": k["AccessKeyId"]}])["Events"]
        if len(events) == 2:
            break
    assert [e["EventName"] for e in events] == ["ListUsers", "LookupEvents"]
    assert {json.loads(e["CloudTrailEvent"])["errorCode"] for e in events} == {"AccessDeniedException"}
    attribute = {"AttributeKey": "EventName", "AttributeValue": "x"}
    refused(trail.lookup_events, "InvalidLookupAttributesException", 400, LookupAttributes=[attribute, attribute])
    refused(trail.lookup_events, "InvalidTimeRangeException", 400, StartTime=datetime.datetime(2026, 2, 1), EndTime=datetime.datetime(2026, 1, 1))
    refused(trail.lookup_events, "InvalidNextTokenException", 400, NextToken="x")
    assert trail.lookup_events(LookupAttributes=[attribute])["Events"] == []


def test_the_cli_and_the_commands(server):
    qs = server.client()
    subscribe(qs)
    register(qs, "ana")
    shell = server.shell(AWS_ENDPOINT_URL=server.url, ONSIGHT_DATA=str(server.data))
    out = subprocess.run([AWS, "cloudtrail", "lookup-events", "--lookup-attributes", "AttributeKey=EventName,AttributeValue=RegisterUser",
                          "--query", "Events[0].Username"], env=shell, capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == "root"
    out = subprocess.run([BINARY, "audit", "export", "-account", ACCOUNT], env=shell, capture_output=True, text=True, check=True)
    names = [json.loads(line)["eventName"] for line in out.stdout.splitlines()]
    assert names[0] == "CreateAccountSubscription" and names[-1] == "RegisterUser"
    out = subprocess.run([BINARY, "audit", "verify", "-account", ACCOUNT], env=shell, capture_output=True, text=True, check=True)
    assert "intact" in out.stdout
