"""The adapter for the real API server keeps the writer contract, on the real API server."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import config

from microglia.act.cluster import ApiCluster
from tests.contract.writer_contract import CHECKS, Subject
from tests.lab import Lab
from tests.lab.waiting import until

NAMESPACE = "contract"


def manifest(api: str, kind: str, name: str, **parts: Any) -> dict[str, Any]:
    """An object with this name."""
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **parts.pop("metadata", {})}, **parts}


def ground() -> list[dict[str, Any]]:
    """A namespace, and a node in each of three zones."""
    fake = {"kwok.x-k8s.io/node": "fake"}
    labels = [{"topology.kubernetes.io/zone": zone} for zone in "abc"]
    nodes = [
        manifest("v1", "Node", f"contract-{number}", metadata={"labels": one, "annotations": fake})
        for number, one in enumerate(labels)
    ]
    return [manifest("v1", "Namespace", NAMESPACE), *nodes]


def deployment(name: str) -> dict[str, Any]:
    """Three replicas."""
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "app"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": template}
    return manifest("apps/v1", "Deployment", name, metadata={"namespace": NAMESPACE}, spec=spec)


def wait(condition: Callable[[], bool]) -> None:
    """Real controllers take real time."""
    until("the controllers have acted", lambda: "" if condition() else "not yet", 30.0)


@pytest.fixture(scope="module")
def real(lab: Lab) -> Iterator[ApiCluster]:
    """The API server with three nodes and Istio's kinds; wiped afterwards."""
    lab.wipe(keep=["customresourcedefinitions"])
    lab.apply([*lab.istio_crds(), *ground()])
    yield ApiCluster(config.new_client_from_config(str(lab.kubeconfig)))
    lab.wipe()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_adapter_keeps_the_contract(check: Callable[[Subject], None], real: ApiCluster, lab: Lab) -> None:
    """One promise of WritableCluster, with a Deployment of its own."""
    name = check.__name__.replace("_", "-")[:40]
    lab.apply([deployment(name)])
    lab.wait_ready()
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{name}"
    check(Subject(real, NAMESPACE, name, wait, lambda patch: lab.api.patch(path, patch)))
