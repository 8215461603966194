"""What every WritableCluster promises to a writer: the same checks for the in-memory and for the real API server.

A ``Subject`` is a cluster with one Deployment of three running replicas and Istio's Sidecar kind; every check takes it
and leaves what it made to the next subject's cleaning up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from microglia.act.lease import Lease, LockedError
from microglia.act.placement import COST, mark, placement, pods_of, unmark
from microglia.act.write import ClusterWriter
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, annotations_of, at, name_of
from microglia.model.ports import ConflictError, GoneError, WritableCluster
from microglia.plan.change import ScaleChange, SidecarChange, Why, decision_digest, observed
from microglia.plan.sidecar import plain
from tests.autoscaling import hpa, lowering

DEPLOYMENT, SIDECAR, POD, LEASE = (BY_NAME[name] for name in ("Deployment", "Sidecar", "Pod", "Lease"))
HPA = BY_NAME["HorizontalPodAutoscaler"]

WHY = Why(sentence="the contract asks for it", at_risk=0.0)


@dataclass(frozen=True, slots=True)
class Subject:
    """``until`` waits until a condition holds, and fails the test when it does not. ``edit`` is somebody else's merge
    patch of the Deployment."""

    cluster: WritableCluster
    namespace: str
    deployment: str
    until: Callable[[Callable[[], bool]], None]
    edit: Callable[[dict[str, Any]], object]

    def fresh(self) -> Raw:
        """The Deployment as it is now."""
        raw = self.cluster.read(DEPLOYMENT, self.namespace, self.deployment)
        assert raw is not None
        return raw

    def pods(self) -> tuple[Raw, ...]:
        """Its pods as they are now."""
        return pods_of(self.cluster, self.fresh())


def merge(raw: dict[str, Any], patch: dict[str, Any]) -> None:
    """Lay a merge patch over ``raw``, as the API server does."""
    for key, value in patch.items():
        if isinstance(value, dict) and isinstance(raw.get(key), dict):
            merge(raw[key], value)
        else:
            raw[key] = value


def other(raw: Raw, **metadata: str) -> dict[str, Any]:
    """``raw`` with other metadata."""
    return {**raw, "metadata": {**raw["metadata"], **metadata}}


def sidecar(subject: Subject, *hosts: str) -> dict[str, Any]:
    """A Sidecar as microglia writes it."""
    return {
        "apiVersion": "networking.istio.io/v1",
        "kind": "Sidecar",
        "metadata": {
            "name": "microglia-contract",
            "namespace": subject.namespace,
            "labels": {"app.kubernetes.io/managed-by": "microglia"},
        },
        "spec": {
            "workloadSelector": {"labels": {"app": subject.deployment}},
            "egress": [{"hosts": ["*/*", *(f"~{subject.namespace}/{host}" for host in hosts)]}],
        },
    }


def reading_gives_identity_or_none(subject: Subject) -> None:
    """A whole object with uid and resourceVersion; None for what is not there, of any kind and namespace."""
    raw = subject.fresh()
    assert name_of(raw) == subject.deployment
    assert at(raw, "metadata", "uid")
    assert at(raw, "metadata", "resourceVersion")
    assert at(raw, "spec", "replicas") == 3
    assert subject.cluster.read(DEPLOYMENT, subject.namespace, "nobody") is None
    assert subject.cluster.read(SIDECAR, subject.namespace, "nobody") is None
    assert subject.cluster.read(POD, "no-such-namespace", "nobody") is None
    assert subject.cluster.read(BY_NAME["Node"], "", "nobody") is None


def pods_are_those_of_the_selector_and_on_nodes(subject: Subject) -> None:
    """Three pods that belong to the Deployment, each on a node; a selector that matches nothing gives nothing."""
    pods = subject.pods()
    assert len(pods) == 3
    assert sum(placement(subject.cluster, pods).zones.values()) == 3
    assert list(subject.cluster.pods(subject.namespace, {"matchLabels": {"app": "nobody"}})) == []
    terms = [{"key": "app", "operator": "In", "values": [subject.deployment]}]
    found = subject.cluster.pods(subject.namespace, {"matchExpressions": terms})
    assert {name_of(pod) for pod in found} >= {name_of(pod) for pod in pods}


def scaling_writes_count_generation_and_manager(subject: Subject) -> None:
    """The count is written, the generation moves by one, the digest moves, and the field manager is ours."""
    before = subject.fresh()
    answer = subject.cluster.scale(before, 2)
    after = subject.fresh()
    assert at(answer, "spec", "replicas") == at(after, "spec", "replicas") == 2
    assert at(after, "metadata", "uid") == at(before, "metadata", "uid")
    assert at(after, "metadata", "generation") == at(before, "metadata", "generation") + 1
    assert decision_digest(after) != decision_digest(before)
    managers = {(entry["manager"], entry.get("subresource")) for entry in after["metadata"]["managedFields"]}
    assert ("microglia", "scale") in managers
    subject.until(lambda: len(subject.pods()) == 2)


def scaling_compares_version_uid_and_existence(subject: Subject) -> None:
    """An old resourceVersion or another uid conflicts, a missing object is gone; nothing is written."""
    raw = subject.fresh()
    with pytest.raises(ConflictError):
        subject.cluster.scale(other(raw, resourceVersion="1"), 1)
    with pytest.raises(ConflictError):
        subject.cluster.scale(other(raw, uid="00000000-0000-0000-0000-000000000000"), 1)
    with pytest.raises(GoneError):
        subject.cluster.scale(other(raw, name="nobody"), 1)
    assert at(subject.fresh(), "spec", "replicas") == 3


def an_old_read_conflicts_after_a_write(subject: Subject) -> None:
    """What was read before somebody's write may not be written over it."""
    old = subject.fresh()
    subject.cluster.scale(old, 2)
    with pytest.raises(ConflictError):
        subject.cluster.scale(old, 1)
    assert at(subject.fresh(), "spec", "replicas") == 2


