"""What each pod's own proxy served, folded into workloads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from microglia.model.activity import F64
from microglia.observe.facts import blank
from microglia.observe.names import Names
from microglia.observe.pods import PER_HOUR, marked
from microglia.observe.replies import Row
from microglia.observe.spots import Spots


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """Hourly rows by workload: inbound ``requests``, ``failures`` of them, and the ``milliseconds`` that they took."""

    requests: Mapping[str, F64]
    failures: Mapping[str, F64]
    milliseconds: Mapping[str, F64]


def read_served(rows: Sequence[Row], peaks: Sequence[Row], names: Names, by_hour: Spots, by_slot: Spots) -> Served:
    """Fold hours of ``rows``; what series were born with, which no increase holds, is in the slots of ``peaks``."""
    requests = _summed(marked(rows, "requests"), names, by_hour)
    for key, born in _summed(marked(peaks, "born"), names, by_slot).items():
        # First values are counts by themselves, and no rates around a slot.
        counts = born.reshape(-1, PER_HOUR).sum(axis=1) / by_slot.share
        requests[key] = requests.get(key, blank(by_hour.count)) + counts
    return Served(
        requests,
        _summed(marked(rows, "failures"), names, by_hour),
        _summed(marked(rows, "milliseconds"), names, by_hour),
    )


def _summed(rows: Iterable[Row], names: Names, spots: Spots) -> dict[str, F64]:
    found: dict[str, F64] = {}
    for row in rows:
        key = names.workload(row.labels)
        if key:
            found.setdefault(key, blank(spots.count))[spots.of(row.times)] += row.values * spots.share
    return found


def larger(one: Mapping[str, F64], other: Mapping[str, F64]) -> dict[str, F64]:
    """Per key the larger of two counts of the same, hour by hour."""
    both = one.keys() & other.keys()
    return {**one, **other, **{key: np.maximum(one[key], other[key]) for key in both}}
