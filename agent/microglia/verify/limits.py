"""What the policy allows: which workloads, which phase, when, and how much at once."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

from microglia.lifecycle.pace import frozen, limit
from microglia.lifecycle.states import Phase
from microglia.model.ids import WorkloadId
from microglia.plan.change import CountChange, RemoveChange
from microglia.plan.merged import kind_of
from microglia.plan.pick import written
from microglia.policy.digest import policy_digest
from microglia.policy.scope import in_scope
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_ANEW = "make a new plan: microglia plan"


def policy(facts: Facts) -> Iterator[Objection]:
    """The policy has the name and the content that the plan was made under."""
    plan, name = facts.plan, facts.policy.metadata.name
    if plan.policy != name or plan.structure != name:
        yield Objection(
            -1,
            plan.policy,
            f"the plan was made under the policy {plan.policy}, this is {name}; give that one: --policy",
        )
    elif plan.policy_digest != policy_digest(facts.policy):
        yield Objection(-1, name, f"the policy {name} was changed since the plan was made; {_ANEW}")


def scope(facts: Facts) -> Iterator[Objection]:
    """The policy selects each workload, competes over this kind of element and may write this kind of object."""
    spec, name = facts.spec, facts.policy.metadata.name
    for index, change, workload in facts.changes:
        if workload and not in_scope(facts.policy, workload.id, workload.labels):
            yield Objection(
                index, change.workload, f"it is out of the scope of the policy {name} (spec.scope); {_ANEW}"
            )
        if isinstance(change, RemoveChange):
            continue  # nothing of a cluster is written; the gate for rare kinds asks for its scope
        replicas = isinstance(change, CountChange)
        element, field = ("Replica", "replicas") if replicas else ("Route", "routes")
        written_kind = kind_of(change)
        allowed: tuple[str, ...] = spec.actuation.replicas if replicas else spec.actuation.routes
        if element not in spec.scope.elements:
            yield Objection(
                index,
                change.workload,
                f"the policy {name} leaves every {element} alone (spec.scope.elements); {_ANEW}",
            )
        if written_kind not in allowed:
            yield Objection(
                index,
                change.workload,
                f"the policy {name} lets microglia write no {written_kind} (spec.actuation.{field}); {_ANEW}",
            )


def phase(facts: Facts) -> Iterator[Objection]:
    """Only a structure that is being pruned may lose anything."""
    state, plan = facts.history.state, facts.plan
    if not facts.takes:
        return
    if state is not None and state.phase is Phase.HARDENED:
        yield Objection(
            -1,
            plan.structure,
            f"the structure is hardened since {state.since:%d %B %Y} and only regrows; open it: microglia reopen"
            f" {plan.structure}",
        )
    elif plan.phase != Phase.PRUNING:
        yield Objection(
            -1,
            plan.structure,
            f"the structure is in the phase {plan.phase}: it is looked at until the window may be judged"
            " (spec.observation), and then pruned; wait, the other gates say what for",
        )


def freeze(facts: Facts) -> Iterator[Objection]:
    """No freeze of the policy holds now."""
    found = frozen(facts.spec.pace.freeze, facts.now)
    if found and facts.takes:
        yield Objection(
            -1,
            facts.plan.structure,
            f'spec.pace.freeze "{found.freeze.cron}" holds since {found.since:%d %b %H:%M} UTC; wait until'
            f" {found.until:%d %b %Y %H:%M} UTC",
        )


def blast_radius(facts: Facts) -> Iterator[Objection]:
    """Objects written per lap, per namespace and per hour, and copies of one workload in one step, stay within their
    caps."""
    pace, taking = facts.spec.pace, list(facts.taking)
    people = _population(facts)
    lap = limit(pace.per_lap, people.total())
    if len(taking) > lap:
        yield Objection(
            -1, "lap", f"{len(taking)} changes, spec.pace.perLap allows {lap} of {people.total()} objects; {_ANEW}"
        )
    for namespace, count in sorted(Counter(change.id.namespace for _, change, _ in taking).items()):
        allowed = limit(pace.per_namespace, people[namespace])
        if count > allowed:
            yield Objection(
                -1,
                namespace,
                f"{count} changes in the namespace {namespace}, spec.pace.perNamespace allows {allowed} of"
                f" {people[namespace]} objects; {_ANEW}",
            )
    for index, change, workload in facts.shrinking:
        allowed, step = limit(pace.per_workload, workload.replicas), workload.replicas - change.after
        if step > allowed:
            yield Objection(
                index,
                change.workload,
                f"{step} of {workload.replicas} replicas at once, spec.pace.perWorkload allows {allowed}; {_ANEW}",
            )
    recent = written(facts.history, facts.now - timedelta(hours=1))
    if taking and recent + len(taking) > pace.per_hour:
        yield Objection(
            -1,
            "hour",
            f"{recent} changes in the last hour and {len(taking)} more, spec.pace.perHour allows {pace.per_hour}; wait"
            " until an hour has passed",
        )


def _population(facts: Facts) -> Counter[str]:
    """Workloads in scope by namespace: those that the plan aimed at and that still exist, and those that it changes."""
    aimed = {WorkloadId.parse(name) for name in facts.plan.targets} | {change.id for change in facts.plan.changes}
    return Counter(
        target.namespace
        for target, workload in facts.topology.workloads.items()
        if target in aimed and in_scope(facts.policy, target, workload.labels)
    )
