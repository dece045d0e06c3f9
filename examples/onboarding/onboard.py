#!/usr/bin/env python3
"""Registers everybody in a CSV file with Onsight, with an unmodified boto3 client.

It can be run again at any time: who is there already is compared with the
file, and changed where e-mail or role differ. See README.md.
"""

import argparse
import concurrent.futures
import csv
import dataclasses
import os
import pathlib
import re
import sys
import tempfile
import threading
import time

import boto3
import botocore.config
from botocore.exceptions import BotoCoreError, ClientError

HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = ["full_name", "email", "role", "team", "identity_type", "user_name", "iam_arn", "session_name"]
ROLES = ["READER", "READER_PRO", "AUTHOR", "AUTHOR_PRO", "ADMIN", "ADMIN_PRO"]
INVITATION_COLUMNS = ["user_name", "email", "role", "invitation_url"]


class Problem(Exception):
    """Something that the person at the keyboard can put right; the message says how."""


@dataclasses.dataclass(frozen=True)
class Person:
    line: int
    full_name: str
    email: str
    role: str
    team: str
    identity_type: str
    user_name: str
    iam_arn: str
    session_name: str

    @property
    def registered_name(self):
        """The user name that the service forms."""
        if self.identity_type == "QUICKSIGHT":
            return self.user_name
        name = self.iam_arn.rsplit("/", 1)[-1]
        return f"{name}/{self.session_name}" if self.session_name else name

    def registration(self):
        request = {"IdentityType": self.identity_type, "Email": self.email, "UserRole": self.role}
        if self.user_name:
            request["UserName"] = self.user_name
        if self.iam_arn:
            request["IamArn"] = self.iam_arn
        if self.session_name:
            request["SessionName"] = self.session_name
        request["Tags"] = [{"Key": "full-name", "Value": self.full_name}, {"Key": "team", "Value": self.team}]
        return request


