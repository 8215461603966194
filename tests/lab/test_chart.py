"""The chart by the real Helm: linted, rendered in every mode, and installed into the real API server."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from ruamel.yaml import YAML

from microglia.report.rights import OWN, RIGHTS, Right, granted
from microglia.settings import Settings
from tests.dashboard import PANELS
from tests.lab import Lab, LabError
from tests.lab.api import ApiError
from tests.lab.helming import CHART, NAMESPACE, RELEASE, Helm
from tests.lab.waiting import until

pytestmark = pytest.mark.timeout(180)

MODES = ("observe", "propose", "approve", "auto")
HARMLESS = {OWN, "events.k8s.io", "coordination.k8s.io"}
WRITES = {"create", "update", "patch", "delete", "deletecollection", "*"}
EVERYTHING = {
    "mode": "auto",
    "writer": {"namespaces": ["default"]},
    "restoreOnUninstall": True,
    "prometheus": {
        "url": "https://prometheus.monitoring:9090",
        "headers": ["X-Scope-OrgID: shop"],
        "auth": {
            "secretName": "prometheus",
            "tokenKey": "token",
            "caKey": "ca",
            "certKey": "cert",
            "privateKeyKey": "key",
        },
    },
    "policies": {"shop.yaml": "apiVersion: microglia.dev/v1alpha1\nkind: PruningPolicy\nmetadata: {name: shop}\n"},
    "reader": {"replicas": 1},
    "persistence": {"enabled": True},
    "priorityClassName": "system-cluster-critical",
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "dashboard": {"enabled": True},
}


@pytest.fixture
def helm(lab: Lab, tmp_path: Path) -> Helm:
    """Helm with files of its own."""
    return Helm(lab.binaries.helm, tmp_path, lab.kubeconfig)


@pytest.fixture
def empty(lab: Lab) -> Iterator[Lab]:
    """The lab, wiped afterwards."""
    yield lab
    lab.wipe()


@pytest.mark.parametrize("mode", MODES)
def test_helm_finds_nothing_wrong(helm: Helm, mode: str) -> None:
    """Strictly linted in every mode, bare and with everything switched on."""
    for values in ({"mode": mode}, {**EVERYTHING, "mode": mode}):
        assert "0 chart(s) failed" in helm.lint(values)


@pytest.mark.parametrize("mode", ["observe", "propose"])
def test_who_only_looks_has_no_right_to_write_workloads_or_routes(helm: Helm, mode: str) -> None:
    """No rule that writes anything but microglia's own objects, events and Leases; and no writer at all."""
    found = helm.template({"mode": mode})
    writing = {
        group
        for role in kinds(found, "Role", "ClusterRole")
        for rule in role["rules"]
        for group in rule["apiGroups"]
        if WRITES.intersection(rule["verbs"]) and rule["resources"] != ["services/proxy"]
    }
    assert writing <= HARMLESS
    assert [one["metadata"]["name"] for one in kinds(found, "ServiceAccount")] == [f"{RELEASE}-reader"]
    assert [one["metadata"]["name"] for one in kinds(found, "Deployment")] == [f"{RELEASE}-reader"]


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_the_roles_are_the_table_of_rights(helm: Helm, role: str) -> None:
    """Neither the chart nor the code has a right more than the other."""
    found = helm.template({"mode": "approve", "writer": {"namespaces": ["shop"]}})
    assert rights_of(found, f"{RELEASE}-{role}") == granted(one for one in RIGHTS if one.role == role)


def test_with_a_prometheus_named_there_is_no_way_through_the_api_server(helm: Helm) -> None:
    """The right to reach Services through the API server is only there while it is needed."""
    found = helm.template({"prometheus": {"url": "http://prometheus:9090"}})
    proxied = [
        rule for one in kinds(found, "ClusterRole") for rule in one["rules"] if "services/proxy" in rule["resources"]
    ]
    assert proxied == []


def test_nobody_reads_secrets(helm: Helm) -> None:
    """No rule names them, and none names everything."""
    rules = [rule for role in kinds(helm.template(EVERYTHING), "Role", "ClusterRole") for rule in role["rules"]]
    assert not {"secrets", "*"}.intersection(resource for rule in rules for resource in rule["resources"])


