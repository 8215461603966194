"""Replica counts: what is compared, what is written, which pods go, and what is taken back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from microglia.act.placement import placement, pods_of
from microglia.act.write import ClusterWriter
from microglia.model.objects import annotations_of
from microglia.model.ports import ConflictError, ForbiddenError, UnreadableError
from microglia.plan.change import Change
from microglia.plan.history import Step
from tests.unit.act.changes import Stopwatch, patience, scale
from tests.unit.act.filed_cluster import COST, DEPLOYMENT, POD, FiledCluster, Json, deployment, shop

VICTIM = "microglia.dev/victim"
ARGO = {"argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/cart"}
HELM = {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:spec": {"f:replicas": {}}}}


@pytest.fixture
def cluster(tmp_path: Path) -> FiledCluster:
    return shop(tmp_path / "cluster.json", deployment("cart", 5))


def count(cluster: FiledCluster, name: str = "cart") -> int:
    return int(cluster.load()[f"Deployment/shop/{name}"]["spec"]["replicas"])


def write(cluster: FiledCluster, change: Change) -> Step:
    return ClusterWriter(cluster, patience()).write(change)


def on(cluster: FiledCluster, verb: str, do: Callable[[], object], times: int = 1) -> None:
    """Call ``do`` before the first ``times`` occurrences of ``verb``."""
    left = [times]

    def hook(seen: str, what: str) -> None:
        if seen == verb and left[0]:
            left[0] -= 1
            do()

    cluster.hook = hook


def fail(error: Exception) -> Callable[[], None]:
    def do() -> None:
        raise error

    return do


def test_victims_go_first_and_in_order(cluster: FiledCluster) -> None:
    """The named pods are the ones that the controllers remove, and the placement afterwards is in the receipt."""
    change = scale(cluster, "cart", 3, victims=("cart-rs-4", "cart-rs-0"), expected={"a": 1, "b": 1, "c": 1})
    step = write(cluster, change)
    assert step.state == "done"
    assert step.placement == {"a": 1, "b": 1, "c": 1}
    assert sorted(key for key in cluster.load() if key.startswith("Pod/")) == [
        "Pod/shop/cart-rs-1",
        "Pod/shop/cart-rs-2",
        "Pod/shop/cart-rs-3",
    ]


def test_most_wanted_victim_has_the_lowest_cost(cluster: FiledCluster) -> None:
    """Costs rise along the list of victims, all far below what anybody else would set."""
    costs: dict[str, int] = {}

    def hook(verb: str, what: str) -> None:
        if verb == "scale":
            pods = [raw for key, raw in cluster.load().items() if key.startswith("Pod/")]
            costs.update({raw["metadata"]["name"]: int(annotations_of(raw).get(COST, "0")) for raw in pods})

    cluster.hook = hook
    write(cluster, scale(cluster, "cart", 3, victims=("cart-rs-4", "cart-rs-0")))
    assert costs["cart-rs-4"] == -2_000_000_000
    assert costs["cart-rs-0"] == -1_999_999_999
    assert costs["cart-rs-1"] == 0


def test_a_pod_that_only_shares_the_labels_is_neither_marked_nor_counted(cluster: FiledCluster) -> None:
    """Ownership decides which pods belong; the stranger of another controller is left alone."""
    stranger = {
        "kind": "Pod",
        "metadata": {"namespace": "shop", "name": "debug", "labels": {"app": "cart"}},
        "spec": {"nodeName": "node-a"},
    }
    cluster.put(stranger)
    step = write(cluster, scale(cluster, "cart", 4, victims=("debug", "cart-rs-0")))
    assert step.state == "done"
    assert sum(step.placement.values()) == 4
    assert "annotate Pod/shop/debug" not in cluster.log


def test_a_worse_placement_is_taken_back(cluster: FiledCluster) -> None:
    """When the pods that went are not those that should have gone, the count returns and no mark stays."""
    change = scale(cluster, "cart", 3, victims=("cart-rs-2",), expected={"a": 1, "b": 1, "c": 1})
    on(cluster, "scale", lambda: _steal(cluster))
    step = write(cluster, change)
    assert step.state == "undone"
    assert "zone c has 0 pods instead of 1" in step.message
    assert step.placement == {"a": 2, "b": 1}
    assert count(cluster) == 5
    assert not any(VICTIM in annotations_of(raw) for raw in cluster.load().values())


def _steal(cluster: FiledCluster) -> None:
    # Somebody else marks a pod of another zone even more strongly.
    cluster.edit("Pod", "shop", "cart-rs-4", lambda raw: raw["metadata"].update(annotations={COST: "-2100000000"}))


def test_marks_are_taken_off_survivors(cluster: FiledCluster) -> None:
    """A marked pod that was not removed gets back the cost that it had, and loses our mark."""
    cluster.edit("Pod", "shop", "cart-rs-1", lambda raw: raw["metadata"].update(annotations={COST: "7"}))
    change = scale(cluster, "cart", 4, victims=("cart-rs-0", "cart-rs-1", "cart-rs-2"))
    assert write(cluster, change).state == "done"
    pods = {raw["metadata"]["name"]: annotations_of(raw) for raw in cluster.load().values() if raw["kind"] == "Pod"}
    assert "cart-rs-0" not in pods
    assert pods["cart-rs-1"] == {COST: "7"}
    assert pods["cart-rs-2"] == {}


def test_a_victim_that_went_away_by_itself_is_not_missed(cluster: FiledCluster) -> None:
    """A pod that is no longer there needs no mark; the count is written all the same."""
    step = write(cluster, scale(cluster, "cart", 4, victims=("cart-rs-9", "cart-rs-0")))
    assert step.state == "done"
    assert "annotate Pod/shop/cart-rs-9" not in cluster.log


def test_controllers_that_do_nothing_are_waited_for_and_then_taken_back(cluster: FiledCluster) -> None:
    """Pods that stay past the deadline mean that the placement is unknown: the count returns, and the plan stops."""
    cluster.controllers = False
    watch = Stopwatch()
    step = ClusterWriter(cluster, patience(watch)).write(scale(cluster, "cart", 4, victims=("cart-rs-0",)))
    assert step.state == "surprise"
    assert "within 60 s" in step.message
    assert "set back to 5" in step.message
    assert count(cluster) == 5
    assert 60 <= watch.seconds < 70


def test_a_placement_that_cannot_be_read_beforehand_prevents_the_write(cluster: FiledCluster) -> None:
    """A step whose outcome could not be seen is not taken."""

    def hook(verb: str, what: str) -> None:
        if what.startswith("Node/"):
            raise ForbiddenError("nodes is forbidden")

    cluster.hook = hook
    step = write(cluster, scale(cluster, "cart", 4))
    assert (step.state, count(cluster)) == ("failed", 5)
    assert "nodes is forbidden" in step.message


def test_a_placement_that_cannot_be_read_afterwards_is_taken_back(cluster: FiledCluster) -> None:
    """Missing sight of the outcome protects: the count returns."""
    written = [False]

    def hook(verb: str, what: str) -> None:
        written[0] = written[0] or verb == "after scale"
        if written[0] and what.startswith("Node/"):
            raise UnreadableError("timeout")

    cluster.hook = hook
    step = write(cluster, scale(cluster, "cart", 4, victims=("cart-rs-0",)))
    assert (step.state, count(cluster)) == ("undone", 5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda raw: raw["spec"].update(replicas=6), "6 replicas now, 5 when it was planned"),
        (lambda raw: raw["spec"].update(template={"spec": {}}), "changed since it was planned"),
        (lambda raw: raw["metadata"].update(labels={"tier": "gold"}), "changed since it was planned"),
        (lambda raw: raw["metadata"].update(annotations={"microglia.dev/protect": "mine"}), "changed since"),
        (lambda raw: raw["metadata"].update(annotations=ARGO), "Argo CD application web decides its count now"),
        (
            lambda raw: raw["metadata"].update(ownerReferences=[{"kind": "Shop", "name": "x", "controller": True}]),
            "Shop shop/x decides its count now",
        ),
        (lambda raw: raw["metadata"].update(managedFields=[HELM]), "Helm decides its count now"),
    ],
)
def test_what_the_decision_read_must_not_have_changed(
    cluster: FiledCluster, change: Callable[[Json], None], words: str
) -> None:
    """Count, template, labels, marks and owner: any difference is a surprise in words, and nothing is written."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    cluster.edit("Deployment", "shop", "cart", change)
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert words in step.message
    assert cluster.log == []


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.update(status={"readyReplicas": 5}),
        lambda raw: raw["metadata"]["annotations"].update({"example.com/build": "7"}),
        lambda raw: raw["metadata"].update(finalizers=["example.com/hold"]),
    ],
    ids=["status", "annotation", "finalizer"],
)
def test_what_the_decision_did_not_read_is_no_surprise(cluster: FiledCluster, change: Callable[[Json], None]) -> None:
    """The resourceVersion moved between plan and write, and with an annotation the generation: it goes through."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    cluster.edit("Deployment", "shop", "cart", change)
    assert write(cluster, planned).state == "done"
    assert count(cluster) == 4


@pytest.mark.parametrize(("looks", "state", "after"), [(3, "done", 4), (4, "failed", 5)])
def test_a_change_that_its_controller_has_not_seen_is_waited_for(
    cluster: FiledCluster, looks: int, state: str, after: int
) -> None:
    """Until then nobody knows whether the template changed: read again three times, and then leave it."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"]["annotations"].update({"x": "y"}))
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw.update(status={"observedGeneration": 1}))
    left = [looks]

    def hook(verb: str, what: str) -> None:
        if (verb, what) == ("read", "Deployment/shop/cart"):
            left[0] -= 1
            if left[0] == -1:
                cluster.hook = lambda verb, what: None
                cluster.edit("Deployment", "shop", "cart", lambda raw: raw.update(status={"observedGeneration": 2}))

    cluster.hook = hook
    step = write(cluster, planned)
    assert (step.state, count(cluster)) == (state, after)


