"""The roles."""

from ruamel.yaml import YAML

from microglia.model.kinds import KINDS
from microglia.plan.object import PLAN_KIND
from microglia.report.rbac import ACTING, CLIENTS, KEEPING, acting_roles, acting_text, cluster_role, rehearsal_text
from microglia.topology import workloads

READING = {"get", "list"}


def test_the_role_reads_every_kind_and_writes_nothing():
    """A rehearsal can be granted without granting anything else: get and list, no secrets."""
    rules = cluster_role()["rules"]
    granted = {(rule["apiGroups"][0], plural) for rule in rules for plural in rule["resources"]}
    assert {(kind.group, kind.plural) for kind in (*KINDS, PLAN_KIND)} <= granted
    assert ("", "secrets") not in granted
    proxy = [rule for rule in rules if rule["resources"] == ["services/proxy"]]
    assert [rule["verbs"] for rule in rules if rule not in proxy] == [["get", "list"]] * (len(rules) - 1)
    assert proxy[0]["verbs"] == ["get", "create"]


def test_acting_is_granted_apart_and_writes_seven_kinds_of_things():
    """Counts, minima, Sidecars, marks of pods, the journal's objects, the Lease in its namespace; nothing else."""
    cluster, lock = acting_roles("ops")
    writing = {
        (rule["apiGroups"][0], resource, verb)
        for rule in cluster["rules"]
        for resource in rule["resources"]
        for verb in set(rule["verbs"]) - READING
    }
    istio, own = "networking.istio.io", "microglia.dev"
    assert writing == {
        ("apps", "deployments/scale", "update"),
        ("argoproj.io", "rollouts/scale", "update"),
        ("autoscaling", "horizontalpodautoscalers", "update"),
        ("keda.sh", "scaledobjects", "update"),
        ("", "pods", "patch"),
        (istio, "sidecars", "create"),
        (istio, "sidecars", "update"),
        (istio, "sidecars", "delete"),
        (own, "pruningplans", "create"),
        (own, "pruningplans", "delete"),
        (own, "pruningplans/status", "update"),
        (own, "pruningpolicies", "create"),
        (own, "pruningpolicies", "update"),
        (own, "pruningpolicies/status", "update"),
    }
    assert cluster["metadata"] == {"name": "microglia-act"}
    assert lock["metadata"] == {"name": "microglia-act-lock", "namespace": "ops"}
    assert lock["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]}
    ]


def test_a_kind_stands_in_one_rule_with_all_its_verbs():
    """Alike kinds of a group share a rule; nobody has to add up."""
    rules = acting_roles("ops")[0]["rules"]
    named = [(rule["apiGroups"][0], resource) for rule in rules for resource in rule["resources"]]
    assert len(named) == len(set(named)) == len({(one.group, one.resource) for one in (*ACTING, *KEEPING)})
    assert {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list", "patch"]} in rules


def test_every_kind_of_workload_may_be_read_again():
    """Routes are cut per workload, of whatever kind."""
    assert set(CLIENTS) == {*workloads._ALWAYS, *workloads._TOPMOST, "Pod"}


def test_the_texts_can_be_applied_and_say_how_to_bind_them():
    """Plain YAML with the commands as comments; the reading one holds one object, the writing one two."""
    (reading,) = YAML(typ="safe").load_all(rehearsal_text())
    assert reading == cluster_role()
    assert tuple(YAML(typ="safe").load_all(acting_text("ops"))) == acting_roles("ops")
    assert rehearsal_text().splitlines()[:2] == [
        "# Reads; writes nothing. Bind it:",
        "#   kubectl create clusterrolebinding microglia-rehearsal --clusterrole microglia-rehearsal --user NAME",
    ]
    assert "# Writes: what apply and restore need beside microglia-rehearsal. Bind both:" in acting_text("ops")
    assert "--role microglia-act-lock --namespace ops --user NAME" in acting_text("ops")
