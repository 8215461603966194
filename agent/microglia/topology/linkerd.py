"""TrafficSplits that Linkerd's failover operator steers (linkerd/linkerd-failover: README.md)."""

from collections.abc import Iterator

from microglia.model.ids import service_host
from microglia.model.objects import Objects, Raw, annotations_of, at, labels_of, namespace_of, ref_of
from microglia.topology.failover import Failover

CONTROLLED = "failover.linkerd.io/controlled-by"
PRIMARY = "failover.linkerd.io/primary-service"


def fails_over(split: Raw) -> bool:
    """Whether the operator writes the weights of a TrafficSplit."""
    return CONTROLLED in labels_of(split) or PRIMARY in annotations_of(split)


def primary_of(split: Raw) -> str:
    """The Service that the operator prefers: the one annotated, else the first backend."""
    return annotations_of(split).get(PRIMARY) or str(at(split, "spec", "backends", 0, "service", default=""))


def linkerd_failovers(objects: Objects) -> Iterator[Failover]:
    """Each other backend of a steered TrafficSplit stands by for the primary."""
    for raw in objects.of("TrafficSplit"):
        if fails_over(raw):
            first, namespace = primary_of(raw), namespace_of(raw)
            for i, backend in enumerate(at(raw, "spec", "backends", default=())):
                name = str(backend.get("service", ""))
                if name != first:
                    hosts = [(service_host(namespace, one),) for one in (first, name)]
                    yield Failover(ref_of("TrafficSplit", raw), f"spec.backends[{i}].service", name, *hosts)
