"""Which records a bounded journal may forget: what gave nothing, and what was given back."""

from collections.abc import Sequence

from microglia.plan.change import SidecarChange
from microglia.plan.history import History, Record
from microglia.plan.standing import standing


def forgettable(records: Sequence[Record], keep: int) -> tuple[Record, ...]:
    """The closed records of one structure (``records``, oldest first) beyond the newest ``keep`` that nothing needs.

    A pruning plan is needed while anything of it is in force, watched, or can be undone; what gave back, while an older
    record that stays touched the same elements, which without it would seem to be in force again.
    """
    closed = [record for record in records if record.finished is not None]
    in_force = {one.record.id for one in standing(History(None, tuple(records)))}
    gone: list[Record] = []
    held: set[str] = set()
    for record in records:
        touched = _touched(record)
        if record in closed[: max(0, len(closed) - keep)] and _done_with(record, touched, held, in_force):
            gone.append(record)
        else:
            held |= touched
    return tuple(gone)


def _done_with(record: Record, touched: set[str], held: set[str], in_force: set[str]) -> bool:
    if not touched:
        return True
    if record.plan.purpose != "prune":
        return not touched & held
    return bool(record.restored_by) and record.id not in in_force and not _shown(record) & held


def _shown(record: Record) -> set[str]:
    # A pruning plan gives back, too: hosts that their client came to use.
    changes = [record.plan.changes[index] for index in record.done()]
    return {change.element for change in changes if isinstance(change, SidecarChange) and change.shown}


def _touched(record: Record) -> set[str]:
    return {
        record.plan.changes[step.index].element
        for step in record.steps
        if step.state in ("done", "writing", "surprise", "undone", "proposed")
    }
