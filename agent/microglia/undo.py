"""Giving back outside a lap: by a person's word, or by what guard ordered. It needs no metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from microglia.act.apply import Conduct, apply
from microglia.act.settle import settle
from microglia.cycle import World, look
from microglia.guard.judge import judge
from microglia.guard.regrow import regrow
from microglia.guard.verdict import Verdict, judged
from microglia.observe.look import observe_objects
from microglia.plan.allowlist import due
from microglia.plan.change import SidecarChange
from microglia.plan.document import Note, Plan
from microglia.plan.eligible import own_sidecars
from microglia.plan.history import History, Record
from microglia.plan.inverse import Taken, giving_back, inverse
from microglia.plan.sidecar import allowed
from microglia.plan.standing import Standing, standing
from microglia.policy.naming import Metadata
from microglia.policy.schema import PruningPolicy
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.verify.clear import Cleared, Refused, winnow


@dataclass(frozen=True, slots=True)
class GivenBack:
    """What was given back: no record when nothing of it was still gone. ``plan.held`` tells what there is nothing to
    give back of, ``left`` what was refused."""

    plan: Plan
    record: Record | None
    left: tuple[Note, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether everything that can be given back is back."""
        steps = self.record.steps if self.record else ()
        return not self.left and all(step.state == "done" for step in steps)


def give_back(records: Sequence[Record], world: World, conduct: Conduct) -> GivenBack:
    """Undo what ``records`` did, from the journal and the objects alone.

    An object that is gone or somebody else's now is left out and told. Raises UnreadableError when the API server does
    not answer.
    """
    now = conduct.clock()
    structure = records[0].plan.structure
    history = settle(world.journal, world.writer, structure, now)
    settled = {record.id: record for record in history.records}
    topology = build(observe_objects(world.cluster, now))
    plan = inverse([settled[record.id] for record in records], topology.objects, now)
    checked = winnow(plan, topology, history, PruningPolicy(metadata=Metadata(name=structure)), now)
    if not isinstance(checked, Cleared):
        noes = checked.refusals if isinstance(checked, Refused) else ()
        left = tuple(Note(subject=one.subject, what=f"refused by gate {one.gate}", why=one.message) for one in noes)
        return GivenBack(plan, None, left)
    record = apply(checked, world.writer, world.journal, conduct) if checked.plan.changes else None
    given = GivenBack(checked.plan, record, checked.plan.held[len(plan.held) :])
    if given.whole:
        for undone in records:
            world.journal.restored(undone.id, checked.plan.id)
    return given


def regrow_ordered(world: World, history: History, policy: PruningPolicy, conduct: Conduct) -> Record | None:
    """Give back what guard ordered back in an earlier lap and what is still gone, and every allow-list that hides
    something new, without any metrics; None when there is neither or nothing can be written. Raises UnreadableError
    when the API server does not answer."""
    taken = [
        (one, one.judgement.why)
        for one in reversed(standing(history))
        if one.judgement is not None and one.judgement.verdict == "Regrow"
    ]
    lists = [one for one in reversed(standing(history)) if _lists(one)]
    if not taken and not lists:
        return None
    now = conduct.clock()
    topology = build(observe_objects(world.cluster, now))
    taken += [(one, why) for one in lists if (why := _outgrown(one, topology))]
    if not taken:
        return None
    undo = [Taken(one.change, why) for one, why in taken]
    plan = giving_back(undo, topology.objects, taken[0][0].record.plan, now, "regrow")
    checked = winnow(plan, topology, history, policy, now)
    if not isinstance(checked, Cleared) or not checked.plan.changes:
        return None
    return apply(checked, world.writer, world.journal, conduct)


def _lists(one: Standing) -> bool:
    return isinstance(one.change, SidecarChange) and allowed(one.change.after) is not None


def _outgrown(one: Standing, topology: Topology) -> str:
    """What is new that the client's allow-list hides; empty for nothing."""
    workload, raw = topology.workloads.get(one.change.id), own_sidecars(topology.objects).get(one.change.id)
    return next(iter(due(topology, workload, raw).values()), "") if workload and raw else ""


def watched_over(
    world: World, history: History, policy: PruningPolicy, now: datetime, conduct: Conduct | None = None
) -> tuple[tuple[Verdict, ...], Record | None]:
    """Guard alone, without a lap around it: judge what ``history`` has in force, remember the verdicts, and give back
    what hurt, and what hides something new. Without a ``conduct`` it only looks, and nothing is written. Raises
    UnreadableError."""
    topology = look(world, policy, now, (), history)
    verdicts = judge(history, topology, policy, now)
    if conduct is None:
        return verdicts, None
    for verdict in verdicts:
        world.journal.judge(verdict.record, [verdict.judgement(now)])
    history = judged(history, verdicts, now)
    plan = regrow(verdicts, history, topology, policy, now)
    if plan is None:
        return verdicts, regrow_ordered(world, history, policy, conduct)
    checked = winnow(plan, topology, history, policy, now)
    if not isinstance(checked, Cleared):
        return verdicts, None
    return verdicts, apply(checked, world.writer, world.journal, conduct)
