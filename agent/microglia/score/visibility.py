"""Which hosts a client's sidecar knows: all of the mesh, less what its effective Sidecar leaves out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import annotations_of, at, ref_of
from microglia.topology.graph import Topology
from microglia.topology.nodes import Service

_EXPORT = "networking.istio.io/exportTo"


@dataclass(frozen=True, slots=True, order=True)
class Scope:
    """What a sidecar imports and excludes, as sorted (namespace, host) patterns; ``*`` is any namespace."""

    namespace: str
    imports: tuple[tuple[str, str], ...]
    excludes: tuple[tuple[str, str], ...]


EVERYTHING = (("*", "*"),)


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """Answers which hosts a client knows. Clients with equal scopes share one answer."""

    services: Mapping[str, Service]
    scopes: Mapping[ObjectRef, tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]]
    sidecars: Mapping[WorkloadId, tuple[ObjectRef, ...]]
    exports: Mapping[str, frozenset[str]]

    def scope(self, client: WorkloadId) -> Scope:
        """The effective scope of ``client``: its most specific Sidecar alone counts, Istio never merges them."""
        applied = self.sidecars.get(client, ())
        imports, excludes = self.scopes.get(applied[0], (EVERYTHING, ())) if applied else (EVERYTHING, ())
        # Without a pattern for its own namespace and without exports, all namespaces share one answer.
        own = any(name == "." for name, _ in (*imports, *excludes)) or bool(self.exports)
        return Scope(client.namespace if own else "", imports, excludes)

    def hosts(self, scope: Scope) -> tuple[str, ...]:
        """Sorted FQDNs of every Service that a sidecar of this scope knows: imported by some entry, excluded by
        none."""
        found = (host for host, service in self.services.items() if self._knows(scope, host, service.namespace))
        return tuple(sorted(found))

    def _knows(self, scope: Scope, host: str, namespace: str) -> bool:
        exported = self.exports.get(host)
        if exported is not None and not exported & {"*", scope.namespace}:
            return False
        imported = any(_names(entry, host, namespace, scope.namespace) for entry in scope.imports)
        return imported and not any(_names(entry, host, namespace, scope.namespace) for entry in scope.excludes)


def visibility(topology: Topology) -> Visibility:
    """Read every Sidecar, and which Services keep to some namespaces."""
    scopes = {
        ref_of("Sidecar", raw): _entries(
            str(host) for egress in at(raw, "spec", "egress", default=[]) for host in egress.get("hosts") or ()
        )
        for raw in topology.objects.of("Sidecar")
    }
    exports = {}
    for host, service in topology.services.items():
        written = annotations_of(service.raw).get(_EXPORT)
        if written is not None:
            names = {service.namespace if name.strip() == "." else name.strip() for name in written.split(",")}
            exports[host] = frozenset(names)
    return Visibility(topology.services, scopes, topology.sidecars, exports)


def _entries(hosts: Iterable[str]) -> tuple[tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
    """(imports, excludes) of ``spec.egress[].hosts``. No entry at all means everything. ``~/*`` imports nothing;
    ``~/host`` and ``~namespace/host`` exclude (since Istio 1.31)."""
    imports, excludes, written = set(), set(), False
    for entry in hosts:
        written = True
        namespace, _, name = entry.partition("/")
        if not namespace.startswith("~"):
            imports.add((namespace, name))
        elif namespace != "~" or name != "*":
            excludes.add((namespace[1:] or "*", name))
    return (tuple(sorted(imports)) if written else EVERYTHING), tuple(sorted(excludes))


def _names(entry: tuple[str, str], host: str, namespace: str, own: str) -> bool:
    where, name = entry
    if where not in ("*", namespace) and not (where == "." and namespace == own):
        return False
    return name in {"*", host} or (name.startswith("*.") and host.endswith(name[1:]))
