"""What other people wrote to protect something, and what protects nothing: a typo is told, a good reference is not."""

import pytest

from microglia.model.objects import BlindSpot
from microglia.policy.schema import PolicySpec
from microglia.protect import protect
from microglia.protect.ledger import Protection
from microglia.topology.build import build
from tests.factories import NOW, Json, deployment, running, scores, service, snapshot, thing

TARGET = {"kind": "Deployment", "name": "gone"}


def dangling(*raws: Json, faults: tuple[BlindSpot, ...] = ()) -> tuple[Protection, ...]:
    topology = build(snapshot(*running(deployment("a")), service("a"), *raws, faults=faults))
    return protect(topology, scores(), PolicySpec(), (), NOW).dangling


def alerts(host: str) -> Json:
    return thing("AlertmanagerConfig", "x", found={"addresses": [{"field": "spec.receivers[0].url", "host": host}]})


def budget(selector: Json | None) -> Json:
    return thing("PodDisruptionBudget", "x", spec={"minAvailable": 1, **({"selector": selector} if selector else {})})


def cron(host: str) -> Json:
    return thing("CronJob", "x", spec={}, found={"hosts": [host]})


def rollout(name: str) -> Json:
    return thing("Rollout", "x", spec={"strategy": {"canary": {"canaryService": name}}})


def cluster(name: str) -> Json:
    return thing("ScheduledBackup", "x", spec={"cluster": {"name": name}})


def prometheus(name: str) -> Json:
    return thing("Prometheus", "x", spec={"alerting": {"alertmanagers": [{"name": name}]}})


ADRIFT = [
    (budget({"matchLabels": {"app": "aa"}}), "disruption-budget", "spec.selector", "app=aa"),
    (budget(None), "disruption-budget", "spec.selector", "not set"),
    (
        budget({"matchLabels": {"b": "c"}, "matchExpressions": [{"key": "app", "operator": "In", "values": ["z"]}]}),
        "disruption-budget", "spec.selector", "b=c, app In",
    ),
    (
        thing("HorizontalPodAutoscaler", "x", spec={"scaleTargetRef": TARGET}),
        "autoscaler-minimum", "spec.scaleTargetRef", "Deployment gone",
    ),
    (
        thing("ScaledObject", "x", spec={"scaleTargetRef": {"name": "gone"}}),
        "autoscaler-minimum", "spec.scaleTargetRef", "Deployment gone",
    ),
    (
        thing("VerticalPodAutoscaler", "x", spec={"targetRef": TARGET}),
        "vertical-autoscaler", "spec.targetRef", "Deployment gone",
    ),
    (thing("Rollout", "x", spec={"workloadRef": TARGET}), "argo-rollout", "spec.workloadRef", "Deployment gone"),
    (thing("Canary", "x", spec={"targetRef": TARGET}), "flagger", "spec.targetRef", "Deployment gone"),
    (
        thing("SleepInfo", "x", spec={"excludeRef": [{"kind": "Deployment", "name": "gone"}]}),
        "sleep-excluded", "spec.excludeRef[0]", "Deployment gone",
    ),
    (cluster("gone"), "scheduled-backup", "spec.cluster.name", "gone"),
    (alerts("hoook.shop.svc"), "alert-receiver", "spec.receivers[0].url", "hoook.shop.svc"),
    (prometheus("gone"), "alert-target", "spec.alerting.alertmanagers[0]", "gone.shop.svc.cluster.local"),
    (rollout("gone"), "rollout-services", "spec.strategy.canary.canaryService", "gone"),
    (cron("aa.shop.svc.cluster.local"), "cron-target", "found.hosts", "aa.shop.svc.cluster.local"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "rule", "field", "value"), ADRIFT, ids=[f"{one[0]['kind']} {one[3]}" for one in ADRIFT]
)
def test_a_typo_is_reported(raw: Json, rule: str, field: str, value: str) -> None:
    """With the rule that would have protected, the object, the field and what stands there."""
    (note,) = dangling(raw)
    assert (note.rule, note.source.kind, note.source.name, note.field) == (rule, raw["kind"], "x", field)
    assert note.value == value
    assert note.reason


@pytest.mark.parametrize(
    "raw",
    [
        budget({"matchLabels": {"app": "a"}}),
        thing("PodDisruptionBudget", "x", spec={"selector": {}}),
        thing("HorizontalPodAutoscaler", "x", spec={"scaleTargetRef": {"kind": "Deployment", "name": "a"}}),
        thing("HorizontalPodAutoscaler", "x", spec={"scaleTargetRef": {"kind": "KafkaConnect", "name": "gone"}}),
        thing("SleepInfo", "x", spec={"excludeRef": [{"kind": "Deployment", "name": "a"}]}),
        alerts("a.shop.svc"),
        alerts("hooks.example.com"),
        prometheus("a"),
        rollout("a"),
        cron("a.shop.svc.cluster.local"),
        cron("aa.nowhere.svc.cluster.local"),
        cron("api.example.com"),
    ],
)
def test_what_is_there_is_not_reported(raw: Json) -> None:
    """Nor what is outside the cluster, of a kind that is not listed, or perhaps no host at all."""
    assert dangling(raw) == ()


def test_a_backup_of_what_is_there_is_not_reported() -> None:
    """Its pods carry the name of the cluster."""
    db = running(deployment("db", pod_labels={"cnpg.io/cluster": "db"}))
    assert dangling(*db, cluster("db")) == ()


@pytest.mark.parametrize("hidden", ["Pod", "Deployment", "StatefulSet", "Rollout", "Service"])
def test_what_cannot_be_seen_is_no_typo(hidden: str) -> None:
    """A kind that may not be listed says nothing about who is missing."""
    raws = (prometheus("gone"),) if hidden == "Service" else (budget({"matchLabels": {"app": "aa"}}),)
    assert len(dangling(*raws)) == 1
    assert dangling(*raws, faults=(BlindSpot(hidden, "forbidden"),)) == ()
