"""The minimum of an autoscaler: preconditions, the one field that is written, and what is found afterwards."""

from dataclasses import dataclass

from microglia.act.attempt import Attempt, seen
from microglia.act.patience import Patience
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at
from microglia.model.ports import WritableCluster
from microglia.plan.change import MinimumChange, minimum_digest
from microglia.plan.history import Step
from microglia.topology.levers import HPA, KEDA, claimed, least_of, lever_of


@dataclass(frozen=True, slots=True)
class Lowering:
    """Writes one MinimumChange. The autoscaler moves the count itself, in its own time."""

    cluster: WritableCluster
    change: MinimumChange
    patience: Patience

    def write(self) -> Step:
        """Set the minimum, with the autoscaler's uid and resourceVersion."""
        return Attempt(self._once, self.look, self.patience).carry_out()

    def look(self) -> Step:
        """The minimum decides: the planned one is done, the one before is pending, any other a surprise."""
        return seen(self._look)

    def _look(self) -> Step:
        change, raw = self.change, self._scaler()
        why = self._another(raw)
        if raw is None or why:
            return _surprise(why)
        least = least_of(raw, change.scaler)
        if least == change.after or (change.widens and least > change.after):
            return Step(index=0, state="done", message=f"its minimum is {least}")
        if least == change.before:
            return Step(index=0, state="pending", message=f"its minimum still is {least}")
        return _surprise(f"its minimum is {least}, neither {change.before} as before nor {change.after} as planned")

    def _once(self) -> Step:
        change, raw = self.change, self._scaler()
        why = self._another(raw)
        if raw is None or why:
            return _surprise(why)
        owner = claimed(change.ref, raw)
        if not owner.act:
            return _surprise(f"{owner.name} decides its minimum now ({owner.evidence}); ask for {change.after} there")
        least = least_of(raw, change.scaler)
        if change.widens and least >= change.after:
            return Step(index=0, state="done", message=f"its minimum already is {least}; nothing was written")
        moved = "" if change.widens else self._moved(raw, least)
        if moved:
            return _surprise(moved)
        spec = {**at(raw, "spec", default={}), change.field: change.after}
        self.cluster.replace(BY_NAME[change.scaler], {**raw, "spec": spec})
        return Step(index=0, state="done")

    def _moved(self, raw: Raw, least: int) -> str:
        change, target = self.change, self.change.id
        workload = self.cluster.read(BY_NAME[target.kind], target.namespace, target.name)
        if workload is None:
            return f"{change.workload} is gone; plan again"
        if least != change.before:
            return f"its minimum is {least} now, {change.before} when it was planned; plan again"
        if minimum_digest(workload, raw) != change.digest:
            return f"{change.ref} or its target changed since it was planned; plan again"
        stuck = lever_of(change.scaler, raw, hpa=self._made(raw)).stuck
        if stuck:
            return f"its minimum may not be lowered now: {stuck}"
        count = int(at(workload, "spec", "replicas", default=1))
        return "" if count == least else f"{change.ref} holds {count} replicas now, not its minimum of {least}"

    def _made(self, raw: Raw) -> Raw | None:
        """What KEDA made of a ScaledObject, by the name that it says or gives."""
        if self.change.scaler != KEDA:
            return None
        name = str(at(raw, "status", "hpaName", default=f"keda-hpa-{self.change.name}"))
        return self.cluster.read(BY_NAME[HPA], self.change.id.namespace, name)

    def _scaler(self) -> Raw | None:
        return self.cluster.read(BY_NAME[self.change.scaler], self.change.id.namespace, self.change.name)

    def _another(self, raw: Raw | None) -> str:
        if raw is None:
            return f"{self.change.ref} is gone; was it deleted or renamed?"
        if at(raw, "metadata", "uid") != self.change.scaler_uid:
            return f"{self.change.ref} was replaced by another object of the same name; plan again"
        return ""


def _surprise(message: str) -> Step:
    return Step(index=0, state="surprise", message=message)
