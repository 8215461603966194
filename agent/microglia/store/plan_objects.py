"""PruningPlan objects: read with care, written with preconditions."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from microglia.model.objects import Raw, at, name_of
from microglia.model.ports import (
    AbsentError,
    ConflictError,
    ForbiddenError,
    GoneError,
    ObjectStore,
    UnreadableError,
)
from microglia.plan.document import Plan
from microglia.plan.history import Record
from microglia.plan.object import PLAN_KIND, PlanStatus, PruningPlan, newer, plan_object, status_of, waiting_status
from microglia.store.files import StoreError

TRIES = 5
"""Reads and writes of one change until it counts as contested."""
_REMEDY = "bring it back from a backup, or compare the cluster by hand with what it says and then delete it"


class PlanObjects:
    """The PruningPlans of a cluster. Raises StoreError; ``delete`` also ConflictError."""

    def __init__(self, objects: ObjectStore, clock: Callable[[], datetime]) -> None:
        self._objects = objects
        self.clock = clock

    def all(self) -> tuple[tuple[PruningPlan, ...], tuple[str, ...]]:
        """Every readable one by name, and a sentence for each that is not."""
        with told(PLAN_KIND.plural):
            raws = sorted(self._objects.objects(PLAN_KIND), key=name_of)
        found, broken = [], []
        for raw in raws:
            try:
                found.append(_read(raw))
            except StoreError as error:
                broken.append(str(error))
        return tuple(found), tuple(broken)

    def ensure(self, plan: Plan) -> None:
        """There is an object of ``plan``."""
        try:
            body = plan_object(plan)
        except ValueError as error:
            raise StoreError(str(error)) from None
        with told(plan.id):
            try:
                self._objects.create(PLAN_KIND, body)
            except ConflictError:
                return

    def wait(self, plan_id: str) -> None:
        """Show that it waits, unless it was begun."""

        def waiting(raw: Raw) -> Raw | None:
            found = _read(raw)
            return None if found.begun else {**raw, "status": _dumped(waiting_status(found.spec))}

        self._change(plan_id, waiting, self._objects.replace_status)

    def tell(self, plan_id: str, change: Callable[[PruningPlan], Record]) -> Record:
        """Replace the status by that of the record which ``change`` makes of what is there; returns that record."""
        made: list[Record] = []

        def changed(raw: Raw) -> Raw:
            found = _read(raw)
            made.append(change(found))
            old = found.status.conditions if found.status else ()
            return {**raw, "status": _dumped(status_of(made[-1], old, self.clock()))}

        self._change(plan_id, changed, self._objects.replace_status)
        return made[-1]

    def word(self, plan_id: str, word: Callable[[PruningPlan], dict[str, Any]]) -> None:
        """Replace people's word on a plan that waits."""

        def said(raw: Raw) -> Raw:
            found = _read(raw)
            if found.begun:
                raise StoreError(f"{plan_id}: was begun already, so nobody's word on it counts any more; see it with: "
                                 "microglia status")  # fmt: skip
            spec = {name: value for name, value in raw["spec"].items() if name not in ("approval", "rejected")}
            return {**raw, "spec": {**spec, **word(found)}}

        self._change(plan_id, said, self._objects.replace)

    def delete(self, plan_id: str, *, waiting: datetime | None = None) -> None:
        """Delete it as it is now; if it was ``waiting`` at that moment: not begun, and no approval in force.
        Raises ConflictError when it changes."""
        with told(plan_id, conflicts=True):
            raw = self._objects.read(PLAN_KIND, "", plan_id)
            if raw is None or (waiting and _protected(_read(raw), waiting)):
                return
            self._objects.delete(PLAN_KIND, raw)

    def _change(self, plan_id: str, change: Callable[[Raw], Raw | None], write: Callable[[Any, Raw], Raw]) -> None:
        for _ in range(TRIES):
            with told(plan_id, conflicts=True):
                raw = self._objects.read(PLAN_KIND, "", plan_id)
                if raw is None:
                    raise StoreError(f"{plan_id}: there is no such PruningPlan in this cluster; see them with: "
                                     "microglia status")  # fmt: skip
                body = change(raw)
                try:
                    if body is not None:
                        write(PLAN_KIND, body)
                except ConflictError:
                    continue
                return
        raise StoreError(f"{plan_id}: somebody else kept changing it while it was to be written; look who it is "
                         "(metadata.managedFields), and try again")  # fmt: skip


def _read(raw: Raw) -> PruningPlan:
    name = name_of(raw)
    new = newer(raw)
    if new:
        raise StoreError(f"PruningPlan {name}: {new}")
    metadata = {"name": name}
    try:
        found = PruningPlan.model_validate(
            {**{key: raw.get(key) for key in ("apiVersion", "kind", "spec", "status")}, "metadata": metadata}
        )
        plan = found.spec.document()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        said = where.startswith(("spec.approval", "spec.rejected"))
        remedy = "set it to null with kubectl edit, and write all of it or nothing" if said else _REMEDY
        raise StoreError(f"PruningPlan {name}: is no plan: {where}: {first['msg']}; {remedy}") from None
    except ValueError as error:
        raise StoreError(f"PruningPlan {name}: {error}; {_REMEDY}") from None
    if plan.id != name:
        raise StoreError(f"PruningPlan {name}: holds {plan.id}; {_REMEDY}")
    if at(raw, "status") and len(found.status.steps if found.status else ()) not in (0, len(plan.changes)):
        raise StoreError(f"PruningPlan {name}: its receipt has not one step for each change; {_REMEDY}")
    return found


def _dumped(status: PlanStatus) -> dict[str, Any]:
    return status.model_dump(mode="json", by_alias=True, exclude_none=True)


@contextmanager
def told(what: str, *, conflicts: bool = False) -> Iterator[None]:
    """Turn what an API server answers about ``what`` into a StoreError; a conflict goes on with ``conflicts``."""
    try:
        yield
    except AbsentError as absent:
        raise StoreError(
            f"{what}: this cluster does not know the kind ({absent}); install the chart's CRDs"
        ) from absent
    except (ForbiddenError, GoneError, UnreadableError) as failure:
        raise StoreError(f"{what}: {failure}") from failure
    except ConflictError as conflict:
        if conflicts:
            raise
        raise StoreError(f"{what}: {conflict}; try again") from conflict


def _protected(found: PruningPlan, now: datetime) -> bool:
    return found.begun or found.offer().stage(now) == "approved"
