"""Documents that the schema and an API server with the generated definitions both refuse, and some that both take."""

from typing import Any

Document = dict[str, Any]

EXPRESSIONS: tuple[Document, ...] = (
    {"key": "", "operator": "Exists"},
    {"key": "tier", "operator": "Near", "values": ["web"]},
    {"key": "tier", "operator": "In"},
    {"key": "tier", "operator": "In", "values": []},
    {"key": "tier", "operator": "DoesNotExist", "values": ["web"]},
    {"key": "tier", "operator": "In", "values": [1]},
    {"key": "tier", "operator": "Exists", "value": "web"},
)
SPECS: tuple[Document, ...] = (
    {"scop": {}},
    {"scope": {"namespaces": {"include": []}}},
    {"scope": {"namespaces": {"include": ["Team A"]}}},
    {"scope": {"elements": ["Pod"]}},
    *({"scope": {"selector": {"matchExpressions": [one]}}} for one in EXPRESSIONS),
    {"observation": {"window": "0d"}},
    {"observation": {"window": "a fortnight"}},
    {"observation": {"window": 0}},
    {"observation": {"window": -1}},
    {"observation": {"coverage": "0%"}},
    {"observation": {"coverage": "101%"}},
    {"observation": {"coverage": 2}},
    {"observation": {"unseen": "100.1%"}},
    {"observation": {"cycles": {"atLeast": -1}}},
    {"observation": {"cycles": {"atLeast": 1.5}}},
    {"observation": {"cycles": {"atLeast": True}}},
    {"observation": {"schedule": [{"name": "x", "cron": "0 0 28 *", "lasts": "4d"}]}},
    {"observation": {"schedule": [{"name": "x", "cron": "0 0 28 * *"}]}},
    {"observation": {"schedule": [{"name": "x", "cron": "0 0 28 * *", "lasts": "4d", "timeZone": "Europe/Köln"}]}},
    {"observation": {"peaks": [{"name": "x", "cron": "0 0 28 * *", "lasts": "4d"}]}},
    {"observation": {"schedule": [{"name": "x", "lasts": "4d"}]}},
    {"observation": {"schedule": [{"name": "x", "lasts": "4d", "days": []}]}},
    {"observation": {"schedule": [{"name": "x", "lasts": "4d", "days": ["2026-11-27"], "cron": "0 0 28 * *"}]}},
    {"observation": {"schedule": [{"name": "x", "lasts": "4d", "days": ["Black Friday"]}]}},
    {"observation": {"schedule": [{"name": "x", "lasts": "4d", "cron": "0 0 28 * *", "workloads": []}]}},
    {"retention": {"rule": "presents"}},
    {"retention": {"survive": []}},
    {"retention": {"survive": ["planet"]}},
    {"retention": {"stretch": 1}},
    {"retention": {"failureStretch": 1.2}},
    {"retention": {"stretch": 3}},
    {"retention": {"criticality": [{"weight": 0}]}},
    {"retention": {"criticality": [{}]}},
    {"retention": {"weak": {"routes": {}}}},
    {"retention": {"weak": {"routes": {"below": "1/fortnight"}}}},
    {"budget": {"cpu": {}}},
    {"budget": {"cpu": {"spare": "20%", "limit": "200"}}},
    {"budget": {"cpu": {"limit": "-1"}}},
    {"budget": {"cpu": {"limit": "4 cores"}}},
    {"budget": {"disk": {"limit": "1"}}},
    {"prices": {"currency": ""}},
    {"pace": {"rounds": 0}},
    {"pace": {"rate": "brisk"}},
    {"pace": {"perLap": {"share": "10%", "atLeast": 5, "atMost": 4}}},
    {"pace": {"perLap": {"share": "10%", "atMost": 0}}},
    {"pace": {"perLap": {"atLeast": 1}}},
    {"pace": {"freeze": [{"cron": "0 18 * * 5", "lasts": "0h"}]}},
    {"protect": {"minReplicas": 0}},
    {"protect": {"always": [{"kind": "Deploiment", "reason": "x"}]}},
    {"protect": {"always": [{"kind": "Deployment"}]}},
    {"protect": {"never": [{"rule": "pdb", "namespace": "a", "name": "b", "reason": ""}]}},
    {"actuation": {"mode": "yolo"}},
    {"actuation": {"replicas": ["StatefulSet"]}},
    {"guard": {"alpha": "0%"}},
    {"guard": {"tolerance": 1.0}},
    {"guard": {"signals": ["vibes"]}},
    {"guard": {"silent": {"then": "keep"}}},
    {"hardening": {"cleanRounds": 0}},
    {"hardening": {"reopen": {"drift": "-25%"}}},
)
"""Of a PruningPolicy."""
TAKEN: tuple[Document, ...] = (
    {},
    {"budget": {"cpu": None, "money": {"limit": 3000}, "memory": {"limit": "40Gi", "spare": None}}},
    {"observation": {"window": 1209600, "coverage": "099.5%", "unseen": 0}},
    {"scope": {"selector": {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "t", "operator": "Exists"}]}}},
    {"pace": {"perLap": {"share": 1, "atLeast": 3, "atMost": 3}}},
    {"observation": {"schedule": [{"name": "x", "lasts": "4d", "days": ["2026-11-27"], "workloads": ["cart*"]}]}},
    {"retention": {"rule": "presence"}},
    {"retention": {"stretch": 2, "failureStretch": 2, "weak": {"routes": {"below": "0.5/s"}, "replicas": None}}},
)
"""Of a PruningPolicy, taken by both."""
PROTECTIONS: tuple[Document, ...] = (
    {"targets": [], "reason": "x"},
    {"targets": [{"kind": "Deployment", "name": ""}], "reason": "x"},
    {"targets": [{"kind": "Deployment"}], "reason": "x"},
    {"targets": [{"kind": "Cart", "name": "a"}], "reason": "x"},
    {"targets": [{"kind": "Deployment", "name": "a"}]},
    {"targets": [{"kind": "Deployment", "name": "a"}], "reason": ""},
    {"targets": [{"kind": "Deployment", "name": "a"}], "reason": "x", "level": "floor"},
    {"targets": [{"kind": "Deployment", "name": "a"}], "reason": "x", "level": "high"},
    {"targets": [{"kind": "Deployment", "name": "a"}], "reason": "x", "minReplicas": 0},
    {"targets": [{"kind": "Deployment", "name": "a"}], "reason": "x", "until": "next summer"},
    {"targets": [{"kind": "Deployment", "name": "a"}], "reason": "x", "backupFor": {"name": "a"}},
)
"""Of a Protection."""


def policy(spec: Document, name: str = "refused") -> Document:
    """A PruningPolicy."""
    return {"apiVersion": "microglia.dev/v1alpha1", "kind": "PruningPolicy", "metadata": {"name": name}, "spec": spec}


def protection(spec: Document, name: str = "refused") -> Document:
    """A Protection in namespace default."""
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "microglia.dev/v1alpha1", "kind": "Protection", "metadata": metadata, "spec": spec}
