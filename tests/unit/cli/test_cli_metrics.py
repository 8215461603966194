"""Finding Prometheus."""

import sys
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from microglia.cli import diagnosis
from microglia.cli.errors import MistakeError
from microglia.cli.metrics import Unasked, _access, header, metric_names, pace, prometheus
from microglia.model.ports import ClusterFacts, UnreadableError
from microglia.model.window import Window
from microglia.observe.credentials import Basic, Bearer
from microglia.observe.guest import Pace
from microglia.settings import Settings
from tests.factories import NOW, service


class Services:
    """A cluster that has these Services, or may not list them."""

    def __init__(self, *raws, fault=""):
        self.raws, self.fault = raws, fault

    def objects(self, kind):
        """Services only."""
        assert kind.name == "Service"
        if self.fault:
            raise UnreadableError(self.fault)
        return self.raws


FOUND = service("prometheus-server", "monitoring", ports=[{"name": "http", "port": 80}])


def test_a_url_needs_no_cluster():
    """What a person names is taken as it is."""
    server = prometheus(Settings(prometheus="http://metrics:9090"), Services(fault="forbidden"))
    assert server.title == "http://metrics:9090"


def test_without_a_url_the_likeliest_service_is_asked_through_the_api_server():
    """The common Services are known by name and port."""
    other = service("shop", "shop")
    assert (
        prometheus(Settings(), Services(other, FOUND)).title == "monitoring/prometheus-server (through the API server)"
    )


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        (
            Services(service("shop", "shop")),
            "no Prometheus named, and no Service here looks like one. Set --prometheus",
        ),
        (Services(fault="cannot list services"), "no Prometheus named, and cannot list services. Set --prometheus"),
    ],
)
def test_where_there_is_none_the_option_is_named(cluster, message):
    """Nothing is guessed beyond the usual names."""
    with pytest.raises(MistakeError, match=message):
        prometheus(Settings(), cluster)


def test_headers_are_written_as_headers_are():
    """Name, colon, value; the value may hold colons."""
    assert header("Authorization: Basic a:b") == ("Authorization", "Basic a:b")
    for wrong in ("X-Scope-OrgID", ": value"):
        with pytest.raises(MistakeError, match="write 'Name: value'"):
            header(wrong)


class Names:
    """A server with two metrics."""

    def query(self, text, at):
        """The names with a sample."""
        assert at == NOW.timestamp()
        return SimpleNamespace(
            rows=[SimpleNamespace(labels={"__name__": name}) for name in ("up", "istio_requests_total")]
        )


def test_the_names_of_all_metrics_are_listed_for_doctor(run, live, monkeypatch):
    """When a mesh is not found, people look at what there is."""
    assert metric_names(Names(), NOW) == ["istio_requests_total", "up"]
    monkeypatch.setattr(diagnosis, "names_of_metrics", lambda server, now: metric_names(Names(), NOW))
    ended = run("doctor", "--metrics", "--prometheus", "http://metrics:9090")
    assert ended.out == "istio_requests_total\nup\n"


def test_who_only_gives_back_never_asks_for_metrics():
    """Should anything try, it is an error rather than an empty answer."""
    with pytest.raises(UnreadableError):
        Unasked().describe(ClusterFacts("u", "prod", "v1"), NOW)
    with pytest.raises(UnreadableError):
        Unasked().activity({}, Window.ending(NOW, timedelta(hours=1)), NOW)
    with pytest.raises(UnreadableError, match="nobody is to ask how slow 1 workloads were"):
        Unasked().slowness(["shop/web"], Window.ending(NOW, timedelta(hours=1)), NOW, 500)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"prometheus_token": "t"}, Bearer),
        ({"prometheus_user": "a", "prometheus_password": "p"}, Basic),
        ({"prometheus_user": "a", "prometheus_password_file": "p"}, Basic),
        ({}, type(None)),
    ],
)
def test_the_way_in_is_the_settings(given, kind):
    """Each way of the settings reaches the requests."""
    assert isinstance(_access(Settings(**given)).auth, kind)


def test_a_key_may_lie_apart_from_its_certificate():
    """Else one file has both."""
    cert, key = Path("c.pem"), Path("k.pem")
    assert _access(Settings(prometheus_cert=cert, prometheus_key=key)).cert == (cert, key)
    assert _access(Settings(prometheus_cert=cert)).cert == (cert, cert)


def test_signing_without_its_library_is_a_mistake_with_the_way_out(monkeypatch):
    """The person who asks for it is told what to install."""
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(MistakeError, match=r"pip install 'microglia\[aws\]'"):
        prometheus(Settings(prometheus="http://m", prometheus_aws_region="eu-west-1"), Services())


def test_the_backend_of_the_settings_is_not_asked():
    """What is named is believed, for a URL and for a Service alike."""
    settings = Settings(prometheus="http://m", flavour="thanos")
    assert prometheus(settings, Services()).recognised().flavour.name == "thanos"
    assert prometheus(Settings(flavour="google"), Services(FOUND)).recognised().flavour.name == "google"


def test_the_pace_is_the_settings():
    """Queries at a time, and samples per lap."""
    assert pace(Settings(prometheus_queries=1, prometheus_samples=7)) == Pace(1, 7)
