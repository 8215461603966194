"""A mesh that decides replicas beside Istio, or without it: who was heard, what its pods served, and how fast."""

import re

import numpy as np
import pytest

from microglia.model.ports import UnreadableError
from microglia.observe.dialects.expressions import Spans, filled
from microglia.observe.dialects.loading import DialectError, built_in, parse
from microglia.observe.dialects.making import expressions
from microglia.observe.dialects.serving import served_of
from microglia.observe.heard import hours_heard
from microglia.observe.replies import Reply
from microglia.observe.traffic import PrometheusTraffic
from tests.unit.observe.rows import row
from tests.unit.observe.test_observe_traffic import FACTS, NOW, PODS, SPANS, START, WINDOW, healthy, read, web

DECIDING = b"""\
name: own
title: Our own proxy
class: zero
heartbeat: own_up
limits: nothing of what is called beside it
decides: replicas
served:
  proxy: own-proxy
  namespace: ns
  pod: pod_name
  requests: {metric: own_inbound_total, matchers: 'probe="no"'}
  failures: {metric: own_inbound_total, matchers: 'probe="no",code="5xx"'}
counters:
  - what: requests
    metric: own_calls_total
    labels:
      destination_service_name:
        - {label: to}
"""


def pods(what, values, number=3):
    return lambda times: [row(times, values, what=what, namespace="shop", pod=pod) for pod in PODS[:number]]


def joined(*answers):
    return lambda times: [one for answer in answers for one in answer(times)]


def linkerd(**answers):
    """A cluster of which only Linkerd tells: three replicas, 0.5 rps each, a tenth of it failing, 20 ms a request."""
    usual = {
        "dialects": lambda times: [row(times, 3, dialect="linkerd")],
        "scrapes linkerd": lambda times: [row(times, 30)],
        "served linkerd": joined(
            pods("beats", 30), pods("requests", 1860), pods("failures", 186), pods("milliseconds", 1860 * 20)
        ),
        "peaks linkerd": pods("pod", 0.5),
    }
    nothing = dict.fromkeys(("present", "scrapes", "versions", "volume", "peaks", "health"), lambda times: [])
    return healthy(**{**nothing, **usual, **answers})


def test_a_cluster_of_linkerd_alone():
    """Its pods' own proxies tell what was served, how fast, how well and that they were heard, in every hour."""
    found = read(linkerd())
    expected = {"requests": 5400, "failures": 540, "latency": 20, "peak": 1.5 * SPANS.peak_share, "seen": 1}
    for name, value in expected.items():
        assert web(found, name).tolist() == pytest.approx([value] * 48, rel=1e-5), name
    assert web(found, "zone_peak").tolist() == [pytest.approx([0.5 * SPANS.peak_share] * 48)] * 3
    assert (found.known.all(), found.faults) == (True, ())


def test_silence_that_was_heard_is_zero():
    """Heartbeats and no requests: it served nothing. No heartbeats: nobody knows."""
    silent = {"served linkerd": pods("beats", 30), "peaks linkerd": lambda times: []}
    assert web(read(linkerd(**silent)), "requests").tolist() == [0] * 48
    unheard = read(linkerd(**{**silent, "served linkerd": lambda times: []}))
    assert np.isnan(web(unheard, "requests")).all()
    assert web(unheard, "seen").tolist() == [0] * 48


def test_one_unheard_pod_hides_the_workload():
    """A replica whose proxy was not scraped may have served anything."""
    assert web(read(linkerd(**{"served linkerd": pods("beats", 30, 2)})), "seen").tolist() == [0] * 48


def test_who_is_scraped_more_often_owes_more():
    """Istio every 2 minutes, Linkerd every 15 seconds: a quarter of its heartbeats is a quarter heard."""
    often = {"dialects": lambda times: [row(times, 3, dialect="linkerd")], "scrapes linkerd": lambda t: [row(t, 240)]}
    quarter = healthy(**often, **{"served linkerd": pods("beats", 60)})
    assert web(read(quarter), "seen") == pytest.approx(0.25, abs=0.01)
    assert web(read(healthy(**often, **{"served linkerd": pods("beats", 240)})), "seen").tolist() == [1] * 48


def test_a_pod_that_two_meshes_hear_needs_both():
    """What one of two proxies did not tell may have been use."""
    both = healthy(
        dialects=lambda times: [row(times, 3, dialect="linkerd")],
        **{"served linkerd": lambda times: pods("beats", np.where(times == times[5], 15, 30))(times)},
    )
    seen = web(read(both), "seen")
    assert (seen == 1).sum() == 46
    assert sorted(set(seen.tolist())) == [0.5, 1.0]


def test_a_burst_that_is_all_birth_counts_in_its_slot():
    """300 requests with which a series was born are 1 rps in 5 minutes, and 300 in the hour."""

    def born(times):
        return [row(times[:1], [300], what="born", namespace="shop", pod=PODS[0])]

    found = read(linkerd(**{"served linkerd": pods("beats", 30), "peaks linkerd": born}))
    assert web(found, "requests")[web(found, "requests") > 0].tolist() == pytest.approx([300, 300])
    assert web(found, "peak").max() == pytest.approx(SPANS.peak_share)


