"""``/metrics``: what the agent decides and does. Names and units follow the Prometheus conventions."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from microglia import __version__
from microglia.cycle import Rehearsal
from microglia.guard.verdict import Verdict
from microglia.lifecycle.states import Phase
from microglia.plan.change import Change
from microglia.plan.history import History, Record
from microglia.plan.standing import standing
from microglia.policy.schema import Resource
from microglia.protect.ledger import Protection, Protections
from microglia.score.scores import Evidence, Scores, columns
from microglia.verify.clear import Refused

PREFIX: Final = "microglia"
UNITS: Final[Mapping[Resource, str]] = {
    "cpu": "cpu_cores",
    "memory": "memory_bytes",
    "proxyConfig": "proxy_config_bytes",
    "replicas": "replicas",
    "money": "money",
}
"""How each resource is called in a metric's name; money is in the policy's currency per month."""
_MEASURES: Final[Mapping[str, str]] = {
    "present": "there is now",
    "load_bearing": "is load-bearing: never competes",
    "budget": "the budget allows",
    "kept": "the selection keeps",
    "excess": "exceeds what the selection keeps",
}
_STEPS: Final = (0.005, 0.02, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
_ONE: Final = ("structure",)
_only_what_was_asked: Callable[[], None] = disable_created_metrics


class Metrics:
    """Every metric of one process. Gauges tell the newest lap of a structure; counters count since the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        _only_what_was_asked()
        self.registry = registry
        self.laps = self._counter("laps", "Laps ended, by result: cleared, empty, refused or failed.", "result")
        self.lap_end = self._gauge("lap_end_timestamp_seconds", "When the newest lap ended that did not fail.")
        self.steps = Histogram(
            f"{PREFIX}_step_duration_seconds", "How long each step of a lap took.", ("structure", "step"),
            buckets=_STEPS, registry=registry,
        )  # fmt: skip
        self.elements = self._gauge(
            "elements", "Elements, by kind and by what is proven of their use.", "kind", "evidence"
        )
        self.protections = self._gauge("protections", "Protections in force, by the rule that made them.", "rule")
        self.accounts = {
            (resource, measure): self._gauge(f"{measure}_{unit}", f"Of this resource, what {words}.")
            for measure, words in _MEASURES.items()
            for resource, unit in UNITS.items()
        }
        self.price = self._gauge(
            "shadow_price_requests_per_second",
            "Requests at risk that one more unit (core, byte, replica, currency a month) would save.", "resource",
        )  # fmt: skip
        self._of_deeds()
        self._of_memory()
        self._of_process(registry)

    def _of_deeds(self) -> None:
        self.planned = self._gauge("planned_changes", "Changes in the newest plan.", "kind", "purpose")
        self.pruned = self._counter("pruned_changes", "Changes that took something, written by this process.", "kind")
        self.regrown = self._counter("regrown_changes", "Changes that gave back, written by this process.", "kind")
        self.unwritten = self._counter("unwritten_changes", "Planned changes that did not happen.", "state")
        self.refusals = self._counter("refusals", "A gate's no to a plan or to one of its changes.", "gate")
        self.harms = self._counter("harms", "Changes that guard ordered back, by the kind of change.", "kind")
        self.owed = self._gauge("owed_changes", "Changes that hurt and that only Git can give back.")
        self.blind = self._gauge("blind_spots", "Kinds and metric replies that could not be read.")

    def _of_memory(self) -> None:
        self.phase = self._gauge("phase", "1 for the phase that the structure is in, else 0.", "phase")
        self.round = self._gauge("round", "The round of pruning, 0 outside.")
        self.records = self._gauge("journal_records", "Plans in the journal, by how they ended.", "state")
        self.watched = self._gauge("watched_changes", "Changes under watch.")
        self.standing = self._gauge("standing_changes", "Changes that took something and were not given back.")
        self.surprises = self._gauge("journal_surprises", "Writes of unknown outcome and records that cannot be read.")
        self.orphaned = self._gauge(
            "orphaned_changes", "Changes in force whose policy is gone or cannot be read; guarded all the same."
        )
        self.policy_valid = self._gauge("policy_valid", "1 when the policy could be read, else 0.")

    def _of_process(self, registry: CollectorRegistry) -> None:
        self.leader = Gauge(f"{PREFIX}_leader", "1 while this process leads.", registry=registry)
        self.queries = Counter(
            f"{PREFIX}_prometheus_queries", "Queries sent to Prometheus, by outcome.", ("outcome",), registry=registry
        )
        self.query_time = Histogram(
            f"{PREFIX}_prometheus_query_duration_seconds", "How long Prometheus took to answer one query.",
            buckets=_STEPS, registry=registry,
        )  # fmt: skip
        self.samples = Counter(
            f"{PREFIX}_prometheus_samples", "Samples that Prometheus sent in its replies.", registry=registry
        )
        Info(f"{PREFIX}_build", "The version that runs.", registry=registry).info({"version": __version__})

    def _gauge(self, name: str, words: str, *labels: str) -> Gauge:
        return Gauge(f"{PREFIX}_{name}", words, (*_ONE, *labels), registry=self.registry)

    def _counter(self, name: str, words: str, *labels: str) -> Counter:
        return Counter(f"{PREFIX}_{name}", words, (*_ONE, *labels), registry=self.registry)

    def decided(self, rehearsal: Rehearsal) -> None:
        """What one lap found out and what it would do."""
        name, grounds = rehearsal.policy.metadata.name, rehearsal.grounds
        for step, seconds in rehearsal.seconds.items():
            self.steps.labels(name, step).observe(seconds)
        for (kind, evidence), count in elements(grounds.scores).items():
            self.elements.labels(name, kind, evidence).set(count)
        _replace(self.protections, name, by_rule(grounds.protections))
        found = {account.resource: account for account in grounds.selection.accounts}
        for (resource, measure), gauge in self.accounts.items():
            if resource in found:
                gauge.labels(name).set(getattr(found[resource], measure))
        _replace(self.price, name, {str(one): account.price / 3600 for one, account in found.items()})
        _replace(self.planned, name, planned(rehearsal.plan.changes, rehearsal.plan.purpose))
        self.blind.labels(name).set(len(grounds.topology.snapshot.blind_spots))
        if isinstance(rehearsal.checked, Refused):
            for refusal in rehearsal.checked.refusals:
                self.refusals.labels(name, refusal.gate).inc()
        for phase in Phase:
            self.phase.labels(name, phase.value).set(phase is rehearsal.state.phase)
        self.round.labels(name).set(rehearsal.state.round)
        for verdict in rehearsal.verdicts:
            if verdict.verdict == "Regrow" and _news(verdict, grounds.history):
                self.harms.labels(name, _kind(verdict.element)).inc()
        self.remembered(name, grounds.history)

    def remembered(self, name: str, history: History) -> None:
        """The state of the journal."""
        _replace(self.records, name, Tally(ending(record) for record in history.records))
        in_force = standing(history)
        self.standing.labels(name).set(len(in_force))
        self.watched.labels(name).set(sum(one.watched for one in in_force))
        self.surprises.labels(name).set(len(history.surprises))

    def orphan(self, name: str, history: History, verdicts: Iterable[Verdict]) -> None:
        """What is in force under a policy that gets no laps, and what guard just said of it."""
        self.orphaned.labels(name).set(len(standing(history)))
        self.remembered(name, history)
        known = {record.id: record for record in history.records}
        for one in verdicts:
            before = known[one.record].verdict(one.index)
            if one.verdict == "Regrow" and (before is None or before.verdict != "Regrow"):
                self.harms.labels(name, _kind(one.element)).inc()

    def written(self, record: Record) -> None:
        """What one plan did."""
        name = record.plan.structure
        for step in record.steps:
            change = record.plan.changes[step.index]
            if step.state != "done":
                self.unwritten.labels(name, step.state).inc()
            elif change.widens:
                self.regrown.labels(name, change.kind).inc()
            else:
                self.pruned.labels(name, change.kind).inc()

    def forget(self, name: str) -> None:
        """A policy is gone: what it last said is no longer true."""
        for gauge in vars(self).values():
            if isinstance(gauge, Gauge) and gauge is not self.leader:
                _replace(gauge, name, {})
        for account in self.accounts.values():
            _replace(account, name, {})


