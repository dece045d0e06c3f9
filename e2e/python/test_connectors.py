"""Action connectors: the eight operations, every type, and what never comes back."""

import copy
import datetime
import json

import pytest

from server import ACCOUNT, wait_until

HOME = {"AwsAccountId": ACCOUNT}
PEOPLE = HOME | {"Namespace": "default"}
ARN = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:action-connector/"
SECRET_WORDS = ["s3cret-password", "s3cret-api-key", "s3cret-client", "s3cret-code"]
BASE = "https://api.example.org"

BASIC = {"AuthenticationType": "BASIC", "AuthenticationMetadata": {"BasicAuthConnectionMetadata": {
    "BaseEndpoint": BASE, "Username": "robot", "Password": "s3cret-password"}}}
API_KEY = {"AuthenticationType": "API_KEY", "AuthenticationMetadata": {"ApiKeyConnectionMetadata": {
    "BaseEndpoint": BASE, "ApiKey": "s3cret-api-key", "Email": "robot@example.org"}}}
CLIENT = {"AuthenticationType": "OAUTH2_CLIENT_CREDENTIALS", "AuthenticationMetadata": {"ClientCredentialsGrantMetadata": {
    "BaseEndpoint": BASE, "ClientCredentialsSource": "PLAIN_CREDENTIALS", "ClientCredentialsDetails": {"ClientCredentialsGrantDetails": {
        "ClientId": "client", "ClientSecret": "s3cret-client", "TokenEndpoint": "https://id.example.org/token"}}}}}
CODE = {"AuthenticationType": "OAUTH2_AUTHORIZATION_CODE", "AuthenticationMetadata": {"AuthorizationCodeGrantMetadata": {
    "BaseEndpoint": BASE, "RedirectUrl": "https://bi.example.org/back", "AuthorizationCodeGrantCredentialsSource": "PLAIN_CREDENTIALS",
    "AuthorizationCodeGrantCredentialsDetails": {"AuthorizationCodeGrantDetails": {
        "ClientId": "client", "ClientSecret": "s3cret-code", "TokenEndpoint": "https://id.example.org/token",
        "AuthorizationEndpoint": "https://id.example.org/authorize"}}}}}
