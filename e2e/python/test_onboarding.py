"""examples/onboarding, as its README says to run it, against a real server."""

import csv
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from server import ACCOUNT, ROOT

PROGRAM = ROOT / "examples" / "onboarding" / "onboard.py"
PEOPLE = PROGRAM.with_name("people.csv")
HOME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def name_of(row):
    """The user name as the service forms it, worked out here once more."""
    if row["identity_type"] == "QUICKSIGHT":
        return row["user_name"]
    return "/".join(filter(None, [row["iam_arn"].split("/")[-1], row["session_name"]]))


class Desk:
    def __init__(self, server, folder):
        self.server, self.folder = server, folder
        self.invitations = folder / "invitations.csv"

    def run(self, *args, expect=0, env=None):
        done = subprocess.run(
            [sys.executable, str(PROGRAM), *map(str, args)], cwd=self.folder, env=env or self.server.shell(), capture_output=True, text=True, timeout=110, check=False)
        assert done.returncode == expect, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout + done.stderr

    def users(self):
        client = self.server.client()
        return {u["UserName"]: u for p in client.get_paginator("list_users").paginate(**HOME) for u in p["UserList"]}

    def edited(self, change):
        everyone = rows(PEOPLE)
        change(everyone)
        path = self.folder / "edited.csv"
        with open(path, "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, list(everyone[0]))
            writer.writeheader()
            writer.writerows(everyone)
        return path


@pytest.fixture
def desk(server, tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(server, folder)


def test_200_people(desk):
    people = rows(PEOPLE)
    assert len(people) == 200
    native = [p for p in people if p["identity_type"] == "QUICKSIGHT"]

    said = desk.run()
    assert "200 registered" in said and "[200/200]" in said
    there = desk.users()
    assert set(there) == {name_of(p) for p in people} | {ACCOUNT}
    for p in people:
        user = there[name_of(p)]
        assert (user["Email"], user["Role"], user["IdentityType"]) == (p["email"], p["role"], p["identity_type"])
        assert user["Active"] is (p["identity_type"] == "IAM")
    tags = desk.server.client().list_tags_for_resource(ResourceArn=there[name_of(people[0])]["Arn"])["Tags"]
    assert {t["Key"]: t["Value"] for t in tags} == {"full-name": people[0]["full_name"], "team": people[0]["team"]}

    links = rows(desk.invitations)
    assert stat.S_IMODE(desk.invitations.stat().st_mode) == 0o600
    assert sorted(r["user_name"] for r in links) == sorted(name_of(p) for p in native)
    assert len({r["invitation_url"] for r in links}) == len(native)
    assert all(r["invitation_url"].startswith(desk.server.url + "/inviteuser?token=") for r in links)
    assert desk.server.url not in said, "the links are not for the screen"

    said = desk.run()
    assert "200 unchanged" in said and "0 new invitations" in said
    assert desk.users() == there and rows(desk.invitations) == links
    assert [f.name for f in desk.folder.iterdir()] == ["invitations.csv"]

    said = desk.run("--remove")
    assert "200 removed" in said
    assert set(desk.users()) == {ACCOUNT} and not desk.invitations.exists()
    assert "200 was not there" in desk.run("--remove", "--quiet")


def test_output_that_nobody_reads(desk):
    done = subprocess.run(["bash", "-c", f"{sys.executable} {PROGRAM} | head -n 3"], cwd=desk.folder, env=desk.server.shell(), capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 3 and "Traceback" not in done.stderr
    desk.run("--quiet")
    assert len(rows(desk.invitations)) == sum(p["identity_type"] == "QUICKSIGHT" for p in rows(PEOPLE)), "no link is lost"


def test_changes_in_the_file(desk):
    desk.run("--quiet")
    links = rows(desk.invitations)

    def change(everyone):
        reader = next(p for p in everyone if p["role"] == "READER")
        reader["role"] = "ADMIN"
        reader["email"] = "promoted@example.org"
        author = next(p for p in everyone if p["role"] == "AUTHOR")
        author["role"] = "READER"
        change.names = name_of(reader), name_of(author)

    said = desk.run("--quiet", desk.edited(change), expect=1)
    promoted, author = change.names
    there = desk.users()
    assert (there[promoted]["Role"], there[promoted]["Email"]) == ("ADMIN", "promoted@example.org")
    assert there[author]["Role"] == "AUTHOR"
    assert "1 FAILED, 198 unchanged, 1 updated" in said
    assert f"{author}: InvalidParameterValueException: " in said
    assert rows(desk.invitations) == links


def test_interrupted_and_resumed(desk):
    """The program is interrupted and the server killed; a further run completes the job, and no link is lost."""
    command = [sys.executable, str(PROGRAM), "--workers", "1"]
    with subprocess.Popen(command, cwd=desk.folder, env=desk.server.shell(), stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            if line.startswith("[ 40/200]"):
                running.send_signal(signal.SIGINT)
                break
        running.stdout.read()
        assert running.wait(timeout=30) == 130
    part = len(desk.users())
    assert 41 <= part < 201
    desk.server.kill()
    time.sleep(0.1)
    desk.server.start()
    said = desk.run("--quiet")
    assert f"{201 - part} registered, {part - 1} unchanged" in said
    assert len(rows(desk.invitations)) == sum(p["identity_type"] == "QUICKSIGHT" for p in rows(PEOPLE))


@pytest.mark.parametrize("column,value,text", [
    ("role", "OWNER", "edited.csv:2: role is 'OWNER'; it must be one of READER, "),
    ("email", "", "edited.csv:2: email is empty"),
    ("identity_type", "LDAP", "edited.csv:2: identity_type is 'LDAP'; it must be QUICKSIGHT or IAM"),
    ("user_name", "someone", "edited.csv:2: user_name must be empty for identity_type IAM"),
    ("iam_arn", "someone", "edited.csv:2: iam_arn 'someone' is not the ARN of an IAM user or role"),
    ("session_name", "s", "edited.csv:2: session_name is required for a role, and must be empty for a user"),
])
def test_mistakes_in_the_file(desk, column, value, text):
    path = desk.edited(lambda everyone: everyone[0].update({column: value}))
    assert text in desk.run(path.name, expect=2)
    with pytest.raises(desk.server.client().exceptions.ResourceNotFoundException):
        desk.users()  # not even the account was subscribed


def test_people_in_the_file_twice(desk):
    path = desk.edited(lambda everyone: everyone.append(everyone[0]))
    assert "edited.csv:202: max.dlamini is in line 2 already" in desk.run(path.name, expect=2)


def test_files_that_are_not_there(desk):
    assert "nobody.csv: No such file or directory" in desk.run("nobody.csv", expect=2)
    assert "No such file or directory" in desk.run("--invitations", "no/such/folder.csv", expect=2)


def test_no_server_is_named(desk):
    env = {k: v for k, v in desk.server.shell().items() if k != "AWS_ENDPOINT_URL_QUICKSIGHT"}
    assert "No server is named." in desk.run(expect=2, env=env)


def test_a_server_that_is_away(desk):
    desk.server.stop()
    assert f'Could not connect to the endpoint URL: "{desk.server.url}' in desk.run(expect=2)


def test_wrong_credentials(desk):
    assert "InvalidSignatureException: " in desk.run(expect=2, env=desk.server.shell(AWS_SECRET_ACCESS_KEY="wrong"))
    env = {k: v for k, v in desk.server.shell().items() if not k.startswith(("AWS_ACCESS", "AWS_SECRET"))}
    assert "Unable to locate credentials" in desk.run(expect=2, env=env)


def test_wrong_region(desk):
    desk.run("--quiet")
    said = desk.run(expect=2, env=desk.server.shell(AWS_REGION="eu-west-1"))
    assert "Please use the us-east-1 endpoint." in said
    assert os.path.exists(desk.invitations)
