"""The CustomResourceDefinitions, made from the schema that also reads files: what an API server refuses, we do too."""

from typing import Any

from pydantic import BaseModel

from microglia.model.kinds import BY_NAME, Kind
from microglia.plan.condition import Condition
from microglia.plan.document import Plan
from microglia.plan.object import PLAN_KIND, PlanSpec, PlanStatus
from microglia.plan.status import PolicyStatus
from microglia.policy.fields import CEL
from microglia.policy.protection import ProtectionSpec
from microglia.policy.schema import PolicySpec
from microglia.report.structural import Schema, structural

Column = tuple[str, str, str, int]
"""Title, type, path, and 1 where only ``-o wide`` shows it."""

_AGE: Column = ("Age", "date", ".metadata.creationTimestamp", 0)
_POLICY_COLUMNS: tuple[Column, ...] = (
    ("Mode", "string", ".spec.actuation.mode", 0),
    ("Phase", "string", ".status.phase", 0),
    ("Round", "integer", ".status.round", 0),
    ("Accepted", "string", '.status.conditions[?(@.type=="Accepted")].status', 0),
    ("Last Lap", "date", ".status.lapped", 0),
    ("Since", "date", ".status.since", 1),
    _AGE,
    ("Why", "string", ".status.reason", 0),
    # The sentence is long, so nothing stands behind it.
    ("Now", "string", ".status.saying", 0),
)
_PROTECTION_COLUMNS: tuple[Column, ...] = (
    ("Level", "string", ".spec.level", 0),
    ("Min", "integer", ".spec.minReplicas", 0),
    ("Until", "string", ".spec.until", 0),
    ("Reason", "string", ".spec.reason", 0),
    _AGE,
)
_PLAN_COLUMNS: tuple[Column, ...] = (
    ("Policy", "string", ".spec.structure", 0),
    ("State", "string", ".status.state", 0),
    ("Changes", "integer", ".status.changes", 0),
    ("What", "string", ".status.what", 0),
    ("Saves", "string", ".status.saves", 0),
    ("Done", "string", ".status.done", 0),
    ("Verdict", "string", '.status.conditions[?(@.type=="Kept")].reason', 0),
    ("Approved By", "string", ".spec.approval.by", 0),
    ("Until", "string", ".spec.approval.until", 1),
    ("Rejected By", "string", ".spec.rejected.by", 0),
    ("Purpose", "string", ".spec.purpose", 1),
    ("Digest", "string", ".spec.digest", 1),
    _AGE,
)
_NAMED = "self.metadata.name == 'plan-' + self.spec.digest.substring(0, 8)"


class ProtectionStatus(BaseModel):
    """What the agent says about a protection."""

    conditions: tuple[Condition, ...] = ()


def custom_resources() -> dict[str, dict[str, Any]]:
    """The CustomResourceDefinitions by file name."""
    policy, protection = BY_NAME["PruningPolicy"], BY_NAME["Protection"]
    made = [
        _definition(policy, "prpol", _POLICY_COLUMNS, _root(_of(PolicySpec), PolicyStatus, required=False)),
        _definition(protection, "prot", _PROTECTION_COLUMNS, _root(_of(ProtectionSpec), ProtectionStatus)),
        _definition(PLAN_KIND, "prplan", _PLAN_COLUMNS, _plan_root()),
    ]
    return {f"{one['spec']['names']['plural']}.yaml": one for one in made}


def _definition(kind: Kind, short: str, columns: tuple[Column, ...], schema: Schema) -> dict[str, Any]:
    shown = [
        {"name": name, "type": type_, "jsonPath": path} | ({"priority": 1} if wide else {})
        for name, type_, path, wide in columns
    ]
    version = {
        "name": kind.version,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": schema},
        "subresources": {"status": {}},
        "additionalPrinterColumns": shown,
    }
    names = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "shortNames": [short],
        "categories": ["microglia"],
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}", "labels": {"app.kubernetes.io/name": "microglia"}},
        "spec": {
            "group": kind.group,
            "names": names,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [version],
        },
    }


def _of(model: type[BaseModel]) -> Schema:
    return structural(model.model_json_schema(by_alias=True))


def _root(spec: Schema, status: type[BaseModel], *, required: bool = True) -> Schema:
    told = _of(status)
    # Several writers each keep their own conditions, so they are joined by type.
    told["properties"]["conditions"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    texts: Schema = {name: {"type": "string"} for name in ("apiVersion", "kind")}
    properties = {**texts, "metadata": {"type": "object"}, "spec": spec, "status": told}
    return {"type": "object", "properties": properties} | ({"required": ["spec"]} if required else {})


def _plan_root() -> Schema:
    """What was planned never changes; people's word on it may."""
    spec = _of(PlanSpec)
    sealed = [str(field.alias) for field in Plan.model_fields.values()] + ["digest", "seal"]
    for name in sealed:
        same = {"rule": "self == oldSelf", "message": f"spec.{name} never changes; make a new plan"}
        spec["properties"][name].setdefault(CEL, []).append(same)
    for name in sorted(set(sealed) - set(spec["required"])):
        rule = f"has(self.{name}) == has(oldSelf.{name})"
        spec[CEL].append({"rule": rule, "message": f"spec.{name} never changes; make a new plan"})
    root = _root(spec, PlanStatus)
    return {**root, CEL: [{"rule": _NAMED, "message": "a plan is named after its digest: plan- and its first eight"}]}
