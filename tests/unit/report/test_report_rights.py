"""The table of rights: what the code does and what the chart grants are the same."""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microglia.act.lease import Lease
from microglia.act.write import ClusterWriter
from microglia.daemon.events import Events, Happening
from microglia.daemon.mirror import KIND, mirror
from microglia.model.kinds import KINDS, Kind
from microglia.model.objects import Raw, name_of
from microglia.model.ports import ClusterFacts
from microglia.observe.look import MIRRORED
from microglia.observe.services import common_prometheus
from microglia.plan.object import PLAN_KIND
from microglia.plan.status import Remark
from microglia.policy.schema import PruningPolicy
from microglia.report.rights import RIGHTS, Role, granted, rules
from microglia.store.objects import ObjectJournal
from tests.autoscaling import hpa, lowering, made_by_keda, scaled_object
from tests.chart import CHART, files
from tests.factories import service
from tests.planning import scaled
from tests.unit.act import changes
from tests.unit.act.filed_cluster import FiledCluster, deployment, nodes

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LOOKING = {"get", "list", "watch"}
VERBS = {
    "scale": ("update", "/scale"),
    "create": ("create", ""),
    "replace": ("update", ""),
    "status": ("update", "/status"),
    "delete": ("delete", ""),
    "annotate": ("patch", ""),
}
RESOURCES = {kind.name: (kind.group, kind.plural) for kind in (*KINDS, PLAN_KIND)}
RESOURCES["Event"] = ("events.k8s.io", "events")


