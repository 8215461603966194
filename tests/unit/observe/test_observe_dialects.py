"""Further sources of metrics: their files, the expressions made of them, and their rows under the usual labels."""

import re
from datetime import timedelta

import pytest

from microglia.model.ports import UnreadableError
from microglia.observe.dialects import mapping
from microglia.observe.dialects.expressions import Spans, filled
from microglia.observe.dialects.loading import DialectError, built_in, load, parse
from microglia.observe.dialects.making import expressions, present
from microglia.observe.names import read_names
from microglia.observe.replies import Reply
from microglia.observe.traffic import Asking, PrometheusTraffic
from tests.factories import deployment, nodes, objects, running, service
from tests.unit.observe.rows import row
from tests.unit.observe.test_observe_traffic import FACTS, NOW, OBJECTS, WINDOW, healthy, read

NAMES = read_names(objects(*running(deployment("web")), *nodes(), service("web"), service("api")).kinds)
OWN = b"""\
name: own
title: Our own proxy
class: persistent
heartbeat: own_up
limits: says who was used, not who was idle
counters:
  - what: requests
    metric: own_calls_total
    matchers: 'probe="no"'
    labels:
      destination_service_name:
        - {label: to}
"""


def dialect(name):
    return next(one for one in built_in() if one.name == name)


def test_what_is_built_in():
    """Every dialect that the documentation names comes along, in the order of names."""
    assert [one.name for one in built_in()] == [
        "beyla", "caretta", "cilium-dns", "cilium-hubble", "consul", "envoy-gateway", "haproxy", "ingress-nginx",
        "istio-ambient", "istio-envoy", "kuma", "linkerd", "obi", "service-graph", "traefik",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"class: persistent", b"class: lasting", "own.yaml:3:1 class: "),
        (b"metric: own_calls_total", b"metric: own-calls", "own.yaml:8:5 counters[0].metric: "),
        (b"'probe=\"no\"'", b"'probe=no'", "own.yaml:9:5 counters[0].matchers: "),
        (b"to}", b"to, match: 'a.*'}", "counters[0].labels.destination_service_name[0].match: "),
        (b"to}", b"to, match: '('}", "is no regular expression"),
        (b"to}", b"to, value: x}", "own.yaml:12:11 counters[0].labels.destination_service_name[0]: "),
        (b"      destination_service_name", b"      destination", "own.yaml:10:5 counters[0].labels: "),
        (b"      destination_service_name", b"      response_code", "names no callee"),
        (b"name: own\n", b"name: istio\n", "istio is always read by microglia itself"),
        (b"title: Our own proxy", b"title: [", "own.yaml:"),
        (OWN, b"", "holds 0 documents"),
    ],
)
def test_an_error_names_file_line_and_field(old, new, told):
    """What is wrong in a file is said where it stands."""
    with pytest.raises(DialectError, match=re.escape(told)):
        parse(OWN.replace(old, new, 1), "own.yaml")


def test_files_of_people(tmp_path):
    """A file or a folder of them joins what is built in, or replaces what has its name; twice is an error."""
    own = tmp_path / "own.yaml"
    own.write_bytes(OWN)
    assert {one.name for one in load([own])} == {*(one.name for one in built_in()), "own"}
    assert load([tmp_path]) == load([own])
    other = tmp_path / "other.yaml"
    other.write_bytes(OWN)
    with pytest.raises(DialectError, match="own is already defined in"):
        load([tmp_path])
    other.write_bytes(OWN.replace(b"name: own", b"name: traefik"))
    assert {one.name: one.title for one in load([other])}["traefik"] == "Our own proxy"
    with pytest.raises(DialectError, match="cannot be read"):
        load([tmp_path / "none.yaml"])


