"""Failover from one Service to another, as one object says it."""

from dataclasses import dataclass

from microglia.model.ids import ObjectRef


@dataclass(frozen=True, slots=True)
class Failover:
    """``backups`` are called in place of ``primaries`` (both hosts, sorted), as ``source`` says in ``field``."""

    source: ObjectRef
    field: str
    value: str
    primaries: tuple[str, ...]
    backups: tuple[str, ...]