def test_the_writer_is_bound_where_namespaces_opted_in(helm: Helm) -> None:
    """One RoleBinding for each; a binding everywhere only when asked for."""
    some = helm.template({"mode": "approve", "writer": {"namespaces": ["shop", "pay"]}})
    acting = [one for one in kinds(some, "RoleBinding") if one["roleRef"]["name"] == f"{RELEASE}-acting"]
    assert sorted(one["metadata"]["namespace"] for one in acting) == ["pay", "shop"]
    every = helm.template({"mode": "approve", "writer": {"everyNamespace": True}})
    assert f"{RELEASE}-acting" in {one["roleRef"]["name"] for one in kinds(every, "ClusterRoleBinding")}
    assert f"{RELEASE}-acting" not in {one["roleRef"]["name"] for one in kinds(some, "ClusterRoleBinding")}


def test_every_pod_passes_restricted_pod_security(empty: Lab, helm: Helm) -> None:
    """The API server's own check takes every pod that the chart renders, hooks and tests too."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    empty.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": label}}])
    empty.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": n, "namespace": NAMESPACE}}
                 for n in (f"{RELEASE}-reader", f"{RELEASE}-writer")])  # fmt: skip
    specs = list(pods(helm.template(EVERYTHING)))
    assert len(specs) == 4
    for index, spec in enumerate(specs):
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{index}"}, "spec": spec}
        empty.api.send("POST", f"/api/v1/namespaces/{NAMESPACE}/pods", pod, query={"dryRun": "All"})
        (container,) = spec["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert spec["securityContext"]["runAsUser"] == 65532
        assert "memory" in container["resources"]["limits"]
    naked = {"containers": [{"name": "x", "image": "x"}]}
    with pytest.raises(ApiError, match="violates PodSecurity"):
        empty.api.post(f"/api/v1/namespaces/{NAMESPACE}/pods", {"metadata": {"name": "naked"}, "spec": naked})


def test_the_agents_know_their_own_names(helm: Helm) -> None:
    """As the API server calls them: what one of them approves counts for nothing."""
    found = helm.template(EVERYTHING)
    for one in kinds(found, "Deployment"):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        told = {each["name"]: each["value"] for each in container["env"]}
        accounts = [each["metadata"]["name"] for each in kinds(found, "ServiceAccount")]
        own = Settings.model_validate({"identities": told["MICROGLIA_IDENTITIES"]}).identities
        assert sorted(own) == sorted(f"system:serviceaccount:{NAMESPACE}:{name}" for name in accounts)


def test_the_environment_is_settings(helm: Helm) -> None:
    """Every variable that the chart sets is a setting that microglia knows, and mounted files are where it looks."""
    for spec in pods(helm.template(EVERYTHING)):
        (container,) = spec["containers"]
        names = {one["name"] for one in container["env"]}
        assert {name.removeprefix("MICROGLIA_").lower() for name in names} <= set(Settings.model_fields)
        mounts = {one["mountPath"] for one in container["volumeMounts"]}
        files = [one["value"] for one in container["env"] if one["value"].startswith("/etc/")]
        assert all(any(value.startswith(mount) for mount in mounts) for value in files)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"mode": "banana"}, "value must be one of 'observe', 'propose', 'approve', 'auto'"),
        ({"writer": {"namespace": "shop"}}, "/writer/namespace"),
        ({"prometheus": {"auth": {"tokenKey": "token"}}}, "/prometheus/auth/secretName"),
        ({"persistence": {"enabled": True}}, "needs reader.replicas: 1"),
        ({"prometheus": {"url": "prometheus:9090"}}, "/prometheus/url"),
    ],
)
def test_wrong_values_are_refused(helm: Helm, values: Mapping[str, Any], words: str) -> None:
    """With the value's own path, or a sentence that says what to do."""
    with pytest.raises(LabError) as refused:
        helm.template(values)
    assert words in str(refused.value)


