"""Backends that speak the Prometheus API, one row each: what they accept, what they tell, how they are recognised."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

AUTO: Final = "auto"
"""The setting that lets a backend be recognised."""
_EVERY = frozenset({"buildinfo", "runtimeinfo", "flags", "config"})
Pages = Callable[[str], Mapping[str, Any]]
"""``data`` of ``/api/v1/<path>``, empty where it is not told."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """One backend.

    ``params`` go with every query: nobody gets a parameter that it is not known to accept, for some refuse the whole
    query then. ``status``: the pages of ``/api/v1/status`` that tell of the server itself, None for all of them.
    ``tenants``: headers that pick a tenant. ``host``: a pattern of its host name. ``says``: how the application in its
    build information begins.
    """

    name: str
    title: str
    params: Mapping[str, str] = field(default_factory=dict)
    status: frozenset[str] = _EVERY
    tenants: tuple[str, ...] = ()
    host: str = ""
    says: str = ""


UNKNOWN: Final = Flavour(
    "unknown", "a backend that does not say what it is", tenants=("x-scope-orgid", "thanos-tenant")
)
PROMETHEUS: Final = Flavour("prometheus", "Prometheus", {"stats": "true"})
THANOS: Final = Flavour(
    "thanos",
    "Thanos",
    # A store that is away is an error then, not a reply without it; coarse samples would change every increase.
    {"partial_response": "false", "dedup": "true", "max_source_resolution": "0s"},
    frozenset({"buildinfo"}),
    ("thanos-tenant",),
)
MIMIR: Final = Flavour(
    "mimir", "Grafana Mimir, GEM or Grafana Cloud", {}, frozenset({"buildinfo"}), ("x-scope-orgid",),
    r"(^|\.)grafana\.net$", "Grafana ",
)  # fmt: skip
VICTORIA: Final = Flavour(
    "victoriametrics",
    "VictoriaMetrics",
    # Its cache of replies moves the moments that were asked for, and knows nothing of samples that came late.
    {"deny_partial_response": "1", "nocache": "1"},
    frozenset(),
    ("accountid", "projectid"),
    says="VictoriaMetrics",
)
GOOGLE: Final = Flavour(
    "google", "Google Managed Prometheus", {}, frozenset(), host=r"^monitoring\.googleapis\.com$"
)  # fmt: skip
AMAZON: Final = Flavour(
    "amazon", "Amazon Managed Prometheus", {}, frozenset(), host=r"^aps-workspaces\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$"
)
FLAVOURS: Final = {one.name: one for one in (PROMETHEUS, THANOS, MIMIR, VICTORIA, GOOGLE, AMAZON, UNKNOWN)}
"""Every backend by its name."""
TENANTS: Final = frozenset(name for one in FLAVOURS.values() for name in one.tenants)
"""Headers that say which of its tenants a backend is to answer for."""


@dataclass(frozen=True, slots=True)
class Recognised:
    """What answers, and how that is known, for people."""

    flavour: Flavour
    by: str


def by_host(url: str) -> Recognised | None:
    """The backend whose host ``url`` names; None for the hosts of everybody else."""
    host = (urlsplit(url).hostname or "").lower()
    for one in FLAVOURS.values():
        if one.host and re.search(one.host, host):
            return Recognised(one, "its address")
    return None


def by_pages(pages: Pages, headers: Callable[[], Mapping[str, str]]) -> Recognised:
    """The backend that tells of itself in ``pages``; ``headers`` came with the last of them.

    It must be certain: a wrong guess sends parameters that are refused, or believes in a guarantee that is not there.
    """
    told = pages("status/buildinfo")
    application = str(told.get("application", ""))
    for one in FLAVOURS.values():
        if one.says and application.startswith(one.says):
            return Recognised(one, "its build information")
    if set(told) == {"version"} and "X-Server-Hostname" in headers():
        return Recognised(VICTORIA, "the header X-Server-Hostname")
    if "goVersion" in told and not application:
        # Only Thanos has stores; it may tell of a retention too, but that is not what its stores keep.
        if pages("stores"):
            return Recognised(THANOS, "its list of stores")
        if "storageRetention" in pages("status/runtimeinfo"):
            return Recognised(PROMETHEUS, "what it tells of its run")
    return _NOBODY


_NOBODY: Final = Recognised(UNKNOWN, "nothing it tells")
