"""Every object of a kind, wherever the API server has it: CRDs change their versions, some even their groups."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from microglia.model.kinds import Kind
from microglia.model.objects import Raw
from microglia.model.ports import AbsentError


class Listing(Protocol):
    """Anything that lists the objects of a kind."""

    def objects(self, kind: Kind) -> Sequence[Raw]:
        """Every object of ``kind`` as raw JSON, any order. Raises AbsentError or UnreadableError."""
        ...


def listed(cluster: Listing, kind: Kind) -> Sequence[Raw]:
    """Every object of ``kind``: of each group that serves it, under the first version that does.

    Raises AbsentError when nothing serves it, and UnreadableError as soon as one place refuses: what lies there would
    be missing unseen.
    """
    found: list[Raw] = []
    served: set[str] = set()
    for place in kind.places:
        if place.group not in served:
            with suppress(AbsentError):
                found += cluster.objects(place)
                served.add(place.group)
    if not served:
        raise AbsentError(f"{kind.path} is not served here")
    return found
