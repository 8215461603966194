"""Callers, hosts and servers as reporters name them."""

import numpy as np
import pytest

from microglia.model.activity import Edge
from microglia.observe.dialects.expressions import Spans
from microglia.observe.edges import edge_of, failed, fold_edges, larger, unserved
from microglia.observe.names import read_names
from microglia.observe.replies import Row
from microglia.observe.spots import hourly
from tests.factories import deployment, node, objects, pod, running, service, thing

SPOTS = hourly(0, 3, Spans(60, 10800))
SHARE = 3600 / 3660


def shop():
    services = [service("web", clusterIP="10.0.0.7"), service("none")]
    return objects(*running(deployment("web")), node("node-a", "a"), *services).kinds


NAMES = read_names(shop())
LABELS = {
    "what": "requests",
    "reporter": "source",
    "source_workload_namespace": "shop",
    "source_workload": "front",
    "destination_service": "web.shop.svc.cluster.local",
    "destination_service_name": "web",
    "destination_service_namespace": "shop",
    "destination_workload_namespace": "shop",
    "destination_workload": "web",
    "request_protocol": "http",
    "response_code": "200",
    "response_flags": "-",
}


def row(*values, **labels):
    return Row({**LABELS, **labels}, np.array([3600.0, 7200.0, 10800.0][: len(values)]), np.array(values, dtype=float))


def test_an_ordinary_call():
    """Client, FQDN, server and protocol."""
    assert edge_of(LABELS, NAMES) == Edge("shop/front", "web.shop.svc.cluster.local", "shop/web", "http")


@pytest.mark.parametrize(
    ("labels", "edge"),
    [
        ({"source_workload": "unknown", "source_workload_namespace": "unknown"}, ("unknown", None, "shop/web", "http")),
        (
            {
                "destination_service_name": "PassthroughCluster",
                "destination_service": "api.x.com",
                "destination_workload": "unknown",
            },
            (None, "PassthroughCluster", "", "http"),
        ),
        (
            {"destination_service_name": "InboundPassthroughClusterIpv4"},
            (None, "InboundPassthroughCluster", "shop/web", "http"),
        ),
        (
            {"destination_service_name": "BlackHoleCluster", "destination_workload": ""},
            (None, "BlackHoleCluster", "", "http"),
        ),
        ({"destination_service": "web:8080"}, (None, None, "shop/web", "http")),
        ({"destination_service": "WEB.shop"}, (None, None, "shop/web", "http")),
        ({"destination_service": "web.shop.svc:80"}, (None, None, "shop/web", "http")),
        ({"destination_service": "10.0.0.7:80"}, (None, None, "shop/web", "http")),
        ({"destination_service": "10.9.9.9:80"}, (None, "10.9.9.9", "shop/web", "http")),
        ({"destination_service": "api.example.com"}, (None, "api.example.com", "shop/web", "http")),
        ({"destination_service": "web", "destination_service_namespace": "unknown"}, (None, None, "shop/web", "http")),
        ({"destination_service": "unknown"}, (None, "unknown", "shop/web", "http")),
        ({"destination_workload": "unknown"}, (None, None, "shop/web", "http")),
        ({"destination_workload": "unknown", "response_flags": "UH"}, (None, None, "", "http")),
        ({"response_flags": "UF,URX"}, (None, None, "", "http")),
        ({"request_protocol": "grpc"}, (None, None, "shop/web", "grpc")),
        ({"what": "connections"}, (None, None, "shop/web", "tcp")),
        ({"what": "sent", "request_protocol": ""}, (None, None, "shop/web", "tcp")),
        ({"request_protocol": ""}, (None, None, "shop/web", "http")),
    ],
)
def test_what_reporters_say_otherwise(labels, edge):
    """Unknown peers, pseudo destinations, Host headers and calls that reached nobody."""
    usual = ("shop/front", "web.shop.svc.cluster.local", "shop/web", "http")
    assert edge_of({**LABELS, **labels}, NAMES) == Edge(
        *(a if a is not None else b for a, b in zip(edge, usual, strict=True))
    )