def read_people(path, account):
    """Reads and checks the whole file before anything is sent."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as f:
            reader = csv.DictReader(f)
            missing = [c for c in COLUMNS if c not in (reader.fieldnames or [])]
            if missing:
                raise Problem(f"{path}: the first line must name the columns {', '.join(COLUMNS)}; missing: {', '.join(missing)}")
            people = [
                Person(line=reader.line_num, **{c: (row[c] or "").strip().replace("{account}", account) for c in COLUMNS})
                for row in reader
            ]
    except OSError as e:
        raise Problem(f"{path}: {e.strerror}") from e
    except (csv.Error, UnicodeDecodeError) as e:
        raise Problem(f"{path}: this is not a CSV file in UTF-8: {e}") from e
    wrong = [f"{path}:{p.line}: {what}" for p in people for what in faults_of(p)]
    lines = {}
    for p in people:
        if p.registered_name in lines:
            wrong.append(f"{path}:{p.line}: {p.registered_name} is in line {lines[p.registered_name]} already")
        lines.setdefault(p.registered_name, p.line)
    if wrong:
        raise Problem("\n".join(wrong[:20] + ([f"... and {len(wrong) - 20} more"] if len(wrong) > 20 else [])))
    if not people:
        raise Problem(f"{path}: there is nobody in it")
    return people


def faults_of(p):
    if not p.email:
        yield "email is empty"
    if p.role not in ROLES:
        yield f"role is {p.role!r}; it must be one of {', '.join(ROLES)}"
    if p.identity_type == "QUICKSIGHT":
        if not p.user_name:
            yield "user_name is empty; who signs in with a password needs one"
        if p.iam_arn or p.session_name:
            yield "iam_arn and session_name are for identity_type IAM only"
    elif p.identity_type == "IAM":
        if p.user_name:
            yield "user_name must be empty for identity_type IAM; the name comes from iam_arn and session_name"
        kind = re.fullmatch(r"arn:[\w-]+:iam::\d{12}:(user|role)/.+", p.iam_arn)
        if not kind:
            yield f"iam_arn {p.iam_arn!r} is not the ARN of an IAM user or role"
        elif (kind[1] == "role") != bool(p.session_name):
            yield "session_name is required for a role, and must be empty for a user"
    else:
        yield f"identity_type is {p.identity_type!r}; it must be QUICKSIGHT or IAM"


class Invitations:
    """The file with the links. Each is written the moment it is received: it is
    given once, at registration, and is as good as a password until it is used."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.lock = threading.Lock()
        self.new = 0
        self.gone = set()

    def open(self):
        """Finds out before the first registration whether it can be written."""
        try:
            fd = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            os.fchmod(fd, 0o600)
            empty = os.fstat(fd).st_size == 0
            self.file = os.fdopen(fd, "a", newline="", encoding="utf-8")
        except OSError as e:
            raise Problem(f"{self.path}: {e.strerror}; the invitations must be kept somewhere") from e
        self.writer = csv.writer(self.file, lineterminator="\n")
        if empty:
            self.write(INVITATION_COLUMNS)

    def write(self, row):
        self.writer.writerow(row)
        self.file.flush()

    def add(self, user, url):
        with self.lock:
            self.write([user["UserName"], user["Email"], user["Role"], url])
            self.new += 1

    def drop(self, name):
        with self.lock:
            self.gone.add(name)

    def close(self):
        """Leaves one line for each user, the newest, none for who is gone, and no file without lines."""
        self.file.close()
        with open(self.path, newline="", encoding="utf-8") as f:
            latest = {row["user_name"]: row for row in csv.DictReader(f) if row["user_name"] not in self.gone}
        if not latest:
            self.path.unlink()
            return 0
        fd, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name)  # mode 0600
        with os.fdopen(fd, "w", newline="", encoding="utf-8") as f:
            writer = csv.DictWriter(f, INVITATION_COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(latest.values())
        os.replace(name, self.path)
        return len(latest)


class Onboarding:
    def __init__(self, client, args, out=print):
        self.client = client
        self.args = args
        self.home = {"AwsAccountId": args.account, "Namespace": args.namespace}
        self.out = out

    def subscribe(self):
        """Subscribes the account if it is not, and waits until it is."""
        status = self.status()
        if status in (None, "UNSUBSCRIBED"):
            self.out(f"Account {self.args.account} has no subscription yet: subscribing it as {self.args.account_name!r}.")
            self.client.create_account_subscription(
                AwsAccountId=self.args.account, AccountName=self.args.account_name, Edition="ENTERPRISE",
                AuthenticationMethod="IAM_AND_QUICKSIGHT", NotificationEmail=self.args.notification_email,
            )
        deadline = time.monotonic() + self.args.wait
        while (status := self.status()) not in ("ACCOUNT_CREATED", "OK"):
            if status not in (None, "SIGNUP_ATTEMPT_IN_PROGRESS"):
                raise Problem(f"The subscription of account {self.args.account} is {status}.")
            if time.monotonic() > deadline:
                raise Problem(f"The subscription is still {status} after {self.args.wait} seconds. Run this again later.")
            time.sleep(0.2)
        self.out(f"Account {self.args.account} is subscribed.")

    def status(self):
        try:
            info = self.client.describe_account_subscription(AwsAccountId=self.args.account)["AccountInfo"]
        except self.client.exceptions.ResourceNotFoundException:
            return None
        return info["AccountSubscriptionStatus"]

    def users(self):
        pages = self.client.get_paginator("list_users").paginate(**self.home)
        return {u["UserName"]: u for page in pages for u in page["UserList"]}

    def register(self, person, existing, invitations):
        """Makes one person's registration as the file has it. Gives what was done."""
        if existing is None:
            try:
                answer = self.client.register_user(**self.home, **person.registration())
            except self.client.exceptions.ResourceExistsException:  # somebody else was quicker
                existing = self.client.describe_user(**self.home, UserName=person.registered_name)["User"]
            else:
                if url := answer.get("UserInvitationUrl"):
                    invitations.add(answer["User"], url)
                return "registered"
        if existing["IdentityType"] != person.identity_type:
            raise Problem(f"is registered as {existing['IdentityType']} already, not as {person.identity_type}")
        if (existing["Email"], existing["Role"]) == (person.email, person.role):
            return "unchanged"
        self.client.update_user(**self.home, UserName=person.registered_name, Email=person.email, Role=person.role)
        return "updated"

    def remove(self, person, invitations):
        try:
            self.client.delete_user(**self.home, UserName=person.registered_name)
        except self.client.exceptions.ResourceNotFoundException:
            return "was not there"
        finally:
            invitations.drop(person.registered_name)
        return "removed"

    def run(self, people):
        """Works through everybody. Gives what was done, with how many."""
        started = time.monotonic()
        invitations = Invitations(self.args.invitations)
        if self.args.remove:
            def work(person):
                return self.remove(person, invitations)
        else:
            self.subscribe()
            existing = self.users()

            def work(person):
                return self.register(person, existing.get(person.registered_name), invitations)

        invitations.open()
        counts, failures = {}, []
        pool = concurrent.futures.ThreadPoolExecutor(self.args.workers)
        try:
            for i, (person, (what, why)) in enumerate(zip(people, pool.map(lambda p: attempt(work, p), people)), 1):
                counts[what] = counts.get(what, 0) + 1
                if why:
                    failures.append((person, why))
                if why or not self.args.quiet:
                    self.out(progress(i, len(people), what, person) + (f": {why}" if why else ""))
        finally:
            # After Ctrl-C, what has not begun is left; what has is waited for, and its links are kept.
            pool.shutdown(cancel_futures=True)
            kept = invitations.close()
        self.summary(people, counts, failures, invitations, kept, time.monotonic() - started)
        return 1 if failures else 0

    def summary(self, people, counts, failures, invitations, kept, seconds):
        self.out("")
        self.out(f"{len(people)} people in {seconds:.1f} s: " + ", ".join(f"{n} {what}" for what, n in sorted(counts.items())) + ".")
        if kept and not self.args.remove:
            self.out(f"{invitations.new} new invitations; {kept} in {invitations.path}, which only you can read. Each link lets its holder in: hand them over with care.")
        if failures:
            self.out(f"\nNot done ({len(failures)}):")
            for person, why in failures:
                self.out(f"  line {person.line}, {person.registered_name}: {why}")


def progress(i, total, what, person):
    return f"[{i:{len(str(total))}}/{total}] {what:13} {person.role:10} {person.identity_type:10} {person.registered_name}"


def attempt(work, person):
    """One row must not stop the others."""
    try:
        return work(person), None
    except (Problem, ClientError, BotoCoreError) as e:
        return "FAILED", sentence(e)


def sentence(error):
    if isinstance(error, ClientError):
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message'].strip()}"
    return str(error)


def arguments(argv):
    p = argparse.ArgumentParser(
        description="Registers everybody in a CSV file with Onsight. Running it again changes what differs and nothing else.",
        epilog="The endpoint, the credentials and the region come from the environment, as `onsight serve` prints them. "
        "Exit status: 0 all done, 1 some rows failed, 2 nothing was done.",
    )
    p.add_argument("csv", nargs="?", default=HERE / "people.csv", type=pathlib.Path, metavar="CSV", help="who to register (default: people.csv beside this program)")
    p.add_argument("--account", default="111122223333", help="AWS account, 12 digits (default: %(default)s); it replaces {account} in the file")
    p.add_argument("--namespace", default="default", help="namespace of the users (default: %(default)s)")
    p.add_argument("--account-name", default="onsight-example", help="name of the subscription, if one is made (default: %(default)s)")
    p.add_argument("--notification-email", default="bi-desk@example.org", help="address for notices, if a subscription is made (default: %(default)s)")
    p.add_argument("--invitations", default="invitations.csv", type=pathlib.Path, metavar="FILE", help="where the invitation links go, mode 0600 (default: %(default)s)")
    p.add_argument("--endpoint-url", default=None, help="URL of the server (default: AWS_ENDPOINT_URL_QUICKSIGHT)")
    p.add_argument("--workers", default=8, type=int, metavar="N", help="calls at the same time (default: %(default)s)")
    p.add_argument("--wait", default=120, type=int, metavar="SECONDS", help="how long to wait for the subscription (default: %(default)s)")
    p.add_argument("--remove", action="store_true", help="remove everybody in the file instead; the subscription stays")
    p.add_argument("--quiet", action="store_true", help="print failures and the summary only")
    args = p.parse_args(argv)
    if not re.fullmatch(r"\d{12}", args.account):
        p.error(f"--account {args.account!r} is not an AWS account: it has 12 digits")
    if args.workers < 1:
        p.error("--workers must be at least 1")
    return args


def connect(args):
    """Makes the client. Without an endpoint it would be Amazon's, and subscribing there costs money."""
    environment = os.environ
    endpoint = args.endpoint_url or environment.get("AWS_ENDPOINT_URL_QUICKSIGHT") or environment.get("AWS_ENDPOINT_URL")
    if not endpoint:
        raise Problem("No server is named. Paste the lines that `onsight serve` prints into this shell, or give --endpoint-url.")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or boto3.Session().region_name
    if not region:
        raise Problem("No region is set. Paste the lines that `onsight serve` prints into this shell, or set AWS_REGION.")
    config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 3}, max_pool_connections=args.workers)
    return boto3.client("quicksight", endpoint_url=endpoint, region_name=region, config=config)


def main(argv=None):
    args = arguments(argv)
    sys.stdout.reconfigure(line_buffering=True)  # progress through a pipe too
    try:
        people = read_people(args.csv, args.account)
        return Onboarding(connect(args), args).run(people)
    except Problem as e:
        print(e, file=sys.stderr)
    except (ClientError, BotoCoreError) as e:
        print(sentence(e), file=sys.stderr)
    except BrokenPipeError:  # whoever read our output has stopped: there is nobody to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. What was registered stays; run it again to go on.", file=sys.stderr)
        return 130
    return 2


if __name__ == "__main__":
    sys.exit(main())
