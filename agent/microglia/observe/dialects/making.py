"""Expressions made from a dialect, by its class (metric sources differ in when a series begins and ends).

Volume is what grew between two scrapes, never a birth. Signs show use at any cost in precision: what was born, grew,
shrank or, where idle series expire, merely existed in the block counts; so does what changed in the hours before it,
so that nothing falls between two blocks.
"""

from collections.abc import Sequence

from microglia.observe.dialects.expressions import Expression
from microglia.observe.dialects.schema import Counter, Dialect
from microglia.observe.dialects.selecting import selector
from microglia.observe.dialects.serving import serving

_TARGET = "job, instance"
_UP = 'up{job=~".*"$scope}'
_MOMENTS = ("", " offset 6h", " offset 1d", " offset 3d", " offset 7d", " offset 14d")
"""When a dialect is looked for: one that has fallen silent since may still tell of use."""


def expressions(dialect: Dialect) -> tuple[Expression, ...]:
    """Volume, where the dialect has any, and signs."""
    made = [
        Expression(signs_of(dialect), "block", _joined([_signs(dialect, one) for one in dialect.counters], dialect))
    ]
    volume = [_volume(one) if one.counts else "" for one in dialect.counters]
    if any(volume):
        made.append(Expression(volume_of(dialect), "hour", _joined(volume, dialect)))
    return (*made, *serving(dialect))


def volume_of(dialect: Dialect) -> str:
    """The name of its expression of volume."""
    return f"volume {dialect.name}"


def signs_of(dialect: Dialect) -> str:
    """The name of its expression of signs."""
    return f"signs {dialect.name}"


def present(dialects: Sequence[Dialect]) -> str:
    """One probe for all of them: a row labelled ``dialect`` for each that is there, or was lately."""
    found = [(selector(one.heartbeat, one.heartbeat_matchers), one.name) for one in dialects]
    return "\nor ".join(
        f'label_replace(count({series}{moment}), "dialect", "{name}", "", "")'
        for series, name in found
        for moment in _MOMENTS
    )


def _joined(arms: Sequence[str], dialect: Dialect) -> str:
    return "\nor ".join(
        f'label_replace({arm}, "arm", "{dialect.name} {number}", "", "")' for number, arm in enumerate(arms) if arm
    )


def _volume(counter: Counter) -> str:
    grown = f"increase({selector(counter.metric, counter.matchers)}[$hour]){_beside(counter, '$hour')}"
    return f"sum by ({', '.join(counter.grouping)}) ({grown}) > 0"


def _signs(dialect: Dialect, counter: Counter) -> str:
    series, by = selector(counter.metric, counter.matchers), f"group by ({', '.join(counter.grouping)})"
    if dialect.kind == "expiring":
        return f"{by} (count_over_time({series}[$seam]){_beside(counter, '$seam')})"
    arms = [
        f"changes({series}[$look]) > 0",
        f"(max_over_time({series}[$seam]) unless max_over_time({series}[8h] offset $seam)) > 0",
    ]
    # Missing from a scrape that its target answered: it came, perhaps again. Where series begin at 0 it is no use yet.
    counted = f" and max_over_time({series}[$seam]) > 0" if dialect.kind == "zero" else ""
    arms.append(
        f"count_over_time({series}[$seam])"
        f" < on ({_TARGET}) group_left () sum by ({_TARGET}) (sum_over_time({_UP}[$seam])){counted}"
    )
    return f"{by} ((\n    " + "\n    or ".join(arms) + f"){_beside(counter, '$seam')})"


def _beside(counter: Counter, span: str) -> str:
    if counter.unless is None:
        return ""
    other, on = counter.unless, ", ".join(counter.unless.on)
    return f"\n    unless on ({on}) count_over_time({selector(other.metric, other.matchers)}[{span}])"
