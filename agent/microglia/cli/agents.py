"""Builds an agent out of a live cluster, and keeps it running."""

import logging
import random
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from prometheus_client import CollectorRegistry

from microglia.act.cluster import ApiCluster
from microglia.act.lease import Lease, Terms
from microglia.act.lock import Place, Time, hold, identity
from microglia.act.write import ClusterWriter
from microglia.cli.errors import MistakeError
from microglia.cli.interrupts import Interrupts
from microglia.cli.metrics import asking, prometheus
from microglia.cycle import World
from microglia.daemon.agent import Agent, Duty, Voice
from microglia.daemon.bell import Bell
from microglia.daemon.events import Events
from microglia.daemon.health import Pulse
from microglia.daemon.leader import Election, LeaseLostError
from microglia.daemon.load import Counted
from microglia.daemon.metrics import Metrics
from microglia.daemon.orphans import Orphans
from microglia.daemon.policies import Ruled, documents_in, ruled
from microglia.daemon.reader import Reader
from microglia.daemon.schedule import Schedule
from microglia.daemon.serving import pages, serving
from microglia.daemon.stream import ApiStream
from microglia.daemon.watch import SpecWatch
from microglia.daemon.writer import Writer
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at, name_of
from microglia.model.ports import AbsentError, ClusterFacts, ForbiddenError, GoneError, UnreadableError
from microglia.observe.kube import KubernetesCluster
from microglia.observe.traffic import PrometheusTraffic
from microglia.plan.object import PLAN_KIND
from microglia.policy.mirror import mirrored
from microglia.policy.schema import API_VERSION, PruningPolicy
from microglia.settings import Settings
from microglia.store.buckets import FileBuckets
from microglia.store.folder import Folder
from microglia.store.objects import ObjectJournal

_log = logging.getLogger("microglia.agent")
Role = Literal["reader", "writer"]


@dataclass(frozen=True, slots=True)
class Station:
    """Where an agent works: settings, a cluster that answered, its clocks."""

    settings: Settings
    cluster: KubernetesCluster
    facts: ClusterFacts
    time: Time

    @property
    def writable(self) -> ApiCluster:
        """The cluster to write to."""
        return ApiCluster(self.cluster.api)

    def terms(self, name: str) -> Terms:
        """The lease called ``name``, with the times of the settings."""
        given = self.settings
        return Terms(given.lease_duration, given.lease_deadline, given.lease_retry, name)

    def policies(self, given: dict[str, PruningPolicy]) -> Ruled:
        """The policies in force now; ``given`` becomes those that are no objects of the cluster, whose memory needs a
        mirror."""
        objects: Sequence[Raw] = ()
        if self.settings.policy:
            found = ruled(documents_in(self.settings.policy))
        else:
            with suppress(AbsentError):
                objects = self.cluster.objects(BY_NAME["PruningPolicy"])
            found = ruled(({"apiVersion": API_VERSION, "kind": "PruningPolicy", **raw}, "") for raw in objects)
        found = found.at_most(self.settings.mode)
        there = {name_of(raw) for raw in objects if not mirrored(raw)}
        given.clear()
        given.update({one.metadata.name: one for one in found.sound if one.metadata.name not in there})
        return found


def keep_running(station: Station, role: Role) -> None:
    """Lead and go round until SIGTERM. Raises MistakeError when the lease is lost: the process must end."""
    settings, bell = station.settings, Bell()
    metrics = Metrics(CollectorRegistry())
    longest = settings.interval * (1 + settings.jitter)
    pulse = Pulse(station.time.ticks, settings.intervals * longest)
    with Interrupts(bell.ring) as interrupts:
        stop = _beating(interrupts.reason, pulse)
        agent = engaged(station, role, metrics, pulse, stop)
        lease = Lease(
            station.writable, settings.lease_namespace, identity(), station.time.now, station.terms(f"microglia-{role}")
        )
        election = Election(lease, station.time, bell, pulse, stop)
        schedule = Schedule(settings.interval, settings.jitter, random.random)
        host, _, port = settings.listen.rpartition(":")
        with serving((host, int(port)), pages(pulse, metrics.registry)), _watching(station, role, bell, pulse):
            try:
                agent.run(election, schedule, bell)
            except LeaseLostError as lost:
                raise MistakeError(str(lost)) from lost


def engaged(station: Station, role: Role, metrics: Metrics, pulse: Pulse, stop: Callable[[], str | None]) -> Agent:
    """The agent of ``role`` at ``station``, ready for its first round; ``stop`` is asked before every write."""
    given: dict[str, PruningPolicy] = {}
    policies = partial(station.policies, given)
    clock, writable = station.time.now, station.writable
    journal = ObjectJournal(writable, clock, given)
    settings = station.settings
    folder = Folder(settings.state)
    server = Counted(prometheus(settings, station.cluster), metrics)
    buckets = FileBuckets(folder.buckets, _log.warning)
    traffic = PrometheusTraffic(server, buckets, _log.info, asking(settings))
    world = World(station.cluster, traffic, ClusterWriter(writable), journal)
    acting = Place(settings.lease_namespace, None, station.terms("microglia"))
    locked = partial(hold, writable, acting, _log.info, station.time)
    watchman = Orphans(role, world, locked, stop, clock, _log.info)
    duty: Duty
    if role == "reader":
        duty = reader = Reader(world, journal, writable, clock)
        after: Callable[[Ruled], None] | None = reader.tidy
    else:
        duty = Writer(world, journal, policies, locked, stop, clock, _log.info, frozenset(settings.identities))
        after = None
    voice = Voice(metrics, Events(writable, role, identity(), clock, _uids(writable)), journal)
    return Agent(role, duty, policies, after, voice, pulse, station.time, stop, watchman)


def _uids(cluster: ApiCluster) -> Callable[[str], str]:
    def uid(name: str) -> str:
        with suppress(AbsentError, ForbiddenError, GoneError, UnreadableError):
            return str(at(cluster.read(BY_NAME["PruningPolicy"], "", name), "metadata", "uid", default=""))
        return ""

    return uid


def _beating(stop: Callable[[], str | None], pulse: Pulse) -> Callable[[], str | None]:
    """``stop`` is asked before every write: a long plan is a living loop."""

    def asked() -> str | None:
        pulse.beat()
        return stop()

    return asked


@contextmanager
def _watching(station: Station, role: Role, bell: Bell, pulse: Pulse) -> Iterator[None]:
    """Watch policies, and for the writer plans, for the block; the threads end with the process at the latest."""
    kinds = [BY_NAME["PruningPolicy"], *([PLAN_KIND] if role == "writer" else [])]
    ended = threading.Event()
    for kind in kinds:
        watch = SpecWatch(ApiStream(station.cluster.api, kind), bell, kind.plural, pulse)
        threading.Thread(target=watch.run, args=(ended,), name=f"watch-{kind.plural}", daemon=True).start()
    try:
        yield
    finally:
        ended.set()
