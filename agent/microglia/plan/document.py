"""Plan: a document that is sorted, digestible, printable and reversible."""

from datetime import datetime
from typing import Literal, Self

from microglia.plan.change import Change, Saving, digest
from microglia.policy.fields import Strict

FORMAT = 1
"""The plan format this version writes; every older one is read, a newer one is refused by name."""


class Note(Strict):
    """A line about something that did not change: its subject, what would have gone or is missing, and why."""

    subject: str
    what: str
    why: str


class AccountLine(Strict):
    """One resource in the competition, in its base unit."""

    resource: str
    load_bearing: float
    budget: float
    kept: float
    present: float
    excess: float
    price: float
    short: float = 0.0
    held_up_by: tuple[str, ...] = ()


class Competition(Strict):
    """How good the selection is: value kept, certified bound, relative gap; share of requests that may need unseen."""

    value: float
    bound: float
    gap: float
    unseen: float


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

    @property
    def digest(self) -> str:
        """SHA-256 of everything in it."""
        return digest(self.model_dump(mode="json", by_alias=True))

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
        return self.model_copy(update={"changes": tuple(self.changes[index] for index in indices)})
