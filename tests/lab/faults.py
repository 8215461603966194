"""Every way of not being told: kinds that may not be listed, metrics that are missing, servers that tell half."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from microglia.model.kinds import KINDS, Kind
from microglia.model.objects import Raw
from microglia.model.ports import AbsentError, Cluster, ClusterFacts, UnreadableError
from microglia.observe.prometheus import PrometheusServer, SilentError, TooMuchError
from microglia.observe.replies import Reply

FAMILIES = (
    "istio_build", "istio_requests_total", "istio_tcp_[a-z_]+", "istio_(?:request|response)_messages_total",
    "istio_request_duration_[a-z_]+", "istio_agent_[a-z_]+", "istio_[a-z_]+", "container_cpu_[a-z_]+",
    "container_memory_[a-z_]+", "container_[a-z_]+", "kube_pod_info", "kube_node_[a-z_]+",
    "kube_[a-z]+_created", "kube_[a-z]+_status_[a-z_]+", "kube_[a-z_]+", "up",
)  # fmt: skip
"""What a relabelling rule drops by mistake, or what nobody scrapes."""
Ask = Callable[[PrometheusServer, str], Reply]


@dataclass(frozen=True, slots=True)
class Missing:
    """Metrics of these ``families`` (patterns) and ``pods`` (one pattern) that this server never had."""

    server: str
    families: tuple[str, ...] = ()
    pods: str = ""

    def rewritten(self, expression: str) -> str:
        """``expression`` as it would be answered without them."""
        for family in self.families:
            expression = re.sub(rf"(?<![a-z_])(?:{family})(?=[{{\[])", "never_there", expression)
        if self.pods:
            expression = re.sub(r"(?<=[a-z0-9_]\{)", f'pod!~"{self.pods}",', expression)
        return expression


@dataclass(slots=True)
class Remembered:
    """Real servers, each asked for the same only once; what one answers is what it would answer again."""

    servers: Mapping[str, PrometheusServer]
    _told: dict[tuple[Any, ...], Reply] = field(default_factory=dict)

    def ask(self, missing: Missing, key: tuple[Any, ...], ask: Ask) -> Reply:
        """The reply to ``key``, whose first part is the expression."""
        text = missing.rewritten(key[0])
        whole = (missing.server, text, *key[1:])
        if whole not in self._told:
            self._told[whole] = ask(self.servers[missing.server], text)
        return self._told[whole]


@dataclass(slots=True)
class Half:
    """A metrics server that lacks ``missing`` and, by ``dice``, refuses, tells half and says so, or falls silent.

    ``chance`` is that of a fault per query.
    """

    remembered: Remembered
    missing: Missing
    dice: random.Random
    chance: float
    silent: bool = False

    @property
    def title(self) -> str:
        return "http://prometheus"

    def query(self, expression: str, moment: float) -> Reply:
        """One value per series."""
        told = self.remembered.ask(self.missing, (expression, moment), lambda server, text: server.query(text, moment))
        return self._spoilt(told)

    def query_range(self, expression: str, start: float, end: float, step: float) -> Reply:
        """Values at each step."""
        told = self.remembered.ask(
            self.missing,
            (expression, start, end, step),
            lambda server, text: server.query_range(text, start, end, step),
        )
        return self._spoilt(told)

    def status(self, name: str) -> Mapping[str, Any]:
        """What managed services do not tell."""
        return {} if name else {"unknown": name}

    def ahead(self) -> float | None:
        """Its clock agrees."""
        return 0.0

    def metric_names(self) -> tuple[str, ...]:
        """Not told."""
        return ()

    def _spoilt(self, told: Reply) -> Reply:
        if self.silent:
            raise SilentError("it does not answer any more")
        if self.dice.random() >= self.chance:
            return told
        match self.dice.choice(("refused", "too much", "silent", "half", "nothing")):
            case "refused":
                raise UnreadableError("it answered 500 (internal error)")
            case "too much":
                raise TooMuchError("it refused a query (422 execution: too many samples)")
            case "silent":
                self.silent = True
                raise SilentError("it does not answer any more")
            case "half":
                rows = tuple(row for row in told.rows if self.dice.random() < 0.5)
                return Reply(rows, complete=False, faults=("warning: one store did not answer",))
            case _:
                return Reply((), complete=False, faults=("the reply is partial (isPartial)",))


@dataclass(frozen=True, slots=True)
class Closed:
    """A cluster of which some ``kinds`` may not be listed, and others are not served."""

    cluster: Cluster
    forbidden: frozenset[str]
    absent: frozenset[str]

    def facts(self) -> ClusterFacts:
        """Those of the cluster."""
        return self.cluster.facts()

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Raises UnreadableError or AbsentError for those kinds."""
        if kind.name in self.forbidden:
            raise UnreadableError(f"cannot list {kind.plural} (forbidden: User may not). Grant it")
        if kind.name in self.absent:
            raise AbsentError(kind.path)
        return self.cluster.objects(kind)


@dataclass(frozen=True, slots=True)
class Listed:
    """What one look at a cluster listed; looked at again and again it stays the same."""

    told: ClusterFacts
    lists: Mapping[str, Sequence[Raw] | None]

    @classmethod
    def of(cls, cluster: Cluster, since: datetime) -> Listed:
        """List every kind once; None where it is not served. All of it is said to exist ``since`` then."""
        lists: dict[str, Sequence[Raw] | None] = {}
        for kind in (place for one in KINDS for place in one.places):
            try:
                lists[kind.path] = [_made(raw, since) for raw in cluster.objects(kind)]
            except AbsentError:
                lists[kind.path] = None
        return cls(cluster.facts(), lists)

    def facts(self) -> ClusterFacts:
        """As they were."""
        return self.told

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """As they were. Raises AbsentError."""
        found = self.lists[kind.path]
        if found is None:
            raise AbsentError(kind.path)
        return found


def _made(raw: Raw, since: datetime) -> Raw:
    return {**raw, "metadata": {**raw["metadata"], "creationTimestamp": f"{since:%Y-%m-%dT%H:%M:%SZ}"}}