def test_a_replaced_object_is_a_surprise(cluster: FiledCluster) -> None:
    """Another uid under the same name is another object."""
    planned = scale(cluster, "cart", 4)
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(uid="another"))
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert "replaced" in step.message
    assert cluster.log == []


def test_a_deleted_object_is_a_surprise(cluster: FiledCluster) -> None:
    """Gone before the read, or between read and write: a surprise either way."""
    planned = scale(cluster, "cart", 4)
    on(cluster, "scale", lambda: cluster.remove("Deployment", "shop", "cart"))
    assert "deleted meanwhile" in write(cluster, planned).message
    assert write(cluster, planned).state == "surprise"


@pytest.mark.parametrize(("conflicts", "state", "after"), [(1, "done", 4), (3, "done", 4), (4, "failed", 5)])
def test_a_conflict_reads_again_three_times(cluster: FiledCluster, conflicts: int, state: str, after: int) -> None:
    """Status updates between read and write are outrun three times; the fourth conflict gives up, nothing written."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    on(
        cluster,
        "scale",
        lambda: cluster.edit("Deployment", "shop", "cart", lambda raw: raw.update(status={})),
        conflicts,
    )
    step = write(cluster, planned)
    assert (step.state, count(cluster)) == (state, after)
    assert not any(VICTIM in annotations_of(raw) for raw in cluster.load().values())


def test_a_conflict_because_of_a_real_change_is_a_surprise(cluster: FiledCluster) -> None:
    """The re-read after a conflict compares digests again."""
    planned = scale(cluster, "cart", 4)
    on(
        cluster,
        "scale",
        lambda: cluster.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(replicas=7)),
    )
    step = write(cluster, planned)
    assert (step.state, count(cluster)) == ("surprise", 7)


def test_a_refused_write_is_failed_with_the_servers_words(cluster: FiledCluster) -> None:
    """No permission: nothing was written, the message is the server's own, and the marks are gone again."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    on(cluster, "scale", fail(ForbiddenError("cannot update deployments/scale")))
    step = write(cluster, planned)
    assert step.state == "failed"
    assert "cannot update deployments/scale" in step.message
    assert annotations_of(cluster.load()["Pod/shop/cart-rs-0"]) == {}


