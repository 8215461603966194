"""What a person's word on a plan needs: the plans that wait, and who speaks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from microglia.cli.errors import MistakeError
from microglia.daemon.consent import ACTING
from microglia.model.ports import ForbiddenError, GoneError
from microglia.plan.approval import Offer
from microglia.plan.document import Plan
from microglia.policy.schema import Prices, PruningPolicy
from microglia.store.objects import ObjectJournal


@dataclass(frozen=True, slots=True)
class Office:
    """``asks`` gives the user name that the API server knows us by; ``policies`` are for the currency."""

    offers: ObjectJournal
    asks: Callable[[], str]
    policies: Sequence[PruningPolicy]
    now: datetime

    def waiting(self, which: str) -> Offer:
        """The plan ``which`` that is up. Raises MistakeError when there is none."""
        up = self.offers.up()
        for offer in up:
            if which in (offer.plan.id, offer.plan.id.removeprefix("plan-")):
                return offer
        known = ", ".join(offer.plan.id for offer in reversed(up)) or "none"
        raise MistakeError(
            f"no plan {which} is up in this cluster (up: {known}); a new one may have taken its place, see: "
            "microglia status"
        )

    def who(self) -> str:
        """The user's own name, which admission compares. Raises MistakeError when the API server does not tell."""
        try:
            name = self.asks()
        except (ForbiddenError, GoneError) as silent:
            name, why = "", f": {silent}"
        else:
            why = ""
        if not name:
            raise MistakeError(
                f"the API server does not say who you are{why}; write spec.approval yourself with kubectl patch, with "
                "your user name in by"
            )
        return name

    def follows(self, plan: Plan) -> str:
        """What comes of an approval."""
        found = next((one for one in self.policies if one.metadata.name == plan.policy), None)
        mode = found.spec.actuation.mode if found else "observe"
        if mode in ACTING:
            return f"The agent checks {plan.id} on fresh facts and carries it out in its next lap."
        return (
            f"But policy {plan.policy} is in mode {mode}, in which the agent never acts: set spec.actuation.mode to "
            f"approve (helm: --set mode=approve), or carry it out yourself: microglia apply {plan.id}"
        )

    def currency(self, plan: Plan) -> str:
        """The one of the plan's policy."""
        found = next((one for one in self.policies if one.metadata.name == plan.policy), None)
        return found.spec.prices.currency if found else Prices().currency
