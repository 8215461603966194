"""The generated definitions in a real API server: taken, as strict as the schema, and readable at a glance."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from ruamel.yaml import YAML

from microglia.plan.change import SidecarChange
from microglia.plan.object import plan_object
from microglia.policy.load import parse
from microglia.report.crds import custom_resources
from microglia.report.data import plain
from tests.crds import FOLDER
from tests.lab import Lab
from tests.lab.api import Api, ApiError
from tests.refused import PROTECTIONS, SPECS, TAKEN, policy, protection
from tests.unit.act.changes import NOW, WHY, body, plan, scales

pytestmark = pytest.mark.timeout(180)

ROOT = "/apis/microglia.dev/v1alpha1"
POLICIES, PLANS = f"{ROOT}/pruningpolicies", f"{ROOT}/pruningplans"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.fixture(scope="module")
def api(lab: Lab) -> Iterator[Api]:
    """An API server that knows the three kinds; wiped afterwards."""
    lab.wipe()
    lab.apply(custom_resources().values())
    yield lab.api
    lab.wipe()


def told(write: Callable[[], object]) -> str:
    """Why the API server finds a write invalid; empty when it does not."""
    try:
        write()
    except ApiError as error:
        if error.status not in (400, 422):
            raise
        return str(error)
    return ""


def tried(api: Api, path: str, document: dict[str, Any]) -> str:
    """What the API server says against creating ``document``; empty when it would take it."""
    return told(lambda: api.send("POST", path, document, query={"dryRun": "All", "fieldValidation": "Strict"}))


def refused(api: Api, name: str, change: dict[str, Any]) -> str:
    """What the API server says against a merge patch of a plan; empty when it took it."""
    return told(lambda: api.patch(f"{PLANS}/{name}", change))


def test_the_definitions_are_structural(api: Api) -> None:
    """Established, names accepted, and no condition against their schemas."""
    for made in custom_resources().values():
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{made['metadata']['name']}"
        found = {one["type"]: one["status"] for one in api.get(path)["status"]["conditions"]}
        assert (found["Established"], found["NamesAccepted"]) == ("True", "True")
        assert "NonStructuralSchema" not in found


def test_the_server_refuses_what_the_schema_refuses(api: Api) -> None:
    """Every document of the table, policies and protections."""
    path = f"{ROOT}/namespaces/default/protections"
    let = [spec for spec in SPECS if not tried(api, POLICIES, policy(spec))]
    assert let == []
    assert [spec for spec in PROTECTIONS if not tried(api, path, protection(spec))] == []


def test_the_server_takes_what_the_schema_takes(api: Api) -> None:
    """The documents of the table, as they are and as we print them, and the policies that people start from."""
    for spec in TAKEN:
        assert tried(api, POLICIES, policy(spec)) == ""
        (read,) = parse(json.dumps(policy(spec)), "table").policies
        assert tried(api, POLICIES, policy(plain(read.spec))) == ""


def test_a_plan_never_changes(api: Api) -> None:
    """Not its changes, not a Sidecar's body within them, not its digest; people's word on it may come and go."""
    cut = SidecarChange(
        workload="shop/cart", uid="c", digest="d", namespace="shop", name="microglia-cart", before=None,
        after=body("cart", "ads"), cut=("ads.shop.svc.cluster.local",), why=WHY,
    )  # fmt: skip
    made = plan(*scales("a"), cut, targets={"shop/a": 3})
    api.post(PLANS, plan_object(made))
    stored = api.get(f"{PLANS}/{made.id}")["spec"]
    edits: list[dict[str, Any]] = [{"changes": stored["changes"][:1]}, {"digest": "0" * 64}, {"targets": {"shop/a": 2}}]
    edits += [{"targets": None}, {"whole": "0" * 64}, {"competition": {"value": 1, "bound": 1, "gap": 0, "unseen": 0}}]
    for place, value in (((0, "after"), 1), ((1, "after"), "{}"), ((1, "before"), "{}"), ((0, "uid"), "b")):
        changes = json.loads(json.dumps(stored["changes"]))
        part = changes
        for step in place[:-1]:
            part = part[step]
        part[place[-1]] = value
        edits.append({"changes": changes})
    path = f"{PLANS}/{made.id}"
    for edit in edits:
        whole = api.get(path)
        whole["spec"] = {key: value for key, value in {**whole["spec"], **edit}.items() if value is not None}
        assert "never changes" in told(partial(api.send, "PUT", path, whole)), edit
    word = {"digest": made.digest, "by": "ann", "until": (NOW + timedelta(days=1)).isoformat()}
    other = {**word, "digest": "0" * 64}
    assert "that of another plan" in refused(api, made.id, {"spec": {"approval": other}})
    assert refused(api, made.id, {"spec": {"approval": word}}) == ""
    no = {"by": "bob", "why": "not on a Friday"}
    assert "not both" in refused(api, made.id, {"spec": {"rejected": no}})
    assert refused(api, made.id, {"spec": {"rejected": no, "approval": None}}) == ""
    by_git = plan(*scales("git"), way="git")
    api.post(PLANS, plan_object(by_git))
    assert "what Git owns" in refused(api, by_git.id, {"spec": {"approval": {**word, "digest": by_git.digest}}})
    wrong = {**plan_object(plan(*scales("b"))), "metadata": {"name": "plan-00000000"}}
    assert "named after its digest" in tried(api, PLANS, wrong)


def test_kubectl_alone_approves(api: Api, lab: Lab) -> None:
    """By a merge patch, and lists who approved what in its table."""
    made = plan(*scales("kubectl"))
    api.post(PLANS, plan_object(made))
    word = {"digest": made.digest, "by": "kubernetes-admin", "until": "2026-07-01T00:00:00Z"}
    patch = json.dumps({"spec": {"approval": word}})
    kubectl = [str(lab.binaries.kubectl), "--kubeconfig", str(lab.kubeconfig)]
    subprocess.run([*kubectl, "patch", "prplan", made.id, "--type", "merge", "-p", patch], check=True, timeout=60)
    shown = subprocess.run([*kubectl, "get", "pruningplans", made.id], check=True, capture_output=True, timeout=60)
    head, row = shown.stdout.decode().splitlines()
    assert head.split()[:6] == ["NAME", "POLICY", "STATE", "CHANGES", "WHAT", "SAVES"]
    assert row.split()[:2] == [made.id, "default"]
    assert "kubernetes-admin" in row


def test_columns_tell_at_a_glance(api: Api) -> None:
    """The table of policies has mode, phase, round, acceptance and what goes on now."""
    api.post(POLICIES, policy({"actuation": {"mode": "approve"}}, "glance"))
    since = "2026-06-29T12:00:00Z"
    valid = {"type": "Accepted", "status": "True", "reason": "Read", "lastTransitionTime": since}
    told = {"phase": "Pruning", "round": 2, "saying": "2 changes wait for approval", "conditions": [valid]}
    told |= {"reason": "WaitsForApproval", "lapped": since}
    api.patch(f"{POLICIES}/glance/status", {"status": told})
    reply = api.session.get(f"{api.url}{POLICIES}", headers={"Accept": TABLE}, timeout=30).json()
    names = [column["name"] for column in reply["columnDefinitions"] if not column["priority"]]
    assert names == ["Name", "Mode", "Phase", "Round", "Accepted", "Last Lap", "Age", "Why", "Now"]
    (row,) = reply["rows"]
    shown = dict(zip((column["name"] for column in reply["columnDefinitions"]), row["cells"], strict=True))
    assert [shown[name] for name in names[:5]] == ["glance", "approve", "Pruning", 2, "True"]
    assert (shown["Why"], shown["Now"]) == ("WaitsForApproval", "2 changes wait for approval")
    assert shown["Last Lap"]


def test_the_policies_that_people_start_from_are_taken(api: Api) -> None:
    """Every document in policies/."""
    for path in sorted((FOLDER.parents[2] / "policies").rglob("*.yaml")):
        for document in YAML(typ="safe", pure=True).load_all(path.read_text()):
            read = plain(document)
            kind = {"PruningPolicy": POLICIES, "Protection": f"{ROOT}/namespaces/default/protections"}[read["kind"]]
            read["metadata"].pop("namespace", None)
            assert tried(api, kind, read) == "", path
