"""One hour of facts as bytes: compact, quick to read, and of no use without its own names.

Layout: magic, one byte of flags, four counts, then zlib of the sections ``workloads``, ``zones``, ``containers`` and
``edges``: 8-byte name digests, then float32 columns. Names are kept once, beside the pages (see ``buckets``).
"""

import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import F32, F64
from microglia.observe.facts import COLUMNS, SIGNS, Block

Ids: TypeAlias = NDArray[np.uint64]
_MAGIC = b"MGH1"
_HEAD = struct.Struct("<4sBxxxIIII")
_SEPARATOR = "\x1f"
SECTIONS: dict[str, tuple[str, ...]] = {
    "workloads": COLUMNS,
    "zones": ("peak",),
    "containers": ("cpu",),
    "edges": SIGNS,
}


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """``ids`` (n,) of names, ``values`` (columns, n)."""

    ids: Ids
    values: F32


@dataclass(frozen=True, slots=True, eq=False)
class Page:
    """One hour: ``sections`` by their names in ``SECTIONS``."""

    known: bool
    away: bool
    sections: Mapping[str, Section]


def joined(parts: Sequence[str]) -> str:
    """One name out of several."""
    return _SEPARATOR.join(parts)


def parted(name: str) -> tuple[str, ...]:
    """The parts that ``joined`` put together."""
    return tuple(name.split(_SEPARATOR))


def ids_of(names: Iterable[str]) -> Ids:
    """8-byte digests of names, shape (n,)."""
    return np.frombuffer(b"".join(blake2b(name.encode(), digest_size=8).digest() for name in names), dtype=np.uint64)


def block_names(block: Block) -> dict[str, tuple[str, ...]]:
    """The names in ``block`` by section, in its order."""
    return {
        "workloads": tuple(block.workloads),
        "zones": tuple(map(joined, block.zones)),
        "containers": tuple(map(joined, block.containers)),
        "edges": tuple(joined((edge.client, edge.host, edge.server, edge.protocol)) for edge in block.edges),
    }


def pack(block: Block) -> dict[int, bytes]:
    """Pages by hour (epoch seconds)."""
    ids = {section: ids_of(names) for section, names in block_names(block).items()}
    values = {
        "workloads": _stack(COLUMNS, block.workloads.values(), block.hours),
        "zones": _stack(("peak",), [{"peak": row} for row in block.zones.values()], block.hours),
        "containers": _stack(("cpu",), [{"cpu": row} for row in block.containers.values()], block.hours),
        "edges": _stack(SIGNS, block.edges.values(), block.hours),
    }
    return {
        block.start + hour * 3600: _page(
            block, hour, {name: (ids[name], values[name][:, :, hour]) for name in SECTIONS}
        )
        for hour in range(block.hours)
    }


def _stack(columns: Sequence[str], rows: Iterable[Mapping[str, F64]], hours: int) -> F32:
    """(columns, n, hours)."""
    rows = list(rows)
    if not rows:
        return np.zeros((len(columns), 0, hours), dtype=np.float32)
    return np.array([[row[column] for row in rows] for column in columns], dtype=np.float32)


def _page(block: Block, hour: int, sections: Mapping[str, tuple[Ids, F32]]) -> bytes:
    parts: list[bytes] = []
    counts = []
    for name in SECTIONS:
        ids, values = sections[name]
        kept = _TOLD[name](values)
        counts.append(int(kept.sum()))
        parts += [ids[kept].tobytes(), np.ascontiguousarray(values[:, kept]).tobytes()]
    flags = bool(block.known[hour]) | bool(block.away[hour]) << 1
    return _HEAD.pack(_MAGIC, flags, *counts) + zlib.compress(b"".join(parts), 1)


def _nonzero(values: F32) -> NDArray[np.bool_]:
    return np.asarray((values != 0).any(axis=0))


def _finite(values: F32) -> NDArray[np.bool_]:
    return np.asarray(~np.isnan(values).all(axis=0))


_TOLD: dict[str, Callable[[F32], NDArray[np.bool_]]] = {
    "workloads": _finite, "zones": _finite, "containers": _finite, "edges": _nonzero,
}  # fmt: skip


def unpack(payload: bytes) -> Page | None:
    """The page, None when it is not one or of another layout: such an hour is read again."""
    try:
        magic, flags, *counts = _HEAD.unpack_from(payload)
        body = zlib.decompress(payload[_HEAD.size :]) if magic == _MAGIC else b""
        sections = {}
        offset = 0
        for (name, columns), count in zip(SECTIONS.items(), counts, strict=True):
            ids = np.frombuffer(body, dtype=np.uint64, count=count, offset=offset)
            offset += ids.nbytes
            values = np.frombuffer(body, dtype=np.float32, count=count * len(columns), offset=offset)
            offset += values.nbytes
            sections[name] = Section(ids, values.reshape(len(columns), count))
    except (struct.error, zlib.error, ValueError):
        return None
    return Page(bool(flags & 1), bool(flags & 2), sections) if magic == _MAGIC and offset == len(body) else None
