"""Receivers of alerts down to the hosts that they are called at: their addresses may carry secrets."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from microglia.model.objects import Raw, at

_HOST = re.compile(r"://(?:[^/@\s]*@)?([^/:@\s]+)")


def receivers(raw: Raw) -> dict[str, Any]:
    """``spec.hosts``: every host, sorted; ``found.addresses``: each with the field that it stands in."""
    found = list(_addresses(at(raw, "spec", default={}), "spec"))
    hosts = sorted({one["host"] for one in found})
    return {"spec": {"hosts": hosts}, "found": {"addresses": found}} if found else {"spec": {"hosts": []}}


def _addresses(value: Any, field: str) -> Iterator[dict[str, str]]:
    if isinstance(value, str):
        yield from ({"field": field, "host": host} for host in _HOST.findall(value))
    elif isinstance(value, Mapping):
        for key in sorted(value):
            yield from _addresses(value[key], f"{field}.{key}")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _addresses(item, f"{field}[{i}]")
