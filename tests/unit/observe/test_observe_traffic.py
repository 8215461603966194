"""From expressions to arrays, through a server made of rows: whole days, steady laps, gaps, refusals and silence."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from microglia.model.activity import Edge
from microglia.model.ports import ClusterFacts, UnreadableError
from microglia.model.window import Window
from microglia.observe.buckets import MemoryBuckets, Run
from microglia.observe.dialects import istio
from microglia.observe.dialects.expressions import Spans
from microglia.observe.prometheus import SilentError, TooMuchError
from microglia.observe.reading import EXPRESSIONS, gappy
from microglia.observe.replies import Reply
from microglia.observe.traffic import Asking, PrometheusTraffic, metric_names
from tests.factories import deployment, nodes, objects, running, service
from tests.unit.observe.rows import Server, row

NOW = datetime(2026, 6, 29, 12, 30, tzinfo=UTC)
WINDOW = Window.ending(NOW, timedelta(days=2))
START = WINDOW.start.timestamp()
SPANS = Spans(120, 86400)
FACTS = ClusterFacts("uid", "test", "v1.36.3")
OBJECTS = objects(*running(deployment("web")), *nodes(), service("web"), service("api")).kinds
PODS = [f"web-5d4f-{i}" for i in range(3)]
CALL = {
    "source_workload_namespace": "shop",
    "source_workload": "front",
    "destination_service": "web.shop.svc.cluster.local",
    "destination_service_name": "web",
    "destination_service_namespace": "shop",
    "destination_workload_namespace": "shop",
    "destination_workload": "web",
    "request_protocol": "http",
}
SERVER = {key: CALL[key] for key in ("destination_workload_namespace", "destination_workload")}
EDGE = Edge("shop/front", "web.shop.svc.cluster.local", "shop/web", "http")
API = {
    **CALL,
    "destination_service": "api.shop.svc.cluster.local",
    "destination_service_name": "api",
    "destination_workload": "api",
}
TO_API = Edge("shop/front", "api.shop.svc.cluster.local", "shop/api", "http")


def healthy(**answers):
    """Web serves 1 rps, a tenth of it failing, from three replicas in three zones; everything is heard."""
    usual = {
        "scrapes": lambda times: [row(times, 30)],
        "present": lambda times: [row(times, 3)],
        "tcp": lambda times: [row(times, 3)],
        "state": lambda times: [row(times, 3)],
        "versions": lambda times: [row(times, 1, tag=tag) for tag in ("1.31.1", "1.9.0", "")],
        "volume": lambda times: [
            row(times, 3720 * 0.9, what="requests", reporter="source", response_code="200", **CALL),
            row(times, 3720 * 0.1, what="requests", reporter="source", response_code="503", **CALL),
            row(times, 3720 * 0.5, what="requests", reporter="destination", response_code="200", **CALL),
        ],
        "peaks": lambda times: [row(times, 0.5, what="pod", namespace="shop", pod=pod, **SERVER) for pod in PODS],
        "health": lambda times: [
            *(row(times, 30, what="beats", namespace="shop", pod=pod) for pod in PODS),
            row(times, 3720 * 0.5 * 40, what="milliseconds", **SERVER),
        ],
        "cpu": lambda times: [row(times, 0.2, namespace="shop", pod=pod, container="app") for pod in PODS],
        "cpu_peaks": lambda times: [row(times, 0.3, namespace="shop", pod=pod) for pod in PODS],
        "use": lambda times: [row(times, 1e8, what="memory", namespace="shop", pod=pod) for pod in PODS],
        "places": lambda times: [
            *(
                row(times, 60, what="pod", namespace="shop", pod=pod, node=f"node-{zone}")
                for pod, zone in zip(PODS, "abc", strict=True)
            ),
            row(times, 3, what="ready", namespace="shop", workload="web"),
            *(row(times, 60, what="node", node=f"node-{zone}") for zone in "abc"),
        ],
        "born": lambda times: [
            row(times, 1000, what="deployment", namespace="shop", name="web"),
            row(times, 2000, what="service", namespace="shop", name="web"),
        ],
    }
    return Server(**{**usual, **answers})


def read(server, buckets=None, window=WINDOW, now=NOW, found=OBJECTS, said=None):
    traffic = PrometheusTraffic(server, buckets, said.append if said is not None else lambda _: None)
    traffic.describe(FACTS, now)
    server.asked.clear()
    return traffic.activity(found, window, now)


def web(activity, name):
    return getattr(activity.workloads, name)[activity.workloads.keys.index("shop/web")]


def test_a_healthy_window():
    """Every array of a calm world has its value in every hour, and nothing is in doubt."""
    found = read(healthy())
    hourly = {
        "requests": 3600,
        "failures": 360,
        "unserved": 0,
        "sent": 0,
        "peak": 1.5 * SPANS.peak_share,
        "imbalance": 1.0,
        "latency": 40,
        "cpu_peak": 0.9,
        "memory": 1e8,
        "throttled": 0,
        "ready": 3,
        "placed": 3,
        "fullest_zone": 1,
        "fullest_node": 1,
        "rolling": 0,
        "seen": 1,
    }
    for name, value in hourly.items():
        assert web(found, name).tolist() == pytest.approx([value] * 48, rel=1e-5), name
    assert (web(found, "born"), web(found, "old_peak"), web(found, "old_load")) == (1000, 0, 0)
    assert found.workloads.zones == ("a", "b", "c")
    assert web(found, "zone_peak").tolist() == [pytest.approx([0.5 * SPANS.peak_share] * 48)] * 3
    assert (found.containers.keys, found.containers.cpu[0, 0]) == ((("shop/web", "app"),), pytest.approx(0.6))
    assert (found.edges.keys, found.edges.used.tolist(), found.edges.flowing.tolist()) == ((EDGE,), [True], [False])
    assert found.edges.requests[0] == pytest.approx(3600 * 48)
    assert found.edges.failures[0] == pytest.approx(360 * 48)
    assert found.edges.last[0] == WINDOW.end.timestamp()
    assert found.hosts == {"web.shop.svc.cluster.local": 2000}
    assert (found.known.all(), found.away.any(), found.faults) == (True, False, ())


def test_a_day_per_query_two_at_once_and_few_of_them():
    """Each expression is asked once a day; no query covers more than 24 hours."""
    server = healthy()
    said: list[str] = []
    read(server, said=said)
    for one in EXPRESSIONS:
        spans = server.read(one.name)
        assert len(spans) == 2
        assert all(last - first < 86400 for first, last in spans)
    assert len(server.asked) <= 11 * 2
    assert said == [
        "reading 28 Jun 11:00 to 29 Jun 11:00 UTC from http://prometheus (1 to follow)",
        "reading 27 Jun 11:00 to 28 Jun 11:00 UTC from http://prometheus (0 to follow)",
    ]


def test_a_steady_lap_reads_only_what_is_new():
    """An hour later the new hour and the last six are read, at one go, and the arrays are as if read anew."""
    server, buckets = healthy(), MemoryBuckets()
    read(server, buckets)
    later = NOW + timedelta(hours=1)
    window = Window.ending(later, timedelta(days=2))
    again = read(server, buckets, window, later)
    assert server.read("volume") == [(window.end.timestamp() - 5 * 3600, window.end.timestamp())]
    fresh = read(healthy(), None, window, later)
    np.testing.assert_array_equal(again.workloads.requests, fresh.workloads.requests)
    assert again.edges.requests.tolist() == fresh.edges.requests.tolist()


def test_the_same_lap_twice_is_the_same():
    """Reading again changes nothing: same arrays, same memory."""
    server, buckets = healthy(), MemoryBuckets()
    first, second = read(server, buckets), read(server, buckets)
    np.testing.assert_array_equal(first.workloads.old_peak, second.workloads.old_peak)
    np.testing.assert_array_equal(first.workloads.peak, second.workloads.peak)
    assert second.edges.keys == first.edges.keys


def partial(times):
    return Reply((), complete=False, faults=("warning: store x is away",))


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        (Reply((), complete=False, faults=("warning: results truncated",)), "warning: results truncated"),
        (UnreadableError("it refused a query (422 execution: too many samples)"), "422 execution"),
    ],
)
@pytest.mark.parametrize("name", [one.name for one in EXPRESSIONS])
def test_a_reply_that_is_not_whole_is_never_zero(name, trouble, words):
    """Whatever expression fails or is cut short: its hours are not known, and what happened is told."""
    found = read(healthy(**{name: trouble}))
    assert not found.known.any()
    assert not (web(found, "requests") == 0).any()
    assert not (web(found, "peak") == 0).any()
    told = [fault for fault in found.faults if words in fault]
    assert len(told) == 1
    assert told[0].startswith("27 Jun 11:00 to 29 Jun 11:00 UTC, in 2 queries: ")


def test_lost_volume_is_not_silence():
    """When the volume reply is lost, requests are not zero though all heartbeats came."""
    found = read(healthy(volume=UnreadableError("lost"), health=lambda times: []))
    assert np.isnan(web(found, "requests")).all()
    assert np.isnan(web(found, "peak")[0]) or web(found, "peak")[0] > 0


def test_unknown_hours_are_read_again():
    """A failed day is retried on the next lap, and then known."""
    server, buckets = healthy(cpu=UnreadableError("busy")), MemoryBuckets()
    assert not read(server, buckets).known.any()
    del server.answers["cpu"]
    again = read(server, buckets)
    assert again.known.all()
    assert again.faults == ()


def test_a_known_hour_is_not_given_up():
    """When a later reading of a known hour fails, what was known stays."""
    server, buckets = healthy(), MemoryBuckets()
    read(server, buckets)
    server.answers["volume"] = UnreadableError("busy")
    again = read(server, buckets)
    assert again.known.all()
    assert web(again, "requests")[-1] == pytest.approx(3600)
    assert any("busy" in fault for fault in again.faults)


def test_a_server_that_falls_silent_on_the_way():
    """The day that was read is known; the rest is not, and no further query is sent."""
    server = healthy()

    def once(times):
        if times[0] < WINDOW.end.timestamp() - 86400:
            raise SilentError("it does not answer")
        return []

    server.answers["cpu"] = once
    found = read(server)
    assert found.known.tolist() == [False] * 24 + [True] * 24
    assert any(
        "27 Jun 11:00 to 28 Jun 11:00 UTC and everything before it: it does not answer" in f for f in found.faults
    )


def too_much(longest):
    """The usual peaks, unless more than ``longest`` hours are asked for at once."""
    usual = healthy().answers["peaks"]

    def peaks(times):
        if len(times) > longest * 12:
            raise TooMuchError("422 execution: too many samples")
        return usual(times)

    return peaks


def test_what_is_too_much_at_once_is_read_in_halves():
    """When the server refuses a day for its size, smaller pieces are asked for, down to what it can give."""
    server = healthy(peaks=too_much(6))
    found = read(server)
    assert found.known.all()
    assert found.faults == ()
    spans = [1 + (last - first) / 300 for first, last in server.read("peaks")]
    assert sorted(spans) == [6 * 12] * 8 + [12 * 12] * 4 + [24 * 12] * 2


def test_what_is_too_much_even_in_pieces_is_unknown():
    """Three hours are not cut again: they are not known, and the server's words are told."""
    found = read(healthy(peaks=too_much(1)))
    assert not found.known.any()
    assert "422 execution: too many samples" in found.faults[0]


