"""What ``doctor`` finds out, one finding after the other; what fails becomes a finding too."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from microglia.cli.desk import Desk
from microglia.cli.errors import MistakeError
from microglia.cli.metrics import asking, prometheus
from microglia.cli.metrics import metric_names as names_of_metrics
from microglia.cli.offline import mistakes, rehearsing
from microglia.cli.options import Printed, Rules, Where, settings_in
from microglia.cli.sources import sources
from microglia.cli.wiring import Site, live, site
from microglia.model.doubts import doubts, metrics_skew, short_retention, skew
from microglia.model.ports import UnreadableError
from microglia.model.snapshot import Source
from microglia.model.units import show_duration
from microglia.model.window import HOUR
from microglia.observe.dialects.recording import rule_file
from microglia.observe.dialects.schema import Dialect
from microglia.observe.heard import hours_heard
from microglia.observe.traffic import PrometheusTraffic
from microglia.policy.schema import PruningPolicy
from microglia.protect.dangling import astray
from microglia.report.data import to_yaml
from microglia.report.look import Finding, nowhere
from microglia.report.rbac import acting_text, rehearsal_text
from microglia.report.sight import sight
from microglia.report.table import count
from microglia.settings import config_file, resolve
from microglia.topology.graph import Topology


def diagnose(where: Where, rules: Rules) -> tuple[Finding, ...]:
    """Everything, in the order in which it can go wrong. Raises MistakeError only for wrong settings."""
    with mistakes():
        settings, origin = resolve(settings_in(where, rules), config_file())
    values = ", ".join(
        f"{name} = {_shown(name, value)} ({origin[name]})"
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


def _shown(name: str, value: Any) -> str:
    """A setting as a person writes it. What headers hold may be a secret, so only their names are shown."""
    told = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return ", ".join(one.partition(":")[0] for one in told) if name == "prometheus_header" else ", ".join(told)


def diagnose_file(snapshot: Path, where: Where, rules: Rules) -> tuple[Finding, ...]:
    """What a snapshot file holds. Raises MistakeError."""
    with mistakes():
        dialects = asking(resolve(settings_in(where, rules), config_file())[0]).dialects
    with rehearsing(where, rules, snapshot) as desk:
        taken = Finding("Snapshot", f"taken {desk.now:%d %b %Y %H:%M} UTC, {snapshot}", "ok")
        return (taken, *_seen(desk, dialects, lambda _: {}))


def roles(where: Where, printed: Printed) -> str:
    """The roles that are asked for, as YAML. Needs no cluster. Raises MistakeError for wrong settings."""
    with mistakes():
        settings, _ = resolve({**settings_in(where), "lease_namespace": printed.lease_namespace}, config_file())
    texts = [rehearsal_text()] if printed.rbac else []
    return "\n---\n".join([*texts, acting_text(settings.lease_namespace)] if printed.rbac_act else texts)


def metric_names(where: Where) -> list[str]:
    """Every metric name that Prometheus has. Raises MistakeError when it cannot be asked."""
    with mistakes():
        place = site(where, Rules())
        return names_of_metrics(prometheus(place.settings, place.cluster), datetime.now(UTC))


def recording_rules(where: Where) -> str:
    """A file of recording rules for the Prometheus that is there, as YAML. Raises MistakeError when it cannot be asked
    how often it scrapes."""
    with mistakes():
        place = site(where, Rules())
        server = prometheus(place.settings, place.cluster)
        source = PrometheusTraffic(server, asking=asking(place.settings)).describe(place.facts, datetime.now(UTC))
    if source.scrape_seconds is None:
        raise MistakeError(
            f"{source.prometheus} does not tell how often it scrapes, on which the rules depend; wait until the mesh"
            " was scraped for an hour"
        )
    return to_yaml(rule_file(source.scrape_seconds))


def _live(place: Site) -> tuple[Finding, ...]:
    try:
        with mistakes():
            dialects = asking(place.settings).dialects
            seen = _seen(live(place), dialects, lambda topology: _heard(place, dialects, topology), place.facts.ahead)
            return (*seen, *_backend(place))
    except MistakeError as error:
        cluster = Finding("Cluster", f"{place.facts.name} ({place.facts.version})", "ok")
        return (cluster, Finding("Prometheus", str(error), "missing"))


def _heard(place: Site, dialects: Sequence[Dialect], topology: Topology) -> Mapping[str, int]:
    """In how many hours of the window each further dialect was there; nothing where that cannot be asked."""
    here = [one for one in dialects if one.name in topology.snapshot.source.dialects]
    try:
        server, scope = prometheus(place.settings, place.cluster), place.settings.prometheus_scope or ""
        return hours_heard(server, here, scope, topology.snapshot.window)
    except (MistakeError, UnreadableError):
        return {}


def _backend(place: Site) -> tuple[Finding, ...]:
    """What answers for Prometheus, and how that is known."""
    try:
        known = prometheus(place.settings, place.cluster).recognised()
    except MistakeError:
        return ()
    params = ", ".join(f"{name}={value}" for name, value in known.flavour.params.items())
    found = f"{known.flavour.title}, known by {known.by}; asked with {params or 'no parameters of its own'}"
    if known.flavour.name != "unknown":
        return (Finding("Backend", found, "ok"),)
    return (Finding("Backend", found, "limited", "It may hide what is missing: say what it is with --flavour."),)


def _seen(
    desk: Desk,
    dialects: Sequence[Dialect],
    heard: Callable[[Topology], Mapping[str, int]],
    server_ahead: float | None = None,
) -> tuple[Finding, ...]:
    policy = desk.policies[0]
    topology = desk.see(policy)
    return (
        *_found(topology),
        *_mesh(topology, sources(topology, dialects, heard(topology))),
        *_clocks(topology.snapshot.source, server_ahead),
        *_sight(topology, policy),
        _window(topology, policy),
        _owners(topology),
        *nowhere(astray(topology, policy.spec, desk.now)),
        Finding("Policy", f"{', '.join(one.metadata.name for one in desk.policies)} ({desk.origin})", "ok"),
    )


def _journal(place: Site) -> Finding:
    broken = place.journal.broken()
    shelf = place.folder.cluster(place.facts.uid, place.facts.name)
    where = f"PruningPlan objects and in {shelf.journal}" if place.offers else str(shelf.journal)
    found = f"{len(place.journal.records())} plans acted on, in {where}"
    return Finding("Journal", found, "limited" if broken else "ok", " ".join(broken))


def _found(topology: Topology) -> tuple[Finding, ...]:
    source = topology.snapshot.source
    pods = sum(len(one.pods) for one in topology.workloads.values())
    cluster = f"{source.cluster_name} ({source.server_version}), {len(topology.workloads)} workloads, {pods:,} pods"
    zones = "zones not known" if topology.objects.blind("Node") else count(len(topology.zones), "zone")
    metrics = [
        source.prometheus,
        source.prometheus_version or "version unknown",
        f"retention {source.retention or 'not told'}",
    ]
    metrics.append(f"scrape {source.scrape_seconds:g} s" if source.scrape_seconds else "scrape interval not told")
    return (
        Finding("Cluster", f"{cluster}, {zones}", "ok"),
        Finding("Prometheus", ", ".join(metrics), "ok"),
    )


def _mesh(topology: Topology, told: tuple[Finding, ...]) -> tuple[Finding, ...]:
    source = topology.snapshot.source
    workloads = topology.workloads.values()
    sidecars, meshed = sum(one.sidecar for one in workloads), sum(one.meshed for one in workloads)
    versions = ", ".join(source.istiod)
    mesh = f"Istio {versions or 'of unknown version'}, sidecars in {sidecars} of {len(workloads)} workloads"
    if sidecars < meshed:
        mesh += f"; {meshed - sidecars} {'carries' if meshed - sidecars == 1 else 'carry'} the proxy of another mesh"
    if bare := len(workloads) - meshed:
        mesh += f"; {bare} {'has' if bare == 1 else 'have'} none, and no traffic that could be seen"
    advice = "" if source.istiod else "Without istiod's version routes are kept: scrape istio_build of istiod."
    return (Finding("Mesh", mesh, "ok" if source.istiod else "limited", advice), *told)


def _clocks(source: Source, server_ahead: float | None) -> tuple[Finding, ...]:
    """Whether the clocks of Prometheus and of the API server are ours."""
    dated = ("its objects are dated later than now", "its objects are dated before they were made")
    told = (metrics_skew(source.prometheus, source.ahead), skew("the API server", server_ahead, dated))
    if any(told):
        return tuple(_doubt("Clocks", one) for one in told if one)
    clocks = {"Prometheus": source.ahead, "the API server": server_ahead}
    known = [name for name, ahead in clocks.items() if ahead is not None]
    agree = f"{', '.join(known)} and this machine agree within a minute"
    return (Finding("Clocks", agree if known else "nobody dated a reply, so they were not compared", "ok"),)


def _doubt(subject: str, told: str) -> Finding:
    found, _, remedy = told.partition("; ")
    return Finding(subject, found, "limited", f"{remedy[:1].upper()}{remedy[1:]}.")


def _sight(topology: Topology, policy: PruningPolicy) -> tuple[Finding, ...]:
    """What could not be read, and the retention; clocks have a finding of their own."""
    source, window = topology.snapshot.source, policy.spec.observation.window
    known = doubts(source, window)
    short = short_retention(source, window)
    return (
        *sight([spot for spot in topology.snapshot.blind_spots if spot.reason not in known]),
        *((_doubt("Retention", short),) if short else ()),
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
    if heard.size and heard[0]:
        text += f" (first heard {activity.window.moment(int(heard[0])):%d %b %Y %H:%M} UTC)"
    if present >= needed:
        return Finding("Window", text, "ok")
    ready = topology.snapshot.taken_at + (needed - present)
    return Finding("Window", f"{text}; ready to prune on {ready:%d %B}", "limited", "Until then plans are refused.")


def _owners(topology: Topology) -> Finding:
    others = [one.owner for one in topology.workloads.values() if not one.owner.act]
    counts = Counter((one.code, one.verdict) for one in others if one.code != "not-scalable")
    if not counts:
        return Finding("Owners", "no autoscaler, GitOps tool, Helm or operator owns a replica count", "ok")
    owned = ", ".join(f"{code} {number} ({verdict})" for (code, verdict), number in sorted(counts.items()))
    follows = "These are named in plans and never written; microglia propose writes patches where it says propose."
    return Finding("Owners", f"counts owned by others: {owned}", "ok", follows)
