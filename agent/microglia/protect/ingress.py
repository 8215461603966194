"""Fallbacks and parked canaries of Ingresses."""

from collections.abc import Iterator, Mapping

from microglia.model.ids import service_host
from microglia.model.objects import annotations_of, at, namespace_of, ref_of
from microglia.protect.fronts import ingress_hosts
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look
from microglia.protect.named import Named, kept

_NGINX = "nginx.ingress.kubernetes.io/"
_FALLBACK, _ERRORS, _CANARY = (f"{_NGINX}{name}" for name in ("default-backend", "custom-http-errors", "canary"))
_WEIGHT = f"{_CANARY}-weight"
_CHOSEN = (f"{_CANARY}-by-header", f"{_CANARY}-by-cookie")
_CONTROLLER = {"app.kubernetes.io/name": "ingress-nginx", "app.kubernetes.io/component": "default-backend"}


def ingress_fallback(look: Look) -> Iterator[Keep]:
    """An Ingress falls back to it, shows its error pages, or parks a canary there."""
    yield from kept(look, ingress_names(look))
    for kind, raw in look.of("Ingress"):
        codes = annotations_of(raw).get(_ERRORS)
        if codes and _FALLBACK not in annotations_of(raw):
            where = Where(ref_of(kind, raw), f"metadata.annotations[{_ERRORS}]", codes)
            for namespace in look.index.namespaces:
                found = sorted(look.index.matching(namespace, _CONTROLLER))
                yield from pin(
                    found, "the default backend of the controller shows the error pages of an Ingress", where
                )


def ingress_names(look: Look) -> Iterator[Named]:
    """The Services that Ingresses keep for worse days, or for chosen callers."""
    for kind, raw in look.of("Ingress"):
        source, marks, namespace = ref_of(kind, raw), annotations_of(raw), namespace_of(raw)
        name = at(raw, "spec", "defaultBackend", "service", "name")
        if name:
            where = Where(source, "spec.defaultBackend.service.name", str(name))
            yield Named((service_host(namespace, str(name)),), "an Ingress falls back to it", where)
        fallback = marks.get(_FALLBACK, "")
        if fallback:
            place, _, service = fallback.rpartition("/")
            where = Where(source, f"metadata.annotations[{_FALLBACK}]", fallback)
            hosts = (service_host(place or namespace, service),)
            yield Named(hosts, "it answers when the Service of an Ingress has no endpoint, or shows its errors", where)
        key = _parking(marks)
        if key:
            where = Where(source, f"metadata.annotations[{key}]", marks[key])
            for host in dict.fromkeys(ingress_hosts(at(raw, "spec", default={}), namespace)):
                yield Named((host,), "an Ingress parks a canary there, or keeps it for chosen callers", where)


def _parking(marks: Mapping[str, str]) -> str:
    """The annotation by which a canary gets nothing, or only chosen requests; empty where it gets its share."""
    if marks.get(_CANARY) != "true":
        return ""
    chosen = next((key for key in sorted(marks) if key.startswith(_CHOSEN)), "")
    weight = marks.get(_WEIGHT)
    if chosen or weight is None:
        return chosen or _CANARY
    return _WEIGHT if weight.strip() == "0" else ""