def test_a_silent_server_is_an_error():
    """When nothing answers there is no activity, only the reason."""
    with pytest.raises(SilentError, match="nobody"):
        read(healthy(volume=SilentError("nobody")))


def test_a_scrape_gap_is_unknown_and_not_idle():
    """Hours without heartbeats have no number for requests; the workload was not seen in them."""
    gap = START + 10 * 3600

    def quiet(times):
        there = times[(times <= gap) | (times > gap + 7200)]
        return [*(row(there, 30, what="beats", namespace="shop", pod=pod) for pod in PODS)]

    found = read(healthy(health=quiet, volume=lambda times: [], peaks=lambda times: []))
    assert np.flatnonzero(np.isnan(web(found, "requests"))).tolist() == [10, 11]
    assert np.flatnonzero(web(found, "seen") == 0).tolist() == [10, 11]
    assert web(found, "requests")[9] == 0


def sign(what="requests", **labels):
    return lambda times: [row(times, 1, what=what, **{**API, **labels})]


def test_a_sign_without_volume_is_use():
    """A lone call between two scrapes leaves no increase, but a sign: the edge is used, with no requests."""
    found = read(healthy(signs=sign(response_flags="-")))
    at = found.edges.keys.index(TO_API)
    assert found.edges.used[at]
    assert found.edges.requests[at] == 0
    assert not found.edges.flowing[at]


