"""The worked example of the design, number by number."""

import numpy as np
import pytest

from microglia.compete import select
from microglia.model.ids import WorkloadId
from microglia.policy.schema import PolicySpec, Retention
from microglia.protect.ledger import ledger
from microglia.score import score
from microglia.score.risk import steps
from tests import factories
from tests.unit.score.worlds import Spec, calls, daily, host, world

CART, WEB = WorkloadId("shop", "cart"), WorkloadId("shop", "web")


def _peaks() -> np.ndarray:
    """A daily peak of 160 requests per second, once 180."""
    peaks = 160 * daily()
    peaks[int(peaks.argmax())] = 180
    return peaks


def _example(replicas: int = 5, demonstrated: float = 0.0):
    cart = Spec(
        "cart", replicas, rps=150, series={"peak": _peaks(), "cpu_peak": _peaks() * 0.0035, "old_load": demonstrated}
    )
    idle = factories.service("idle", ports=[{"port": 80}, {"port": 81}])
    active = np.ones(factories.WINDOW.hours)
    web = Spec("web", 4, series={"sent": active})
    return world(cart, web, edges=calls(("web", "cart")), more=[idle])


def test_capacity_survivors_and_need_come_out_as_written() -> None:
    """5 replicas in 3 zones, 100 rps each, peak 180: survivors of 3, 4, 5, 6 are 2, 2, 3, 4, and need is 3."""
    policy = PolicySpec(retention=Retention(survive=("zone",)))
    found = score(_example(6), policy).replicas[CART]
    assert found.capacity.rps == pytest.approx(100, rel=1e-6)
    assert found.survivors == (0, 0, 1, 2, 2, 3, 4)
    assert found.need == 3
    assert found.peak == 180
    assert "survivors(k) x 100 rps >= 1.1 x 180 = 198 rps" in found.arithmetic


def test_the_fourth_and_fifth_copy_are_one_step() -> None:
    """A fourth copy adds no survivor, so it competes together with the fifth: for 1,000 m of CPU of its own
    container."""
    found = score(_example(), PolicySpec(retention=Retention(survive=("zone",)))).replicas[CART]
    ((low, high, value),) = steps(found, 3)
    assert (low, high) == (3, 5)
    assert value == pytest.approx(found.risk[3] - found.risk[5])
    assert found.risk[3] == found.risk[4] > found.risk[5]
    assert found.unit["cpu"] == pytest.approx(0.5 + 0.1)


def test_the_path_pauses_at_four() -> None:
    """36 rps are demonstrated: 4 may carry 45 now and 90 after a zone is lost, 3 would carry 60, more than 1.5 x 36."""
    found = score(_example(), PolicySpec(retention=Retention(survive=("zone",)))).replicas[CART]
    assert found.capacity.demonstrated == 36
    assert found.reach == 4
    (held,) = found.holds
    assert (held.code, held.floor) == ("stretch", 4)
    assert "60 requests per second" in held.why
    assert "released once 40 have been seen" in held.why


def test_three_are_allowed_once_45_were_seen() -> None:
    """At 4 the peak is 45 rps per replica; once that was healthy nothing holds 3."""
    found = score(_example(4, demonstrated=45), PolicySpec(retention=Retention(survive=("zone",)))).replicas[CART]
    assert found.capacity.demonstrated == 45
    assert found.reach == 3
    assert found.holds == ()


def test_a_route_never_called_is_bounded_by_three_over_its_hours() -> None:
    """Not called in 336 h of its client's own activity: 3/336 = 0.009 per hour; 2 ports and 4 client pods: 0.59 MB."""
    routes = [route for route in score(_example(), PolicySpec()).routes if route.client == WEB]
    (idle,) = [route for route in routes if host("idle") in route.hosts]
    assert idle.hours == 336
    assert idle.value == pytest.approx(2.9957 / 336, rel=1e-4)
    assert idle.cost == 592_000


def test_the_competition_sends_the_step_away_when_the_spare_is_too_small() -> None:
    """20 % over what is load-bearing has no room for two more copies of 600 m, so the target is need."""
    topology = _example()
    selection = select(score(topology, PolicySpec()), ledger(()), topology, PolicySpec())
    assert selection.targets[CART] == 3
    assert selection.yielded[0].element.id == "replica:shop/cart:3-5"
    assert selection.yielded[0].element.cost[0] == pytest.approx(1.2)
