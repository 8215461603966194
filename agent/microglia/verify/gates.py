"""Every gate there is, in the order in which refusals are shown."""

from collections.abc import Sequence
from typing import Final

from microglia.verify import elements, identity, limits, minimum, peaks, proofs, rare, representative, room, routes
from microglia.verify.facts import Facts
from microglia.verify.gate import Gate
from microglia.verify.verdicts import Refusal

GATES: Final[tuple[Gate, ...]] = (
    Gate("cluster", "The plan was made for this very cluster.", identity.cluster, always=True),
    Gate("identity", "Every object still exists and is the same one (uid).", identity.same_objects, always=True),
    Gate("ownership", "Nobody else decides the count.", identity.ownership, always=True),
    Gate("direction", "A plan that gives back takes nothing.", identity.direction, always=True),
    Gate(
        "rare",
        "Objects, rules and backends go by proposal alone, while nobody can need them.",
        rare.removals,
        always=True,
    ),
    Gate("policy", "The plan was made under this very policy.", limits.policy),
    Gate("scope", "The policy selects the workload, and allows this kind of change.", limits.scope),
    Gate("form", "Each object is written once, exactly as the plan says.", identity.form),
    Gate("freshness", "The facts are minutes old, metrics still come in, the plan is of today.", identity.freshness),
    Gate("clock", "Metrics and this clock agree.", identity.clock),
    Gate("moved", "Nothing that the decision read has changed since.", identity.moved),
    Gate("in-flight", "No rollout or other change of the workload is under way.", elements.in_flight),
    Gate("under-watch", "No earlier step on the same element is still under watch.", elements.under_watch),
    Gate("unsettled", "Every earlier write is known to have happened or not.", elements.unsettled),
    Gate("phase", "The structure is in its pruning phase.", limits.phase),
    Gate("freeze", "No freeze window holds.", limits.freeze),
    Gate("blast-radius", "The plan stays within the caps of spec.pace.", limits.blast_radius),
    Gate("coverage", "Enough of the window was seen.", representative.coverage),
    Gate("hour-of-week", "Every hour of the week was seen.", representative.hours_of_week),
    Gate("weekly-cycle", "Enough whole cycles were seen.", representative.cycles),
    Gate("unseen-mass", "Few enough requests may need what was never seen.", representative.unseen),
    Gate("peak-honesty", "Known peaks were seen, and a rising peak may rise once more.", peaks.honest),
    Gate("peak-tail", "What is left serves the peak that the tail of the load expects.", peaks.tails),
    Gate("evidence", "What goes was proven idle, or its demand is known.", elements.evidence),
    Gate("floors", "No protection, need or floor is undercut.", elements.floors),
    Gate("victims", "The pods that should go are there, and leave the planned placement.", elements.victims),
    Gate("autoscaler", "An autoscaler whose minimum is lowered works, and rests there.", minimum.scaler_works),
    Gate("room", "What is given up could come back: quota and nodes have room for it.", room.room),
    Gate("istiod", "Every istiod that serves can hide single hosts (1.31 or later).", routes.istiod),
    Gate("allow-list", "An allow-list is asked for, and leaves out whole idle namespaces alone.", routes.allow_list),
    Gate("sidecar", "No other Sidecar has a say, and ours selects this workload alone.", routes.sidecars),
    Gate("replay", "The recorded window loses no request on the pruned mesh.", proofs.replayed),
    Gate("n-1", "No single failure loses more requests than before.", proofs.failures),
)


def refusals(facts: Facts, gates: Sequence[Gate] = GATES) -> tuple[Refusal, ...]:
    """Ask every gate that binds this plan; in the order of the gates, then by change and subject."""
    return tuple(
        Refusal(gate.code, one.subject, one.message, one.index)
        for gate in gates
        if gate.always or facts.plan.purpose == "prune"
        for one in sorted(gate.find(facts))
    )
