"""Prometheus behind the API server: found by name, reached by the Service proxy."""

from types import SimpleNamespace

import pytest

from microglia.model.ports import UnreadableError
from microglia.observe.prometheus import PrometheusServer, SilentError
from microglia.observe.services import PROXIED, ProxyAdapter, common_prometheus
from microglia.observe.session import Access
from tests.factories import thing

BODY = b'{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "2"]}]}}'


def port(title, namespace, number=9090, **parts):
    return thing("Service", title, namespace, spec={"ports": [{"port": number, **parts}]})


def answer(status, body=BODY):
    return SimpleNamespace(
        status=status, headers={"content-type": "application/json", "content-encoding": "gzip"}, body=body
    )


class ApiServer:
    """Replies by verb."""

    def __init__(self, get=200, post=200):
        self.status = {"get": get, "post": post}
        self.asked = []

    def get(self, path, query=None):
        self.asked.append(("get", path, query))
        return answer(self.status["get"])

    def post(self, path, form):
        self.asked.append(("post", path, form))
        return answer(self.status["post"])


def test_the_likeliest_service_comes_first():
    """Known names before labels; node-exporter, alertmanager and Services without a Prometheus port are left out."""
    services = [
        thing("Service", "mine", "obs", labels={"app": "prometheus"}, spec={"ports": [{"port": 9090}]}),
        port("thanos-query", "monitoring", 10902),
        port("release-kube-prometheus-stack-prometheus", "monitoring"),
        port("prometheus-node-exporter", "monitoring", 9100),
        port("prometheus", "istio-system"),
        port("prometheus-alertmanager", "monitoring", 80),
        port("prometheus-server", "metrics", 1234),
    ]
    assert [(one.namespace, one.name) for one in common_prometheus(services)] == [
        ("istio-system", "prometheus"),
        ("monitoring", "release-kube-prometheus-stack-prometheus"),
        ("monitoring", "thanos-query"),
        ("obs", "mine"),
    ]


def test_paths_know_scheme_port_and_prefix():
    """The proxy path has the port's scheme, and the prefix under which some servers live."""
    plain, tls, prefixed = (
        common_prometheus([one])[0]
        for one in (
            port("prometheus", "m"),
            port("prometheus-k8s", "m", 9090, name="https"),
            port("vmselect", "m", 8481),
        )
    )
    assert plain.path == "/api/v1/namespaces/m/services/http:prometheus:9090/proxy"
    assert plain.title == "m/prometheus (through the API server)"
    assert tls.path == "/api/v1/namespaces/m/services/https:prometheus-k8s:9090/proxy"
    assert prefixed.path.endswith("/http:vmselect:8481/proxy/select/0/prometheus")


def test_a_query_goes_through_the_proxy():
    """The same client, the same query, as a form POST below the Service's path."""
    api = ApiServer()
    server = PrometheusServer(PROXIED, Access(pause=0), ProxyAdapter(api, "/svc/proxy"), "m/prometheus")
    assert server.query("up", 5).rows[0].values.tolist() == [2.0]
    verb, path, form = api.asked[0]
    assert (verb, path) == ("post", "/svc/proxy/api/v1/query")
    assert form["query"] == "up"
    assert server.title == "m/prometheus"


def test_who_may_only_get_still_asks():
    """Posting needs another permission: where it is refused, the query goes into the address, from then on at once."""
    api = ApiServer(post=403)
    server = PrometheusServer(PROXIED, Access(pause=0), ProxyAdapter(api, "/p"), "m")
    assert server.query("up", 5).complete
    assert server.query("up", 6).complete
    assert [verb for verb, _, _ in api.asked] == ["post", "get", "get"]
    assert api.asked[1][2]["query"] == "up"


def test_status_is_a_get():
    """Status pages are fetched below the same path."""
    api = ApiServer()
    server = PrometheusServer(PROXIED, Access(pause=0), ProxyAdapter(api, "/p"), "m")
    assert server.status("buildinfo")["resultType"] == "vector"
    assert api.asked == [("get", "/p/api/v1/status/buildinfo", {})]


def test_a_dead_api_server_is_silence():
    """When the API server does not answer, neither does what lies behind it: no further query is worth it."""
    api = ApiServer()
    api.post = lambda path, form: (_ for _ in ()).throw(UnreadableError("the API server of x does not answer"))
    with pytest.raises(SilentError, match="the API server of x does not answer"):
        PrometheusServer(PROXIED, Access(pause=0), ProxyAdapter(api, "/p"), "m").query("up", 5)


def test_no_right_to_the_proxy_says_which():
    """Without services/proxy the error has the API server's words and names the grant."""
    api = ApiServer(get=403, post=403)
    with pytest.raises(SilentError, match="grant get and create on services/proxy"):
        PrometheusServer(PROXIED, Access(pause=0), ProxyAdapter(api, "/p"), "m").query("up", 5)
