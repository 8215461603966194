"""Everything a gate may look at, gathered once from fresh facts."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from microglia.model.ids import WorkloadId
from microglia.plan.change import Change, CountChange, Counted, MinimumChange, RemoveChange, SidecarChange
from microglia.plan.document import Plan
from microglia.plan.history import History
from microglia.policy.schema import PolicySpec, PruningPolicy
from microglia.protect import protect
from microglia.protect.ledger import Protections, ledger
from microglia.score import score
from microglia.score.scores import RouteScore, Scores, columns
from microglia.score.seen import see_window
from microglia.score.unseen import Mass
from microglia.topology.graph import Topology
from microglia.topology.nodes import Workload
from microglia.verify.failures import Worse, lose_each
from microglia.verify.replay import Replay, replay
from microglia.verify.verdicts import Proof
from microglia.verify.whatif import After, what_if

Judged: TypeAlias = tuple[Scores, Protections | None]
"""What scoring, and perhaps protecting, said of a world that is the same to the last digit."""


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """A plan beside the world as it is now.

    ``scores`` and ``protections`` are recomputed on that world, and empty for a plan that only gives back; ``worse``
    are the failures that it would make worse.
    """

    plan: Plan
    topology: Topology
    history: History
    policy: PruningPolicy
    now: datetime
    scores: Scores
    protections: Protections
    after: After
    replay: Replay
    worse: tuple[Worse, ...]
    proof: Proof

    @property
    def spec(self) -> PolicySpec:
        """What the policy says."""
        return self.policy.spec

    @property
    def changes(self) -> Iterator[tuple[int, Change, Workload | None]]:
        """Every change with its index and the workload as it is now, None when it is gone."""
        for index, change in enumerate(self.plan.changes):
            yield index, change, self.topology.workloads.get(change.id)

    @property
    def shrinking(self) -> Iterator[tuple[int, Counted, Workload]]:
        """The changes that lower the count of a workload that exists, or the minimum of its autoscaler."""
        for index, change, workload in self.changes:
            if not isinstance(change, CountChange) or workload is None:
                continue
            # A minimum may be lowered though fewer copies than that run just now.
            if change.after < (change.before if isinstance(change, MinimumChange) else workload.replicas):
                yield index, change, workload

    @property
    def hiding(self) -> Iterator[tuple[int, SidecarChange, Workload]]:
        """The changes that hide hosts from a workload that exists."""
        for index, change, workload in self.changes:
            if isinstance(change, SidecarChange) and workload and change.cut:
                yield index, change, workload

    @property
    def taking(self) -> Iterator[tuple[int, Change, Workload]]:
        """Every change that takes something from a workload that exists, in the order of the plan."""
        found: list[tuple[int, Change, Workload]] = [*self.shrinking, *self.hiding]
        yield from sorted(found, key=lambda one: one[0])

    @property
    def removing(self) -> Iterator[tuple[int, RemoveChange]]:
        """The changes that take an object or a rule away."""
        for index, change in enumerate(self.plan.changes):
            if isinstance(change, RemoveChange):
                yield index, change

    @property
    def takes(self) -> bool:
        """Whether any change takes something."""
        return any(self.taking) or any(self.removing)

    def cut_routes(self) -> dict[tuple[WorkloadId, str], RouteScore]:
        """The fresh score of every route that the plan hides; routes that nobody scored are absent."""
        hidden = self.after.hidden
        chosen = columns(self.scores.routes).within(hidden)
        return {
            (route.client, host): route for route in chosen for host in hidden[route.client].intersection(route.hosts)
        }


def gather(
    plan: Plan,
    topology: Topology,
    history: History,
    policy: PruningPolicy,
    now: datetime,
    judged: Judged | None = None,
) -> Facts:
    """Judge the fresh world anew, as far as it was not ``judged`` just now; not for a plan that gives back, which needs
    no metrics."""
    after = what_if(plan, topology)
    if plan.purpose != "prune":
        proof = Proof(0.0, 0.0, 0.0, {}, 0, 0.0)
        nothing = Replay(0.0, (), (), 0.0, Mass(0.0, 0.0, 0.0))
        return Facts(plan, topology, history, policy, now, Scores({}, ()), ledger(()), after, nothing, (), proof)
    scores, protections = judged or (score(topology, policy.spec), None)
    if protections is None:
        shields = history.state.shields if history.state else ()
        protections = protect(topology, scores, policy.spec, shields, now)
    exposed = exposed_counts(history, topology)
    played = replay(topology, policy.spec, scores, after, exposed)
    tried, worse = lose_each(topology, policy.spec, scores, after, exposed)
    proof = Proof(
        requests=played.requests,
        unrouted=sum((lost.requests for lost in played.unrouted), 0.0),
        over_capacity=played.over_capacity,
        failures=tried,
        worse=len({(one.kind, one.name) for one in worse}),
        unseen=played.unseen.share,
        over_before=played.over_before,
        unseen_at_most=played.unseen.high,
        seen=see_window(topology, policy.spec),
    )
    return Facts(plan, topology, history, policy, now, scores, protections, after, played, worse, proof)


def exposed_counts(history: History, topology: Topology) -> dict[WorkloadId, int]:
    """How many copies each workload had when it was first exposed; what it has now where that is not remembered."""
    known = history.state.exposed if history.state else {}
    return {one: known.get(str(one), workload.replicas) for one, workload in topology.workloads.items()}
