"""The process: starting twice, stopping, the emulator, and a folder that is not to be had."""

import contextlib
import os
import pathlib
import sqlite3
import subprocess
import urllib.error
import urllib.request

import boto3
import botocore.config
import pytest

from server import ACCOUNT, BINARY, subscribe

HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


def fails(*args, **env):
    """Starts a server that must not start, and gives what it says."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ONSIGHT_", "AWS_"))}
    done = subprocess.run([str(BINARY), "serve", *map(str, args)], env=kept | env, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode not in (0, None), done.stdout
    assert "onsight: ready" not in done.stdout
    assert "panic" not in done.stderr and "goroutine" not in done.stderr
    return done.stderr


def test_health(server):
    with urllib.request.urlopen(server.url + "/_onsight/health", timeout=5) as answer:
        assert answer.status == 200


def test_stop_and_start(start, server, qs):
    qs.register_user(**HOME, IdentityType="QUICKSIGHT", UserName="ana", Email="x", UserRole="READER")
    assert server.stop() == 0
    server.start()
    assert qs.describe_user(**HOME, UserName="ana")["User"]["UserName"] == "ana"


def test_one_folder_one_server(server, qs):
    said = fails("-listen", "127.0.0.1:0", "-data", server.data)
    assert str(server.data) in said
    assert qs.list_users(**HOME)["Status"] == 200


def test_a_port_that_is_taken(server, tmp_path):
    said = fails("-listen", server.listen, "-data", tmp_path / "other")
    assert server.listen in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    assert str(folder) in fails("-listen", "127.0.0.1:0", "-data", folder)


def test_a_folder_of_a_newer_version(server, qs):
    server.stop()
    with contextlib.closing(sqlite3.connect(server.data / "onsight.db")) as db, db:
        db.execute("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
    said = fails("-listen", "127.0.0.1:0", "-data", server.data)
    assert "newer" in said
    with contextlib.closing(sqlite3.connect(server.data / "onsight.db")) as db, db:
        db.execute("DELETE FROM goose_db_version WHERE version_id = 99999")
    server.start()
    assert qs.list_users(**HOME)["UserList"], "nothing was changed"


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    assert str(tmp_path / "file") in fails("-listen", "127.0.0.1:0", "-data", tmp_path / "file")


def test_dev_needs_nothing(start):
    dev = start("-dev", data=None, env={})
    assert any("NOT FOR PRODUCTION" in line.upper() for line in dev.output + dev.log)
    for account, region in ((ACCOUNT, "us-east-1"), ("999999999999", "eu-central-1")):
        client = dev.client(region=region, key="any", secret="thing")
        here = {"AwsAccountId": account, "Namespace": "default"}
        client.register_user(**here, IdentityType="QUICKSIGHT", UserName="ana", Email="x", UserRole="READER")
        info = client.describe_account_subscription(AwsAccountId=account)["AccountInfo"]
        assert (info["Edition"], info["AuthenticationType"], info["AccountSubscriptionStatus"]) == ("ENTERPRISE", "IDENTITY_POOL", "ACCOUNT_CREATED")
    unsigned = boto3.client("quicksight", endpoint_url=dev.url, region_name="us-east-1", config=botocore.config.Config(signature_version=botocore.UNSIGNED))
    assert "ana" in [u["UserName"] for u in unsigned.list_users(**HOME)["UserList"]]
    with urllib.request.urlopen(urllib.request.Request(dev.url + "/_onsight/reset", method="POST"), timeout=5) as answer:
        assert answer.status == 200
    assert "ana" not in [u["UserName"] for u in unsigned.list_users(**HOME)["UserList"]]


def test_dev_without_subscriptions(start, refused):
    client = start("-dev", "-dev-subscribe=false", data=None, env={}).client()
    refused(client.list_users, "ResourceNotFoundException", 404, **HOME)
    subscribe(client)


def test_dev_leaves_nothing_behind(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dev = start("-dev", data=None, env={})
    dev.client().list_users(**HOME)
    dev.stop()
    assert list(pathlib.Path(tmp_path).iterdir()) == []


@pytest.mark.parametrize("address", ["0.0.0.0:0", ":0", "[::]:0"])
def test_dev_stays_at_home(address):
    assert "loopback" in fails("-dev", "-listen", address)


def test_reset_is_the_emulators_only(server, qs):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(server.url + "/_onsight/reset", method="POST"), timeout=5)
    assert caught.value.code in (403, 404)
    assert qs.list_users(**HOME)["UserList"]


def test_two_servers_side_by_side(start, tmp_path):
    one, two = start(data=tmp_path / "one"), start(data=tmp_path / "two")
    subscribe(one.client())
    with pytest.raises(two.client().exceptions.ResourceNotFoundException):
        two.client().list_users(**HOME)

