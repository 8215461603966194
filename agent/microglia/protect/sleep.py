"""kube-green puts namespaces to sleep, and is told what must stay awake."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from microglia.model.ids import WorkloadId
from microglia.model.objects import at, labels_of, namespace_of, ref_of
from microglia.protect.keep import Keep, Where, pin
from microglia.protect.look import Look


class Awake(NamedTuple):
    """One exclusion of a SleepInfo, and what it means here."""

    targets: tuple[WorkloadId, ...]
    where: Where


def sleep_excluded(look: Look) -> Iterator[Keep]:
    """A SleepInfo of kube-green says that it stays awake when its namespace sleeps."""
    for one in exclusions(look):
        yield from pin(one.targets, "kube-green was told that it must stay awake", one.where)


def exclusions(look: Look) -> Iterator[Awake]:
    """Every entry of ``spec.excludeRef``: by kind and name, or by labels of the workload."""
    for kind, raw in look.of("SleepInfo"):
        for i, entry in enumerate(at(raw, "spec", "excludeRef", default=())):
            labels = at(entry, "matchLabels", default={})
            said = " ".join(str(entry[key]) for key in ("kind", "name") if entry.get(key))
            marks = ", ".join(f"{key}={labels[key]}" for key in sorted(labels))
            where = Where(ref_of(kind, raw), f"spec.excludeRef[{i}]", ", ".join(filter(None, (said, marks))))
            yield Awake(_meant(look, namespace_of(raw), entry, labels), where)


def _meant(
    look: Look, namespace: str, entry: Mapping[str, object], labels: Mapping[str, str]
) -> tuple[WorkloadId, ...]:
    kind, name = entry.get("kind"), entry.get("name")
    if not name and not labels:
        return ()
    return tuple(
        one
        for one in look.inside(namespace)
        if (not kind or one.kind == kind)
        and (not name or one.name == name)
        and labels.items() <= labels_of(look.workloads[one].raw).items()
    )
