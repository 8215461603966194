"""What ``doctor`` finds out, one finding after the other; what fails becomes a finding too."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from microglia.cli.desk import Desk
from microglia.cli.errors import MistakeError
from microglia.cli.metrics import metric_names as names_of_metrics
from microglia.cli.metrics import prometheus
from microglia.cli.offline import mistakes, rehearsing
from microglia.cli.options import Rules, Where, settings_in
from microglia.cli.wiring import Site, live, site
from microglia.model.units import show_duration, show_share
from microglia.model.window import HOUR
from microglia.policy.schema import PruningPolicy
from microglia.report.look import Finding
from microglia.settings import config_file, resolve
from microglia.topology.graph import Topology

TELLS = {
    "istio": "who called whom, how often, with what outcome",
    "kube-state-metrics": "where pods lay, and since when",
    "cadvisor": "CPU and memory",
}
"""What each source of metrics is asked for."""


def diagnose(where: Where, rules: Rules) -> tuple[Finding, ...]:
    """Everything, in the order in which it can go wrong. Raises MistakeError only for wrong settings."""
    with mistakes():
        settings, origin = resolve(settings_in(where, rules), config_file())
    values = ", ".join(
        f"{name} = {value} ({origin[name]})"
        for name, value in settings.model_dump(mode="json").items()
        if origin[name] != "default"
    )
    head = Finding("Settings", values or f"all default; config file would be {config_file()}", "ok")
    try:
        with mistakes():
            place = site(where, rules)
    except MistakeError as error:
        return (head, Finding("Cluster", str(error), "missing"))
    return (head, *_live(place), _journal(place))


def diagnose_file(snapshot: Path, where: Where, rules: Rules) -> tuple[Finding, ...]:
    """What a snapshot file holds. Raises MistakeError."""
    with rehearsing(where, rules, snapshot) as desk:
        taken = Finding("Snapshot", f"taken {desk.now:%d %b %Y %H:%M} UTC, {snapshot}", "ok")
        return (taken, *_seen(desk))


def metric_names(where: Where) -> list[str]:
    """Every metric name that Prometheus has. Raises MistakeError when it cannot be asked."""
    with mistakes():
        place = site(where, Rules())
        return names_of_metrics(prometheus(place.settings, place.cluster), datetime.now(UTC))


def _live(place: Site) -> tuple[Finding, ...]:
    try:
        with mistakes():
            return _seen(live(place))
    except MistakeError as error:
        cluster = Finding("Cluster", f"{place.facts.name} ({place.facts.version})", "ok")
        return (cluster, Finding("Prometheus", str(error), "missing"))


def _seen(desk: Desk) -> tuple[Finding, ...]:
    policy = desk.policies[0]
    topology = desk.see(policy)
    return (
        *_found(topology),
        *_mesh(topology),
        *_sight(topology),
        _window(topology, policy),
        _owners(topology),
        Finding("Policy", f"{', '.join(one.metadata.name for one in desk.policies)} ({desk.origin})", "ok"),
    )


def _journal(place: Site) -> Finding:
    broken = place.journal.broken()
    shelf = place.folder.cluster(place.facts.uid, place.facts.name)
    found = f"{len(place.journal.records())} plans acted on, in {shelf.journal}"
    return Finding("Journal", found, "limited" if broken else "ok", " ".join(broken))


def _found(topology: Topology) -> tuple[Finding, ...]:
    source = topology.snapshot.source
    pods = sum(len(one.pods) for one in topology.workloads.values())
    cluster = f"{source.cluster_name} ({source.server_version}), {len(topology.workloads)} workloads, {pods:,} pods"
    metrics = [source.prometheus, source.prometheus_version, f"retention {source.retention or 'not told'}"]
    metrics.append(f"scrape {source.scrape_seconds:g} s" if source.scrape_seconds else "scrape interval not told")
    return (
        Finding("Cluster", f"{cluster}, {len(topology.zones)} zones", "ok"),
        Finding("Prometheus", ", ".join(part for part in metrics if part), "ok"),
    )


def _mesh(topology: Topology) -> tuple[Finding, ...]:
    source = topology.snapshot.source
    meshed = sum(one.meshed for one in topology.workloads.values())
    seen = topology.activity.workloads.seen
    coverage = show_share(float(seen.mean())) if seen.size else "nothing"
    versions = ", ".join(source.istiod)
    mesh = f"Istio {versions or 'of unknown version'}, sidecars in {meshed} of {len(topology.workloads)} workloads"
    hours = topology.snapshot.window.hours
    advice = "" if source.istiod else "Without istiod's version routes are kept: scrape istio_build of istiod."
    return (
        Finding("Mesh", mesh, "ok" if source.istiod else "limited", advice),
        *(
            Finding(f"  {dialect}", f"{TELLS.get(dialect, 'traffic')}; coverage {coverage} of {hours} h", "ok")
            for dialect in source.dialects
        ),
    )


def _sight(topology: Topology) -> tuple[Finding, ...]:
    spots = topology.snapshot.blind_spots
    if not spots:
        return (Finding("Sight", "everything could be read", "ok"),)
    remedy = "Grant it:  microglia doctor --rbac | kubectl apply -f -"
    return tuple(
        Finding("Sight", f"{spot.subject}: {spot.reason}", "limited", "" if spot.subject == "metrics" else remedy)
        for spot in spots
    )


def _window(topology: Topology, policy: PruningPolicy) -> Finding:
    observation = policy.spec.observation
    activity = topology.activity
    # An empty reply is a whole one: what was heard says how far back metrics go.
    heard = np.flatnonzero((np.nan_to_num(activity.workloads.seen) > 0).any(axis=0) & activity.known)
    present = timedelta(seconds=float(activity.window.hours - heard[0]) * HOUR) if heard.size else timedelta()
    asked = show_duration(observation.window)
    needed = observation.cycles.length * observation.cycles.at_least
    text = f"{asked} asked, {show_duration(present)} present"
    if present >= needed:
        return Finding("Window", text, "ok")
    ready = topology.snapshot.taken_at + (needed - present)
    return Finding("Window", f"{text}; ready to prune on {ready:%d %B}", "limited", "Until then plans are refused.")


def _owners(topology: Topology) -> Finding:
    count = Counter(one.owner.code for one in topology.workloads.values() if not one.owner.act)
    if not count:
        return Finding("Owners", "no autoscaler, GitOps tool, Helm or operator owns a replica count", "ok")
    owned = ", ".join(f"{code} {number}" for code, number in sorted(count.items()))
    return Finding("Owners", f"counts owned by others: {owned}", "ok", "These are named in plans and never written.")
