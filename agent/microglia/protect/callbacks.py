"""Services that the control plane calls: no traffic in any mesh metric, and nothing works without them."""

from collections.abc import Iterator
from typing import Any

from microglia.model.ids import ObjectRef
from microglia.model.objects import at, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look


def webhook(look: Look) -> Iterator[Keep]:
    """The API server asks it at admission."""
    for kind, raw in look.of("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"):
        for i, hook in enumerate(at(raw, "webhooks", default=())):
            reference = at(hook, "clientConfig", "service")
            policy = str(hook.get("failurePolicy", "Fail"))
            reason = f"the API server asks it at admission (failurePolicy {policy}), from outside the mesh"
            yield from _called(look, ref_of(kind, raw), f"webhooks[{i}].clientConfig.service", reference, reason)


def api_service(look: Look) -> Iterator[Keep]:
    """It serves a part of the Kubernetes API."""
    for kind, raw in look.of("APIService"):
        reason = "it serves a part of the Kubernetes API; discovery and autoscaling break without it"
        yield from _called(look, ref_of(kind, raw), "spec.service", at(raw, "spec", "service"), reason)


def crd_conversion(look: Look) -> Iterator[Keep]:
    """It converts stored custom resources between versions."""
    for kind, raw in look.of("CustomResourceDefinition"):
        if at(raw, "spec", "conversion", "strategy") == "Webhook":
            reference = at(raw, "spec", "conversion", "webhook", "clientConfig", "service")
            reason = "it converts stored objects; without it they cannot even be read"
            field = "spec.conversion.webhook.clientConfig.service"
            yield from _called(look, ref_of(kind, raw), field, reference, reason)


def _called(look: Look, source: ObjectRef, field: str, reference: Any, reason: str) -> Iterator[Keep]:
    if reference:
        namespace, name = str(reference.get("namespace", "")), str(reference.get("name", ""))
        yield from pin(look.behind(namespace, name), reason, Where(source, field, f"{namespace}/{name}"))
