"""A cleared plan without a verification: what these tests are about comes after it."""

from datetime import datetime

from microglia.plan.document import Plan
from microglia.verify.clear import Cleared
from microglia.verify.verdicts import Proof

PROOF = Proof(requests=1.0, unrouted=0.0, over_capacity=0.0, failures={}, worse=0, unseen=0.0)


def cleared(plan: Plan, at: datetime | None = None) -> Cleared:
    """Past the lock, as only a test may; ``at`` the moment the plan was made unless told."""
    made = object.__new__(Cleared)
    for name, value in (("plan", plan), ("proof", PROOF), ("at", at or plan.made_at), ("_key", None)):
        object.__setattr__(made, name, value)
    return made
