"""What one replica can serve: declared, or by its CPU; never guessed."""

from dataclasses import replace

import numpy as np
import pytest

from microglia.model.activity import ContainerActivity, Edge, EdgeActivity
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec
from microglia.score import score
from microglia.score.capacity import imbalance
from microglia.score.panel import panel
from microglia.score.regression import fit
from microglia.score.scores import ReplicaScore
from microglia.topology.graph import Topology
from tests import factories
from tests.autoscaling import hpa, per_second
from tests.unit.score.worlds import Spec, daily, host, world

HOURS = factories.WINDOW.hours
CART = Spec("cart", rps=100)
ID = WorkloadId("shop", "cart")


def _score(topology: Topology) -> ReplicaScore:
    return score(topology, PolicySpec()).replicas[ID]


def _declares(text: str, spec: Spec = CART) -> Spec:
    return replace(spec, parts={"annotations": {"microglia.dev/capacity": text}})


def _containers(**cpu: np.ndarray) -> ContainerActivity:
    return ContainerActivity(tuple(("shop/cart", name) for name in cpu), np.array(list(cpu.values()), dtype=np.float32))


def test_the_line_through_exact_points_is_exact() -> None:
    """Points on y = 2 + 3 x: slope and upper bound 3, everything explained."""
    x = np.arange(30.0)[None, :]
    found = fit(x, 2 + 3 * x, np.ones((1, 30), dtype=bool))
    assert found.slope[0] == pytest.approx(3)
    assert found.upper[0] == pytest.approx(3)
    assert found.explained[0] == pytest.approx(1)


def test_the_upper_bound_follows_the_textbook() -> None:
    """Slope plus Student's 95 % quantile times its standard error, on points known from a small table."""
    x = np.tile([1.0, 2.0, 3.0], 8)[None, :]
    y = np.tile([1.0, 2.0, 6.0], 8)[None, :]
    found = fit(x, y, np.ones((1, 24), dtype=bool))
    # Sxx = 16, Sxy = 40, Syy = 112: slope 2.5, residual 12, error sqrt(12 / 22 / 16), t(0.95; 22) = 1.7171.
    assert found.slope[0] == pytest.approx(2.5)
    assert found.upper[0] == pytest.approx(2.5 + 1.7171 * np.sqrt(12 / 22 / 16), rel=1e-4)
    assert found.explained[0] == pytest.approx(1600 / (16 * 112))


@pytest.mark.parametrize("points", [23, 24])
def test_fewer_points_than_a_day_say_nothing(points: int) -> None:
    """23 usable points give no line, 24 do."""
    x = np.arange(30.0)[None, :]
    usable = (np.arange(30) < points)[None, :]
    found = fit(x, x, usable)
    assert np.isfinite(found.slope[0]) == (points == 24)
    assert found.explained[0] == pytest.approx(1.0 if points == 24 else 0.0)


def test_x_that_never_varied_says_nothing() -> None:
    """A constant explains nothing and bounds nothing."""
    found = fit(np.ones((1, 30)), np.arange(30.0)[None, :], np.ones((1, 30), dtype=bool))
    assert np.isnan(found.upper[0])
    assert found.explained[0] == 0


def test_the_cpu_model_is_utilisation_times_request_over_seconds() -> None:
    """70 % x 500 m / 3.5 ms = 100 requests per second, by the app; its proxy would allow 200."""
    found = _score(world(CART)).capacity
    assert found.rps == pytest.approx(100, rel=1e-5)
    assert found.source == "CPU model, container app"
    assert found.arithmetic == "70% x 0.5 cpu / 3.5 ms per request = 100 rps"


def test_the_tightest_container_counts() -> None:
    """A proxy that burns 1 ms of its 100 m allows 70, less than the app's 100."""
    requests = 100 * daily()
    topology = world(CART, containers=_containers(**{"app": requests * 0.0035, "istio-proxy": requests * 0.001}))
    found = _score(topology).capacity
    assert found.rps == pytest.approx(70, rel=1e-5)
    assert found.source == "CPU model, container istio-proxy"


def test_the_least_of_declared_and_model_counts() -> None:
    """60 rps declared is less than the model's 100; 300 declared is not."""
    low, high = _score(world(_declares("60rps"))).capacity, _score(world(_declares("300rps"))).capacity
    assert (low.rps, low.source, low.arithmetic) == (60, "declared", "declared 60 rps")
    assert high.rps == pytest.approx(100, rel=1e-5)
    assert (low.demonstrated, high.demonstrated) == (60, 300)


def test_the_imbalance_at_the_peak_divides() -> None:
    """The busiest replica takes 1.25 times the mean at the peak: 80 instead of 100."""
    uneven = np.ones(HOURS)
    uneven[int(daily().argmax())] = 1.25
    found = _score(world(replace(CART, series={"imbalance": uneven}))).capacity
    assert found.imbalance == pytest.approx(1.25)
    assert found.rps == pytest.approx(80, rel=1e-5)
    assert "/ 1.25" in found.arithmetic


def test_an_unseen_imbalance_takes_the_worst_that_was_seen() -> None:
    """Where the peak's bucket does not say, the highest of the others stands in; below one never happens."""
    uneven = np.full(HOURS, 0.5)
    uneven[3], uneven[int(daily().argmax())] = 2.0, np.nan
    assert _score(world(replace(CART, series={"imbalance": uneven}))).capacity.imbalance == 2.0
    assert _score(world(replace(CART, series={"imbalance": 0.5}))).capacity.imbalance == 1.0


