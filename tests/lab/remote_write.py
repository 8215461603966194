"""History into a running Prometheus: remote write 0.1.0, encoded by numpy.

The message is small enough to write down: ``WriteRequest{1: TimeSeries}``, ``TimeSeries{1: Label, 2: Sample}``,
``Label{1: name, 2: value}``, ``Sample{1: double value, 2: int64 timestamp}``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import cramjam
import numpy as np
import numpy.typing as npt
import requests

from tests.lab.errors import LabError

Times = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

STALE_BITS = np.uint64(0x7FF0000000000002)
STALE = np.array([STALE_BITS]).view(np.float64)[0]
"""The staleness marker: the NaN that ends a series. Every other NaN is a missing sample and is not written."""

SERIES_PER_REQUEST = 20
SAMPLES_PER_REQUEST = 40_000

_HEADERS = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}
_IN_FLIGHT = 2
_TOLD_EVERY = 5_000_000
_TIMEOUT = (5.0, 120.0)

_SERIES, _LABEL, _NAME, _VALUE = 0x0A, 0x0A, 0x0A, 0x12
_SAMPLE, _SAMPLE_VALUE, _SAMPLE_TIME = 0x12, 0x09, 0x10
# A varint of six bytes, padded where fewer would do, so that all samples are of one size: good until the year 2109.
_TIME_BYTES = 6
_TIME_END = 1 << (7 * _TIME_BYTES)
_SAMPLE_SIZE = 1 + 8 + 1 + _TIME_BYTES


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series: labels with ``__name__``, ascending times in ms since 1970, and as many values."""

    labels: Mapping[str, str]
    times: Times
    values: Values


def write(url: str, series: Iterable[Series], say: Callable[[str], None] | None = None) -> int:
    """Write ``series`` to the Prometheus at ``url`` and return how many samples were sent.

    ``say`` is told about progress. Raises LabError with the text of the reply when a request is refused, and
    ValueError for a series that cannot be written.
    """
    sent = told = 0
    with requests.Session() as session, ThreadPoolExecutor(_IN_FLIGHT) as pool:
        session.trust_env = False
        waiting: deque[Future[None]] = deque()
        for body, count in _requests(series):
            if len(waiting) == _IN_FLIGHT:
                waiting.popleft().result()
            waiting.append(pool.submit(_post, session, url, body))
            sent += count
            if say is not None and sent - told >= _TOLD_EVERY:
                say(f"  {sent / 1e6:.0f} M samples of history written")
                told = sent
        for future in waiting:
            future.result()
    return sent


def encode(series: Series) -> tuple[bytes, int]:
    """Return one TimeSeries field of a WriteRequest, and how many samples it holds.

    Raises ValueError, naming the series, without ``__name__``, for unequal lengths or for times out of range.
    """
    _check(series)
    values = np.ascontiguousarray(series.values, dtype=np.float64)
    kept = ~np.isnan(values) | (values.view(np.uint64) == STALE_BITS)
    labels = b"".join(_label(name, series.labels[name]) for name in sorted(series.labels))
    content = labels + _samples(series.times[kept], values[kept])
    return bytes([_SERIES]) + _varint(len(content)) + content, int(kept.sum())


def _requests(series: Iterable[Series]) -> Iterator[tuple[bytes, int]]:
    parts: list[bytes] = []
    samples = 0
    for one in series:
        part, count = encode(one)
        if not count:
            continue
        if parts and (len(parts) == SERIES_PER_REQUEST or samples + count > SAMPLES_PER_REQUEST):
            yield _compressed(parts), samples
            parts, samples = [], 0
        parts.append(part)
        samples += count
    if parts:
        yield _compressed(parts), samples


def _compressed(parts: list[bytes]) -> bytes:
    return bytes(cramjam.snappy.compress_raw(b"".join(parts)))


def _post(session: requests.Session, url: str, body: bytes) -> None:
    try:
        reply = session.post(f"{url}/api/v1/write", data=body, headers=_HEADERS, timeout=_TIMEOUT)
    except requests.RequestException as error:
        raise LabError(f"remote write to {url}: {error}; see the log of this Prometheus") from error
    if not reply.ok:
        raise LabError(
            f"remote write to {url}: {reply.status_code} {reply.text.strip()}; times must lie within its"
            " out-of-order window and at most 10 minutes in the future, one sample per series and time"
        )


def _check(series: Series) -> None:
    if "__name__" not in series.labels:
        raise ValueError(f"series {dict(series.labels)}: the label __name__ is missing; give the metric's name")
    if series.times.shape != series.values.shape or series.times.ndim != 1:
        shapes = f"{series.times.shape} and {series.values.shape}"
        raise ValueError(f"series {dict(series.labels)}: times and values have the shapes {shapes}; make them equal")
    if series.times.size and (series.times.min() < 0 or series.times.max() >= _TIME_END):
        raise ValueError(f"series {dict(series.labels)}: times are not milliseconds between the years 1970 and 2109")


def _label(name: str, value: str) -> bytes:
    content = _text(_NAME, name) + _text(_VALUE, value)
    return bytes([_LABEL]) + _varint(len(content)) + content


def _text(tag: int, text: str) -> bytes:
    content = text.encode()
    return bytes([tag]) + _varint(len(content)) + content


def _samples(times: Times, values: Values) -> bytes:
    table = np.empty((times.size, 2 + _SAMPLE_SIZE), dtype=np.uint8)
    table[:, 0] = _SAMPLE
    table[:, 1] = _SAMPLE_SIZE
    table[:, 2] = _SAMPLE_VALUE
    table[:, 3:11] = values.astype("<f8").view(np.uint8).reshape(-1, 8)
    table[:, 11] = _SAMPLE_TIME
    for position in range(_TIME_BYTES):
        more = 0x80 if position < _TIME_BYTES - 1 else 0
        table[:, 12 + position] = ((times >> (7 * position)) & 0x7F) | more
    return table.tobytes()


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