def test_signs_by_class():
    """Presence decides where series expire; elsewhere change and birth do, and a missed scrape where they stay."""
    texts = {name: filled(expressions(dialect(name))[0], Spans(60, 3600)) for name in ("linkerd", "traefik", "haproxy")}
    assert "count_over_time(request_total{" in texts["linkerd"]
    assert "changes(" not in texts["linkerd"]
    assert "changes(" in texts["traefik"]
    assert "sum_over_time(up{" in texts["traefik"]
    assert "changes(" in texts["haproxy"]
    assert texts["haproxy"].count("sum_over_time(up{") == texts["haproxy"].count("[3720s]) > 0)") == 2


def test_noise_is_left_out():
    """Linkerd's inbound series count Prometheus and the kubelet: their matchers keep both out."""
    text = filled(expressions(dialect("linkerd"))[0], Spans(60, 3600), 'cluster="x"')
    assert 'request_total{direction="inbound",target_port!="4191",route_name!="probe",cluster="x"}' in text


ROWS = [
    (
        "linkerd", 0,
        "namespace=shop deployment=front dst_namespace=shop dst_service=web dst_deployment=web",
        ("front", "web", "web"),
    ),
    (
        "linkerd", 3,
        "namespace=shop pod=web-5d4f8c9b7-abcde",
        ("unknown", "web", "web"),
    ),
    (
        "istio-ambient", 1,
        ("source_workload_namespace=shop source_workload=front destination_service_namespace=shop "
        "destination_service_name=web"),
        ("front", "web", "unknown"),
    ),
    (
        "cilium-hubble", 0,
        "source_namespace=shop source_workload=front destination_namespace=shop destination_workload=web",
        ("front", "web", "web"),
    ),
    (
        "cilium-hubble", 1,
        "source=shop/front destination=shop/web-5d4f8c9b7-abcde",
        ("front", "web", "web"),
    ),
    (
        "consul", 0,
        "namespace=shop pod=front-5d4f8c9b7-abcde consul_destination_service=web",
        ("front", "web", "unknown"),
    ),
    (
        "kuma", 0,
        "namespace=shop kuma_workload=front envoy_cluster_name=web_shop_svc_80",
        ("front", "web", "unknown"),
    ),
    *(
        (
            "kuma", 0,
            f"namespace=shop kuma_workload=front envoy_cluster_name={name}",
            ("front", "web", "unknown"),
        )
        for name in (
            "web_shop_svc", "web_shop_msvc_80", "default_web_shop_east_msvc_80", "default_web_shop__msvc_80",
            "kri_msvc_default_east_shop_web_http", "kri_msvc_default__shop_web_",
        )
    ),
    (
        "service-graph", 0,
        "client=user server=web",
        ("user", "web", "web"),
    ),
    (
        "beyla", 0,
        "k8s_src_namespace=shop k8s_src_owner_name=front k8s_dst_namespace=shop k8s_dst_owner_name=web",
        ("front", "web", "web"),
    ),
    (
        "obi", 1,
        "k8s_src_namespace=shop k8s_src_owner_name=front k8s_dst_namespace=shop k8s_dst_owner_name=web",
        ("front", "web", "unknown"),
    ),
    (
        "caretta", 1,
        "client_namespace=shop client_name=front server_namespace=shop server_name=web",
        ("front", "web", "unknown"),
    ),
    (
        "ingress-nginx", 0,
        ("namespace=edge service=metrics exported_namespace=shop exported_service=web "
        "controller_namespace=edge controller_pod=nginx-5d4f8c9b7-abcde"),
        ("nginx", "web", "unknown"),
    ),
    (
        "cilium-dns", 0,
        "source=shop/front-5d4f8c9b7-abcde query=web.shop.svc.cluster.local.",
        ("front", "web", "unknown"),
    ),
    (
        "traefik", 1,
        "namespace=edge pod=traefik-5d4f8c9b7-abcde service=shop-web-80@kubernetes",
        ("traefik", "web", "unknown"),
    ),
    (
        "traefik", 0,
        "namespace=edge pod=traefik-5d4f8c9b7-abcde exported_service=shop-web-http-web@kubernetes",
        ("traefik", "web", "unknown"),
    ),
    (
        "haproxy", 0,
        "namespace=edge pod=haproxy-5d4f8c9b7-abcde proxy=shop_svc_web_http",
        ("haproxy", "web", "unknown"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "arm", "labels", "told"), ROWS)
def test_who_called_whom(name, arm, labels, told):
    """A row of each dialect becomes a sign of the route to the Service that was meant."""
    told_of = dict(pair.split("=") for pair in labels.split())
    one = row([0], 1, arm=f"{name} {arm}", **told_of)
    found = [each.labels for each in mapping.signs([one], dialect(name), NAMES)]
    assert [
        (each["source_workload"], each["destination_service_name"], each["destination_workload"]) for each in found
    ] == [told]
    assert found[0]["destination_service_namespace"] == "shop"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("shop/web-payment-queue", "web-payment-queue"),
        ("shop/web-payment-queue-5d4f8c9b7-abcde", "web-payment-queue"),
        ("shop/web-5d4f8c9b7-abcde", "web"),
        ("shop/gone-5d4f8c9b7-abcde", "gone"),
        ("shop/gone", "gone"),
        ("shop/web-0", "web"),
        ("shop/web-abcde", "web"),
    ],
)
def test_a_name_that_ends_as_a_pods_does(written, meant):
    """A workload whose own name ends in what might be a pod's hashes is itself, and not another with a shorter name."""
    names = read_names(objects(*nodes(), *(deployment(name) for name in ("web", "web-payment-queue"))).kinds)
    one = row([0], 1, arm="cilium-hubble 0", source="shop/front", destination=written)
    (found,) = mapping.signs([one], dialect("cilium-hubble"), names)
    assert (found.labels["destination_workload_namespace"], found.labels["destination_workload"]) == ("shop", meant)