def test_an_imbalance_that_was_never_seen_leaves_capacity_unknown() -> None:
    """Nobody knows how much the busiest replica carries."""
    found = _score(world(replace(CART, series={"imbalance": np.nan})))
    assert found.capacity.rps is None
    assert found.holds[0].code == "capacity"
    assert "how evenly" in found.holds[0].why


def test_imbalance_of_no_workloads_is_empty() -> None:
    """An empty mesh has an empty answer."""
    lined = panel(world(), PolicySpec())
    assert imbalance(lined, np.zeros(0, dtype=np.int64)).tolist() == []


@pytest.mark.parametrize(("text", "says"), [("fast", "is not a rate"), ("0rps", "is not a capacity")])
def test_a_capacity_that_cannot_be_read_is_no_capacity(text: str, says: str) -> None:
    """A wrong mark holds the workload and says how to write it, though the CPU model knew an answer."""
    found = _score(world(_declares(text)))
    assert found.capacity.rps is None
    assert says in found.holds[0].why
    assert found.holds[0].floor == 5


def test_tcp_and_long_streams_need_a_declaration() -> None:
    """They have no unit of request: the model is not used, a declared capacity is."""
    key = Edge("shop/x", host("cart"), "shop/cart", "tcp")
    none, one = np.zeros(1), np.ones(1, dtype=bool)
    opened = EdgeActivity((key,), one, none + 3, none, none, ~one)
    streams = replace(factories.edges(("shop/x", host("cart"), "shop/cart")), flowing=one)
    for edges in (opened, streams):
        found = _score(world(CART, edges=edges))
        assert (found.capacity.rps, found.holds[0].code) == (None, "capacity")
        assert "long streams" in found.holds[0].why
        assert _score(world(_declares("90rps"), edges=edges)).capacity.rps == 90


def test_a_container_without_a_request_leaves_the_model_without_an_answer() -> None:
    """What it takes is not bounded by anything; a negligible one does not matter."""
    cpu = 100 * daily() * 0.0035
    for share, known in ((0.04, True), (0.2, False)):
        topology = world(CART, containers=_containers(app=cpu, agent=cpu * share))
        assert (_score(topology).capacity.rps is not None) == known
    assert "container agent requests no CPU" in _score(topology).holds[0].why


def test_cpu_that_does_not_rise_with_requests_is_no_model() -> None:
    """A flat or falling line gives no seconds per request."""
    topology = world(CART, containers=_containers(app=np.full(HOURS, 0.2) - 0.1 * daily()))
    found = _score(topology)
    assert found.capacity.rps is None
    assert "does not rise with its requests" in found.holds[0].why


def test_without_container_metrics_capacity_is_unknown() -> None:
    """No CPU of its containers: says what would help."""
    topology = world(CART, containers=ContainerActivity((("gone/away", "app"),), np.ones((1, HOURS), np.float32)))
    found = _score(topology)
    assert found.capacity.rps is None
    assert "cAdvisor" in found.holds[0].why
    assert "microglia.dev/capacity" in found.holds[0].why


def _aims(metric: str, value: str, spec: Spec = CART, edges: EdgeActivity | None = None) -> ReplicaScore:
    return _score(world(spec, edges=edges, more=[hpa(metrics=[per_second(metric, value)])]))


def test_an_autoscalers_target_of_requests_per_second_is_a_capacity() -> None:
    """The least of it and the model's 100 counts; unlike a declared one it is not said to be seen healthy."""
    none, low, high = _score(world(CART)), _aims("http_requests_per_second", "50"), _aims("cart_rps", "300")
    assert (low.capacity.rps, low.capacity.source) == (50, "target of HorizontalPodAutoscaler shop/cart")
    assert low.capacity.arithmetic == "aimed at by HorizontalPodAutoscaler shop/cart: 50 rps = 50 rps"
    assert low.capacity.demonstrated == high.capacity.demonstrated == none.capacity.demonstrated
    assert high.capacity == none.capacity
    silent = replace(CART, seconds=0.0)
    assert (_score(world(silent)).capacity.rps, _aims("cart_rps", "50", silent).capacity.rps) == (None, 50)


def test_any_other_target_says_nothing_of_requests() -> None:
    """A queue's length is none; a declared capacity goes first, even where it cannot be read; streams have no unit."""
    assert _aims("queue_length", "50").capacity == _score(world(CART)).capacity
    assert _aims("cart_rps", "50", _declares("80rps")).capacity.rps == 80
    assert _aims("cart_rps", "50", _declares("many")).capacity.rps is None
    streams = replace(factories.edges(("shop/x", host("cart"), "shop/cart")), flowing=np.ones(1, dtype=bool))
    assert _aims("cart_rps", "50", edges=streams).capacity.rps is None


def test_an_idle_workload_needs_no_capacity() -> None:
    """Its need is its floor, so nothing holds it for want of a capacity."""
    found = _score(world(Spec("cart")))
    assert (found.need, found.holds, found.capacity.rps) == (0, (), None)
    assert found.arithmetic == "idle: need is its floor"
