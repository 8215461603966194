"""What holds of decisions when there is less: of a budget, or of sight."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microglia.compete.selection import Element, Selection
from microglia.model.ids import WorkloadId
from microglia.plan.change import ScaleChange
from microglia.policy.schema import RESOURCES as ALL
from microglia.policy.schema import Resource
from microglia.verify.clear import Cleared
from microglia.world.schema import World
from tests.properties.careful import careful
from tests.properties.eyes import Seen, deaf
from tests.properties.playing import Play
from tests.properties.worlds import RESOURCES, SPACE, meshes, pinned, policy, unequal

pytestmark = pytest.mark.timeout(180)

TWO = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted)


@given(meshes(), st.sampled_from([*RESOURCES, "replicas"]), TWO, st.sampled_from(["spare", "limit"]))
@careful(80)
def test_a_smaller_budget_never_keeps_a_larger_cost(
    world: World, resource: str, shares: Sequence[float], how: str
) -> None:
    """With one scarce resource, less of it keeps no more of it, be it a share to spare or a limit."""
    play = Play(world)
    topology = play.look(policy())
    kept = []
    for share in shares:
        present = play.rehearse(policy(**{resource: {"spare": 9.0}}), topology).grounds.selection.accounts[0].present
        limit = {"spare": share} if how == "spare" else {"limit": f"{share * present:.3f}"}
        kept.append(play.rehearse(policy(**{resource: limit}), topology).grounds.selection.accounts[0].kept)
    assert kept[0] <= kept[1] * (1 + 1e-9) + 1e-6


@given(meshes(), st.lists(TWO, min_size=3, max_size=3))
@careful(80)
def test_smaller_budgets_never_keep_more_value(world: World, shares: list[Sequence[float]]) -> None:
    """With several scarce resources, less of each keeps no more value, within the gap that is certified."""
    play = Play(world)
    topology = play.look(policy())
    small, large = (
        play.rehearse(
            policy(**{name: {"spare": pair[which]} for name, pair in zip(RESOURCES, shares, strict=True)}), topology
        ).grounds.selection
        for which in (0, 1)
    )
    assert small.value <= large.value * (1 + 1e-9) + 1e-9


SPARES = st.sampled_from([0.0, 0.3, 1.0])
FORBIDDEN = (
    "PodDisruptionBudget", "HorizontalPodAutoscaler", "Node", "Service", "Pod", "StatefulSet", "Deployment", "Sidecar",
    "DestinationRule", "Lease",
)  # fmt: skip
BLIND = st.one_of(st.just(set[str]()), st.sets(st.sampled_from(FORBIDDEN), min_size=1, max_size=2))
Missed = tuple[set[int], int, bool]
MISSED = st.tuples(st.sets(st.integers(0, 6), max_size=5), st.integers(0, 47), st.sampled_from([False, False, True]))


def test_more_missing_data_never_prunes_more() -> None:
    """With one scarce resource, and kinds that may not be read or workloads that were not heard for some hours: no more
    of it is given up than with everything, beyond the next element that did not fit; nothing goes that full sight
    protects; and what was not heard stays."""
    seen: Counter[str] = Counter()

    @given(meshes(), st.sampled_from(RESOURCES), SPARES, BLIND, MISSED)
    @example(unequal(), "memory", 1.0, set(), ({0}, 5, False))
    @example(unequal(), "memory", 0.0, {"PodDisruptionBudget"}, (set(), 0, False))
    @careful(100)
    def holds(world: World, resource: Resource, spare: float, blind: set[str], missed: Missed) -> None:
        play, rules = Play(world), policy(**{resource: {"spare": spare}})
        whole = play.rehearse(rules)
        play.cluster.forbidden = frozenset(blind)
        names, hour, partial = {f"{SPACE}/w{number}" for number in missed[0]}, *missed[1:]
        eyes = Seen(play, lambda found: deaf(found, names, hour, partial=partial))
        less = play.rehearse(rules, play.look(rules, traffic=eyes))
        excess = [one.grounds.selection.accounts[0].excess for one in (whole, less)]
        assert excess[1] <= excess[0] + _next(less.grounds.selection, ALL.index(resource)) + 1e-6
        ledger = whole.grounds.protections
        for change in less.plan.changes if isinstance(less.checked, Cleared) else ():
            if isinstance(change, ScaleChange):
                assert not partial
                assert change.workload not in names | pinned(world)
                assert change.after >= ledger.floor(change.id, change.before)
            else:
                assert not any(ledger.of_route(change.id, one) for one in change.cut)
        seen.update(less=excess[1] < excess[0] - 1e-6, pruned=excess[1] > 1e-6)

    holds()
    assert seen["less"] > 10
    assert seen["pruned"] > 10


def _next(selection: Selection, column: int) -> float:
    """The cost of the cheapest element that could come next: the lowest step of a workload, a host of a class."""
    costs = [0.0]
    steps: dict[WorkloadId, Element] = {}
    for one in sorted(selection.yielded, key=lambda one: -one.element.low):
        if one.element.kind == "replica":
            steps[one.element.workload] = one.element
        else:
            costs.append(one.element.cost[column] / len(one.element.hosts))
    costs += [one.cost[column] for one in steps.values()]
    return min((cost for cost in costs if cost > 0), default=0.0)