def marked_pods_go_first(subject: Subject) -> None:
    """The named victim is the pod that is removed, wherever it runs."""
    pods = subject.pods()
    victim = name_of(pods[1])
    mark(subject.cluster, pods, [victim])
    subject.cluster.scale(subject.fresh(), 2)
    subject.until(lambda: len(subject.pods()) == 2)
    assert {name_of(pod) for pod in subject.pods()} == {name_of(pod) for pod in pods} - {victim}


def annotations_come_and_go(subject: Subject) -> None:
    """A mark keeps the cost that was there and gives it back; other annotations stay."""
    pod = subject.pods()[0]
    subject.cluster.annotate_pod(pod, {COST: "7", "contract": "here"})
    marked = subject.cluster.read(POD, subject.namespace, name_of(pod))
    assert marked is not None
    mark(subject.cluster, [marked], [name_of(pod)])
    assert int(annotations_of(subject.pods()[0])[COST]) < -1_000_000_000
    unmark(subject.cluster, subject.namespace, [name_of(pod)])
    found = dict(annotations_of(subject.pods()[0]))
    assert (found[COST], found["contract"], "microglia.dev/victim" in found) == ("7", "here", False)
    subject.cluster.annotate_pod(pod, {COST: None, "contract": None})
    assert "contract" not in annotations_of(subject.pods()[0])


def annotating_compares_uid_and_existence(subject: Subject) -> None:
    """Another uid conflicts, a missing pod is gone; an old resourceVersion does not matter."""
    pod = subject.pods()[0]
    with pytest.raises(ConflictError):
        subject.cluster.annotate_pod(other(pod, uid="00000000-0000-0000-0000-000000000000"), {"contract": "no"})
    with pytest.raises(GoneError):
        subject.cluster.annotate_pod(other(pod, name="nobody"), {"contract": "no"})
    subject.cluster.annotate_pod(other(pod, resourceVersion="1"), {"contract": "yes"})
    assert annotations_of(subject.pods()[0])["contract"] == "yes"


