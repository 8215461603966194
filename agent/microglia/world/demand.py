"""What clients want: requests per call and slot, the same for a seed whatever is asked for first."""

from datetime import UTC, datetime
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from microglia.world.layout import Layout
from microglia.world.schema import Call, Shape

SLOT = 300
"""Seconds of a slot: rates are constant within one."""
DAY = 86400
SLOTS = DAY // SLOT
Ints = NDArray[np.int64]


def shaped(shape: Shape, day: int) -> NDArray[np.float64]:
    """Demand as a share of its peak in each slot of epoch day ``day``: a raised cosine, lower at night."""
    hours = (np.arange(SLOTS) + 0.5) * SLOT / 3600
    wave = (1 + np.cos((hours - shape.peak_hour) * (2 * np.pi / 24))) / 2
    weekend = (day + 3) % 7 >= 5
    return (shape.night + (1 - shape.night) * wave) * (shape.weekend if weekend else 1)


def generator(layout: Layout, call: int, day: int, use: int) -> np.random.Generator:
    """The random numbers of one call on one day for one ``use``, independent of all others."""
    it = layout.calls[call]
    name = f"{it.client}>{it.host}>{it.protocol}>{call}"
    return np.random.default_rng((layout.world.seed, crc32(name.encode()), day, use))


def demand(layout: Layout, call: int, day: int) -> Ints:
    """Requests (connections, messages) wanted in each slot of epoch day ``day``, single calls included."""
    it = layout.calls[call]
    counts = np.zeros(SLOTS, dtype=np.int64)
    rng = generator(layout, call, day, 0)
    if it.rate > 0:
        rates = it.rate * SLOT * shaped(layout.shapes[it.shape], day)
        noise = layout.world.noise if it.noise is None else it.noise
        if noise > 0:
            rates = rates * rng.gamma(1 / noise**2, noise**2, SLOTS)
        counts += rng.poisson(rates)
    counts += rng.poisson(_monthly(it, day) * SLOT)
    for moment, count in singles(layout, call, day):
        counts[int(moment - day * DAY) // SLOT] += count
    return counts


def singles(layout: Layout, call: int, day: int) -> list[tuple[float, int]]:
    """(epoch seconds, count) of the single calls and bursts of ``day``, in time order."""
    found = []
    for moment in layout.calls[call].at:
        when = layout.start + moment.day * DAY + moment.clock - layout.start % DAY
        if day * DAY <= when < (day + 1) * DAY:
            found.append((when, moment.count))
    return sorted(found)


def _monthly(call: Call, day: int) -> NDArray[np.float64]:
    rates = np.zeros(SLOTS)
    job = call.monthly
    if job is not None and datetime.fromtimestamp(day * DAY, UTC).day == job.day:
        first = int(job.clock) // SLOT
        rates[first : first + max(1, round(job.lasts / SLOT))] = job.rate
    return rates
