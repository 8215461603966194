"""What one replica requests: the containers of its template, with the mesh proxy that injection adds to its pods."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from microglia.model.objects import Raw, at
from microglia.model.units import quantity
from microglia.topology.nodes import Container
from microglia.topology.pods import PROXIES


def template_of(kind: str, raw: Raw) -> Mapping[str, Any]:
    """The pod template, or the pod itself where that is the controller; empty where neither is known."""
    match kind:
        case "Pod":
            return raw
        case "CronJob":
            found: Mapping[str, Any] = at(raw, "spec", "jobTemplate", "spec", "template", default={})
        case _:
            found = at(raw, "spec", "template", default={})
    return found


def read_containers(template: Mapping[str, Any], sample: Raw | None) -> tuple[Container, ...]:
    """The running containers of one replica in the template's order, then what was injected into ``sample``, one of its
    pods. Requests that the template leaves open are those that the API server gave the pod."""
    injected = {str(one.get("name")): one for one in _running(at(sample, "spec", default={}))}
    own = [str(one.get("name")) for one in _running(at(template, "spec", default={}))]
    found = [_container(one, injected.get(str(one.get("name")), {})) for one in _running(at(template, "spec"))]
    found.extend(_container(one, {}) for name, one in injected.items() if name not in own)
    return tuple(found)


def _running(spec: Mapping[str, Any] | None) -> Iterable[Mapping[str, Any]]:
    """Containers that run as long as the pod does: native sidecars are init containers that restart always."""
    for one in at(spec, "initContainers", default=()):
        if one.get("restartPolicy") == "Always":
            yield one
    yield from at(spec, "containers", default=())


def _container(one: Mapping[str, Any], given: Mapping[str, Any]) -> Container:
    name = str(one.get("name", ""))
    return Container(
        name=name,
        cpu=_request(one, given, "cpu"),
        memory=_request(one, given, "memory"),
        memory_limit=_amount(
            at(one, "resources", "limits", "memory") or at(given, "resources", "limits", "memory") or 0
        ),
        sidecar=name in PROXIES,
    )


def _request(one: Mapping[str, Any], given: Mapping[str, Any], resource: str) -> float:
    for source in (one, given):
        for field in ("requests", "limits"):
            value = at(source, "resources", field, resource)
            if value is not None:
                return _amount(value)
    return 0.0


@lru_cache(maxsize=4096)
def _amount(text: str | float) -> float:
    """A quantity; what is none counts as nothing, for then there is nothing to gain from it."""
    try:
        return quantity(text)
    except ValueError:
        return 0.0
