"""The wire across every cut route: one call along it, and the route comes back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from microglia.model.activity import EXTERNAL, EdgeActivity
from microglia.model.window import floor_hour
from microglia.plan.change import SidecarChange

Calls = Mapping[str, tuple[tuple[str, float], ...]]
"""Client key -> (host, epoch seconds of the last sign; NaN when undated) of every edge in use."""


def calls(edges: EdgeActivity) -> Calls:
    """Who called what, by client."""
    found: dict[str, list[tuple[str, float]]] = {}
    for edge, used, last in zip(edges.keys, edges.used, edges.last, strict=True):
        if used:
            found.setdefault(edge.client, []).append((edge.host, float(last)))
    return {client: tuple(some) for client, some in found.items()}


@dataclass(frozen=True, slots=True)
class Trip:
    """What touched the wire: the cut ``hosts`` that were called, or all of them where nobody can tell which."""

    hosts: tuple[str, ...]
    why: str


def tripped(change: SidecarChange, at: datetime, seen: Calls) -> Trip | None:
    """Calls that met the cut since the hour it was made in; None when nothing touched the wire.

    A hidden host turns into passthrough, a black hole or a generated 502, and metrics name the pseudo host then. What
    is not dated counts: it may have been after the cut.
    """
    start = floor_hour(at).timestamp()
    met = sorted({host for host, last in seen.get(change.id.key, ()) if math.isnan(last) or last >= start})
    named = tuple(host for host in met if host in change.cut)
    pseudo = [host for host in met if host in EXTERNAL]
    if named:
        return Trip(named, f"{', '.join(named)} was called since it was hidden")
    if pseudo:
        return Trip(change.cut, f"calls to {', '.join(pseudo)} since {len(change.cut)} hosts were hidden")
    return None
