"""What earlier plans took and nobody has given back."""

from dataclasses import dataclass
from datetime import datetime

from microglia.plan.change import CountChange, Counted, SidecarChange
from microglia.plan.history import History, Judgement, Record


@dataclass(frozen=True, slots=True)
class Standing:
    """A pruning change that is in force: where it is recorded, and the change. Of routes, only the hosts still cut."""

    record: Record
    index: int
    change: Counted | SidecarChange

    @property
    def at(self) -> datetime:
        """When it was written."""
        return self.record.steps[self.index].at or self.record.started

    @property
    def judgement(self) -> Judgement | None:
        """Guard's newest word."""
        return self.record.verdict(self.index)

    @property
    def watched(self) -> bool:
        """Whether it is under watch: not judged yet, told to wait, or told to be given back and still in force."""
        return self.judgement is None or self.judgement.verdict != "Keep"


def standing(history: History) -> tuple[Standing, ...]:
    """Every pruning change that happened and that no later change gave back, oldest first.

    A count or a minimum is given back by a later one of the same workload that reaches it, a host by one that shows
    it. What was removed in Git is none of them.
    """
    counts: dict[str, int] = {}
    shown: dict[str, set[str]] = {}
    found: list[Standing] = []
    for record in reversed(history.records):
        for index in reversed(record.done()):
            change = record.plan.changes[index]
            if isinstance(change, CountChange):
                written = f"{change.kind} {change.workload}"
                if change.widens:
                    counts[written] = max(change.after, counts.get(written, 0))
                elif max(change.after, counts.get(written, 0)) < change.before:
                    found.append(Standing(record, index, change))
                continue
            if not isinstance(change, SidecarChange):
                continue  # nobody reached it, so there is nobody to watch; reverting the merge brings it back
            left = tuple(host for host in change.cut if host not in shown.get(change.workload, ()))
            if left:
                found.append(Standing(record, index, change.model_copy(update={"cut": left})))
            shown.setdefault(change.workload, set()).update(change.shown)
    return tuple(reversed(found))


def watched(history: History) -> frozenset[str]:
    """The elements that may not be touched again yet: ``replica:<workload>`` or ``routes:<workload>``."""
    return frozenset(one.change.element for one in standing(history) if one.watched)
