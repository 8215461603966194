"""Argo CD Applications: whether one leaves replica counts alone, and which line would make it.

Argo CD sets back whatever differs from Git unless ``spec.ignoreDifferences`` names the field, and applies Git's value
with every other sync unless ``RespectIgnoreDifferences=true`` is among the sync options
(https://argo-cd.readthedocs.io/en/stable/user-guide/sync-options/). An entry without ``group: apps`` does not match a
Deployment.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from microglia.model.ids import ObjectRef
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of
from microglia.topology.nodes import Owner

_RESPECT = "RespectIgnoreDifferences=true"
_POINTER, _JQ, _MANAGER = "/spec/replicas", ".spec.replicas", "microglia"


@dataclass(frozen=True, slots=True, eq=False)
class Applications:
    """The Applications of this cluster, under each name that a tracking id may give them; ``hidden`` when they could
    not be read."""

    named: Mapping[str, tuple[Raw, ...]] = field(default_factory=dict)
    hidden: bool = False

    def judge(self, owner: Owner, application: str, ref: ObjectRef) -> Owner:
        """``owner`` with its Application's word on the count of ``ref``: that microglia may act, or what is missing.

        An Application that is not here, or not the only one of its name, says nothing.
        """
        found = self.named.get(application, ())
        if len(found) != 1:
            return owner
        (raw,) = found
        name = f"Application {namespace_of(raw)}/{name_of(raw)}"
        ignored, respected = _ignores(raw, ref), _RESPECT in at(raw, "spec", "syncPolicy", "syncOptions", default=())
        if ignored is not None and respected:
            evidence = f"{name} leaves the count alone: spec.ignoreDifferences[{ignored}], {_RESPECT}"
            return replace(owner, evidence=evidence, act=True)
        entry = f"{{group: apps, kind: {ref.kind}, jsonPointers: [{_POINTER}]}}"
        missing = [f"{entry} in spec.ignoreDifferences"] if ignored is None else []
        missing += [] if respected else [f"{_RESPECT} in spec.syncPolicy.syncOptions"]
        needs = f"{name} needs {' and '.join(missing)}"
        return replace(owner, way_out=f"{owner.remedy}; or allow microglia to act: {needs}")


def read_applications(objects: Objects) -> Applications:
    """Index them: a tracking id says ``name``, or ``namespace_name`` for one outside of Argo CD's own namespace."""
    named: dict[str, tuple[Raw, ...]] = {}
    for raw in objects.of("Application"):
        for name in (name_of(raw), f"{namespace_of(raw)}_{name_of(raw)}"):
            named[name] = (*named.get(name, ()), raw)
    return Applications(named, objects.blind("Application"))


def _ignores(raw: Raw, ref: ObjectRef) -> int | None:
    """The entry of ``spec.ignoreDifferences`` that covers the count; None when there is none."""
    for index, entry in enumerate(at(raw, "spec", "ignoreDifferences", default=())):
        meant = (
            at(entry, "group", default="") in {"apps", "*"}
            and at(entry, "kind", default="") in {ref.kind, "*"}
            and at(entry, "name", default=ref.name) == ref.name
            and at(entry, "namespace", default=ref.namespace) == ref.namespace
        )
        covered = (
            _POINTER in at(entry, "jsonPointers", default=())
            or _JQ in at(entry, "jqPathExpressions", default=())
            or _MANAGER in at(entry, "managedFieldsManagers", default=())
        )
        if meant and covered:
            return index
    return None
