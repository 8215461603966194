"""What is asked of the API server is what ``doctor --rbac-act`` grants: no more, or writes fail; no less, or it grants
what nobody needs."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration

from microglia import act
from microglia.act.cluster import ApiCluster
from microglia.act.lease import Lease
from microglia.act.lowering import Lowering
from microglia.act.scaling import Scaling
from microglia.act.sidecars import Scoping
from microglia.act.traces import Traces
from microglia.model.kinds import BY_NAME, Kind
from microglia.model.objects import Raw
from microglia.plan.status import Remark
from microglia.policy.schema import PruningPolicy
from microglia.report.rbac import ACTING, CLIENTS, KEEPING
from microglia.report.rights import LOCKS, Access
from microglia.store.objects import ObjectJournal
from tests.autoscaling import hpa, lowering, made_by_keda, scaled_object
from tests.planning import scaled
from tests.unit.act.changes import NOW, body, patience, plan, routes, scale
from tests.unit.act.filed_cluster import DEPLOYMENT, FiledCluster, deployment, shop

Asked = set[tuple[str, str, str]]
_PATH = re.compile(r"https://api\.test/(?:api|apis/(?P<group>[^/]+))/[^/]+(?:/namespaces/[^/]+)?/(?P<rest>[^?]+)")


@dataclass
class Paper:
    """A connection that writes down what each request needs by RBAC: (group, resource, verb)."""

    asked: Asked = field(default_factory=set)

    def request(self, method: str, url: str, **_: Any) -> SimpleNamespace:
        """Any request is answered with an empty object."""
        found = _PATH.match(url)
        assert found, url
        plural, _, more = found["rest"].partition("/")
        part = more.partition("/")[2]
        read = "get" if more else "list"
        verbs = {"GET": read, "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
        self.asked.add((found["group"] or "", f"{plural}/{part}" if part else plural, verbs[method]))
        return SimpleNamespace(status=200, headers={}, data=json.dumps({}).encode())


class Stored(FiledCluster):
    """A cluster in a file that can be listed, and whose objects have statuses."""

    def objects(self, kind: Kind) -> list[Raw]:
        return [raw for key, raw in self.load().items() if key.startswith(f"{kind.name}/")]

    def create(self, kind: Kind, body: Raw) -> Raw:
        return super().create(kind, {**body, "kind": kind.name})

    def replace(self, kind: Kind, body: Raw) -> Raw:
        return super().replace(kind, {**body, "kind": kind.name})

    def replace_status(self, kind: Kind, body: Raw) -> Raw:
        return self.put({**body, "kind": kind.name})


class Watched:
    """A cluster in a file; each call of the port is also sent by the real client, onto paper."""

    def __init__(self, cluster: FiledCluster) -> None:
        self.cluster = cluster
        self.paper = Paper()
        api = ApiClient(Configuration(host="https://api.test"))
        api.rest_client.pool_manager = self.paper
        self._real = ApiCluster(api)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def both(*given: Any) -> Any:
            getattr(self._real, name)(*given)
            return getattr(self.cluster, name)(*given)

        return both


def rights(table: tuple[Access, ...]) -> Asked:
    """The table, one verb at a time."""
    return {(right.group, right.resource, verb) for right in table for verb in right.verbs}


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    shop(tmp_path / "cluster.json", deployment("cart", 5))
    return Watched(Stored(tmp_path / "cluster.json"))


def test_acting_asks_for_exactly_what_is_granted(watched: Watched) -> None:
    """Counts down and up, a Rollout's too, minima down, Sidecars made, changed and removed, for every kind."""
    cluster = watched.cluster
    for after in (4, 5):
        change = scale(cluster, "cart", after, victims=("cart-rs-0",) if after < 5 else ())
        assert Scaling(watched, change, patience(), Traces()).write().state == "done"
    wave = scaled(cluster.put({**deployment("wave", 2), "kind": "Rollout"}), 2, 3)
    given = wave.model_copy(update={"workload": "Rollout/shop/wave"})
    assert Scaling(watched, given, patience(), Traces()).write().state == "done"
    bodies = [None, body("cart", "ads"), body("cart", "ads", "geo"), None]
    for before, then in pairwise(bodies):
        change = routes(cluster, "cart", before, then, cut=("ads",) if then else (), shown=() if then else ("ads",))
        assert Scoping(watched, change, patience(), Traces()).write().state == "done"
    keda = scaled_object("mail", target="cart"), made_by_keda("mail", target="cart")
    for raw in (hpa(), *keda):
        cluster.put(raw)
    target = cluster.load()["Deployment/shop/cart"]
    for key in ("HorizontalPodAutoscaler/shop/cart", "ScaledObject/shop/mail"):
        least = lowering(target, cluster.load()[key], 4)
        assert Lowering(watched, least, patience()).write().state == "done"
    for kind in CLIENTS:
        watched.read(BY_NAME[kind], "shop", "x")
    assert watched.paper.asked == rights(ACTING)


def test_the_lock_asks_for_exactly_what_is_granted(watched: Watched) -> None:
    """Taken, renewed and released."""
    lease = Lease(watched, "default", "me", lambda: NOW)
    lease.take(lambda sentence: None)
    assert lease.renew()
    lease.release()
    assert watched.paper.asked == rights(LOCKS)


def test_the_journal_in_the_cluster_asks_for_exactly_what_is_granted(watched: Watched) -> None:
    """Offered, withdrawn, begun and finished; a policy of a file mirrored, and once more when the file has changed."""
    given = {"default": PruningPolicy()}
    journal = ObjectJournal(watched, lambda: NOW, given)
    made = plan(scale(watched.cluster, "cart", 4))
    journal.offer(made, NOW)
    journal.withdraw(made.id)
    journal.begin(made, NOW)
    journal.finish(made.id, NOW)
    journal.remark("default", Remark((), "looks"))
    given["default"] = PruningPolicy.model_validate({"spec": {"protect": {"minReplicas": 3}}})
    journal.remark("default", Remark((), "looks again"))
    assert watched.paper.asked == rights(KEEPING)


def test_no_other_kind_is_named_where_things_are_written() -> None:
    """Whoever writes another kind meets this test before a cluster's refusal."""
    texts = [path.read_text(encoding="utf-8") for path in Path(act.__path__[0]).glob("*.py")]
    named = {name for text in texts for name in re.findall(r'BY_NAME\["(\w+)"\]', text)}
    assert named == {"Deployment", "ReplicaSet", "Pod", "Node", "Sidecar", "Lease"}
    granted = {(right.group, right.resource.partition("/")[0]) for right in (*ACTING, *LOCKS)}
    assert {(BY_NAME[name].group, BY_NAME[name].plural) for name in named} <= granted
    assert DEPLOYMENT.name in named
