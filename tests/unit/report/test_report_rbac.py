"""The ClusterRole."""

from microglia.model.kinds import KINDS
from microglia.report.rbac import cluster_role


def test_the_role_reads_every_kind_and_writes_nothing():
    """A rehearsal can be granted without granting anything else: get and list, no secrets."""
    rules = cluster_role()["rules"]
    granted = {(rule["apiGroups"][0], plural) for rule in rules for plural in rule["resources"]}
    assert {(kind.group, kind.plural) for kind in KINDS} <= granted
    assert ("", "secrets") not in granted
    proxy = [rule for rule in rules if rule["resources"] == ["services/proxy"]]
    assert [rule["verbs"] for rule in rules if rule not in proxy] == [["get", "list"]] * (len(rules) - 1)
    assert proxy[0]["verbs"] == ["get", "create"]