def test_bytes_without_a_connection_are_a_stream():
    """Bytes that moved though no connection was opened: something outlives the window."""
    found = read(healthy(signs=sign("sent", request_protocol="tcp")))
    at = found.edges.keys.index(Edge("shop/front", TO_API.host, "shop/api", "tcp"))
    assert (found.edges.used[at], found.edges.flowing[at]) == (True, True)


def test_bytes_of_finished_calls_say_nothing_new():
    """GRPC messages on an edge with finished requests are no stream of their own."""
    found = read(healthy(signs=lambda times: [row(times, 1, what="asked", **CALL)]))
    assert found.edges.flowing.tolist() == [False]


def test_first_values_of_an_old_target_are_volume():
    """A burst that a series was born with counts, when its server was heard before; it may all have come at once."""
    server = healthy(
        signs=sign(age="old"),
        births=lambda times: [row(times[3:4], 1500, what="births", reporter="destination", **API)],
    )
    found = read(server)
    api = found.workloads.keys.index("shop/api")
    assert np.nansum(found.workloads.requests[api]) == pytest.approx(3000)
    assert np.nanmax(found.workloads.peak[api]) == pytest.approx(5.0, rel=1e-3)
    assert found.edges.requests[found.edges.keys.index(TO_API)] == pytest.approx(3000)
    assert len(server.read("births")) == 2


