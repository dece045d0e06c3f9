"""Namespaces and account settings: the calls of the Terraform provider's
resources in its order, and what an administrator does with boto3."""

import threading
import time

import botocore.exceptions
import pytest

from server import ACCOUNT, REGION, subscribe, wait_until
from test_terraform_order import wait as wait_for_subscription

HERE = {"AwsAccountId": ACCOUNT}


def find(client, name):
    """As the provider reads a namespace: None for a 404."""
    try:
        return client.describe_namespace(**HERE, Namespace=name)["Namespace"]
    except client.exceptions.ResourceNotFoundException:
        return None


def wait(client, name, pending, target, polls=1200):
    """As the provider waits: an unknown status fails at once, and without a
    target it waits until the namespace is gone. Twenty 404s in a row are too
    many where there is a target."""
    missing = 0
    for _ in range(polls):
        found = find(client, name)
        if found is None:
            if target is None:
                return None
            missing += 1
            assert missing <= 20, "couldn't find resource"
        elif found["CreationStatus"] == target:
            return found
        else:
            assert found["CreationStatus"] in pending, f"unexpected state {found['CreationStatus']!r}, wanted target {target!r}"
        time.sleep(0.02)
    pytest.fail("timeout while waiting for state")


@pytest.mark.parametrize("name", ["tf-acc-test", "Tenant_1.eu", "n" * 64])
def test_namespace(qs, refused, name):
    made = qs.create_namespace(**HERE, Namespace=name, IdentityStore="QUICKSIGHT", Tags=[{"Key": "key1", "Value": "value1"}])
    assert made["ResponseMetadata"]["HTTPStatusCode"] == made["Status"] == 202
    assert (made["CreationStatus"], made["CapacityRegion"], made["IdentityStore"]) == ("CREATING", REGION, "QUICKSIGHT")
    found = wait(qs, name, {"CREATING"}, "CREATED")
    arn = f"arn:aws:quicksight:{REGION}:{ACCOUNT}:namespace/{name}"
    assert found == {"Arn": arn, "Name": name, "CapacityRegion": REGION, "CreationStatus": "CREATED", "IdentityStore": "QUICKSIGHT"}
    # Plan again, and import: what is read is what was written; tags by the ARN.
    account, namespace = f"{ACCOUNT},{name}".split(",")
    assert qs.describe_namespace(AwsAccountId=account, Namespace=namespace)["Namespace"] == found
    assert qs.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "key1", "Value": "value1"}]
    # An update is one of tags alone.
    qs.untag_resource(ResourceArn=arn, TagKeys=["key1"])
    qs.tag_resource(ResourceArn=arn, Tags=[{"Key": "key2", "Value": "value2"}])
    assert qs.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "key2", "Value": "value2"}]

    refused(qs.create_namespace, "ResourceExistsException", 409, **HERE, Namespace=name, IdentityStore="QUICKSIGHT")
    assert qs.delete_namespace(**HERE, Namespace=name)["Status"] == 202
    wait(qs, name, {"DELETING"}, None)
    refused(qs.delete_namespace, "ResourceNotFoundException", 404, **HERE, Namespace=name)
    # Disappears: the provider takes the 404 for gone, and makes it again.
    qs.create_namespace(**HERE, Namespace=name, IdentityStore="QUICKSIGHT")
    wait(qs, name, {"CREATING"}, "CREATED")


def test_account_subscription_and_settings(bare):
    bare.create_account_subscription(
        **HERE, AccountName="tf-acc-test", AuthenticationMethod="IAM_AND_QUICKSIGHT", Edition="ENTERPRISE", NotificationEmail="x@example.org")
    wait_for_subscription(bare, {"SIGNUP_ATTEMPT_IN_PROGRESS"}, {"ACCOUNT_CREATED", "OK"}, times=2)

    def read():
        s = bare.describe_account_settings(**HERE)["AccountSettings"]
        return s["DefaultNamespace"], s["TerminationProtectionEnabled"]

    # Each update is read at once, in the same retry loop.
    for protection in (True, False, True):
        bare.update_account_settings(**HERE, DefaultNamespace="default", TerminationProtectionEnabled=protection)
        assert read() == ("default", protection)
    # Another default namespace replaces the resource: forgotten, then written.
    bare.create_namespace(**HERE, Namespace="home", IdentityStore="QUICKSIGHT")
    wait(bare, "home", {"CREATING"}, "CREATED")
    bare.update_account_settings(**HERE, DefaultNamespace="home", TerminationProtectionEnabled=False)
    assert read() == ("home", False)

    # Destroy: settings are only forgotten; the subscription goes with all namespaces.
    bare.delete_account_subscription(**HERE)
    wait_for_subscription(bare, {"ACCOUNT_CREATED", "OK", "UNSUBSCRIBE_IN_PROGRESS"}, {"UNSUBSCRIBED"})
    with pytest.raises(bare.exceptions.ResourceNotFoundException):
        bare.list_namespaces(**HERE)


