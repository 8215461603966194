"""What each pod's own proxy served, by the dialects that decide about replicas."""

from microglia.observe.dialects.expressions import SLOT, Expression
from microglia.observe.dialects.schema import Dialect, Selected, Served
from microglia.observe.dialects.selecting import selector

_TARGET = "job, instance"


def serving(dialect: Dialect) -> tuple[Expression, ...]:
    """By hour what every pod was asked, and whether it was heard; by slot how fast. Of those that decide replicas."""
    served = dialect.served
    if served is None:
        return ()
    hour = [
        _arm("beats", f"{_by_pod('max', served)} (count_over_time({_all(dialect.beating)}[1h])){_counted(dialect)}"),
        _arm("requests", f"{_by_pod('sum', served)} (increase({_all(served.requests)}[$hour])) > 0"),
        _arm("failures", f"{_by_pod('sum', served)} (increase({_all(served.failures)}[$hour])) > 0"),
    ]
    if served.milliseconds is not None:
        spent = f"{_by_pod('sum', served)} (increase({_all(served.milliseconds)}[$hour])) > 0"
        hour.append(_arm("milliseconds", spent))
    slot = [
        _arm("pod", f"{_by_pod('sum', served)} (rate({_all(served.requests)}[$peak]))"),
        _arm("born", f"{_by_pod('sum', served)} ({_births(dialect, served)}) > 0"),
    ]
    return (
        Expression(served_of(dialect), "hour", _named(hour, served)),
        Expression(peaks_of(dialect), "slot", _named(slot, served)),
    )


def served_of(dialect: Dialect) -> str:
    """The name of its expression of what was served by hour."""
    return f"served {dialect.name}"


def peaks_of(dialect: Dialect) -> str:
    """The name of its expression of what was served by slot."""
    return f"peaks {dialect.name}"


def scrapes_of(dialect: Dialect) -> str:
    """How often its proxies were scraped in the hour, under its name."""
    count = f"quantile(0.9, count_over_time({_all(dialect.beating)}[1h]))"
    return f'label_replace({count}, "dialect", "{dialect.name}", "", "")'


def _births(dialect: Dialect, served: Served) -> str:
    """First values of series that were born while their target was already heard.

    Where idle series expire a burst may be all first value, several times an hour: it is looked for slot by slot.
    """
    requests = _all(served.requests)
    return f"""
    (min_over_time({requests}[{SLOT}s]) unless count_over_time({requests}[{SLOT}s] offset {SLOT}s))
    and on ({_TARGET}) count_over_time({_all(dialect.beating)}[{SLOT}s] offset {SLOT}s)"""


def _counted(dialect: Dialect) -> str:
    """A heartbeat that is not the requests themselves tells nothing in an hour in which nobody's were there."""
    if dialect.kind == "zero" or dialect.served is None:
        return ""
    return f"\n  and on () (count(count_over_time({_all(dialect.served.requests)}[1h])) > 0)"


def _all(one: Selected) -> str:
    return selector(one.metric, one.matchers)


def _by_pod(function: str, served: Served) -> str:
    return f"{function} by ({served.namespace}, {served.pod})"


def _arm(what: str, expression: str) -> str:
    return f'label_replace({expression}, "what", "{what}", "", "")'


def _named(arms: list[str], served: Served) -> str:
    """``arms`` with their pods under the labels ``namespace`` and ``pod``."""
    found = "\nor ".join(arms)
    for label, mine in (("namespace", served.namespace), ("pod", served.pod)):
        if mine != label:
            found = f'label_replace({found}, "{label}", "$$1", "{mine}", "(.*)")'
    return found