def sidecars_live_by_their_preconditions(subject: Subject) -> None:
    """Created once, replaced and deleted only as read; what was written is what is read."""
    cluster = subject.cluster
    cluster.create(SIDECAR, sidecar(subject, "mail"))
    with pytest.raises(ConflictError):
        cluster.create(SIDECAR, sidecar(subject, "ads"))
    first = cluster.read(SIDECAR, subject.namespace, "microglia-contract")
    assert first is not None
    assert plain(first) == sidecar(subject, "mail")
    identity = {key: at(first, "metadata", key) for key in ("uid", "resourceVersion")}
    cluster.replace(SIDECAR, other(sidecar(subject, "ads"), **identity))
    second = cluster.read(SIDECAR, subject.namespace, "microglia-contract")
    assert second is not None
    assert plain(second) == sidecar(subject, "ads")
    with pytest.raises(ConflictError):
        cluster.replace(SIDECAR, other(sidecar(subject, "mail"), **identity))
    with pytest.raises(ConflictError):
        cluster.delete(SIDECAR, first)
    with pytest.raises(ConflictError):
        cluster.delete(SIDECAR, other(second, uid="00000000-0000-0000-0000-000000000000"))
    cluster.delete(SIDECAR, second)
    assert cluster.read(SIDECAR, subject.namespace, "microglia-contract") is None
    for again in (lambda: cluster.delete(SIDECAR, second), lambda: cluster.replace(SIDECAR, second)):
        with pytest.raises(GoneError):
            again()


def minima_live_by_their_preconditions(subject: Subject) -> None:
    """A minimum is raised and lowered with the version that was read; all else of the autoscaler stays; an old read
    conflicts."""
    body = hpa("contract", 2, subject.deployment)
    metadata = {"name": "contract", "namespace": subject.namespace}
    old = subject.cluster.create(HPA, {**body, "metadata": metadata})
    change = lowering(subject.fresh(), old, 3, workload=f"{subject.namespace}/{subject.deployment}")
    writer = ClusterWriter(subject.cluster)
    assert writer.look(change).state == "pending"
    assert writer.write(change).state == "done"
    assert writer.look(change).state == "done"
    after = subject.cluster.read(HPA, subject.namespace, "contract")
    assert after is not None
    assert {**after["spec"], "minReplicas": 2} == old["spec"]
    assert at(after, "spec", "minReplicas") == 3
    with pytest.raises(ConflictError):
        subject.cluster.replace(HPA, {**old, "spec": after["spec"]})
    with pytest.raises(ConflictError):
        subject.cluster.replace(HPA, other(after, uid="00000000-0000-0000-0000-000000000000"))
    assert at(subject.fresh(), "spec", "replicas") == 3
    subject.cluster.delete(HPA, subject.cluster.read(HPA, subject.namespace, "contract") or {})


def leases_live_by_their_preconditions(subject: Subject) -> None:
    """A Lease is created once and replaced only as read: the lock's two writes."""
    spec = {"holderIdentity": "ann@laptop", "leaseDurationSeconds": 15, "renewTime": "2026-06-29T12:00:00.000000Z"}
    metadata = {"namespace": subject.namespace, "name": "contract"}
    body = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
    subject.cluster.create(LEASE, body)
    with pytest.raises(ConflictError):
        subject.cluster.create(LEASE, body)
    read = subject.cluster.read(LEASE, subject.namespace, "contract")
    assert read is not None
    assert at(read, "spec", "renewTime") == "2026-06-29T12:00:00.000000Z"
    subject.cluster.replace(LEASE, {**read, "spec": {**spec, "holderIdentity": ""}})
    with pytest.raises(ConflictError):
        subject.cluster.replace(LEASE, read)


def a_step_and_its_way_back(subject: Subject) -> None:
    """The writer takes the named pod, reads the placement, and gives the replica back to a spec as it was."""
    writer, before = ClusterWriter(subject.cluster), subject.fresh()
    pods = subject.pods()
    expected = placement(subject.cluster, pods[1:]).zones
    down = _scale(subject, before, 2, victims=(name_of(pods[0]),), expected=dict(expected))
    assert writer.look(down).state == "pending"
    step = writer.write(down)
    assert (step.state, step.message, step.placement) == ("done", "", dict(expected))
    assert {name_of(pod) for pod in subject.pods()} == {name_of(pod) for pod in pods[1:]}
    assert writer.look(down).state == "done"
    assert writer.write(_scale(subject, subject.fresh(), 3)).state == "done"
    subject.until(lambda: len(subject.pods()) == 3)
    assert subject.fresh()["spec"] == before["spec"]