def test_the_larger_of_callers_and_servers_counts():
    """Callers saw 1 rps, its own proxies 3: it served 3, never 4."""
    volume = {"volume linkerd": lambda times: [row(times, 3720, arm="linkerd 0", **LINK)]}
    found = read(linkerd(**volume, **{"served linkerd": joined(pods("beats", 30), pods("requests", 3720))}))
    assert web(found, "requests").tolist() == pytest.approx([10800] * 48, rel=1e-5)


LINK = {
    "namespace": "shop", "deployment": "front", "dst_namespace": "shop", "dst_service": "web", "dst_deployment": "web",
}  # fmt: skip


def test_somebody_has_to_decide():
    """Without Istio and Linkerd there is nothing to judge by: the error says who is there, and what it lacks."""
    only = linkerd(dialects=lambda times: [row(times, 3, dialect="caretta")])
    with pytest.raises(UnreadableError) as error:
        PrometheusTraffic(only).describe(FACTS, NOW)
    assert "looked for istio_requests_total" in str(error.value)
    assert "proxy_build_info in the last three hours; caretta shows who was used, and proves nothing idle)" in str(
        error.value
    )


def test_how_often_the_rarest_is_scraped():
    """Spans hold two scrapes of every source; nobody is said to be scraped more often than the rarest."""
    server = healthy(
        dialects=lambda times: [row(times, 3, dialect="linkerd")], **{"scrapes linkerd": lambda t: [row(t, 12)]}
    )
    assert PrometheusTraffic(server).describe(FACTS, NOW).scrape_seconds == 300


def test_heartbeats_of_one_that_begins_at_zero():
    """It is heard where it exports what it is judged by, under the labels that it has."""
    own = parse(DECIDING, "own.yaml")
    served = next(one for one in expressions(own) if one.name == served_of(own))
    text = filled(served, Spans(60, 3600))
    assert 'max by (ns, pod_name) (count_over_time(own_inbound_total{probe="no"}[1h]))' in text
    assert '"namespace", "$1", "ns", "(.*)"' in text
    assert '"pod", "$1", "pod_name", "(.*)"' in text
    assert "own_up" not in text


def test_heartbeats_of_one_whose_series_come_and_go():
    """A heartbeat tells nothing in an hour in which nobody's requests were told."""
    mine = next(one for one in built_in() if one.name == "linkerd")
    text = filled(next(one for one in expressions(mine) if one.name == served_of(mine)), Spans(60, 3600))
    assert 'and on () (count(count_over_time(request_total{direction="inbound"' in text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (b"decides: replicas\n", b"", "served is read only with decides: replicas"),
        (b"decides: replicas", b"decides: routes", "own.yaml:6:1 decides: "),
        (b"  proxy: own-proxy\n", b"", "own.yaml:7:1 served.proxy: "),
        (b'  failures: {metric: own_inbound_total, matchers: \'probe="no",code="5xx"\'}\n', b"", "served.failures: "),
        (b'code="5xx"', b"code=5xx", "served.failures.matchers: "),
    ],
)
def test_an_error_names_the_field(old, new, told):
    """What decides must say by what, field by field."""
    with pytest.raises(DialectError, match=re.escape(told)):
        parse(DECIDING.replace(old, new, 1), "own.yaml")


def test_who_decides_says_what_it_served():
    """``decides: replicas`` alone is an error with the way out."""
    text = DECIDING[: DECIDING.index(b"served:")] + DECIDING[DECIDING.index(b"counters:") :]
    with pytest.raises(
        DialectError, match="decides: replicas needs served, which says what each pod was asked; add it"
    ):
        parse(text, "own.yaml")


def test_hours_in_which_a_dialect_was_there():
    """One query for all, hour by hour; where nothing is there nothing is asked."""
    asked = []

    class Told:
        title = "http://prometheus"

        def query_range(self, expression, start, end, step):
            asked.append((expression, start, end, step))
            return Reply((row(np.arange(40), 2, dialect="caretta"),))

    caretta = [one for one in built_in() if one.name == "caretta"]
    assert hours_heard(Told(), caretta, "", WINDOW) == {"caretta": 40}
    assert hours_heard(Told(), [], "", WINDOW) == {}
    assert [one[1:] for one in asked] == [(START + 3600, WINDOW.end.timestamp(), 3600)]


def test_a_dialect_of_ones_own_decides():
    """By what it is known to be heard is what it is judged by."""
    assert parse(DECIDING, "own.yaml").beating.metric == "own_inbound_total"


HUBBLE = {"source_namespace": "shop", "source_workload": "front", "destination_namespace": "shop"}


@pytest.mark.parametrize(("heard", "protocol"), [(30, "http"), (0, "tcp")])
def test_connections_below_requests_are_told_by_whom_was_called(heard, protocol):
    """Hubble sees a connection: where the proxy behind it was heard, that one tells of TCP; elsewhere Hubble does."""
    told = {
        name: lambda times: [row(times, 5, arm="cilium-hubble 1", destination_workload="web", **HUBBLE)]
        for name in ("signs cilium-hubble", "volume cilium-hubble")
    }
    health = pods("beats", heard) if heard else (lambda times: [])
    found = read(
        healthy(
            dialects=lambda times: [row(times, 3, dialect="cilium-hubble")],
            health=health,
            volume=lambda times: [],
            **told,
        )
    )
    assert found.edges.used.all()
    assert {key.protocol for key in found.edges.keys if key.server} == {protocol}
    assert bool(found.edges.requests.sum()) is (protocol == "tcp")
    assert not found.edges.flowing.any()