def test_ip_restriction(qs):
    def read():
        """As the provider reads it: off and without rules is not there."""
        out = qs.describe_ip_restriction(**HERE)
        for member in ("IpRestrictionRuleMap", "VpcEndpointIdRestrictionRuleMap", "VpcIdRestrictionRuleMap"):
            assert out[member] is not None
        rules = (out["Enabled"], out["IpRestrictionRuleMap"], out["VpcIdRestrictionRuleMap"], out["VpcEndpointIdRestrictionRuleMap"])
        return rules if any(rules) else None

    assert read() is None
    # The provider always sends all three maps, empty ones too.
    qs.update_ip_restriction(**HERE, Enabled=True, IpRestrictionRuleMap={"108.56.166.202/32": "Allow self"},
                             VpcIdRestrictionRuleMap={}, VpcEndpointIdRestrictionRuleMap={})
    assert read() == (True, {"108.56.166.202/32": "Allow self"}, {}, {})
    qs.update_ip_restriction(**HERE, Enabled=False, IpRestrictionRuleMap={"108.56.166.202/32": "Allow self", "10.0.0.0/8": ""},
                             VpcIdRestrictionRuleMap={"vpc-0a1b": "Main VPC"}, VpcEndpointIdRestrictionRuleMap={"vpce-0a1b": ""})
    assert read() == (False, {"108.56.166.202/32": "Allow self", "10.0.0.0/8": ""}, {"vpc-0a1b": "Main VPC"}, {"vpce-0a1b": ""})
    qs.update_ip_restriction(**HERE, Enabled=False, IpRestrictionRuleMap={}, VpcIdRestrictionRuleMap={}, VpcEndpointIdRestrictionRuleMap={})
    assert read() is None


def test_ip_restriction_has_a_limit(qs, refused):
    rules = {f"10.0.{i}.0/24": "" for i in range(101)}
    refused(qs.update_ip_restriction, "LimitExceededException", 409, **HERE, IpRestrictionRuleMap=rules)
    rules.popitem()
    qs.update_ip_restriction(**HERE, IpRestrictionRuleMap=rules)
    assert qs.describe_ip_restriction(**HERE)["IpRestrictionRuleMap"] == rules


