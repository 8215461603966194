"""What a policy says about observation: how much must have been seen, and which peaks people know of."""

from typing import Self

from pydantic import Field, model_validator

from microglia.policy.fields import (
    MANY,
    Cron,
    Day,
    Duration,
    Expression,
    Fraction,
    Glob,
    Some,
    Strict,
    Text,
    Whole,
    Zone,
    cel,
)


class LabelSelector(Strict):
    """An ordinary label selector; empty selects everything."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[Expression, ...] = Field(default=(), max_length=MANY)


class Cycles(Strict):
    """Whole periods of ``length`` that must have been seen."""

    length: Duration = Field(default="7d", validate_default=True)
    at_least: Whole = Field(default=2, ge=0)


class KnownPeak(Strict):
    """A peak that people know of: it starts by ``cron``, or at the midnight of each of ``days``, and lasts ``lasts``.
    It names the workloads for which ``namespaces``, ``workloads`` and ``selector`` all hold."""

    model_config = cel(
        "has(self.cron) != (has(self.days) && size(self.days) > 0)", "write either cron or days, such as [2026-11-27]"
    )

    name: Text
    cron: Cron | None = None
    days: tuple[Day, ...] = Field(default=(), max_length=MANY)
    lasts: Duration
    time_zone: Zone = "UTC"
    namespaces: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    workloads: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    selector: LabelSelector = LabelSelector()

    @model_validator(mode="after")
    def _when(self) -> Self:
        if (self.cron is None) == (not self.days):
            raise ValueError('write either cron or days, such as cron: "0 0 28 * *" or days: [2026-11-27]')
        return self

    @property
    def when(self) -> str:
        """As a person wrote it: the cron fields, or the days."""
        return self.cron or ", ".join(f"{day:%d %b %Y}" for day in sorted(self.days))

    @property
    def told(self) -> str:
        """Which it is and where it is written: ``month end (spec.observation.schedule, "0 0 28 * *")``."""
        return f'{self.name} (spec.observation.schedule, "{self.when}")'


class Observation(Strict):
    """How much must have been seen before anything is called idle or representative."""

    window: Duration = Field(default="14d", validate_default=True)
    coverage: Some = Field(default="99%", validate_default=True)
    cycles: Cycles = Cycles()
    unseen: Fraction = Field(default="1%", validate_default=True)
    schedule: tuple[KnownPeak, ...] = Field(default=(), max_length=MANY)
