"""Own Istio Sidecars: created, replaced and deleted, and never anybody else's."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from microglia.act.attempt import Attempt, seen
from microglia.act.patience import Patience
from microglia.act.traces import Traces
from microglia.model.kinds import BY_NAME
from microglia.model.objects import Raw, at
from microglia.model.ports import WritableCluster
from microglia.plan.change import SidecarChange
from microglia.plan.history import Step
from microglia.plan.sidecar import HIDES, allowed, edited, hidden, plain, spaces
from microglia.topology.sidecars import ours

_SIDECAR = BY_NAME["Sidecar"]


@dataclass(frozen=True, slots=True)
class Scoping:
    """Writes one SidecarChange."""

    cluster: WritableCluster
    change: SidecarChange
    patience: Patience
    traces: Traces

    def write(self) -> Step:
        """Cut only what is exactly as planned; show whatever can be shown."""
        once = self._show if self.change.widens else self._cut
        return Attempt(once, self.look, self.patience).carry_out()

    def look(self) -> Step:
        """The whole object decides: equal to *after* is done, equal to *before* is pending, else a surprise."""
        return seen(self._look)

    def _look(self) -> Step:
        change, there = self.change, self._there()
        body = None if there is None else plain(there)
        if body == _plain(change.after):
            return Step(index=0, state="done")
        if body == _plain(change.before):
            return Step(index=0, state="pending")
        return _surprise(f"{self._name} is neither as before nor as planned; compare it with the plan")

    def _cut(self) -> Step:
        change = self.change
        kind = BY_NAME[change.id.kind]
        client = self.cluster.read(kind, change.id.namespace, change.id.name)
        if client is None:
            return _surprise("the client workload is gone")
        if at(client, "metadata", "uid") != change.uid:
            return _surprise("the client workload was replaced by another object of the same name; plan again")
        if not self.traces.same(client, change.digest):
            return _surprise("the client workload changed since it was planned (template, selector, count, marks or "
                             "owner); plan again")  # fmt: skip
        there = self._there()
        if there is not None and not ours(there):
            return self._foreign()
        if (None if there is None else plain(there)) != _plain(change.before):
            return _surprise(f"{self._name} changed since it was planned; plan again")
        self._put(there, change.after)
        return Step(index=0, state="done")

    def _show(self) -> Step:
        change, there = self.change, self._there()
        if there is None:
            return Step(index=0, state="done", message=f"{self._name} is not there: nothing is hidden; nothing written")
        if not ours(there):
            return self._foreign()
        if plain(there) == _plain(change.after):
            return Step(index=0, state="done", message=f"{self._name} is so already; nothing was written")
        if change.after is None or plain(there) == _plain(change.before):
            self._put(there, change.after)
            return Step(index=0, state="done")
        shown = reveal(plain(there), change.shown)
        # One that hides nothing any more goes, unless somebody put something of theirs into it.
        self._put(there, shown if hidden(shown) or edited(there) else None)
        return Step(index=0, state="done", message=f"{self._name} had changed: only its exclusions were lifted")

    def _put(self, there: Raw | None, body: Mapping[str, Any] | None) -> None:
        if body is None and there is not None:
            self.cluster.delete(_SIDECAR, there)
        elif body is not None and there is None:
            self.cluster.create(_SIDECAR, body)
        elif body is not None and there is not None:
            identity = {key: at(there, "metadata", key) for key in ("uid", "resourceVersion")}
            self.cluster.replace(_SIDECAR, {**body, "metadata": {**body["metadata"], **identity}})

    def _there(self) -> Raw | None:
        return self.cluster.read(_SIDECAR, self.change.namespace, self.change.name)

    def _foreign(self) -> Step:
        return _surprise(f"{self._name} is not microglia's (no label app.kubernetes.io/managed-by: microglia); "
                         "it is left alone, ask its owner")  # fmt: skip

    @property
    def _name(self) -> str:
        return f"Sidecar {self.change.namespace}/{self.change.name}"


def reveal(body: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    """``body`` without the exclusions (``~namespace/host``) of ``hosts``; an allow-list names their namespaces."""
    widened: dict[str, Any] = copy.deepcopy(dict(body))
    if allowed(body) is not None:
        listener = widened["spec"]["egress"][0]
        listener["hosts"] = sorted({*listener["hosts"], *(f"{one}/*" for one in spaces(hosts))})
        rest = (one for one in hidden(body) if not spaces([one]) <= spaces(hosts))
        widened["metadata"]["annotations"][HIDES] = ",".join(f"{min(spaces([one]))}/{one}" for one in rest)
        return widened
    for listener in at(widened, "spec", "egress", default=[]):
        listener["hosts"] = [one for one in listener.get("hosts", []) if not _hides(one, hosts)]
    return widened


def _hides(entry: str, hosts: Sequence[str]) -> bool:
    return entry.startswith("~") and entry.partition("/")[2] in hosts


def _plain(body: Raw | None) -> dict[str, Any] | None:
    return None if body is None else plain(body)


def _surprise(message: str) -> Step:
    return Step(index=0, state="surprise", message=message)
