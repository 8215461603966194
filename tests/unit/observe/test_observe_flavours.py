"""Backends: each is recognised by what only it tells, gets only what it accepts, and is asked only what it has."""

import json

import pytest

from microglia.observe.flavours import FLAVOURS, TENANTS, by_host, by_pages
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.session import Access
from microglia.settings import Settings

GO = {"version": "", "revision": "unknown", "goVersion": "go1.26"}
KEPT = {"storageRetention": "15d"}
HOSTNAME = {"X-Server-Hostname": "vm-0"}


@pytest.mark.parametrize(
    ("pages", "headers", "name"),
    [
        ({"status/buildinfo": GO, "status/runtimeinfo": KEPT}, {}, "prometheus"),
        ({"status/buildinfo": GO, "status/runtimeinfo": KEPT, "stores": {"sidecar": []}}, {}, "thanos"),
        ({"status/buildinfo": {"application": "Grafana Mimir", "version": "2.17.0"}}, {}, "mimir"),
        ({"status/buildinfo": {"application": "Grafana Enterprise Metrics", "goVersion": "go1"}}, {}, "mimir"),
        ({"status/buildinfo": {"version": "2.24.0"}}, HOSTNAME, "victoriametrics"),
        ({"status/buildinfo": {"version": "2.24.0"}}, {}, "unknown"),
        ({"status/buildinfo": GO}, HOSTNAME, "unknown"),
        ({"status/buildinfo": {"application": "Cortex", "goVersion": "go1"}, "stores": {"a": []}}, {}, "unknown"),
        ({}, {}, "unknown"),
    ],
)  # fmt: skip
def test_a_backend_is_recognised_only_where_that_is_certain(pages, headers, name):
    """What others tell as well is no proof: then it stays unknown."""
    assert by_pages(lambda path: pages.get(path, {}), lambda: headers).flavour.name == name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://monitoring.googleapis.com/v1/projects/p/location/global/prometheus", "google"),
        ("https://aps-workspaces.eu-west-1.amazonaws.com/workspaces/ws-1", "amazon"),
        ("https://prometheus-prod-01-eu-west-0.grafana.net/api/prom", "mimir"),
        ("http://prometheus.monitoring:9090", None),
        ("https://monitoring.googleapis.com.evil.example/", None),
    ],
)
def test_managed_backends_are_known_by_their_address(url, name):
    """Nobody else has these hosts, and nothing needs to be asked."""
    found = by_host(url)
    assert (found.flavour.name if found else None) == name


def asked_with(stub, flavour):
    """The form of one query to ``stub``, without what each query has."""
    PrometheusServer(stub.url, Access(pause=0), flavour=flavour).query("up", 1000)
    form = stub.requests[-1][2]
    return {name: value[0] for name, value in form.items() if name not in {"query", "time", "timeout"}}


@pytest.mark.parametrize(
    ("flavour", "params"),
    [
        ("unknown", {}),
        ("prometheus", {"stats": "true"}),
        ("thanos", {"partial_response": "false", "dedup": "true", "max_source_resolution": "0s"}),
        ("mimir", {}),
        ("victoriametrics", {"deny_partial_response": "1", "nocache": "1"}),
        ("google", {}),
        ("amazon", {}),
    ],
)
def test_nobody_gets_a_parameter_that_it_may_refuse(stub, flavour, params):
    """An unknown backend gets none at all."""
    assert asked_with(stub, flavour) == params


def test_a_range_gets_the_same_parameters(stub):
    """A store that is away is as bad for a range."""
    stub.modes = ["matrix"]
    PrometheusServer(stub.url, Access(pause=0), flavour="thanos").query_range("up", 0, 60, 60)
    assert stub.requests[-1][2]["partial_response"] == ["false"]


def page(data):
    """A status page."""
    return 200, {"Content-Type": "application/json"}, json.dumps({"status": "success", "data": data}).encode()


def test_a_backend_is_asked_once_what_it_is(stub):
    """The first query finds it out, the second one knows."""
    stub.pages = {"/api/v1/status/buildinfo": page(GO), "/api/v1/stores": page({"sidecar": []})}
    server = PrometheusServer(stub.url, Access(pause=0), flavour="auto")
    server.query("up", 1000)
    server.query("up", 1000)
    assert [path.rpartition("/")[2] for _, path, *_ in stub.requests] == ["buildinfo", "stores", "query", "query"]
    assert stub.requests[-1][2]["partial_response"] == ["false"]
    assert server.recognised().by == "its list of stores"


def test_a_backend_that_did_not_answer_is_asked_again(stub):
    """What could not be found out is not taken for an answer."""
    stub.pages = {"/api/v1/status/buildinfo": (500, {}, b"oops")}
    server = PrometheusServer(stub.url, Access(pause=0), flavour="auto")
    assert server.recognised().flavour.name == "unknown"
    status, _, body = page({"version": "2.24.0"})
    stub.pages = {"/api/v1/status/buildinfo": (status, HOSTNAME, body)}
    assert server.recognised().flavour.name == "victoriametrics"


def test_pages_that_a_backend_does_not_have_are_not_asked_for(stub):
    """Its build information is made up for others, and its retention is not that of its stores."""
    server = PrometheusServer(stub.url, Access(pause=0), flavour="victoriametrics")
    assert (server.status("buildinfo"), server.status("flags"), stub.requests) == ({}, {}, [])


def test_what_is_set_is_not_doubted(stub):
    """A person who names the backend knows better than a guess."""
    server = PrometheusServer(stub.url, Access(pause=0), flavour="google")
    assert (server.recognised().flavour.name, server.recognised().by, stub.requests) == ("google", "the settings", [])


def test_every_backend_can_be_set():
    """The setting knows them all, and so do tenants."""
    for name in FLAVOURS:
        assert Settings(flavour=name).flavour == name
    assert {"x-scope-orgid", "thanos-tenant"} <= TENANTS