@pytest.mark.parametrize("mode", MODES)
def test_it_installs(empty: Lab, helm: Helm, mode: str) -> None:
    """The API server takes every object; NOTES tell the next step; the policy has the mode; CRDs and policy stay."""
    notes = helm.install({"mode": mode, "writer": {"namespaces": ["default"]}})
    assert f"microglia runs in mode {mode}" in notes
    policy = empty.api.get("/apis/microglia.dev/v1alpha1/pruningpolicies/default")
    assert policy["spec"]["actuation"]["mode"] == mode
    deployments = empty.api.get(f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments")["items"]
    writers = [] if mode in ("observe", "propose") else [f"{RELEASE}-writer"]
    assert [one["metadata"]["name"] for one in deployments] == [f"{RELEASE}-reader", *writers]
    helm.uninstall()
    assert empty.api.get("/apis/microglia.dev/v1alpha1/pruningplans")["items"] == []
    assert empty.api.get("/apis/microglia.dev/v1alpha1/pruningpolicies/default")["metadata"]["name"] == "default"


def test_it_goes_from_mode_to_mode(empty: Lab, helm: Helm) -> None:
    """An upgrade up to auto and back to observe takes the writer and all its rights away again."""
    for mode in (*MODES, "observe"):
        helm.install({"mode": mode, "writer": {"namespaces": ["default"]}})
    reviews = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    asked = {
        "namespace": "default",
        "verb": "update",
        "group": "apps",
        "resource": "deployments",
        "subresource": "scale",
    }
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}-writer"
    answer = empty.api.post(reviews, {"spec": {"user": user, "resourceAttributes": asked}})
    assert answer["status"]["allowed"] is False


def test_the_admission_policies_type_check(empty: Lab, helm: Helm) -> None:
    """The API server finds no mistake in any expression against the kinds that it guards."""
    empty.apply(crd for crd in empty.istio_crds() if crd["spec"]["names"]["kind"] == "Sidecar")
    helm.install({"mode": "approve"})
    until("the expressions are checked", lambda: ", ".join(one for one, told in walls(empty).items() if not told), 60.0)
    found = walls(empty)
    assert len(found) == 8
    assert {name: told["typeChecking"] for name, told in found.items()} == {name: {} for name in found}


def test_prometheus_understands_every_query(empty: Lab) -> None:
    """Those of the dashboard and those of the alerts, on a real Prometheus."""
    queries = [*(panel.query for panel in PANELS), *(rule["expr"] for rule in alerts()["groups"][0]["rules"])]
    for query in queries:
        asked = {"query": query.replace("$structure", ".*")}
        answer = requests.get(f"{empty.prometheus_url}/api/v1/query", params=asked, timeout=10)
        assert answer.json()["status"] == "success", query


def test_the_dashboard_and_the_rules_are_delivered(helm: Helm) -> None:
    """Switched on, they are there whole: braces of Prometheus and Grafana are not Helm's."""
    found = helm.template(EVERYTHING)
    (rule,) = kinds(found, "PrometheusRule")
    assert rule["spec"] == alerts()
    (shown,) = [one for one in kinds(found, "ConfigMap") if one["metadata"]["name"].endswith("-dashboard")]
    assert len(json.loads(shown["data"]["microglia.json"])["panels"]) == len(PANELS)
    assert len(kinds(found, "ServiceMonitor")) == 1


def walls(lab: Lab) -> dict[str, dict[str, Any]]:
    """The status of every admission policy of the release."""
    found = lab.api.get("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies")["items"]
    ours = [one for one in found if one["metadata"]["name"].startswith(RELEASE)]
    return {one["metadata"]["name"]: one.get("status", {}) for one in ours}


def alerts() -> dict[str, Any]:
    """The file of alerts."""
    found: dict[str, Any] = YAML(typ="safe").load((CHART / "files" / "alerts.yaml").read_text(encoding="utf-8"))
    return found


def kinds(found: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    """Those of these kinds."""
    return [one for one in found if one["kind"] in names]


def pods(found: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The spec of every pod that the chart makes, by whatever."""
    for one in kinds(found, "Deployment", "Job"):
        yield one["spec"]["template"]["spec"]
    for one in kinds(found, "Pod"):
        yield one["spec"]


def rights_of(found: list[dict[str, Any]], account: str) -> frozenset[tuple[str, str, str]]:
    """Every (group, resource, verb) that the bindings give to a ServiceAccount."""
    roles = {(one["kind"], one["metadata"]["name"]): one["rules"] for one in kinds(found, "Role", "ClusterRole")}
    bound = [
        (one["roleRef"]["kind"], one["roleRef"]["name"])
        for one in kinds(found, "RoleBinding", "ClusterRoleBinding")
        if any(subject["name"] == account for subject in one["subjects"])
    ]
    rules = [rule for reference in bound for rule in roles[reference]]
    return granted(
        Right("reader", "cluster", group, tuple(rule["resources"]), tuple(rule["verbs"]))
        for rule in rules
        for group in rule["apiGroups"]
    )
