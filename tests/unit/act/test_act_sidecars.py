"""Own Sidecars: made, replaced and removed; nobody else's are touched."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from microglia.act.sidecars import reveal
from microglia.act.write import ClusterWriter
from microglia.model.ids import WorkloadId, service_host
from microglia.model.ports import ConflictError, UnreadableError
from microglia.plan.change import Change
from microglia.plan.history import Step
from microglia.plan.sidecar import Allowed, edited, hidden, plain
from microglia.plan.sidecar import body as sidecar_body
from tests.unit.act.changes import body, patience, routes, scale
from tests.unit.act.filed_cluster import FiledCluster, deployment, shop

KEY = "Sidecar/shop/microglia-cart"


@pytest.fixture
def cluster(tmp_path: Path) -> FiledCluster:
    return shop(tmp_path / "cluster.json", deployment("cart", 2))


def write(cluster: FiledCluster, change: Change) -> Step:
    return ClusterWriter(cluster, patience()).write(change)


def host(name: str) -> str:
    return service_host("shop", name)


def there(cluster: FiledCluster) -> dict[str, Any] | None:
    found = cluster.load().get(KEY)
    return None if found is None else plain(found)


def test_a_first_cut_creates_the_sidecar(cluster: FiledCluster) -> None:
    """The object in the cluster is the body in the plan."""
    step = write(cluster, routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),)))
    assert step.state == "done"
    assert there(cluster) == body("cart", "mail")


def test_a_further_cut_replaces_it(cluster: FiledCluster) -> None:
    """Equal to *before* apart from what the server sets: replaced with its own uid and resourceVersion."""
    cluster.put(body("cart", "mail"))
    step = write(
        cluster, routes(cluster, "cart", body("cart", "mail"), body("cart", "mail", "ads"), cut=(host("ads"),))
    )
    assert step.state == "done"
    assert there(cluster) == body("cart", "mail", "ads")


@pytest.mark.parametrize("cut", [(), ("ads",)], ids=["restoring", "cutting"])
def test_a_foreign_sidecar_is_left_alone(cluster: FiledCluster, cut: tuple[str, ...]) -> None:
    """One of the same name without our label is somebody's own: a surprise, whether cutting or restoring."""
    cluster.put(body("cart", "mail", labels={"team": "shop"}))
    after = body("cart", "mail", "ads") if cut else None
    change = routes(cluster, "cart", body("cart", "mail"), after, cut=cut)
    step = write(cluster, change)
    assert step.state == "surprise"
    assert "is not microglia's" in step.message
    assert cluster.log == []


def test_a_changed_sidecar_is_not_cut_further(cluster: FiledCluster) -> None:
    """Somebody edited our Sidecar since the plan was made: a surprise, nothing written."""
    cluster.put(body("cart", "mail", "other"))
    change = routes(cluster, "cart", body("cart", "mail"), body("cart", "mail", "ads"), cut=(host("ads"),))
    step = write(cluster, change)
    assert step.state == "surprise"
    assert "changed since it was planned" in step.message
    assert cluster.log == []


@pytest.mark.parametrize(
    ("move", "words"),
    [
        (lambda c: c.remove("Deployment", "shop", "cart"), "is gone"),
        (lambda c: c.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(uid="x")), "replaced"),
        (lambda c: c.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(template={})), "changed since"),
    ],
)
def test_a_client_that_moved_is_not_cut(cluster: FiledCluster, move: Callable[[Any], None], words: str) -> None:
    """The client workload is compared by uid and digest before its routes are cut."""
    change = routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),))
    move(cluster)
    step = write(cluster, change)
    assert step.state == "surprise"
    assert words in step.message
    assert cluster.log == []


def test_an_own_write_of_the_same_plan_is_no_surprise(cluster: FiledCluster) -> None:
    """The client was scaled, and set back, by the same writer just before: its routes are still cut; but not when
    somebody else scaled it."""
    change = routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),))
    writer = ClusterWriter(cluster, patience())
    assert writer.write(scale(cluster, "cart", 1)).state == "done"
    assert writer.write(change).state == "done"
    cluster.remove("Sidecar", "shop", "microglia-cart")
    further = scale(cluster, "cart", 0, expected={"a": 1})
    assert writer.write(further).state == "undone"
    assert writer.write(change).state == "done"
    cluster.remove("Sidecar", "shop", "microglia-cart")
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(replicas=4))
    assert writer.write(change).state == "surprise"
    assert write(cluster, change).state == "surprise"


