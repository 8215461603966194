"""A replica count, of a Deployment or a Rollout: preconditions, victims, and the placement that came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from microglia.act.attempt import Attempt, seen
from microglia.act.patience import Patience
from microglia.act.placement import mark, placement, pods_of, unmark
from microglia.act.traces import Traces
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at
from microglia.model.ports import ForbiddenError, UnreadableError, WritableCluster
from microglia.plan.change import ScaleChange
from microglia.plan.history import Step
from microglia.topology.owners import resolve
from microglia.topology.scalers import Scalers

_UNSEEN = Scalers({}, {}, ())
"""Autoscalers were looked for when the plan was cleared; here the object itself is asked."""


class WorldMovedError(Exception):
    """The object is not what the decision read; the message says how."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Writes one ScaleChange."""

    cluster: WritableCluster
    change: ScaleChange
    patience: Patience
    traces: Traces

    def write(self) -> Step:
        """Take or give replicas. A step that takes is followed by a look at the placement, and taken back if that is
        worse than planned."""
        if self.change.widens:
            return Attempt(self._widen, self.look, self.patience).carry_out()
        step = Attempt(self._narrow, self.look, self.patience).carry_out()
        try:
            return self._placed() if step.state == "done" else step
        finally:
            self._unmark()

    def look(self) -> Step:
        """The count decides: the planned one is done, the one before is pending, any other a surprise."""
        return seen(self._look)

    def tidy(self) -> None:
        """Take the marks off victims that are still there."""
        self._unmark()

    def _look(self) -> Step:
        change = self.change
        raw = self.cluster.read(BY_NAME[change.id.kind], change.id.namespace, change.id.name)
        if raw is None:
            return _surprise("it is gone")
        if at(raw, "metadata", "uid") != change.uid:
            return _surprise("it was replaced by another object of the same name")
        count = _count(raw)
        if count == change.after or (change.widens and count > change.after):
            return Step(index=0, state="done", message=f"it has {count} replicas")
        if count == change.before:
            return Step(index=0, state="pending", message=f"it still has {count} replicas")
        return _surprise(f"it has {count} replicas, neither {change.before} as before nor {change.after} as planned")

    def _widen(self) -> Step:
        return self._on_present(self._raise)

    def _raise(self, raw: Raw) -> Step:
        owned = _owned(raw, self.change, self.traces)
        if owned:
            return _surprise(owned)
        if _count(raw) >= self.change.after:
            return Step(index=0, state="done", message=f"it already has {_count(raw)} replicas; nothing was written")
        self._scale(raw, self.change.after)
        return Step(index=0, state="done")

    def _narrow(self) -> Step:
        return self._on_present(self._lower)

    def _lower(self, raw: Raw) -> Step:
        change = self.change
        owned = _owned(raw, change, self.traces)
        if owned or not self.traces.same(raw, change.digest):
            return _surprise(owned or _difference(raw, change))
        pods = pods_of(self.cluster, raw)
        # Read now what must be readable afterwards: a step whose outcome cannot be seen is not taken.
        placement(self.cluster, pods)
        mark(self.cluster, pods, change.victims)
        self._scale(raw, change.after)
        return Step(index=0, state="done")

    def _placed(self) -> Step:
        change = self.change
        try:
            raw = self._present()
            if not self.patience.until(lambda: len(pods_of(self.cluster, raw)) <= change.after):
                late = f"the controllers did not remove pods within {self.patience.controllers:g} s"
                return self._take_back("surprise", f"{late}; look at kube-controller-manager", {})
            now = placement(self.cluster, pods_of(self.cluster, raw))
        except WorldMovedError as moved:
            return _surprise(f"after the write {moved}")
        except (UnreadableError, ForbiddenError) as blind:
            return self._take_back("undone", f"the placement could not be read: {blind}", {})
        worse = now.short_of(change.expected)
        if worse:
            return self._take_back("undone", f"the pods came out worse than planned: {worse}", dict(now.zones))
        return Step(index=0, state="done", placement=dict(now.zones))

    def _take_back(self, state: Literal["surprise", "undone"], why: str, zones: dict[str, int]) -> Step:
        step = Attempt(self._give_back, self._given_back, self.patience).carry_out()
        if step.state == "done":
            message = f"{why}; set back to {self.change.before} replicas"
            return Step(index=0, state=state, message=message, placement=zones)
        if step.state in ("failed", "writing"):
            # In force, and not as planned: the next start finds it and says so.
            return Step(index=0, state="writing", message=f"{why}; could not be set back: {step.message}")
        return _surprise(f"{why}; then {step.message}")

    def _give_back(self) -> Step:
        def fill(raw: Raw) -> Step:
            if _count(raw) < self.change.before:
                self._scale(raw, self.change.before)
            return Step(index=0, state="done")

        return self._on_present(fill)

    def _given_back(self) -> Step:
        def enough(raw: Raw) -> Step:
            return Step(index=0, state="done" if _count(raw) >= self.change.before else "pending")

        return seen(lambda: self._on_present(enough))

    def _on_present(self, work: Callable[[Raw], Step]) -> Step:
        try:
            raw = self._present()
        except WorldMovedError as moved:
            return _surprise(str(moved))
        return work(raw)

    def _present(self) -> Raw:
        change = self.change
        raw = self.cluster.read(BY_NAME[change.id.kind], change.id.namespace, change.id.name)
        if raw is None:
            raise WorldMovedError("it is gone; was it deleted or renamed?")
        if at(raw, "metadata", "uid") != change.uid:
            raise WorldMovedError("it was replaced by another object of the same name; plan again")
        return raw

    def _scale(self, raw: Raw, replicas: int) -> None:
        # Noted first: the write may happen though its reply is lost.
        self.traces.note(raw, replicas)
        self.cluster.scale(raw, replicas, BY_NAME[self.change.id.kind])

    def _unmark(self) -> None:
        # A mark that stays only matters at the next scale-down, and the next apply looks for it again.
        try:
            unmark(self.cluster, self.change.id.namespace, self.change.victims)
        except (UnreadableError, ForbiddenError):
            return


def _count(raw: Raw) -> int:
    return int(at(raw, "spec", "replicas", default=1))


def _owned(raw: Raw, change: ScaleChange, traces: Traces) -> str:
    owner = resolve(change.id, raw, _UNSEEN)
    # An Application or HelmRelease that leaves counts alone was read when the plan was cleared, and its mark on the
    # object is in the digest; whoever else claims the count is not to be overruled.
    if owner.act or (owner.code in {"argocd", "flux"} and traces.same(raw, change.digest)):
        return ""
    return f"{owner.name} decides its count now ({owner.evidence}); ask for {change.after} replicas there"


def _difference(raw: Raw, change: ScaleChange) -> str:
    if _count(raw) != change.before:
        return f"it has {_count(raw)} replicas now, {change.before} when it was planned; plan again"
    return "its template, selector, labels, marks or owner changed since it was planned; plan again"


def _surprise(message: str) -> Step:
    return Step(index=0, state="surprise", message=message)