@pytest.mark.parametrize(
    ("labels", "bad"),
    [
        ({"response_code": "200"}, False),
        ({"response_code": "503"}, True),
        ({"response_code": "0"}, True),
        ({"response_code": "404"}, False),
        ({"grpc_response_status": "14"}, True),
        ({"grpc_response_status": "5"}, False),
    ],
)
def test_failures(labels, bad):
    """5xx, no response and gRPC statuses that blame the server are failures; the client's mistakes are not."""
    assert failed(labels) is bad


def test_unserved():
    """No healthy upstream, no connection, no route, no cluster; a client that went away was served."""
    assert [flag for flag in ("UH", "UF", "NR", "NC", "DC", "-", "UF,URX") if unserved({"response_flags": flag})] == [
        "UH",
        "UF",
        "NR",
        "NC",
        "UF,URX",
    ]


def test_the_larger_reporter_counts_hour_by_hour():
    """Both sidecars count the same call: never the sum, and each hour the one that saw more."""
    found = fold_edges([row(366, 0, 366), row(183, 732, 183, reporter="destination")], NAMES, SPOTS)
    edge = edge_of(LABELS, NAMES)
    assert found.totals[edge].tolist() == pytest.approx([360, 720, 360])
    assert found.requests["shop/web"].tolist() == pytest.approx([360, 720, 360])
    assert found.sent["shop/front"].tolist() == pytest.approx([360, 720, 360])
    assert found.served["shop/web"].tolist() == pytest.approx([180, 720, 180])


def test_two_services_before_the_same_pods():
    """When the reporters name different Services for the same call, the workload is not charged twice."""
    other = {"destination_service": "none.shop.svc.cluster.local", "destination_service_name": "none"}
    found = fold_edges([row(366), row(366, reporter="destination", **other)], NAMES, SPOTS)
    assert found.requests["shop/web"].tolist() == pytest.approx([360, 0, 0])
    assert len(found.totals) == 2


def test_codes_add_up_and_failures_are_told():
    """Replies of all codes are calls; the failed ones are counted beside."""
    found = fold_edges([row(366), row(36.6, response_code="503")], NAMES, SPOTS)
    edge = edge_of(LABELS, NAMES)
    assert found.totals[edge][0] == pytest.approx(396)
    assert found.failed[edge][0] == pytest.approx(36)
    assert found.failures["shop/web"][0] == pytest.approx(36)


def test_calls_that_reached_nobody():
    """They are the client's calls and the host's loss, and nobody's requests."""
    found = fold_edges(
        [row(366, destination_workload="unknown", response_flags="UH", response_code="503")], NAMES, SPOTS
    )
    assert found.unserved["web.shop.svc.cluster.local"][0] == pytest.approx(360)
    assert found.sent["shop/front"][0] == pytest.approx(360)
    assert found.requests == {}


def test_connections_are_no_requests():
    """TCP connections are counted on their edge only."""
    found = fold_edges([row(61, what="connections")], NAMES, SPOTS)
    assert found.totals[Edge("shop/front", "web.shop.svc.cluster.local", "shop/web", "tcp")][0] == pytest.approx(60)
    assert (found.requests, found.sent) == ({}, {})


def test_strangers_send_nothing_of_ours():
    """Calls of an unknown client reach the server, and are nobody's outbound."""
    found = fold_edges([row(61, source_workload="unknown", reporter="destination")], NAMES, SPOTS)
    assert found.requests["shop/web"][0] == pytest.approx(60)
    assert found.sent == {}


MESH = {"reporter": "mesh requests", "request_protocol": ""}
"""A reporter that does not tell protocols."""
GRPC = {"request_protocol": "grpc"}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([row(366, **GRPC), row(366, **MESH)], {"grpc": [360, 0, 0]}),
        ([row(366, **GRPC), row(732, 61, **MESH)], {"grpc": [720, 60, 0]}),
        ([row(366, **GRPC), row(183), row(549, 61, **MESH)], {"http": [180, 60, 0], "grpc": [360, 0, 0]}),
        ([row(366, **GRPC), row(183), row(732, **MESH)], {"http": [360, 0, 0], "grpc": [360, 0, 0]}),
        ([row(366, **GRPC), row(183), row(61, **MESH)], {"http": [180, 0, 0], "grpc": [360, 0, 0]}),
        ([row(366, **GRPC), row(61, **{**MESH, "reporter": "source"})], {"grpc": [420, 0, 0]}),
        ([row(366, **MESH)], {"http": [360, 0, 0]}),
    ],
)
def test_calls_whose_protocol_only_one_reporter_tells(rows, told):
    """What came without protocol is compared with all that others told of the same calls, and never added to it;
    what one reporter told with and without adds up."""
    edge = edge_of(LABELS, NAMES)
    found = fold_edges(rows, NAMES, SPOTS)
    assert {key.protocol for key in found.totals} == set(told)
    for key, counts in found.totals.items():
        assert counts.tolist() == pytest.approx(told[key.protocol])
    assert {(key.client, key.host, key.server) for key in found.totals} == {(edge.client, edge.host, edge.server)}
    whole = np.sum(list(found.totals.values()), axis=0)
    assert found.requests["shop/web"].tolist() == pytest.approx(whole.tolist())
    assert found.sent["shop/front"].tolist() == pytest.approx(whole.tolist())


