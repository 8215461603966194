"""Each single rule of the agent's Roles taken away: a blind spot that is told, or an error; never harm."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from microglia.act.lease import Lease
from microglia.act.write import ClusterWriter
from microglia.cli.agents import Role, Station
from microglia.daemon.agent import Agent
from microglia.daemon.bell import Bell
from microglia.daemon.health import Pulse
from microglia.daemon.leader import Election
from microglia.daemon.stream import ApiStream
from microglia.daemon.watch import PAUSE, SpecWatch
from microglia.model.kinds import BY_NAME, KINDS
from microglia.plan.object import PLAN_KIND
from microglia.report.rights import RIGHTS, Right
from tests.autoscaling import hpa, lowering, scaled_object
from tests.factories import deployment
from tests.lab import Lab
from tests.lab.crew import ROLES, Ears
from tests.lab.definitions import definition
from tests.lab.helming import NAMESPACE, RELEASE
from tests.lab.person import Person, Said
from tests.lab.release import PLANS, POLICIES, POLICY, SIDECARS, Release
from tests.lab.waiting import until
from tests.lab.ward import WORLDS
from tests.planning import scaled

pytestmark = pytest.mark.timeout(300)

RBAC = "/apis/rbac.authorization.k8s.io/v1"
SERVED = [kind for kind in KINDS if not kind.optional or kind.group in ("networking.istio.io", "microglia.dev")]
READS = sorted({kind.group for kind in SERVED})
WRITES = {
    "deployments/scale": f"{RBAC}/clusterroles/{RELEASE}-acting",
    "pods": f"{RBAC}/clusterroles/{RELEASE}-acting",
    "leases": f"{RBAC}/namespaces/default/roles/{RELEASE}-writer-leases",
}
REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
FOUND = {kind.plural for kind in SERVED}
LOOKS = ("get", "list")
WATCHED = [right for right in RIGHTS if right.verbs == ("watch",)]
LEASED = [right for right in RIGHTS if right.bound == "leases"]
FOUND_OUT = [right for right in RIGHTS if right.bound == "discovery"]
FILED = [right for right in RIGHTS if (right.resources, right.verbs) == (("pruningpolicies",), ("create", "update"))]
HIDING = [right for right in RIGHTS if right.resources == ("sidecars",) and right.bound == "acting"]
LOWERING = [right for right in RIGHTS if right.bound == "acting" and right.group in ("autoscaling", "keda.sh")]
ROLLING = [right for right in RIGHTS if right.bound == "acting" and right.group == "argoproj.io"]
UNSERVED = [right for right in RIGHTS if right.verbs == LOOKS and not FOUND.intersection(right.resources)]
LOOKED = [right for right in RIGHTS if right.verbs == LOOKS and right.role == "reader" and right.group in READS]
APART = (*WATCHED, *LEASED, *FOUND_OUT, *FILED, *HIDING, *LOWERING, *ROLLING, *UNSERVED, *LOOKED)
"""Rules that have tests of their own."""
USED = [right for right in RIGHTS if right not in APART]
"""What a round of either agent on this mesh cannot do without."""


@pytest.fixture(scope="module")
def release(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Installed, with no agent running: a person works with the agent's own tokens."""
    made = Release(lab, tmp_path_factory.mktemp("release"))
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def crew(release: Release) -> dict[Role, tuple[Agent, Station]]:
    """Both agents in this process, with their own tokens, for a round at a time."""
    return {role: release.engage(role) for role in ROLES}


@pytest.fixture
def filed(release: Release, tmp_path: Path) -> Iterator[Path]:
    """A policy that only a file knows, and under which nothing goes but routes; what it left is taken away."""
    body = YAML(typ="safe").load((WORLDS / "bad-days-policy.yaml").read_text(encoding="utf-8"))
    body["metadata"]["name"] = "filed"
    body["spec"]["budget"] |= {"cpu": {"spare": "900%"}, "memory": {"spare": "900%"}}
    body["spec"]["actuation"] = {"mode": "auto"}
    path = tmp_path / "filed.yaml"
    path.write_text(json.dumps(body), encoding="utf-8")
    release.reset()
    yield path
    release.reset()
    for raw in release.lab.api.get(POLICIES)["items"]:
        if raw["metadata"]["name"] == "filed":
            release.lab.api.delete(f"{POLICIES}/filed")