class Spied(FiledCluster):
    """A cluster that notes every write as a right, and has statuses of its own."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.used: set[tuple[str, str, str]] = set()
        self.hook = self._note
        for raw in (*nodes("a", "b", "c"), deployment("cart", 3)):
            self.put(raw)

    def facts(self) -> ClusterFacts:
        return ClusterFacts("uid", "small", "1.36")

    def objects(self, kind: Kind) -> Sequence[Raw]:
        return [raw for key, raw in self.load().items() if key.startswith(f"{kind.name}/")]

    def replace_status(self, kind: Kind, body: Raw) -> Raw:
        self._note("status", f"{kind.name}//{name_of(body)}")
        return self.put({**body, "kind": kind.name})

    def replace(self, kind: Kind, body: Raw) -> Raw:
        return super().replace(kind, {**body, "kind": kind.name})

    def _note(self, verb: str, what: str) -> None:
        if verb in VERBS:
            name, (granted_verb, below) = what.partition("/")[0], VERBS[verb]
            group, plural = RESOURCES[name]
            self.used.add((group, f"{plural}{below}", granted_verb))


@pytest.fixture
def cluster(tmp_path: Path) -> Spied:
    """A small one."""
    return Spied(tmp_path / "cluster.json")


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_every_write_is_granted_and_every_grant_is_written(cluster: Spied, role: Role) -> None:
    """Everything that a role can write, done once: no right more and no right less than the table has."""
    lead(cluster)
    remember(cluster)
    act(cluster) if role == "writer" else hold(cluster)
    table = granted(one for one in RIGHTS if one.role == role and one.bound != "discovery")
    assert cluster.used == {one for one in table if one[2] not in LOOKING}


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_every_kind_that_is_read_is_granted(role: Role) -> None:
    """All that a lap lists, and single objects of it; the plans; the service proxy only as a way to Prometheus."""
    table = granted(one for one in RIGHTS if one.role == role)
    looked = {(place.group, place.plural) for kind in (*KINDS, PLAN_KIND) for place in kind.places}
    assert {one[:2] for one in table if one[2] == "list"} == looked
    assert {one[:2] for one in table if one[2] == "get"} == looked | {("", "services/proxy")}
    watched = {("microglia.dev", "pruningpolicies"), *({("microglia.dev", "pruningplans")} if role == "writer" else ())}
    assert {one[:2] for one in table if one[2] == "watch"} == watched
    assert not any("secrets" in one[1] for one in table)


def test_the_way_to_prometheus_is_granted_by_name() -> None:
    """Every usual Service that is looked for may be reached, in each of its forms, and no other."""
    (rule,) = rules("reader", "discovery")
    names = {part.split(":")[1] for part in rule["resourceNames"]}
    for name in names:
        for port in (80, 8080, 8428, 8481, 9090, 10902):
            (found,) = common_prometheus([service(name, "monitoring", ports=[{"port": port}])])
            assert found.path.split("/services/")[1].split("/")[0] in rule["resourceNames"]
    assert len(rule["resourceNames"]) == len(names) * 12


def test_the_files_of_the_chart_are_those_of_the_code() -> None:
    """What ``python -m tests.chart`` writes is what lies there, and nothing lies there besides."""
    made = files()
    assert {path: (CHART / path).read_text(encoding="utf-8") for path in made} == made
    lying = {str(path.relative_to(CHART)) for path in (CHART / "files" / "rbac").iterdir()}
    assert lying == {path for path in made if path.startswith("files/rbac/")}


def lead(cluster: Spied) -> None:
    """Take, renew and release a Lease, and tell an event twice."""
    lease = Lease(cluster, "default", "me", lambda: NOW)
    lease.take(lambda sentence: None)
    lease.renew()
    lease.release()
    events = Events(cluster, "reader", "pod", lambda: NOW)
    for _ in range(2):
        events.tell({"kind": "PruningPolicy", "name": "default"}, Happening("Planned", "Plan", "a plan"))


def remember(cluster: Spied) -> None:
    """Offer, withdraw, begin and finish plans; mirror a policy of a file, and once more when the file has changed."""
    given = {"default": PruningPolicy()}
    journal = ObjectJournal(cluster, lambda: NOW, given)
    plan = changes.plan(changes.scale(cluster, "cart", 2))
    journal.offer(plan, NOW)
    journal.withdraw(plan.id)
    journal.begin(plan, NOW)
    journal.finish(plan.id, NOW)
    journal.remark("default", Remark((), "looks"))
    given["default"] = PruningPolicy.model_validate({"spec": {"protect": {"minReplicas": 3}}})
    journal.remark("default", Remark((), "looks again"))


def act(cluster: Spied) -> None:
    """Take a replica, give one to a Rollout, lower two minima, and make, change and remove a Sidecar."""
    writer = ClusterWriter(cluster, changes.patience())
    rollout = cluster.put({**deployment("wave", 2), "kind": "Rollout"})
    given = scaled(rollout, 2, 3).model_copy(update={"workload": "Rollout/shop/wave"})
    assert writer.write(given).state == "done"
    assert writer.write(changes.scale(cluster, "cart", 2, victims=("cart-rs-2",))).state == "done"
    target = cluster.load()["Deployment/shop/cart"]
    keda = scaled_object("mail", 2, "cart"), made_by_keda("mail", 2, "cart")
    for scaler in (hpa(least=2), *keda):
        cluster.put(scaler)
    for scaler in (hpa(least=2), keda[0]):
        key = f"{scaler['kind']}/shop/{scaler['metadata']['name']}"
        assert writer.write(lowering(target, cluster.load()[key], 1)).state == "done"
    first, more = changes.body("cart", "mail"), changes.body("cart", "mail", "ads")
    for before, after, cut in ((None, first, ("mail",)), (first, more, ("ads",)), (more, None, ())):
        hosts = tuple(f"{one}.shop.svc.cluster.local" for one in cut)
        assert writer.write(changes.routes(cluster, "cart", before, after, cut=hosts)).state == "done"


def hold(cluster: Spied) -> None:
    """Make, change and remove a mirrored Protection."""
    labels = {**MIRRORED, "microglia.dev/structure": "default"}
    body = {"kind": KIND.name, "metadata": {"namespace": "shop", "name": "microglia-cart", "labels": labels}}
    for spec in ({"minReplicas": 2}, {"minReplicas": 3}):
        mirror(cluster, cluster, "default", {("shop", "microglia-cart"): {**copy.deepcopy(body), "spec": spec}})
    mirror(cluster, cluster, "default", {})