def test_a_workload_that_is_written_with_its_namespace():
    """It is taken apart; where no label has what a file looks for, its fixed value stands in."""
    labels = b"""\
      source_workload:
        - {label: who}
        - {label: from}
      destination_service_namespace:
        - {label: to, match: '[^.]+[.](.+)'}
        - {value: shop}
      destination_service_name:
"""
    own = parse(OWN.replace(b"      destination_service_name:\n", labels), "own.yaml")
    one = row([0], 1, arm="own 0", **{"from": "shop/web"}, who="else/where", to="api")
    (found,) = mapping.signs([one], own, NAMES)
    assert (found.labels["source_workload_namespace"], found.labels["source_workload"]) == ("shop", "web")
    assert found.labels["destination_service_namespace"] == "shop"


def test_what_no_ingress_asked_for():
    """ingress-nginx names neither Ingress nor Service there, and the Service that is scraped must not stand in."""
    for one in expressions(dialect("ingress-nginx")):
        assert 'nginx_ingress_controller_requests{ingress!="",cluster="x"}' in filled(
            one, Spans(60, 3600), 'cluster="x"'
        )


@pytest.mark.parametrize(
    ("arm", "labels", "host"),
    [
        (0, {"cluster_name": "PassthroughCluster"}, "PassthroughCluster"),
        (0, {"cluster_name": "BlackHoleCluster"}, "BlackHoleCluster"),
        (1, {"cluster_name": "PassthroughCluster"}, "PassthroughCluster"),
        (2, {"cluster_name": "BlackHoleCluster"}, "BlackHoleCluster"),
        (3, {"http_conn_manager_prefix": "outbound_0.0.0.0_8080"}, "BlackHoleCluster"),
    ],
)
def test_calls_to_hosts_that_a_proxy_does_not_know(arm, labels, host):
    """What Envoy counts of them is use by the client of a pseudo host, which nobody can attribute."""
    there = {"namespace": "shop", "pod": "front-5d4f8c9b7-abcde", **labels}
    sign = row([0], 1, arm=f"istio-envoy {arm}", **there)
    signs = {"signs istio-envoy": lambda times: [sign]}
    edges = read(healthy(dialects=lambda times: [row(times, 3, dialect="istio-envoy")], **signs)).edges
    used = {(key.client, key.host) for key, one in zip(edges.keys, edges.used, strict=True) if one}
    assert ("shop/front", host) in used
    assert ("shop/front", host) not in {(key.client, key.host) for key in read(healthy()).edges.keys}