def test_a_lost_reply_is_looked_up(cluster: FiledCluster) -> None:
    """The write happened though its reply was lost: it is done, and not written twice."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    on(cluster, "after scale", fail(UnreadableError("connection reset")))
    assert write(cluster, planned).state == "done"
    assert [entry for entry in cluster.log if entry.startswith("scale")] == ["scale Deployment/shop/cart"]


@pytest.mark.parametrize(("losses", "state", "after"), [(2, "done", 4), (3, "failed", 5)])
def test_a_lost_request_is_tried_again(cluster: FiledCluster, losses: int, state: str, after: int) -> None:
    """The write did not happen: it is tried again with growing pauses, three times in all."""
    planned = scale(cluster, "cart", 4)
    on(cluster, "scale", fail(UnreadableError("503")), losses)
    step = write(cluster, planned)
    assert (step.state, count(cluster)) == (state, after)


def test_an_outcome_that_nobody_can_see_stays_in_flight(cluster: FiledCluster) -> None:
    """The API server is gone right after the write: the step says that nobody knows."""
    planned = scale(cluster, "cart", 4)
    silent = [False]

    def hook(verb: str, what: str) -> None:
        silent[0] = silent[0] or verb == "scale"
        if silent[0]:
            raise UnreadableError("no route to host")

    cluster.hook = hook
    step = write(cluster, planned)
    assert step.state == "writing"
    assert "nobody knows" in step.message


def test_a_step_that_cannot_be_taken_back_stays_in_flight(cluster: FiledCluster) -> None:
    """Worse placement and no way back: the truth is settled later, and the message says what is wrong."""
    planned = scale(cluster, "cart", 3, victims=("cart-rs-2",), expected={"c": 1})
    scales = [0]

    def hook(verb: str, what: str) -> None:
        if verb == "scale":
            scales[0] += 1
            if scales[0] == 1:
                cluster.hook = lambda verb, what: None
                _steal(cluster)
                cluster.hook = hook
            else:
                raise ForbiddenError("frozen")

    cluster.hook = hook
    step = write(cluster, planned)
    assert step.state == "writing"
    assert "could not be set back" in step.message
    assert "frozen" in step.message


def test_taking_back_never_lowers_what_somebody_raised(cluster: FiledCluster) -> None:
    """Between the write and taking it back a person set more: that stays."""
    planned = scale(cluster, "cart", 4)
    on(
        cluster,
        "after scale",
        lambda: cluster.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(replicas=9)),
    )
    assert write(cluster, planned).state == "surprise"
    assert count(cluster) == 9


def test_an_object_replaced_after_the_write_is_a_surprise(cluster: FiledCluster) -> None:
    """The placement of another object is not read."""
    planned = scale(cluster, "cart", 4)
    on(
        cluster,
        "after scale",
        lambda: cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(uid="another")),
    )
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert "after the write it was replaced" in step.message


def test_a_restore_needs_only_uid_and_ownership(cluster: FiledCluster) -> None:
    """Template, labels and count may have changed since: the count is still raised."""
    planned = scale(cluster, "cart", 8)
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(labels={"tier": "gold"}))
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(replicas=2))
    assert write(cluster, planned).state == "done"
    assert count(cluster) == 8


def test_a_restore_only_widens(cluster: FiledCluster) -> None:
    """Where somebody set more meanwhile, nothing is written."""
    planned = scale(cluster, "cart", 8)
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(replicas=11))
    step = write(cluster, planned)
    assert step.state == "done"
    assert "already has 11" in step.message
    assert cluster.log == []


@pytest.mark.parametrize("after", [4, 8])
def test_what_argo_leaves_alone_is_written(cluster: FiledCluster, after: int) -> None:
    """Its mark was there when the plan was cleared, which asked its Application; nothing changed since."""
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(annotations=ARGO))
    victims = ("cart-rs-4",) if after < 5 else ()
    assert write(cluster, scale(cluster, "cart", after, victims=victims)).state == "done"
    assert count(cluster) == after


def test_what_flux_leaves_alone_is_written_until_it_takes_it_back(cluster: FiledCluster) -> None:
    """The release's word was read when the plan was cleared; a mark that went since is a surprise."""
    labels = {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"}
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(labels=labels))
    assert write(cluster, scale(cluster, "cart", 4, victims=("cart-rs-4",))).state == "done"
    mark = {"helm.toolkit.fluxcd.io/driftDetection": "disabled"}
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(annotations=mark))
    planned = scale(cluster, "cart", 3, victims=("cart-rs-3",))
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(annotations={}))
    step = write(cluster, planned)
    assert (step.state, count(cluster)) == ("surprise", 4)
    assert "Flux HelmRelease shop/web decides its count now" in step.message


