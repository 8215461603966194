"""Is it the same world, and is everything in it still ours to write?"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

from microglia.model.doubts import SKEW, metrics_skew
from microglia.model.ids import ObjectRef
from microglia.model.objects import Raw, name_of, namespace_of
from microglia.model.units import show_duration
from microglia.plan.change import Change, MinimumChange, RemoveChange, ScaleChange, SidecarChange, decision_digest
from microglia.plan.sidecar import allowed, body, hidden, plain, selector_of, sidecar_name
from microglia.topology.claims.delivery import delivered_by
from microglia.topology.nodes import Workload
from microglia.verify.facts import Facts
from microglia.verify.gate import Objection
from microglia.verify.minimum import changed, least_now, theirs
from microglia.verify.silence import silence

SNAPSHOT_LASTS: Final = timedelta(minutes=15)
"""Facts older than this are not fresh."""
PLAN_LASTS: Final = timedelta(hours=24)
"""A plan older than this was made on another window."""
_ANEW: Final = "make a new plan: microglia plan"


def cluster(facts: Facts) -> Iterator[Objection]:
    """The uid of ``kube-system`` is the same, and known."""
    source, planned = facts.topology.snapshot.source, facts.plan.cluster
    if not source.cluster:
        yield Objection(
            -1,
            source.cluster_name,
            "nobody can tell which cluster this is: the namespace kube-system may not be read; grant get on it",
        )
    elif planned != source.cluster:
        yield Objection(
            -1,
            source.cluster_name,
            f"the plan was made for the cluster {planned or '(unknown)'}, this is {source.cluster}; check --context",
        )


def same_objects(facts: Facts) -> Iterator[Objection]:
    """Each workload exists under the uid that the plan saw."""
    for index, change, workload in facts.changes:
        if isinstance(change, RemoveChange):
            continue  # the gate for rare kinds looks for it
        if workload is None:
            yield Objection(index, change.workload, f"it does not exist any more; {_ANEW}")
        elif not workload.uid:
            yield Objection(
                index,
                change.workload,
                f"its {change.id.kind} could not be read, so nobody can tell whether it is still the one of the"
                " plan; allow get and list on it: microglia doctor says what else is missing",
            )
        elif workload.uid != change.uid:
            yield Objection(
                index,
                change.workload,
                f"it was deleted and created anew since the plan was made (uid {change.uid}, now {workload.uid});"
                f" {_ANEW}",
            )


def ownership(facts: Facts) -> Iterator[Objection]:
    """Nobody else decides the count of a workload that is scaled, or delivers a Sidecar that is written; what is
    proposed in Git may be anybody's who reads it from files."""
    git = facts.plan.way == "git"
    sidecars = {(namespace_of(raw), name_of(raw)): raw for raw in facts.topology.objects.of("Sidecar")}
    for index, change, workload in facts.changes:
        if isinstance(change, SidecarChange):
            present = sidecars.get((change.namespace, change.name))
            deliverer = delivered_by(ObjectRef("Sidecar", change.namespace, change.name), present) if present else None
            if deliverer and not git:
                why = f"{deliverer.name} delivers its Sidecar ({deliverer.evidence}); {deliverer.remedy}"
                yield Objection(index, change.workload, why)
        elif isinstance(change, MinimumChange):
            why_not = theirs(change, workload, git=git) if workload else ""
            if why_not:
                yield Objection(index, change.workload, why_not)
        elif workload and not (workload.owner.act or (git and workload.owner.declared)):
            owner = workload.owner
            yield Objection(
                index,
                change.workload,
                f"{owner.name} owns its replica count ({owner.evidence}); {owner.remedy}, or give it up there first",
            )


def direction(facts: Facts) -> Iterator[Objection]:
    """A plan that restores or regrows lowers no count and hides no host."""
    if facts.plan.purpose == "prune":
        return
    for index, change, workload in facts.changes:
        if workload and _takes(change, workload):
            yield Objection(
                index, change.workload, f"a plan to {facts.plan.purpose} may only give back, this change takes; {_ANEW}"
            )


def _takes(change: Change, workload: Workload) -> bool:
    if isinstance(change, MinimumChange):
        return change.after < least_now(change, workload)
    if not isinstance(change, SidecarChange):
        return isinstance(change, RemoveChange) or change.after < workload.replicas
    # What it says and what it would write: this gate alone compares them in a plan that gives back.
    before, after = allowed(change.before), allowed(change.after)
    lets_in = after is None or (before is not None and {*before.namespaces} <= {*after.namespaces})
    return bool(change.cut) or not lets_in or not set(hidden(change.after)) <= set(hidden(change.before))


