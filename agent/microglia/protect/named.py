"""What an object names: the shape that most rules about routing share, and that tells a typo from a name."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeAlias

from microglia.protect.keep import Keep, Where, pin, to_hosts
from microglia.protect.look import Look


class Named(NamedTuple):
    """One reference that protects: ``hosts`` are those it may mean, ``where`` is where it is written."""

    hosts: tuple[str, ...]
    reason: str
    where: Where


Naming: TypeAlias = Callable[[Look], Iterable[Named]]
"""Every protecting reference of one kind of object."""


def kept(look: Look, found: Iterable[Named]) -> Iterator[Keep]:
    """Pin the workloads behind each reference, and everybody's routes to it."""
    for one in found:
        yield from pin(look.serving(one.hosts), one.reason, one.where)
        yield from to_hosts((host for host in one.hosts if host in look.topology.reach), one.reason, one.where)
