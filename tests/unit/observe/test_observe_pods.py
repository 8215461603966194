"""Rows about pods become facts about workloads."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.observe.dialects.expressions import Spans
from microglia.observe.names import read_names
from microglia.observe.peaks import read_peaks
from microglia.observe.pods import read_cpu, read_cpu_peaks, read_lives, read_placed, read_seen, read_use
from microglia.observe.spots import hourly, slots
from tests.factories import deployment, nodes, objects, pod, running
from tests.unit.observe.rows import row

HOURS = 3
SPANS = Spans(120, HOURS * 3600)
SPOTS = hourly(0, HOURS, SPANS)
TIMES = [3600, 7200, 10800]
WEB = [("shop", f"web-5d4f-{i}") for i in range(3)]
ENDED = pod("web-5d4f-9", owner=("ReplicaSet", "web-5d4f"), status={"phase": "Failed"})
NAMES = read_names(objects(*running(deployment("web")), *nodes(), ENDED).kinds)


def info(name, counts, node="node-a", owner="web-5d4f"):
    return row(
        TIMES,
        counts,
        what="pod",
        namespace="shop",
        pod=name,
        node=node,
        created_by_kind="ReplicaSet",
        created_by_name=owner,
    )


def beat(name, counts, times=TIMES):
    return row(times, counts, what="beats", namespace="shop", pod=name)


def all_beats(count=30):
    return [beat(name, count) for _, name in WEB]


def all_infos():
    return [info(name, 60, f"node-{zone}") for (_, name), zone in zip(WEB, "abc", strict=True)]


def lives(infos=None, beats=None):
    return read_lives(all_infos() if infos is None else infos, all_beats() if beats is None else beats, NAMES, SPOTS)


def seen(beats, broken=(), infos=None):
    return read_seen(lives(infos, beats), [*beats, *broken], 30, SPOTS)["shop/web"].tolist()


def test_everybody_heard():
    """All heartbeats of all pods: seen in full; one scrape short is a matter of phase."""
    assert seen(all_beats()) == [1, 1, 1]
    assert seen(all_beats(29)) == [1, 1, 1]


def test_the_worst_pod_counts():
    """One pod that was heard half of an hour makes the workload half seen."""
    assert seen([*all_beats()[:2], beat("web-5d4f-2", [30, 15, 0])]) == [1, 0.5, 0]


def test_a_pod_without_a_proxy_hides_its_workload():
    """A living pod that never sent a heartbeat: the workload was not seen."""
    assert seen(all_beats()[:2]) == [0, 0, 0]


def test_a_failed_envoy_scrape_hides_the_hour():
    """When the agent could not read its Envoy, the hour counts as not seen although heartbeats came."""
    failed = row([7200], [1], what="failed", namespace="shop", pod="web-5d4f-1")
    assert seen(all_beats(), [failed]) == [1, 0, 1]


def test_a_scrape_gap_is_seen_as_one():
    """When Prometheus was away for a part of the hour, kube-state-metrics fell silent as well: a gap is a gap."""
    infos = [info(name, [60, 30, 60]) for _, name in WEB]
    assert seen([beat(name, [30, 15, 30]) for _, name in WEB], infos=infos) == [1, 0.5, 1]


def test_a_pod_that_began_in_the_hour_owes_less():
    """A pod that lived a third of an hour owes a third of the heartbeats, less what its start may cost."""
    infos = [*all_infos()[:2], info("web-5d4f-2", [0, 20, 60])]
    assert seen([*all_beats()[:2], beat("web-5d4f-2", [0, 8, 30])], infos=infos) == [1, 1, 1]
    assert seen([*all_beats()[:2], beat("web-5d4f-2", [0, 2, 30])], infos=infos)[1] == pytest.approx(2 / 8)


def test_leftovers_of_dead_pods_owe_nothing():
    """Pods that have ended, and pods never heard that are gone by now, are not expected to send anything."""
    infos = [*all_infos(), info("web-5d4f-9", 60), info("web-5d4f-gone", 60)]
    assert seen(all_beats(), infos=infos) == [1, 1, 1]


def test_lives_without_kube_state_metrics():
    """Where nobody tells of pods, their heartbeats do, and their nodes come from their objects."""
    found = lives(infos=[])
    assert found.shares[WEB[0]].tolist() == [1, 1, 1]
    assert found.nodes[WEB[1]] == "node-b"
    assert found.owners[WEB[1]] == "shop/web"


def test_a_pod_of_which_nobody_tells_is_there_all_the_same():
    """Its object says that it exists: nobody told of it, so its workload is unseen."""
    hidden = replace(NAMES, made={**NAMES.made, WEB[2]: 3600.0})
    found = read_lives(all_infos()[:2], all_beats()[:2], hidden, SPOTS)
    assert found.shares[WEB[2]].tolist() == [0, 1, 1]
    assert read_seen(found, all_beats()[:2], 30, SPOTS)["shop/web"].tolist() == [1, 0, 0]


def test_a_pod_not_yet_scheduled_is_nowhere():
    """kube-state-metrics tells of waiting pods without a node: they do not live yet."""
    assert WEB[0] not in lives(infos=[info("web-5d4f-0", 60, node=""), *all_infos()[1:]]).shares


def test_places():
    """Pods, and those of the fullest zone and node."""
    placed = read_placed(lives([*all_infos()[:2], info("web-5d4f-2", 60, "node-a")]), NAMES, HOURS)["shop/web"]
    assert placed["placed"].tolist() == [3, 3, 3]
    assert placed["fullest_zone"].tolist() == [2, 2, 2]
    assert placed["fullest_node"].tolist() == [2, 2, 2]
    assert placed["rolling"].tolist() == [0, 0, 0]


def test_a_rollout_shows():
    """Pods that begin and end within an hour say that a change of count or version was under way."""
    infos = [*all_infos()[:2], info("web-5d4f-2", [60, 20, 0], "node-c")]
    placed = read_placed(lives(infos), NAMES, HOURS)["shop/web"]
    assert placed["rolling"].tolist() == [0, 1, 0]
    assert placed["placed"].tolist() == [3, 2, 2]


def test_an_unknown_zone_is_not_a_zone():
    """With a pod on a node of no known zone nobody knows the fullest zone; the fullest node is known."""
    placed = read_placed(lives([*all_infos()[:2], info("web-5d4f-2", 60, "node-x")]), NAMES, HOURS)["shop/web"]
    assert np.isnan(placed["fullest_zone"]).all()
    assert placed["fullest_node"].tolist() == [1, 1, 1]


def test_cpu_adds_up_per_container():
    """Cores of a container are those of all replicas; hours without a row stay unknown."""
    rows = [row(TIMES[:2], [0.5, 1.0], namespace="shop", pod=name, container="app") for _, name in WEB]
    found = read_cpu(rows, NAMES, SPOTS).rows()
    assert found.keys() == {"shop/web|app"}
    assert found["shop/web|app"][:2].tolist() == [1.5, 3.0]
    assert np.isnan(found["shop/web|app"][2])


def slot_times(first, count):
    by_slot = slots(0, HOURS, SPANS)
    return by_slot.first + by_slot.step * np.arange(first, first + count)


def test_cpu_peaks_of_all_replicas_together():
    """The peak is that of the sum, not the sum of peaks."""
    rows = [
        row(slot_times(0, 12), np.eye(12)[number] * 2 + 1, namespace="shop", pod=name)
        for number, (_, name) in enumerate(WEB)
    ]
    found = read_cpu_peaks(rows, NAMES, slots(0, HOURS, SPANS))["shop/web"]
    assert found[0] == 5.0
    assert np.isnan(found[1:]).all()


def test_memory_and_throttling_are_the_worst_pods():
    """The largest working set; the largest share of throttled periods; no more than all of them."""
    rows = [
        *(
            row(TIMES, size, what="memory", namespace="shop", pod=name)
            for size, (_, name) in zip((5, 9, 7), WEB, strict=True)
        ),
        *(
            row(TIMES, count, what="throttled", namespace="shop", pod=name)
            for count, (_, name) in zip((1, 30, 0), WEB, strict=True)
        ),
        *(row(TIMES, [100, 100, 20], what="periods", namespace="shop", pod=name) for _, name in WEB),
    ]
    found = read_use(rows, NAMES, SPOTS)
    assert found["memory"].get("shop/web").tolist() == [9, 9, 9]
    assert found["throttled"].get("shop/web").tolist() == [0.3, 0.3, 1.0]


def rate(name, values, **labels):
    labels = {"destination_workload_namespace": "shop", "destination_workload": "web", **labels}
    return row(slot_times(0, len(values)), values, what="pod", namespace="shop", pod=name, **labels)


def callers(values):
    return row(
        slot_times(0, len(values)),
        values,
        what="callers",
        destination_workload_namespace="shop",
        destination_workload="web",
    )


def peaks(rows, ready=3.0):
    return read_peaks(rows, NAMES, lives(), {"shop/web": np.full(HOURS, ready)}, slots(0, HOURS, SPANS))


def test_the_busiest_slot():
    """The highest 5-minute rate of all pods together, in each hour."""
    found = peaks([rate("web-5d4f-0", [1, 4, 1]), rate("web-5d4f-1", [1, 2, 9])])
    assert found.peak["shop/web"][0] == pytest.approx(10 * SPANS.peak_share)
    assert found.peak["shop/web"][1:].tolist() == [0, 0]


def test_callers_may_have_seen_more():
    """The larger of what servers and callers count, slot by slot."""
    found = peaks([rate("web-5d4f-0", [1, 4, 1]), callers([6, 3, 0])])
    assert found.peak["shop/web"][0] == pytest.approx(6 * SPANS.peak_share)


def test_callers_alone():
    """A server without a proxy is known by its callers; how evenly it serves is not."""
    found = peaks([callers([6])])
    assert found.peak["shop/web"][0] == pytest.approx(6 * SPANS.peak_share)
    assert found.imbalance["shop/web"].tolist() == [1, 1, 1]


def test_imbalance_in_the_busiest_moment():
    """The busiest pod over the mean of all ready ones, in the slot of the peak; idle replicas count."""
    found = peaks([rate("web-5d4f-0", [1, 6]), rate("web-5d4f-1", [5, 3])])
    assert found.imbalance["shop/web"][0] == pytest.approx(6 / (9 / 3))
    assert peaks([rate("web-5d4f-0", [6]), rate("web-5d4f-1", [6])], ready=2).imbalance["shop/web"][0] == 1.0


def test_zones_of_serving_pods():
    """Each zone's own highest rate; pods of unknown zones are in none."""
    found = peaks([rate("web-5d4f-0", [1, 6]), rate("web-5d4f-1", [5, 3]), rate("strange", [9, 9])])
    zones = {key: values[0] / SPANS.peak_share for key, values in found.zones.items()}
    assert zones == pytest.approx({("shop/web", "a"): 6, ("shop/web", "b"): 5})


def test_rows_without_a_workload_label_go_by_their_pod():
    """Where the metric does not say whose pod it is, the pod's object does."""
    found = peaks([rate("web-5d4f-0", [2], destination_workload="unknown")])
    assert found.peak["shop/web"][0] == pytest.approx(2 * SPANS.peak_share)
