"""Services that the control plane calls: no traffic in any mesh metric, and nothing works without them."""

from collections.abc import Iterable, Iterator
from typing import Any

from microglia.model.ids import ObjectRef, service_host
from microglia.model.objects import at, name_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.protect.named import Named

_METRICS = {
    "External": "external.metrics.k8s.io",
    "Object": "custom.metrics.k8s.io",
    "Pods": "custom.metrics.k8s.io",
    "Resource": "metrics.k8s.io",
    "ContainerResource": "metrics.k8s.io",
}
"""Type of a metric -> the API group that an autoscaler asks for it."""
_KEDA = "keda-operator"


def webhook(look: Look) -> Iterator[Keep]:
    """The API server asks it at admission."""
    yield from _pinned(look, webhook_names(look))


def webhook_names(look: Look) -> Iterator[Named]:
    """The Services of admission webhooks."""
    for kind, raw in look.of("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for i, hook in enumerate(at(raw, "webhooks", default=())):
            reference = at(hook, "clientConfig", "service")
            policy = str(hook.get("failurePolicy", "Fail"))
            reason = f"the API server asks it at admission (failurePolicy {policy}), from outside the mesh"
            yield from _called(ref_of(kind, raw), f"webhooks[{i}].clientConfig.service", reference, reason)


def api_service(look: Look) -> Iterator[Keep]:
    """It serves a part of the Kubernetes API."""
    yield from _pinned(look, api_names(look))


def api_names(look: Look) -> Iterator[Named]:
    """The Services of aggregated APIs; those of the API server itself have none."""
    for kind, raw in look.of("APIService"):
        reason = "it serves a part of the Kubernetes API; discovery and the deletion of namespaces break without it"
        yield from _called(ref_of(kind, raw), "spec.service", at(raw, "spec", "service"), reason)


def metrics_adapter(look: Look) -> Iterator[Keep]:
    """Autoscalers get their metrics from it, so it scales everything that they scale."""
    behind = {str(at(raw, "spec", "group", default="")): at(raw, "spec", "service") for _, raw in look.of("APIService")}
    for kind, raw in look.of("HorizontalPodAutoscaler"):
        for i, metric in enumerate(at(raw, "spec", "metrics", default=())):
            told = str(metric.get("type", ""))
            reference = behind.get(_METRICS.get(told, ""))
            reason = f"{kind} {name_of(raw)} cannot scale without the metrics that it serves"
            if reference:
                targets = look.behind(str(reference.get("namespace", "")), str(reference.get("name", "")))
                yield from pin(targets, reason, Where(ref_of(kind, raw), f"spec.metrics[{i}].type", told))
    for kind, raw in [*look.of("ScaledObject")][:1]:
        for one in look.workloads.values():
            for labels in (one.pod_labels, one.labels):
                if _KEDA in {labels.get("app.kubernetes.io/part-of"), labels.get("app.kubernetes.io/name")}:
                    reason = "KEDA wakes and scales what ScaledObjects name, and answers autoscalers"
                    yield from pin([one.id], reason, Where(ref_of(kind, raw), "kind", kind))
                    break


def crd_conversion(look: Look) -> Iterator[Keep]:
    """It converts stored custom resources between versions."""
    yield from _pinned(look, conversion_names(look))


def conversion_names(look: Look) -> Iterator[Named]:
    """The Services of conversion webhooks."""
    for kind, raw in look.of("CustomResourceDefinition"):
        if at(raw, "spec", "conversion", "strategy") == "Webhook":
            reference = at(raw, "spec", "conversion", "webhook", "clientConfig", "service")
            reason = "it converts stored objects; without it they cannot even be read"
            yield from _called(ref_of(kind, raw), "spec.conversion.webhook.clientConfig.service", reference, reason)


def _called(source: ObjectRef, field: str, reference: Any, reason: str) -> Iterator[Named]:
    if reference:
        namespace, name = str(reference.get("namespace", "")), str(reference.get("name", ""))
        yield Named((service_host(namespace, name),), reason, Where(source, field, f"{namespace}/{name}"))


def _pinned(look: Look, found: Iterable[Named]) -> Iterator[Keep]:
    """The workloads alone: the API server calls them, and no client of the mesh."""
    for one in found:
        yield from pin(look.serving(one.hosts), one.reason, one.where)
