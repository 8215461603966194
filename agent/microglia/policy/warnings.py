"""What is allowed to be written but will not do what it looks like."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import islice, pairwise
from typing import Final

from microglia.model.units import show_duration
from microglia.policy.fields import close
from microglia.policy.schema import PolicySpec, PruningPolicy
from microglia.policy.times import starts

_YEAR: Final = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known beyond the file; None where it is not: how long metrics are kept, which namespaces exist, and which
    protection rules there are."""

    retention: timedelta | None = None
    namespaces: Collection[str] | None = None
    rules: Collection[str] | None = None


def warnings(policy: PruningPolicy, around: Surroundings) -> tuple[str, ...]:
    """Sentences about a policy that would never prune anything, or says something that has no effect."""
    spec = policy.spec
    return (*_window(spec, around), *_frozen(spec), *_scope(spec, around), *_money(spec), *_overrides(spec, around))


def _window(spec: PolicySpec, around: Surroundings) -> Iterator[str]:
    window, cycles = spec.observation.window, spec.observation.cycles
    if cycles.length * cycles.at_least > window:
        yield (
            f"spec.observation.window {show_duration(window)} never holds {cycles.at_least} whole cycles of"
            f" {show_duration(cycles.length)}: nothing would ever be pruned; write window"
            f" {show_duration(cycles.length * cycles.at_least)} or more"
        )
    if around.retention is not None and window > around.retention:
        yield (
            f"spec.observation.window {show_duration(window)} is longer than the metrics are kept"
            f" ({show_duration(around.retention)}): nothing would ever be pruned; shorten the window or raise the"
            " retention of Prometheus"
        )


def _frozen(spec: PolicySpec) -> Iterator[str]:
    for index, freeze in enumerate(spec.pace.freeze):
        moments = list(islice(starts(freeze.cron, freeze.time_zone, *_YEAR), 1000))
        gaps = [later - earlier for earlier, later in pairwise(moments)]
        if gaps and max(gaps) <= freeze.lasts:
            yield (
                f'spec.pace.freeze[{index}] "{freeze.cron}" for {show_duration(freeze.lasts)} never ends before it'
                " starts again: nothing would ever be pruned; write a shorter lasts"
            )


def _scope(spec: PolicySpec, around: Surroundings) -> Iterator[str]:
    names, scope = spec.scope.namespaces, spec.scope
    if set(names.include) <= set(names.exclude):
        yield "spec.scope.namespaces.exclude takes back everything that include selects: nothing is in scope"
    for pattern in names.include if around.namespaces is not None else ():
        if not any(fnmatchcase(name, pattern) for name in around.namespaces or ()):
            yield f'spec.scope.namespaces.include "{pattern}" matches no namespace that exists'
    if not scope.elements:
        yield "spec.scope.elements is empty: nothing would ever be pruned; write [Replica, Route]"
    for element, field, kinds in (
        ("Replica", "replicas", spec.actuation.replicas),
        ("Route", "routes", spec.actuation.routes),
    ):
        if element in scope.elements and not kinds:
            yield f"spec.scope.elements has {element}, but spec.actuation.{field} is empty: nothing is ever written"


def _money(spec: PolicySpec) -> Iterator[str]:
    if spec.budget.money is not None and not (spec.prices.cpu_hour or spec.prices.memory_gi_hour):
        yield (
            "spec.budget.money has no effect: by spec.prices nothing costs anything; write cpuHour and memoryGiHour as"
            " you pay for them"
        )


def _overrides(spec: PolicySpec, around: Surroundings) -> Iterator[str]:
    for index, never in enumerate(spec.protect.never if around.rules is not None else ()):
        if never.rule not in (around.rules or ()):
            near = close(never.rule, around.rules or ())
            hint = f'did you mean "{near}"?' if near else "microglia policy rules lists them"
            yield f'spec.protect.never[{index}] names the rule "{never.rule}", which does not exist; {hint}'