def test_births_are_only_asked_for_where_there_are_some():
    """New targets, changes and other counters call for no reading of first values."""
    server = healthy(signs=lambda times: [*sign(age="new")(times), *sign()(times), *sign("opened", age="old")(times)])
    read(server)
    assert server.read("births") == []


def test_only_pods_that_missed_a_scrape_are_asked_about_gaps():
    """What changed over a missed scrape is looked for, in those pods alone, from before the day to just after it."""

    def beats(times):
        counts = np.where(times == START + 10 * 3600, 29.0, 30.0)
        return [
            *(row(times, counts if pod == PODS[1] else 30, what="beats", namespace="shop", pod=pod) for pod in PODS)
        ]

    server = healthy(health=beats, gaps=sign())
    found = read(server)
    assert server.read("gaps") == [(START + 86400 + 240, START + 86400 + 240)]
    assert found.edges.used[found.edges.keys.index(TO_API)]
    assert gappy(beats(START + 3600.0 * np.arange(1, 25)), Run(int(START), 24), 120) == (PODS[1],)


def test_calls_that_reach_nobody_are_the_hosts_loss():
    """Unserved calls count against the workloads behind the host."""
    lost = {**CALL, "destination_workload": "unknown", "response_flags": "UH", "response_code": "503"}
    found = read(healthy(volume=lambda times: [row(times, 372, what="requests", reporter="source", **lost)]))
    assert web(found, "unserved")[0] == pytest.approx(360)
    assert web(found, "requests")[0] == 0
    assert found.edges.keys == (Edge(EDGE.client, EDGE.host, "", "http"),)


def without(name, kept):
    usual = healthy().answers[name]
    return lambda times: [one for one in usual(times) if kept(one)]


