"""Recording rules: what may be worked out as time goes by, and how that is read again.

Volume and peaks may. Signs of use need every scrape of every target, so they are always read raw: nothing is ever idle
for having not been recorded. The label ``MARK`` says by which expressions, at which scrape interval, a series was made.
"""

from collections.abc import Sequence
from string import Template
from typing import Any

from microglia.observe.dialects import istio
from microglia.observe.dialects.expressions import HOUR, SLOT, Expression, Spans, fingerprint

MARK = "microglia_rules"
_NAMES = {istio.VOLUME.name: "microglia:requests:increase5m", istio.PEAKS.name: "microglia:requests:rate5m"}
_RAN = "microglia:recorded:5m"


def rule_file(scrape: float) -> dict[str, Any]:
    """A file of rules for a Prometheus that scrapes every ``scrape`` seconds."""
    texts = {_NAMES[one.name]: _rule(one, scrape) for one in (istio.VOLUME, istio.PEAKS)}
    # Rules of a group run in their order and at one moment: this one holds when all before it came to something then.
    texts[_RAN] = f"sgn({' and '.join(f'count(timestamp({_series(name, scrape)}) >= time())' for name in texts)})"
    labels = {MARK: mark(scrape)}
    rules = [{"record": name, "expr": text, "labels": labels} for name, text in texts.items()]
    return {"groups": [{"name": "microglia", "interval": f"{SLOT // 60}m", "rules": rules}]}


def mark(scrape: float) -> str:
    """Changes with everything that the rules depend on."""
    return fingerprint((istio.VOLUME, istio.PEAKS), scrape, "")


def recorded(one: Expression, scrape: float) -> Expression:
    """How to read what ``one`` would have worked out; ``one`` itself where no rule does.

    A rule's increase spans a slot and a scrape; the sum over an hour is brought to what an hour and a scrape hold.
    """
    name, spans = _NAMES.get(one.name), Spans(scrape, HOUR)
    if name is None:
        return one
    series = _series(name, scrape, "$scope")
    if one.step == "slot":
        return Expression(one.name, one.step, f"last_over_time({series}[{SLOT}s])")
    share = SLOT / (SLOT + scrape) / spans.hour_share
    return Expression(one.name, one.step, f"sum_over_time({series}[1h]) * {share:.9f} > 0")


def ran(scrape: float) -> Expression:
    """How often the rules ran whole in each hour."""
    return Expression("recorded", "hour", f"count_over_time({_series(_RAN, scrape, '$scope')}[1h])")


def whole(counts: Sequence[tuple[float, float]]) -> frozenset[int]:
    """The starts of the hours in which the rules ran every time: of (end of the hour, how often)."""
    return frozenset(round(end) - HOUR for end, count in counts if count >= HOUR // SLOT)


def _rule(one: Expression, scrape: float) -> str:
    """What comes to nothing is kept, so that it shows that it was asked."""
    spans = Spans(scrape, HOUR)
    text = one.template.replace(" > 0", "")
    return Template(text).substitute(hour=f"{SLOT + scrape:g}s", peak=f"{spans.peak:g}s", scope="")


def _series(name: str, scrape: float, scope: str = "") -> str:
    return f'{name}{{{MARK}="{mark(scrape)}"{scope}}}'