def elements(scores: Scores) -> dict[tuple[str, str], int]:
    """Replicas (one per workload) and hosts a client may reach, by evidence; zeroes too."""
    found: Tally[tuple[str, str]] = Tally()
    routes = columns(scores.routes)
    for evidence in Evidence:
        found["replica", evidence.value] = sum(one.judged.evidence is evidence for one in scores.replicas.values())
        found["route", evidence.value] = int(routes.copies[routes.having(evidence)].sum())
    return dict(found)


def by_rule(protections: Protections) -> dict[str, int]:
    """How many protections each rule made."""
    held: tuple[Mapping[Any, Sequence[Protection]], ...] = (
        protections.workloads,
        protections.clients,
        protections.hosts,
        protections.routes,
    )
    return dict(Tally(one.rule for ledger in held for found in ledger.values() for one in found))


def planned(changes: Iterable[Change], purpose: str) -> dict[tuple[str, str], int]:
    """How many changes of each kind."""
    return dict(Tally((change.kind, purpose) for change in changes))


def ending(record: Record) -> str:
    """open, done, partial (something did not happen), nothing (nothing happened) or restored."""
    if record.finished is None:
        return "open"
    if record.restored_by:
        return "restored"
    done = len(record.done())
    return "done" if done == len(record.steps) else "partial" if done else "nothing"


def _news(verdict: Verdict, history: History) -> bool:
    """Whether it was not ordered back before; ``history`` carries this lap's verdicts too."""
    record = next(one for one in history.records if one.id == verdict.record)
    words = [one for one in record.judgements if (one.index, one.verdict) == (verdict.index, "Regrow")]
    return len(words) == 1


def _kind(element: str) -> str:
    return "scale" if element.startswith("replica:") else "sidecar"


def _replace(gauge: Gauge, name: str, values: Mapping[str, float] | Mapping[tuple[str, str], float]) -> None:
    """The gauge's children of one structure become exactly ``values``: what is gone must not be told any more."""
    kept = {(name, *((key,) if isinstance(key, str) else key)): value for key, value in values.items()}
    stale = {
        labels
        for metric in gauge.collect()
        for sample in metric.samples
        if (labels := tuple(sample.labels.values()))[:1] == (name,)
    }
    for labels in stale - set(kept):
        gauge.remove(*labels)
    for labels, value in kept.items():
        gauge.labels(*labels).set(value)