def an_annotation_is_no_surprise_and_a_rollout_is(subject: Subject) -> None:
    """Somebody's annotation moves a Deployment's generation and not the digest; its template moves both, and nothing is
    written from the moment of the change on."""
    writer, before = ClusterWriter(subject.cluster), subject.fresh()
    subject.edit({"metadata": {"annotations": {"example.com/build": "7"}}})
    noted = subject.fresh()
    assert at(noted, "metadata", "generation") == at(before, "metadata", "generation") + 1
    assert decision_digest(noted) == decision_digest(before)
    assert writer.write(_scale(subject, before, 2)).state == "done"
    subject.until(lambda: observed(subject.fresh()))
    planned = subject.fresh()
    subject.edit({"spec": {"template": {"metadata": {"labels": {"version": "2"}}}}})
    assert writer.write(_scale(subject, planned, 1)).state in ("surprise", "failed")
    subject.until(lambda: observed(subject.fresh()))
    assert decision_digest(subject.fresh()) != decision_digest(planned)
    assert writer.write(_scale(subject, planned, 1)).state == "surprise"
    assert at(subject.fresh(), "spec", "replicas") == 2


def a_cut_and_its_way_back(subject: Subject) -> None:
    """The writer makes our Sidecar, cuts more, and takes it away; a stranger's Sidecar of that name stays."""
    writer, first, second = ClusterWriter(subject.cluster), sidecar(subject, "mail"), sidecar(subject, "ads", "mail")
    for before, after, cut in ((None, first, ("mail",)), (first, second, ("ads",)), (second, None, ())):
        change = _routes(subject, before, after, cut)
        assert writer.look(change).state == "pending"
        assert writer.write(change).state == "done"
        assert writer.look(change).state == "done"
    foreign = sidecar(subject, "mail")
    foreign["metadata"]["labels"] = {"team": "shop"}
    subject.cluster.create(SIDECAR, foreign)
    assert writer.write(_routes(subject, first, None, ())).state == "surprise"
    left = subject.cluster.read(SIDECAR, subject.namespace, "microglia-contract")
    assert left is not None
    assert plain(left) == foreign
    subject.cluster.delete(SIDECAR, left)


def the_lock_keeps_two_apart(subject: Subject) -> None:
    """A second holder is refused by name; a released lock is free."""
    now = datetime(2026, 6, 29, 12, 0, tzinfo=UTC)
    ann, bob = (Lease(subject.cluster, subject.namespace, who, lambda: now) for who in ("ann@laptop", "bob@desk"))
    ann.take(_no_watching)
    assert ann.renew()
    with pytest.raises(LockedError, match="ann@laptop"):
        bob.take(_no_watching)
    ann.release()
    bob.take(_no_watching)
    assert not ann.renew()
    bob.release()


def _no_watching(sentence: str) -> None:
    raise AssertionError(sentence)


def _scale(subject: Subject, raw: Raw, after: int, **parts: Any) -> ScaleChange:
    given = {
        "workload": f"{subject.namespace}/{subject.deployment}",
        "uid": raw["metadata"]["uid"],
        "before": raw["spec"]["replicas"],
        "after": after,
        "digest": decision_digest(raw),
        "why": WHY,
        **parts,
    }
    return ScaleChange(**given)


def _routes(subject: Subject, before: Any, after: Any, cut: tuple[str, ...]) -> SidecarChange:
    raw = subject.fresh()
    return SidecarChange(
        workload=f"{subject.namespace}/{subject.deployment}",
        uid=raw["metadata"]["uid"],
        digest=decision_digest(raw),
        namespace=subject.namespace,
        name="microglia-contract",
        before=before,
        after=after,
        cut=cut,
        why=WHY,
    )


CHECKS: tuple[Callable[[Subject], None], ...] = (
    reading_gives_identity_or_none,
    pods_are_those_of_the_selector_and_on_nodes,
    scaling_writes_count_generation_and_manager,
    scaling_compares_version_uid_and_existence,
    an_old_read_conflicts_after_a_write,
    marked_pods_go_first,
    annotations_come_and_go,
    annotating_compares_uid_and_existence,
    sidecars_live_by_their_preconditions,
    minima_live_by_their_preconditions,
    leases_live_by_their_preconditions,
    a_step_and_its_way_back,
    an_annotation_is_no_surprise_and_a_rollout_is,
    a_cut_and_its_way_back,
    the_lock_keeps_two_apart,
)
