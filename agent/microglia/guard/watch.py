"""What is under watch: standing changes, the workloads around them, and where metrics keep them."""

from collections.abc import Mapping
from dataclasses import dataclass

from microglia.guard.verdict import Verdict, Word
from microglia.model.ids import RouteId, WorkloadId
from microglia.plan.change import CountChange
from microglia.plan.history import History
from microglia.plan.standing import Standing, standing
from microglia.topology.graph import Topology


@dataclass(frozen=True, slots=True)
class Watch:
    """One standing change. ``around`` are its workload, callers and callees, sorted; ``row`` is where metrics keep the
    workload, None when they do not know it."""

    standing: Standing
    around: tuple[WorkloadId, ...]
    row: int | None

    @property
    def workload(self) -> WorkloadId:
        """What was written, or the client whose routes were cut."""
        return self.standing.change.id

    def says(
        self, word: Word, why: str, figures: Mapping[str, float] | None = None, protects: tuple[str, ...] = ()
    ) -> Verdict:
        """A verdict on it."""
        return Verdict(
            record=self.standing.record.id,
            index=self.standing.index,
            element=self.standing.change.element,
            verdict=word,
            why=why,
            figures=figures or {},
            neighbourhood=tuple(str(one) for one in self.around),
            protects=protects,
        )

    @property
    def elements(self) -> tuple[str, ...]:
        """What a shield would protect: the workload, or its routes that were cut."""
        change = self.standing.change
        if isinstance(change, CountChange):
            return (change.workload,)
        return tuple(str(RouteId(change.id, host)) for host in change.cut)


def attended(history: History, topology: Topology) -> tuple[str, ...]:
    """``namespace/name`` of every workload in or around what is under watch, sorted."""
    seen = (watching(one, topology) for one in standing(history) if one.watched)
    return tuple(sorted({f"{one.namespace}/{one.name}" for watch in seen for one in watch.around}))


def watching(stands: Standing, topology: Topology) -> Watch:
    """Look the change up in what was seen."""
    one = stands.change.id
    around = {one, *topology.callers.get(one, ()), *topology.callees.get(one, ())}
    return Watch(stands, tuple(sorted(around)), topology.rows.get(one))
