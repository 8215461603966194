"""The whole job on real servers: laps until nothing is left to do, then everything given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from microglia import cycle
from microglia.act.apply import Conduct
from microglia.act.cluster import ApiCluster
from microglia.act.write import ClusterWriter
from microglia.cli.app import app
from microglia.lifecycle.states import Phase
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, name_of, namespace_of
from microglia.model.window import floor_hour
from microglia.observe.kube import KubernetesCluster, connect
from microglia.observe.prometheus import PrometheusServer
from microglia.observe.traffic import PrometheusTraffic
from microglia.policy.load import parse
from microglia.policy.schema import PruningPolicy
from microglia.store.buckets import FileBuckets
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.world.load import load, moved
from tests.lab import Lab
from tests.lab.stage import put

WORLDS = Path(__file__).parent / "worlds"
LEAD, EVERY, MOST = timedelta(days=9), timedelta(hours=25), 14
_SERVER_SET = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
_FROM_CONTROLLERS = "deployment.kubernetes.io/"


@dataclass(slots=True)
class Job:
    """Everything that happened. Objects are by kind, namespace and name, without what the server sets."""

    policy: PruningPolicy
    before: dict[str, Any] = field(default_factory=dict)
    pruned: dict[str, Any] = field(default_factory=dict)
    restored: dict[str, Any] = field(default_factory=dict)
    laps: list[cycle.Lap] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def last(self) -> cycle.Rehearsal:
        """The lap that had nothing left to do."""
        return self.laps[-1].rehearsal


def do_the_job(lab: Lab, folder: Path) -> Job:
    """Watch the world for ``LEAD``, do a lap every ``EVERY`` until the structure is hardened, and give it all back."""
    policy = parse((WORLDS / "job-policy.yaml").read_bytes(), "job-policy.yaml").policies[0]
    start = floor_hour(datetime.now(UTC)) - LEAD - MOST * EVERY
    prometheus = lab.another_prometheus("prometheus-of-job")
    stage = put(lab, moved(load(WORLDS / "job.yaml"), start), prometheus)
    cluster = connect(kubeconfig=lab.kubeconfig)
    world = _world(cluster, prometheus, folder)
    job = Job(policy, before=objects(cluster))
    stage.play(start + LEAD)
    while len(job.laps) < MOST and not (job.laps and job.last.state.phase is Phase.HARDENED):
        conduct = Conduct(clock=lambda: stage.now, stop=lambda: None, say=lambda _: None)
        job.laps.append(cycle.lap(world, (policy,), cycle.Case(policy, stage.now), conduct))
        stage.play(stage.now + EVERY)
    job.pruned = objects(cluster)
    for command in (["restore"], ["restore", "--all", "--yes"], ["restore"]):
        _type(job, lab, command, folder)
    job.restored = objects(cluster)
    lab.wipe()
    lab.processes.stop("prometheus-of-job")
    return job


def objects(cluster: KubernetesCluster) -> dict[str, Any]:
    """Deployments, StatefulSets and Sidecars as they are."""
    kinds = ("Deployment", "StatefulSet", "Sidecar")
    return {
        f"{kind}/{namespace_of(raw)}/{name_of(raw)}": _without_server(raw)
        for kind in kinds
        for raw in cluster.objects(BY_NAME[kind])
    }


def _world(cluster: KubernetesCluster, prometheus: str, folder: Path) -> cycle.World:
    kept, facts = Folder(folder), cluster.facts()
    traffic = PrometheusTraffic(PrometheusServer(prometheus), FileBuckets(kept.buckets, lambda _: None))
    journal = FileJournal(kept.cluster(facts.uid, facts.name))
    return cycle.World(cluster, traffic, ClusterWriter(ApiCluster(cluster.api)), journal)


def _type(job: Job, lab: Lab, command: list[str], folder: Path) -> None:
    where = ["--kubeconfig", str(lab.kubeconfig), "--state", str(folder)]
    done = CliRunner().invoke(app, [*command, *where])
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    name = " ".join(command)
    name = f"{name} again" if name in job.said else name
    job.said[name], job.codes[name] = done.output, done.exit_code


def _without_server(raw: Raw) -> dict[str, Any]:
    metadata: Mapping[str, Any] = raw["metadata"]
    kept = {key: value for key, value in metadata.items() if key not in _SERVER_SET}
    annotations = {key: value for key, value in kept.get("annotations", {}).items() if _FROM_CONTROLLERS not in key}
    return {"metadata": {**kept, "annotations": annotations}, "spec": raw["spec"]}
