"""The labels that Istio's sidecars put on what they count."""

from dataclasses import dataclass

from microglia.model.activity import UNKNOWN_PEER
from microglia.model.ids import host_service
from microglia.world.layout import Layout, pod_labels
from microglia.world.record import Pod
from microglia.world.statuses import address

Labels = dict[str, str]
JOB = "kubernetes-pods"


@dataclass(frozen=True, slots=True)
class Ending:
    """An HTTP code and Envoy's response flags."""

    code: str
    flags: str = "-"


GOOD, BAD = Ending("200"), Ending("503")


def target(pod: Pod) -> Labels:
    """What Prometheus adds to everything that it scrapes from a pod's agent."""
    place = {"namespace": pod.namespace, "pod": pod.name}
    return {"job": JOB, "instance": f"{address(pod.uid or pod.name)}:15020", **place}


def peer(layout: Layout, side: str, key: str) -> Labels:
    """The eight labels of one end; ``side`` is source or destination. Who is not known is ``unknown`` throughout."""
    if key not in layout.index:
        names = ("workload", "workload_namespace", "principal", "app", "version", "canonical_service", "cluster")
        return {f"{side}_{name}": UNKNOWN_PEER for name in names} | {f"{side}_canonical_revision": "latest"}
    namespace, name = key.split("/")
    labels = pod_labels(key, layout.workloads[layout.index[key]])
    return {
        f"{side}_workload": name,
        f"{side}_workload_namespace": namespace,
        f"{side}_principal": f"spiffe://cluster.local/ns/{namespace}/sa/default",
        f"{side}_app": labels["app"],
        f"{side}_version": labels["version"],
        f"{side}_canonical_service": labels["app"],
        f"{side}_canonical_revision": labels["version"],
        f"{side}_cluster": "Kubernetes",
    }


def service(layout: Layout, host: str) -> Labels:
    """The destination's Service; hosts outside the cluster and pseudo hosts have only a name."""
    place = host_service(host)
    if place is not None and place in layout.services:
        return _service(host, place[1], place[0])
    return _service(host, host, UNKNOWN_PEER)


def pseudo(name: str, asked: str) -> Labels:
    """A pseudo destination: ``destination_service`` is what the Host header said."""
    return _service(asked.removesuffix(".svc.cluster.local"), name, UNKNOWN_PEER)


def _service(host: str, name: str, namespace: str) -> Labels:
    return {
        "destination_service": host,
        "destination_service_name": name,
        "destination_service_namespace": namespace,
    }


def reply(protocol: str, end: Ending) -> Labels:
    """How a call ended: code, flags and gRPC status, the labels that Prometheus would not drop as empty."""
    if protocol == "tcp":
        return {"request_protocol": "tcp", "response_flags": end.flags}
    labels = {"request_protocol": protocol, "response_flags": end.flags, "response_code": end.code}
    if protocol == "grpc":
        # An application's gRPC error travels in the trailers of a 200; what Envoy itself says keeps its code.
        own = end.code.startswith("5") and end.flags == "-" and end.code != "502"
        labels["response_code"] = "200" if own else end.code
        labels["grpc_response_status"] = "0" if end.code == "200" else "14"
    return labels
