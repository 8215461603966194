"""A world with one namespace in Linkerd's mesh: its pods carry that proxy, and what it counts bears its names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from microglia.world.manifests import leases, manager_of, manifests
from microglia.world.schema import World
from tests.lab import Lab
from tests.lab.api import Document
from tests.lab.remote_write import Series
from tests.lab.stage import Stage

PROXY = "linkerd-proxy"


class Bilingual(Stage):
    """A stage whose namespace ``job`` speaks Linkerd, and the rest Istio."""

    def past(self, span: tuple[float, float]) -> Iterator[Series]:
        """What was scraped within ``span``, each proxy's series under its own names."""
        for one in super().past(span):
            yield from _spoken(one) if one.labels.get("namespace") == "job" else (one,)


def put(lab: Lab, world: World, prometheus: str) -> Bilingual:
    """Create the objects of ``world`` and wait until its pods are ready; no history yet. Raises LabError."""
    stage = Bilingual(lab, world, prometheus)
    found = manifests(stage.layout)
    lab.apply([*lab.istio_crds(), *(raw for raw in found if raw["kind"] == "Node")])
    lab.wait_nodes()
    lab.apply((_enrolled(raw) for raw in found if raw["kind"] != "Node"), lambda raw: manager_of(world, dict(raw)))
    stage.follow()
    lab.apply(leases(stage.layout, stage.record.pods))
    return stage


def _enrolled(raw: Document) -> Document:
    if raw["kind"] not in {"Deployment", "StatefulSet"} or raw["metadata"]["namespace"] != "job":
        return raw
    for one in raw["spec"]["template"]["spec"]["containers"]:
        if one["name"] == "istio-proxy":
            one["name"] = PROXY
    return raw


def _spoken(one: Series) -> Iterator[Series]:
    """What Linkerd's proxy exports where Istio's exports ``one``; nothing where it has no such thing."""
    labels = one.labels
    name = labels["__name__"]
    if not name.startswith("istio_"):
        yield one
        return
    place = {key: labels[key] for key in ("instance", "namespace", "pod") if key in labels} | {"job": "linkerd-proxy"}
    if name == "istio_build":
        yield Series({"__name__": "proxy_build_info", **place}, one.times, one.values)
        return
    sort = {key: labels.get(key, "") for key in ("source_workload", "response_code")}
    where = {**place, **(_inbound(labels) if labels.get("reporter") == "destination" else _outbound(labels))}
    for metric, more in _counted(name, labels):
        yield Series({"__name__": metric, **where, **sort, **more}, one.times, one.values)


def _counted(name: str, labels: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    failed = "failure" if labels.get("response_code", "").startswith("5") else "success"
    spoken: dict[str, list[tuple[str, dict[str, str]]]] = {
        "istio_requests_total": [("request_total", {}), ("response_total", {"classification": failed})],
        "istio_request_duration_milliseconds_sum": [("response_latency_ms_sum", {})],
        "istio_tcp_connections_opened_total": [("tcp_open_total", {"peer": "dst"})],
    }
    return spoken.get(name, [])


def _inbound(labels: Mapping[str, str]) -> dict[str, str]:
    server = labels.get("destination_workload", "")
    return {"direction": "inbound", "target_port": "8080", "route_name": "default", "deployment": server}


def _outbound(labels: Mapping[str, str]) -> dict[str, str]:
    return {
        "direction": "outbound",
        "deployment": labels.get("source_workload", ""),
        "dst_namespace": labels.get("destination_service_namespace", ""),
        "dst_service": labels.get("destination_service_name", ""),
        "dst_deployment": labels.get("destination_workload", ""),
    }
