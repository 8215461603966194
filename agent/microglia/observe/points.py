"""Bodies of range queries: their hundreds of thousands of points as arrays, without an object for each."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from microglia.model.activity import F64

_OPENING, _CLOSING, _NEXT = b'"values":[[', b"]]", b"],["
"""How compact JSON writes the points of a series. Neither stands within a label: there, quotes are escaped."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The points of one series: epoch seconds and values, both (n,)."""

    times: F64
    values: F64


def parsed(body: bytes) -> Any:
    """``body`` as JSON, where each series of a matrix has ``Points`` for its ``values``.

    Points that are written in any other way than ``[[1000,"1.5"],...]`` stay lists. Raises ValueError where ``body`` is
    no JSON.
    """
    before, *series = body.split(_OPENING)
    cut = [one.partition(_CLOSING) for one in series]
    if not cut or not all(closing for _, closing, _ in cut):
        return json.loads(body)
    rest = b"".join(b'"values":%d%b' % (number, after) for number, (_, _, after) in enumerate(cut))
    try:
        envelope = json.loads(before + rest)
        rows = envelope["data"]["result"]
        points = _points([told for told, _, _ in cut])
        if [row["values"] for row in rows] != list(range(len(points))):
            return json.loads(body)
    except (ValueError, KeyError, TypeError):
        return json.loads(body)
    for row, mine in zip(rows, points, strict=True):
        row["values"] = mine
    return envelope


def _points(told: list[bytes]) -> list[Points]:
    """Of each series, from ``1000,"1.5"],[1300,"2"``. Raises ValueError for what is written otherwise."""
    ends = np.cumsum([one.count(_NEXT) + 1 for one in told])
    plain = b",".join(told).translate(None, b'[]"').split(b",")
    if len(plain) != 2 * ends[-1]:
        raise ValueError("there are not two numbers to every point")
    pairs = np.fromiter(map(float, plain), dtype=np.float64, count=len(plain)).reshape(-1, 2)
    times, values = np.ascontiguousarray(pairs.T)
    onward = np.diff(times) > 0
    onward[ends[:-1] - 1] = True
    if not onward.all():
        raise ValueError("points are not in order of time")
    return [Points(*both) for both in zip(np.split(times, ends[:-1]), np.split(values, ends[:-1]), strict=True)]
