"""One look at the world: every kind, then the traffic, frozen with a digest."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from microglia.model.activity import nothing
from microglia.model.doubts import doubts
from microglia.model.kinds import KINDS, Kind
from microglia.model.listing import listed
from microglia.model.objects import BlindSpot, Objects, Raw, labels_of, name_of, sorted_objects
from microglia.model.ports import AbsentError, Cluster, Traffic, UnreadableError
from microglia.model.snapshot import Snapshot, Source
from microglia.model.window import Window
from microglia.observe.collector import uncollected
from microglia.observe.digest import snapshot_digest
from microglia.observe.trim import trimmed
from microglia.policy.protection import ProtectionObject

MIRRORED = {"microglia.dev/managed-by": "microglia", "app.kubernetes.io/managed-by": "microglia"}
"""The labels of a Protection that tells the API server what microglia computed. It is no reason for anything: read as
one it would hold for ever what it was computed from."""


def mirrored(raw: Raw) -> bool:
    """Whether a Protection is microglia's own telling."""
    return MIRRORED.items() <= labels_of(raw).items()


def observe(cluster: Cluster, traffic: Traffic, window: Window, now: datetime) -> Snapshot:
    """What is there now, and what went on in ``window``.

    A kind that could not be read becomes a blind spot. Raises UnreadableError when no API server or no metrics
    server answers.
    """
    facts = cluster.facts()
    objects = look(cluster)
    source = traffic.describe(facts, now)
    activity = traffic.activity(objects.kinds, window, now)
    if told := doubts(source, window.end - window.start):
        activity = replace(activity, faults=(*told, *activity.faults))
    digest = snapshot_digest(source, objects, activity)
    return Snapshot(taken_at=now, source=source, objects=objects, activity=activity, digest=digest)


def observe_objects(cluster: Cluster, now: datetime) -> Snapshot:
    """What is there now, without any metrics. Raises UnreadableError when no API server answers."""
    facts = cluster.facts()
    source = Source(facts.uid, facts.name, facts.version, "", "", None, None, (), ())
    objects, activity = look(cluster), nothing(Window.ending(now, timedelta(hours=1)))
    return Snapshot(now, source, objects, activity, snapshot_digest(source, objects, activity))


def beside(snapshot: Snapshot, protections: Sequence[ProtectionObject]) -> Snapshot:
    """``snapshot`` with protections that people wrote in files, as if they lay in the cluster."""
    if not protections:
        return snapshot
    written = [one.model_dump(mode="json", by_alias=True) for one in protections]
    kinds = {**snapshot.objects.kinds, "Protection": sorted_objects((*snapshot.objects.of("Protection"), *written))}
    objects = replace(snapshot.objects, kinds=kinds)
    return replace(snapshot, objects=objects, digest=snapshot_digest(snapshot.source, objects, snapshot.activity))


def look(cluster: Cluster) -> Objects:
    """Every kind that microglia knows, trimmed and sorted; what could not be read is named in ``faults``."""
    kinds: dict[str, tuple[Raw, ...]] = {}
    faults: list[BlindSpot] = []
    for kind in KINDS:
        kinds[kind.name] = ()
        try:
            with uncollected():
                raws = _foreign(kind, listed(cluster, kind))
                namespaces = frozenset(map(name_of, kinds["Namespace"]))
                kinds[kind.name] = sorted_objects(trimmed(kind.name, raw, namespaces) for raw in raws)
        except AbsentError:
            if not kind.optional:
                reason = f"this API server does not serve {kind.plural} at {kind.path}; update the cluster or grant it"
                faults.append(BlindSpot(kind.name, reason))
        except UnreadableError as error:
            faults.append(BlindSpot(kind.name, str(error)))
    return Objects(kinds, tuple(faults))


def _foreign(kind: Kind, raws: Sequence[Raw]) -> Sequence[Raw]:
    return [raw for raw in raws if not mirrored(raw)] if kind.name == "Protection" else raws
