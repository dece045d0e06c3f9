"""Sessions: the credential chains of boto3 and the AWS CLI, as they come.

The identity provider is the certified oidc-provider of npm, started by
e2e/oidc/start.sh.
"""

import configparser
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.request

import boto3
import botocore.config
import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT, KEY_ID, REGION, ROOT, SECRET, START_SECONDS, subscribe, wait_until

AWS = str(pathlib.Path(sys.executable).with_name("aws"))
OIDC = ROOT / "e2e" / "oidc"
SOON = botocore.config.Config(retries={"total_max_attempts": 1})


def api(server, service, session=None, **credentials):
    """An unmodified client; root's unless something else is said."""
    if session is None and not credentials:
        credentials = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    return (session or boto3).client(service, endpoint_url=server.url, region_name=REGION, config=SOON, **credentials)


def keys_of(answer):
    c = answer["Credentials"]
    return {"aws_access_key_id": c["AccessKeyId"], "aws_secret_access_key": c["SecretAccessKey"], "aws_session_token": c["SessionToken"]}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(*actions, resource="*", **more):
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource} | more


def trust(principal, *actions, **conditions):
    statement = {"Effect": "Allow", "Principal": principal, "Action": list(actions)}
    return policy(statement | ({"Condition": conditions} if conditions else {}))


class House:
    """An account with a user, ana, and a role that she may assume."""

    def __init__(self, server):
        self.server = server
        self.iam = api(server, "iam")
        subscribe(server.client())
        self.iam.create_user(UserName="ana")
        key = self.iam.create_access_key(UserName="ana")["AccessKey"]
        self.ana = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
        self.role = self.new_role("Reader", trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/ana"}, "sts:AssumeRole", "sts:TagSession"),
                                  allow("quicksight:ListUsers"))

    def new_role(self, name, trusted, *statements):
        arn = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        if statements:
            self.iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=policy(*statements))
        return arn


@pytest.fixture
def house(server):
    return House(server)


class Shell:
    """A shell of somebody who only set AWS_ENDPOINT_URL."""

    def __init__(self, folder, monkeypatch):
        self.config = folder / "aws-config"
        home = folder / "home"  # where the CLI keeps what it caches
        home.mkdir()
        for name in [n for n in os.environ if n.startswith("AWS_")]:
            monkeypatch.delenv(name)
        self.setenv = monkeypatch.setenv
        self.set(AWS_REGION=REGION, AWS_DEFAULT_REGION=REGION, AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="",
                 AWS_CONFIG_FILE=self.config, AWS_SHARED_CREDENTIALS_FILE=os.devnull, HOME=home)

    def set(self, **env):
        for name, value in env.items():
            self.setenv(name, str(value))

    def profiles(self, **profiles):
        parser = configparser.ConfigParser()
        for name, settings in profiles.items():
            parser[f"profile {name}"] = {k: str(v) for k, v in settings.items()}
        with self.config.open("w") as f:
            parser.write(f)

    def aws(self, *args, fails=False, **more):
        done = subprocess.run([AWS, *args], env=os.environ | more, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode != 0) == fails, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout + done.stderr


@pytest.fixture
def shell(tmp_path, monkeypatch):
    return Shell(tmp_path, monkeypatch)


