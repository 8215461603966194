"""Knative and OpenKruise: controllers that scale to none on purpose, or choose themselves which copy goes."""

from collections.abc import Iterator

from microglia.model.objects import annotations_of, at, labels_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.protect.signs import labelled, owned

_KNATIVE = ("serving.knative.dev/", "autoscaling.knative.dev/")
_KRUISE = "apps.kruise.io/"
_KRUISE_KINDS = frozenset({"CloneSet", "UnitedDeployment", "BroadcastJob", "AdvancedCronJob"})


def knative(look: Look) -> Iterator[Keep]:
    """Knative runs it: it scales with every request, to none and back."""
    for kind, raw, targets in look.markable():
        template = at(raw, "spec", "template", "metadata", "annotations", default={})
        marks = (
            ("metadata.labels", labels_of(raw)),
            ("metadata.annotations", annotations_of(raw)),
            ("spec.template.metadata.annotations", template),
        )
        found = ((part, key, held[key]) for part, held in marks for key in sorted(held) if key.startswith(_KNATIVE))
        part, key, value = next(found, ("", "", ""))
        if key:
            reason = "Knative scales it by requests, to none where it may: there is nothing to gain and a start to lose"
            yield from pin(targets, reason, Where(ref_of(kind, raw), f"{part}[{key}]", value))


def kruise(look: Look) -> Iterator[Keep]:
    """OpenKruise runs it, and chooses which copy goes by its own marks."""
    for one in look.workloads.values():
        marks = sorted(key for key in one.annotations if key.startswith(_KRUISE))
        sign = labelled(one, lambda key, _: key.startswith(_KRUISE)) or owned(one, _KRUISE_KINDS)
        where = Where(one.ref, f"metadata.annotations[{marks[0]}]", one.annotations[marks[0]]) if marks else None
        if sign is not None:
            where = sign.where
        if where is not None:
            yield from pin([one.id], "OpenKruise counts its copies and says which of them goes", where)