def form(facts: Facts) -> Iterator[Objection]:
    """Each object is written once; a Sidecar hides what its change says, no more and no less."""
    seen: set[str] = set()
    for index, change, _ in facts.changes:
        if change.element in seen:
            yield Objection(
                index, change.workload, f"the plan writes it twice, so the second write rests on old facts; {_ANEW}"
            )
        seen.add(change.element)
        if isinstance(change, SidecarChange) and not _as_said(change):
            yield Objection(
                index, change.workload, f"its Sidecar would not hide what the plan lists; was it edited? {_ANEW}"
            )


def _as_said(change: SidecarChange) -> bool:
    wanted = (set(hidden(change.before)) | set(change.cut)) - set(change.shown)
    if change.after is None:
        return not wanted
    drawn = body(change.id, selector_of(change.after), wanted, allowed(change.after))
    named = (change.namespace, change.name) == (change.id.namespace, sidecar_name(change.id))
    return named and drawn == change.after


def freshness(facts: Facts) -> Iterator[Objection]:
    """The facts were taken just now, metrics still come in, and the plan was made today."""
    taken, made, now = facts.topology.snapshot.taken_at, facts.plan.made_at, facts.now
    yield from silence(facts)
    if now - taken > SNAPSHOT_LASTS:
        yield Objection(
            -1,
            "snapshot",
            f"the cluster was looked at {show_duration(now - taken)} ago; at most {show_duration(SNAPSHOT_LASTS)} may"
            " have passed; look again",
        )
    if now - made > PLAN_LASTS:
        yield Objection(
            -1,
            facts.plan.id,
            f"the plan is {show_duration(now - made)} old, at most {show_duration(PLAN_LASTS)} are allowed; {_ANEW}",
        )


def clock(facts: Facts) -> Iterator[Objection]:
    """The clocks of Prometheus and of this machine agree; no call that was seen, and neither the snapshot nor the plan,
    is dated later than now.

    Objects' own dates are not asked: how old something is, metrics say.
    """
    snapshot, limit = facts.topology.snapshot, facts.now + SKEW
    edges = snapshot.activity.edges.last
    latest = float(np.nanmax(edges, initial=-np.inf)) if np.isfinite(edges).any() else 0.0
    told = metrics_skew(snapshot.source.prometheus, snapshot.source.ahead)
    if told and facts.takes:
        yield Objection(-1, "clocks", told)
    dates = [
        ("whoever dated the snapshot", snapshot.taken_at),
        ("whoever dated the plan", facts.plan.made_at),
        ("Prometheus, which dates the last call", datetime.fromtimestamp(latest, UTC)),
    ]
    for who, when in dates:
        if when > limit:
            yield Objection(
                -1,
                "clocks",
                f"{who}, is {show_duration(when - facts.now)} ahead of this clock; at most {show_duration(SKEW)} may"
                " lie between two clocks: synchronise them (NTP)",
            )


def moved(facts: Facts) -> Iterator[Objection]:
    """What the decision read is as it was: count, selector, template, marks, owner; and our own Sidecar."""
    sidecars = {(namespace_of(raw), name_of(raw)): raw for raw in facts.topology.objects.of("Sidecar")}
    for index, change, workload in facts.changes:
        if workload is None or workload.uid != change.uid:
            continue  # another gate says so
        if isinstance(change, MinimumChange):
            why = changed(change, workload)
            if why:
                yield Objection(index, change.workload, f"{why}; {_ANEW}")
            continue
        if isinstance(change, ScaleChange) and change.before != workload.replicas:
            yield Objection(
                index, change.workload, f"it has {workload.replicas} replicas, the plan saw {change.before}; {_ANEW}"
            )
        elif change.digest != decision_digest(workload.raw):
            yield Objection(
                index,
                change.workload,
                f"its selector, template, marks, labels or owner changed since the plan was made; {_ANEW}",
            )
        if isinstance(change, SidecarChange):
            present = sidecars.get((change.namespace, change.name))
            if (plain(present) if present else None) != change.before:
                ref = ObjectRef("Sidecar", change.namespace, change.name)
                yield Objection(index, change.workload, f"{ref} {_now(present)} since the plan was made; {_ANEW}")


def _now(present: Raw | None) -> str:
    return "appeared or changed" if present else "disappeared"