@pytest.fixture
def ears() -> Iterator[Ears]:
    """What the agents log."""
    heard, logger = Ears(), logging.getLogger("microglia")
    logger.addHandler(heard)
    yield heard
    logger.removeHandler(heard)


@pytest.mark.parametrize("group", READS)
def test_what_may_not_be_read_is_told_and_prunes_no_more(release: Release, group: str) -> None:
    """Without the kinds of one API group, the plan names each of them, or there is none; it takes no more than with
    all rights."""
    person = somebody(release, "reader")
    whole = {change["workload"] for change in plan(person)["changes"]}
    hidden = {kind.name for kind in SERVED if kind.group == group}
    with without(release, f"{RBAC}/clusterroles/{RELEASE}-reader", group, {kind.plural for kind in KINDS}):
        said = person.types("plan", "-o", "json")
    if said.code == 1:
        assert "forbidden" in said.words
        return
    blind = said.data[0]["plan"]
    assert {warning.partition(" ")[0] for warning in blind["warnings"]} >= hidden
    assert {change["workload"] for change in blind["changes"]} <= whole


@pytest.mark.parametrize("resource", sorted(WRITES))
def test_what_may_not_be_written_is_an_error(release: Release, resource: str) -> None:
    """One write is refused: it is named, what was not begun is left, and no count is lost from sight."""
    person = somebody(release, "writer")
    before = release.ward.counts()
    plan_id = person.plans()
    with without(release, WRITES[resource], None, {resource}):
        said = person.types("apply", plan_id, "--yes")
    if resource == "leases":
        # A Lease keeps two people apart, and is told; the writes have preconditions of their own.
        assert "Leases may not be used" in said.words
        assert person.types("restore", "--all", "--yes").code == 0
    else:
        assert said.code == 1
        assert f'resource \\"{resource}\\"' in said.words or f'resource "{resource}"' in said.words
    assert release.ward.counts() == before
    assert all(one["status"]["state"] != "Writing" for one in release.lab.api.get(PLANS)["items"])


@pytest.mark.parametrize("right", USED, ids=lambda right: f"{right.role}-{right.group or 'core'}-{right.resources[0]}")
def test_an_agent_without_one_of_its_rules_says_so_and_does_no_harm(
    release: Release, crew: dict[Role, tuple[Agent, Station]], ears: Ears, right: Right
) -> None:
    """A round of both without one single rule of one of them: a warning, a condition or a counted blind spot tells of
    it; what is pruned is of the plan, step by step, and the journal is closed."""
    release.reset()
    with without_right(release, right):
        for role in ROLES:
            crew[role][0].round()
    agent, _ = crew[right.role]
    words = [*ears.warnings(), *complaints(release)]
    (blind,) = [one.value for each in agent.voice.metrics.blind.labels("bad-days").collect() for one in each.samples]
    assert words or (right.verbs == ("get", "list") and blind > 0)
    counts = release.ward.counts()
    assert all(release.before[name] - counts[name] in (0, 1) for name in release.before)
    objects = [one for one in release.lab.api.get(PLANS)["items"] if one.get("status", {}).get("started")]
    assert all(one["status"]["finished"] for one in objects)
    fewer = {change["workload"] for one in objects for change in one["spec"]["changes"] if change["kind"] == "scale"}
    assert {f"bad/{name}" for name in counts if counts[name] < release.before[name]} <= fewer
    release.reset()


@pytest.mark.parametrize("right", WATCHED, ids=lambda right: f"{right.role}-{right.resources[0]}")
def test_who_may_not_watch_says_so_and_tries_again(
    release: Release, crew: dict[Role, tuple[Agent, Station]], ears: Ears, right: Right
) -> None:
    """Laps go on by the clock; the watch tells what it may not do, and pauses."""
    _, station = crew[right.role]
    kind = next(kind for kind in (BY_NAME["PruningPolicy"], PLAN_KIND) if kind.plural in right.resources)
    watch = SpecWatch(ApiStream(station.cluster.api, kind), Bell(), kind.plural, Pulse(time.monotonic, 600.0))
    with without_right(release, right):
        assert watch.once(lambda: True) in PAUSE
    (said,) = ears.warnings()
    assert f"{kind.plural} cannot be watched" in said
    assert "forbidden" in said