NONE = {"AuthenticationType": "NONE", "AuthenticationMetadata": {"NoneConnectionMetadata": {"BaseEndpoint": BASE}}}
IAM = {"AuthenticationType": "IAM", "AuthenticationMetadata": {"IamConnectionMetadata": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/connect"}}}

# What describing shows for each: no secret, and some members under another name.
READ = {
    "BASIC": {"BasicAuthConnectionMetadata": {"BaseEndpoint": BASE, "Username": "robot"}},
    "API_KEY": {"ApiKeyConnectionMetadata": {"BaseEndpoint": BASE, "Email": "robot@example.org"}},
    "OAUTH2_CLIENT_CREDENTIALS": {"ClientCredentialsGrantMetadata": {
        "BaseEndpoint": BASE, "ClientCredentialsSource": "PLAIN_CREDENTIALS", "ReadClientCredentialsDetails": {"ReadClientCredentialsGrantDetails": {
            "ClientId": "client", "TokenEndpoint": "https://id.example.org/token"}}}},
    "OAUTH2_AUTHORIZATION_CODE": {"AuthorizationCodeGrantMetadata": {
        "BaseEndpoint": BASE, "RedirectUrl": "https://bi.example.org/back", "AuthorizationCodeGrantCredentialsSource": "PLAIN_CREDENTIALS",
        "ReadAuthorizationCodeGrantCredentialsDetails": {"ReadAuthorizationCodeGrantDetails": {
            "ClientId": "client", "TokenEndpoint": "https://id.example.org/token", "AuthorizationEndpoint": "https://id.example.org/authorize"}}}},
    "NONE": {"NoneConnectionMetadata": {"BaseEndpoint": BASE}},
    "IAM": {"IamConnectionMetadata": {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/connect", "SourceArn": ARN + "c"}},
}
AWS = ["AMAZON_S3", "AMAZON_BEDROCK_AGENT_RUNTIME", "AMAZON_BEDROCK_RUNTIME", "AMAZON_BEDROCK_DATA_AUTOMATION_RUNTIME", "AMAZON_TEXTRACT",
       "AMAZON_COMPREHEND", "AMAZON_COMPREHEND_MEDICAL"]
SAP = ["SAP_BUSINESSPARTNER", "SAP_PRODUCTMASTERDATA", "SAP_PHYSICALINVENTORY", "SAP_BILLOFMATERIALS", "SAP_MATERIALSTOCK"]
# Types and the ways in that the user guide gives them.
MATRIX = (
    [("GENERIC_HTTP", a) for a in (CODE, CLIENT, API_KEY, BASIC, NONE)]
    + [(t, IAM) for t in AWS]
    + [(t, a) for t in SAP for a in (CLIENT, BASIC)]
    + [(t, a) for t in ("SERVICENOW_NOW_PLATFORM", "SALESFORCE_CRM", "MICROSOFT_OUTLOOK", "MICROSOFT_ONEDRIVE", "MICROSOFT_SHAREPOINT", "MICROSOFT_TEAMS")
       for a in (CODE, CLIENT)]
    + [(t, a) for t in ("JIRA_CLOUD", "ATLASSIAN_CONFLUENCE", "ZENDESK_SUITE", "SMARTSHEET", "SLACK", "BAMBOO_HR") for a in (CODE, API_KEY)]
    + [("PAGERDUTY_ADVANCE", CODE), ("ASANA", CODE)]
)
OWNER = ["quicksight:" + a for a in (
    "DescribeActionConnector", "UpdateActionConnector", "DeleteActionConnector", "DescribeActionConnectorPermissions",
    "UpdateActionConnectorPermissions", "ListActionConnectors")]
VIEWER = ["quicksight:DescribeActionConnector", "quicksight:ListActionConnectors"]


def create(client, id="c", type="GENERIC_HTTP", auth=NONE, name="A connector", **more):
    return client.create_action_connector(**HOME, ActionConnectorId=id, Name=name, Type=type, AuthenticationConfig=auth, **more)


def settled(client, id="c"):
    def look():
        c = client.describe_action_connector(**HOME, ActionConnectorId=id)["ActionConnector"]
        return None if c["Status"].endswith("IN_PROGRESS") else c

    return wait_until(look, what=f"the end of the work on {id}")


def person(client, name):
    return client.register_user(**PEOPLE, IdentityType="QUICKSIGHT", UserName=name, Email="x@example.org", UserRole="AUTHOR")["User"]["Arn"]


def test_the_matrix_names_every_type(qs):
    shape = qs.meta.service_model.shape_for("ActionConnectorType")
    assert {t for t, _ in MATRIX} == set(shape.enum) and len(shape.enum) == 27


@pytest.mark.parametrize("type,auth", MATRIX, ids=[f"{t}-{a['AuthenticationType']}" for t, a in MATRIX])
def test_every_type(qs, type, auth):
    answer = create(qs, type=type, auth=auth, Description="For a test, only.")
    assert (answer["Arn"], answer["ActionConnectorId"], answer["Status"]) == (ARN + "c", "c", 200)
    assert answer["CreationStatus"] == "CREATION_IN_PROGRESS" and answer["RequestId"]
    c = settled(qs)
    assert c["Status"] == "CREATION_SUCCESSFUL" and "Error" not in c
    assert (c["Type"], c["Name"], c["Description"], c["Arn"]) == (type, "A connector", "For a test, only.", ARN + "c")
    assert c["AuthenticationConfig"] == {"AuthenticationType": auth["AuthenticationType"], "AuthenticationMetadata": READ[auth["AuthenticationType"]]}
    age = datetime.datetime.now(datetime.timezone.utc) - c["CreatedTime"]
    assert abs(age) < datetime.timedelta(minutes=1) and c["LastUpdatedTime"] >= c["CreatedTime"]


@pytest.mark.parametrize("type,auth", [
    ("AMAZON_S3", BASIC), ("AMAZON_S3", NONE), ("SLACK", BASIC), ("SLACK", IAM), ("GENERIC_HTTP", IAM), ("SAP_MATERIALSTOCK", CODE), ("JIRA_CLOUD", CLIENT),
    ("MICROSOFT_TEAMS", API_KEY),
], ids=lambda v: v if isinstance(v, str) else v["AuthenticationType"])
def test_what_a_type_does_not_know(qs, refused, type, auth):
    refused(create, "InvalidParameterValueException", 400, client=qs, type=type, auth=auth)
    refused(qs.describe_action_connector, "ResourceNotFoundException", 404, **HOME, ActionConnectorId="c")


def test_api_keys_that_need_an_address(qs, refused):
    bare = copy.deepcopy(API_KEY)
    del bare["AuthenticationMetadata"]["ApiKeyConnectionMetadata"]["Email"]
    for type in ("JIRA_CLOUD", "ATLASSIAN_CONFLUENCE", "ZENDESK_SUITE"):
        refused(create, "InvalidParameterValueException", 400, client=qs, type=type, auth=bare)
    create(qs, type="SLACK", auth=bare)


def test_type_and_metadata_must_agree(qs, refused):
    for kind, metadata in (("BASIC", NONE), ("NONE", BASIC), ("API_KEY", BASIC)):
        auth = {"AuthenticationType": kind, "AuthenticationMetadata": metadata["AuthenticationMetadata"]}
        refused(create, "InvalidParameterValueException", 400, client=qs, auth=auth)


@pytest.mark.parametrize("id", ["quicksuite-mine", "quicksuite-"])
def test_reserved_ids(qs, refused, id):
    refused(create, "InvalidParameterValueException", 400, client=qs, id=id)


@pytest.mark.parametrize("more", [
    {"id": "a b"}, {"id": "é"}, {"id": "x" * 513}, {"name": "-x"}, {"name": "x-"}, {"name": "it's"}, {"name": "x" * 256},
    {"Description": "it's"}, {"Description": "a/b"}, {"Tags": [{"Key": "k", "Value": "v"}] * 201}, {"type": "FAX"},
    {"auth": {"AuthenticationType": "NONE", "AuthenticationMetadata": {"NoneConnectionMetadata": {"BaseEndpoint": "http://api.example.org"}}}},
    {"auth": {"AuthenticationType": "LUCK", "AuthenticationMetadata": NONE["AuthenticationMetadata"]}},
], ids=lambda m: next(iter(m)))
def test_model_rules(qs, refused, more):
    r = refused(create, "ValidationException", 400, client=qs, **more)
    assert "failed to satisfy constraint: " in r.message


@pytest.mark.parametrize("url", [
    "https://127.0.0.1", "https://localhost/x", "https://169.254.169.254/latest/meta-data", "https://[::1]/", "https://10.0.0.8", "https://user:pw@example.org",
    "https://192.168.1.1:8443/api", "https://0x7f000001/", "https://2130706433/",
])
def test_endpoints_inside_the_house(qs, refused, url):
    auth = {"AuthenticationType": "NONE", "AuthenticationMetadata": {"NoneConnectionMetadata": {"BaseEndpoint": url}}}
    refused(create, "InvalidParameterValueException", 400, client=qs, auth=auth)


def test_update(qs, refused):
    create(qs, auth=BASIC, Description="old")
    settled(qs)
    answer = qs.update_action_connector(**HOME, ActionConnectorId="c", Name="New name", AuthenticationConfig=API_KEY)
    assert (answer["Arn"], answer["UpdateStatus"], answer["Status"]) == (ARN + "c", "UPDATE_IN_PROGRESS", 200)
    c = settled(qs)
    assert (c["Status"], c["Name"], c["Type"]) == ("UPDATE_SUCCESSFUL", "New name", "GENERIC_HTTP")
    assert c["AuthenticationConfig"]["AuthenticationMetadata"] == READ["API_KEY"]
    assert c["LastUpdatedTime"] > c["CreatedTime"]
    refused(qs.update_action_connector, "InvalidParameterValueException", 400, **HOME, ActionConnectorId="c", Name="New name", AuthenticationConfig=IAM)
    refused(qs.update_action_connector, "ResourceNotFoundException", 404, **HOME, ActionConnectorId="d", Name="New name", AuthenticationConfig=NONE)


def test_twice(qs, refused):
    create(qs)
    r = refused(create, "ResourceExistsException", 409, client=qs, name="Another")
    assert isinstance(r.error, qs.exceptions.ResourceExistsException)
    assert settled(qs)["Name"] == "A connector"


def test_delete(qs, refused):
    create(qs, Tags=[{"Key": "a", "Value": "b"}])
    settled(qs)
    answer = qs.delete_action_connector(**HOME, ActionConnectorId="c")
    assert (answer["Arn"], answer["ActionConnectorId"], answer["Status"]) == (ARN + "c", "c", 200)
    for call in (qs.describe_action_connector, qs.delete_action_connector, qs.describe_action_connector_permissions):
        refused(call, "ResourceNotFoundException", 404, **HOME, ActionConnectorId="c")
    refused(qs.list_tags_for_resource, "ResourceNotFoundException", 404, ResourceArn=ARN + "c")
    assert qs.list_action_connectors(**HOME)["ActionConnectorSummaries"] == []
    create(qs)
    settled(qs)
    assert qs.list_tags_for_resource(ResourceArn=ARN + "c")["Tags"] == [], "a new one inherits nothing"


def test_list(qs):
    assert qs.list_action_connectors(**HOME)["ActionConnectorSummaries"] == []
    for i in range(12):
        create(qs, id=f"c{i:02}", name=f"Number {i}")
    pages = list(qs.get_paginator("list_action_connectors").paginate(**HOME, PaginationConfig={"PageSize": 5}))
    assert [len(p["ActionConnectorSummaries"]) for p in pages] == [5, 5, 2]
    summaries = [c for p in pages for c in p["ActionConnectorSummaries"]]
    assert sorted(c["ActionConnectorId"] for c in summaries) == [f"c{i:02}" for i in range(12)]
    c = settled(qs, "c03")
    summary = next(s for s in qs.list_action_connectors(**HOME)["ActionConnectorSummaries"] if s["ActionConnectorId"] == "c03")
    assert summary == {k: c[k] for k in ("Arn", "ActionConnectorId", "Type", "Name", "CreatedTime", "LastUpdatedTime", "Status")}


def test_search(qs, refused):
    ana, bob = person(qs, "ana"), person(qs, "bob")
    create(qs, "one", "SLACK", API_KEY, name="Team chat", Permissions=[{"Principal": ana, "Actions": OWNER}])
    create(qs, "two", "JIRA_CLOUD", API_KEY, name="Team tickets",
           Permissions=[{"Principal": ana, "Actions": OWNER}, {"Principal": bob, "Actions": OWNER}])
    create(qs, "three", "GENERIC_HTTP", NONE, name="Weather", Permissions=[{"Principal": bob, "Actions": VIEWER}])

    def found(name, operator, value, **more):
        filters = [{"Name": name, "Operator": operator, "Value": value}]
        return sorted(c["ActionConnectorId"] for page in qs.get_paginator("search_action_connectors").paginate(**HOME, Filters=filters, **more)
                      for c in page["ActionConnectorSummaries"])

    assert found("ACTION_CONNECTOR_NAME", "StringEquals", "Weather") == ["three"]
    assert found("ACTION_CONNECTOR_NAME", "StringEquals", "Team") == []
    assert found("ACTION_CONNECTOR_NAME", "StringLike", "Team") == ["one", "two"]
    assert found("ACTION_CONNECTOR_NAME", "StringLike", "Team", PaginationConfig={"PageSize": 1}) == ["one", "two"]
    assert found("ACTION_CONNECTOR_TYPE", "StringEquals", "JIRA_CLOUD") == ["two"]
    assert found("QUICKSIGHT_OWNER", "StringEquals", ana) == ["one", "two"]
    assert found("DIRECT_QUICKSIGHT_OWNER", "StringEquals", bob) == ["two"]
    assert found("DIRECT_QUICKSIGHT_SOLE_OWNER", "StringEquals", ana) == ["one"]
    assert found("QUICKSIGHT_VIEWER_OR_OWNER", "StringEquals", bob) == ["three", "two"]
    assert found("DIRECT_QUICKSIGHT_VIEWER_OR_OWNER", "StringEquals", bob) == ["three", "two"]
    everything = qs.search_action_connectors(**HOME, Filters=[])["ActionConnectorSummaries"]
    assert sorted(c["ActionConnectorId"] for c in everything) == ["one", "three", "two"]
    refused(qs.search_action_connectors, "InvalidParameterValueException", 400, **HOME,
            Filters=[{"Name": "QUICKSIGHT_OWNER", "Operator": "StringLike", "Value": ana}])
    refused(qs.search_action_connectors, "ValidationException", 400, **HOME,
            Filters=[{"Name": "ACTION_CONNECTOR_NAME", "Operator": "StringEquals", "Value": "x"}] * 2)
    filters = [{"Name": "ACTION_CONNECTOR_NAME", "Operator": "StringLike", "Value": "Team"}]
    token = qs.search_action_connectors(**HOME, Filters=filters, MaxResults=1)["NextToken"]
    filters[0]["Value"] = "e"
    refused(qs.search_action_connectors, "InvalidNextTokenException", 400, **HOME, Filters=filters, NextToken=token)


def test_sharing(qs, refused):
    ana, bob = person(qs, "ana"), person(qs, "bob")
    create(qs)
    share = HOME | {"ActionConnectorId": "c"}

    def now():
        return {p["Principal"]: sorted(p["Actions"]) for p in qs.describe_action_connector_permissions(**share).get("Permissions", [])}

    # At once, while the creation may still be in progress: scripts do so.
    answer = qs.update_action_connector_permissions(**share, GrantPermissions=[{"Principal": ana, "Actions": OWNER}, {"Principal": bob, "Actions": VIEWER}])
    assert (answer["Arn"], answer["ActionConnectorId"], answer["Status"]) == (ARN + "c", "c", 200)
    assert {p["Principal"]: sorted(p["Actions"]) for p in answer["Permissions"]} == now()
    assert (now()[ana], now()[bob]) == (sorted(OWNER), sorted(VIEWER))
    qs.update_action_connector_permissions(
        **share, RevokePermissions=[{"Principal": bob, "Actions": VIEWER}, {"Principal": ana, "Actions": ["quicksight:DeleteActionConnector"]}])
    assert bob not in now() and now()[ana] == sorted(set(OWNER) - {"quicksight:DeleteActionConnector"})
    # Neither namespaces nor accounts can be given a connector, nor people who do not exist.
    for principal in (f"arn:aws:quicksight:us-east-1:{ACCOUNT}:namespace/default", f"arn:aws:iam::{ACCOUNT}:root", ana + "-not"):
        refused(qs.update_action_connector_permissions, "InvalidParameterValueException", 400, **share,
                GrantPermissions=[{"Principal": principal, "Actions": VIEWER}])
    refused(qs.update_action_connector_permissions, "ResourceNotFoundException", 404, **HOME, ActionConnectorId="d",
            GrantPermissions=[{"Principal": ana, "Actions": VIEWER}])


def test_tags(qs):
    create(qs, Tags=[{"Key": "stage", "Value": "test"}])
    assert qs.tag_resource(ResourceArn=ARN + "c", Tags=[{"Key": "owner", "Value": "ana"}])["Status"] == 202
    assert qs.untag_resource(ResourceArn=ARN + "c", TagKeys=["stage"])["Status"] == 204
    assert qs.list_tags_for_resource(ResourceArn=ARN + "c")["Tags"] == [{"Key": "owner", "Value": "ana"}]


def test_no_secret_ever_comes_back(server, qs, refused):
    """Neither in an answer, nor in an error, the log, or any file of the data folder."""
    heard = []
    qs.meta.events.register("response-received.quicksight", lambda response_dict, **_: heard.append(json.dumps(response_dict, default=repr)))
    for i, auth in enumerate((BASIC, API_KEY, CLIENT, CODE)):
        create(qs, id=f"c{i}", auth=auth)
        settled(qs, f"c{i}")
        qs.update_action_connector(**HOME, ActionConnectorId=f"c{i}", Name="Again", AuthenticationConfig=auth)
        settled(qs, f"c{i}")
    long = copy.deepcopy(CLIENT)
    long["AuthenticationMetadata"]["ClientCredentialsGrantMetadata"]["ClientCredentialsDetails"]["ClientCredentialsGrantDetails"]["ClientSecret"] = "s3cret-client" * 200
    r = refused(create, "ValidationException", 400, client=qs, id="long", auth=long)
    assert "Value at 'authenticationConfig." in r.message
    inside = copy.deepcopy(BASIC)
    inside["AuthenticationMetadata"]["BasicAuthConnectionMetadata"]["BaseEndpoint"] = "https://robot:s3cret-password@example.org"
    refused(create, "InvalidParameterValueException", 400, client=qs, id="inside", auth=inside)
    qs.list_action_connectors(**HOME)
    assert len(heard) > 8
    server.stop()
    said = "".join(heard) + "".join(server.output) + "".join(server.log)
    files = [f.read_bytes() for f in server.data.rglob("*") if f.is_file()]
    assert files
    for word in SECRET_WORDS:
        assert word not in said, f"{word} was answered or logged"
        assert not any(word.encode() in f for f in files), f"{word} is in the data folder"
