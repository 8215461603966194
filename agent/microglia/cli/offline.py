"""What a rehearsal works with. On a snapshot file no client of a cluster or of Prometheus is loaded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import typer

from microglia.act.lease import LockedError
from microglia.cli.desk import Desk
from microglia.cli.errors import Exit, MistakeError
from microglia.cli.files import read_policies
from microglia.cli.options import Rules, Where, settings_in
from microglia.daemon.policies import ruled
from microglia.model.objects import Raw
from microglia.model.ports import UnreadableError
from microglia.model.snapshot import Snapshot
from microglia.observe.look import beside
from microglia.observe.recorded import RecordedError, load
from microglia.plan.history import History
from microglia.policy.load import Loaded
from microglia.policy.mirror import mirrored
from microglia.policy.protection import ProtectionObject
from microglia.policy.schema import API_VERSION, PruningPolicy
from microglia.settings import Settings, SettingsError, config_file, resolve
from microglia.store.files import StoreError
from microglia.store.folder import Folder
from microglia.store.plans import Plans
from microglia.topology.build import build


@contextmanager
def rehearsing(where: Where, rules: Rules, snapshot: Path | None) -> Iterator[Desk]:
    """A desk on the live cluster, or on a snapshot file. Raises MistakeError for what a person can put right."""
    with mistakes():
        if snapshot:
            yield recorded(snapshot, where, rules)
        else:
            from microglia.cli.wiring import live, site

            yield live(site(where, rules))


@contextmanager
def mistakes() -> Iterator[None]:
    """Turn every error that a person can put right into its message."""
    try:
        yield
    except (UnreadableError, StoreError, RecordedError, LockedError) as error:
        raise MistakeError(str(error)) from error
    except SettingsError as error:
        raise MistakeError(str(error), Exit.USAGE) from error


def recorded(snapshot: Path, where: Where, rules: Rules) -> Desk:
    """A desk on a snapshot file, whose present is when it was taken."""
    settings, _ = resolve(settings_in(where, rules), config_file())
    given = read_policies(settings.policy) if settings.policy else None
    seen = load(snapshot)
    force = in_force(given, settings, lambda: _whole(seen))
    topology = lru_cache(maxsize=1)(lambda: build(beside(seen, force.protections)))
    return Desk(
        live=False,
        cluster_name=seen.source.cluster_name,
        policies=force.policies,
        origin=force.origin,
        now=seen.taken_at,
        see=lambda _: topology(),
        past=lambda _: History(None, ()),
        records=tuple,
        plans=Plans(Folder(settings.state)),
        again=lambda: recorded(snapshot, where, rules),
        claims=force.claims,
    )


def _whole(seen: Snapshot) -> list[Raw]:
    # A snapshot keeps objects by kind, without saying the kind once more in each.
    return [{"apiVersion": API_VERSION, "kind": "PruningPolicy", **raw} for raw in seen.objects.of("PruningPolicy")]


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies that get laps, all that claim workloads, protections of files, and where the policies came from."""

    policies: tuple[PruningPolicy, ...]
    claims: tuple[PruningPolicy, ...]
    protections: tuple[ProtectionObject, ...]
    origin: str


def in_force(given: Loaded | None, settings: Settings, cluster: Callable[[], Sequence[Raw]]) -> InForce:
    """The policies and protections in force: files, else the cluster, else built in.

    A policy object that cannot be read keeps its own scope from every other policy, and is told. Raises MistakeError
    when no other is left, or when not even its scope can be read.
    """
    if given is not None and given.policies:
        return InForce(given.policies, given.policies, given.protections, ", ".join(map(str, settings.policy)))
    protections = given.protections if given is not None else ()
    written = [raw for raw in cluster() if not mirrored(raw)]
    if not written:
        built_in = (PruningPolicy(),)
        return InForce(built_in, built_in, protections, "built in; none given")
    found = ruled((raw, "") for raw in written)
    broken = [f"PruningPolicy {name}: {said}" for name, said in sorted(found.broken.items())]
    if found.paused or not found.sound:
        raise MistakeError("\n".join(filter(None, [*broken, found.paused])), Exit.USAGE)
    for sentence in broken:
        typer.echo(f"{sentence}; nobody prunes in its scope until it is put right", err=True)
    return InForce(found.sound, found.policies, protections, "the cluster's PruningPolicy objects")
