"""Snapshot files: a zip of ``header.json``, ``objects.json``, ``keys.json`` and ``arrays.npz``, sealed by digests."""

import hashlib
import io
import json
import math
import struct
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from microglia.model.activity import Activity, ContainerActivity, Edge, EdgeActivity, WorkloadActivity
from microglia.model.objects import BlindSpot, Objects
from microglia.model.snapshot import Snapshot, Source
from microglia.model.window import Window
from microglia.observe.collector import uncollected
from microglia.observe.redact import redacted

__all__ = ["FORMAT", "RecordedError", "load", "redacted", "save"]

FORMAT = 1
"""The version of the file's layout that this program writes and reads."""
_LENGTHS = 26
"""Where the header of a zip's member says how long the rest of the header is."""
_ALIGNED, _PADDING, _HEADER = 64, 0xD935, 30 + 4 + 20
"""Bytes; the mark of an extra field that only pads, as zipalign writes it; what stands before an array besides its name
and the padding: the member's header, the padding's own, and the sizes in 64 bits."""
_PARTS = ("objects.json", "keys.json", "arrays.npz")
_ARRAYS: dict[str, type] = {
    "workloads": WorkloadActivity, "containers": ContainerActivity, "edges": EdgeActivity, "": Activity,
}  # fmt: skip
_NOT_ARRAYS = frozenset({"keys", "zones", "window", "workloads", "containers", "edges", "hosts", "faults", "slowness"})


class RecordedError(Exception):
    """A snapshot file that cannot be used; the message names it, and the way out."""


class Header(BaseModel):
    """``header.json``: what the file is, and the SHA-256 of its other parts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int
    taken_at: datetime
    source: Source
    start: datetime
    end: datetime
    faults: tuple[tuple[str, str], ...]
    unread: tuple[str, ...]
    hosts: dict[str, float]
    digest: str
    parts: dict[str, str]


def save(snapshot: Snapshot, path: Path) -> None:
    """Write ``snapshot`` to ``path``, whole or not at all. Raises RecordedError when it cannot be written."""
    activity = snapshot.activity
    keys = {
        "workloads": activity.workloads.keys,
        "zones": activity.workloads.zones,
        "containers": activity.containers.keys,
        "edges": [[edge.client, edge.host, edge.server, edge.protocol] for edge in activity.edges.keys],
    }
    parts = {
        "objects.json": _json(snapshot.objects.kinds),
        "keys.json": _json(keys),
        "arrays.npz": _arrays(activity),
    }
    header = Header(
        format=FORMAT,
        taken_at=snapshot.taken_at,
        source=snapshot.source,
        start=snapshot.window.start,
        end=snapshot.window.end,
        faults=tuple((fault.subject, fault.reason) for fault in snapshot.objects.faults),
        unread=activity.faults,
        hosts=activity.hosts,
        digest=snapshot.digest,
        parts={name: _sha(content) for name, content in parts.items()},
    )
    body = header.model_dump_json(indent=1).encode()
    draft = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("header.json", body)
            # The digest of the header stands last: a file that was cut off has none.
            for name in _PARTS:
                archive.writestr(name, parts[name])
            archive.writestr("seal", _sha(body))
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RecordedError(f"{path}: cannot be written: {error.strerror}; choose another place") from error


def load(path: Path) -> Snapshot:
    """The snapshot in ``path``, with read-only arrays.

    Raises RecordedError when the file is missing, cut off, no snapshot, of another format, or was edited.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            small = {name: archive.read(name) for name in archive.namelist() if name not in _PARTS}
            header = _header(path, small, archive.namelist())
        # Reading and checking the arrays needs no interpreter, so it goes on beside the reading of the objects.
        with uncollected(), ThreadPoolExecutor(1) as beside:
            arrays = beside.submit(_checked, path, header, "arrays.npz")
            objects, keys = (from_json(_checked(path, header, name)) for name in ("objects.json", "keys.json"))
            activity = _activity(header, keys, _read_arrays(arrays.result()))
    except FileNotFoundError as error:
        raise RecordedError(f"{path}: no such file; take one with: microglia snapshot {path}") from error
    except OSError as error:
        raise RecordedError(f"{path}: cannot be read: {error.strerror}") from error
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise RecordedError(_broken(path, error)) from error
    return Snapshot(
        taken_at=header.taken_at,
        source=header.source,
        objects=Objects(
            {kind: tuple(raws) for kind, raws in objects.items()},
            tuple(BlindSpot(subject, reason) for subject, reason in header.faults),
        ),
        activity=activity,
        digest=header.digest,
    )


