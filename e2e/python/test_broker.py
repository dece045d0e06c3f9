"""A broker as companies have them: it turns the token of an OpenID Connect
provider into a link that signs a browser in, by boto3 and the console's
federation endpoint. The provider is the certified oidc-provider of npm.
"""

import html
import http.client
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT
from test_sts import allow, api, idp, keys_of, trust, web  # noqa: F401  idp and web are fixtures


def federation(server, **params):
    """What a broker's HTTP client does."""
    at = urllib.parse.urlsplit(server.url)
    connection = http.client.HTTPConnection(at.hostname, at.port, timeout=10)
    connection.request("GET", "/federation?" + urllib.parse.urlencode(params))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body) if answer.getheader("Content-Type") == "application/json" else body.decode()


def session_of(credentials):
    return json.dumps({"sessionId": credentials["AccessKeyId"], "sessionKey": credentials["SecretAccessKey"], "sessionToken": credentials["SessionToken"]})


def browser():
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def visit(opener, url):
    try:
        with opener.open(url, timeout=10) as page:
            return page.status, page.url, page.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.url, refused.read().decode()


def heading(page):
    return re.search("<h1>(.*?)</h1>", page).group(1)


def test_broker(web):  # noqa: F811
    house, server = web, web.server
    me = f"arn:aws:quicksight::{ACCOUNT}:user/${{aws:userid}}"
    role = house.new_role("Broker", trust({"Federated": house.provider}, "sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"),
                          allow("quicksight:CreateUser", resource=me))
    sts = api(server, "sts", aws_access_key_id="none", aws_secret_access_key="none")
    assume = lambda name: sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName=name, WebIdentityToken=house.idp.token(name))["Credentials"]  # noqa: E731

    def sign_in(credentials, opener=None, destination="", **params):
        status, answer = federation(server, Action="getSigninToken", SessionType="json", Session=session_of(credentials), **params)
        assert status == 200, answer
        return answer["SigninToken"], visit(opener or browser(), server.url + "/federation?" + urllib.parse.urlencode(
            {"Action": "login", "Issuer": "https://portal.example.org", "Destination": destination, "SigninToken": answer["SigninToken"]}))

    # Nobody has told the address of somebody new, so it is asked for.
    ana = browser()
    token, (status, _, page) = sign_in(assume("ana"), ana, destination=server.url + "/signin/you?from=portal", SessionDuration="3600")
    assert (status, heading(page)) == (200, "Your e-mail address")
    form = {"ticket": re.search('name="ticket" value="([^"]*)"', page).group(1), "email": "ana@example.org"}
    with ana.open(urllib.request.Request(server.url + "/signin/oidc/email", urllib.parse.urlencode(form).encode(), {"Origin": server.url}), timeout=10) as page:
        assert page.url == server.url + "/signin/you?from=portal"
        assert "Broker/ana" in page.read().decode()
    user = server.client().describe_user(AwsAccountId=ACCOUNT, Namespace="default", UserName="Broker/ana")["User"]
    assert (user["Email"], user["Role"], user["IdentityType"]) == ("ana@example.org", "AUTHOR", "IAM")

    # The second time it is the same user, at once; the link works once.
    token, (status, url, page) = sign_in(assume("ana"), destination="https://us-east-1.quicksight.aws.amazon.com/sn/start")
    assert (status, url, heading(page)) == (200, server.url + "/signin/you", "Your account")
    status, _, page = visit(browser(), server.url + "/federation?" + urllib.parse.urlencode({"Action": "login", "SigninToken": token}))
    assert (status, html.unescape(heading(page))) == (403, "This sign-in can't be used")

    # What is no good for a signed call is no good here.
    good = assume("ana")
    for bad in (good | {"SecretAccessKey": "x" * 40}, good | {"SessionToken": good["SessionToken"][::-1]}):
        status, answer = federation(server, Action="getSigninToken", SessionType="json", Session=session_of(bad))
        assert status == 403 and "SigninToken" not in answer
        with pytest.raises(ClientError):
            api(server, "sts", **keys_of({"Credentials": bad})).get_caller_identity()
