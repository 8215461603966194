"""Finding Prometheus."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from microglia.cli import diagnosis
from microglia.cli.errors import MistakeError
from microglia.cli.metrics import Unasked, header, metric_names, prometheus
from microglia.model.ports import ClusterFacts, UnreadableError
from microglia.model.window import Window
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
