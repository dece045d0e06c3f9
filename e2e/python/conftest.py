import pytest
from botocore.exceptions import ClientError

import server as onsight


@pytest.fixture
def start(tmp_path):
    """Starts servers; all of them are gone when the test is over."""
    running = []

    def start(*flags, data=tmp_path / "data", **settings):
        running.append(onsight.Server(data, *flags, **settings).start())
        return running[-1]

    yield start
    for s in running:
        s.kill()


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def bare(server):
    """A client of an account that has no subscription."""
    return server.client()


@pytest.fixture
def qs(bare):
    """A client of a subscribed account."""
    onsight.subscribe(bare)
    return bare


class Refused:
    """What a client sees of a refusal."""

    def __init__(self, error):
        self.error = error
        self.response = error.response
        self.code = error.response["Error"]["Code"]
        self.message = error.response["Error"]["Message"]
        self.status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        self.type = type(error).__name__


@pytest.fixture
def refused():
    """Makes a call that must fail, and gives what the client saw of it."""

    def refused(call, *code, **arguments):
        with pytest.raises(ClientError) as caught:
            call(**arguments)
        r = Refused(caught.value)
        meta = r.response["ResponseMetadata"]
        assert meta.get("RequestId"), "an error without a request id"
        if code:
            assert (r.code, r.status) == code, f"{r.code} {r.status}: {r.message}"
        return r

    return refused