class IDP:
    """A running identity provider."""

    def __init__(self):
        self.process = subprocess.Popen([OIDC / "start.sh"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        line = self.process.stdout.readline()
        assert line.startswith("ready on "), f"the identity provider did not start: {line}"
        self.url = line.removeprefix("ready on ").strip()

    def token(self, name):
        done = subprocess.run(["node", OIDC / "login.mjs", self.url, name], capture_output=True, text=True, timeout=START_SECONDS, check=True)
        return done.stdout.strip()

    def rotate(self):
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}/rotate", method="POST"), timeout=10):
            pass

    def stop(self):
        self.process.kill()
        self.process.wait(timeout=10)


@pytest.fixture
def idp():
    provider = IDP()
    yield provider
    provider.stop()


@pytest.fixture
def web(start, idp):
    """A house that trusts the provider. Providers are registered by https: in
    life they have it, and here the server is told that loopback will do."""
    h = House(start("-identity-provider-loopback"))
    h.idp = idp
    h.host = idp.url.removeprefix("http://")
    h.provider = h.iam.create_open_id_connect_provider(Url=f"https://{h.host}", ClientIDList=["onsight"], ThumbprintList=["0" * 40])["OpenIDConnectProviderArn"]
    h.web_role = h.new_role(
        "Web", trust({"Federated": h.provider}, "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity", StringEquals={f"{h.host}:aud": "onsight"}),
        allow("quicksight:ListUsers"), allow("quicksight:DescribeUser", resource=f"arn:aws:quicksight:*:{ACCOUNT}:user/default/${{aws:PrincipalTag/Team}}"))
    return h


def who(client):
    return client.get_caller_identity()["Arn"]


def test_credentials_by_hand(house):
    sts = api(house.server, "sts", **house.ana)
    assert who(sts) == f"arn:aws:iam::{ACCOUNT}:user/ana"
    answer = sts.assume_role(RoleArn=house.role, RoleSessionName="by-hand", DurationSeconds=900)
    left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert 890 < left.total_seconds() <= 900
    assert answer["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/by-hand"
    assert re.fullmatch("AROA[A-Z0-9]{17}:by-hand", answer["AssumedRoleUser"]["AssumedRoleId"])
    mine = keys_of(answer)
    me = api(house.server, "sts", **mine).get_caller_identity()
    assert (me["Arn"], me["UserId"], me["Account"]) == (answer["AssumedRoleUser"]["Arn"], answer["AssumedRoleUser"]["AssumedRoleId"], ACCOUNT)
    assert api(house.server, "quicksight", **mine).list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]
    with pytest.raises(ClientError, match="because no identity-based policy allows the quicksight:ListGroups action"):
        api(house.server, "quicksight", **mine).list_groups(AwsAccountId=ACCOUNT, Namespace="default")
    assert sts.get_session_token()["Credentials"]["SessionToken"]
    assert api(house.server, "sts").get_access_key_info(AccessKeyId=mine["aws_access_key_id"])["Account"] == ACCOUNT


def test_presigned_identity(house):
    """How other programs let somebody prove who they are."""
    url = api(house.server, "sts", **house.ana).generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert f"<Arn>arn:aws:iam::{ACCOUNT}:user/ana</Arn>" in answer.read().decode()


def test_errors_are_typed(house, refused):
    sts = api(house.server, "sts", **house.ana)
    ask = {"RoleArn": house.role, "RoleSessionName": "x" * 4}
    for error, code, more in [
        (sts.exceptions.MalformedPolicyDocumentException, "MalformedPolicyDocument", {"Policy": "{}"}),
        (sts.exceptions.PackedPolicyTooLargeException, "PackedPolicyTooLarge", {"Tags": [{"Key": f"{i}-{os.urandom(16).hex()}", "Value": os.urandom(100).hex()} for i in range(50)]}),
    ]:
        with pytest.raises(error) as caught:
            sts.assume_role(**ask, **more)
        assert caught.value.response["Error"]["Code"] == code
    said = refused(sts.assume_role, "AccessDenied", 403, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/absent", RoleSessionName="test")
    assert said.message == f"User: arn:aws:iam::{ACCOUNT}:user/ana is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::{ACCOUNT}:role/absent"
    assert refused(api(house.server, "sts").assume_role, "AccessDenied", 403, **ask).message == "Roles may not be assumed by root accounts."
    refused(sts.assume_role, "ValidationError", 400, **ask, DurationSeconds=3601)
    refused(sts.assume_role, "ValidationError", 400, RoleArn=house.role, RoleSessionName="a:b")
    with pytest.raises(sts.exceptions.InvalidAuthorizationMessageException):
        api(house.server, "sts").decode_authorization_message(EncodedMessage="made-up")
    broken = keys_of(sts.assume_role(**ask))
    broken["aws_session_token"] = broken["aws_session_token"][:-4] + "AAAA"
    refused(api(house.server, "sts", **broken).get_caller_identity, "InvalidClientTokenId", 403)
    refused(api(house.server, "quicksight", **broken).list_users, "UnrecognizedClientException", 403, AwsAccountId=ACCOUNT, Namespace="default")


def test_why_not(house, refused, shell):
    """A refusal goes with a message that an administrator can read."""
    shell.set(AWS_ENDPOINT_URL=house.server.url)
    mine = keys_of(api(house.server, "sts", **house.ana).assume_role(RoleArn=house.role, RoleSessionName="test"))
    said = refused(api(house.server, "quicksight", **mine).describe_namespace, "AccessDeniedException", 403, AwsAccountId=ACCOUNT, Namespace="default")
    encoded = said.response["ResponseMetadata"]["HTTPHeaders"]["x-onsight-authorization-message"]
    text = shell.aws("sts", "decode-authorization-message", "--encoded-message", encoded, "--query", "DecodedMessage", "--output", "text",
                     AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
    assert text["allowed"] is False and text["context"]["action"] == "quicksight:DescribeNamespace"
    assert text["context"]["principal"]["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/test"
    refused(api(house.server, "sts", **house.ana).decode_authorization_message, "AccessDenied", 403, EncodedMessage=encoded)


def test_profiles(house, shell):
    """role_arn with source_profile, in the CLI and in boto3; a chain of two
    roles; credentials of the environment; a session of its own duration."""
    shell.set(AWS_ENDPOINT_URL=house.server.url)
    second = house.new_role("Second", trust({"AWS": house.role}, "sts:AssumeRole", StringEquals={"sts:ExternalId": "ours"}), allow("quicksight:ListUsers"))
    shell.profiles(
        ana=house.ana,
        reader={"role_arn": house.role, "source_profile": "ana", "role_session_name": "by-profile", "duration_seconds": 900},
        chained={"role_arn": second, "source_profile": "reader", "external_id": "ours"},
        deputy={"role_arn": second, "source_profile": "reader", "external_id": "theirs"},
        environment={"role_arn": house.role, "credential_source": "Environment"},
        mfa={"role_arn": house.role, "source_profile": "ana", "mfa_serial": f"arn:aws:iam::{ACCOUNT}:mfa/ana"},
    )
    listing = ("quicksight", "list-users", "--aws-account-id", ACCOUNT, "--namespace", "default")
    me = ("sts", "get-caller-identity", "--query", "Arn", "--output", "text")
    assert shell.aws(*me, "--profile", "reader").strip() == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/by-profile"
    assert shell.aws(*listing, "--profile", "reader")["UserList"]
    assert re.fullmatch(rf"arn:aws:sts::{ACCOUNT}:assumed-role/Second/botocore-session-\d+", shell.aws(*me, "--profile", "chained").strip())
    assert shell.aws(*listing, "--profile", "chained")["UserList"]
    assert "(AccessDenied) when calling the AssumeRole operation: User: " in shell.aws(*listing, "--profile", "deputy", fails=True)
    env = {"AWS_ACCESS_KEY_ID": house.ana["aws_access_key_id"], "AWS_SECRET_ACCESS_KEY": house.ana["aws_secret_access_key"]}
    assert ":assumed-role/Reader/" in shell.aws(*me, "--profile", "environment", **env)

    for profile in ["reader", "chained"]:
        users = boto3.Session(profile_name=profile).client("quicksight").list_users(AwsAccountId=ACCOUNT, Namespace="default")
        assert users["UserList"]
    with pytest.raises(ClientError, match="AssumeRole operation: User: "):
        boto3.Session(profile_name="deputy").client("quicksight").list_users(AwsAccountId=ACCOUNT, Namespace="default")
    said = subprocess.run([AWS, *me, "--profile", "mfa"], env=os.environ, input="123456\n", capture_output=True, text=True, timeout=60, check=False)
    assert "MultiFactorAuthentication failed" in said.stderr


def test_boto_renews_what_ends(house, shell):
    """botocore takes new credentials 15 minutes before the old ones end."""
    shell.set(AWS_ENDPOINT_URL=house.server.url)
    shell.profiles(ana=house.ana, reader={"role_arn": house.role, "source_profile": "ana", "duration_seconds": 900})
    session = boto3.Session(profile_name="reader")
    client = session.client("quicksight")
    used = set()
    for _ in range(3):
        assert client.list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]
        used.add(session.get_credentials().get_frozen_credentials().access_key)
    assert len(used) == 3


def test_sessions_survive_a_kill(house):
    mine = keys_of(api(house.server, "sts", **house.ana).assume_role(RoleArn=house.role, RoleSessionName="test"))
    house.server.kill()
    house.server.start()
    assert who(api(house.server, "sts", **mine)).endswith(":assumed-role/Reader/test")


def test_sessions_are_revoked(house, refused):
    """As the console of IAM does it."""
    mine = keys_of(api(house.server, "sts", **house.ana).assume_role(RoleArn=house.role, RoleSessionName="test"))
    users = api(house.server, "quicksight", **mine).list_users
    assert users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]
    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1)
    house.iam.put_role_policy(RoleName="Reader", PolicyName="AWSRevokeOlderSessions", PolicyDocument=policy(
        {"Effect": "Deny", "Action": ["*"], "Resource": ["*"], "Condition": {"DateLessThan": {"aws:TokenIssueTime": soon.isoformat()}}}))
    said = refused(users, "AccessDeniedException", 403, AwsAccountId=ACCOUNT, Namespace="default")
    assert said.message.endswith("with an explicit deny in an identity-based policy")


def test_web_identity_token_file(web, shell, tmp_path):
    """What a pod has: a file with a token, the role, and nothing else."""
    file = tmp_path / "token"
    file.write_text(web.idp.token("ana+blue"))
    shell.set(AWS_ENDPOINT_URL=web.server.url, AWS_WEB_IDENTITY_TOKEN_FILE=file, AWS_ROLE_ARN=web.web_role, AWS_ROLE_SESSION_NAME="pod")
    assert who(boto3.Session().client("sts")) == f"arn:aws:sts::{ACCOUNT}:assumed-role/Web/pod"
    quicksight = boto3.Session().client("quicksight")
    assert quicksight.list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]
    assert ":assumed-role/Web/pod" in shell.aws("sts", "get-caller-identity")["Arn"]
    assert shell.aws("quicksight", "list-users", "--aws-account-id", ACCOUNT, "--namespace", "default")["UserList"]
    # The tag in the token is one of the principal: it may describe the user of that name.
    web.server.client().register_user(AwsAccountId=ACCOUNT, Namespace="default", IdentityType="QUICKSIGHT", UserName="blue", Email="x@example.org", UserRole="READER")
    assert quicksight.describe_user(AwsAccountId=ACCOUNT, Namespace="default", UserName="blue")["User"]["UserName"] == "blue"
    with pytest.raises(ClientError, match="not authorized to perform: quicksight:DescribeUser"):
        quicksight.describe_user(AwsAccountId=ACCOUNT, Namespace="default", UserName="red")


