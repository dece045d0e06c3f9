"""`onsight people`: a file of users in, boto3 looking at what came of it."""

import csv
import json
import subprocess
import time

import pytest

from server import ACCOUNT, BINARY

ME = {"AwsAccountId": ACCOUNT, "Namespace": "default"}


@pytest.fixture
def people(server, tmp_path):
    def people(*args, status=0):
        done = subprocess.run(
            [str(BINARY), "people", *map(str, args), "-account", ACCOUNT], cwd=tmp_path, env=server.shell(), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == status, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    return people


def team(path, n, **extra):
    """A file of n users: native ones, and every tenth one of a role."""
    with path.open("w", newline="") as f:
        out = csv.writer(f)
        out.writerow(["user_name", "email", "role", "groups", "iam_arn", "session_name"])
        for i in range(n):
            if i % 10:
                out.writerow([f"user-{i:05}", f"user-{i:05}@example.org", ["READER", "AUTHOR"][i % 2], "staff" if i % 100 == 1 else "", "", ""])
            else:
                out.writerow(["", f"s{i}@example.org", "READER", "", f"arn:aws:iam::{ACCOUNT}:role/Bi", f"session-{i}"])
    return path


def registered(qs):
    pages = qs.get_paginator("list_users").paginate(**ME)
    return {u["UserName"]: u for page in pages for u in page["UserList"]}


def results(path):
    assert path.stat().st_mode & 0o077 == 0, "others can read the invitations"
    with path.open(newline="") as f:
        return list(csv.DictReader(f))


def test_import_of_many(qs, people, tmp_path, refused):
    qs.create_group(**ME, GroupName="staff")
    file = team(tmp_path / "team.csv", 2000)
    said = people("import", file, "-dry-run")
    assert "would be 2,000 registered, 0 already as asked, 0 failed" in said
    assert list(registered(qs)) == [ACCOUNT]

    said = people("import", file)
    assert "2,000 registered, 0 already as asked, 0 failed" in said and "\r" not in said
    users = registered(qs)
    assert len(users) == 2001
    assert users["user-00001"]["Role"] == "AUTHOR" and not users["user-00001"]["Active"]
    assert users["Bi/session-10"]["IdentityType"] == "IAM" and users["Bi/session-10"]["Active"]
    members = qs.list_group_memberships(**ME, GroupName="staff")["GroupMemberList"]
    assert len(members) == 20
    rows = results(tmp_path / "team.csv.results.csv")
    assert [int(r["line"]) for r in rows] == list(range(2, 2002))
    assert all(r["outcome"] == "REGISTERED" for r in rows)
    links = [r["invitation_url"] for r in rows if r["invitation_url"]]
    assert len(links) == len(set(links)) == 1800

    assert "2,000 lines were done before" in people("import", file)
    report = json.loads(people("report", "-json", "-role", "author", "-name", "user-0000"))
    assert [p["UserName"] for p in report] == [f"user-{i:05}" for i in (1, 3, 5, 7, 9)]
    assert "TOTAL   2001" in people("seats")

    people("deactivate", "Bi/session-10")
    assert not qs.describe_user(**ME, UserName="Bi/session-10")["User"]["Active"]
    people("reactivate", "Bi/session-10")
    assert qs.describe_user(**ME, UserName="Bi/session-10")["User"]["Active"]

    leavers = tmp_path / "leavers.csv"
    leavers.write_text("user_name\n" + "".join(f"{n}\n" for n in users if n != ACCOUNT))
    assert "2,000 deleted, 0 already as asked, 0 failed" in people("remove", leavers)
    assert list(registered(qs)) == [ACCOUNT]
    refused(qs.describe_user, "ResourceNotFoundException", 404, **ME, UserName="user-00001")


def test_all_or_nothing(qs, people, tmp_path):
    qs.create_group(**ME, GroupName="staff")
    file = team(tmp_path / "team.csv", 300)
    with file.open("a") as f:
        f.write("last,l@example.org,READER,nosuchgroup,,\n")
    said = people("import", file, "-all-or-nothing", status=1)
    assert "line 302 (last): ResourceNotFoundException" in said and "300 left undone because of these" in said
    assert list(registered(qs)) == [ACCOUNT]
    file.write_text(file.read_text().replace("nosuchgroup", "staff"))
    assert "301 registered" in people("import", file, "-all-or-nothing")
    assert len(registered(qs)) == 302


@pytest.mark.parametrize("victim", ["server", "client"])
def test_kill(server, qs, tmp_path, victim):
    """kill -9 of either in the middle; the same command again finishes, and each native user has a good invitation."""
    qs.create_group(**ME, GroupName="staff")
    file, n = team(tmp_path / "team.csv", 20000), 20000
    command = [str(BINARY), "people", "import", str(file), "-account", ACCOUNT]
    running = subprocess.Popen(command, env=server.shell(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline = time.monotonic() + 30
    while not qs.list_users(**ME, MaxResults=1).get("NextToken") and time.monotonic() < deadline:
        pass
    if victim == "client":
        running.kill()
        running.wait(timeout=10)
    else:
        server.kill()
        server.start()  # within the time in which the command tries again
        running.wait(timeout=120)
    again = subprocess.run(command, env=server.shell(), capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0, again.stdout + again.stderr
    rows = results(tmp_path / "team.csv.results.csv")
    assert len(rows) == n and {r["outcome"] for r in rows} <= {"REGISTERED", "UNCHANGED"}
    without = [r["user_name"] for r in rows if not r["invitation_url"] and not r["user_name"].startswith("Bi/")]
    assert not without, f"{len(without)} native users without an invitation, such as {without[:3]}"
    assert len(registered(qs)) == n + 1
