"""One lap, in order. Nothing else knows the order; a rehearsal is this lap without its last two lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import perf_counter

from microglia.act.apply import Conduct, apply
from microglia.act.merged import recognise
from microglia.act.settle import settle
from microglia.compete.decide import select
from microglia.guard.judge import judge
from microglia.guard.regrow import Owed, owed, regrow, shields
from microglia.guard.verdict import Verdict, judged
from microglia.guard.watch import attended
from microglia.lifecycle.states import State
from microglia.lifecycle.step import step
from microglia.model.ports import Cluster, Traffic
from microglia.model.window import Window
from microglia.observe.look import beside, observe
from microglia.plan.document import Plan, Way
from microglia.plan.draft import draft, widening
from microglia.plan.grounds import Grounds
from microglia.plan.history import History, Record
from microglia.plan.ports import Journal, Writer
from microglia.plan.rare import NOTHING_RARE, rare
from microglia.plan.signals import signals
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import PruningPolicy
from microglia.policy.scope import members
from microglia.protect import protect
from microglia.score import score
from microglia.topology.build import build
from microglia.topology.graph import Topology
from microglia.verify.clear import Checked, Cleared, Refused, verify, winnow


@dataclass(frozen=True, slots=True)
class World:
    """What a lap looks at and, when it acts, writes to."""

    cluster: Cluster
    traffic: Traffic
    writer: Writer
    journal: Journal


@dataclass(frozen=True, slots=True)
class Case:
    """Whose structure, at what moment; with ``given`` that plan is checked in place of a newly drafted one, and without
    ``drafts`` no new plan takes anything: then only what hurt is given back. ``way`` is how it will be carried out;
    ``git`` says that ``for_git`` is asked as well. ``rejected`` is what a person's no holds back, by element, with the
    reason."""

    policy: PruningPolicy
    now: datetime
    given: Plan | None = None
    drafts: bool = True
    way: Way = "cluster"
    git: bool = False
    rejected: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Rehearsal:
    """Everything one lap decided. ``seconds`` is how long each step took, by its name, in order."""

    policy: PruningPolicy
    verdicts: tuple[Verdict, ...]
    grounds: Grounds
    state: State
    checked: Checked
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


See = Callable[[], Topology]


def look(
    world: World,
    policy: PruningPolicy,
    now: datetime,
    protections: Sequence[ProtectionObject] = (),
    history: History | None = None,
) -> Topology:
    """Observe the policy's window up to ``now`` and join what was seen. Raises UnreadableError when nothing answers.

    ``protections`` are those that people wrote in files; they count like the cluster's own. How slow requests were is
    asked for what ``history`` has under watch, and for nothing else: histograms are dear.
    """
    window = Window.ending(now, policy.spec.observation.window)
    topology = build(beside(observe(world.cluster, world.traffic, window, now), protections))
    keys = attended(history, topology) if history and "latency" in policy.spec.guard.signals else ()
    if not keys:
        return topology
    above = policy.spec.guard.latency_above / timedelta(milliseconds=1)
    slowness = world.traffic.slowness(keys, window, now, above)
    seen = replace(topology.activity, slowness=slowness)
    return replace(topology, snapshot=replace(topology.snapshot, activity=seen))


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
        found = rare(topology, scored, protected, policy, policies) if case.git or case.way == "git" else NOTHING_RARE
        grounds = Grounds(topology, scores, protected, selection, history, found, case.rejected)
        # Where nobody writes to the cluster, a round lasts until people have merged its share.
        merging = case.git and spec.actuation.mode == "propose"
        told = signals(grounds, shielded, spec, "git" if merging else case.way)
        state = step(history.state, told, policy, now)
    with _timed("plan", seconds):
        plan = _hurt(verdicts, replace(history, state=state), topology, case)
        plan = plan or widening(grounds, state, policy, now, case.way) or case.given
        check = verify if plan and plan is case.given else winnow
        plan = plan or _drafted(grounds, state, case)
    with _timed("verify", seconds):
        fresh = see()
        # Scores rest on nothing but what the digest covers; protections read more of an object than that.
        same, alike = fresh.snapshot.digest == topology.snapshot.digest, fresh is topology and state.shields == shielded
        known = (scored, protected if alike else None) if same else None
        checked = check(plan, fresh, replace(history, state=state), policy, now, known)
        if _stuck(checked):
            state = step(history.state, replace(told, movable=False), policy, now)
    return Rehearsal(policy, verdicts, grounds, state, checked, seconds)


def for_git(found: Rehearsal, now: datetime) -> Checked:
    """What the cluster's plan must leave to Git, as a plan of its own, checked on the facts of the rehearsal: whoever
    proposes it asks every gate again. What hurt there comes first: until it is back, nothing more is taken there."""
    grounds, policy = found.grounds, found.policy
    debt = owed_by_git(found, now)
    plan = debt.plan if debt else draft(grounds, found.state, policy, now, "git", left_over=True)
    return winnow(plan, grounds.topology, replace(grounds.history, state=found.state), policy, now)


def owed_by_git(found: Rehearsal, now: datetime) -> Owed | None:
    """What hurt and only Git can give back, None when it is nothing."""
    grounds = found.grounds
    history = replace(grounds.history, state=found.state)
    return owed(found.verdicts, history, grounds.topology, found.policy, now)


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


def remember(rehearsal: Rehearsal, journal: Journal, now: datetime) -> None:
    """Keep what a lap for Git found out: verdicts on what was merged, and the phase. Raises OSError."""
    for verdict in rehearsal.verdicts:
        journal.judge(verdict.record, [verdict.judgement(now)])
    journal.save(rehearsal.state)


def past(world: World, structure: str, now: datetime, settled: Journal | None = None) -> History:
    """What was done, as true as it can be told: proposals that were merged are recognised, interrupted writes settled.
    Who does not hold the lock gives ``settled``, a sketch of the journal: a write that looks interrupted may be under
    way. Raises OSError when the journal cannot be read or written."""
    recognise(world.journal, world.cluster, structure, now)
    return settle(settled or world.journal, world.writer, structure, now)


def lap(world: World, policies: Sequence[PruningPolicy], case: Case, conduct: Conduct) -> Lap:
    """Settle, decide, and do what was cleared."""
    history = past(world, case.policy.metadata.name, case.now)
    rehearsal = rehearse(lambda: look(world, case.policy, case.now, (), history), history, policies, case)
    return Lap(rehearsal, carry_out(rehearsal, world, conduct))


def _hurt(verdicts: Sequence[Verdict], history: History, topology: Topology, case: Case) -> Plan | None:
    debt = owed(verdicts, history, topology, case.policy, case.now) if case.way == "git" else None
    plan = debt.plan if debt else regrow(verdicts, history, topology, case.policy, case.now)
    return plan.model_copy(update={"way": case.way}) if plan else None


def _drafted(grounds: Grounds, state: State, case: Case) -> Plan:
    plan = draft(grounds, state, case.policy, case.now, case.way)
    return plan if case.drafts else plan.only()


def _stuck(checked: Checked) -> bool:
    """Whether every single change was refused for itself: then this round may take nothing more. What was merely not
    heard of just now is heard again, or loses its evidence."""
    return isinstance(checked, Refused) and all(no.raised_by >= 0 and no.gate != "freshness" for no in checked.refusals)


@contextmanager
def _timed(name: str, seconds: dict[str, float]) -> Iterator[None]:
    started = perf_counter()
    yield
    seconds[name] = perf_counter() - started
