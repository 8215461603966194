"""One lap, in order. Nothing else knows the order; a rehearsal is this lap without its last two lines."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from time import perf_counter

from microglia.act.apply import Conduct, apply
from microglia.act.settle import settle
from microglia.compete.decide import select
from microglia.guard.judge import judge
from microglia.guard.regrow import regrow, shields
from microglia.guard.verdict import Verdict, judged
from microglia.lifecycle.states import State
from microglia.lifecycle.step import step
from microglia.model.ports import Cluster, Traffic
from microglia.model.window import Window
from microglia.observe.look import beside, observe, observe_objects
from microglia.plan.document import Note, Plan
from microglia.plan.draft import draft
from microglia.plan.grounds import Grounds
from microglia.plan.history import History, Record
from microglia.plan.inverse import inverse
from microglia.plan.ports import Journal, Writer
from microglia.plan.signals import signals
from microglia.policy.naming import Metadata
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import PruningPolicy
from microglia.policy.scope import members
from microglia.protect import protect
from microglia.score import score
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.verify.clear import Cleared, Refused, verify, winnow


@dataclass(frozen=True, slots=True)
class World:
    """What a lap looks at and, when it acts, writes to."""

    cluster: Cluster
    traffic: Traffic
    writer: Writer
    journal: Journal


@dataclass(frozen=True, slots=True)
class Case:
    """Whose structure, at what moment; with ``given`` that plan is checked in place of a newly drafted one."""

    policy: PruningPolicy
    now: datetime
    given: Plan | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """Everything one lap decided. ``seconds`` is how long each step took, by its name, in order."""

    policy: PruningPolicy
    verdicts: tuple[Verdict, ...]
    grounds: Grounds
    state: State
    checked: Cleared | Refused
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        """What it would do."""
        return self.checked.plan


@dataclass(frozen=True, slots=True, eq=False)
class Lap:
    """A rehearsal, and what was really done: None when a gate refused or there was nothing to do."""

    rehearsal: Rehearsal
    record: Record | None


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


See = Callable[[], Topology]


def look(world: World, policy: PruningPolicy, now: datetime, protections: Sequence[ProtectionObject] = ()) -> Topology:
    """Observe the policy's window up to ``now`` and join what was seen. Raises UnreadableError when nothing answers.

    ``protections`` are those that people wrote in files; they count like the cluster's own.
    """
    window = Window.ending(now, policy.spec.observation.window)
    return build(beside(observe(world.cluster, world.traffic, window, now), protections))


def rehearse(see: See, history: History, policies: Sequence[PruningPolicy], case: Case) -> Rehearsal:
    """Decide everything and change nothing.

    ``policies`` are all in force, because the most specific one claims a workload; ``case`` is the one that this lap is
    about.
    """
    policy, spec, now, seconds = case.policy, case.policy.spec, case.now, dict[str, float]()
    with _timed("observe", seconds):
        topology = see()
    with _timed("judge", seconds):
        verdicts = judge(history, topology, policy, now)
        history = judged(history, verdicts, now)
        shielded = shields(history.state, verdicts, policy, now)
    with _timed("score", seconds):
        scored = score(topology, spec)
    with _timed("protect", seconds):
        protected = protect(topology, scored, spec, shielded, now)
    with _timed("compete", seconds):
        scores = scored.within(members(policies, policy, topology))
        selection = select(scores, protected, topology, spec)
    with _timed("lifecycle", seconds):
        grounds = Grounds(topology, scores, protected, selection, history)
        told = signals(grounds, shielded, spec)
        state = step(history.state, told, policy, now)
    with _timed("plan", seconds):
        plan = regrow(verdicts, history, topology, policy, now) or case.given
        check = verify if plan and plan is case.given else winnow
        plan = plan or draft(grounds, state, policy, now)
    with _timed("verify", seconds):
        fresh = see()
        # Scores rest on nothing but what the digest covers; protections read more of an object than that.
        same, alike = fresh.snapshot.digest == topology.snapshot.digest, fresh is topology and state.shields == shielded
        known = (scored, protected if alike else None) if same else None
        checked = check(plan, fresh, replace(history, state=state), policy, now, known)
        if _stuck(checked):
            state = step(history.state, replace(told, movable=False), policy, now)
    return Rehearsal(policy, verdicts, grounds, state, checked, seconds)


def carry_out(rehearsal: Rehearsal, world: World, conduct: Conduct) -> Record | None:
    """Remember the phase, and apply what was cleared. None when a gate refused or nothing was to be done."""
    checked = rehearsal.checked
    for verdict in rehearsal.verdicts:
        world.journal.judge(verdict.record, [verdict.judgement(conduct.clock())])
    # Before the first write: shields and the counts at first must outlive whatever ends this process.
    world.journal.save(rehearsal.state)
    if isinstance(checked, Cleared) and checked.plan.changes:
        return apply(checked, world.writer, world.journal, conduct)
    return None


def lap(world: World, policies: Sequence[PruningPolicy], case: Case, conduct: Conduct) -> Lap:
    """Settle, decide, and do what was cleared."""
    history = settle(world.journal, world.writer, case.policy.metadata.name, case.now)
    rehearsal = rehearse(lambda: look(world, case.policy, case.now), history, policies, case)
    return Lap(rehearsal, carry_out(rehearsal, world, conduct))


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
    if isinstance(checked, Refused):
        noes = checked.refusals
        left = tuple(Note(subject=one.subject, what=f"refused by gate {one.gate}", why=one.message) for one in noes)
        return GivenBack(plan, None, left)
    record = apply(checked, world.writer, world.journal, conduct) if checked.plan.changes else None
    given = GivenBack(checked.plan, record, checked.plan.held[len(plan.held) :])
    if given.whole:
        for undone in records:
            world.journal.restored(undone.id, checked.plan.id)
    return given


def _stuck(checked: Cleared | Refused) -> bool:
    """Whether every single change was refused for itself: then this round may take nothing more. What was merely not
    heard of just now is heard again, or loses its evidence."""
    return isinstance(checked, Refused) and all(no.raised_by >= 0 and no.gate != "freshness" for no in checked.refusals)


@contextmanager
def _timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    started = perf_counter()
    yield
    seconds[name] = perf_counter() - started
