"""Builds the adapters, and hands every command what it works with. Only here do settings meet clients."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import typer

from microglia.act.apply import Conduct
from microglia.act.cluster import ApiCluster
from microglia.act.lock import Place, hold
from microglia.act.settle import settle
from microglia.act.write import ClusterWriter
from microglia.cli.desk import Desk, Hands
from microglia.cli.files import read_policies
from microglia.cli.interrupts import Interrupts
from microglia.cli.metrics import Unasked, header, prometheus
from microglia.cli.offline import in_force, mistakes
from microglia.cli.options import Rules, Where, settings_in
from microglia.cycle import World, look
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw
from microglia.model.ports import AbsentError, ClusterFacts, Traffic
from microglia.observe.kube import KubernetesCluster, connect
from microglia.observe.traffic import PrometheusTraffic
from microglia.plan.history import History
from microglia.policy.load import Loaded
from microglia.settings import Settings, SettingsError, config_file, resolve
from microglia.store.buckets import FileBuckets
from microglia.store.files import StoreError
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.store.plans import Plans

TENANT = ("x-scope-orgid", "thanos-tenant")
"""Headers that say which of its tenants a metrics server is to answer for."""


@dataclass(frozen=True, slots=True)
class Site:
    """A live cluster that answered, the folder of its journal, and the policy files (None: none were named)."""

    settings: Settings
    cluster: KubernetesCluster
    facts: ClusterFacts
    folder: Folder
    journal: FileJournal
    given: Loaded | None

    def world(self, traffic: Traffic) -> World:
        """What a lap looks at and writes to."""
        return World(self.cluster, traffic, ClusterWriter(ApiCluster(self.cluster.api)), self.journal)


@contextmanager
def acting(where: Where, rules: Rules, lease_namespace: str | None) -> Iterator[tuple[Desk, Hands]]:
    """A desk and hands, under the lock."""
    with mistakes():
        place = site(where, rules, lease_namespace=lease_namespace)
        desk = live(place)
        with _hands(place, place.world(_traffic(place))) as hands:
            yield desk, hands


@contextmanager
def restoring(where: Where, lease_namespace: str | None, *, holding: bool) -> Iterator[Hands]:
    """Hands without metrics: restoring needs only the journal and the API server."""
    with mistakes():
        place = site(where, Rules(), lease_namespace=lease_namespace)
        world = place.world(Unasked())
        for sentence in place.journal.broken():
            progress(sentence)
        if holding:
            with _hands(place, world) as hands:
                yield hands
        else:
            yield Hands(world, Conduct(clock, lambda: None, typer.echo), place.facts.name, clock())


def site(where: Where, rules: Rules, **more: object) -> Site:
    """Settings and policy files read, and the API server reached, in this order."""
    settings, origin = resolve({**settings_in(where, rules), **more}, config_file())
    for name in ("kubeconfig", "prometheus_token_file", "prometheus_ca", "prometheus_cert"):
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise SettingsError(f"{origin[name]}: {path}: there is no such file")
    given = read_policies(settings.policy) if settings.policy else None
    cluster = connect(settings.context, settings.kubeconfig)
    facts = cluster.facts()
    folder = Folder(settings.state)
    return Site(settings, cluster, facts, folder, FileJournal(folder.cluster(facts.uid, facts.name)), given)


def progress(line: str) -> None:
    """A note for people, on stderr."""
    typer.echo(line, err=True)


class Progress:
    """Says what is going on, on stderr, once the command has taken more than a second."""

    def __init__(self) -> None:
        self._started = monotonic()

    def say(self, line: str) -> None:
        """One line."""
        if monotonic() - self._started > 1:
            typer.echo(line, err=True)


def live(place: Site) -> Desk:
    """A desk on a cluster that answered."""
    loaded, origin = in_force(place.given, place.settings, lambda: _policies(place.cluster))
    world = place.world(_traffic(place))
    now = clock()
    return Desk(
        live=True,
        cluster_name=place.facts.name,
        policies=loaded.policies,
        origin=origin,
        now=now,
        see=lambda policy: look(world, policy, now, loaded.protections),
        past=lambda structure: _settled(place, world, structure, now),
        records=place.journal.records,
        plans=Plans(place.folder),
        again=lambda: live(place),
    )


def _settled(place: Site, world: World, structure: str, now: datetime) -> History:
    try:
        return settle(world.journal, world.writer, structure, now)
    except StoreError as busy:
        progress(f"{busy}; going on with what the journal says")
        return place.journal.history(structure)


@contextmanager
def _hands(place: Site, world: World) -> Iterator[Hands]:
    lock = Place(place.settings.lease_namespace, place.folder.cluster(place.facts.uid, place.facts.name).lock)
    with Interrupts() as interrupts, hold(ApiCluster(place.cluster.api), lock, progress) as held:
        conduct = Conduct(clock, lambda: interrupts.reason() or held.lost(), typer.echo)
        yield Hands(world, conduct, place.facts.name, clock())


def _traffic(place: Site) -> PrometheusTraffic:
    server = prometheus(place.settings, place.cluster)
    headers = {name.lower(): value for name, value in map(header, place.settings.prometheus_header)}
    tenant = ",".join(headers[name] for name in TENANT if name in headers)
    scope = place.settings.prometheus_scope or ""
    buckets = FileBuckets(place.folder.buckets, progress)
    return PrometheusTraffic(server, buckets, scope=scope, tenant=tenant, progress=Progress().say)


def _policies(cluster: KubernetesCluster) -> list[Raw]:
    try:
        return list(cluster.objects(BY_NAME["PruningPolicy"]))
    except AbsentError:
        return []


def clock() -> datetime:
    """Now."""
    return datetime.now(UTC)
