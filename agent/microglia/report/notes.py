"""What a plan says of everything that stays: held for now, spared by a rule, not decided."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from microglia.plan.document import Note, Plan
from microglia.report.table import count, listed, shorten, table

LOCAL = ".svc.cluster.local"
ARROW = " -> "
BROADEST = "minimum-policy"
"""The rule that holds everything: told last."""
UNSEEN = "blind-spot"
"""The rule for want of sight."""
REASONS = 4
"""Reasons that are told of many at once; --all tells all of each."""


def held_text(plan: Plan, *, everything: bool) -> str:
    """What is above its target and does not go in this lap: alike ones in one row, with one of them in numbers."""
    whole = [note for note in plan.held if note.subject == plan.structure]
    each = [note for note in plan.held if note.subject != plan.structure]
    rows = [(note.subject, note.what, note.why) for note in whole]
    rows += _merged(each) if everything else _alike(each)
    return _listing(("HELD NOW", "WHAT", "BECAUSE"), rows, everything=everything)


def spared_text(notes: Sequence[Note], *, everything: bool) -> str:
    """What would have lost: workloads first, one row each, the reason that is theirs alone before those that many have;
    routes after them, in one row unless ``everything``."""
    routes = [note for note in notes if ARROW in note.subject]
    workloads = [note for note in notes if ARROW not in note.subject]
    often = Counter(reason for note in workloads for reason in _reasons(note))
    rows = [(note.subject, note.what, _told(note, often, everything=everything)) for note in workloads]
    rows = rows if everything else _unseen_together(rows)
    header = ("SPARED", "WOULD HAVE LOST", "BECAUSE")
    if everything or len(routes) < 2:
        rows += [(note.subject.replace(LOCAL, ""), note.what, "; ".join(_reasons(note))) for note in routes]
        return _listing(header, rows, everything=everything)
    # The row that counts the routes stands below however many workloads there are.
    shown, more = shorten(rows, everything=False)
    return "\n".join(part for part in (table(header, [*shown, _counted(routes)]), more) if part)


def _reasons(note: Note) -> list[str]:
    """Each rule that spares it with its sentence; what older plans have instead."""
    return list(dict.fromkeys(f"{one.rule}: {one.reason}" for one in note.rules)) or note.why.split("; ")


def _unseen_together(rows: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """What is spared for the same want of sight alone shares a row: a list that may not be read spares everything."""
    alike: dict[str, list[tuple[str, str, str]]] = {}
    for row in rows:
        alike.setdefault(row[2] if row[2].startswith(f"{UNSEEN}:") else row[0], []).append(row)
    return [
        group[0] if len(group) == 1 else (listed([row[0] for row in group]), f"{len(group)} in all", group[0][2])
        for group in alike.values()
    ]


def _told(note: Note, often: Mapping[str, int], *, everything: bool) -> str:
    """Its own reasons before those that many have; of the rule that holds everything only the name, beside others."""
    reasons = sorted(_reasons(note), key=lambda reason: often[reason])
    others = [reason for reason in reasons if not reason.startswith(f"{BROADEST}:")]
    if everything or not others or len(others) == len(reasons):
        return "; ".join(reasons)
    return "; ".join([*others, BROADEST])


def undecided_text(notes: Sequence[Note], *, everything: bool) -> str:
    """What cannot be decided, by what is missing."""
    alike: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        subject, arrow, _ = note.subject.partition(ARROW)
        alike.setdefault(("routes of " if arrow else "", note.why), []).append(subject)
    rows = [(what + listed(sorted(set(subjects))), why) for (what, why), subjects in alike.items()]
    return _listing(("UNDECIDED", "MISSING"), rows, everything=everything)


def _listing(header: Sequence[str], rows: Sequence[Sequence[str]], *, everything: bool) -> str:
    if not rows:
        return ""
    shown, more = shorten(rows, everything=everything)
    return "\n".join(part for part in (table(header, shown), more) if part)


def _merged(notes: Iterable[Note]) -> list[tuple[str, str, str]]:
    """One row per subject, with all its reasons."""
    alike: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        alike.setdefault((note.subject.replace(LOCAL, ""), note.what), []).append(note.why)
    return [(subject, what, "; ".join(dict.fromkeys(whys))) for (subject, what), whys in alike.items()]


def _alike(notes: Iterable[Note]) -> list[tuple[str, str, str]]:
    """One row per kind of reason; of several that hold the same thing, the first is told."""
    first = {note.subject: note for note in reversed(list(notes))}
    kinds: dict[str, list[Note]] = {}
    for note in sorted(first.values(), key=lambda one: one.subject):
        kinds.setdefault(_kind(note.why), []).append(note)
    return [_row(kind, group) for kind, group in kinds.items()]


def _row(kind: str, group: Sequence[Note]) -> tuple[str, str, str]:
    one = group[0]
    if len(group) == 1:
        return one.subject.replace(LOCAL, ""), one.what, one.why
    subjects = listed([note.subject.replace(LOCAL, "") for note in group])
    why = one.why.removeprefix(kind).removeprefix(": ")
    told = f"{kind}, as {one.subject} {one.what}: {why}" if why else kind
    return subjects, f"{len(group)} in all", told


def _kind(why: str) -> str:
    return why.partition(":")[0] if why.startswith(("held by ", "gate ")) else why


def _counted(routes: Sequence[Note]) -> tuple[str, str, str]:
    """Clients and routes counted, the most frequent reasons named."""
    clients = {note.subject.partition(ARROW)[0] for note in routes}
    numbers = [note.what.partition(" ")[0] for note in routes]
    total = sum(int(number) for number in numbers if number.isdecimal())
    reasons = [reason for reason, _ in Counter(why for note in routes for why in _reasons(note)).most_common()]
    more = [f"and {count(len(reasons) - REASONS, 'more reason')} (--all)"] if len(reasons) > REASONS else []
    told = "; ".join([*reasons[:REASONS], *more])
    return f"routes of {count(len(clients), 'client')}", f"{count(total, 'route')} cut", told
