"""The lab is what it claims to be: a real control plane, a real Prometheus, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from tests.lab import STALE, Lab, LabError, Series, Span, clearing, remote_write
from tests.lab.api import ApiError
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(180)

ZONES = ("a", "b", "c")
SPACE = "six"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{SPACE}/deployments/web"
STEP_MS = 120_000
FORTNIGHT_MS = 14 * 86_400_000


@pytest.fixture
def cluster(lab: Lab) -> Iterator[Lab]:
    """The lab with three nodes in three zones and an empty namespace; wiped afterwards."""
    nodes = [_node(f"node-{zone}", zone) for zone in ZONES]
    lab.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}, *nodes])
    yield lab
    lab.wipe()


def test_the_api_server_is_ready(lab: Lab) -> None:
    """/readyz says ok, and the kubeconfig works for kubectl, which needs all that others need of it."""
    assert _kubectl(lab, lab.kubeconfig, "get", "--raw", "/readyz").stdout == "ok"


def test_a_deployment_of_six_gets_ready_over_three_zones(cluster: Lab) -> None:
    """Controllers, scheduler and kwok together bring six pods to life, two in each zone, behind their Service."""
    cluster.apply([_deployment(6), _service()])
    cluster.wait_ready()
    pods = cluster.api.get(f"/api/v1/namespaces/{SPACE}/pods")["items"]
    assert Counter(pod["spec"]["nodeName"] for pod in pods) == {f"node-{zone}": 2 for zone in ZONES}
    assert all(pod["status"]["podIP"] for pod in pods)


def test_what_does_not_get_ready_is_named(cluster: Lab) -> None:
    """A Deployment without nodes to run on is named, with its count, when the time is over."""
    nowhere = _deployment(6)
    nowhere["spec"]["template"]["spec"]["nodeSelector"] = {"zone": "nowhere"}
    cluster.apply([nowhere])
    with pytest.raises(LabError, match=r"not within 0.5 s; still pending: deployments six/web \(0 of 6 ready\)"):
        cluster.wait_ready(0.5)


def test_what_is_there_is_changed(cluster: Lab) -> None:
    """A manifest that is applied again is merged into the object, which stays the same one."""
    (first,) = cluster.apply([_deployment(6)])
    (second,) = cluster.apply([_deployment(2)])
    assert second["metadata"]["uid"] == first["metadata"]["uid"]
    assert second["spec"]["replicas"] == 2


def test_a_node_keeps_what_it_was_given(cluster: Lab) -> None:
    """What a node can hold is left alone by kwok, so that a world's nodes can be full."""
    status = cluster.api.get("/api/v1/nodes/node-a")["status"]
    assert status["allocatable"]["cpu"] == "16"


def test_scale_takes_a_uid_and_a_version_as_preconditions(cluster: Lab) -> None:
    """A write that was decided on another object, or on an older one, is refused; the right one is carried out."""
    cluster.apply([_deployment(6)])
    cluster.wait_ready()
    scale = cluster.api.get(f"{DEPLOYMENT}/scale")
    right = scale["metadata"]
    for wrong in ({**right, "resourceVersion": "1"}, {**right, "uid": "00000000-0000-0000-0000-000000000000"}):
        with pytest.raises(ApiError) as refused:
            cluster.api.send("PUT", f"{DEPLOYMENT}/scale", {**scale, "metadata": wrong, "spec": {"replicas": 4}})
        assert refused.value.status == 409
    cluster.api.send("PUT", f"{DEPLOYMENT}/scale", {**scale, "spec": {"replicas": 4}})
    cluster.wait_ready()
    assert cluster.api.get(DEPLOYMENT)["status"]["readyReplicas"] == 4


def test_an_account_can_do_what_its_roles_say(cluster: Lab) -> None:
    """A ServiceAccount's kubeconfig is that account: authenticated, and forbidden what nobody granted."""
    name = {"name": "reader", "namespace": SPACE}
    cluster.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": name}])
    config = cluster.kubeconfig_for(SPACE, "reader")
    done = _kubectl(cluster, config, "get", "secrets")
    assert f'User "system:serviceaccount:{SPACE}:reader" cannot list' in done.stderr


def test_istio_objects_are_taken_and_wiped(cluster: Lab) -> None:
    """Istio's kinds can be used right after ``apply``, and an empty cluster has neither them nor anything else."""
    spec = {"egress": [{"hosts": ["./*"]}]}
    sidecar = {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "spec": spec}
    cluster.apply([{**sidecar, "metadata": {"name": "narrow", "namespace": SPACE}}, *cluster.istio_crds()])
    assert len(cluster.api.get("/apis/networking.istio.io/v1/sidecars")["items"]) == 1
    cluster.wipe()
    with pytest.raises(ApiError, match="404"):
        cluster.api.get("/apis/networking.istio.io/v1/sidecars")
    assert cluster.api.get("/api/v1/nodes")["items"] == []
    assert SPACE not in {item["metadata"]["name"] for item in cluster.api.get("/api/v1/namespaces")["items"]}