def _broken(path: Path, error: Exception) -> str:
    with path.open("rb") as file:
        start = file.read(64)
    # A file that lost its end may still end in the arrays, which are a zip of their own: its start tells it apart.
    if b"header.json" in start:
        return f"{path}: the file is cut off or damaged ({error}); take or copy the snapshot again"
    return f"{path}: this is no snapshot of microglia ({error}); take one with: microglia snapshot {path}"


def _header(path: Path, content: Mapping[str, bytes], names: Sequence[str]) -> Header:
    if "header.json" not in content:
        raise RecordedError(_broken(path, ValueError("it has no header.json")))
    body = content["header.json"]
    try:
        version = json.loads(body).get("format")
        if version != FORMAT:
            raise RecordedError(
                f"{path}: has snapshot format {version}, this microglia reads format {FORMAT};"
                " use the version that wrote it, or take a new snapshot"
            )
        header = Header.model_validate_json(body)
    except (ValidationError, ValueError, AttributeError) as error:
        raise RecordedError(f"{path}: header.json cannot be read ({error}); take a new snapshot") from error
    missing = [name for name in (*_PARTS, "seal") if name not in names]
    if missing:
        raise RecordedError(f"{path}: {missing[0]} is missing; take or copy the snapshot again")
    if content["seal"].decode(errors="replace") != _sha(body):
        raise RecordedError(f"{path}: header.json was edited (its digest differs); take a new snapshot")
    return header


def _checked(path: Path, header: Header, name: str) -> bytes:
    """A part of the file, which is what its digest says."""
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        body = _member(archive, archive.getinfo(name), file)
    if header.parts.get(name) != _sha(body):
        raise RecordedError(f"{path}: {name} was edited (its digest differs); take a new snapshot")
    return body


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, file: BinaryIO) -> bytes:
    """What stands in the archive as it is, without the archive's own checks: digests are stronger."""
    if info.compress_type != zipfile.ZIP_STORED:
        return archive.read(info)
    file.seek(info.header_offset + _LENGTHS)
    file.seek(sum(struct.unpack("<HH", file.read(4))), io.SEEK_CUR)
    return file.read(info.file_size)


def _arrays(activity: Activity) -> bytes:
    """All arrays as an ``npz`` in which each starts at a multiple of ``_ALIGNED`` bytes: they need not be copied when
    they are read."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for part, kind in _ARRAYS.items():
            source = getattr(activity, part) if part else activity
            for name in _fields(kind):
                info = zipfile.ZipInfo(f"{part}.{name}.npy".lstrip("."))
                padding = -(target.tell() + _HEADER + len(info.filename)) % _ALIGNED
                info.extra = struct.pack("<HH", _PADDING, padding) + bytes(padding)
                with archive.open(info, "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, getattr(source, name), allow_pickle=False)
    return target.getvalue()


def _activity(header: Header, keys: Mapping[str, Any], arrays: Mapping[str, Any]) -> Activity:
    def mine(part: str, kind: type) -> dict[str, Any]:
        return {name: arrays[f"{part}.{name}"] for name in _fields(kind)}

    return Activity(
        window=Window(header.start, header.end),
        workloads=WorkloadActivity(
            keys=tuple(keys["workloads"]), zones=tuple(keys["zones"]), **mine("workloads", WorkloadActivity)
        ),
        containers=ContainerActivity(
            keys=tuple((workload, container) for workload, container in keys["containers"]),
            **mine("containers", ContainerActivity),
        ),
        edges=EdgeActivity(keys=tuple(Edge(*parts) for parts in keys["edges"]), **mine("edges", EdgeActivity)),
        known=arrays["known"],
        away=arrays["away"],
        hosts=header.hosts,
        faults=header.unread,
    )


def _fields(kind: type) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in _NOT_ARRAYS]


def _read_arrays(content: bytes) -> dict[str, Any]:
    """The arrays of an ``npz`` by name, read-only: views of its bytes where those are aligned."""
    found, file = {}, io.BytesIO(content)
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            file.seek(info.header_offset + _LENGTHS)
            file.seek(sum(struct.unpack("<HH", file.read(4))), io.SEEK_CUR)
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            flat = np.frombuffer(content, dtype=dtype, offset=file.tell(), count=math.prod(shape))
            array = (flat if flat.flags.aligned else flat.copy()).reshape(shape, order="F" if fortran else "C")
            array.flags.writeable = False
            found[info.filename.removesuffix(".npy")] = array
    return found


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
