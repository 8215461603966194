"""Builds the adapters, and hands every command what it works with. Only here do settings meet clients."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import typer

from microglia.act.apply import Conduct
from microglia.act.cluster import ApiCluster
from microglia.act.gitops.git import GitError
from microglia.act.lock import Place, hold
from microglia.act.merged import recognise
from microglia.act.parting import parting
from microglia.act.write import ClusterWriter
from microglia.cli.desk import Desk, Hands
from microglia.cli.errors import MistakeError
from microglia.cli.files import read_policies
from microglia.cli.interrupts import Interrupts
from microglia.cli.metrics import Unasked, asking, prometheus
from microglia.cli.office import Office
from microglia.cli.offline import in_force, mistakes
from microglia.cli.options import Rules, Where, settings_in
from microglia.cycle import World, look, past
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw
from microglia.model.ports import AbsentError, ClusterFacts, Traffic
from microglia.observe.kube import KubernetesCluster, connect
from microglia.observe.traffic import PrometheusTraffic
from microglia.plan.history import History
from microglia.plan.object import PLAN_KIND
from microglia.plan.ports import Journal
from microglia.policy.load import Loaded, from_objects
from microglia.policy.schema import PruningPolicy
from microglia.settings import Settings, SettingsError, config_file, resolve
from microglia.store.both import BothJournals
from microglia.store.buckets import FileBuckets
from microglia.store.files import StoreError
from microglia.store.folder import Folder
from microglia.store.journal import FileJournal
from microglia.store.objects import ObjectJournal
from microglia.store.plans import Plans
from microglia.store.sketch import Sketch

FILES = (
    "kubeconfig", "prometheus_token_file", "prometheus_password_file", "prometheus_ca", "prometheus_cert",
    "prometheus_key",
)  # fmt: skip
"""Settings that name files which must be there."""


@dataclass(frozen=True, slots=True)
class Site:
    """A live cluster that answered, the folder of its journal, and the policy files (None: none were named)."""

    settings: Settings
    cluster: KubernetesCluster
    facts: ClusterFacts
    folder: Folder
    journal: FileJournal | BothJournals
    given: Loaded | None

    @property
    def offers(self) -> ObjectJournal | None:
        """The plans that wait, where the cluster knows such."""
        return self.journal.newer if isinstance(self.journal, BothJournals) else None

    def world(self, traffic: Traffic, *, sketched: bool = False) -> World:
        """What a lap looks at and writes to. A ``sketched`` journal in the cluster is only read: an agent may be
        writing it, and files know that by their lock."""
        sketch = sketched and isinstance(self.journal, BothJournals)
        writer = ClusterWriter(ApiCluster(self.cluster.api))
        return World(self.cluster, traffic, writer, Sketch(self.journal) if sketch else self.journal)


@contextmanager
def acting(where: Where, rules: Rules, lease_namespace: str | None) -> Iterator[tuple[Desk, Hands]]:
    """A desk and hands, under the lock."""
    with mistakes():
        place = site(where, rules, lease_namespace=lease_namespace)
        desk = live(place, holding=True)
        with _hands(place, place.world(_traffic(place))) as hands:
            yield desk, hands


@contextmanager
def proposing(where: Where, rules: Rules) -> Iterator[tuple[Desk, Journal, Path]]:
    """A desk, the journal and the folder of proposals; no lock, because nothing is written to the cluster. What was
    merged since is in the journal."""
    with mistakes():
        place = site(where, rules)
        desk = live(place)
        for policy in desk.policies:
            recognise(place.journal, place.cluster, policy.metadata.name, desk.now)
        try:
            yield desk, place.journal, place.folder.proposals
        except GitError as error:
            raise MistakeError(str(error)) from error


@contextmanager
def restoring(where: Where, lease_namespace: str | None, *, holding: bool, parted: bool = False) -> Iterator[Hands]:
    """Hands without metrics: restoring needs only the journal and the API server. ``parted``: the agent goes after
    it, and must not prune again until then."""
    with mistakes():
        place = site(where, Rules(), lease_namespace=lease_namespace)
        world = place.world(Unasked())
        for sentence in place.journal.broken():
            progress(sentence)
        if holding:
            with (_last_hands if parted else _hands)(place, world) as hands:
                yield hands
        else:
            yield Hands(world, Conduct(clock, lambda: None, typer.echo), place.facts.name, clock())


def site(where: Where, rules: Rules, **more: object) -> Site:
    """Settings and policy files read, and the API server reached, in this order."""
    settings = checked(where, rules, more)
    given = read_policies(settings.policy) if settings.policy else None
    cluster = connect(settings.context, settings.kubeconfig)
    facts = cluster.facts()
    folder = Folder(settings.state)
    journal = _journal(cluster, FileJournal(folder.cluster(facts.uid, facts.name)), given)
    return Site(settings, cluster, facts, folder, journal, given)


def _journal(cluster: KubernetesCluster, files: FileJournal, given: Loaded | None) -> FileJournal | BothJournals:
    """The journal in the cluster, with the files from before, where it knows the kind; else the files."""
    api = ApiCluster(cluster.api)
    if not api.serves(PLAN_KIND):
        return files
    policies = {"default": PruningPolicy(), **{one.metadata.name: one for one in (given.policies if given else ())}}
    return BothJournals(ObjectJournal(api, clock, policies), files)


def checked(where: Where, rules: Rules, more: Mapping[str, object]) -> Settings:
    """Settings whose files are there. Raises SettingsError."""
    settings, origin = resolve({**settings_in(where, rules), **more}, config_file())
    for name in FILES:
        path = getattr(settings, name)
        if path is not None and not path.is_file():
            raise SettingsError(f"{origin[name]}: {path}: there is no such file")
    return settings


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


def live(place: Site, *, holding: bool = False) -> Desk:
    """A desk on a cluster that answered; ``holding`` the lock, it settles the journal for good."""
    force = in_force(place.given, place.settings, lambda: _policies(place.cluster))
    world = place.world(_traffic(place), sketched=not holding)
    now = clock()
    return Desk(
        live=True,
        cluster_name=place.facts.name,
        policies=force.policies,
        origin=force.origin,
        now=now,
        see=lambda policy: look(world, policy, now, force.protections, world.journal.history(policy.metadata.name)),
        past=lambda structure: _settled(world, structure, now),
        records=place.journal.records,
        plans=Plans(place.folder),
        again=lambda: live(place),
        claims=force.claims,
        up=lambda: place.offers.up() if place.offers else (),
        says=lambda structure: place.offers.said(structure) if place.offers else "",
    )


def _settled(world: World, structure: str, now: datetime) -> History:
    try:
        return past(world, structure, now)
    except StoreError as busy:
        progress(f"{busy}; going on with what the journal says")
        return world.journal.history(structure)


@contextmanager
def _hands(place: Site, world: World) -> Iterator[Hands]:
    lock = Place(place.settings.lease_namespace, place.folder.cluster(place.facts.uid, place.facts.name).lock)
    with Interrupts() as interrupts, hold(ApiCluster(place.cluster.api), lock, progress) as held:
        conduct = Conduct(clock, lambda: interrupts.reason() or held.lost(), typer.echo)
        yield Hands(world, conduct, place.facts.name, clock())


@contextmanager
def _last_hands(place: Site, world: World) -> Iterator[Hands]:
    lock = Place(place.settings.lease_namespace, None)
    with Interrupts() as interrupts, parting(ApiCluster(place.cluster.api), lock, progress):
        # What is given back must not wait for the lock, and so a lost one does not stop it either.
        yield Hands(world, Conduct(clock, interrupts.reason, typer.echo), place.facts.name, clock())


def _traffic(place: Site) -> PrometheusTraffic:
    server = prometheus(place.settings, place.cluster)
    buckets = FileBuckets(place.folder.buckets, progress)
    return PrometheusTraffic(server, buckets, Progress().say, asking(place.settings))


def _policies(cluster: KubernetesCluster) -> list[Raw]:
    try:
        return list(cluster.objects(BY_NAME["PruningPolicy"]))
    except AbsentError:
        return []


def clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


@contextmanager
def deciding(where: Where) -> Iterator[Office]:
    """An office in a cluster where plans wait."""
    with mistakes():
        place = site(where, Rules())
        if place.offers is None:
            raise MistakeError(
                f"{place.facts.name} keeps no PruningPlan objects, so no plan waits there; install the chart, or carry "
                "out a plan of your own with: microglia apply"
            )
        policies = from_objects(_policies(place.cluster)).policies
        yield Office(place.offers, ApiCluster(place.cluster.api).user, policies, clock())
