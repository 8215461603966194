"""What verification says."""

from collections.abc import Mapping
from dataclasses import dataclass

from microglia.plan.document import Plan
from microglia.score.seen import Seen


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """A gate's no: its code, whom it is about, and one message with the evidence and the way out.

    ``raised_by`` is the index of the change that caused it, -1 for the plan as a whole.
    """

    gate: str
    subject: str
    message: str
    raised_by: int = -1


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked: requests replayed, those without a route or above capacity on the pruned mesh, failures tried
    by kind (node, zone, service, primary), how many of them are worse than before, unseen mass.

    ``over_before`` requests are above capacity with the counts of today. Requests above capacity are counted over the
    busiest five minutes of every hour. ``unseen`` is at most ``unseen_at_most`` with 95 % confidence, ``seen`` is what
    the window showed. A plan that gives back needs no proof: then all figures are 0.
    """

    requests: float
    unrouted: float
    over_capacity: float
    failures: Mapping[str, int]
    worse: int
    unseen: float
    over_before: float = 0.0
    unseen_at_most: float = 0.0
    seen: Seen | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A plan with every reason against it, in the order of the gates."""

    plan: Plan
    refusals: tuple[Refusal, ...]
    proof: Proof
