"""AssumeRoleWithSAML as boto3 calls it, with responses of samlp of npm, started
by e2e/saml/start.sh.
"""

import json
import subprocess
import urllib.parse
import urllib.request

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from server import ACCOUNT, KEY_ID, REGION, ROOT, SECRET, subscribe

AWS = "https://signin.aws.amazon.com/saml"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:saml-provider/Portal"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Reader"


class Portal:
    """The identity provider."""

    def __init__(self, url):
        self.url = url

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self.url}/{path}?{urllib.parse.urlencode(query, doseq=True)}", timeout=10) as answer:
            return answer.read().decode()

    def response(self, **changes):
        return self.get("response", **({"user": "ana@example.org", "to": AWS, "role": f"{ROLE},{PROVIDER}"} | changes))

    def rotate(self):
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/rotate", method="POST"), timeout=10).close()


@pytest.fixture(scope="module")
def portal():
    child = subprocess.Popen([ROOT / "e2e" / "saml" / "start.sh"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        for line in child.stdout:
            if line.startswith("ready on "):
                break
        else:
            pytest.fail("the identity provider did not start")
        yield Portal(line.removeprefix("ready on ").strip())
    finally:
        child.kill()
        child.wait()


def api(server, service, **credentials):
    if not credentials:
        credentials = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET}
    return boto3.client(service, endpoint_url=server.url, region_name=REGION, config=Config(retries={"total_max_attempts": 1}), **credentials)


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def test_saml(server, portal):
    subscribe(server.client())
    iam = api(server, "iam")
    made = iam.create_saml_provider(Name="Portal", SAMLMetadataDocument=portal.get("metadata"))
    assert made["SAMLProviderArn"] == PROVIDER
    iam.create_role(RoleName="Reader", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": {"Federated": PROVIDER}, "Action": ["sts:AssumeRoleWithSAML", "sts:TagSession"],
        "Condition": {"StringEquals": {"SAML:aud": AWS}},
    }}))
    iam.put_role_policy(RoleName="Reader", PolicyName="may", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "quicksight:ListUsers", "Resource": "*"}}))

    # Nobody signs this call: credentials are what it is for.
    sts = boto3.client("sts", endpoint_url=server.url, region_name=REGION, config=Config(signature_version=botocore.UNSIGNED, retries={"total_max_attempts": 1}))
    assume = sts.assume_role_with_saml
    for signed in ("assertion", "signed"):
        out = assume(RoleArn=ROLE, PrincipalArn=PROVIDER, SAMLAssertion=portal.response(response=signed, email="ana@example.org"), DurationSeconds=900)
        assert out["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Reader/ana@example.org"
        assert (out["Subject"], out["SubjectType"], out["Issuer"], out["Audience"]) == ("ana@example.org", "persistent", portal.url, AWS)
    keys = {"aws_access_key_id": out["Credentials"]["AccessKeyId"], "aws_secret_access_key": out["Credentials"]["SecretAccessKey"],
            "aws_session_token": out["Credentials"]["SessionToken"]}
    assert api(server, "sts", **keys).get_caller_identity()["Arn"] == out["AssumedRoleUser"]["Arn"]
    assert api(server, "quicksight", **keys).list_users(AwsAccountId=ACCOUNT, Namespace="default")["UserList"]

    used = portal.response()
    good = {"RoleArn": ROLE, "PrincipalArn": PROVIDER}
    assume(**good, SAMLAssertion=used)
    assert refusal(assume, **good, SAMLAssertion=used) == "InvalidIdentityToken"
    assert refusal(assume, **good, SAMLAssertion=portal.response(to="https://other.example.org/saml")) == "InvalidIdentityToken"
    assert refusal(assume, **good, SAMLAssertion=portal.response(role=f"{ROLE}2,{PROVIDER}")) == "AccessDenied"
    assert refusal(assume, **good, SAMLAssertion=portal.response(session="not a name")) == "InvalidIdentityToken"

    # The provider takes a new key, and tells it in its metadata.
    portal.rotate()
    assert refusal(assume, **good, SAMLAssertion=portal.response()) == "InvalidIdentityToken"
    iam.update_saml_provider(SAMLProviderArn=PROVIDER, SAMLMetadataDocument=portal.get("metadata"))
    assume(**good, SAMLAssertion=portal.response())