def test_whom_a_name_may_mean():
    """A bare name that two namespaces know was used in both, and counts for neither."""
    two = read_names(objects(*nodes(), service("web"), service("web", namespace="other")).kinds)
    one = row([0], 1, arm="consul 0", consul_destination_service="web")
    found = mapping.signs([one], dialect("consul"), two)
    assert [each.labels["destination_service_namespace"] for each in found] == ["other", "shop"]
    assert mapping.volume([one], dialect("consul"), two) == []


LINK = {"arm": "linkerd 0", "namespace": "shop", "deployment": "front", "dst_namespace": "shop", "dst_service": "api"}


def two_meshes(**answers):
    return healthy(dialects=lambda times: [row(times, 3, dialect="linkerd")], **answers)


def test_use_that_any_saw_is_use():
    """A route that only the second mesh saw was used; who calls is the caller that it names."""
    signs = {"signs linkerd": lambda times: [row(times, 1, **LINK)]}
    found = read(two_meshes(**signs))
    host = "api.shop.svc.cluster.local"
    used = [
        key.client for key, used in zip(found.edges.keys, found.edges.used, strict=True) if used and key.host == host
    ]
    assert used == ["shop/front"]
    assert host not in {key.host for key in read(healthy()).edges.keys}


def test_one_more_reporter_of_the_same_calls():
    """The larger reporter counts, never the sum."""
    same = {**LINK, "dst_service": "web", "dst_deployment": "web"}
    for share, expected in ((0.5, 3600), (2, 7200)):
        volume = {"volume linkerd": lambda times, share=share: [row(times, 3720 * share, **same)]}
        found = read(two_meshes(**volume))
        requests = found.workloads.requests[found.workloads.keys.index("shop/web")]
        assert requests.tolist() == pytest.approx([expected] * 48, rel=1e-5)


def test_half_a_reply_is_no_silence():
    """A second mesh that did not tell wholly leaves the hours unknown."""
    part = {"signs linkerd": Reply((), complete=False, faults=("cut",))}
    assert not read(two_meshes(**part)).known.any()


def test_nothing_is_asked_of_a_mesh_that_is_not_there():
    """One probe looks for all; expressions are sent for those only that it found."""
    server = healthy()
    traffic = PrometheusTraffic(server)
    assert traffic.describe(FACTS, NOW).dialects == ("istio", "kube-state-metrics")
    traffic.activity(OBJECTS, WINDOW, NOW)
    asked = [name for name, _, _ in server.asked]
    assert asked.count("dialects") == 1
    assert not [name for name in asked if " " in name]
    assert PrometheusTraffic(two_meshes()).describe(FACTS, NOW).dialects[-1] == "linkerd"


def test_what_is_there_must_be_told_wholly():
    """Half an answer about which meshes there are is none: what it hides may have seen use."""
    server = healthy(dialects=Reply((), complete=False, faults=("cut",)))
    with pytest.raises(UnreadableError, match="did not tell wholly which sources of metrics it has: cut"):
        PrometheusTraffic(server).describe(FACTS, NOW)


def test_no_dialects_no_probe():
    """Without any further dialect nothing is looked for."""
    server = healthy()
    PrometheusTraffic(server, asking=Asking(dialects=())).describe(FACTS, NOW + timedelta(hours=1))
    assert "dialects" not in [name for name, _, _ in server.asked]


def test_the_probe_looks_back():
    """What fell silent lately is found by where it was."""
    text = present([dialect("caretta")])
    assert text.count('"dialect", "caretta"') == 6
    assert "offset 14d" in text
