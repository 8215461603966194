"""Guard's word on a change, before it is written down."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from microglia.plan.history import History, Judgement

Word = Literal["Keep", "Wait", "Regrow"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Keep, Wait or Regrow for change ``index`` of the plan ``record``.

    ``why`` carries the numbers and, for Wait, what ends the waiting; ``figures`` are finite numbers. ``neighbourhood``
    are the workloads (as text) that were looked at; ``protects`` the workload or routes (as text) to be shielded when
    it is given back.
    """

    record: str
    index: int
    element: str
    verdict: Word
    why: str
    figures: Mapping[str, float] = field(default_factory=dict)
    neighbourhood: tuple[str, ...] = ()
    protects: tuple[str, ...] = ()

    def judgement(self, now: datetime) -> Judgement:
        """As the journal keeps it."""
        figures = dict(sorted(self.figures.items()))
        return Judgement(index=self.index, verdict=self.verdict, at=now, why=self.why, figures=figures)


def judged(history: History, verdicts: Iterable[Verdict], now: datetime) -> History:
    """``history`` with the verdicts of this lap in it, so that a rehearsal plans on them without writing them."""
    fresh: dict[str, list[Judgement]] = {}
    for verdict in verdicts:
        fresh.setdefault(verdict.record, []).append(verdict.judgement(now))
    records = tuple(
        record.model_copy(update={"judgements": (*record.judgements, *fresh.get(record.id, ()))})
        for record in history.records
    )
    return replace(history, records=records)
