"""Replicas that lost: what may go now, what holds the rest, and which pods."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from microglia.compete.selection import Yielded
from microglia.lifecycle.pace import limit
from microglia.model.ids import WorkloadId
from microglia.plan.candidate import Candidate, Run
from microglia.plan.change import MinimumChange, Saving, ScaleChange, Why, decision_digest
from microglia.plan.desk import Desk
from microglia.plan.document import Note
from microglia.plan.minimum import lowered
from microglia.policy.schema import Resource, Retention
from microglia.score.scores import ReplicaScore
from microglia.score.weak import FIELD, below_need, load_bearing
from microglia.topology.nodes import Pod, Workload


def shrinking(table: Desk) -> tuple[list[Candidate], list[Note]]:
    """Workloads above their target: those that may go down a step now, and notes on whatever holds one."""
    candidates: list[Candidate] = []
    held: list[Note] = []
    grounds, pace = table.grounds, table.spec.pace
    for target_id, target in grounds.selection.targets.items():
        workload = grounds.topology.workloads.get(target_id)
        if workload is None or workload.replicas <= target:
            continue
        score = grounds.scores.replicas.get(target_id)
        blocks = _blocked(table, workload, score)
        if blocks or score is None:
            held += [_note(workload, target, why) for why in blocks]
            continue
        floors = [
            *_floors(score, table.spec.retention),
            *_needed(workload, score),
            (grounds.protections.floor(target_id, workload.replicas), "a protection keeps it"),
        ]
        lowest = min(workload.replicas, max(target, *(floor for floor, _ in floors)))
        held += [_note(workload, target, why) for floor, why in floors if floor >= lowest > target]
        step = min(workload.replicas - lowest, limit(pace.per_workload, workload.replicas))
        if step > 0:
            steps = table.steps.get(target_id, ())
            density = steps[0].density if steps else 0.0
            run = Run(step, {**{str(name): cost for name, cost in score.unit.items()}, "replicas": 1.0})
            candidates.append(Candidate(f"replica:{target_id}", str(target_id), target_id.namespace, density, (run,)))
    return candidates, held


def fewer(table: Desk, target: WorkloadId, count: int) -> ScaleChange | MinimumChange:
    """``count`` replicas fewer of ``target``: by its own count, or by the minimum of the autoscaler that owns it."""
    grounds = table.grounds
    workload, score = grounds.topology.workloads[target], grounds.scores.replicas[target]
    after = workload.replicas - count
    yielded = _covering(table.steps.get(target, ()), after, workload.replicas)
    why = Why(
        sentence=_sentence(score, grounds.selection.targets[target], after, table.spec.retention),
        at_risk=_risk(score, after) - _risk(score, workload.replicas),
        lost_to=yielded.lost_to if yielded else None,
    )
    lever = workload.owner.lever
    return lowered(grounds, workload, lever, after, why) if lever else _scaled(workload, score, after, why)


def _scaled(workload: Workload, score: ReplicaScore, after: int, why: Why) -> ScaleChange:
    """With named victims and the placement that they leave."""
    count = workload.replicas - after
    gone = victims(workload.pods, count)
    left = Counter(pod.zone or "" for pod in workload.pods if pod.name not in gone)
    return ScaleChange(
        workload=str(workload.id),
        uid=workload.uid,
        before=workload.replicas,
        after=after,
        digest=decision_digest(workload.raw),
        victims=gone,
        expected=dict(sorted(left.items())),
        saving=_saving(score.unit, count),
        why=why,
    )


def victims(pods: Iterable[Pod], count: int) -> tuple[str, ...]:
    """The ``count`` pods that should go, first to go first.

    Pods that do not serve go first, as the ReplicaSet controller takes them before it reads any deletion cost
    (kubernetes: pkg/controller/controller_utils.go, ActivePodsWithRanks). Then the fullest zone gives, in it the
    fullest node, on it the youngest pod; ties by name.
    """
    left = {pod.name: pod for pod in pods}
    chosen: list[str] = []
    while left and len(chosen) < count:
        zones, nodes = Counter(pod.zone for pod in left.values()), Counter(pod.node for pod in left.values())
        first = min(left.values(), key=lambda pod: _order(pod, zones[pod.zone], nodes[pod.node]))
        chosen.append(first.name)
        del left[first.name]
    return tuple(chosen)


def _order(pod: Pod, in_zone: int, on_node: int) -> tuple[int, bool, int, int, float, str]:
    phase = {"Pending": 0, "Unknown": 1}.get(pod.phase, 2)
    since = pod.ready_since.timestamp() if pod.ready_since else float("inf")
    return phase, pod.ready, -in_zone, -on_node, -since, pod.name


def _saving(unit: Mapping[Resource, float], count: int) -> Saving:
    return Saving(
        cpu=unit.get("cpu", 0.0) * count,
        memory=unit.get("memory", 0.0) * count,
        replicas=count,
        money=unit.get("money", 0.0) * count,
    )


def _blocked(table: Desk, workload: Workload, score: ReplicaScore | None) -> list[str]:
    found = [*_theirs(table, workload)]
    if workload.in_flight:
        found.append(f"in the middle of a change: {workload.in_flight}")
    if score is None:
        found.append("it was not scored; microglia explain says what is missing")
    if f"replica:{workload.id}" in table.watched:
        found.append("the last step is under watch; microglia status says what it waits for")
    if str(workload.id) in table.shielded:
        found.append(f"it hurt when it was cut: {table.shielded[str(workload.id)]}")
    return found


def _theirs(table: Desk, workload: Workload) -> Iterator[str]:
    """Whose count it is, or whose minimum, where it is not for us to write."""
    owner, git, written = workload.owner, table.way == "git", table.spec.actuation.replicas
    lever = owner.lever
    kind = lever.ref.kind if lever and lever.ref.kind in written else workload.id.kind
    if kind not in written:
        yield f"microglia does not write {kind}s here; see spec.actuation.replicas"
    if lever is None or kind != lever.ref.kind:
        if not (owner.act or (git and owner.declared)):
            able = lever if owner.verdict == "lower" else None
            ask = f"; or let microglia lower it: {able.ref.kind} in spec.actuation.replicas" if able else ""
            yield f"{owner.name} owns its count ({owner.evidence}): {owner.remedy}{ask}"
        return
    if lever.least <= 1:
        yield owner.remedy
    if lever.stuck:
        yield f"its minimum may not be lowered now: {lever.stuck}"
    if workload.replicas != lever.least:
        yield f"{lever.ref} holds {workload.replicas}, its minimum is {lever.least}: it is lowered while at rest there"
    if not (lever.owner.act or (git and lever.owner.declared)):
        yield f"{lever.owner.name} owns {lever.field} of {lever.ref} ({lever.owner.evidence}): {lever.owner.remedy}"


def _floors(score: ReplicaScore, retention: Retention) -> Iterator[tuple[int, str]]:
    yield from ((hold.floor, f"held by {hold.code}: {hold.why}") for hold in score.holds)
    if score.reach > max((hold.floor for hold in score.holds), default=0):
        yield score.reach, f"one step may not go below {score.reach}: more load per replica than was seen healthy"
    bearing = load_bearing(score, retention)
    if bearing is None:
        yield score.current, "no count of replicas is known to be enough"
    elif bearing == score.need:
        yield bearing, f"needs {bearing} at its peak"
    else:
        yield bearing, f"needs {score.need} at its peak, and {FIELD} allows no fewer than {bearing}"


def _needed(workload: Workload, score: ReplicaScore) -> Iterator[tuple[int, str]]:
    """Whatever else may compete, an autoscaler never gets a minimum below need."""
    if workload.owner.lever and score.need is not None:
        yield score.need, f"needs {score.need} at its peak, and no minimum goes below that"


def _note(workload: Workload, target: int, why: str) -> Note:
    return Note(subject=str(workload.id), what=f"{workload.replicas} -> {target}", why=why)


def _covering(steps: Iterable[Yielded], after: int, before: int) -> Yielded | None:
    touched = [one for one in steps if one.element.low < before and one.element.high > after]
    return min(touched, key=lambda one: one.element.low, default=None)


def _risk(score: ReplicaScore, count: int) -> float:
    return score.risk[min(count, len(score.risk) - 1)] if score.risk else 0.0


def _sentence(score: ReplicaScore, aim: int, after: int, retention: Retention) -> str:
    end = "" if aim == after else f"; {aim} in the end"
    if score.peak <= 0:
        return f"no traffic in the window{end}"
    weak = below_need(score, after, retention)
    if not weak and end and below_need(score, aim, retention):
        end += f", below need by {FIELD}"
    return f"need {score.need} (peak {score.peak:,.4g} rps){f'; {weak}' if weak else ''}{end}"
