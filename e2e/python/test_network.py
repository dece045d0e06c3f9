"""VPC connections in the Terraform provider's order, and OAuth client applications."""

import json
import time

import pytest

from server import ACCOUNT, subscribe

ROLE = f"arn:aws:iam::{ACCOUNT}:role/vpc_connection_role"
PROFILES = {"profiles": [
    {"name": "office", "subnets": ["subnet-0a1b2c3d4e5f60718", "subnet-0b1b2c3d4e5f60718", "subnet-0c1b2c3d4e5f60718"], "vpc": "vpc-0a1b2c3d", "allow": ["10.1.0.0/16"]},
]}


@pytest.fixture
def office(start, tmp_path):
    """A client of a server with one network profile."""
    file = tmp_path / "profiles.json"
    file.write_text(json.dumps(PROFILES))
    client = start("-network-profiles", str(file)).client()
    subscribe(client)
    return client


def find(client, id):
    """As the provider reads: what is gone or DELETED is not there."""
    try:
        connection = client.describe_vpc_connection(AwsAccountId=ACCOUNT, VPCConnectionId=id)["VPCConnection"]
    except client.exceptions.ResourceNotFoundException:
        return None
    return None if connection["Status"] == "DELETED" else connection


def wait(client, id, pending, target, polls=600):
    """As the provider waits: anything but pending and target fails at once. No target waits for the end."""
    for _ in range(polls):
        connection = find(client, id)
        if connection is None:
            assert target is None, "couldn't find resource"
            return None
        if connection["Status"] == target:
            return connection
        assert connection["Status"] == pending, f"unexpected state {connection['Status']!r}, wanted target {target!r}"
        time.sleep(0.02)
    pytest.fail("timeout while waiting for state")


def state(client, id):
    """What the provider keeps of a connection; sets have no order."""
    c = find(client, id)
    return {
        "arn": c["Arn"], "name": c["Name"], "role_arn": c["RoleArn"], "availability_status": c["AvailabilityStatus"],
        "security_group_ids": set(c["SecurityGroupIds"]), "dns_resolvers": set(c["DnsResolvers"]) if "DnsResolvers" in c else None,
        "subnet_ids": {n["SubnetId"] for n in c["NetworkInterfaces"]},
    }


def test_vpc_connection(office, refused):
    here = {"AwsAccountId": ACCOUNT, "VPCConnectionId": "tf-acc-test"}
    subnets = PROFILES["profiles"][0]["subnets"]
    plan = {"Name": "tf-acc-test", "RoleArn": ROLE, "SecurityGroupIds": ["sg-0a1b2c3d"], "SubnetIds": subnets[:2]}
    for generation in (1, 2):  # created, destroyed, and made anew under the same id
        out = office.create_vpc_connection(**here, **plan, Tags=[{"Key": "key1", "Value": "value1"}])
        assert (out["CreationStatus"], out["ResponseMetadata"]["HTTPStatusCode"]) == ("CREATION_IN_PROGRESS", 202)
        created = wait(office, "tf-acc-test", "CREATION_IN_PROGRESS", "CREATION_SUCCESSFUL")
        assert created["AvailabilityStatus"] == "AVAILABLE" and created["VPCId"] == "vpc-0a1b2c3d"
        # Plan again: no drift, with or without the tags.
        assert state(office, "tf-acc-test") == {
            "arn": out["Arn"], "name": "tf-acc-test", "role_arn": ROLE, "availability_status": "AVAILABLE",
            "security_group_ids": {"sg-0a1b2c3d"}, "dns_resolvers": None, "subnet_ids": set(subnets[:2]),
        }
        assert office.list_tags_for_resource(ResourceArn=out["Arn"])["Tags"] == [{"Key": "key1", "Value": "value1"}]

        # Update with resolvers, then without.
        office.update_vpc_connection(**here, **plan | {"Name": "tf-acc-test-updated", "SubnetIds": subnets[1:]}, DnsResolvers=["10.1.0.2", "9.9.9.9"])
        wait(office, "tf-acc-test", "UPDATE_IN_PROGRESS", "UPDATE_SUCCESSFUL")
        read = state(office, "tf-acc-test")
        assert (read["name"], read["subnet_ids"], read["dns_resolvers"]) == ("tf-acc-test-updated", set(subnets[1:]), {"10.1.0.2", "9.9.9.9"})
        office.update_vpc_connection(**here, **plan)
        wait(office, "tf-acc-test", "UPDATE_IN_PROGRESS", "UPDATE_SUCCESSFUL")
        assert state(office, "tf-acc-test")["dns_resolvers"] is None
        assert [c["VPCConnectionId"] for c in office.list_vpc_connections(AwsAccountId=ACCOUNT)["VPCConnectionSummaries"]] == ["tf-acc-test"]

        assert office.delete_vpc_connection(**here)["DeletionStatus"] == "DELETION_IN_PROGRESS"
        wait(office, "tf-acc-test", "DELETION_IN_PROGRESS", None)
        # The provider up to version 5 waits to see this status.
        assert office.describe_vpc_connection(**here)["VPCConnection"]["Status"] == "DELETED"
        assert office.list_vpc_connections(AwsAccountId=ACCOUNT)["VPCConnectionSummaries"] == []
        # Destroyed twice: the words that the provider takes for done.
        twice = refused(office.delete_vpc_connection, "ConflictException", 409, **here)
        assert "Cannot perform operation on deleted VPCConnection" in twice.message


