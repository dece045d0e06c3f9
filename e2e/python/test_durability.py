"""kill -9 at any moment: what was acknowledged is there after the next start."""

import random
import threading
import time

import botocore.exceptions

from server import ACCOUNT, subscribe, wait_until
from test_connectors import NONE

HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}
ROUNDS = 6
WRITERS = 6


class Writers:
    """Registers, changes and removes people, and makes connectors, as fast as
    the server takes it, and remembers what it was promised."""

    def __init__(self, server):
        self.server = server
        self.users = {}  # name -> e-mail that was acknowledged last
        self.open = {}  # name -> what it may be instead: a call without an answer
        self.gone = set()
        self.connectors = set()
        self.surprises = []
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.write, args=(i,)) for i in range(WRITERS)]

    def write(self, number):
        client = self.server.client(connect_timeout=2, read_timeout=5)
        i = 0
        while not self.stop.is_set():
            i += 1
            name, email = f"user-{number}-{i}", f"{number}.{i}@example.org"
            try:
                with self.lock:
                    self.open[name] = {None, email}
                client.register_user(**HOME, IdentityType="QUICKSIGHT", UserName=name, Email=email, UserRole="READER")
                with self.lock:
                    self.users[name] = email
                    self.open[name] = {email}
                if i % 3 == 0:
                    with self.lock:
                        self.open[name] = {email, "changed"}
                    client.update_user(**HOME, UserName=name, Email="changed", Role="AUTHOR")
                    with self.lock:
                        self.open[name] = {"changed"}
                if i % 5 == 0:
                    with self.lock:
                        self.open[name] |= {None}
                    client.delete_user(**HOME, UserName=name)
                    with self.lock:
                        self.open[name] = {None}
                if i % 7 == 0:
                    client.create_action_connector(AwsAccountId=ACCOUNT, ActionConnectorId=name, Name="C", Type="GENERIC_HTTP", AuthenticationConfig=NONE)
                    with self.lock:
                        self.connectors.add(name)
            except botocore.exceptions.ClientError as e:
                self.surprises.append(f"{name}: {e}")
            except (botocore.exceptions.BotoCoreError, OSError):
                time.sleep(0.01)  # the server is down just now


def test_kill_at_random_moments(start):
    chance = random.Random(20261120)
    server = start()
    subscribe(server.client())
    writers = Writers(server)
    for t in writers.threads:
        t.start()
    acknowledged = 0
    try:
        for _ in range(ROUNDS):
            time.sleep(chance.uniform(0.15, 0.6))
            server.kill()
            server.start()
    finally:
        time.sleep(0.3)
        writers.stop.set()
        for t in writers.threads:
            t.join()
    assert not writers.surprises, writers.surprises[:5]

    server.kill()
    server.start()
    client = server.client()
    there = {u["UserName"]: u["Email"] for p in client.get_paginator("list_users").paginate(**HOME) for u in p["UserList"]}
    wrong = [f"{name}: {there.get(name)!r}, may be {sorted(map(str, allowed))}" for name, allowed in writers.open.items() if there.get(name) not in allowed]
    assert not wrong, f"{len(wrong)} of {len(writers.open)} users are not as acknowledged: {wrong[:5]}"
    assert set(there) - set(writers.open) == {ACCOUNT}, "somebody is there whom nobody registered"
    acknowledged = len(writers.users)
    assert acknowledged > 100, "the test has hardly tested anything"
    for name in random.sample(sorted(there), 20):
        assert client.describe_user(**HOME, UserName=name)["User"]["Email"] == there[name]

    def all_settled():
        connectors = {c["ActionConnectorId"]: c["Status"]
                      for p in client.get_paginator("list_action_connectors").paginate(AwsAccountId=ACCOUNT) for c in p["ActionConnectorSummaries"]}
        assert writers.connectors <= set(connectors), "an acknowledged connector is lost"
        return set(connectors.values()) == {"CREATION_SUCCESSFUL"}

    wait_until(all_settled, seconds=60, what="the end of all work that was interrupted")


def test_kill_while_subscribing(start):
    """The sign-up goes on after a crash, and so does the way out."""
    server = start()
    client = server.client()
    client.create_account_subscription(AwsAccountId=ACCOUNT, AccountName="our-house", AuthenticationMethod="IAM_ONLY", NotificationEmail="x@example.org")
    server.kill()
    server.start()

    def status():
        return client.describe_account_subscription(AwsAccountId=ACCOUNT)["AccountInfo"]["AccountSubscriptionStatus"]

    wait_until(lambda: status() == "ACCOUNT_CREATED", seconds=60, what="the sign-up")
    assert len(client.list_users(**HOME)["UserList"]) == 1
    client.update_account_settings(AwsAccountId=ACCOUNT, DefaultNamespace="default", TerminationProtectionEnabled=False)
    client.delete_account_subscription(AwsAccountId=ACCOUNT)
    server.kill()
    server.start()
    wait_until(lambda: status() == "UNSUBSCRIBED", seconds=60, what="the unsubscription")


def test_page_tokens_outlive_a_crash(start):
    """A list can be read on after a restart."""
    server = start()
    client = server.client()
    subscribe(client)
    for i in range(3):
        client.register_user(**HOME, IdentityType="QUICKSIGHT", UserName=f"u{i}", Email="x", UserRole="READER")
    token = client.list_users(**HOME, MaxResults=2)["NextToken"]
    server.kill()
    server.start()
    assert [u["UserName"] for u in client.list_users(**HOME, NextToken=token)["UserList"]] == ["u1", "u2"]