def test_a_lost_node_is_away():
    """A node that exists now and was not told of for an hour was away; so was one that was not Ready."""
    gone = START + 5 * 3600

    def places(times):
        rows = [
            one
            for one in healthy().answers["places"](times)
            if one.labels.get("node") != "node-a" or one.labels["what"] != "node"
        ]
        there = times[(times <= gone) | (times > gone + 3600)]
        more = [row(there, 60, what="node", node="node-a")]
        sick = times[times == gone + 8 * 3600]
        return [*rows, *more, *([row(sick, 0, what="unready", node="node-b")] if sick.size else [])]

    assert np.flatnonzero(read(healthy(places=places)).away).tolist() == [5, 12]


def test_a_change_of_count_is_rolling():
    """When the wanted count changed in an hour, its placement proves nothing."""

    def places(times):
        return [*healthy().answers["places"](times), row(times[:1], 1, what="scaled", namespace="shop", workload="web")]

    assert np.flatnonzero(web(read(healthy(places=places)), "rolling")).tolist() == [0, 24]


def test_without_cadvisor_cpu_is_unknown():
    """No cAdvisor: CPU and memory are not known, everything else is."""
    found = read(healthy(cpu=lambda times: [], cpu_peaks=lambda times: [], use=lambda times: []))
    assert np.isnan(web(found, "cpu_peak")).all()
    assert np.isnan(web(found, "throttled")).all()
    assert found.containers.keys == ()
    assert found.containers.cpu.shape == (0, 48)
    assert found.known.all()


def test_age_without_kube_state_metrics():
    """Where nobody tells when it was created, the first hour in which it was heard does; services have no age."""
    found = read(healthy(born=UnreadableError("no")))
    assert web(found, "born") == START
    assert found.hosts == {}
    assert found.faults == ("when things were created: no",)


def test_nothing_at_all():
    """A mesh that was never scraped: arrays of the right shape, nothing seen, nobody born."""
    found = read(Server(scrapes=lambda times: [], present=lambda times: [row(times, 1)]))
    assert web(found, "seen").tolist() == [0] * 48
    assert np.isnan(web(found, "requests")).all()
    assert np.isnan(web(found, "born"))
    assert found.workloads.zones == ()
    assert found.workloads.zone_peak.shape == (len(found.workloads.keys), 0, 48)
    assert found.edges.keys == ()


def test_what_answers():
    """Dialects, versions in their own order, scrape interval and what the server says of itself."""
    server = healthy(cadvisor=lambda times: [row(times, 9)])
    server.pages = {"buildinfo": {"version": "3.14.0"}, "runtimeinfo": {"storageRetention": "15d"}}
    source = PrometheusTraffic(server).describe(FACTS, NOW)
    assert source.dialects == ("istio", "kube-state-metrics", "cadvisor")
    assert source.istiod == ("1.9.0", "1.31.1")
    assert (source.prometheus_version, source.retention, source.scrape_seconds) == ("3.14.0", "15d", 120)
    assert (source.cluster, source.cluster_name, source.prometheus) == ("uid", "test", "http://prometheus")
    assert source.ahead is None


@pytest.mark.parametrize(("skew", "ahead"), [(None, None), (-59.6, 0.0), (60.0, 0.0), (61.4, 61.0), (-7200.2, -7200.0)])
def test_clocks_that_agree_are_no_news(skew, ahead):
    """Within a minute two clocks agree, and the number is the same each time; beyond it is told in whole seconds."""
    server = healthy()
    server.skew = skew
    assert PrometheusTraffic(server).describe(FACTS, NOW).ahead == ahead


@pytest.mark.parametrize(
    ("pages", "retention"),
    [
        ({"flags": {"storage.tsdb.retention.time": "30d"}}, "30d"),
        (
            {"runtimeinfo": {"storageRetention": "15d or 5GB"}, "flags": {"storage.tsdb.retention.time": "0s"}},
            "15d or 5GB",
        ),
        ({"flags": {"storage.tsdb.retention.time": ""}}, None),
        ({}, None),
    ],
)
def test_how_long_metrics_are_kept(pages, retention):
    """Old servers tell it as a flag alone; a flag that is not set says nothing."""
    server = healthy()
    server.pages = pages
    assert PrometheusTraffic(server).describe(FACTS, NOW).retention == retention


