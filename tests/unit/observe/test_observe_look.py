"""One look: every kind is there, empty, or named as a blind spot, and the digest says what it was."""

from dataclasses import replace

import pytest

from microglia.model.doubts import metrics_skew
from microglia.model.kinds import BY_NAME, KINDS
from microglia.model.objects import name_of
from microglia.model.ports import AbsentError, ClusterFacts, UnreadableError
from microglia.observe.look import beside, look, observe, observe_objects
from microglia.policy.protection import ProtectionObject
from tests.factories import NOW, WINDOW, deployment, snapshot, thing


class Cluster:
    """Lists by kind; an exception in place of a list is raised."""

    def __init__(self, **kinds):
        self.kinds = kinds

    def facts(self):
        return ClusterFacts("uid", "test", "v1")

    def objects(self, kind):
        found = self.kinds.get(kind.name, [])
        if isinstance(found, Exception):
            raise found
        return found


class Traffic:
    """The activity and the source of a given snapshot."""

    def __init__(self, seen, error=None):
        self.seen = seen
        self.error = error
        self.objects = None

    def describe(self, facts, now):
        return replace(self.seen.source, cluster=facts.uid)

    def activity(self, objects, window, now):
        if self.error:
            raise self.error
        self.objects = objects
        return self.seen.activity


def test_objects_are_sorted_and_every_kind_is_there():
    """Lists come by namespace and name, whatever order the API server had; kinds without objects are empty."""
    found = look(Cluster(Deployment=[deployment("b"), deployment("a"), deployment("c", "a-first")]))
    assert [name_of(raw) for raw in found.of("Deployment")] == ["c", "a", "b"]
    assert set(found.kinds) == {kind.name for kind in KINDS}
    assert found.faults == ()


def test_an_absent_crd_is_normal_and_an_absent_core_kind_is_not():
    """Without Istio's CRDs there are simply no Sidecars; a missing core kind is a blind spot."""
    found = look(Cluster(Sidecar=AbsentError(), PodDisruptionBudget=AbsentError()))
    assert [fault.subject for fault in found.faults] == ["PodDisruptionBudget"]
    assert "does not serve poddisruptionbudgets" in found.faults[0].reason
    assert not found.blind("Sidecar")


def test_a_forbidden_kind_is_blind_even_when_optional():
    """What may not be read is named with the reason, and never taken for empty."""
    found = look(Cluster(Sidecar=UnreadableError("cannot list sidecars (forbidden)")))
    assert found.blind("Sidecar")
    assert found.faults[0].reason == "cannot list sidecars (forbidden)"


def test_plain_host_names_need_a_namespace_that_exists():
    """``name.ns`` in an argument is a host only where ``ns`` is a namespace: the list of namespaces decides."""
    job = thing(
        "CronJob",
        "report",
        spec={
            "jobTemplate": {
                "spec": {
                    "template": {"spec": {"containers": [{"name": "app", "args": ["ledger.payments", "index.html"]}]}}
                }
            }
        },
    )
    found = look(Cluster(Namespace=[thing("Namespace", "payments", "")], CronJob=[job]))
    assert found.of("CronJob")[0]["found"]["hosts"] == ["ledger.payments.svc.cluster.local"]


def seen_with(**kinds):
    return observe(Cluster(**kinds), Traffic(snapshot()), WINDOW, NOW)


def test_the_snapshot_holds_what_was_seen():
    """Objects, activity, source and moment of the look are in the snapshot."""
    traffic = Traffic(snapshot())
    found = observe(Cluster(Deployment=[deployment("a")]), traffic, WINDOW, NOW)
    assert (found.taken_at, found.source.cluster) == (NOW, "uid")
    assert found.activity is traffic.seen.activity
    assert traffic.objects == found.objects.kinds


def test_the_digest_ignores_what_moves_by_itself():
    """The same world has the same digest though its objects were touched."""
    calm, touched = deployment("a"), deployment("a", metadata={"resourceVersion": "77"})
    touched["status"]["observedGeneration"] = 9
    touched["status"]["conditions"] = [{"type": "Available", "status": "True"}]
    calm["status"]["conditions"] = [{"type": "Available", "status": "True", "lastUpdateTime": "2026-01-02T00:00:00Z"}]
    assert seen_with(Deployment=[calm]).digest == seen_with(Deployment=[touched]).digest


def test_the_digest_tells_worlds_apart():
    """Another count, another blind spot or another array is another digest."""
    plain = seen_with(Deployment=[deployment("a")])
    other = Traffic(snapshot())
    activity = other.seen.activity
    other.seen = replace(other.seen, activity=replace(activity, away=~activity.away))
    digests = {
        plain.digest,
        seen_with(Deployment=[deployment("a", replicas=4)]).digest,
        seen_with(Deployment=[deployment("a")], Lease=UnreadableError("no")).digest,
        observe(Cluster(Deployment=[deployment("a")]), other, WINDOW, NOW).digest,
    }
    assert len(digests) == 4


def test_silent_metrics_end_the_look():
    """Without metrics there is no snapshot, only the reason."""
    with pytest.raises(UnreadableError, match="no answer"):
        observe(Cluster(), Traffic(snapshot(), UnreadableError("no answer")), WINDOW, NOW)


def test_every_listed_kind_has_a_path():
    """Namespaced or not, core or group: the list path is the API server's."""
    assert BY_NAME["Pod"].path == "/api/v1/pods"
    assert BY_NAME["Sidecar"].path == "/apis/networking.istio.io/v1/sidecars"


def test_a_look_without_metrics():
    """Objects alone make a snapshot with an empty window and no source of metrics."""
    found = observe_objects(Cluster(Deployment=[deployment("a")]), NOW)
    assert [name_of(raw) for raw in found.objects.of("Deployment")] == ["a"]
    assert (found.source.prometheus, found.activity.workloads.keys) == ("", ())


def test_protections_in_files_lie_beside_those_in_the_cluster():
    """A protection that people wrote in a file counts like one in the cluster, and shows in the digest."""
    found = snapshot(deployment("a"))
    metadata = {"name": "keep", "namespace": "shop"}
    written = ProtectionObject.model_validate(
        {"metadata": metadata, "spec": {"reason": "audit", "targets": [{"kind": "Deployment", "name": "a"}]}}
    )
    more = beside(found, [written])
    assert [name_of(raw) for raw in more.objects.of("Protection")] == ["keep"]
    assert more.digest != found.digest
    assert beside(found, []) is found


def test_clocks_and_retention_that_hide_hours_are_told_with_what_they_hide():
    """Why hours look unseen stands before the faults of single replies; a clock changes no digest."""
    seen = snapshot()
    partial = replace(seen.activity, faults=("partial",))
    odd = replace(seen, source=replace(seen.source, retention="2d", ahead=-7200.0), activity=partial)
    faults = observe(Cluster(), Traffic(odd), WINDOW, NOW).activity.faults
    assert [fault.partition(";")[0] for fault in faults] == [
        metrics_skew("prometheus", -7200.0).partition(";")[0],
        "prometheus keeps metrics for 2d (its retention) and the window asks for 14d, so the first 12d are never seen",
        "partial",
    ]
    agreeing = replace(seen, source=replace(seen.source, ahead=0.0))
    assert (
        observe(Cluster(), Traffic(agreeing), WINDOW, NOW).digest
        == observe(Cluster(), Traffic(seen), WINDOW, NOW).digest
    )
