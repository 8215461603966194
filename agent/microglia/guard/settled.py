"""Changes about which there is nothing left to judge, or which must go for a reason that is no signal."""

from collections import Counter

from microglia.guard.verdict import Verdict
from microglia.guard.watch import Watch
from microglia.model.objects import at
from microglia.plan.change import CountChange, MinimumChange, ScaleChange
from microglia.plan.eligible import foreign_sidecars, own_sidecars
from microglia.plan.sidecar import hidden
from microglia.topology.graph import Topology
from microglia.topology.levers import least_of


def settled(watch: Watch, topology: Topology) -> Verdict | None:
    """The verdict on a change that the world has overtaken; None for one that is to be judged by its signals."""
    overtaken = _gone(watch, topology) or _given_back(watch, topology) or _ordered(watch)
    return overtaken or _misplaced(watch, topology) or _shadowed(watch, topology)


def _gone(watch: Watch, topology: Topology) -> Verdict | None:
    workload = topology.workloads.get(watch.workload)
    if workload is None:
        if topology.objects.blind(watch.workload.kind):
            return watch.says("Wait", f"{watch.workload.kind}s cannot be read; microglia doctor says why")
        return watch.says("Keep", "the workload does not exist any more: there is nothing to watch")
    if workload.uid != watch.standing.change.uid:
        return watch.says("Keep", "the workload was deleted and made anew: its shape is somebody's new decision")
    return None


def _given_back(watch: Watch, topology: Topology) -> Verdict | None:
    change = watch.standing.change
    if isinstance(change, MinimumChange):
        return _raised(watch, change, topology)
    if isinstance(change, ScaleChange):
        count = topology.workloads[watch.workload].replicas
        back = count >= change.before
        return watch.says("Keep", f"somebody scaled it back: it has {count} replicas") if back else None
    if topology.objects.blind("Sidecar"):
        return watch.says("Wait", "Sidecars cannot be read; microglia doctor says why")
    if not set(change.cut) & set(hidden(own_sidecars(topology.objects).get(watch.workload))):
        return watch.says("Keep", "somebody showed the hosts again: no Sidecar of microglia's hides them")
    return None


def _raised(watch: Watch, change: MinimumChange, topology: Topology) -> Verdict | None:
    if topology.objects.blind(change.scaler):
        return watch.says("Wait", f"{change.scaler}s cannot be read; microglia doctor says why")
    scaler = topology.objects.one(change.ref)
    if scaler is None or at(scaler, "metadata", "uid") != change.scaler_uid:
        return watch.says("Keep", f"{change.ref} is gone or made anew: its minimum is somebody's new decision")
    least = least_of(scaler, change.scaler)
    return (
        watch.says("Keep", f"somebody raised it back: {change.ref} keeps {least}") if least >= change.before else None
    )


def _ordered(watch: Watch) -> Verdict | None:
    judgement = watch.standing.judgement
    if judgement is None or judgement.verdict != "Regrow":
        return None
    return watch.says("Regrow", judgement.why, judgement.figures, watch.elements)


def _misplaced(watch: Watch, topology: Topology) -> Verdict | None:
    """A step whose writer was interrupted before it looked at the placement is looked at here. One that was merged in
    Git had no victims: where its pods lie now is what need is worked out from."""
    one, workload = watch.standing, topology.workloads[watch.workload]
    change = one.change
    looked = bool(one.record.steps[one.index].placement) or not one.watched or one.record.plan.way == "git"
    if not isinstance(change, ScaleChange) or looked or workload.in_flight:
        return None
    zones = Counter(pod.zone for pod in workload.pods)
    worse = ", ".join(
        f"zone {zone} has {zones[zone]} pods instead of {count}"
        for zone, count in sorted(change.expected.items())
        if zone and zones[zone] < count
    )
    if not worse:
        return None
    return watch.says("Regrow", f"the write was interrupted, and the pods came out worse than planned: {worse}")


def _shadowed(watch: Watch, topology: Topology) -> Verdict | None:
    if isinstance(watch.standing.change, CountChange):
        return None
    foreign = foreign_sidecars(topology, watch.workload, own_sidecars(topology.objects))
    if not foreign:
        return None
    return watch.says("Regrow", f"{foreign} applies to its pods now, and microglia never shadows it")
