"""A namespace in Linkerd and a gateway in Istio, on real servers: the doctor tells them apart, and both are pruned."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from microglia.model.window import floor_hour
from microglia.world.load import load, moved
from tests.lab import Lab
from tests.lab.linkerd import put
from tests.lab.person import Person
from tests.lab.story import LEAD, WORLDS
from tests.lab.test_cli import TAKEN

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def person(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """Somebody with a cluster of two meshes."""
    now, name = datetime.now(UTC), "prometheus-of-two-meshes"
    lab.wipe()
    prometheus = lab.another_prometheus(name)
    stage = put(lab, moved(load(WORLDS / "job.yaml"), floor_hour(now) - LEAD), prometheus)
    stage.play(now)
    folder = tmp_path_factory.mktemp("meshes")
    yield Person(lab.kubeconfig, prometheus, WORLDS / "job-policy.yaml", folder / "state")
    lab.wipe()
    lab.processes.stop(name)


def test_the_doctor_tells_two_meshes_apart(person: Person) -> None:
    """Each with what it decides, the workloads that it hears, and how much of the window it heard them."""
    said = person.types("doctor")
    assert said.code == 0
    findings = {one["subject"].strip(): one["found"] for one in person.types("doctor", "-o", "json").data}
    assert findings["istio"].endswith("decides routes and replicas; coverage 100 % of 192 h in 4 workloads")
    assert findings["linkerd"].startswith("Linkerd: decides replicas; ")
    assert findings["linkerd"].endswith("coverage 100 % of 192 h in 10 workloads")
    assert "sidecars in 4 of 16 workloads; 10 carry the proxy of another mesh; 2 have none" in findings["Mesh"]


def test_linkerd_decides_replicas_as_istio_does(person: Person) -> None:
    """What was measured under other names leads to the same cuts, and no Sidecar is written for who reads none."""
    changes = person.types("plan", "-o", "json").data[0]["plan"]["changes"]
    scaled = {change["workload"] for change in changes if "workload" in change}
    assert scaled == TAKEN
    assert not [change for change in changes if str(change.get("client", "")).startswith("job/")]
