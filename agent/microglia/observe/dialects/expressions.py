"""Expressions as templates, and the spans that fill them in."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from string import Template
from typing import Literal

HOUR = 3600
SLOT = 300
"""Seconds of the buckets that peaks are taken from."""
LOOKBACK = 8 * HOUR
"""How far signs look back over a gap: an outage on a seam that hides more than 1 % of four weeks is longer."""
DAY = 24 * HOUR

Step = Literal["hour", "slot", "block", "after"]


@dataclass(frozen=True, slots=True)
class Expression:
    """One query. ``step``: its values are for each hour, each 5 minutes, or once for a whole block of hours, at its end
    or two scrapes after it."""

    name: str
    step: Step
    template: str


@dataclass(frozen=True, slots=True)
class Spans:
    """What the templates are filled with, in seconds: the scrape interval and the length of a block.

    * ``hour`` is an hour and one scrape: neighbours share one sample, so nothing falls between them. ``increase``
      extrapolates by just that scrape; ``hour_share`` takes it out again.
    * ``peak`` holds enough scrapes to cover a slot, at least 4; ``peak_share`` turns its rate into that of the slot.
      ``peak_late`` is how long after the slot it ends, so that it lies around the slot.
    """

    scrape: float
    block: float

    @property
    def hour(self) -> float:
        """An hour and one scrape."""
        return HOUR + self.scrape

    @property
    def hour_share(self) -> float:
        """Increase over ``hour`` times this is the count of the hour."""
        return HOUR / self.hour

    @property
    def peak(self) -> float:
        """5 minutes and one scrape, in whole scrapes, at least 4; one more where that dilutes a busy slot by little:
        neighbours that share two scrapes see a burst on their seam whole, whenever each pod is scraped."""
        fewest = max(4, -(-(SLOT + self.scrape) // self.scrape))
        return self.scrape * (fewest + (fewest * self.scrape * 0.85 <= SLOT * 1.15))

    @property
    def peak_late(self) -> float:
        """Half of what the samples of ``peak`` exceed the slot by, and half a scrape: where they lie on average."""
        return (self.peak - SLOT) / 2

    @property
    def peak_share(self) -> float:
        """The samples of ``peak`` span more than the slot and dilute a slot that was busier than its neighbours; in the
        worst alignment they also miss ``missed`` of it. Scaled so that such a slot reads 15 % low at most."""
        sampled = self.peak - self.scrape
        missed = max(0.0, (SLOT + self.scrape - sampled) / 2) / SLOT
        return max(1.0, sampled / (SLOT * (1 - missed) / 0.85))


def filled(expression: Expression, spans: Spans, scope: str = "", only: Iterable[str] = ()) -> str:
    """The PromQL text. ``scope`` is a matcher such as ``cluster="x"`` for every selector; ``only`` are names that some
    expressions narrow themselves to."""
    seam, look = spans.block + 2 * spans.scrape, spans.block + LOOKBACK
    return Template(expression.template).substitute(
        hour=_seconds(spans.hour),
        peak=_seconds(spans.peak),
        block=_seconds(spans.block),
        seam=_seconds(seam),
        look=_seconds(look),
        **{f"seam{number}": _seconds(seam + number * DAY / 4) for number in range(4)},
        **{f"look{number}": _seconds(look + number * DAY / 4) for number in range(4)},
        scope=f",{scope}" if scope else "",
        only="|".join(re.escape(name).replace("\\", "\\\\") for name in only),
    )


def fingerprint(expressions: Sequence[Expression], scrape: float, scope: str) -> str:
    """Changes when any expression, or how it is filled in, does: stored hours read otherwise are not ours."""
    text = "\n".join(
        [f"{LOOKBACK} {scrape:g} {scope}", *(f"{one.name} {one.step} {one.template}" for one in expressions)]
    )
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _seconds(span: float) -> str:
    return f"{round(span)}s"
