"""Starts the real binary and makes clients for it, as a person at a shell would."""

import os
import pathlib
import queue
import signal
import socket
import subprocess
import threading
import time

import boto3
import botocore.config

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("ONSIGHT_BIN", ROOT / "bin" / "onsight"))
ACCOUNT = "111122223333"
REGION = "us-east-1"
KEY_ID = "AKIAONSIGHTE2EROOT00"
SECRET = "e2e/Root+Secret/that-nobody-else-knows00"
START_SECONDS = 20


class Server:
    """One `onsight serve` process on a loopback port of its own."""

    def __init__(self, data=None, *flags, account=ACCOUNT, region=REGION, env=None):
        self.data = data
        self.flags = flags
        self.account = account
        self.region = region
        self.env = {"ONSIGHT_ROOT_ACCESS_KEY_ID": KEY_ID, "ONSIGHT_ROOT_SECRET_ACCESS_KEY": SECRET} if env is None else env
        self.listen = "127.0.0.1:0"
        self.url = None
        self.process = None
        self.output = []
        self.log = []

    def command(self):
        args = [str(BINARY), "serve", "-listen", self.listen]
        if "-dev" not in self.flags:
            args += ["-account", self.account]
        args += ["-region", self.region]
        if self.data is not None:
            args += ["-data", str(self.data)]
        return args + list(self.flags)

    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ONSIGHT_", "AWS_"))}
        # The services of the tests' connectors are not there.
        return {"ONSIGHT_CHECK_CONNECTORS": "false"} | kept | self.env

    def start(self):
        self.process = subprocess.Popen(
            self.command(), env=self.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        ready = queue.Queue()
        self.output, self.log = [], []
        threading.Thread(target=self._read, args=(self.process.stdout, self.output, ready), daemon=True).start()
        threading.Thread(target=self._read, args=(self.process.stderr, self.log, None), daemon=True).start()
        try:
            self.url = ready.get(timeout=START_SECONDS)
        except queue.Empty:
            self.url = None
        if self.url is None:
            code = self.process.poll()
            self.kill()
            raise AssertionError(f"onsight did not start (exit status {code}):\n{''.join(self.output)}{''.join(self.log)}")
        self.listen = self.url.split("://", 1)[1]  # a restart comes back on the same port
        return self

    @staticmethod
    def _read(stream, lines, ready):
        for line in stream:
            lines.append(line)
            if ready is not None and line.startswith("onsight: ready on "):
                ready.put(line.removeprefix("onsight: ready on ").strip())
        if ready is not None:
            ready.put(None)

    def kill(self):
        """kill -9: the process has no chance to save anything."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait(timeout=10)

    def stop(self):
        """SIGTERM; gives the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def client(self, region=None, key=KEY_ID, secret=SECRET, attempts=1, **config):
        """An unmodified boto3 client. One attempt: a test wants to see the first answer."""
        return boto3.client(
            "quicksight",
            endpoint_url=self.url,
            region_name=region or self.region,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=botocore.config.Config(retries={"total_max_attempts": attempts}, max_pool_connections=32, **config),
        )

    def shell(self, **more):
        """The environment that the server tells people to paste into a shell."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ONSIGHT_", "AWS_"))}
        return kept | {
            "AWS_ENDPOINT_URL_QUICKSIGHT": self.url,
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
            "AWS_MAX_ATTEMPTS": "1",
        } | more

    def credentials_of(self, account):
        """Root credentials of one more account, made by the operator's command."""
        out = subprocess.run(
            [str(BINARY), "credentials", "-data", str(self.data), "-account", account, "-create"],
            env=self.environment(), capture_output=True, text=True, check=True,
        ).stdout
        words = dict(w.split("=", 1) for w in out.split() if w.startswith("AWS_"))
        return words["AWS_ACCESS_KEY_ID"], words["AWS_SECRET_ACCESS_KEY"]


def subscribe(client, account=ACCOUNT, **members):
    request = {
        "AwsAccountId": account,
        "AccountName": f"house-{account}",
        "AuthenticationMethod": "IAM_AND_QUICKSIGHT",
        "Edition": "ENTERPRISE",
        "NotificationEmail": "desk@example.org",
    } | members
    answer = client.create_account_subscription(**request)
    wait_for_status(client, "ACCOUNT_CREATED", account)
    return answer


def wait_for_status(client, wanted, account=ACCOUNT, seconds=20):
    """Polls as client programs do, and gives every status on the way."""
    seen = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        info = client.describe_account_subscription(AwsAccountId=account)["AccountInfo"]
        seen.append(info["AccountSubscriptionStatus"])
        assert info["AccountName"], "Terraform takes an account without a name for one that does not exist"
        if seen[-1] == wanted:
            return seen
        time.sleep(0.02)
    raise AssertionError(f"no {wanted} within {seconds} s; the statuses were {seen}")


def wait_until(check, seconds=20, what="it"):
    deadline = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