@pytest.mark.parametrize("role", ROLES)
def test_who_may_not_have_a_lease_does_not_lead(
    release: Release, crew: dict[Role, tuple[Agent, Station]], ears: Ears, role: Role
) -> None:
    """It says so each time it stands, and never gets to a lap."""
    agent, station = crew[role]
    (right,) = [one for one in RIGHTS if (one.role, one.bound) == (role, "leases")]
    lease = Lease(station.writable, "default", "somebody", station.time.now, station.terms(f"microglia-{role}-drill"))
    stops = iter((None, "enough"))
    with (
        without_right(release, right),
        Election(lease, station.time, Bell(), agent.pulse, lambda: next(stops)).won() as held,
    ):
        assert held is None
    assert all("no lease yet" in said and "forbidden" in said for said in ears.warnings())
    assert ears.warnings()


@pytest.mark.parametrize("right", FILED, ids=lambda right: right.role)
def test_who_may_not_mirror_a_policy_says_so_and_takes_nothing(
    release: Release, filed: Path, ears: Ears, right: Right
) -> None:
    """A policy of files alone has its memory in a mirror: without one nobody begins anything."""
    agent, _ = release.engage(right.role, policy=(filed,))
    with without_right(release, right):
        agent.round()
    assert any("pruningpolicies" in said and "forbidden" in said for said in ears.warnings())
    assert "filed" not in {one["metadata"]["name"] for one in release.lab.api.get(POLICIES)["items"]}
    assert release.ward.counts() == release.before
    assert not [one for one in release.lab.api.get(PLANS)["items"] if one.get("status", {}).get("started")]


@pytest.mark.parametrize("right", HIDING, ids=lambda right: right.role)
def test_who_may_not_write_sidecars_says_so_and_hides_nothing(release: Release, filed: Path, right: Right) -> None:
    """A plan that only hides hosts: its first change fails by name, the others are left, the record is closed."""
    agents = {role: release.engage(role, policy=(filed,))[0] for role in ROLES}
    with without_right(release, right):
        for role in ROLES:
            agents[role].round()
    (record,) = [one for one in release.lab.api.get(PLANS)["items"] if one.get("status", {}).get("started")]
    assert {change["kind"] for change in record["spec"]["changes"]} == {"sidecar"}
    assert {step["state"] for step in record["status"]["steps"]} <= {"failed", "skipped"}
    assert record["status"]["finished"]
    (acting,) = [
        one for one in release.lab.api.get(f"{POLICIES}/filed")["status"]["conditions"] if one["type"] == "Acting"
    ]
    assert (acting["status"], acting["reason"]) == ("False", "Failed")
    assert "sidecars" in acting["message"]
    assert release.lab.api.get(SIDECARS)["items"] == []
    assert release.ward.counts() == release.before