def test_the_interval_is_measured_once_a_lap():
    """A window that ends about now was scraped as it was just seen; one that ended long ago is measured by itself."""
    for ago, times in ((timedelta(0), 1), (timedelta(days=1), 2)):
        server = healthy()
        traffic = PrometheusTraffic(server)
        traffic.describe(FACTS, NOW)
        traffic.activity(OBJECTS, Window(WINDOW.start, WINDOW.end - ago), NOW)
        assert len(server.read("scrapes")) == times


def test_the_configured_interval_where_heartbeats_tell_none():
    """Without heartbeats in the last day the server's configuration says how often it scrapes."""
    server = healthy(scrapes=lambda times: [])
    server.pages = {"config": {"yaml": "global:\n  scrape_interval: 1m\n"}}
    assert PrometheusTraffic(server).describe(FACTS, NOW).scrape_seconds == 60


def test_no_mesh_here():
    """A Prometheus without any series of a mesh is an error that says what was looked for."""
    with pytest.raises(UnreadableError) as error:
        PrometheusTraffic(healthy(present=lambda times: [])).describe(FACTS, NOW)
    assert all(metric in str(error.value) for metric in istio.LOOKED_FOR)
    assert "Is this the right Prometheus? Set --prometheus. Or did the scraping of the mesh stop?" in str(error.value)
    assert str(error.value).endswith("microglia doctor --metrics")


def test_no_mesh_here_may_be_a_clock_or_a_scope():
    """With this clock far ahead the last three hours are still to come there; a scope may name another cluster."""
    server = healthy(present=lambda times: [])
    server.skew = -4 * 3600.0
    with pytest.raises(UnreadableError) as error:
        PrometheusTraffic(server, asking=Asking(scope='cluster="x"')).describe(FACTS, NOW)
    assert 'with cluster="x" in the last three hours' in str(error.value)
    assert "the clock of http://prometheus is 4h behind this machine's clock" in str(error.value)


def test_what_it_has():
    """The names of all metrics, for people who look for the right ones."""
    assert metric_names(Server()) == ["a", "b"]


def test_other_scopes_keep_their_own_hours():
    """Another cluster, tenant or scope of the same server reads for itself."""
    server, buckets = healthy(), MemoryBuckets()
    read(server, buckets)
    for more in (Asking(scope='cluster="x"'), Asking(tenant="blue")):
        traffic = PrometheusTraffic(server, buckets, asking=more)
        traffic.describe(FACTS, NOW)
        server.asked.clear()
        traffic.activity(OBJECTS, WINDOW, NOW)
        assert len(server.read("volume")) == 2


def test_a_peak_stays_in_force_after_it_has_left_the_window():
    """A week later the old peak, the load it proved, and the edge that was used then are still known."""
    server, buckets = healthy(), MemoryBuckets()
    read(server, buckets)
    later = NOW + timedelta(days=9)
    window = Window.ending(later, timedelta(days=2))
    server.answers["volume"] = lambda times: []
    server.answers["peaks"] = lambda times: []
    found = read(server, buckets, window, later)
    assert web(found, "old_peak") == pytest.approx(1.5 * SPANS.peak_share)
    assert web(found, "old_load") == pytest.approx(0.5 * SPANS.peak_share)
    assert (found.edges.keys, found.edges.used.tolist(), found.edges.requests.tolist()) == ((EDGE,), [True], [0.0])
    assert found.edges.last.tolist() == [WINDOW.end.timestamp()]


def test_a_protocol_of_which_nobody_tells():
    """No sidecar has a TCP series now or in the last week: what speaks TCP was not seen, and the source says so."""
    assert PrometheusTraffic(healthy()).describe(FACTS, NOW).untold == ()
    assert PrometheusTraffic(healthy(tcp=lambda times: [])).describe(FACTS, NOW).untold == ("tcp",)
