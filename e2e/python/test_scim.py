"""An identity centre provisions an account: an independent client and its
conformance suite (scim2-client, scim2-tester), and boto3 looking at what came of it."""

import collections
import json
import subprocess

import httpx2
import pytest
import scim2_tester
from scim2_client.engines.httpx2 import SyncSCIMClient

import server as onsight
from server import ACCOUNT, BINARY

ME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


@pytest.fixture
def scim(server):
    """Runs `onsight scim`."""

    def scim(*args, status=0):
        done = subprocess.run([str(BINARY), "scim", *args, "-account", ACCOUNT], env=server.shell(), capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return scim


@pytest.fixture
def managed(bare):
    """A client of an account that a centre manages."""
    onsight.subscribe(
        bare, AuthenticationMethod="IAM_IDENTITY_CENTER", AdminGroup=["admins"],
        IAMIdentityCenterInstanceArn="arn:aws:sso:::instance/ssoins-1111222233334444",
    )
    return bare


@pytest.fixture
def centre(managed, server, scim):
    token = json.loads(scim("token", "create", "-name", "e2e", "-json"))
    # The public address is the listening one where the server has no other.
    assert token["Endpoint"].endswith(f"/_onsight/scim/{ACCOUNT}/v2")
    base = f"{server.url}/_onsight/scim/{ACCOUNT}/v2"
    with httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {token['Token']}"}, timeout=30) as http:
        client = SyncSCIMClient(http)
        client.discover()
        yield client, http, token


def test_conformance(centre):
    client, _, _ = centre
    results = scim2_tester.check_server(client)
    wrong = [f"{r.title}: {r.reason}" for r in results if r.status is not scim2_tester.Status.SUCCESS]
    assert not wrong, "\n".join(wrong)
    assert len(results) > 100, collections.Counter(r.title for r in results)


def test_users_come_and_go(centre, managed, scim):
    client, http, token = centre
    User, Group = client.get_resource_model("User"), client.get_resource_model("Group")
    ana = client.create(User(user_name="ana", emails=[User.Emails(value="ana@example.org", primary=True)]))
    assert managed.list_users(**ME)["UserList"] == []
    admins = client.create(Group(display_name="admins", members=[Group.Members(value=ana.id)]))
    user = managed.describe_user(**ME, UserName="ana")["User"]
    assert (user["Role"], user["Active"], user["IdentityType"], user["Email"]) == ("ADMIN", True, "IAM_IDENTITY_CENTER", "ana@example.org")
    assert [m["MemberName"] for m in managed.list_group_memberships(**ME, GroupName="admins")["GroupMemberList"]] == ["ana"]

    found = http.get("/Users", params={"filter": 'userName eq "ANA"'}).json()
    assert (found["totalResults"], found["Resources"][0]["id"]) == (1, ana.id)
    gone = http.patch(f"/Groups/{admins.id}", json={
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "Remove", "path": f'members[value eq "{ana.id}"]'}],
    })
    assert gone.status_code == 204, gone.text
    assert managed.describe_user(**ME, UserName="ana")["User"]["Active"] is False
    client.delete(User, ana.id)
    assert managed.list_users(**ME)["UserList"] == []

    listed = scim("token", "list")
    assert token["TokenId"] in listed and "e2e" in listed and token["Token"] not in listed
    assert "lets nobody in any more" in scim("token", "revoke", "-id", token["TokenId"])
    assert http.get("/Users").status_code == 401
    assert "externalId is the claim sub" in scim("matching")
    assert "userName is the claim preferred_username" in scim("matching", "-attribute", "userName", "-claim", "preferred_username")
