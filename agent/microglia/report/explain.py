"""One workload with all its arithmetic: a reader can recompute every line."""

from microglia.compete.selection import Yielded
from microglia.model.ids import WorkloadId
from microglia.model.units import show_share
from microglia.plan.change import CountChange, MinimumChange, ScaleChange
from microglia.plan.document import Plan
from microglia.plan.grounds import Grounds
from microglia.policy.schema import RESOURCES, PolicySpec
from microglia.report.amounts import bill, precise, price, resource, winner
from microglia.report.holding import holding_lines
from microglia.report.presence import presence_lines
from microglia.report.reach import route_lines
from microglia.report.risk import risk_lines
from microglia.report.seen import window_lines
from microglia.report.table import WIDTH, count, fold
from microglia.score.scores import ReplicaScore
from microglia.score.weak import below_need, load_bearing, why_not
from microglia.topology.nodes import Workload

LABEL = 11
Line = tuple[str, str]
_DEEDS = {
    "act": "acts", "lower": "lowers its minimum, where the policy lets it", "propose": "proposes", "refuse": "refuses",
}  # fmt: skip
"""What microglia does about each verdict on an owner."""


def explain_text(target: WorkloadId, decision: Grounds, plan: Plan, spec: PolicySpec) -> str:
    """The screen for one workload and its routes. Raises KeyError when the topology has no such workload."""
    found = decision.topology.workloads[target]
    lines = []
    score = decision.scores.replicas.get(target)
    if score is None:
        lines.append(("Scope", "not selected by the policy's scope: nothing is decided about it"))
    else:
        lines += _seen(score, decision)
        lines += window_lines(target, decision.topology, spec)
        lines += _steps(score, decision, spec)
        lines += _ends(score, decision, plan, spec)
    lines += holding_lines(target, decision)
    lines += route_lines(target, decision, spec.retention.rule)
    return "\n".join([*fold(_who(found), WIDTH), *(_line(label, text) for label, text in lines)])


def _line(label: str, text: str) -> str:
    first, *rest = text.split("\n") if "\n" in text else fold(text, WIDTH - LABEL)
    return "\n".join([f"{label:<{LABEL}}{first}", *(" " * LABEL + line for line in rest)])


def _who(found: Workload) -> str:
    zones: dict[str, int] = {}
    for pod in found.pods:
        zones[pod.zone or "an unknown zone"] = zones.get(pod.zone or "an unknown zone", 0) + 1
    spread = " + ".join(f"{zones[zone]} in {zone}" for zone in sorted(zones)) or "no pods"
    who = found.owner
    owner = "itself" if who.code == "self" else f"{who.name} ({who.evidence})"
    owner += "" if who.act else f", so microglia {_DEEDS[who.verdict]}: {who.remedy}"
    if who.lever and who.lever.stuck:
        owner += f"; not now: {who.lever.stuck}"
    return f"{found.id}, {found.id.kind}, {count(found.replicas, 'replica')} ({spread}); its count is owned by {owner}"


def _seen(score: ReplicaScore, decision: Grounds) -> list[Line]:
    lines = [("Evidence", f"{score.judged.evidence}, coverage {show_share(score.judged.coverage)}: {score.judged.why}")]
    if score.peak_at >= 0:
        moment = decision.topology.snapshot.window.moment(score.peak_at)
        demand = f"peak {precise(score.peak)} requests per second in the hour of {moment:%a %d %b %H:%M} UTC"
        lines.append(("Demand", demand))
    capacity = score.capacity
    healthy = f"; {precise(capacity.demonstrated)} rps of it seen in good health" if capacity.demonstrated else ""
    lines.append(("Capacity", f"{capacity.arithmetic or capacity.source}{healthy if capacity.arithmetic else ''}"))
    if score.arithmetic:
        lines.append(("Need", score.arithmetic.removeprefix("need ")))
    return lines


def _steps(score: ReplicaScore, decision: Grounds, spec: PolicySpec) -> list[Line]:
    lost = [one for one in decision.selection.yielded if one.element.kind == "replica"]
    own = sorted((one for one in lost if one.element.workload == score.workload), key=lambda one: -one.element.high)
    bearing = load_bearing(score, spec.retention)
    lines: list[Line] = []
    if bearing is not None:
        hours = decision.topology.snapshot.window.hours
        lines += [*risk_lines(score, max(1, bearing)), *presence_lines(score, max(1, bearing), hours)]
    lines += [("Step", _step(one, decision, spec)) for one in own]
    accounts = decision.selection.accounts
    rule, currency = spec.retention.rule, spec.prices.currency
    prices = ", ".join(
        f"{one.resource} {price(one.resource, one.price, rule, currency)}" for one in accounts if one.price
    )
    cost = ", ".join(resource(name, score.unit[name], currency) for name in score.unit if score.unit[name])
    return [*lines, ("Cost", f"one replica: {cost or 'nothing'}; prices: {prices or 'all 0, there is room'}")]


def _step(lost: Yielded, decision: Grounds, spec: PolicySpec) -> str:
    accounts = decision.selection.accounts
    costs: dict[str, tuple[float, float]] = {
        one.resource: (lost.element.cost[RESOURCES.index(one.resource)], one.price) for one in accounts
    }
    value, room = precise(lost.element.value), bill(costs, spec.prices.currency)
    unit = "hours a week" if spec.retention.rule == "presence" else "requests per hour"
    worth = f"{lost.element.high} -> {lost.element.low}: worth {value} {unit}; its room costs {room}"
    if room != "0":
        worth += f"; {value} / that = {precise(lost.density)}"
    if lost.lost_to:
        return f"{worth}; lost to {winner(lost.lost_to, str(lost.element.workload))}"
    return f"{worth}; nobody needed the room" if room == "0" else f"{worth}; what is left of the spare is too small"


def _ends(score: ReplicaScore, decision: Grounds, plan: Plan, spec: PolicySpec) -> list[Line]:
    need = "not known" if score.need is None else score.need
    protected = decision.protections.floor(score.workload, score.current)
    floors = f"need {need}, protections {protected}, policy {min(spec.protect.min_replicas, score.current)}"
    lines = [("Floors", floors)]
    if weak := _weak(score, spec):
        lines.append(("Weak", weak))
    for hold in score.holds:
        why = hold.why.removesuffix(f"; {score.arithmetic}")
        lines.append(("Held", f"not below {hold.floor} now ({hold.code}): {why}"))
    target = decision.selection.targets.get(score.workload, score.current)
    if target >= score.current:
        return [*lines, ("Target", f"{score.current}: nothing to prune")]
    return [*lines, ("Target", f"{score.current} -> {target}"), ("This lap", _now(score.workload, plan))]


def _weak(score: ReplicaScore, spec: PolicySpec) -> str:
    """What the policy's word on replicas below need does here."""
    bearing = load_bearing(score, spec.retention)
    told = below_need(score, bearing, spec.retention) if bearing is not None else ""
    return f"{count(bearing or 0, 'replica')}, {told}" if told else why_not(score, spec.retention)


def _now(workload: WorkloadId, plan: Plan) -> str:
    for change in plan.changes:
        if isinstance(change, CountChange) and change.id == workload:
            gone = ""
            if isinstance(change, ScaleChange) and change.victims:
                gone = f"; {', '.join(change.victims)} would go"
            elif isinstance(change, MinimumChange):
                gone = f" in spec.{change.field} of {change.ref}, which takes them when it likes"
            return f"{change.before} -> {change.after}{gone}"
    held = [note.why for note in plan.held if note.subject in (str(workload), plan.structure)]
    return f"nothing: {'; '.join(held) or 'microglia plan says why'}"
