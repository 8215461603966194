"""What a team lives through with one cluster: somebody looks, prunes and gives back, others are in the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ruamel.yaml import YAML

from microglia.model.window import floor_hour
from microglia.plan.history import Record
from microglia.world.load import load, moved
from tests.lab import Lab
from tests.lab.person import Person, Said
from tests.lab.stage import put

WORLDS = Path(__file__).parent / "worlds"
LEAD = timedelta(days=9)
LEASE = "/apis/coordination.k8s.io/v1/namespaces/default/leases/microglia"
PLACE = "people"
"""The namespace of the accounts."""


@dataclass(slots=True)
class Story:
    """Everything that was said, by name, the counts of the Deployments after it, and what the journal told."""

    person: Person
    cluster: str
    said: dict[str, Said] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    records: dict[str, tuple[Record, ...]] = field(default_factory=dict)

    def record(self, name: str) -> Record:
        """What the journal told, after ``name``, of the plan of that name."""
        return next(record for record in self.records[name] if record.id == self.plans[name])


@dataclass(slots=True)
class Teller:
    """Lets people type, and writes down what came of it."""

    lab: Lab
    story: Story

    def hear(self, name: str, *command: str, by: Person | None = None) -> Said:
        """Somebody types ``command``."""
        return self.note(name, (by or self.story.person).types(*command))

    def note(self, name: str, said: Said) -> Said:
        """Write down what was said, and what came of it."""
        story = self.story
        story.said[name] = said
        story.counts[name] = counts(self.lab)
        story.records[name] = story.person.journal(story.cluster)
        return said

    def plan(self, name: str, by: Person | None = None) -> str:
        """A new plan, to be known by ``name``."""
        found = (by or self.story.person).plans()
        self.story.plans[name] = found
        return found


def tell(lab: Lab, folder: Path) -> Story:
    """Live through it all. Leaves the lab as it was."""
    now = datetime.now(UTC)
    name = "prometheus-of-story"
    prometheus = lab.another_prometheus(name)
    stage = put(lab, moved(load(WORLDS / "job.yaml"), floor_hour(now) - LEAD), prometheus)
    stage.play(now)
    person = Person(lab.kubeconfig, prometheus, WORLDS / "job-policy.yaml", folder / "state")
    uid = lab.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    teller = Teller(lab, Story(person, uid))
    _looks(teller, folder / "mesh.snapshot")
    _prunes(teller)
    _meets_others(teller)
    _may_only_view(teller)
    _may_only_rehearse(teller)
    lab.wipe()
    lab.processes.stop(name)
    return teller.story


def counts(lab: Lab) -> dict[str, int]:
    """Replicas of every Deployment of the two namespaces."""
    return {
        f"{raw['metadata']['namespace']}/{raw['metadata']['name']}": raw["spec"]["replicas"]
        for raw in lab.api.get("/apis/apps/v1/deployments")["items"]
        if raw["metadata"]["namespace"] in ("job", "extra")
    }


def _looks(teller: Teller, file: Path) -> None:
    teller.hear("doctor", "doctor")
    teller.hear("doctor as data", "doctor", "-o", "json")
    teller.hear("map", "map", "--all")
    teller.hear("map protected", "map", "--protected")
    teller.hear("explain", "explain", "job/api")
    teller.hear("replay", "replay")
    teller.hear("plan", "plan")
    teller.hear("plan as data", "plan", "-o", "json", "--exit-code")
    teller.hear("snapshot", "snapshot", str(file))
    teller.hear("plan from file", "plan", "--snapshot", str(file), "-o", "json")
    teller.hear("plan from file again", "plan", "--snapshot", str(file), "-o", "json")


def _prunes(teller: Teller) -> None:
    plan = teller.plan("apply")
    teller.hear("apply, nobody there", "apply", plan)
    _hold(teller.lab, "ann@laptop (process 7)")
    teller.hear("apply beside ann", "apply", plan, "--yes")
    _hold(teller.lab, "")
    teller.hear("apply", "apply", plan, "--yes")
    teller.hear("status", "status")
    teller.hear("apply again", "apply", plan, "--yes")
    teller.hear("restore", "restore", plan, "--yes")
    teller.hear("restore, nothing named", "restore")
    teller.hear("reopen", "reopen", "job", "--yes")


def _meets_others(teller: Teller) -> None:
    """Somebody else scales while a plan lies around, and while the question stands."""
    plan = teller.plan("apply after a change")
    _scale(teller.lab, "report", 6)
    teller.hear("apply after a change", "apply", plan, "--yes")
    _scale(teller.lab, "report", 4)
    plan = teller.plan("apply during a change")
    said = teller.story.person.hesitates(lambda: _scale(teller.lab, "report", 6), "apply", plan)
    teller.note("apply during a change", said)
    teller.hear("restore half a plan", "restore", plan, "--yes")
    _scale(teller.lab, "report", 4)


def _may_only_view(teller: Teller) -> None:
    viewer = _somebody(teller, "viewer", "view")
    teller.plan("apply as viewer")
    teller.hear("doctor as viewer", "doctor", by=viewer)
    teller.hear("doctor as viewer, as data", "doctor", "-o", "json", by=viewer)
    teller.hear("plan as viewer", "plan", by=viewer)
    teller.hear("plan as viewer, as data", "plan", "-o", "json", by=viewer)
    teller.hear("map as viewer", "map", "--protected", "--all", by=viewer)
    teller.hear("apply as viewer", "apply", teller.story.plans["apply as viewer"], "--yes", by=viewer)
    rule = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "people-nodes"}}
    teller.lab.apply([{**role, "rules": [rule]}])
    _may(teller.lab, "viewer", "people-nodes")
    teller.hear("plan with nodes", "plan", "-o", "json", by=viewer)


def _may_only_rehearse(teller: Teller) -> None:
    role = YAML(typ="safe").load(teller.hear("rbac", "doctor", "--rbac").out)
    teller.lab.apply([role])
    rehearser = _somebody(teller, "rehearser", role["metadata"]["name"])
    teller.hear("doctor as rehearser", "doctor", "-o", "json", by=rehearser)
    teller.hear("plan as rehearser", "plan", "-o", "json", by=rehearser)
    plan = teller.plan("apply as rehearser", by=rehearser)
    teller.hear("apply as rehearser", "apply", plan, "--yes", by=rehearser)
    teller.hear("status as rehearser", "status", by=rehearser)


def _somebody(teller: Teller, name: str, role: str) -> Person:
    """A person with an account of their own, which may do what ClusterRole ``role`` allows."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": PLACE}}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": PLACE}}
    teller.lab.apply([space, account])
    _may(teller.lab, name, role)
    return teller.story.person.at(kubeconfig=teller.lab.kubeconfig_for(PLACE, name))


def _may(lab: Lab, name: str, role: str) -> None:
    group = "rbac.authorization.k8s.io"
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{name}-{role}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": PLACE}],
    }
    lab.apply([binding])


def _scale(lab: Lab, name: str, count: int) -> None:
    lab.api.patch(f"/apis/apps/v1/namespaces/job/deployments/{name}", {"spec": {"replicas": count}})
    lab.wait_ready()


def _hold(lab: Lab, holder: str) -> None:
    """``holder`` takes the Lease that whoever asked first has made, or nobody holds it."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15, "acquireTime": now, "renewTime": now}
    lab.api.patch(LEASE, {"spec": spec})
