"""What other rooms rely on without asking."""

from microglia.topology.build import build
from microglia.topology.graph import Topology
from tests.factories import deployment, snapshot


def test_a_topology_built_by_hand_still_finds_deployments() -> None:
    """``by_key`` needs no index where one was not given."""
    made = build(snapshot(deployment("a")))
    fields = {name: getattr(made, name) for name in Topology.__slots__ if name != "keyed"}
    assert Topology(**fields).by_key("shop/a") is made.workloads[next(iter(made.workloads))]
    assert made.objects is made.snapshot.objects
    assert made.activity is made.snapshot.activity
