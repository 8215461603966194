"""The cluster writer: each change is read again, compared, written with what was read, and looked at."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from microglia.act.lowering import Lowering
from microglia.act.patience import Patience
from microglia.act.scaling import Scaling
from microglia.act.sidecars import Scoping
from microglia.act.traces import Traces
from microglia.model.ports import WritableCluster
from microglia.plan.change import Change, MinimumChange, RemoveChange, ScaleChange, SidecarChange
from microglia.plan.history import Step

NEVER: Final = Step(
    index=0, state="failed", message="microglia never removes an object from a cluster, it only proposes that"
)


@dataclass(frozen=True, slots=True)
class ClusterWriter:
    """``plan.ports.Writer`` over a live cluster."""

    cluster: WritableCluster
    patience: Patience = field(default_factory=Patience)
    _traces: Traces = field(default_factory=Traces)

    def write(self, change: Change) -> Step:
        """Do it, with its preconditions. Never raises for what the world may do."""
        return NEVER if isinstance(change, RemoveChange) else self._hand(change).write()

    def look(self, change: Change) -> Step:
        """Compare the cluster with the change's before and after."""
        return NEVER if isinstance(change, RemoveChange) else self._hand(change).look()

    def tidy(self, changes: Sequence[Change]) -> None:
        """Take the victim marks of interrupted ``changes`` off pods that are still there."""
        for change in changes:
            if isinstance(change, ScaleChange):
                self._scaling(change).tidy()

    def _hand(self, change: ScaleChange | MinimumChange | SidecarChange) -> Scaling | Lowering | Scoping:
        if isinstance(change, MinimumChange):
            return Lowering(self.cluster, change, self.patience)
        if isinstance(change, ScaleChange):
            return self._scaling(change)
        return Scoping(self.cluster, change, self.patience, self._traces)

    def _scaling(self, change: ScaleChange) -> Scaling:
        return Scaling(self.cluster, change, self.patience, self._traces)
