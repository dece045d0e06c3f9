"""The AWS CLI, in the shell that the server says how to make."""

import json
import pathlib
import subprocess
import sys

import pytest

from server import ACCOUNT, BINARY

AWS = str(pathlib.Path(sys.executable).with_name("aws"))


@pytest.fixture
def aws(server):
    def aws(*args, fails=False, **env):
        done = subprocess.run([AWS, "quicksight", *args], env=server.shell(**env), capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode != 0) == fails, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr

    return aws


def test_a_working_day(aws, tmp_path):
    me = ("--aws-account-id", ACCOUNT)
    here = (*me, "--namespace", "default")
    answer = aws("create-account-subscription", *me, "--account-name", "our-house", "--edition", "ENTERPRISE",
                 "--authentication-method", "IAM_AND_QUICKSIGHT", "--notification-email", "desk@example.org")
    assert answer["SignupResponse"]["accountName"] == "our-house"
    status = ("describe-account-subscription", *me, "--query", "AccountInfo.AccountSubscriptionStatus", "--output", "text")
    for _ in range(20):
        if aws(*status).strip() == "ACCOUNT_CREATED":
            break
    else:
        pytest.fail("the account was not created")

    names = ["ana", "bob b", "role é/x@example.org", "c+d", ".."]
    for name in names:
        answer = aws("register-user", *here, "--identity-type", "QUICKSIGHT", "--user-name", name, "--email", "x@example.org", "--user-role", "READER",
                     "--tags", "Key=team,Value=blue")
        assert answer["UserInvitationUrl"].startswith("http")
    aws("register-user", *here, "--identity-type", "IAM", "--iam-arn", f"arn:aws:iam::{ACCOUNT}:role/r", "--session-name", "ss", "--email", "x",
        "--user-role", "AUTHOR")
    listed = aws("list-users", *here, "--page-size", "2")["UserList"]
    assert sorted(u["UserName"] for u in listed) == sorted([*names, "r/ss", ACCOUNT])
    for name in names:
        assert aws("describe-user", *here, "--user-name", name)["User"]["UserName"] == name
    assert aws("update-user", *here, "--user-name", "bob b", "--email", "y", "--role", "ADMIN")["User"]["Role"] == "ADMIN"
    aws("delete-user", *here, "--user-name", "..")
    said = aws("describe-user", *here, "--user-name", "..", fails=True)
    assert "An error occurred (ResourceNotFoundException) when calling the DescribeUser operation: AWS account id: " in said

    config = tmp_path / "auth.json"
    config.write_text(json.dumps({"AuthenticationType": "API_KEY", "AuthenticationMetadata": {"ApiKeyConnectionMetadata": {
        "BaseEndpoint": "https://slack.com/api", "ApiKey": "xoxb-s3cret"}}}))
    one = (*me, "--action-connector-id", "chat")
    answer = aws("create-action-connector", *one, "--name", "Team chat", "--type", "SLACK", "--authentication-config", f"file://{config}")
    assert answer["CreationStatus"] == "CREATION_IN_PROGRESS"
    shown = aws("describe-action-connector", *one)["ActionConnector"]
    assert shown["AuthenticationConfig"]["AuthenticationMetadata"] == {"ApiKeyConnectionMetadata": {"BaseEndpoint": "https://slack.com/api"}}
    found = aws("search-action-connectors", *me, "--filters", "Name=ACTION_CONNECTOR_TYPE,Operator=StringEquals,Value=SLACK")
    assert [c["ActionConnectorId"] for c in found["ActionConnectorSummaries"]] == ["chat"]
    aws("tag-resource", "--resource-arn", answer["Arn"], "--tags", "Key=a,Value=b")
    assert aws("list-tags-for-resource", "--resource-arn", answer["Arn"])["Tags"] == [{"Key": "a", "Value": "b"}]


def test_errors_for_people(aws):
    said = aws("list-users", "--aws-account-id", ACCOUNT, "--namespace", "default", fails=True)
    assert "ResourceNotFoundException" in said and "is not signed up with QuickSight" in said
    said = aws("list-dashboards", "--aws-account-id", ACCOUNT, fails=True)
    assert "NotImplementedException" in said and "ListDashboards" in said
    said = aws("list-users", "--aws-account-id", ACCOUNT, "--namespace", "default", fails=True, AWS_SECRET_ACCESS_KEY="wrong")
    assert "InvalidSignatureException" in said


def test_what_the_server_prints_is_what_a_shell_needs(start, tmp_path):
    """A first start without credentials: its output, pasted as it is, works."""
    s = start(env={}, data=tmp_path / "fresh")
    paste = "\n".join(line.strip() for line in s.output if line.strip().startswith("export "))
    script = paste + f"\n{AWS} quicksight describe-account-subscription --aws-account-id {ACCOUNT}\n"
    env = {k: v for k, v in s.environment().items() if not k.startswith("AWS_")} | {"AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1"}
    done = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, timeout=60, check=False)
    assert "ResourceNotFoundException" in done.stderr, paste + done.stderr
    kept = [f for f in s.data.rglob("*") if f.is_file()]
    assert kept and all(f.stat().st_mode & 0o077 == 0 for f in kept), "others can read the data folder"
    again = subprocess.run([str(BINARY), "credentials", "-data", str(s.data)], capture_output=True, text=True, check=True).stdout
    key = next(w for w in paste.split() if w.startswith("AWS_ACCESS_KEY_ID="))
    assert key in again.split()
    s.stop()
    s.start()
    assert not any("AWS_SECRET_ACCESS_KEY" in line for line in s.output), "the secret is printed at the first start only"