def test_a_restore_leaves_owned_objects_to_their_owner(cluster: FiledCluster) -> None:
    """Argo CD took it over since: its name is in the answer, and nothing is written."""
    planned = scale(cluster, "cart", 8)
    cluster.edit(
        "Deployment",
        "shop",
        "cart",
        lambda raw: raw["metadata"].update(annotations=ARGO),
    )
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert "; ask for 8 replicas there" in step.message
    assert cluster.log == []


@pytest.mark.parametrize(("uid", "words"), [("another", "replaced"), (None, "gone")])
def test_a_restore_of_another_object_is_a_surprise(cluster: FiledCluster, uid: str | None, words: str) -> None:
    """The object that was pruned is not there any more."""
    planned = scale(cluster, "cart", 8)
    if uid:
        cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(uid=uid))
    else:
        cluster.remove("Deployment", "shop", "cart")
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert words in step.message


@pytest.mark.parametrize(
    ("now", "after", "state"),
    [(5, 4, "pending"), (4, 4, "done"), (3, 4, "surprise"), (5, 8, "pending"), (9, 8, "done"), (6, 8, "surprise")],
)
def test_looking_compares_the_count(cluster: FiledCluster, now: int, after: int, state: str) -> None:
    """Before, after, or anything else; more than a restore wanted counts as done."""
    planned = scale(cluster, "cart", after)
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["spec"].update(replicas=now))
    assert ClusterWriter(cluster).look(planned).state == state