def test_failures_whose_protocol_only_one_reporter_tells():
    """They are told of the same edge as the calls."""
    rows = [row(366, **GRPC), row(366, **MESH), row(36.6, response_code="503", **MESH)]
    found = fold_edges(rows, NAMES, SPOTS)
    assert {key.protocol: counts[0] for key, counts in found.failed.items()} == pytest.approx({"grpc": 36})
    assert found.failures["shop/web"][0] == pytest.approx(36)


def test_connections_stay_beside_calls():
    """A reporter of connections is nobody's second opinion on requests."""
    found = fold_edges([row(366, **GRPC), row(61, what="connections", **MESH)], NAMES, SPOTS)
    assert {key.protocol: counts[0] for key, counts in found.totals.items()} == pytest.approx({"grpc": 360, "tcp": 60})


def test_first_values_are_counts():
    """What a series showed at its birth is not scaled."""
    assert fold_edges([row(5, what="births")], NAMES, SPOTS).requests["shop/web"].tolist() == [5, 0, 0]


def test_pods_find_their_workloads():
    """By object, by controller, by the controller's name, and only then by their own name."""
    job = thing(
        "Job",
        "report-28900000",
        metadata={"ownerReferences": [{"kind": "CronJob", "name": "report", "controller": True}]},
    )
    hidden = pod("api-5d4f-1", owner=("ReplicaSet", "api-5d4f"), labels={"pod-template-hash": "5d4f"})
    bare = pod("alone")
    more = {"Job": [job], "StatefulSet": [thing("StatefulSet", "db")]}
    names = read_names({**shop(), **more, "Pod": [*shop()["Pod"], hidden, bare]})

    def who(pod, **more):
        return names.workload({"namespace": "shop", "pod": pod, **more})

    assert who("web-5d4f-0") == "shop/web"
    assert who("api-5d4f-1") == "shop/api"
    assert who("alone") == "shop/alone"
    assert who("x", created_by_kind="Job", created_by_name="report-28900000") == "shop/report"
    assert who("x", created_by_kind="Job", created_by_name="gone-28900001") == "shop/gone"
    assert who("x", created_by_kind="ReplicaSet", created_by_name="old-6c9f8d7b5c") == "shop/old"
    assert who("x", created_by_kind="StatefulSet", created_by_name="db") == "shop/db"
    assert who("web-6c9f8d7b5c-x2k9p") == "shop/web"
    assert who("db-0") == "shop/db"
    assert who("other-6c9f8d7b5c-x2k9p", created_by_name="<none>") == "shop/other"
    assert who("") == ""


def test_an_hour_turns_between_two_scrapes():
    """What one reporter saw just before the hour and the other just after it counts once."""
    before, after = np.array([1200.0, 0.0, 0.0]), np.array([0.0, 1200.0, 0.0])
    assert larger(before, after).tolist() == [1200, 0, 0]
    assert larger(np.array([100.0, 900.0]), np.array([400.0, 300.0])).tolist() == [400, 900]
    assert larger(np.array([100.0]), np.array([400.0])).tolist() == [400]


def test_a_node_of_unknown_age():
    """A node that does not say since when it exists has no known age, and is never called away."""
    bare = {"metadata": {"name": "n"}}
    assert np.isnan(read_names({"Node": [bare]}).since["n"])


def test_hosts_that_no_service_has():
    """Names that lead to no Service stay what the reporter said."""
    for host in ("a.b.c.d", "gone", "gone.shop"):
        assert NAMES.host({**LABELS, "destination_service": host}) == host
