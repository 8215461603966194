"""A world on the lab: what it exports is what its pods, under the names that they got, would have exported."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from microglia.model.window import floor_hour
from microglia.world.schema import World
from tests.lab import Lab
from tests.lab.stage import Stage, put

pytestmark = pytest.mark.timeout(180)

NOW = floor_hour(datetime.now(UTC)) - timedelta(hours=1)
BEGIN = NOW - timedelta(hours=6)
WEB = "/apis/apps/v1/namespaces/tiny/deployments/web"
COUNTED = 'istio_requests_total{reporter="destination"}'
ARRIVED = f"sum(increase({COUNTED}[1h]))"


@dataclass(frozen=True, slots=True)
class Staged:
    """``pods`` are those that the API server had when the first history was written."""

    stage: Stage
    pods: frozenset[str]

    def ask(self, query: str, moment: datetime) -> list[tuple[dict[str, str], float]]:
        """Labels and values of an instant query."""
        return [(row["metric"], float(row["value"][1])) for row in _query(self.stage.prometheus_url, query, moment)]


@pytest.fixture(scope="module")
def staged(lab: Lab) -> Iterator[Staged]:
    """Six hours of three workloads until an hour ago, and room for more; wiped afterwards."""
    port = {"name": "http", "port": 8080}
    world = World.model_validate(
        {
            "name": "tiny",
            "start": BEGIN,
            "scrape": 30,
            "zones": [{"name": "a"}, {"name": "b"}],
            "namespaces": {"tiny": {}},
            "workloads": {
                "tiny/web": {"replicas": 3, "ports": [port]},
                "tiny/idle": {"replicas": 1},
                "tiny/shop": {"replicas": 2, "manager": "argocd-controller", "lease": True},
            },
            "calls": [{"client": "tiny/shop", "host": "web.tiny", "rate": 10, "shape": "flat", "noise": 0}],
        }
    )
    lab.wipe()
    stage = put(lab, world, lab.another_prometheus("prometheus-of-tiny"))
    items = lab.api.get("/api/v1/namespaces/tiny/pods")["items"]
    stage.play(NOW)
    yield Staged(stage, frozenset(item["metadata"]["name"] for item in items))
    lab.wipe()
    lab.processes.stop("prometheus-of-tiny")


def test_history_has_the_names_of_the_pods(staged: Staged) -> None:
    """Every pod that the API server had was heard, and no other; the demand of the hour has arrived among them."""
    heard = staged.ask('count_over_time(istio_build{component="proxy"}[1h])', NOW)
    assert {labels["pod"] for labels, _ in heard} == staged.pods
    assert [value for _, value in heard] == pytest.approx([120] * 6, abs=1)
    ((_, arrived),) = staged.ask(ARRIVED, NOW)
    assert arrived == pytest.approx(36_000, rel=0.04)


def test_counters_go_on_over_a_change_of_count(lab: Lab, staged: Staged) -> None:
    """After scaling down, the next hour has the demand of the one before: nothing is reset, who left says no more."""
    lab.api.patch(f"{WEB}/scale", {"spec": {"replicas": 2}})
    then = NOW + timedelta(hours=1)
    staged.stage.play(then)
    ((_, arrived),) = staged.ask(ARRIVED, then)
    assert arrived == pytest.approx(36_000, rel=0.04)
    assert [value for _, value in staged.ask("sum(resets(istio_requests_total[6h]))", then)] == [0]
    serving = staged.ask(f"count(rate({COUNTED}[10m]) > 0)", then)
    assert [value for _, value in serving] == [2]


@pytest.mark.usefixtures("staged")
def test_objects_are_created_by_whom_the_world_says(lab: Lab) -> None:
    """The field manager of the count is that of the description, applied on the server's side unless it is kubectl."""
    found = {}
    for name in ("idle", "shop"):
        entries = lab.api.get(f"/apis/apps/v1/namespaces/tiny/deployments/{name}")["metadata"]["managedFields"]
        owners = [entry for entry in entries if "f:replicas" in entry["fieldsV1"].get("f:spec", {})]
        found[name] = [(entry["manager"], entry["operation"]) for entry in owners]
    assert found == {
        "idle": [("kubectl-client-side-apply", "Update")],
        "shop": [("argocd-controller", "Apply")],
    }


def test_a_lease_names_a_pod_that_lives(lab: Lab, staged: Staged) -> None:
    """Who elects a leader has elected one of the pods that there are."""
    holder = lab.api.get("/apis/coordination.k8s.io/v1/namespaces/tiny/leases/shop-leader")["spec"]["holderIdentity"]
    assert holder.startswith("shop-")
    assert holder.partition("_")[0] in staged.pods


def test_the_command_leaves_a_furnished_lab_running() -> None:
    """It says where the API server and Prometheus are, on stdout and nothing else, and ends at SIGTERM."""
    argv = [sys.executable, "-m", "tests.lab", "boutique", "--days", "0.1", "--scrape", "120"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        exported = dict(child.stdout.readline().removeprefix("export ").strip().split("=", 1) for _ in range(3))
        told = _query(exported["MICROGLIA_PROMETHEUS"], "count(up)", datetime.now(UTC))
        assert Path(exported["KUBECONFIG"]).is_file()
        child.send_signal(signal.SIGTERM)
        rest, _ = child.communicate(timeout=60)
    assert (child.returncode, rest) == (0, "")
    assert float(told[0]["value"][1]) > 50


def _query(url: str, query: str, moment: datetime) -> list[Any]:
    form = {"query": query, "time": str(moment.timestamp())}
    reply = requests.post(f"{url}/api/v1/query", data=form, timeout=30).json()
    assert reply["status"] == "success", reply
    found: list[Any] = reply["data"]["result"]
    return found