def test_looking_at_another_object_is_a_surprise(cluster: FiledCluster) -> None:
    """Replaced or gone: nothing can be said about the write."""
    planned = scale(cluster, "cart", 4)
    cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(uid="another"))
    assert "replaced" in ClusterWriter(cluster).look(planned).message
    cluster.remove("Deployment", "shop", "cart")
    assert "gone" in ClusterWriter(cluster).look(planned).message


def test_tidying_takes_marks_off(cluster: FiledCluster) -> None:
    """Marks that a crash left are removed; what cannot be reached is left for later without an error."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0", "cart-rs-1"))
    pod = cluster.read(POD, "shop", "cart-rs-0")
    assert pod is not None
    cluster.annotate_pod(pod, {COST: "-2000000000", VICTIM: ""})
    on(cluster, "read", fail(UnreadableError("down")))
    ClusterWriter(cluster).tidy([planned])
    assert VICTIM in annotations_of(cluster.load()["Pod/shop/cart-rs-0"])
    ClusterWriter(cluster).tidy([planned])
    assert annotations_of(cluster.load()["Pod/shop/cart-rs-0"]) == {}


def test_a_pod_that_goes_while_it_is_marked_does_not_matter(cluster: FiledCluster) -> None:
    """The pod was evicted between listing and marking: the step goes on."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",))
    on(cluster, "annotate", fail(ConflictError("uid")))
    assert write(cluster, planned).state == "done"
    assert cluster.read(DEPLOYMENT, "shop", "cart") is not None


