"""Who decides the replica count of a workload, and what follows: act, propose or refuse (``Owner.verdict``).

Reads of the object, besides labels, annotations and owner references: ``metadata.managedFields`` (entries that own
``f:spec.f:replicas``, and what Helm applied) and ``found.appliedReplicas`` (whether the content that kubectl last
applied sets a count).
"""

from microglia.model.ids import ObjectRef, WorkloadId
from microglia.model.objects import Raw, labels_of
from microglia.topology.claims.applied import by_kubectl
from microglia.topology.claims.chain import owned
from microglia.topology.claims.delivery import NONE_SEEN, Deliverers, delivered_by
from microglia.topology.claims.fields import by_fields, by_scale, judge_helm
from microglia.topology.claims.operators import by_label
from microglia.topology.nodes import Owner
from microglia.topology.scalers import Scalers

_WRITES_APPLIED = frozenset({"argocd"})
"""Owners that keep kubectl's annotation themselves."""

SELF = Owner(
    "self", "nobody else", "no owner reference, autoscaler, GitOps mark or field manager claims the count", act=True
)


def resolve(target: WorkloadId, raw: Raw, scalers: Scalers, deliverers: Deliverers = NONE_SEEN) -> Owner:
    """The first that claims the count, in the order of the catalogue: the chain of owner references, scalers, whoever
    writes the scale subresource, GitOps and release tools, mark of an operator, field managers. One that was told to
    leave the count alone is named, and may ``act`` when nobody behind it claims the count."""
    claimed = owned(target, raw) or scalers.of(target, raw)
    if claimed:
        return claimed
    if scalers.blind:
        hidden = ", ".join(scalers.blind)
        unknown = f"{hidden} could not be read, so a scaler may own the count; allow list on it"
        return Owner("unknown", "unknown", unknown, act=False)
    return by_scale(raw) or _by_files(target, raw, deliverers) or by_fields(raw) or SELF


def _by_files(target: WorkloadId, raw: Raw, deliverers: Deliverers) -> Owner | None:
    owner = delivered_by(ObjectRef(target.kind, target.namespace, target.name), raw, deliverers)
    if owner is None:
        return by_kubectl(raw) or by_label(labels_of(raw))
    if owner.code == "helm":
        owner = judge_helm(owner, raw)
    if not owner.act:
        return owner
    behind = None if owner.code in _WRITES_APPLIED else by_kubectl(raw)
    return behind or by_fields(raw, besides=owner.code) or owner
