"""What is only ever proposed: still found to be needless by the same decision on fresh facts."""

from collections.abc import Iterator

from microglia.plan.change import RemoveChange
from microglia.plan.rare import rare
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection

_ANEW = "make a new plan: microglia propose"


def removals(facts: Facts) -> Iterator[Objection]:
    """Objects, and what is in them, go by proposal alone, in a plan that prunes, each as the decision on these facts
    would have it go: same object, same content, still in scope, unprotected and needless."""
    removing = list(facts.removing)
    if not removing:
        return
    if facts.plan.way != "git":
        for index, change in removing:
            why = "microglia never removes it from a cluster, it only proposes that: microglia propose"
            yield Objection(index, change.workload, why)
        return
    if facts.plan.purpose != "prune":
        for index, change in removing:
            why = f"a plan to {facts.plan.purpose} may only give back, this change takes; {_ANEW}"
            yield Objection(index, change.workload, why)
        return
    found = rare(facts.topology, facts.scores, facts.protections, facts.policy)
    known = {change.workload: change for change in found.changes}
    doubts = {note.subject: note.why for note in found.kept}
    for index, change in removing:
        now = known.get(change.workload)
        if now is None:
            why = doubts.get(change.workload, "it is gone, in use or out of scope by now")
            yield Objection(index, change.workload, f"{why}; {_ANEW}")
        elif _content(change) != _content(now):
            yield Objection(index, change.workload, f"it changed since the plan was made; {_ANEW}")


def _content(change: RemoveChange) -> tuple[object, ...]:
    return change.uid, change.digest, change.before, change.after, change.items, change.rule