def test_an_object_that_goes_while_it_is_waited_for_is_a_surprise(cluster: FiledCluster) -> None:
    """The placement came out worse, and the object was deleted before the way back."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",), expected={"a": 5})
    written = [False]

    def hook(verb: str, what: str) -> None:
        written[0] = written[0] or verb == "after scale"
        if written[0] and what.startswith("Node/"):
            cluster.hook = lambda verb, what: None
            cluster.remove("Deployment", "shop", "cart")

    cluster.hook = hook
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert "zone a has 1 pods instead of 5; then it is gone" in step.message


@pytest.mark.parametrize(
    ("verb", "state", "after"), [("scale", "undone", 5), ("after scale", "undone", 5)], ids=["request", "reply"]
)
def test_a_lost_way_back_is_looked_up(cluster: FiledCluster, verb: str, state: str, after: int) -> None:
    """The write that takes the step back loses its request or its reply: it is seen, or tried again."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",), expected={"a": 5})
    seen = [0]

    def hook(found: str, what: str) -> None:
        if found == verb:
            seen[0] += 1
            if seen[0] == 2:
                raise UnreadableError("reset")

    cluster.hook = hook
    step = write(cluster, planned)
    assert (step.state, count(cluster)) == (state, after)


def test_a_way_back_into_a_replaced_object_is_a_surprise(cluster: FiledCluster) -> None:
    """Its reply is lost, and the look finds another object."""
    planned = scale(cluster, "cart", 4, victims=("cart-rs-0",), expected={"a": 5})
    seen = [0]

    def hook(found: str, what: str) -> None:
        if found == "after scale":
            seen[0] += 1
            if seen[0] == 2:
                cluster.hook = lambda verb, what: None
                cluster.edit("Deployment", "shop", "cart", lambda raw: raw["metadata"].update(uid="another"))
                raise UnreadableError("reset")

    cluster.hook = hook
    step = write(cluster, planned)
    assert step.state == "surprise"
    assert "replaced" in step.message


def test_pods_that_do_not_count(cluster: FiledCluster) -> None:
    """Pods that are finished, being deleted, bare, or of another ReplicaSet of the same labels are none of ours."""
    base = cluster.load()["Pod/shop/cart-rs-0"]
    for name, change in {
        "done": {"status": {"phase": "Succeeded"}},
        "lost": {"status": {"phase": "Failed"}},
    }.items():
        cluster.put({**base, **change, "metadata": {**base["metadata"], "name": name}})
    cluster.put(
        {**base, "metadata": {**base["metadata"], "name": "going", "deletionTimestamp": "2026-06-29T12:00:00Z"}}
    )
    owner = {"kind": "ReplicaSet", "name": "elsewhere", "uid": "x", "controller": True}
    cluster.put({**base, "metadata": {**base["metadata"], "name": "alien", "ownerReferences": [owner]}})
    weak = [{"kind": "ReplicaSet", "name": "cart-rs", "uid": "x"}]
    cluster.put({**base, "metadata": {**base["metadata"], "name": "weak", "ownerReferences": weak}})
    raw = cluster.read(DEPLOYMENT, "shop", "cart")
    assert raw is not None
    assert [pod["metadata"]["name"] for pod in pods_of(cluster, raw)] == [f"cart-rs-{number}" for number in range(5)]


def test_pods_without_a_zone_are_counted_under_none(cluster: FiledCluster) -> None:
    """Not yet placed, on a node without the label, or on one that is gone: zone unknown. An old label still counts."""
    pods: list[Json] = [
        {"spec": {}},
        {"spec": {"nodeName": "bare"}},
        {"spec": {"nodeName": "gone"}},
        {"spec": {"nodeName": "old"}},
    ]
    cluster.put({"kind": "Node", "metadata": {"name": "bare"}})
    cluster.put(
        {"kind": "Node", "metadata": {"name": "old", "labels": {"failure-domain.beta.kubernetes.io/zone": "z"}}}
    )
    found = placement(cluster, pods)
    assert found.zones == {"": 3, "z": 1}
    assert found.short_of({"": 9, "z": 2}) == "zone z has 1 pods instead of 2"
