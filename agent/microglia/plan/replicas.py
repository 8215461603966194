"""Replicas that lost: what may go now, what holds the rest, and which pods."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from microglia.compete.selection import Yielded
from microglia.lifecycle.pace import limit
from microglia.model.ids import WorkloadId
from microglia.plan.candidate import Candidate, Run
from microglia.plan.change import Saving, ScaleChange, Why, decision_digest
from microglia.plan.desk import Desk
from microglia.plan.document import Note
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


def scale(table: Desk, target: WorkloadId, count: int) -> ScaleChange:
    """``count`` replicas fewer of ``target``, with named victims and the placement that they leave."""
    grounds = table.grounds
    workload, score = grounds.topology.workloads[target], grounds.scores.replicas[target]
    after = workload.replicas - count
    gone = victims(workload.pods, count)
    left = Counter(pod.zone or "" for pod in workload.pods if pod.name not in gone)
    yielded = _covering(table.steps.get(target, ()), after, workload.replicas)
    aim = grounds.selection.targets[target]
    return ScaleChange(
        workload=str(target),
        uid=workload.uid,
        before=workload.replicas,
        after=after,
        digest=decision_digest(workload.raw),
        victims=gone,
        expected=dict(sorted(left.items())),
        saving=_saving(score.unit, count),
        why=Why(
            sentence=_sentence(score, aim, after, table.spec.retention),
            at_risk=_risk(score, after) - _risk(score, workload.replicas),
            lost_to=yielded.lost_to if yielded else None,
        ),
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
    found = []
    if workload.id.kind not in table.spec.actuation.replicas:
        found.append(f"microglia does not write {workload.id.kind}s here; see spec.actuation.replicas")
    if not (workload.owner.act or (table.way == "git" and workload.owner.declared)):
        found.append(f"{workload.owner.name} owns its count ({workload.owner.evidence}): {workload.owner.remedy}")
    if workload.in_flight:
        found.append(f"in the middle of a change: {workload.in_flight}")
    if score is None:
        found.append("it was not scored; microglia explain says what is missing")
    if f"replica:{workload.id}" in table.watched:
        found.append("the last step is under watch; microglia status says what it waits for")
    if str(workload.id) in table.shielded:
        found.append(f"it hurt when it was cut: {table.shielded[str(workload.id)]}")
    return found


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
