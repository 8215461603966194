"""Each single rule of the agent's Roles taken away: a blind spot that is told, or an error; never harm."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from microglia.act.lease import Lease
from microglia.cli.agents import Role, Station
from microglia.daemon.agent import Agent
from microglia.daemon.bell import Bell
from microglia.daemon.leader import Election
from microglia.daemon.stream import ApiStream
from microglia.daemon.watch import PAUSE, SpecWatch
from microglia.model.kinds import BY_NAME, KINDS
from microglia.plan.object import PLAN_KIND
from microglia.report.rights import RIGHTS, Right
from tests.lab import Lab
from tests.lab.crew import ROLES, Ears
from tests.lab.helming import NAMESPACE, RELEASE
from tests.lab.person import Person, Said
from tests.lab.release import PLANS, POLICY, Release
from tests.lab.waiting import until
from tests.lab.ward import WORLDS

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
USED = [
    right
    for right in RIGHTS
    # Leases and watches have tests of their own; what the reader reads is above.
    if right.bound not in ("discovery", "leases")
    and right not in WATCHED
    and (
        FOUND.intersection(right.resources) if right.verbs == LOOKS and right.role == "writer" else right.verbs != LOOKS
    )
    # Policies from files alone are mirrored, and the first plan cuts no routes.
    and (right.resources, right.verbs) != (("pruningpolicies",), ("create", "update"))
    and right.resources != ("sidecars",)
]
"""What a round of either agent on this mesh cannot do without."""


@pytest.fixture(scope="module")
def release(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """Installed, with no agent running: a person works with the agent's own tokens."""
    made = Release(lab, tmp_path_factory.mktemp("release"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def crew(release: Release) -> dict[Role, tuple[Agent, Station]]:
    """Both agents in this process, with their own tokens, for a round at a time."""
    return {role: release.engage(role) for role in ROLES}


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
    watch = SpecWatch(ApiStream(station.cluster.api, kind), Bell(), kind.plural)
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


def complaints(release: Release) -> list[str]:
    """What the policy's conditions tell of things that do not work."""
    found = release.lab.api.get(POLICY).get("status", {}).get("conditions", [])
    bad = [one for one in found if one["type"] in ("Observed", "Acting", "Cleared") and one["status"] == "False"]
    return [one["message"] for one in bad if one["reason"] != "Waiting"]


@contextmanager
def without_right(release: Release, right: Right) -> Iterator[None]:
    """The agent's Roles without exactly that rule for the block."""
    path = {
        "cluster": f"{RBAC}/clusterroles/{RELEASE}-{right.role}",
        "acting": f"{RBAC}/clusterroles/{RELEASE}-acting",
    }.get(right.bound, f"{RBAC}/namespaces/default/roles/{RELEASE}-{right.role}-{right.bound}")
    api = release.lab.api
    rules = api.get(path)["rules"]
    gone = {"apiGroups": [right.group], "resources": list(right.resources), "verbs": list(right.verbs)}
    kept = [rule for rule in rules if {key: rule.get(key) for key in gone} != gone]
    assert len(kept) == len(rules) - 1
    api.patch(path, {"rules": kept})
    until("the rule is gone", lambda: "it is not" if allowed(release, right) else "", 30.0, 0.02)
    try:
        yield
    finally:
        api.patch(path, {"rules": rules})
        until("the rule is back", lambda: "" if allowed(release, right) else "it is not", 30.0, 0.02)


def allowed(release: Release, right: Right) -> bool:
    """Whether the API server knows of the rule by now."""
    resource, _, part = right.resources[0].partition("/")
    asked = {"group": right.group, "resource": resource, "subresource": part, "verb": right.verbs[-1]}
    place = {"cluster": "", "acting": "bad"}.get(right.bound, "default")
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