def test_own_writes_of_earlier_plans_are_no_surprise(cluster: FiledCluster) -> None:
    """A writer that lives for many laps scaled the client in the last one too: a plan made in between still holds."""
    writer = ClusterWriter(cluster, patience())
    first = routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),))
    assert writer.write(scale(cluster, "cart", 1)).state == "done"
    second = routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),))
    assert writer.write(scale(cluster, "cart", 2)).state == "done"
    assert writer.write(scale(cluster, "cart", 3)).state == "done"
    for change in (first, second):
        assert writer.write(change).state == "done"
        cluster.remove("Sidecar", "shop", "microglia-cart")


def test_a_restore_deletes_the_sidecar_even_if_the_client_is_gone(cluster: FiledCluster) -> None:
    """Removing our own Sidecar only widens: it needs nothing of the client."""
    cluster.put(body("cart", "mail"))
    change = routes(cluster, "cart", body("cart", "mail"), None, shown=(host("mail"),))
    cluster.remove("Deployment", "shop", "cart")
    assert write(cluster, change).state == "done"
    assert there(cluster) is None


def test_a_restore_of_what_is_gone_already_writes_nothing(cluster: FiledCluster) -> None:
    """No Sidecar, nothing hidden."""
    change = routes(cluster, "cart", body("cart", "mail"), None, shown=(host("mail"),))
    step = write(cluster, change)
    assert step.state == "done"
    assert cluster.log == []


def test_a_restore_to_an_earlier_sidecar(cluster: FiledCluster) -> None:
    """Back to the body before the second cut; done twice, the second time writes nothing."""
    cluster.put(body("cart", "mail", "ads"))
    change = routes(cluster, "cart", body("cart", "mail", "ads"), body("cart", "mail"), shown=(host("ads"),))
    assert write(cluster, change).state == "done"
    assert there(cluster) == body("cart", "mail")
    cluster.log.clear()
    assert "so already" in write(cluster, change).message
    assert cluster.log == []


def test_a_restore_of_a_changed_sidecar_lifts_only_its_exclusions(cluster: FiledCluster) -> None:
    """A later cut stays, and what the restore shows is shown: nothing is narrowed on the way."""
    cluster.put(body("cart", "mail", "ads", "later"))
    change = routes(cluster, "cart", body("cart", "mail", "ads"), body("cart", "mail"), shown=(host("ads"),))
    step = write(cluster, change)
    assert step.state == "done"
    assert there(cluster) == body("cart", "mail", "later")


def test_a_changed_sidecar_that_hides_nothing_more_goes(cluster: FiledCluster) -> None:
    """The last exclusion is lifted: the whole object goes; with somebody's own addition it stays."""
    change = routes(cluster, "cart", body("cart", "mail", "ads"), body("cart", "mail"), shown=(host("ads"),))
    cluster.put(body("cart", "ads"))
    assert write(cluster, change).state == "done"
    assert there(cluster) is None
    mine = body("cart", "ads")
    mine["spec"]["ingress"] = [{"port": {"number": 80}}]
    cluster.put(mine)
    assert write(cluster, change).state == "done"
    left = there(cluster)
    assert left is not None
    assert left["spec"]["egress"] == [{"hosts": ["*/*"]}]


def test_a_change_from_nothing_to_nothing_writes_nothing(cluster: FiledCluster) -> None:
    """Absent before and after: the world is as planned."""
    assert write(cluster, routes(cluster, "cart", None, None, cut=(host("x"),))).state == "done"
    assert cluster.log == []


def test_revealing_touches_only_exclusions_of_these_hosts() -> None:
    """Entries that include, and exclusions of other hosts, stay in their order."""
    before: dict[str, Any] = {
        "spec": {"egress": [{"hosts": ["*/*", "shop/ads", "~shop/ads", "~mail/ads", "~shop/x"]}, {"port": {}}]}
    }
    after = reveal(before, ("ads",))
    assert after["spec"]["egress"] == [{"hosts": ["*/*", "shop/ads", "~shop/x"]}, {"port": {}, "hosts": []}]
    assert len(before["spec"]["egress"][0]["hosts"]) == 5


