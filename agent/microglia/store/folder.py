"""Where microglia keeps its files.

The state folder is ``settings.state`` (``--state``, ``MICROGLIA_STATE``; by default the user's state folder as the
operating system has it)::

    plans/<plan id>.json                      plans as they were made, for ``apply``
    proposals/<plan id>/                      patches, their inverses and the text of a pull request
    buckets.db                                closed hours of every cluster (SQLite); may be deleted, costs a cold start
    <cluster>/journal/<plan id>.json          one record per plan that was acted on: receipts and verdicts
    <cluster>/state/<structure>.json          phase, round and shields of one structure
    <cluster>/act.lock                        the local lock where Leases are forbidden
    <cluster>/journal.lock                    held while a record is being written

``<cluster>`` is the uid of namespace ``kube-system``, which no two clusters share; where it may not be read,
``name-`` and the cluster's name. Every JSON file is sealed with a checksum and carries a format number. ``restore``
needs only ``<cluster>/journal``: back that up.
"""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Shelf:
    """The files of one cluster."""

    root: Path

    @property
    def journal(self) -> Path:
        """The folder of records."""
        return self.root / "journal"

    @property
    def lock(self) -> Path:
        """The local lock."""
        return self.root / "act.lock"

    @property
    def writing(self) -> Path:
        """Held while a record is open."""
        return self.root / "journal.lock"

    def record(self, plan_id: str) -> Path:
        """One record."""
        return self.journal / f"{_safe(plan_id)}.json"

    def state(self, structure: str) -> Path:
        """One structure's memory."""
        return self.root / "state" / f"{_safe(structure)}.json"


@dataclass(frozen=True, slots=True)
class Folder:
    """The state folder. Nothing is created before something is written."""

    root: Path

    @property
    def buckets(self) -> Path:
        """The database of closed hours."""
        return self.root / "buckets.db"

    @property
    def plans(self) -> Path:
        """The folder of saved plans."""
        return self.root / "plans"

    @property
    def proposals(self) -> Path:
        """The folder of what was proposed on branches, a folder for each plan."""
        return self.root / "proposals"

    def plan(self, plan_id: str) -> Path:
        """One saved plan."""
        return self.plans / f"{_safe(plan_id)}.json"

    def cluster(self, uid: str, name: str) -> Shelf:
        """The files of the cluster with this ``kube-system`` uid, by ``name`` where the uid is empty."""
        return Shelf(self.root / (_safe(uid) if uid else f"name-{_safe(name)}"))


def _safe(name: str) -> str:
    # A name that is only dots would climb out of the folder.
    return quote(name, safe="").replace(".", "%2E") if not name.strip(".") else quote(name, safe="")
