"""A cleared plan without a verification: what these tests are about comes after it."""

from microglia.plan.document import Plan
from microglia.verify.clear import Cleared
from microglia.verify.verdicts import Proof

PROOF = Proof(requests=1.0, unrouted=0.0, over_capacity=0.0, failures={}, worse=0, unseen=0.0)


def cleared(plan: Plan) -> Cleared:
    """Past the lock, as only a test may."""
    made = object.__new__(Cleared)
    for name, value in (("plan", plan), ("proof", PROOF), ("_key", None)):
        object.__setattr__(made, name, value)
    return made
