"""Did it get worse? A test that may be looked at any time without raising false alarms."""

import math
from dataclasses import dataclass

from scipy.special import betaln


def log_e_value(events: float, total: float, share: float, prior: float) -> float:
    """The logarithm of the evidence against "events fall since the cut as often as their share of the exposure says".

    ``events`` of ``total`` fell since the cut, ``share`` (0 to 1, both excluded) is the exposure since the cut over all
    exposure. E = B(a+k, b+n-k) / B(a, b) / (p0^k (1-p0)^(n-k)) with a = ``prior`` and b = a (1-p0) / p0: a Beta mixture
    of likelihood ratios, so P(E ever reaches 1/alpha) <= alpha however often one looks (Lindon, Malek, NeurIPS 2022;
    Lindon, Sanden, Shirikian, KDD 2022). A share of 0 or 1 compares nothing and gives 0.
    """
    if not 0 < share < 1:
        return 0.0
    b = prior * (1 - share) / share
    mixture = betaln(prior + events, b + total - events) - betaln(prior, b)
    return float(mixture - events * math.log(share) - (total - events) * math.log1p(-share))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Events since the cut against events of the same hours of week before it.

    ``prior`` weighs how sure the test is beforehand that nothing changed: 20 for counted requests, 1 for whole hours.
    """

    events: float
    total: float
    share: float
    prior: float

    @property
    def log_e(self) -> float:
        """Natural logarithm of the e-value."""
        return log_e_value(self.events, self.total, self.share, self.prior)

    @property
    def ratio(self) -> float:
        """The rate since the cut over the rate before it; infinite when there were no events before."""
        before = (self.total - self.events) * self.share
        now = self.events * (1 - self.share)
        if before > 0:
            return now / before
        return math.inf if now > 0 else 1.0

    def harmed(self, alpha: float, tolerance: float) -> bool:
        """Whether the rate rose beyond doubt (E >= 1/alpha) and by more than is tolerated."""
        return self.ratio >= tolerance and self.log_e >= -math.log(alpha)

    def telling(self, alpha: float, tolerance: float) -> bool:
        """Whether there were enough events for a rate of ``tolerance`` times before to have raised the alarm."""
        odds = tolerance * self.share
        expected = self.total * odds / (odds + 1 - self.share)
        return log_e_value(expected, self.total, self.share, self.prior) >= -math.log(alpha)