def test_what_somebody_holds_is_wiped_too(cluster: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finalizers that nobody will ever take off, on a Job's pods as on anything else, do not outlive a wipe; and what
    controllers make in every namespace is left to them."""
    monkeypatch.setattr(clearing, "_LET_GO_AFTER", 0.5)
    held = {"namespace": SPACE, "finalizers": ["example.com/hold"]}
    spec = {"containers": [{"name": "app", "image": "app"}]}
    cluster.apply([
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", **held}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "held", **held}, "spec": spec},
    ])  # fmt: skip
    (account,) = cluster.api.get("/api/v1/namespaces/default/serviceaccounts")["items"]
    cluster.wipe()
    for kind in ("configmaps", "pods"):
        assert "held" not in {item["metadata"]["name"] for item in cluster.api.get(f"/api/v1/{kind}")["items"]}
    assert cluster.api.get("/api/v1/namespaces/default/serviceaccounts")["items"] == [account]
    assert SPACE not in {item["metadata"]["name"] for item in cluster.api.get("/api/v1/namespaces")["items"]}


def test_two_weeks_of_history_are_read_back(lab: Lab) -> None:
    """A counter that grows by 3 per sample for 14 days has grown by 3 times its samples."""
    end = int(time.time() * 1000)
    times = np.arange(end - FORTNIGHT_MS, end + 1, STEP_MS, dtype=np.int64)
    values = np.arange(times.size, dtype=np.float64) * 3
    name = "lab_test_requests_total"
    assert lab.write_history([Series({"__name__": name}, times, values)]) == times.size
    assert _ask(lab.prometheus_url, f"increase({name}[14d])", end) == pytest.approx([values[-1]], rel=1e-3)


def test_a_staleness_marker_ends_a_series(lab: Lab) -> None:
    """After the marker an instant query finds nothing, though the last value is younger than five minutes."""
    end = int(time.time() * 1000)
    name = "lab_test_ended"
    lab.write_history([Series({"__name__": name}, np.array([end - 2000, end - 1000]), np.array([1.0, STALE]))])
    assert _ask(lab.prometheus_url, name, end - 1500) == [1.0]
    assert _ask(lab.prometheus_url, name, end) == []


def test_samples_from_the_future_are_refused_with_the_reason(lab: Lab) -> None:
    """The text of Prometheus reaches whoever wrote nonsense."""
    late = np.array([int(time.time() * 1000) + 3_600_000])
    with pytest.raises(LabError, match="10 minutes in the future"):
        lab.write_history([Series({"__name__": "lab_test_late"}, late, np.array([1.0]))])


def test_another_prometheus_is_empty(lab: Lab) -> None:
    """A second Prometheus knows nothing of the first one's history, nor of an earlier one of its own name."""
    now = int(time.time() * 1000)
    lab.write_history([Series({"__name__": "lab_test_first"}, np.array([now]), np.array([1.0]))])
    url = lab.another_prometheus("empty", Span(retention="2h", out_of_order="1h"))
    assert _ask(url, "lab_test_first", now) == []
    remote_write.write(url, [Series({"__name__": "lab_test_second"}, np.array([now]), np.array([1.0]))])
    lab.processes.stop("empty")
    again = lab.another_prometheus("empty")
    assert _ask(again, "lab_test_second", now) == []
    lab.processes.stop("empty")


def test_a_killed_lab_leaves_no_process_behind(lab: Lab) -> None:
    """The kernel ends every process of a lab whose own process was killed without a chance to clean up."""
    code = (
        "import json, signal, tests.lab as t; lab = t.start(lambda line: None);"
        " print(json.dumps(lab.processes.pids), flush=True); signal.pause()"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen([sys.executable, "-c", code], cwd=root, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        pids: dict[str, int] = json.loads(child.stdout.readline())
        assert {name for name, pid in pids.items() if _runs(pid)} >= {"etcd", "kube-apiserver", "prometheus"}
        child.send_signal(signal.SIGKILL)
    until("the killed lab's processes end", lambda: ", ".join(n for n, pid in pids.items() if _runs(pid)), 10)
    assert not any(map(_runs, pids.values()))
    assert all(map(_runs, lab.processes.pids.values()))


def _kubectl(lab: Lab, kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [str(lab.binaries.kubectl), "--kubeconfig", str(kubeconfig), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except OSError:
        return False


def _ask(url: str, query: str, at_ms: int) -> list[float]:
    reply = requests.post(f"{url}/api/v1/query", data={"query": query, "time": at_ms / 1000}, timeout=30).json()
    assert reply["status"] == "success", reply
    return [float(one["value"][1]) for one in reply["data"]["result"]]


def _node(name: str, zone: str) -> dict[str, Any]:
    labels = {"topology.kubernetes.io/zone": zone, "kubernetes.io/hostname": name}
    resources = {"cpu": "16", "memory": "64Gi", "pods": "250"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "status": {"allocatable": resources, "capacity": resources},
    }


def _deployment(replicas: int) -> dict[str, Any]:
    selector = {"matchLabels": {"app": "web"}}
    even = {"maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}
    container = {"name": "web", "image": "web", "resources": {"requests": {"cpu": "100m"}}}
    spread = [{**even, "labelSelector": selector}]
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [container], "topologySpreadConstraints": spread},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": SPACE},
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    }


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": SPACE},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
