"""What a metrics server replied, in two words: the rows, and whether they are all there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from microglia.model.activity import F64
from microglia.observe.points import Points


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One series of a reply: epoch seconds and values of equal length, all finite."""

    labels: Mapping[str, str]
    times: F64
    values: F64


@dataclass(frozen=True, slots=True, eq=False)
class Reply:
    """``complete`` is False when anything may be missing; ``faults`` are sentences that say what; ``samples`` what the
    server read for it, where it tells, else what it sent."""

    rows: tuple[Row, ...]
    complete: bool = True
    faults: tuple[str, ...] = ()
    samples: int = 0


def read_reply(result: Any, envelope: Mapping[str, Any]) -> Reply:
    """The rows of ``data.result`` in a reply of the Prometheus API.

    Warnings, ``isPartial``, native histograms, NaN, Inf and unreadable rows make the reply incomplete: such a reply
    must never be taken for silence. Notes (``infos``) do not.
    """
    faults = [f"warning: {warning}" for warning in envelope.get("warnings") or ()]
    if envelope.get("isPartial"):
        faults.append("the reply is partial (isPartial): a storage node did not answer")
    rows: list[Row] = []
    odd = 0
    for item in _items(result):
        row = _row(item)
        if row is None:
            odd += 1
        else:
            rows.append(row)
    if odd:
        faults.append(f"{odd} rows were native histograms, NaN, infinite or unreadable")
    return Reply(tuple(rows), not faults, tuple(dict.fromkeys(faults)), max(_read(envelope), _sent(rows)))


def _read(envelope: Mapping[str, Any]) -> int:
    """What Prometheus tells when it is asked for ``stats``; others write other things there."""
    found: Any = envelope
    for name in ("data", "stats", "samples", "totalQueryableSamples"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, int) else 0


def _sent(rows: Sequence[Row]) -> int:
    return sum(row.values.size for row in rows)


def _items(result: Any) -> Sequence[Any]:
    if not isinstance(result, list):
        return [result]
    # A scalar comes as one bare [time, value] pair.
    return [{"metric": {}, "value": result}] if result and not isinstance(result[0], Mapping) else result


def _row(item: Any) -> Row | None:
    try:
        points = item["values"] if "values" in item else [item["value"]]
        labels = dict(item["metric"])
        if isinstance(points, Points):
            times, values = points.times, points.values
        else:
            times = np.array([point[0] for point in points], dtype=np.float64)
            values = np.array([float(point[1]) for point in points], dtype=np.float64)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return Row(labels, times, values) if np.isfinite(values).all() and "histograms" not in item else None
