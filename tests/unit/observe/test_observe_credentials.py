"""Ways to be let in: each reaches the server, works after a rotation, and is never printed."""

import sys
from base64 import b64encode
from types import ModuleType, SimpleNamespace

import pytest
import requests

from microglia.observe.credentials import Basic, Bearer, MissingExtraError, Signature, password_in
from microglia.observe.prometheus import PrometheusServer, SilentError
from microglia.observe.session import Access


def sent(stub, auth, count=1):
    """The Authorization headers of ``count`` queries."""
    server = PrometheusServer(stub.url, Access(pause=0, auth=auth))
    for _ in range(count):
        server.query("up", 1000)
    return [headers["Authorization"] for *_, headers in stub.requests]


def test_a_bearer_token_of_the_environment(stub):
    """It is sent as it is."""
    assert sent(stub, Bearer("t0ken")) == ["Bearer t0ken"]


def test_a_password_is_read_at_every_request(stub, tmp_path):
    """A rotated password works at once; it may hold anything that UTF-8 holds."""
    file = tmp_path / "password"
    file.write_text("ä:1\n", encoding="utf-8")
    auth = Basic("ann", password_in(file))
    server = PrometheusServer(stub.url, Access(pause=0, auth=auth))
    server.query("up", 1000)
    file.write_text("two", encoding="utf-8")
    server.query("up", 1000)
    found = [headers["Authorization"] for *_, headers in stub.requests]
    assert found == [f"Basic {b64encode(pair.encode()).decode()}" for pair in ("ann:ä:1", "ann:two")]


def test_secrets_are_not_printed():
    """Neither the way in nor what holds it shows them."""
    access = Access(auth=Basic("ann", lambda: "s3cret"))
    assert "s3cret" not in f"{access!r} {access.auth!r} {Bearer('s3cret')!r}"


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch):
    """A normal install cannot sign, and says what to install."""
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'microglia\[aws\]'"):
        Signature("eu-west-1")


class Signed:
    """Stands in for botocore: one request that signs what it is given."""

    credentials: object = SimpleNamespace(get_frozen_credentials=lambda: "frozen")

    def __init__(self, method, url, data, headers):
        self.method, self.url, self.data, self.headers = method, url, data, dict(headers)

    @classmethod
    def signer(cls, credentials, service, region):
        """What signs."""

        def add(request):
            request.headers["Authorization"] = f"{credentials} {service} {region} {request.method} {len(request.data)}"
            request.headers["X-Amz-Date"] = "now"

        return SimpleNamespace(add_auth=add)


@pytest.fixture
def botocore(monkeypatch):
    """The parts of botocore that are used."""
    parts = {
        "auth": {"SigV4Auth": Signed.signer},
        "awsrequest": {"AWSRequest": Signed},
        "session": {"Session": lambda: SimpleNamespace(get_credentials=lambda: Signed.credentials)},
    }
    monkeypatch.setitem(sys.modules, "botocore", ModuleType("botocore"))
    for name, content in parts.items():
        module = ModuleType(f"botocore.{name}")
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, f"botocore.{name}", module)


def test_requests_are_signed_with_their_body(stub, botocore):
    """Method, body, service and region are in the signature; the server gets its header and the date."""
    assert sent(stub, Signature("eu-west-1")) == [
        f"frozen aps eu-west-1 POST {len('query=up&time=1000.000&timeout=55s')}"
    ]
    assert stub.requests[0][3]["X-Amz-Date"] == "now"


def test_headers_that_proxies_change_are_not_signed(botocore):
    """Only what arrives as it was sent may be part of the signature."""
    request = requests.Request("POST", "https://aps/api", data={"query": "up"}, headers={"X-Scope-OrgID": "a"})
    seen = []
    auth = Signature("eu-west-1")
    auth._request = lambda method, url, data, headers: seen.append(headers) or Signed(method, url, data, headers)
    auth(request.prepare())
    assert seen == [{"Content-Type": "application/x-www-form-urlencoded"}]


def test_no_credentials_are_an_error_with_the_way_out(stub, botocore, monkeypatch):
    """Nothing is sent unsigned."""
    monkeypatch.setattr(Signed, "credentials", None)
    with pytest.raises(SilentError, match=r"no AWS credentials were found.*AWS_PROFILE"):
        PrometheusServer(stub.url, Access(pause=0, auth=Signature("eu-west-1"))).query("up", 1000)
    assert stub.requests == []
