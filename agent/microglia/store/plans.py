"""Saved plans, under their id or in a file of the user's choice."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from microglia.plan.document import FORMAT, Plan
from microglia.store.files import StoreError, seal, unseal, write
from microglia.store.folder import Folder


@dataclass(frozen=True, slots=True)
class Plans:
    """The plans in the state folder."""

    folder: Folder

    def save(self, plan: Plan) -> Path:
        """Keep it under its id; returns the file. Raises StoreError."""
        path = self.folder.plan(plan.id)
        export(plan, path)
        return path

    def load(self, which: str) -> Plan:
        """The plan with id ``which`` (the ``plan-`` may be left out), else the one in file ``which``.

        Raises StoreError when there is neither, or it is truncated, of a newer version, or was edited.
        """
        for name in (which, f"plan-{which}"):
            path = self.folder.plan(name)
            if path.exists():
                return read(path)
        if Path(which).exists():
            return read(Path(which))
        known = ", ".join(self.newest(5)) or "none"
        raise StoreError(f"{which}: there is no such plan in {self.folder.plans} and no such file; newest: {known}")

    def newest(self, count: int) -> tuple[str, ...]:
        """Ids of the plans that were saved last, newest first."""
        files = sorted(self.folder.plans.glob("plan-*.json"), key=lambda path: (-path.stat().st_mtime_ns, path.name))
        return tuple(path.stem for path in files[:count])


def export(plan: Plan, path: Path) -> None:
    """Write ``plan`` to ``path``. Raises StoreError."""
    write(path, seal("plan", plan.model_dump(mode="json", by_alias=True)))


def read(path: Path) -> Plan:
    """The plan in ``path``. Raises StoreError."""
    value = unseal(path, "plan", FORMAT)
    try:
        return Plan.model_validate(value)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"{path}: is no plan: {where}: {first['msg']}; make a new plan") from None
