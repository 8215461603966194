"""Flux: what its two controllers set back, and which lines make them leave a count alone.

kustomize-controller applies every field that Git sets at each reconciliation, by force
(https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources).
helm-controller sets back what drifted where ``spec.driftDetection.mode`` is enabled, and with each upgrade of the
release in any mode (https://fluxcd.io/flux/components/helm/helmreleases/#drift-detection).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from microglia.model.ids import ObjectRef
from microglia.model.objects import Objects, Raw, at, name_of, namespace_of
from microglia.topology.nodes import Owner

_KUSTOMIZE, _HELM = "kustomize.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io"
_COVERING = frozenset({"", "/spec", "/spec/replicas"})
_UNDERSTOOD = frozenset({"group", "version", "kind", "name", "namespace"})
_LINE = "{paths: [/spec/replicas], target: {kind: Deployment}} in spec.driftDetection.ignore"


@dataclass(frozen=True, slots=True, eq=False)
class Releases:
    """The HelmReleases of this cluster by namespace and name."""

    named: Mapping[tuple[str, str], Raw] = field(default_factory=dict)

    def judge(self, owner: Owner, key: tuple[str, str], ref: ObjectRef) -> Owner:
        """``owner`` with its HelmRelease's word on the count of ``ref``; one that is not here says nothing."""
        raw = self.named.get(key)
        if raw is None:
            return owner
        name = f"HelmRelease {key[0]}/{key[1]}"
        for index, entry in enumerate(at(raw, "spec", "driftDetection", "ignore", default=())):
            if _ignores(entry, ref):
                evidence = f"{name} leaves the count alone: spec.driftDetection.ignore[{index}]"
                return replace(owner, evidence=evidence, act=True)
        mode = at(raw, "spec", "driftDetection", "mode", default="disabled")
        when = "at once" if mode == "enabled" else "with its next upgrade"
        evidence = f"{owner.evidence}, spec.driftDetection.mode: {mode}: set back {when}"
        way_out = f"{owner.remedy}; or allow microglia to act: {name} needs {_LINE}"
        return replace(owner, evidence=evidence, way_out=way_out)


def read_releases(objects: Objects) -> Releases:
    """Index them."""
    return Releases({(namespace_of(raw), name_of(raw)): raw for raw in objects.of("HelmRelease")})


def by_flux(
    ref: ObjectRef, labels: Mapping[str, str], annotations: Mapping[str, str], releases: Releases
) -> Owner | None:
    """The Kustomization or HelmRelease that brings the object."""
    return _by_kustomize(labels, annotations) or _by_helm(ref, labels, annotations, releases)


def _by_kustomize(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Owner | None:
    key = f"{_KUSTOMIZE}/name"
    if key not in labels:
        return None
    name = f"Flux Kustomization {labels.get(f'{_KUSTOMIZE}/namespace', '')}/{labels[key]}"
    owner = Owner("flux", name, f"label {key}: {labels[key]}", act=False)
    for mark, values in ((f"{_KUSTOMIZE}/reconcile", ("disabled",)), (f"{_KUSTOMIZE}/ssa", ("IfNotPresent", "Ignore"))):
        if annotations.get(mark) in values:
            return replace(owner, evidence=f"Flux leaves it alone: annotation {mark}: {annotations[mark]}", act=True)
    line = f"annotation {_KUSTOMIZE}/reconcile: disabled takes the whole object out of Flux's hands"
    way_out = f"{owner.remedy}; or allow microglia to act: {line}"
    if annotations.get(f"{_KUSTOMIZE}/ssa") == "Merge":
        unseen = f"{_KUSTOMIZE}/ssa: Merge spares only what Git does not set, which is not to be seen here"
        return replace(owner, evidence=f"{owner.evidence}; {unseen}", way_out=way_out)
    return replace(owner, way_out=way_out)


def _by_helm(
    ref: ObjectRef, labels: Mapping[str, str], annotations: Mapping[str, str], releases: Releases
) -> Owner | None:
    key, mark = f"{_HELM}/name", f"{_HELM}/driftDetection"
    if key not in labels:
        return None
    namespace = labels.get(f"{_HELM}/namespace", "")
    owner = Owner("flux", f"Flux HelmRelease {namespace}/{labels[key]}", f"label {key}: {labels[key]}", act=False)
    if "disabled" in (annotations.get(mark), labels.get(mark)):
        return replace(owner, evidence=f"Flux leaves it alone: {mark}: disabled", act=True)
    return releases.judge(owner, (namespace, labels[key]), ref)


def _ignores(entry: Raw, ref: ObjectRef) -> bool:
    if _COVERING.isdisjoint(at(entry, "paths", default=())):
        return False
    target = at(entry, "target", default={})
    # A selector of labels is read by nobody here: what is not understood allows nothing.
    if not _UNDERSTOOD.issuperset(target):
        return False
    values = {"group": "apps", "version": "v1", "kind": ref.kind, "name": ref.name, "namespace": ref.namespace}
    return all(_matches(str(pattern), values[key]) for key, pattern in target.items())


def _matches(pattern: str, value: str) -> bool:
    """As Flux reads it: a regular expression over the whole value."""
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return False
