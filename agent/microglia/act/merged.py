"""After somebody merged a proposal: the journal learns that it is in force."""

from datetime import datetime

from microglia.model.kinds import BY_NAME
from microglia.model.listing import listed
from microglia.model.objects import BlindSpot, Objects, Raw, sorted_objects
from microglia.model.ports import AbsentError, Cluster, UnreadableError
from microglia.plan.merged import asked, merged, waiting
from microglia.plan.ports import Journal


def recognise(journal: Journal, cluster: Cluster, structure: str, now: datetime) -> None:
    """Compare what was proposed for ``structure`` with the cluster, and note what was merged ("by Git").

    Reads the cluster only while a proposal waits; writes nothing to it. What cannot be read stays proposed. Raises
    OSError when the journal cannot be read or written.
    """
    records = journal.history(structure).records
    if not waiting(records):
        return
    for found in merged(records, _objects(cluster, asked(records)), now):
        journal.step(found.record, found.step)


def _objects(cluster: Cluster, names: tuple[str, ...]) -> Objects:
    kinds: dict[str, tuple[Raw, ...]] = {}
    faults = []
    for name in names:
        try:
            kinds[name] = sorted_objects(listed(cluster, BY_NAME[name]))
        except AbsentError:
            kinds[name] = ()
        except UnreadableError as error:
            faults.append(BlindSpot(name, str(error)))
    return Objects(kinds, tuple(faults))
