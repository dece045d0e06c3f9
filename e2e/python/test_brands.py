"""Brands through their whole life, with a real logo; limits, data loss prevention, approvals and the index, once each."""

import base64
import struct
import urllib.error
import urllib.request
import zlib

import pytest

from server import ACCOUNT

HOME = {"AwsAccountId": ACCOUNT}
ARN = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:"


def png(width, height, colour):
    """A real PNG image of one colour."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(colour) * width for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def inline(image, kind="image/png"):
    return {"Original": {"Source": {"PublicUrl": f"data:{kind};base64," + base64.b64encode(image).decode()}}}


def fetch(server, url):
    """What a browser sees at an address that the server has named."""
    assert url.startswith(server.url + "/_onsight/brands/"), url
    with urllib.request.urlopen(url, timeout=10) as answer:
        return answer.headers, answer.read()


def test_life_of_a_brand(server, qs, refused):
    logo = png(400, 100, (200, 30, 30))
    definition = {
        "BrandName": "Acme", "Description": "How Acme looks",
        "ApplicationTheme": {"BrandColorPalette": {"Accent": {"Background": "#AA0000", "Foreground": "#FFFFFF"}},
                             "BrandElementStyle": {"NavbarStyle": {"GlobalNavbar": {"Background": "#000080"}}}},
        "LogoConfiguration": {"AltText": "Acme", "LogoSet": {"Primary": inline(logo), "Favicon": inline(png(16, 16, (0, 0, 0)))}},
    }
    made = qs.create_brand(**HOME, BrandId="acme", BrandDefinition=definition, Tags=[{"Key": "team", "Value": "design"}])
    detail = made["BrandDetail"]
    assert made["BrandDefinition"] == definition
    assert detail["Arn"] == ARN + "brand/acme" and detail["BrandId"] == "acme"
    assert (detail["BrandStatus"], detail["VersionStatus"]) == ("CREATE_SUCCEEDED", "CREATE_SUCCEEDED")
    first = detail["VersionId"]

    # The logo over HTTP, without a signature, in three sizes.
    images = detail["Logo"]["LogoSet"]["Primary"]
    headers, body = fetch(server, images["Original"]["GeneratedImageUrl"])
    assert body == logo
    assert headers["Content-Type"] == "image/png" and headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in headers["Cache-Control"] and "sandbox" in headers["Content-Security-Policy"]
    for height in (64, 32):
        _, small = fetch(server, images[f"Height{height}"]["GeneratedImageUrl"])
        assert struct.unpack(">II", small[16:24]) == (4 * height, height)
    _, icon = fetch(server, detail["Logo"]["LogoSet"]["Favicon"]["Height32"]["GeneratedImageUrl"])
    assert struct.unpack(">II", icon[16:24]) == (16, 16)

    refused(qs.describe_brand_published_version, "ResourceNotFoundException", 404, **HOME, BrandId="acme")
    assert qs.update_brand_published_version(**HOME, BrandId="acme", VersionId=first)["VersionId"] == first
    second = qs.update_brand(**HOME, BrandId="acme", BrandDefinition={"BrandName": "Acme 2"})["BrandDetail"]["VersionId"]
    assert second != first
    assert qs.describe_brand(**HOME, BrandId="acme")["BrandDefinition"] == {"BrandName": "Acme 2"}
    assert qs.describe_brand(**HOME, BrandId="acme", VersionId=first)["BrandDefinition"] == definition
    assert qs.describe_brand_published_version(**HOME, BrandId="acme")["BrandDetail"]["VersionId"] == first

    qs.create_brand(**HOME, BrandId="other")
    pages = qs.get_paginator("list_brands").paginate(**HOME, PaginationConfig={"PageSize": 1})
    assert [b["BrandName"] for p in pages for b in p["Brands"]] == ["Acme 2", "other"]

    refused(qs.describe_brand_assignment, "ResourceNotFoundException", 404, **HOME)
    assert qs.update_brand_assignment(**HOME, BrandArn=detail["Arn"])["BrandArn"] == detail["Arn"]
    assert qs.describe_brand_assignment(**HOME)["BrandArn"] == detail["Arn"]
    r = refused(qs.delete_brand, "ConflictException", 409, **HOME, BrandId="acme")
    assert r.type == "ConflictException"
    qs.delete_brand_assignment(**HOME)

    assert qs.list_tags_for_resource(ResourceArn=detail["Arn"])["Tags"] == [{"Key": "team", "Value": "design"}]
    qs.tag_resource(ResourceArn=detail["Arn"], Tags=[{"Key": "stage", "Value": "final"}])
    qs.untag_resource(ResourceArn=detail["Arn"], TagKeys=["team"])
    assert [t["Key"] for t in qs.list_tags_for_resource(ResourceArn=detail["Arn"])["Tags"]] == ["stage"]

    qs.delete_brand(**HOME, BrandId="acme")
    refused(qs.describe_brand, "ResourceNotFoundException", 404, **HOME, BrandId="acme")
    with pytest.raises(urllib.error.HTTPError) as gone:
        fetch(server, images["Original"]["GeneratedImageUrl"])
    assert gone.value.code == 404


def test_brands_survive_kill_9(start, tmp_path):
    import server as onsight

    s = start(data=tmp_path / "kept")
    qs = s.client()
    onsight.subscribe(qs)
    made = qs.create_brand(**HOME, BrandId="acme", BrandDefinition={
        "BrandName": "Acme", "LogoConfiguration": {"AltText": "Acme", "LogoSet": {"Primary": inline(png(8, 8, (1, 2, 3)))}}})
    url = made["BrandDetail"]["Logo"]["LogoSet"]["Primary"]["Original"]["GeneratedImageUrl"]
    s.kill()
    s.start()
    assert fetch(s, url)[1] == png(8, 8, (1, 2, 3))


def test_refused_brands(qs, refused):
    qs.create_brand(**HOME, BrandId="taken")
    refused(qs.create_brand, "ConflictException", 409, **HOME, BrandId="taken")
    for source in (inline(b"GIF89a"), inline(b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "image/svg+xml"),
                   {"Original": {"Source": {"PublicUrl": "http://example.org/logo.png"}}}):
        r = refused(qs.create_brand, "InvalidRequestException", 400, **HOME, BrandId="bad", BrandDefinition={
            "BrandName": "Bad", "LogoConfiguration": {"AltText": "Bad", "LogoSet": {"Primary": source}}})
        assert r.message.startswith("LogoConfiguration.LogoSet.Primary.Original.Source isn't valid: ")
    r = refused(qs.create_brand, "ValidationException", 400, **HOME, BrandId="bad", BrandDefinition={
        "BrandName": "Bad", "ApplicationTheme": {"BrandColorPalette": {"Accent": {"Background": "red"}}}})
    assert "#[A-F0-9]" in r.message
    refused(qs.describe_brand, "ResourceNotFoundException", 404, **HOME, BrandId="bad")


def test_unsubscribed(bare, refused):
    r = refused(bare.create_brand, "AccessDeniedException", 401, **HOME, BrandId="acme")
    assert "not signed up" in r.message
    refused(bare.describe_brand, "ResourceNotFoundException", 404, **HOME, BrandId="acme")


def test_limits_profiles(server, qs, refused):
    limits = {"INDEX_STORAGE": {"maxValue": 10, "unit": "GB"}, "AGENT_HOURS": {"maxValue": 2, "unit": "DAYS"}}
    request = {"accountId": ACCOUNT, "profileName": "Analysts", "description": "For analysts", "resourceLimits": limits, "clientToken": "once"}
    made = qs.create_limits_profile(**request)
    assert qs.create_limits_profile(**request)["profileId"] == made["profileId"]
    refused(qs.create_limits_profile, "ConflictException", 409, **request | {"clientToken": "twice"})
    refused(qs.create_limits_profile, "InvalidParameterValueException", 400,
            **request | {"clientToken": "bad", "profileName": "Bad", "resourceLimits": {"AGENT_HOURS": {"maxValue": 1, "unit": "GB"}}})
    key = {"accountId": ACCOUNT, "profileId": made["profileId"]}
    profile = qs.describe_limits_profile(**key)["profile"]
    assert profile["resourceLimits"] == limits and profile["arn"] == made["arn"] == ARN + "limits-profile/" + made["profileId"]
    qs.update_limits_profile(**key, resourceLimits={"AGENT_HOURS": {"maxValue": 5, "unit": "HOURS"}})
    assert [p["profileName"] for p in qs.list_limits_profiles(accountId=ACCOUNT, resourceType="AGENT_HOURS")["profiles"]] == ["Analysts"]
    assert qs.list_limits_profiles(accountId=ACCOUNT, resourceType="INDEX_STORAGE")["profiles"] == []

    qs.register_user(**HOME, Namespace="default", UserName="ana", Email="ana@example.org", IdentityType="QUICKSIGHT", UserRole="READER")
    users = [{"userName": "ana", "namespace": "default"}, {"userName": "nobody", "namespace": "default"}]
    out = qs.batch_describe_user_limits(accountId=ACCOUNT, users=users)
    assert out["userLimits"] == [{"userName": "ana", "namespace": "default", "effectiveLimits": []}]
    assert [e["userName"] for e in out["errors"]] == ["nobody"]
    qs.delete_limits_profile(**key)
    refused(qs.describe_limits_profile, "ResourceNotFoundException", 404, **key)


def test_dlp_settings(qs, refused):
    purview = {"MicrosoftPurview": {
        "Credentials": {"SecretArn": f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:purview-AbCdEf"}, "UnmappedAction": "ALLOW",
        "LabelActionMappings": [{"LabelId": "00000000-0000-4000-8000-000000000001", "LabelName": "Secret", "Action": "BLOCK"}]}}
    key = HOME | {"DlpSettingId": "labels"}
    request = key | {"Name": "Labels", "Enabled": True, "ProviderType": "MICROSOFT_PURVIEW", "ProviderConfig": purview, "ProviderOutageAction": "WARN"}
    assert qs.create_dlp_setting(**request, Tags=[{"Key": "a", "Value": "b"}])["Arn"] == ARN + "dlpsetting/labels"
    refused(qs.create_dlp_setting, "ResourceExistsException", 409, **request)
    qs.update_dlp_setting(**key, Enabled=False)
    shown = qs.describe_dlp_setting(**key)["DlpSetting"]
    assert shown["Status"] == "INACTIVE" and shown["ProviderConfig"] == purview and shown["Name"] == "Labels"
    assert [s["DlpSettingId"] for s in qs.list_dlp_settings(**HOME)["DlpSettingSummaries"]] == ["labels"]
    assert qs.list_tags_for_resource(ResourceArn=shown["Arn"])["Tags"] == [{"Key": "a", "Value": "b"}]
    qs.delete_dlp_setting(**key)
    refused(qs.describe_dlp_setting, "ResourceNotFoundException", 404, **key)


def test_approval_policies(qs, refused):
    groups = [qs.create_group(**HOME, Namespace="default", GroupName=g)["Group"]["Arn"] for g in ("authors", "boss")]
    request = {"PolicyId": "sharing", "Name": "Sharing", "Actions": ["SHARE"], "AssetTypes": ["AGENT", "SPACE"],
               "ApplicableTo": {"Type": "GROUP", "GroupArns": groups[:1]}, "ApprovalGroups": groups[1:]}
    made = qs.create_approval_policy(**request)["Policy"]
    assert made["PolicyArn"] == ARN + "approval-policy/sharing"
    assert {k: made[k] for k in request} == request
    refused(qs.create_approval_policy, "ConflictException", 409, **request)
    assert qs.update_approval_policy(PolicyId="sharing", Description="Ask first")["Policy"]["Description"] == "Ask first"
    qs.delete_group(**HOME, Namespace="default", GroupName="boss")
    shown = qs.describe_approval_policy(PolicyId="sharing")["Policy"]
    assert shown["ApprovalGroups"] == [] and shown["ApplicableTo"]["GroupArns"] == groups[:1]
    assert [p["PolicyId"] for p in qs.list_approval_policies()["Policies"]] == ["sharing"]
    qs.delete_approval_policy(PolicyId="sharing")
    refused(qs.describe_approval_policy, "ResourceNotFoundException", 404, PolicyId="sharing")


def test_index_capacity(qs, refused):
    for name in ("ana", "bob"):
        qs.register_user(**HOME, Namespace="default", UserName=name, Email=f"{name}@example.org", IdentityType="QUICKSIGHT", UserRole="AUTHOR")
    prefix = [{"userNameOrEmail": {"prefix": "an"}}]
    users = qs.list_users_index_capacity(awsAccountId=ACCOUNT, namespace="default", filters=prefix)["users"]
    assert users == [{
        "userArn": ARN + "user/default/ana", "userName": "ana", "email": "ana@example.org", "role": "AUTHOR", "kbCount": 0, "spaceCount": 0,
        "totalCapacityBytes": 0, "totalKBCapacityBytes": 0, "totalSpaceCapacityBytes": 0}]
    pages, token = [], {}
    while True:
        page = qs.list_users_index_capacity(awsAccountId=ACCOUNT, maxResults=1, **token)
        pages.append([u["userName"] for u in page["users"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert pages == [[ACCOUNT], ["ana"], ["bob"]]
    refused(qs.list_users_index_capacity, "InvalidRequestException", 400, awsAccountId=ACCOUNT, filters=prefix)
    refused(qs.list_users_index_capacity, "InvalidRequestException", 400, awsAccountId=ACCOUNT, namespace="default",
            filters=prefix + [{"totalCapacityBytes": {"minBytes": 1}}])
