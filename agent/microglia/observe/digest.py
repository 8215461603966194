"""The digest of a snapshot: the same world gives the same digest, however often its objects were touched."""

import dataclasses
import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from microglia.model.activity import Activity
from microglia.model.objects import Objects
from microglia.model.snapshot import Source
from microglia.observe.collector import uncollected

VOLATILE = frozenset({
    "resourceVersion", "managedFields", "observedGeneration", "lastTransitionTime", "lastUpdateTime",
    "lastHeartbeatTime", "lastProbeTime", "renewTime", "acquireTime", "lastScaleTime", "lastScheduleTime",
    "lastSuccessfulTime",
})  # fmt: skip
"""Fields that move without any change of the world: left out of the digest at every depth."""


_RARE = frozenset({"proxies", "untold"})
"""Parts of a source that most have none of."""


def snapshot_digest(source: Source, objects: Objects, activity: Activity) -> str:
    """SHA-256 in hex over the source, the objects without ``VOLATILE`` fields, and every array with its shape.

    Clocks are no part of the world, and differ by a little at every look.
    """
    state = hashlib.sha256()
    told = dataclasses.asdict(source)
    state.update(_json({name: told[name] for name in told if name != "ahead" and (name not in _RARE or told[name])}))
    with uncollected():
        for kind in sorted(objects.kinds):
            state.update(f"\n{kind}\n".encode())
            state.update(_json([_steady(raw) for raw in objects.kinds[kind]]))
    state.update(_json([[fault.subject, fault.reason] for fault in objects.faults]))
    window = activity.window
    state.update(_json([window.start.isoformat(), window.end.isoformat(), activity.hosts, list(activity.faults)]))
    for part in (activity.workloads, activity.containers, activity.edges, activity):
        for field in dataclasses.fields(part):
            _feed(state, field.name, getattr(part, field.name))
    return state.hexdigest()


def _feed(state: "hashlib._Hash", name: str, value: Any) -> None:
    if isinstance(value, np.ndarray):
        state.update(f"\n{name} {value.dtype.str} {value.shape}\n".encode())
        state.update(_canonical(value).data)
    elif isinstance(value, tuple):
        state.update(f"\n{name} {len(value)}\n".encode())
        state.update("\n".join(map(_line, value)).encode())


def _line(item: Any) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, tuple):
        return "\t".join(item)
    return f"{item.client}\t{item.host}\t{item.server}\t{item.protocol}"


def _canonical(value: NDArray[Any]) -> NDArray[Any]:
    """C order, one NaN and one zero: two arrays that compare equal have the same bytes."""
    copy = np.ascontiguousarray(value)
    if copy.dtype.kind == "f":
        copy = copy + np.zeros((), dtype=copy.dtype)
        copy[np.isnan(copy)] = np.nan
    return copy


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _steady(item) for key, item in value.items() if key not in VOLATILE}
    if isinstance(value, list | tuple):
        return [_steady(item) for item in value]
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode()