def test_a_profile_that_is_not_there(office):
    office.create_vpc_connection(
        AwsAccountId=ACCOUNT, VPCConnectionId="lost", Name="lost", RoleArn=ROLE, SecurityGroupIds=["sg-1"], SubnetIds=["subnet-1", "subnet-2"])
    for _ in range(600):
        connection = find(office, "lost")
        if connection["Status"] != "CREATION_IN_PROGRESS":
            break
        time.sleep(0.02)
    assert connection["Status"] == "CREATION_FAILED"
    assert {n["ErrorMessage"] for n in connection["NetworkInterfaces"]} == {
        f"Subnet subnet-1 belongs to no network profile of this server that account {ACCOUNT} may use. "
        "The operator of the server lists each profile's subnets in the file of -network-profiles."}


def test_a_connector_in_the_office(office, refused):
    here = {"AwsAccountId": ACCOUNT, "VPCConnectionId": "office"}
    arn = office.create_vpc_connection(
        **here, Name="office", RoleArn=ROLE, SecurityGroupIds=["sg-1"], SubnetIds=PROFILES["profiles"][0]["subnets"][:2])["Arn"]
    wait(office, "office", "CREATION_IN_PROGRESS", "CREATION_SUCCESSFUL")
    inner = {
        "AwsAccountId": ACCOUNT, "ActionConnectorId": "erp", "Name": "ERP", "Type": "GENERIC_HTTP",
        "AuthenticationConfig": {"AuthenticationType": "NONE", "AuthenticationMetadata": {"NoneConnectionMetadata": {"BaseEndpoint": "https://10.1.2.3/erp"}}},
    }
    refused(office.create_action_connector, "InvalidParameterValueException", 400, **inner)
    office.create_action_connector(**inner, VpcConnectionArn=arn)
    read = office.describe_action_connector(AwsAccountId=ACCOUNT, ActionConnectorId="erp")["ActionConnector"]
    assert read["VpcConnectionArn"] == arn
    in_use = refused(office.delete_vpc_connection, "ConflictException", 409, **here)
    assert "action-connector/erp uses it" in in_use.message
    office.delete_action_connector(AwsAccountId=ACCOUNT, ActionConnectorId="erp")
    office.delete_vpc_connection(**here)
    wait(office, "office", "DELETION_IN_PROGRESS", None)


def test_mistakes_stop_the_start(start, tmp_path):
    file = tmp_path / "profiles.json"
    file.write_text('{"profiles": [\n  {"name": "office",\n   "subnets": ["subnet-a", "subnet-b"],\n   "allow": ["10.0.0/8"]}\n]}')
    with pytest.raises(AssertionError, match=r"line 4, profiles\[0\]\.allow\[0\]: this isn't a range of addresses, such as 10\.0\.0\.0/8"):
        start("-network-profiles", str(file))


def test_oauth_client_application(qs, refused):
    here = {"AwsAccountId": ACCOUNT, "OAuthClientApplicationId": "snowflake"}
    made = {
        "Name": "Snowflake", "OAuthClientAuthenticationType": "TOKEN", "OAuthTokenEndpointUrl": "https://login.example.com/token",
        "OAuthAuthorizationEndpointUrl": "https://login.example.com/authorize", "OAuthScopes": "session:role:ANALYST", "DataSourceType": "SNOWFLAKE",
    }
    out = qs.create_o_auth_client_application(
        **here, **made, ClientId="client-1", ClientSecret="s3cret-that-nobody-reads", Tags=[{"Key": "team", "Value": "data"}])
    assert out["CreationStatus"] == "CREATION_IN_PROGRESS"
    read = qs.describe_o_auth_client_application(**here)["OAuthClientApplication"]
    assert read.items() >= (made | {"Arn": out["Arn"], "OAuthClientApplicationId": "snowflake"}).items()
    assert "s3cret-that-nobody-reads" not in str(read) and "client-1" not in str(read)
    assert [a["Name"] for a in qs.list_o_auth_client_applications(AwsAccountId=ACCOUNT)["OAuthClientApplications"]] == ["Snowflake"]
    refused(qs.create_o_auth_client_application, "ResourceExistsException", 409, **here, **made, ClientId="x", ClientSecret="y")
    refused(qs.update_o_auth_client_application, "InvalidParameterValueException", 400, **here, Name="x", OAuthTokenEndpointUrl="https://attacker.example/token")
    inside = made | {"OAuthTokenEndpointUrl": "https://169.254.169.254/latest/meta-data"}
    refused(qs.create_o_auth_client_application, "InvalidParameterValueException", 400, AwsAccountId=ACCOUNT, OAuthClientApplicationId="inside", **inside, ClientId="x", ClientSecret="y")
    qs.update_o_auth_client_application(**here, Name="Renamed", ClientSecret="an0ther")
    qs.delete_o_auth_client_application(**here)
    refused(qs.describe_o_auth_client_application, "ResourceNotFoundException", 404, **here)
    refused(qs.delete_o_auth_client_application, "ResourceNotFoundException", 404, **here)
