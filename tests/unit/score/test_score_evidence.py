"""Signs need no proof; silence needs every proof there is."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.model.activity import UNKNOWN_PEER, Edge
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score.evidence import coverage, judge
from microglia.score.panel import panel
from microglia.score.scores import Evidence, Judged
from microglia.topology.graph import Topology
from tests import factories
from tests.unit.score.worlds import Spec, host, world

HOURS = factories.WINDOW.hours
QUIET = Spec("quiet")


def _judged(topology: Topology, name: str = "quiet") -> Judged:
    lined = panel(topology, PolicySpec())
    return judge(lined)[lined.ids.index(WorkloadId("shop", name))]


def _once(value: float = 1.0, at: int = 7) -> np.ndarray:
    found = np.zeros(HOURS)
    found[at] = value
    return found


def test_silence_with_full_coverage_is_idle() -> None:
    """No sign, every heartbeat there, existed all along: IDLE with full coverage."""
    found = _judged(world(QUIET))
    assert (found.evidence, found.coverage) == (Evidence.IDLE, 1.0)


@pytest.mark.parametrize("name", ["requests", "peak", "sent"])
def test_a_single_sign_is_use_whatever_the_coverage(name: str) -> None:
    """One request received or sent in one hour is USED even where hardly any heartbeat was heard."""
    found = _judged(world(replace(QUIET, series={name: _once(), "seen": 0.1})))
    assert found.evidence is Evidence.USED
    assert found.coverage == pytest.approx(0.1)


def test_a_peak_remembered_from_before_the_window_is_use() -> None:
    """What was seen before the window stays in force."""
    found = _judged(world(replace(QUIET, series={"old_peak": 3.0})))
    assert (found.evidence, "before the window" in found.why) == (Evidence.USED, True)


def test_a_call_that_only_its_caller_reported_is_use() -> None:
    """An edge to the workload counts, and so does one that never reached an endpoint of its Service."""
    reached = factories.edges(("shop/x", host("quiet"), "shop/quiet"))
    failed = factories.edges(("shop/x", host("quiet"), ""))
    assert _judged(world(QUIET, edges=reached)).evidence is Evidence.USED
    assert _judged(world(QUIET, edges=failed)).evidence is Evidence.USED


def test_a_stream_that_outlives_the_window_is_use() -> None:
    """Bytes that flow without a finished request are a sign."""
    flowing = replace(
        factories.edges(("shop/x", host("quiet"), "shop/quiet")), used=np.zeros(1, bool), flowing=np.ones(1, bool)
    )
    assert _judged(world(QUIET, edges=flowing)).evidence is Evidence.USED


def test_calls_to_elsewhere_and_calls_without_a_sign_are_not_use() -> None:
    """An edge that was not used, one to another workload and one to an outside host say nothing about this one."""
    calls = factories.edges(
        ("shop/x", host("quiet"), "shop/quiet"), ("shop/x", host("other"), "shop/other"), ("shop/x", "example.com", "")
    )
    assert calls.keys[1] == Edge("shop/x", host("other"), "shop/other", "http")
    assert calls.keys[2] == Edge("shop/x", host("quiet"), "shop/quiet", "http")
    calls = replace(calls, used=np.array([True, True, False]))
    assert _judged(world(QUIET, Spec("other"), edges=calls)).evidence is Evidence.IDLE


@pytest.mark.parametrize(
    ("share", "evidence"), [(0.991, Evidence.IDLE), (0.99, Evidence.IDLE), (0.989, Evidence.UNKNOWN)]
)
def test_silence_needs_the_coverage_that_the_policy_asks_for(share: float, evidence: Evidence) -> None:
    """At and above 99 % of the heartbeats silence is proven, below it is not."""
    seen = np.ones(HOURS)
    seen[1:] = (share * HOURS + 1e-3 - 1) / (HOURS - 1)
    assert _judged(world(replace(QUIET, series={"seen": seen}))).evidence is evidence


def test_silence_needs_the_first_hour_of_the_window() -> None:
    """99.7 % coverage proves nothing when its first bucket is missing."""
    seen = np.ones(HOURS)
    seen[0] = 0
    found = _judged(world(replace(QUIET, series={"seen": seen})))
    assert found.evidence is Evidence.UNKNOWN
    assert "including its first hour" in found.why


def test_a_missing_heartbeat_counts_as_not_seen() -> None:
    """NaN coverage is no coverage."""
    lined = panel(world(replace(QUIET, series={"seen": np.nan})), PolicySpec())
    assert coverage(lined).tolist() == [0.0]


def test_silence_needs_whole_replies() -> None:
    """One partial reply anywhere in the window makes silence UNKNOWN, and its hour uncovered."""
    known = np.ones(HOURS, dtype=bool)
    known[100] = False
    found = _judged(world(QUIET, known=known))
    assert found.evidence is Evidence.UNKNOWN
    assert "1 h of the window came from partial replies" in found.why
    assert found.coverage == pytest.approx(1 - 1 / HOURS)


@pytest.mark.parametrize("born", [np.nan, factories.WINDOW.start.timestamp() + 1])
def test_silence_needs_existence_all_along(born: float) -> None:
    """A workload born in the window, or of unknown age, is UNKNOWN."""
    found = _judged(world(replace(QUIET, series={"born": born})))
    assert (found.evidence, "existed throughout" in found.why) == (Evidence.UNKNOWN, True)


def test_silence_needs_a_sidecar_in_every_pod() -> None:
    """Without a proxy nobody would have seen the traffic."""
    found = _judged(world(replace(QUIET, meshed=False)))
    assert (found.evidence, "microglia.dev/ignore" in found.why) == (Evidence.UNKNOWN, True)


def test_what_metrics_never_named_is_unknown() -> None:
    """A meshed workload without a row is UNKNOWN and says to check the scraping."""
    whole = world(QUIET)
    found = _judged(replace(whole, rows={}))
    assert (found.evidence, found.coverage) == (Evidence.UNKNOWN, 0.0)
    assert "never named it" in found.why


def test_what_metrics_cannot_tell_apart_is_unknown() -> None:
    """Two kinds under one name share their series, so neither is judged."""
    whole = world(QUIET)
    found = _judged(replace(whole, rows={}, ambiguous=frozenset({"shop/quiet"})))
    assert (found.evidence, "cannot tell apart" in found.why) == (Evidence.UNKNOWN, True)


def test_a_call_by_nobody_known_is_use_all_the_same() -> None:
    """Traffic from an unknown peer is use of the workload that served it."""
    calls = factories.edges((UNKNOWN_PEER, host("quiet"), "shop/quiet"))
    assert _judged(world(QUIET, edges=calls)).evidence is Evidence.USED