def listed(*names: str) -> dict[str, Any]:
    """An allow-list that hides these hosts of namespaces mail and depot from ``shop/cart``."""
    hosts = [service_host(*name.split("/")) for name in names]
    made = sidecar_body(WorkloadId("shop", "cart"), {"app": "cart"}, hosts, Allowed(("default", "shop"), "1"))
    assert made is not None
    return made


def test_an_allow_list_that_had_changed_names_the_namespaces(cluster: FiledCluster) -> None:
    """What is to be shown is shown with its namespace, whatever else it hides by now; with its last host it goes."""
    old, now = listed("mail/smtp"), listed("mail/smtp", "mail/pop", "depot/ads")
    shown = (service_host("mail", "smtp"),)
    cluster.put(now)
    assert write(cluster, routes(cluster, "cart", old, listed("depot/x"), shown=shown)).state == "done"
    after = there(cluster)
    assert after is not None
    assert after["spec"]["egress"] == [{"hosts": ["default/*", "mail/*", "shop/*"]}]
    assert (hidden(after), edited(after)) == ((service_host("depot", "ads"),), False)
    rest = (service_host("depot", "ads"),)
    assert write(cluster, routes(cluster, "cart", old, listed("mail/x"), shown=rest)).state == "done"
    assert there(cluster) is None


def test_somebody_was_faster(cluster: FiledCluster) -> None:
    """A Sidecar of that name appears between read and create: read again, seen as foreign, left alone."""

    def hook(verb: str, what: str) -> None:
        if verb == "create":
            cluster.hook = lambda verb, what: None
            cluster.put(body("cart", "x", labels={}))

    cluster.hook = hook
    step = write(cluster, routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),)))
    assert step.state == "surprise"
    assert cluster.log == []


def test_a_lost_reply_is_looked_up(cluster: FiledCluster) -> None:
    """The Sidecar was made though the reply was lost: done."""

    def hook(verb: str, what: str) -> None:
        if verb == "after create":
            raise UnreadableError("reset")

    cluster.hook = hook
    assert write(cluster, routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),))).state == "done"
    assert cluster.log == [f"create {KEY}"]


def test_endless_conflicts_give_up(cluster: FiledCluster) -> None:
    """Four conflicts in a row: failed, with nothing written."""

    def hook(verb: str, what: str) -> None:
        if verb == "create":
            raise ConflictError("busy")

    cluster.hook = hook
    step = write(cluster, routes(cluster, "cart", None, body("cart", "mail"), cut=(host("mail"),)))
    assert step.state == "failed"
    assert "4 attempts" in step.message


@pytest.mark.parametrize(
    ("now", "state"),
    [(("mail",), "pending"), (("mail", "ads"), "done"), (("other",), "surprise"), (None, "surprise")],
)
def test_looking_compares_the_whole_object(cluster: FiledCluster, now: tuple[str, ...] | None, state: str) -> None:
    """Before, after, or anything else."""
    if now is not None:
        cluster.put(body("cart", *now))
    change = routes(cluster, "cart", body("cart", "mail"), body("cart", "mail", "ads"), cut=(host("ads"),))
    assert ClusterWriter(cluster).look(change).state == state


def test_looking_knows_absence(cluster: FiledCluster) -> None:
    """None before or after is the absence of the object."""
    assert (
        ClusterWriter(cluster).look(routes(cluster, "cart", None, body("cart", "x"), cut=(host("x"),))).state
        == "pending"
    )
    assert ClusterWriter(cluster).look(routes(cluster, "cart", body("cart", "x"), None)).state == "done"


def test_tidying_leaves_sidecars(cluster: FiledCluster) -> None:
    """A Sidecar leaves nothing half done behind: nothing is written."""
    ClusterWriter(cluster).tidy([routes(cluster, "cart", None, body("cart", "x"), cut=(host("x"),))])
    assert cluster.log == []