def test_web_identity_profile(web, shell, tmp_path):
    file = tmp_path / "token"
    file.write_text(web.idp.token("bob"))
    shell.set(AWS_ENDPOINT_URL=web.server.url)
    shell.profiles(pod={"role_arn": web.web_role, "web_identity_token_file": file, "role_session_name": "pod"})
    assert shell.aws("sts", "get-caller-identity", "--profile", "pod")["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Web/pod"
    assert who(boto3.Session(profile_name="pod").client("sts")) == f"arn:aws:sts::{ACCOUNT}:assumed-role/Web/pod"


def test_web_identity_by_hand(web):
    sts = api(web.server, "sts", aws_access_key_id="", aws_secret_access_key="")
    ask = {"RoleArn": web.web_role, "RoleSessionName": "test"}
    answer = sts.assume_role_with_web_identity(WebIdentityToken=web.idp.token("ana+blue"), **ask)
    assert answer["SubjectFromWebIdentityToken"] == "ana+blue"
    assert (answer["Audience"], answer["Provider"], answer["SourceIdentity"]) == ("onsight", web.provider, "ana")
    token = web.idp.token("bob")
    head, body, signature = token.split(".")
    for error, broken, text in [
        (sts.exceptions.InvalidIdentityTokenException, "not-a-token", "is not a valid JWT"),
        (sts.exceptions.InvalidIdentityTokenException, f"eyJhbGciOiJub25lIn0.{body}.", "is not a valid JWT"),
        (sts.exceptions.InvalidIdentityTokenException, f"{head}.{body}.{signature[:-8]}AAAAAAAA", "The signature of the ID Token is not valid."),
    ]:
        with pytest.raises(error, match=re.escape(text)):
            sts.assume_role_with_web_identity(WebIdentityToken=broken, **ask)
    web.iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=web.provider, ClientID="onsight")
    with pytest.raises(sts.exceptions.InvalidIdentityTokenException, match="Incorrect token audience"):
        sts.assume_role_with_web_identity(WebIdentityToken=token, **ask)


def test_a_provider_rotates_its_keys_and_goes_away(web):
    sts = api(web.server, "sts", aws_access_key_id="", aws_secret_access_key="")

    def ask(token):
        return sts.assume_role_with_web_identity(RoleArn=web.web_role, RoleSessionName="test", WebIdentityToken=token)

    old = web.idp.token("ana")
    ask(old)
    web.idp.rotate()
    young = web.idp.token("ana")

    def renewed():  # the keys are asked for every five seconds at most
        try:
            return ask(young)
        except sts.exceptions.InvalidIdentityTokenException:
            return None

    wait_until(renewed, what="the new key")
    with pytest.raises(sts.exceptions.InvalidIdentityTokenException, match="retrieve verification key"):
        ask(old)
    # The keys serve on while the provider is away; a server that never had
    # them says that it cannot reach it.
    web.idp.stop()
    ask(young)
    web.server.kill()
    web.server.start()
    with pytest.raises(sts.exceptions.IDPCommunicationErrorException):
        ask(young)
