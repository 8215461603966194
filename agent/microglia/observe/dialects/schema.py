"""The shape of a dialect's file: what one source of metrics exports, and whom its labels name."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

CANONICAL = (
    "source_workload_namespace", "source_workload", "destination_service_namespace", "destination_service_name",
    "destination_workload_namespace", "destination_workload", "request_protocol", "response_code", "response_flags",
)  # fmt: skip
"""The labels that every row ends up with; those of Istio, which name both ends in full."""
_METRIC = r"^[a-zA-Z_:][a-zA-Z0-9_:]*$"
_LABEL = r"^[a-zA-Z_][a-zA-Z0-9_]*$"
_MATCHER = r'[a-zA-Z_][a-zA-Z0-9_]*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\\n$]|\\.)*"'
_MATCHERS = re.compile(rf"{_MATCHER}(?:\s*,\s*{_MATCHER})*")


def _selecting(text: str) -> str:
    if text and not _MATCHERS.fullmatch(text):
        raise ValueError(f"'{text}' is no list of PromQL matchers; write direction=\"outbound\"")
    return text


Matchers = Annotated[str, AfterValidator(_selecting)]
"""Matchers as they stand between the braces of a selector."""
Class = Literal["zero", "persistent", "expiring"]
What = Literal["requests", "connections", "bytes", "messages"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Taken(_Part):
    """One place that a value may come from: the metric's ``label``, whole or the first group of ``match``; or
    ``value``, which is always the same."""

    label: str = Field(default="", pattern=rf"{_LABEL}|^$")
    match: str = ""
    value: str = ""

    @field_validator("match")
    @classmethod
    def _one_group(cls, pattern: str) -> str:
        """A pattern says with its one group which part is taken."""
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from None
        if pattern and groups != 1:
            raise ValueError(f'"{pattern}" has {groups} groups; put the part that is taken into one, such as "ns/(.+)"')
        return pattern

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        """A label or a value."""
        if bool(self.label) == bool(self.value) or (self.match and not self.label):
            raise ValueError("write either label, perhaps with match, or value")
        return self


Labels = Annotated[dict[str, list[Taken]], Field(min_length=1)]


class Counter(_Part):
    """One metric that grows with use. ``requests`` and ``connections`` are volume; ``bytes`` and ``messages`` only
    show that something flows. ``reporter`` tells apart who counts the same calls."""

    what: What
    metric: str = Field(pattern=_METRIC)
    reporter: str = Field(default="destination", pattern=r"^[a-z]+$")
    matchers: Matchers = ""
    labels: Labels

    @field_validator("labels")
    @classmethod
    def _known(cls, labels: dict[str, list[Taken]]) -> dict[str, list[Taken]]:
        """Only labels that are read, and a callee."""
        unknown = sorted(set(labels) - set(CANONICAL))
        if unknown:
            raise ValueError(f"{unknown[0]} is not read; known: {', '.join(CANONICAL)}")
        if not labels.keys() & {"destination_service_name", "destination_workload"}:
            raise ValueError("names no callee; write destination_service_name or destination_workload")
        return labels

    @property
    def counts(self) -> bool:
        """Whether it is volume, and not only a sign."""
        return self.what in {"requests", "connections"}

    @property
    def grouping(self) -> tuple[str, ...]:
        """The labels of the metric that are read, sorted."""
        return tuple(sorted({one.label for taken in self.labels.values() for one in taken if one.label}))


class Dialect(_Part):
    """A source of metrics, as its file declares it.

    ``class`` says when a series begins and ends: ``zero`` with the configuration, at 0; ``persistent`` with its first
    use, for good; ``expiring`` with its first use, until some minutes of idleness. ``heartbeat`` is the metric that is
    there when its exporter is; ``limits`` what it cannot decide, for people.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)
    title: str = Field(min_length=1)
    kind: Class = Field(alias="class")
    heartbeat: str = Field(pattern=_METRIC)
    heartbeat_matchers: Matchers = Field(default="", alias="heartbeatMatchers")
    limits: str = Field(min_length=1)
    counters: list[Counter] = Field(min_length=1)