@pytest.mark.parametrize("right", LOWERING, ids=lambda right: right.resources[0])
def test_who_may_not_write_autoscalers_says_so_and_writes_nothing(
    release: Release, crew: dict[Role, tuple[Agent, Station]], right: Right
) -> None:
    """A minimum of nobody's workload: it fails by name, stays as it was, and is raised once the rule is back."""
    kind = next(kind for kind in KINDS if kind.plural == right.resources[0])
    api, made = release.lab.api, kind.optional
    release.lab.apply([definition(kind)] if made else [])
    (scaler,) = release.lab.apply([ghostly(kind.name)])
    change = lowering(deployment("ghost"), scaler, 3, workload="bad/ghost")
    writer = ClusterWriter(crew[right.role][1].writable)
    path = kind.path.replace(f"/{kind.plural}", f"/namespaces/bad/{kind.plural}/ghost")
    with without_right(release, right):
        step = writer.write(change)
    assert (step.state, kind.plural in step.message) == ("failed", True), step.message
    assert "microglia doctor --rbac-act" in step.message
    assert api.get(path)["spec"][change.field] == 2
    assert writer.write(change).state == "done"
    assert api.get(path)["spec"][change.field] == 3
    api.delete(path)
    if made:
        api.delete(f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{kind.plural}.{kind.group}")


@pytest.mark.parametrize("right", ROLLING, ids=lambda right: right.resources[0])
def test_who_may_not_scale_a_rollout_says_so_and_writes_nothing(
    release: Release, crew: dict[Role, tuple[Agent, Station]], right: Right
) -> None:
    """A Rollout without pods: it fails by name, keeps its count, and is raised once the rule is back."""
    kind, api = BY_NAME["Rollout"], release.lab.api
    body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "ghost", "namespace": "bad"}}
    release.lab.apply([definition(kind)])
    (made,) = release.lab.apply([{**body, "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "ghost"}}}}])
    change = scaled(made, 2, 3).model_copy(update={"workload": "Rollout/bad/ghost"})
    writer = ClusterWriter(crew[right.role][1].writable)
    path = "/apis/argoproj.io/v1alpha1/namespaces/bad/rollouts/ghost"
    with without_right(release, right):
        step = writer.write(change)
    assert (step.state, "rollouts" in step.message) == ("failed", True), step.message
    assert api.get(path)["spec"]["replicas"] == 2
    assert writer.write(change).state == "done"
    assert api.get(path)["spec"]["replicas"] == 3
    api.delete(path)
    api.delete("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/rollouts.argoproj.io")


@pytest.mark.parametrize("right", FOUND_OUT, ids=lambda right: right.role)
def test_who_may_not_reach_prometheus_says_so_and_takes_nothing(release: Release, ears: Ears, right: Right) -> None:
    """No Prometheus is named, and the one that is found may not be asked: what is missing is told by name. With the
    right the API server tries to pass the question on."""
    release.reset()
    with discovering(release, right):
        agent, _ = release.engage(right.role, prometheus=None)
        with without_right(release, right):
            agent.round()
        refused = ears.warnings()
        agent.round()
    assert any("services/proxy" in said and "forbidden" in said for said in refused)
    tried = ears.warnings()[len(refused) :]
    assert tried
    assert not any("forbidden" in said for said in tried)
    assert release.ward.counts() == release.before
    assert not [one for one in release.lab.api.get(PLANS)["items"] if one.get("status", {}).get("started")]


@pytest.mark.parametrize("role", ROLES)
def test_what_this_cluster_does_not_serve_is_not_missed(
    release: Release, crew: dict[Role, tuple[Agent, Station]], ears: Ears, role: Role
) -> None:
    """Rules about kinds that are not installed: without any of them a round takes what it takes with all."""
    release.reset()
    mine = [right for right in UNSERVED if right.role == role]
    with ExitStack() as taken:
        for right in mine:
            taken.enter_context(without_right(release, right))
        for one in ROLES:
            crew[one][0].round()
    assert mine
    assert complaints(release) == []
    assert not any("failed" in said for said in ears.warnings())
    assert all(release.before[name] - count in (0, 1) for name, count in release.ward.counts().items())
    release.reset()


def test_every_rule_that_the_chart_renders_is_walked(release: Release) -> None:
    """With a Prometheus that is not named, as then most is rendered: whoever adds a rule walks it here."""
    rendered = [one for one in templated(release) if one["kind"] in ("Role", "ClusterRole")]
    found = {(one["metadata"]["name"], str(sorted(rule.items()))) for one in rendered for rule in one["rules"]}
    walked = {
        (path_of(right).rpartition("/")[2], str(sorted(rule.items())))
        for right in (*APART, *USED)
        for rule in [{**rule_of(right), **({"resourceNames": list(right.names)} if right.names else {})}]
    }
    assert found == walked


def ghostly(kind: str) -> dict[str, Any]:
    """An autoscaler of namespace bad whose target does not exist, with a minimum of 2."""
    raw = (scaled_object if kind == "ScaledObject" else hpa)("ghost", 2, "ghost")
    return {
        **{key: raw[key] for key in ("apiVersion", "kind", "spec")},
        "metadata": {"name": "ghost", "namespace": "bad"},
    }


def complaints(release: Release) -> list[str]:
    """What the policy's conditions tell of things that do not work."""
    found = release.lab.api.get(POLICY).get("status", {}).get("conditions", [])
    bad = [one for one in found if one["type"] in ("Observed", "Acting", "Cleared") and one["status"] == "False"]
    return [one["message"] for one in bad if one["reason"] != "Waiting"]


@contextmanager
def without_right(release: Release, right: Right) -> Iterator[None]:
    """The agent's Roles without exactly that rule for the block."""
    path = path_of(right)
    api = release.lab.api
    rules = api.get(path)["rules"]
    gone = rule_of(right)
    kept = [rule for rule in rules if {key: rule.get(key) for key in gone} != gone]
    assert len(kept) == len(rules) - 1
    api.patch(path, {"rules": kept})
    until("the rule is gone", lambda: "it is not" if allowed(release, right) else "", 30.0, 0.02)
    try:
        yield
    finally:
        api.patch(path, {"rules": rules})
        until("the rule is back", lambda: "" if allowed(release, right) else "it is not", 30.0, 0.02)


@contextmanager
def discovering(release: Release, right: Right) -> Iterator[None]:
    """A Service that looks like Prometheus and that nothing answers behind, and the rules as the chart renders them
    where none is named."""
    api, path = release.lab.api, path_of(right)
    before, name = api.get(path)["rules"], path.rpartition("/")[2]
    (role,) = [one for one in templated(release) if (one["kind"], one["metadata"]["name"]) == ("ClusterRole", name)]
    body = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "prometheus", "namespace": NAMESPACE},
        "spec": {"ports": [{"name": "web", "port": 9090}]},
    }
    release.lab.apply([body])
    api.patch(path, {"rules": role["rules"]})
    until("the rule is there", lambda: "" if allowed(release, right) else "it is not", 30.0, 0.02)
    try:
        yield
    finally:
        api.patch(path, {"rules": before})
        api.delete(f"/api/v1/namespaces/{NAMESPACE}/services/prometheus")


def templated(release: Release) -> list[dict[str, Any]]:
    """What the chart renders where no Prometheus is named."""
    return release.helm.template({**release.values, "prometheus": {"url": ""}})


def path_of(right: Right) -> str:
    """The Role that holds it."""
    return {
        "cluster": f"{RBAC}/clusterroles/{RELEASE}-{right.role}",
        "discovery": f"{RBAC}/clusterroles/{RELEASE}-{right.role}",
        "acting": f"{RBAC}/clusterroles/{RELEASE}-acting",
    }.get(right.bound, f"{RBAC}/namespaces/default/roles/{RELEASE}-{right.role}-{right.bound}")


def rule_of(right: Right) -> dict[str, list[str]]:
    """As RBAC writes it, but for the names that narrow it."""
    return {"apiGroups": [right.group], "resources": list(right.resources), "verbs": list(right.verbs)}


def allowed(release: Release, right: Right) -> bool:
    """Whether the API server knows of the rule by now."""
    resource, _, part = right.resources[0].partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": part, "verb": right.verbs[-1]}
    place = {"cluster": "", "acting": "bad", "discovery": NAMESPACE}.get(right.bound, "default")
    if right.names:
        asked["name"] = "http:prometheus:9090"
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-{right.role}"
    spec = {"user": user, "resourceAttributes": {**asked, "namespace": place}}
    return bool(release.lab.api.post(REVIEWS, {"spec": spec})["status"]["allowed"])


def somebody(release: Release, role: str) -> Person:
    """A person with the reader's or the writer's own token."""
    kubeconfig = release.lab.kubeconfig_for(NAMESPACE, f"{RELEASE}-{role}")
    folder = release.hosted.home / f"person-{role}"
    return Person(kubeconfig, release.ward.good.prometheus, WORLDS / "bad-days-policy.yaml", folder)


def plan(person: Person) -> dict[str, Any]:
    """What would be done now. Raises AssertionError when nothing can be planned."""
    said: Said = person.types("plan", "-o", "json")
    assert said.code in (0, 3, 4), said.words
    found: dict[str, Any] = said.data[0]["plan"]
    return found


@contextmanager
def without(release: Release, path: str, group: str | None, resources: set[str]) -> Iterator[None]:
    """The role at ``path`` without its rules about ``resources`` (of ``group``) for the block."""
    api = release.lab.api
    rules = api.get(path)["rules"]
    kept = [
        rule
        for rule in rules
        if not (resources.intersection(rule["resources"]) and (group is None or rule["apiGroups"] == [group]))
    ]
    assert len(kept) < len(rules)
    api.patch(path, {"rules": kept})
    try:
        yield
    finally:
        api.patch(path, {"rules": rules})
