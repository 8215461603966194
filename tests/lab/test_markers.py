"""Every kind that may protect something, in a real API server: it is read, and it protects."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

from microglia.model.ids import WorkloadId
from microglia.model.snapshot import Snapshot
from microglia.observe.kube import connect
from microglia.observe.look import observe_objects
from microglia.policy.schema import PolicySpec
from microglia.protect import protect
from microglia.protect.ledger import Protection, Protections
from microglia.score.scores import Scores
from microglia.topology.build import build
from tests.lab import Lab
from tests.lab.api import Document
from tests.lab.definitions import OWNERS, SCALES, definitions, optional_kinds

pytestmark = pytest.mark.timeout(300)

SPACE = "marks"
MARKERS: list[Document] = YAML(typ="safe", pure=True).load(Path(__file__).with_name("markers.yaml"))
MADE_BY = {
    "Pooler": "cloudnative-pg", "postgresql": "spilo", "PostgresCluster": "crunchy-postgres",
    "PerconaServerMongoDB": "percona-mongodb", "MongoDBCommunity": "mongodb-community",
    "RedisFailover": "redis-failover", "StrimziPodSet": "strimzi", "RabbitmqCluster": "rabbitmq",
    "Elasticsearch": "elasticsearch", "CloneSet": "kruise",
}  # fmt: skip
"""Owner -> the rule that knows it by its kind alone."""
NAMED = {marker["kind"] for marker in MARKERS} - {"Namespace", "Service", "Deployment"}


class Seen(NamedTuple):
    """One look at the lab, and what it protects."""

    snapshot: Snapshot
    protections: Protections

    def everything(self) -> list[Protection]:
        """Every protection of anything."""
        ledger = self.protections
        parts = (ledger.workloads, ledger.clients, ledger.hosts, ledger.routes)
        return [one for part in parts for held in part.values() for one in held]


@pytest.fixture(scope="module")
def seen(lab: Lab) -> Iterator[Seen]:
    """The lab with a definition and an object of every kind, as microglia sees it; wiped afterwards."""
    lab.wipe()
    lab.apply(definitions())
    lab.apply([*MARKERS, *_plain()])
    _own(lab)
    snapshot = observe_objects(connect(None, lab.kubeconfig), datetime.now(UTC))
    protections = protect(build(snapshot), Scores({}, ()), PolicySpec(), (), snapshot.taken_at)
    yield Seen(snapshot, protections)
    lab.wipe()


def _plain() -> list[Document]:
    """An empty object of every optional kind that has no marker."""
    kinds = [kind for kind in (*optional_kinds(), *OWNERS) if kind.name not in NAMED]
    return [
        {
            "apiVersion": f"{kind.group}/{kind.version}",
            "kind": kind.name,
            "metadata": {"name": "plain", **({"namespace": SPACE} if kind.namespaced else {})},
            "spec": {},
        }
        for kind in kinds
    ]


def _own(lab: Lab) -> None:
    """A StatefulSet for each kind of owner, under a name of its own."""
    owned = []
    for kind in OWNERS:
        owner = lab.api.get(f"/apis/{kind.group}/{kind.version}/namespaces/{SPACE}/{kind.plural}/plain")
        reference = {"apiVersion": owner["apiVersion"], "kind": kind.name, "name": "plain", "controller": True}
        labels = {"app": f"of-{kind.plural}"}
        owned.append(
            {
                "apiVersion": "apps/v1",
                "kind": "StatefulSet",
                "metadata": {
                    "name": f"of-{kind.plural}",
                    "namespace": SPACE,
                    "ownerReferences": [{**reference, "uid": owner["metadata"]["uid"]}],
                },
                "spec": {
                    "replicas": 0,
                    "serviceName": "",
                    "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "x"}]}},
                },
            }
        )
    lab.apply(owned)


def test_every_kind_is_read(seen: Seen) -> None:
    """No blind spot, and the object of each optional kind."""
    assert seen.snapshot.objects.faults == ()
    assert [kind.name for kind in optional_kinds() if not seen.snapshot.objects.of(kind.name)] == []


def test_every_marker_protects(seen: Seen) -> None:
    """Each says so with itself as the source, a field, and a reason; and none of them points at nothing."""
    found = {one.source.kind for one in seen.everything() if one.field and one.reason}
    assert sorted(NAMED - found) == []
    assert [note for note in seen.protections.dangling if note.source.kind in NAMED] == []


def test_an_owner_is_known_by_its_kind(seen: Seen) -> None:
    """What an operator owns is kept by the rule that knows the operator."""
    for kind in OWNERS:
        held = {one.rule for one in seen.protections.of(WorkloadId(SPACE, f"of-{kind.plural}", "StatefulSet"))}
        assert {"operator-owned", "not-a-deployment"} <= held
        assert MADE_BY.get(kind.name, "operator-owned") in held


def test_what_has_a_scale_is_scaled_by_it(seen: Seen, lab: Lab) -> None:
    """The subresource writes the field that the real definition names."""
    for kind in (*optional_kinds(), *OWNERS):
        if kind.name in SCALES:
            name = "blue" if kind.name == "Rollout" else "plain"
            path = f"/apis/{kind.group}/{kind.version}/namespaces/{SPACE}/{kind.plural}/{name}"
            lab.api.patch(f"{path}/scale", {"spec": {"replicas": 3}})
            field = SCALES[kind.name].wanted.rpartition(".")[2]
            assert lab.api.get(path)["spec"][field] == 3
    assert seen.snapshot.objects.of("Rollout")
