"""Which objects name another one, wherever in them: a reference of a kind that nobody taught us is one all the same."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, TypeAlias

from microglia.model.ids import ObjectRef
from microglia.model.objects import Objects, Raw, name_of, namespace_of, ref_of
from microglia.topology.sidecars import ours

Key: TypeAlias = tuple[str, str]
"""(namespace, name)."""

_FOLLOWING: Final = frozenset({"Pod", "ReplicaSet", "EndpointSlice", "Node", "Application"})
"""Kinds that only repeat what others say, or list everything that there is."""
_CHOOSING: Final = frozenset({"labels", "selector", "matchLabels", "podLabels"})
"""Fields whose words are labels, and no names of objects."""
_WORD: Final = re.compile(r"[a-z0-9][-a-z0-9.]*")
_BARE: Final = re.compile(r"(?:[a-z0-9+.-]+://)?([a-z0-9](?:[-a-z0-9]*[a-z0-9])?)(?::\d+)?(?:/.*)?")


def mentions(
    objects: Objects, wanted: Collection[Key], kinds: Collection[str] = (), but: Mapping[Key, ObjectRef] | None = None
) -> dict[Key, ObjectRef]:
    """For each of ``wanted``, the first object (of ``kinds``, or of any kind) that may name it: by name in its own
    namespace or beside a namespace, as ``name.namespace`` or ``namespace/name`` anywhere. What microglia itself wrote
    does not count, nor what an object says of itself, nor the one object of ``but`` that is known to."""
    found: dict[Key, ObjectRef] = {}
    known = but or {}
    for kind in sorted(kinds or objects.kinds) if wanted else ():
        for raw in objects.of(kind) if kind not in _FOLLOWING else ():
            own, here = (namespace_of(raw), name_of(raw)), ref_of(kind, raw)
            for key in _keys(raw):
                other = (kind, *key) != ("Service", *own) and known.get(key) != here
                if other and key in wanted and key not in found:
                    found[key] = here
    return found


def _keys(raw: Raw) -> Iterator[Key]:
    if ours(raw):
        return
    told = {part: value for part, value in raw.items() if part != "status"}
    queue: list[tuple[Any, str]] = [(told, namespace_of(raw))]
    while queue:
        value, home = queue.pop()
        if isinstance(value, Mapping):
            there = value.get("namespace")
            inside = there if isinstance(there, str) and there else home
            queue += [(one, inside) for key, one in value.items() if key not in _CHOOSING]
        elif isinstance(value, list | tuple):
            queue += [(one, home) for one in value]
        elif isinstance(value, str):
            yield from _meant(value, home)


def _meant(text: str, home: str) -> Iterator[Key]:
    for part in text.split(","):
        bare = _BARE.fullmatch(part.strip())
        if bare:
            yield home, bare.group(1)
    for word in _WORD.findall(text):
        labels = word.split(".")
        yield from zip(labels[1:], labels[:-1], strict=True)
    namespace, slash, name = text.partition("/")
    if slash:
        yield namespace, name
