"""Where every workload's replicas stand before anything competes."""

from dataclasses import dataclass

from microglia.model.ids import WorkloadId
from microglia.policy.schema import RESOURCES, PolicySpec, PruningPolicy
from microglia.policy.scope import in_scope
from microglia.protect.ledger import Level, Protection
from microglia.score.holds import FLOORING, PINNING, UNSEEN
from microglia.score.scores import Evidence, ReplicaScore
from microglia.score.weak import load_bearing
from microglia.topology.graph import Topology

IGNORE = "microglia.dev/ignore"


@dataclass(frozen=True, slots=True)
class Stand:
    """One workload's copies, counted from below: ``bearing`` are load-bearing; from there to ``base`` they are kept
    only because something could not be seen; from ``base`` up they compete. ``ruled``: a rule pins them all."""

    score: ReplicaScore
    bearing: int
    base: int
    ruled: bool

    @property
    def start(self) -> int:
        """The count that is kept whatever comes."""
        return self.score.current if self.ruled else self.base

    @property
    def unit(self) -> tuple[float, ...]:
        """Cost of one replica, in the order of ``RESOURCES``; proxy configuration is a matter of routes."""
        return tuple(0.0 if name == "proxyConfig" else self.score.unit.get(name, 0.0) for name in RESOURCES)


def scope_of(topology: Topology, policy: PolicySpec) -> frozenset[WorkloadId]:
    """The workloads that the policy selects and that nobody asked to ignore."""
    whole = PruningPolicy(spec=policy)
    return frozenset(
        one
        for one, workload in topology.workloads.items()
        if workload.annotations.get(IGNORE) != "true" and in_scope(whole, one, workload.labels)
    )


def stand(score: ReplicaScore, protections: tuple[Protection, ...], policy: PolicySpec) -> Stand:
    """Sort the copies of one workload. One copy is always load-bearing: the last is only ever proposed.

    A rule's pin takes the workload out of the competition and out of relative budgets. What stands only for want of
    sight is kept as well, but makes no room elsewhere.
    """
    current = score.current
    seen = [_floor(one, current) for one in protections if not one.blind]
    seen += [hold.floor for hold in score.holds if hold.code in PINNING | FLOORING]
    unseen = [_floor(one, current) for one in protections if one.blind]
    unseen += [hold.floor for hold in score.holds if hold.code in UNSEEN]
    if score.need is None or score.judged.evidence is Evidence.UNKNOWN:
        unseen.append(current)
    else:
        seen.append(load_bearing(score, policy.retention) or 0)
    bearing = min(current, max(1, *seen)) if seen else 0
    ruled = any(one.level is Level.PIN and not one.blind for one in protections)
    ruled = ruled or any(hold.code in PINNING for hold in score.holds)
    return Stand(score, bearing, min(current, max(bearing, *unseen)) if unseen else bearing, ruled)


def _floor(protection: Protection, current: int) -> int:
    return current if protection.level is Level.PIN else protection.floor