def test_key_registration(qs):
    def read():
        out = qs.describe_key_registration(**HERE)
        assert out["Status"] == 200
        return sorted((k["KeyArn"], k["DefaultKey"]) for k in out["KeyRegistration"]) or None

    one, two = (f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{n}" for n in ("one", "two"))
    assert read() is None
    qs.update_key_registration(**HERE, KeyRegistration=[{"KeyArn": one, "DefaultKey": False}])
    assert read() == [(one, False)]
    qs.update_key_registration(**HERE, KeyRegistration=[{"KeyArn": one, "DefaultKey": False}, {"KeyArn": two, "DefaultKey": True}])
    assert read() == [(one, False), (two, True)]
    qs.update_key_registration(**HERE, KeyRegistration=[])
    assert read() is None


def test_other_settings(qs, refused):
    qs.update_public_sharing_settings(**HERE, PublicSharingEnabled=True)
    assert qs.describe_account_settings(**HERE)["AccountSettings"]["PublicSharingEnabled"] is True
    qs.update_spice_capacity_configuration(**HERE, PurchaseMode="AUTO_PURCHASE")
    assert qs.update_q_personalization_configuration(**HERE, PersonalizationMode="DISABLED")["PersonalizationMode"] == "DISABLED"
    assert qs.describe_q_personalization_configuration(**HERE)["PersonalizationMode"] == "DISABLED"
    qs.update_quick_sight_q_search_configuration(**HERE, QSearchStatus="ENABLED")
    assert qs.describe_quick_sight_q_search_configuration(**HERE)["QSearchStatus"] == "ENABLED"
    qs.update_dashboards_qa_configuration(**HERE, DashboardsQAStatus="ENABLED")
    assert qs.describe_dashboards_qa_configuration(**HERE)["DashboardsQAStatus"] == "ENABLED"
    refused(qs.describe_default_q_business_application, "ResourceNotFoundException", 404, **HERE)
    qs.update_default_q_business_application(**HERE, ApplicationId="app")
    assert qs.describe_default_q_business_application(**HERE, Namespace="default")["ApplicationId"] == "app"
    qs.delete_default_q_business_application(**HERE)
    refused(qs.list_identity_propagation_configs, "AccessDeniedException", 401, **HERE)
    refused(qs.update_application_with_token_exchange_grant, "AccessDeniedException", 401, **HERE, Namespace="default")


def test_customization(qs, refused):
    qs.create_namespace(**HERE, Namespace="tenant", IdentityStore="QUICKSIGHT")
    wait(qs, "tenant", {"CREATING"}, "CREATED")
    midnight, seaside = ({"DefaultTheme": f"arn:aws:quicksight::aws:theme/{n}"} for n in ("MIDNIGHT", "SEASIDE"))
    qs.create_account_customization(**HERE, AccountCustomization=midnight)
    refused(qs.create_account_customization, "ResourceExistsException", 409, **HERE, AccountCustomization=midnight)
    refused(qs.describe_account_customization, "ResourceNotFoundException", 404, **HERE, Namespace="tenant")
    assert qs.describe_account_customization(**HERE, Namespace="tenant", Resolved=True)["AccountCustomization"] == midnight
    qs.create_account_customization(**HERE, Namespace="tenant", AccountCustomization=seaside)
    assert qs.describe_account_customization(**HERE, Namespace="tenant", Resolved=True)["AccountCustomization"] == seaside
    qs.update_account_customization(**HERE, Namespace="tenant", AccountCustomization=midnight)
    assert qs.describe_account_customization(**HERE, Namespace="tenant")["AccountCustomization"] == midnight
    qs.delete_account_customization(**HERE, Namespace="tenant")
    refused(qs.delete_account_customization, "ResourceNotFoundException", 404, **HERE, Namespace="tenant")


def test_namespaces_from_every_region(server, qs, refused):
    """Programs that look for the identity region."""
    far = server.client("eu-west-1")
    pages = far.get_paginator("list_namespaces").paginate(**HERE, PaginationConfig={"PageSize": 1})
    assert [n["CapacityRegion"] for p in pages for n in p["Namespaces"]] == [REGION]
    r = refused(far.describe_namespace, "AccessDeniedException", 401, **HERE, Namespace="default")
    assert r.message == f"Operation is being called from endpoint eu-west-1, but your identity region is {REGION}. Please use the {REGION} endpoint."


def test_killed_while_a_namespace_is_deleted(start):
    """kill -9 in the midst of the cascade; the next start goes on with it."""
    server = start()
    client = server.client()
    subscribe(client)
    client.create_namespace(**HERE, Namespace="doomed", IdentityStore="QUICKSIGHT")
    wait(client, "doomed", {"CREATING"}, "CREATED")

    def register(part):
        mine = server.client()
        for i in range(part, 1200, 8):
            mine.register_user(**HERE, Namespace="doomed", UserName=f"user-{i}", Email="x@example.org", UserRole="READER", IdentityType="QUICKSIGHT",
                               Tags=[{"Key": "n", "Value": str(i)}])

    threads = [threading.Thread(target=register, args=(part,)) for part in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()

    def delete():
        try:
            client.delete_namespace(**HERE, Namespace="doomed")
        except botocore.exceptions.BotoCoreError:
            pass  # the server died before it answered

    caller, watcher = threading.Thread(target=delete), server.client()
    caller.start()
    # The moment at which it is DELETING is the middle of the job.
    wait_until(lambda: (find(watcher, "doomed") or {"CreationStatus": "DELETING"})["CreationStatus"] == "DELETING", what="the deletion")
    server.kill()
    caller.join()
    server.start()
    client = server.client()
    wait(client, "doomed", {"DELETING"}, None)
    # The name is free, and the next of the name finds nobody and no tags.
    client.create_namespace(**HERE, Namespace="doomed", IdentityStore="QUICKSIGHT")
    wait(client, "doomed", {"CREATING"}, "CREATED")
    assert client.list_users(**HERE, Namespace="doomed")["UserList"] == []
    arn = client.register_user(**HERE, Namespace="doomed", UserName="user-7", Email="x@example.org", UserRole="READER", IdentityType="QUICKSIGHT")["User"]["Arn"]
    assert client.list_tags_for_resource(ResourceArn=arn)["Tags"] == []
