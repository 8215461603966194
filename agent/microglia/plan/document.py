"""Plan: a document that is sorted, digestible, printable and reversible."""

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias, TypeVar

from pydantic import SerializerFunctionWrapHandler, model_serializer

from microglia.plan.change import Change, Saving, digest
from microglia.policy.fields import Strict

FORMAT = 2
"""The plan format this version writes; every older one is read, a newer one is refused by name."""
ADDED = 2
"""The format that added the rules of a note, ``outside`` of an account, and the elements of a competition."""

NOTES, TARGETS = 40 * 1024, 128 * 1024
"""Bytes of JSON that ``bounded`` leaves of each list of notes, and of the targets."""


Way: TypeAlias = Literal["cluster", "git"]
"""How a plan is carried out: written to the cluster, or proposed as files in Git, which somebody merges."""


class Rule(Strict):
    """A rule that keeps something: its code, the object, field and value that say so, and a sentence."""

    rule: str
    object: str
    field: str
    value: str
    reason: str


class Note(Strict):
    """A line about something that did not change: its subject, what would have gone or is missing, and why. ``rules``
    are those that spare it."""

    subject: str
    what: str
    why: str
    rules: tuple[Rule, ...] = ()


class AccountLine(Strict):
    """One resource in the competition, in its base unit. ``present`` and ``kept`` hold what is ``outside`` the budget,
    too: pinned by a rule under a relative budget, not seen under an absolute one."""

    resource: str
    load_bearing: float
    budget: float
    kept: float
    present: float
    excess: float
    price: float
    short: float = 0.0
    held_up_by: tuple[str, ...] = ()
    outside: float = 0.0


class Competition(Strict):
    """How good the selection is: value kept, certified bound, relative gap; share of requests that may need unseen.
    ``elements`` competed (replica steps and hosts), and the most valuable that yields is worth ``largest``."""

    value: float
    bound: float
    gap: float
    unseen: float
    elements: int = 0
    largest: float = 0.0


class Plan(Strict):
    """Ordered changes of one structure.

    ``purpose``: prune takes, restore and regrow give back. ``targets`` are the final counts that the selection aims at
    (this plan may go only part of the way); ``held`` says what holds a count above its target now.
    """

    format: int = FORMAT
    purpose: Literal["prune", "restore", "regrow"] = "prune"
    structure: str
    cluster: str
    made_at: datetime
    window_start: datetime
    window_end: datetime
    rule: str
    policy: str
    policy_digest: str
    snapshot_digest: str
    phase: str
    round: int
    rounds: int
    changes: tuple[Change, ...]
    targets: dict[str, int] = {}
    held: tuple[Note, ...] = ()
    spared: tuple[Note, ...] = ()
    undecided: tuple[Note, ...] = ()
    accounts: tuple[AccountLine, ...] = ()
    competition: Competition | None = None
    warnings: tuple[str, ...] = ()
    whole: str = ""
    way: Way = "cluster"

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """In its own format: what later ones added is neither written nor part of the digest. A plan that is told in
        full, and is for the cluster, does not say so."""
        written: dict[str, Any] = dump(self)
        for name, usual in (("whole", ""), ("way", "cluster")):
            if written[name] == usual:
                del written[name]
        if self.format < ADDED:
            for note in (*written["held"], *written["spared"], *written["undecided"]):
                del note["rules"]
            for account in written["accounts"]:
                del account["outside"]
            for name in ("elements", "largest") if written["competition"] else ():
                del written["competition"][name]
        return written

    @property
    def digest(self) -> str:
        """SHA-256 of everything in it. Of a plan that is too large to be told in full: of its changes as they are, and
        of the SHA-256 of everything else, which a shorter telling carries in ``whole``. So every digest binds every
        change, whatever of the notes is left."""
        written = self.model_dump(mode="json", by_alias=True)
        rest = self.bounded().whole
        return digest({"changes": written["changes"], "rest": rest}) if rest else digest(written)

    @property
    def id(self) -> str:
        """``plan-`` and the digest's first eight characters."""
        return f"plan-{self.digest[:8]}"

    @property
    def saving(self) -> Saving:
        """What all changes together give back."""
        totals = [change.saving for change in self.changes]
        return Saving(
            cpu=sum(saving.cpu for saving in totals),
            memory=sum(saving.memory for saving in totals),
            replicas=sum(saving.replicas for saving in totals),
            proxy_config=sum(saving.proxy_config for saving in totals),
            money=sum(saving.money for saving in totals),
        )

    def only(self, *indices: int) -> Self:
        """The same plan with just these changes."""
        return self.model_copy(update={"changes": tuple(self.changes[index] for index in indices), "whole": ""})

    def bounded(self) -> Self:
        """The same plan, by id and digest, in a size that fits into an object: every change, and as many notes,
        warnings and targets as ``NOTES`` and ``TARGETS`` allow; the last note of a list says how many are left out.
        Targets in the namespaces of the changes go first, because the caps per namespace count them."""
        touched = {change.id.namespace for change in self.changes}
        ordered = sorted(self.targets.items(), key=lambda item: (_namespace(item[0]) not in touched, item[0]))
        shorter = {
            **{name: _some(getattr(self, name), _left_out) for name in ("held", "spared", "undecided")},
            "warnings": _some(self.warnings, lambda count: f"{count} more warnings are left out here"),
            "targets": dict(sorted(_fitting(ordered, TARGETS))),
        }
        if all(shorter[name] == getattr(self, name) for name in shorter):
            return self
        return self.model_copy(update={**shorter, "whole": self.whole or self._rest()})

    def _rest(self) -> str:
        return digest({**self.model_dump(mode="json", by_alias=True), "changes": []})


_T = TypeVar("_T")


def _namespace(workload: str) -> str:
    return workload.split("/")[-2]


def _some(items: tuple[_T, ...], closing: Callable[[int], _T]) -> tuple[_T, ...]:
    kept = _fitting(items, NOTES)
    return items if len(kept) == len(items) else (*kept, closing(len(items) - len(kept)))


def _left_out(count: int) -> Note:
    return Note(subject=f"{count} more", what="are left out here", why="an object holds no more")


def _fitting(items: Iterable[_T], room: int) -> list[_T]:
    kept: list[_T] = []
    for item in items:
        room -= len(json.dumps(item.model_dump(mode="json") if isinstance(item, Strict) else item).encode()) + 1
        if room < 0:
            break
        kept.append(item)
    return kept
