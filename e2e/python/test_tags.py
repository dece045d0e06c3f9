"""Tags on any ARN, and their limits."""

from server import ACCOUNT

USER = f"arn:aws:quicksight:us-east-1:{ACCOUNT}:user/default/"


def tags_of(client, arn):
    return {t["Key"]: t["Value"] for t in client.list_tags_for_resource(ResourceArn=arn)["Tags"]}


def register(client, name="role/ana é"):
    return client.register_user(AwsAccountId=ACCOUNT, Namespace="default", IdentityType="QUICKSIGHT", UserName=name,
                                Email="ana@example.org", UserRole="READER")["User"]["Arn"]


def test_put_change_remove(qs):
    arn = register(qs)
    assert qs.list_tags_for_resource(ResourceArn=arn) | {"ResponseMetadata": None, "RequestId": None} == {
        "Tags": [], "Status": 200, "ResponseMetadata": None, "RequestId": None}
    assert qs.tag_resource(ResourceArn=arn, Tags=[{"Key": k, "Value": v} for k, v in {"a": "1", "b": " ", "Ümlaut": "ö", "x y:z/=+-@": "4"}.items()])["Status"] == 202
    assert tags_of(qs, arn) == {"a": "1", "b": " ", "Ümlaut": "ö", "x y:z/=+-@": "4"}
    qs.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    answer = qs.untag_resource(ResourceArn=arn, TagKeys=["b", "Ümlaut", "x y:z/=+-@", "never there"])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert tags_of(qs, arn) == {"a": "2"}
    qs.untag_resource(ResourceArn=arn, TagKeys=["A"])
    assert tags_of(qs, arn) == {"a": "2"}, "keys are told apart by case"


def test_fifty_for_each(qs, refused):
    arn = register(qs)
    tags = [{"Key": f"k{i}", "Value": "v"} for i in range(50)]
    qs.tag_resource(ResourceArn=arn, Tags=tags)
    qs.tag_resource(ResourceArn=arn, Tags=tags)
    r = refused(qs.tag_resource, "LimitExceededException", 409, ResourceArn=arn, Tags=[{"Key": "one more", "Value": "v"}])
    assert isinstance(r.error, qs.exceptions.LimitExceededException)
    assert len(tags_of(qs, arn)) == 50


def test_rules(qs, refused):
    arn = register(qs)
    for tag in ({"Key": "k" * 129, "Value": "v"}, {"Key": "k", "Value": "v" * 257}):
        refused(qs.tag_resource, "ValidationException", 400, ResourceArn=arn, Tags=[tag])
    refused(qs.tag_resource, "InvalidParameterValueException", 400, ResourceArn=arn, Tags=[{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}])
    refused(qs.tag_resource, "InvalidParameterValueException", 400, ResourceArn=arn, Tags=[{"Key": "aws:k", "Value": "1"}])
    assert tags_of(qs, arn) == {}


def test_nothing_there(qs, refused):
    arn = register(qs)
    for call, more in ((qs.list_tags_for_resource, {}), (qs.tag_resource, {"Tags": [{"Key": "k", "Value": "v"}]}), (qs.untag_resource, {"TagKeys": ["k"]})):
        refused(call, "ResourceNotFoundException", 404, ResourceArn=arn + "-not", **more)
        assert refused(call, ResourceArn="arn:aws:s3:::bucket", **more).status in (400, 403)
        assert refused(call, ResourceArn="ana", **more).status in (400, 403)
        assert refused(call, ResourceArn=arn.replace(ACCOUNT, "999999999999"), **more).code == "AccessDeniedException"


def test_tags_go_with_their_owner(qs):
    arn = register(qs, "ana")
    qs.tag_resource(ResourceArn=arn, Tags=[{"Key": "k", "Value": "v"}])
    qs.delete_user(AwsAccountId=ACCOUNT, Namespace="default", UserName="ana")
    assert tags_of(qs, register(qs, "ana")) == {}
