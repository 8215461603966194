"""The shape of a dialect's file: what one source of metrics exports, and whom its labels name."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

CANONICAL = (
    "source_workload_namespace", "source_workload", "destination_service_namespace", "destination_service_name",
    "destination_workload_namespace", "destination_workload", "request_protocol", "response_code", "response_flags",
    "destination_route",
)  # fmt: skip
"""The labels that a row may be given: those of Istio, which name both ends in full; or a route object of the Gateway
API, written kind/namespace/name/rule/number, for the Services behind it."""
_CALLEES = ("destination_service_name", "destination_workload", "destination_route")
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
What = Literal["requests", "used", "connections", "bytes", "messages"]
Decides = Literal["use", "replicas"]


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


class Selected(_Part):
    """Some series of one metric."""

    metric: str = Field(pattern=_METRIC)
    matchers: Matchers = ""


class Beside(Selected):
    """Series of another metric that have the same values of the labels ``on``."""

    on: list[Annotated[str, Field(pattern=_LABEL)]] = Field(min_length=1)


class Counter(_Part):
    """One metric that grows with use. ``requests`` and ``connections`` are volume; ``used`` only shows that requests
    came, ``bytes`` and ``messages`` only that something flows. ``reporter`` tells apart who counts the same calls.
    Series that have those of ``unless`` beside them, which tell the same better, are left out.
    """

    what: What
    metric: str = Field(pattern=_METRIC)
    reporter: str = Field(default="destination", pattern=r"^[a-z]+$")
    matchers: Matchers = ""
    unless: Beside | None = None
    labels: Labels

    @field_validator("labels")
    @classmethod
    def _known(cls, labels: dict[str, list[Taken]]) -> dict[str, list[Taken]]:
        """Only labels that are read, and a callee."""
        unknown = sorted(set(labels) - set(CANONICAL))
        if unknown:
            raise ValueError(f"{unknown[0]} is not read; known: {', '.join(CANONICAL)}")
        if labels.keys().isdisjoint(_CALLEES):
            raise ValueError(f"names no callee; write {', '.join(_CALLEES[:-1])} or {_CALLEES[-1]}")
        return labels

    @property
    def counts(self) -> bool:
        """Whether it is volume, and not only a sign."""
        return self.what in {"requests", "connections"}

    @property
    def grouping(self) -> tuple[str, ...]:
        """The labels of the metric that are read, sorted."""
        return tuple(sorted({one.label for taken in self.labels.values() for one in taken if one.label}))


class Served(_Part):
    """What every pod's own proxy was asked, whoever asked: what replicas are judged by.

    ``requests`` are all inbound requests without the noise of probes and scrapes, ``failures`` those of them that
    failed by the server's fault, ``milliseconds`` what they took in all. ``namespace`` and ``pod`` are the labels that
    name the pod. ``proxy`` is the container that counts, by which a pod is known to be heard at all.
    """

    proxy: str = Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    namespace: str = Field(default="namespace", pattern=_LABEL)
    pod: str = Field(default="pod", pattern=_LABEL)
    requests: Selected
    failures: Selected
    milliseconds: Selected | None = None


class Dialect(_Part):
    """A source of metrics, as its file declares it.

    ``class`` says when a series begins and ends: ``zero`` with the configuration, at 0; ``persistent`` with its first
    use, for good; ``expiring`` with its first use, until some minutes of idleness. ``heartbeat`` is the metric that is
    there when its exporter is; ``limits`` what it cannot decide, for people. ``decides`` is ``use``, which proves
    nothing idle, or ``replicas``, for which it has to say what each pod ``served``.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)
    title: str = Field(min_length=1)
    kind: Class = Field(alias="class")
    heartbeat: str = Field(pattern=_METRIC)
    heartbeat_matchers: Matchers = Field(default="", alias="heartbeatMatchers")
    limits: str = Field(min_length=1)
    decides: Decides = "use"
    served: Served | None = None
    counters: list[Counter] = Field(min_length=1)

    @model_validator(mode="after")
    def _served_where_replicas(self) -> Self:
        """Who decides about replicas says what each pod served; nobody else has a use for it."""
        if self.decides == "replicas" and self.served is None:
            raise ValueError("decides: replicas needs served, which says what each pod was asked; add it")
        if self.decides != "replicas" and self.served is not None:
            raise ValueError("served is read only with decides: replicas; add that, or leave served out")
        return self

    @property
    def beating(self) -> Selected:
        """The series that a pod's proxy has in every scrape while it could be heard.

        Where series begin at 0 it is the requests themselves: a proxy that does not export them is not heard.
        """
        if self.served is not None and self.kind == "zero":
            return self.served.requests
        return Selected(metric=self.heartbeat, matchers=self.heartbeat_matchers)
